-- Calls in a worker of nginx whose caller goes away, or the worker; and what the worker does
-- meanwhile. nginx embeds LuaJIT, so that these run with the specs of jit.
local cjson = require("cjson").new()
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")

-- What a ping may take while calls wait: the worker is busy with other things, and so is the
-- machine, but it does not stand still for as long as a call waits.
local SERVED = 0.25

local function job(world, scenario, more)
  local options = { base_url = world:base_url(scenario), ca_file = mock.ca_file, timeout = 10 }
  for key, value in pairs(more or {}) do
    options[key] = value
  end
  return cjson.encode {
    params = { access_token = mock.token, accountID = 1, inboxID = 10 }, options = options,
  }
end

local started = 0

-- So many requests at once, each with a job.
local function start_calls(server, count, the_job)
  local url = nginx.url_with("/content", { job = the_job }):gsub("'$", ("&[1-%d]'"):format(count))
  started = started + 1
  local directory = ("%s/answers-%d"):format(server.dir, started)
  local pipe = server:start_curl(("-Z --parallel-immediate --parallel-max %d --create-dirs"
    .. " -o '%s/#1' %s"):format(count, directory, url))
  return { pipe = pipe, directory = directory, count = count }
end

-- Waits until all are answered; those that are not have no answer.
local function read_answers(calls)
  calls.pipe:read("*a")
  calls.pipe:close()
  local answers = {}
  for i = 1, calls.count do
    local file = io.open(calls.directory .. "/" .. i)
    local text = file and file:read("*a") or ""
    local ok, answer = pcall(cjson.decode, text)
    answers[i] = ok and answer or { text = text }
    if file then
      file:close()
    end
  end
  return answers
end

local function count_deleted(answers)
  local count = 0
  for _, answer in ipairs(answers) do
    count = count + (answer.result and answer.result.status == "OK" and 1 or 0)
  end
  return count
end

local function median(values)
  table.sort(values)
  return values[math.ceil(#values / 2)]
end

-- The first ping has its connection accepted, behind those of the calls: one in each round of
-- nginx's loop. The others have theirs.
local function slowest(pings)
  local most = 0
  for i = 2, #pings do
    most = math.max(most, pings[i].seconds)
  end
  return most
end

if not nginx.is_here then
  return pending("nginx runs LuaJIT: the run on that covers it", function() end)
end

describe("a call in nginx whose caller goes away", function()
  local server, world

  before_each(function()
    world = mock.world()
    server = nginx.start()
    assert.equal("0 0 0", server:get("/alive"))
  end)
  after_each(function()
    server:stop()
  end)

  -- Waits for what is logged, once; the worker then holds nothing any more.
  local function check_logged(ending)
    nginx.wait_until("the outcome is logged", function()
      return #server:logged("a caller went away") > 0
    end)
    nginx.wait_until("nothing is held", function()
      return server:get("/alive"):match("^0 %d+ 0$")
    end)
    local lines = server:logged("a caller went away")
    assert.equal(1, #lines)
    for _, text in ipairs { "[warn]", "accountID 1,", "server online,", "inboxID 10)", ending } do
      assert.is_truthy(lines[1]:find(text, 1, true), text .. " is missing: " .. lines[1])
    end
    assert.is_nil(server:error_log():find(mock.token, 1, true))
    assert.equal(1, world:count())
  end

  local function abort(the_job)
    local pipe = server:start_curl("--max-time 0.5 " .. nginx.url_with("/content",
      { job = the_job }))
    assert.is_true(world:wait_for(1))
    assert.matches("timed out", pipe:read("*a"), 1, true)
    pipe:close()
  end

  it("is driven to its end: a client that aborts", function()
    abort(job(world, "delay-1000"))
    check_logged("ended: OK")
  end)

  it("is driven to its end: a refusal", function()
    abort(job(world, "delay-1000+reason-47"))
    check_logged("ended: outcome rejected")
  end)

  it("is driven to its end: no answer in time, and the service repeats the token", function()
    abort(job(world, "never", { timeout = 1.2 }))
    check_logged("ended: outcome unknown")
  end)

  it("shows no token that the service repeats", function()
    abort(job(world, "delay-1000+echo_token"))
    check_logged("ended: outcome unknown")
  end)

  it("is driven to its end: a light thread that is killed", function()
    assert.equal("1", server:curl(nginx.url_with("/thread",
      { job = job(world, "delay-800"), after = 400 })))
    check_logged("ended: OK")
  end)

  it("is driven to its end: a worker that exits", function()
    abort(job(world, "delay-1200"))
    server:signal("QUIT")
    nginx.wait_until_gone(server.master)
    local lines = server:logged("a caller went away")
    assert.equal(1, #lines)
    assert.matches("ended: OK", lines[1], 1, true)
    assert.equal(1, world:count())
  end)

  -- Nothing is sent for it later, and nothing is logged.
  local function check_given_up(others)
    nginx.wait_until("nothing is held", function()
      return server:get("/alive"):match("^0 %d+ 0$")
    end)
    local answers = read_answers(start_calls(server, 2, job(world, "ok")))
    assert.equal(2, count_deleted(answers))
    assert.equal(others + 2, world:count())
    assert.same({}, server:logged("a caller went away"))
  end

  local function hang_up(the_job)
    local pipe = server:start_curl("--max-time 0.2 " .. nginx.url_with("/content",
      { job = the_job }))
    assert.matches("timed out", pipe:read("*a"), 1, true)
    pipe:close()
  end

  it("is given up before it was sent: it waited for a connection", function()
    local first = start_calls(server, 1, job(world, "delay-500", { max_in_flight = 1 }))
    assert.is_true(world:wait_for(1))
    hang_up(job(world, "ok", { max_in_flight = 1 }))
    assert.equal(1, count_deleted(read_answers(first)))
    check_given_up(1)
  end)

  it("is given up before it was sent: it connected", function()
    mock.while_halted(function()
      hang_up(job(world, "ok", { base_url = world:base_url("ok", mock.spare()) }))
    end)
    check_given_up(0)
  end)

  it("is given up before it was sent: a killed light thread", function()
    mock.while_halted(function()
      assert.equal("1", server:curl(nginx.url_with("/thread", {
        job = job(world, "ok", { base_url = world:base_url("ok", mock.spare()) }), after = 100,
      })))
    end)
    check_given_up(0)
  end)

  it("is given up before it was sent: a killed light thread, hosted by ngx.sleep", function()
    local first = start_calls(server, 1, job(world, "delay-500", { max_in_flight = 1 }))
    assert.is_true(world:wait_for(1))
    assert.equal("1", server:curl(nginx.url_with("/thread", {
      job = job(world, "reason-47", { max_in_flight = 1 }), after = 100, hosted = 1,
    })))
    assert.equal(1, count_deleted(read_answers(first)))
    local others = start_calls(server, 2, job(world, "delay-100", { max_in_flight = 1 }))
    assert.equal(2, count_deleted(read_answers(others)))
    for _, request in ipairs(world:requests()) do
      assert.matches("delay", request.scenario)
    end
    assert.equal(3, world:count())
  end)

  it("is not waited for by other calls", function()
    abort(job(world, "delay-1000"))
    local other = mock.world()
    local answers = read_answers(start_calls(server, 2, job(other, "ok")))
    assert.equal(2, count_deleted(answers))
    assert.equal(2, other:count())
    check_logged("ended: OK")
  end)
end)

describe("nginx under load", function()
  local CALLS = 40
  local server, world

  before_each(function()
    world = mock.world()
  end)
  after_each(function()
    server:stop()
  end)

  it("answers what is in flight when it reloads, and its old worker goes", function()
    server = nginx.start()
    local old = server:get("/pid")
    local pipe = start_calls(server, CALLS, job(world, "delay-500"))
    assert.is_true(world:wait_for(CALLS))
    server:signal("HUP")
    local new = nginx.wait_until("a new worker answers", function()
      local pid = server:get("/pid")
      return pid:match("^%d+$") and pid ~= old and pid
    end)
    assert.equal(CALLS, count_deleted(read_answers(pipe)))
    nginx.wait_until_gone(old)
    assert.equal(CALLS, world:count())
    assert.equal(2, count_deleted(read_answers(start_calls(server, 2, job(world, "ok")))))
    assert.equal(new, server:get("/pid"))
    assert.equal(0, #server:logged("[alert]"))
  end)

  it("answers what is in flight when it quits", function()
    server = nginx.start()
    local pipe = start_calls(server, CALLS, job(world, "delay-500"))
    assert.is_true(world:wait_for(CALLS))
    server:signal("QUIT")
    assert.equal(CALLS, count_deleted(read_answers(pipe)))
    nginx.wait_until_gone(server.master)
    assert.equal(CALLS, world:count())
    assert.equal(0, #server:logged("[alert]"))
  end)

  it("drives to its end what outlives worker_shutdown_timeout", function()
    server = nginx.start { main = "worker_shutdown_timeout 100ms;" }
    local pipe = start_calls(server, 3, job(world, "delay-1200"))
    assert.is_true(world:wait_for(3))
    server:signal("QUIT")
    assert.equal(0, count_deleted(read_answers(pipe)))
    nginx.wait_until_gone(server.master)
    assert.equal(3, #server:logged("ended: OK"))
    assert.equal(3, world:count())
  end)

  it("ends at once when it is terminated, and without a crash", function()
    server = nginx.start()
    local pipe = start_calls(server, CALLS, job(world, "never", { timeout = 60 }))
    assert.is_true(world:wait_for(CALLS))
    server:signal("TERM")
    nginx.wait_until_gone(server.master)
    assert.equal(0, count_deleted(read_answers(pipe)))
    assert.equal(CALLS, world:count())
    assert.equal(0, #server:logged("exited on signal"))
    assert.equal(0, #server:logged("[alert]"))
  end)
end)

describe("a worker with calls in flight", function()
  local server, world

  before_each(function()
    world = mock.world()
  end)
  after_each(function()
    server:stop()
  end)

  it("serves as fast as without any", function()
    server = nginx.start()
    local idle, busy = {}, {}
    for _, ping in ipairs(server:ping(200)) do
      assert.equal(0, ping.in_flight)
      idle[#idle + 1] = ping.seconds
    end
    local calls = 0
    while #busy < 100 do
      calls = calls + 64
      assert.is_true(calls <= 640, "the pings take too long to come while calls are in flight")
      local pipe = start_calls(server, 64, job(world, "delay-300", { max_in_flight = 64 }))
      assert.is_true(world:wait_for(calls))
      for _, ping in ipairs(server:ping(200)) do
        if ping.in_flight == 64 then
          busy[#busy + 1] = ping.seconds
        end
      end
      assert.equal(64, count_deleted(read_answers(pipe)))
    end
    assert.equal(calls, world:count())
    local without, with = median(idle), median(busy)
    print(("/ping: %.3f ms with no deletion in flight, %.3f ms with 64 (medians of %d and %d)")
      :format(without * 1000, with * 1000, #idle, #busy))
    assert.is_true(with <= 2 * without + 0.0005)
  end)

  it("serves while 200 calls are made at once", function()
    server = nginx.start()
    local pipe = start_calls(server, 200, job(world, "delay-200"))
    assert.is_true(world:wait_for(1))
    local pings = server:ping(100)
    assert.is_true(pings[1].in_flight > 64)
    assert.is_true(slowest(pings) < SERVED)
    assert.equal(200, count_deleted(read_answers(pipe)))
    assert.equal(200, world:count())
  end)

  it("serves while TLS handshakes stall", function()
    server = nginx.start()
    local the_job = job(world, "ok", {
      base_url = world:base_url("ok", mock.stalled), connect_timeout = 1,
    })
    local pipe = start_calls(server, 30, the_job)
    nginx.wait_until("the calls are under way", function()
      return server:ping(1)[1].in_flight == 30
    end)
    assert.is_true(slowest(server:ping(100)) < SERVED)
    local answers = read_answers(pipe)
    assert.equal(30, #answers)
    for _, answer in ipairs(answers) do
      assert.equal("not_sent", answer.error.outcome)
    end
    assert.equal(0, world:count())
  end)

  it("serves while a name server does not answer, and ends at once", function()
    local library = mock.dir .. "/stalled_names.so"
    assert(os.execute(("cc -shared -fPIC -D_GNU_SOURCE -o %s spec/nginx/stalled_names.c -ldl")
      :format(library)))
    server = nginx.start { environment = "LD_PRELOAD=" .. library }
    local the_job = job(world, "ok", {
      base_url = "https://partners.stalled.example/api", timeout = 1, proxy = "",
    })
    local pipe = start_calls(server, 30, the_job)
    nginx.wait_until("the calls are under way", function()
      return server:ping(1)[1].in_flight == 30
    end)
    assert.is_true(slowest(server:ping(100)) < SERVED)
    local answers = read_answers(pipe)
    assert.equal(30, #answers)
    for _, answer in ipairs(answers) do
      assert.equal("network", answer.error.kind)
      assert.equal("not_sent", answer.error.outcome)
    end
    assert.is_true(slowest(server:ping(20)) < SERVED) -- as the look-ups go on
    server:signal("TERM")
    nginx.wait_until_gone(server.master)
    assert.equal(0, #server:logged("exited on signal"))
  end)
end)
