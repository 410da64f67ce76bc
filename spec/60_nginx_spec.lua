-- ninedig in a worker of nginx: each phase, and what the environment could change of a call.
-- nginx embeds LuaJIT, so that what needs it runs with the specs of jit.
local cjson = require("cjson").new()
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")

local YIELDING = { "content", "rewrite", "access", "timer", "coroutine" }
local REFUSED = { "set", "header_filter", "body_filter", "log", "balancer" }

local function job(world, scenario, more)
  local made = {
    params = { access_token = mock.token, accountID = 1, inboxID = 10 },
    options = { base_url = world:base_url(scenario), ca_file = mock.ca_file, timeout = 10 },
  }
  for key, value in pairs(more or {}) do
    local into = made.params[key] ~= nil and made.params or made.options
    into[key] = value
  end
  return made
end

-- The answer of a job that is done at this path.
local function ask(server, path, the_job, arguments)
  arguments = arguments or {}
  arguments.job = cjson.encode(the_job)
  return server:ask(path, arguments)
end

local function check_deleted(answer)
  assert.same({
    status = "OK", reason = "1", accountID = "1", server = "online", inboxID = "10",
    whatsapp_number = "972501234567",
  }, answer.result, answer.text)
end

-- A phase that cannot wait: nothing was sent.
local function check_refused(answer, phase, world)
  local err = assert(answer.error, "no error")
  assert.is_true(answer.is_error)
  assert.equal("argument", err.kind)
  assert.equal("PHASE_CANNOT_WAIT", err.name)
  assert.equal("not_sent", err.outcome)
  assert.is_false(err.retryable)
  assert.matches("phase " .. phase, err.message, 1, true)
  assert.matches("ngx.timer.at", err.message, 1, true)
  assert.equal(0, world:count())
end

describe("the phases of nginx", function()
  -- On every Lua: the phase is asked of ngx.get_phase at each call, before anything is begun.
  for _, phase in ipairs { "init_worker", "set", "header_filter", "body_filter", "log", "balancer",
    "exit_worker", "ssl_session_store", "of_a_later_version" } do
    it("are asked of ngx.get_phase: " .. phase .. " is refused", function()
      local world = mock.world()
      local the_job = job(world, "ok")
      local program = ([[
        ngx = { get_phase = function() return %q end }
        local safe = require("ninedig.safe")
        local result, err = safe.delete_inbox(
          { access_token = %q, accountID = 1, inboxID = 10 }, { base_url = %q, ca_file = %q })
        assert(result == nil)
        io.write(err.kind, " ", err.name, " ", err.outcome, " ", err.message)
      ]]):format(phase, mock.token, the_job.options.base_url, the_job.options.ca_file)
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(program)
      file:close()
      local lua = os.getenv("NINEDIG_LUA") or "lua5.4"
      local pipe = assert(io.popen(lua .. " " .. path .. " 2>&1"))
      local said = pipe:read("*a")
      pipe:close()
      os.remove(path)
      assert.matches("argument PHASE_CANNOT_WAIT not_sent ", said, 1, true)
      assert.matches("phase " .. phase, said, 1, true)
      assert.matches("ngx.timer.at", said, 1, true)
      assert.equal(0, world:count())
    end)
  end
end)

if not nginx.is_here then
  return pending("nginx runs LuaJIT: the run on that covers it", function() end)
end

describe("in nginx", function()
  local server, world

  setup(function()
    server = nginx.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    world = mock.world()
  end)

  for _, phase in ipairs(YIELDING) do
    it("a call deletes: " .. phase, function()
      check_deleted(ask(server, "/" .. phase, job(world, "ok")))
      assert.equal(1, world:count())
      assert.equal('{"accountID":1,"server":"online","inboxID":10}', world:requests()[1].body)
    end)
  end

  it("a call in set_by_lua is refused, and nothing sent", function()
    check_refused(ask(server, "/set", job(world, "ok")), "set", world)
  end)

  for i = 2, #REFUSED do
    local phase = REFUSED[i]
    it("a call in " .. phase .. "_by_lua is refused, and nothing sent", function()
      server:curl(nginx.url_with("/" .. phase, { job = cjson.encode(job(world, "ok")) }))
      local text = nginx.wait_until("the phase has been", function()
        local kept = server:get("/kept?phase=" .. phase)
        return kept ~= "none" and kept
      end)
      check_refused(cjson.decode(text), phase, world)
    end)
  end

  it("an error is an object, whichever way it comes", function()
    for _, raising in ipairs { true, false } do
      world = mock.world()
      local the_job = job(world, "reason-47")
      the_job.raising = raising
      local answer = ask(server, "/content", the_job)
      local err = answer.error
      assert.is_true(answer.is_error)
      assert.equal("api", err.kind)
      assert.equal("INBOX_ID_INVALID", err.name)
      assert.equal("rejected", err.outcome)
      assert.equal("47", err.reason)
      assert.equal("ninedig: ", answer.text:sub(1, 9))
      assert.equal(1, world:count())
    end
  end)

  it("an error that nobody catches ends the request with 500, and nginx says little", function()
    assert.equal("500", server:curl("-o /dev/null -w '%{http_code}' " .. nginx.url("/uncaught")))
    assert.equal(1, #server:logged("unknown reason"))
  end)

  it("ids go out and come back as they are", function()
    local large = { accountID = "900000000000001", inboxID = "123456789012345678" }
    local answer = ask(server, "/content", job(world, "ok", large))
    assert.equal("900000000000001", answer.result.accountID)
    assert.equal("123456789012345678", answer.result.inboxID)
    assert.equal('{"accountID":900000000000001,"server":"online","inboxID":123456789012345678}',
      world:requests()[1].body)
  end)

  it("a time-out ends the call, with an unknown outcome", function()
    local answer = ask(server, "/content", job(world, "never", { timeout = 0.3 }))
    assert.equal("TIMEOUT", answer.error.name)
    assert.equal("unknown", answer.error.outcome)
    assert.equal(1, world:count())
  end)

  it("a TLS handshake that stalls ends with connect_timeout, and nothing is sent", function()
    local the_job = job(world, "ok", { connect_timeout = 0.3 })
    the_job.options.base_url = world:base_url("ok", mock.stalled)
    local answer = ask(server, "/content", the_job)
    assert.equal("network", answer.error.kind)
    assert.equal("not_sent", answer.error.outcome)
    assert.equal(0, world:count())
  end)

  it("a certificate that nobody trusts is an error before the send", function()
    local the_job = job(world, "ok")
    the_job.options.base_url = world:base_url("ok", mock.untrusted)
    local answer = ask(server, "/content", the_job)
    assert.equal("TLS_UNTRUSTED", answer.error.name)
    assert.equal("not_sent", answer.error.outcome)
    assert.equal(0, world:count())
  end)

  it("a pooled connection that dies under a request brings one send", function()
    world.origin = mock.spare()
    check_deleted(ask(server, "/content", job(world, "close_reused")))
    local answer = ask(server, "/content", job(world, "close_reused"))
    assert.equal("network", answer.error.kind)
    assert.equal("unknown", answer.error.outcome)
    local requests = world:requests()
    assert.equal(2, #requests)
    assert.equal(requests[1].connection, requests[2].connection)
  end)

  it("the calls of a worker share its connections", function()
    for _ = 1, 3 do
      check_deleted(ask(server, "/content", job(world, "ok")))
    end
    local requests = world:requests()
    assert.equal(3, #requests)
    assert.equal(requests[1].connection, requests[3].connection)
  end)

  it("no timer runs and nothing is held when nothing is in flight", function()
    local natives = server:get("/alive"):match("^%d+")
    check_deleted(ask(server, "/content", job(world, "ok")))
    -- The leader looks each millisecond whether there is anything left.
    nginx.wait_until("no timer runs", function()
      return server:get("/alive") == natives .. " 0 0"
    end)
    assert.equal(1, world:count())
  end)
end)

describe("max_in_flight", function()
  local server, world

  setup(function()
    server = nginx.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    world = mock.world()
  end)

  local function count_connections(requests)
    local count, known = 0, {}
    for _, request in ipairs(requests) do
      count = count + (known[request.connection] and 0 or 1)
      known[request.connection] = true
    end
    return count
  end

  it("lets the rest wait in order", function()
    local the_job = job(world, "delay-30", { max_in_flight = 1 })
    local answers = ask(server, "/many", the_job, { count = 6 })
    local requests = world:requests()
    assert.equal(6, #requests)
    for i, request in ipairs(requests) do
      assert.equal(tostring(i), answers[i].result.inboxID)
      assert.equal(i, tonumber(request.body:match('"inboxID":(%d+)')))
    end
  end)

  it("is how many connections are used at once", function()
    local the_job = job(world, "delay-50", { max_in_flight = 3 })
    local answers = ask(server, "/many", the_job, { count = 12 })
    for i, answer in ipairs(answers) do
      assert.equal(tostring(i), answer.result.inboxID)
    end
    assert.equal(12, world:count())
    assert.equal(3, count_connections(world:requests()))
  end)

  it("counts the wait into the time-out: what has not begun was not sent", function()
    local the_job = job(world, "never", { max_in_flight = 2, timeout = 0.4 })
    local answers = ask(server, "/many", the_job, { count = 6 })
    local outcomes = {}
    for i, answer in ipairs(answers) do
      assert.equal("TIMEOUT", answer.error.name)
      outcomes[i] = answer.error.outcome
    end
    assert.same({ "unknown", "unknown", "not_sent", "not_sent", "not_sent", "not_sent" }, outcomes)
    assert.equal(2, world:count())
  end)
end)

describe("nginx set up in other ways", function()
  local server, world

  before_each(function()
    world = mock.world()
  end)
  after_each(function()
    server:stop()
  end)

  it("a call works with lua_code_cache off, and holds nothing afterwards", function()
    server = nginx.start { code_cache = "off" }
    for i = 1, 3 do
      check_deleted(ask(server, "/content", job(world, "ok")))
      assert.equal(i, world:count())
    end
    assert.equal("0 0 0", server:get("/alive"))
  end)

  it("many calls at once work with lua_code_cache off", function()
    server = nginx.start { code_cache = "off" }
    local answers = ask(server, "/many", job(world, "delay-50"), { count = 20 })
    for i, answer in ipairs(answers) do
      assert.equal(tostring(i), answer.result.inboxID)
    end
    assert.equal(20, world:count())
  end)

  -- The engine that the master has made is not the worker's.
  it("a call blocks in init_by_lua, and its worker makes an engine of its own", function()
    server = nginx.start {
      init = 'require("jobs").run("init")',
      files = { ["jobs.json"] = cjson.encode { init = job(world, "ok") } },
    }
    check_deleted(cjson.decode(server:get("/kept?phase=init")))
    assert.equal(1, world:count())
    check_deleted(ask(server, "/content", job(world, "ok")))
    check_deleted(ask(server, "/content", job(world, "ok")))
    local requests = world:requests()
    assert.equal(3, #requests)
    assert.are_not.equal(requests[1].connection, requests[2].connection)
    assert.equal(requests[2].connection, requests[3].connection)
  end)

  it("a module that the master has loaded works in the worker", function()
    server = nginx.start { init = 'require("ninedig")' }
    check_deleted(ask(server, "/content", job(world, "ok")))
    assert.equal(1, world:count())
  end)

  it("a call in ssl_certificate_by_lua yields, and the handshake goes on", function()
    server = nginx.start {
      files = { ["jobs.json"] = cjson.encode { ssl_cert = job(world, "delay-100") } },
    }
    local said = server:curl(("--unix-socket %s.ssl --cacert %s https://localhost/ping")
      :format(server.socket, mock.ca_file))
    assert.equal("pong", said)
    check_deleted(cjson.decode(server:get("/kept?phase=ssl_cert")))
    assert.equal(1, world:count())
  end)

  it("a call in init_worker_by_lua is refused, and nothing sent", function()
    server = nginx.start {
      init_worker = 'require("jobs").run("init_worker")',
      files = { ["jobs.json"] = cjson.encode { init_worker = job(world, "ok") } },
    }
    check_refused(cjson.decode(server:get("/kept?phase=init_worker")), "init_worker", world)
  end)

  it("a call in exit_worker_by_lua is refused, and nothing sent", function()
    server = nginx.start {
      files = { ["jobs.json"] = cjson.encode { exit_worker = job(world, "ok") } },
    }
    local old = server:get("/pid")
    server:signal("HUP")
    nginx.wait_until_gone(old)
    check_refused(cjson.decode(server:get("/kept?phase=exit_worker")), "exit_worker", world)
  end)
end)
