-- How calls wait in a worker of nginx: beside code that sets nginx's clock, where they cannot
-- yield, and where no timer can be had. nginx embeds LuaJIT, so that this runs with the specs of
-- jit.
local boundaries = require("spec.support.boundaries")
local cjson = require("cjson").new()
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")

if not nginx.is_here then
  return pending("nginx runs LuaJIT: the run on that covers it", function() end)
end

local SERVERS = [[
  lua_shared_dict answers 1m;
  lua_check_client_abort on;
  server {
    listen unix:{{socket}} backlog=1024;
    location = /alive { content_by_lua_block { require("jobs").alive() } }
    location = /pid { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    location = /kept { content_by_lua_block { require("jobs").kept() } }
    location = /content { content_by_lua_block { require("jobs").answer() } }
    location = /token { content_by_lua_block { require("calls").answer() } }
    location = /list { content_by_lua_block { require("many").answer() } }
    location = /boundary { content_by_lua_block { require("waiting").within_boundary() } }
    location = /on_event { content_by_lua_block { require("waiting").within_on_event() } }
    location = /kinds { content_by_lua_block { require("waiting").each_kind() } }
    location = /log {
      content_by_lua_block { ngx.print("done") }
      log_by_lua_block { require("waiting").keep_of_coroutine() }
    }
    location = /hold { content_by_lua_block { require("waiting").hold_timers() } }
    location = /release { content_by_lua_block { require("waiting").release_timers() } }
  }
]]

local function options(world, scenario, more)
  local made = { base_url = world:base_url(scenario), ca_file = mock.ca_file, timeout = 10 }
  for key, value in pairs(more or {}) do
    made[key] = value
  end
  return made
end

local PARAMS = { access_token = mock.token, accountID = 1, inboxID = 10 }

local function job(world, scenario, more)
  return cjson.encode { params = PARAMS, options = options(world, scenario, more) }
end

-- One deletion of so many, from so many clients at once: how many were told that it was done, and
-- the others' answers.
local function delete_from_clients(server, clients, count, the_job)
  local url = nginx.url_with("/content", { job = the_job })
    :gsub("'$", ("\\&[1-%d]'"):format(count)):gsub("\\", "")
  local output = server:curl(("-Z --parallel-immediate --parallel-max %d %s")
    :format(clients, url))
  local _, deleted = output:gsub('"status":"OK"', "")
  return deleted, output
end

describe("a worker in which others set nginx's clock", function()
  local server, world

  setup(function()
    server = nginx.start {
      servers = SERVERS, init_worker = 'require("waiting").update_time()',
    }
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    world = mock.world()
  end)

  for _, clients in ipairs { 1, 16 } do
    it("tells each caller its own outcome, of so many at once: " .. clients, function()
      local count = clients * 40
      local deleted, output = delete_from_clients(server, clients, count, job(world, "delay-20"))
      assert.equal(count, deleted, output)
      assert.equal(count, world:count())
      assert.equal(0, #server:logged("a caller went away"))
      assert.equal(0, #server:logged("[error]"))
    end)
  end

  it("tells the outcomes of a list", function()
    local list = {}
    for i = 1, 60 do
      list[i] = { accountID = 1, inboxID = i }
    end
    local answer = server:ask("/list", { job = cjson.encode {
      options = options(world, "delay-20", { access_token = mock.token }), list = list,
      many = { concurrency = 8 },
    } })
    assert.equal(60, answer.counts and answer.counts.deleted, cjson.encode(answer))
    assert.equal(60, world:count())
    assert.equal(0, #server:logged("a caller went away"))
  end)

  it("still logs the outcome of a caller that goes away, once", function()
    local said = server:curl("--max-time 0.2 " .. nginx.url_with("/content",
      { job = job(world, "delay-400") }))
    assert.matches("timed out", said, 1, true)
    nginx.wait_until("the outcome is logged", function()
      return #server:logged("ended: OK") > 0
    end)
    assert.equal(1, #server:logged("a caller went away"))
    assert.equal(1, world:count())
  end)
end)

describe("a call in nginx that could not wait", function()
  local server, world

  setup(function()
    server = nginx.start { servers = SERVERS }
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    world = mock.world()
  end)

  local function check_refused(answer)
    assert.is_true(answer.is_error, answer.raised)
    assert.equal("argument", answer.error.kind)
    assert.equal("CANNOT_YIELD_HERE", answer.error.name)
    assert.equal("not_sent", answer.error.outcome)
    assert.is_nil(answer.inbox)
  end

  for _, name in ipairs(boundaries.names) do
    it("is refused before anything is sent, or deletes: " .. name, function()
      local answer = server:ask("/boundary", { job = job(world, "ok"), boundary = name })
      local expected = boundaries.can_yield_across(name)
      if expected then
        assert.equal(10, answer.inbox)
      elseif expected == false then
        check_refused(answer)
      end
      assert.equal(expected and 2 or 1, world:count())
      assert.equal(0, #server:logged("a caller went away"))
    end)
  end

  -- Its light thread is killed where it yields: see ninedig.events.
  it("is refused in on_event, whose light thread others use again", function()
    for i = 1, 3 do
      check_refused(server:ask("/on_event", { job = job(world, "ok") }))
      assert.equal(2 * i, world:count())
    end
    assert.equal(0, #server:logged("a caller went away"))
  end)

  it("is refused alike whatever its kind", function()
    local answers = server:ask("/kinds", { job = cjson.encode {
      options = options(world, "live", {
        client_id = mock.client_id, client_secret = mock.client_secret,
      }),
      calls = {
        get_accounts = {}, get_inboxes = { accountID = 1 }, get_whatsapp_numbers = {},
        get_access_token = {}, find_inbox = { whatsapp_number = "972501234567" },
        verify_deletion = { accountID = 1, inboxID = 10 },
        delete_inbox = { accountID = 1, inboxID = 10 },
        delete_inboxes = { { accountID = 1, inboxID = 10 } },
      },
    } })
    local count = 0
    for method, answer in pairs(answers) do
      count = count + 1
      assert.same({ ok = false, name = "CANNOT_YIELD_HERE", outcome = "not_sent" },
        { ok = answer.ok, name = answer.name, outcome = answer.outcome }, method .. answer.text)
    end
    assert.equal(8, count)
    assert.equal(0, world:count())
  end)

  it("is refused in a coroutine of a phase that resumes nothing", function()
    server:curl(nginx.url_with("/log", { job = job(world, "ok") }))
    local text = nginx.wait_until("the phase has been", function()
      local kept = server:get("/kept?phase=log")
      return kept ~= "none" and kept
    end)
    local answer = server:decode(text)
    assert.equal("PHASE_CANNOT_WAIT", answer.error.name)
    assert.equal("not_sent", answer.error.outcome)
    assert.equal(0, world:count())
  end)
end)

describe("a worker whose timers are used up", function()
  local server, world

  before_each(function()
    world = mock.world()
  end)
  after_each(function()
    server:stop()
  end)

  local function start(http)
    server = nginx.start { servers = SERVERS, http = http or "lua_max_running_timers 2;" }
  end

  local function check_no_timer(err, outcome)
    assert.equal("network", err.kind)
    assert.equal("NO_TIMER", err.name)
    assert.equal(outcome, err.outcome)
    assert.is_true(err.retryable)
    assert.matches("nothing was sent", err.message, 1, true)
    assert.matches("lua_max_running_timers", err.message, 1, true)
  end

  for name, http in pairs {
    ["none may run"] = "lua_max_running_timers 0;",
    ["none may wait"] = "lua_max_pending_timers 0;",
  } do
    it("sends nothing: " .. name, function()
      start(http)
      local answer = server:ask("/content", { job = job(world, "ok", { connect_timeout = 0.3 }) })
      check_no_timer(answer.error, "not_sent")
      assert.equal("1", answer.error.accountID)
      assert.equal("10", answer.error.inboxID)
      assert.equal("0 0", server:get("/alive"):match("^%d+ %d+"))
      assert.equal(0, world:count())
    end)
  end

  it("sends nothing: others have them", function()
    start()
    assert.equal("held", server:get("/hold?count=2"))
    local the_job = job(world, "ok", { connect_timeout = 0.3 })
    check_no_timer(server:ask("/content", { job = the_job }).error, "not_sent")
    assert.equal(0, world:count())
    assert.equal("released", server:get("/release"))
    assert.equal("OK", server:ask("/content", { job = the_job }).result.status)
    assert.equal(1, world:count())
  end)

  it("sends nothing for a token, either, nor waits longer than the time-out", function()
    start()
    server:get("/hold?count=2")
    local answer = server:ask("/token", { job = cjson.encode {
      method = "get_accounts", options = options(world, "live", {
        client_id = mock.client_id, client_secret = mock.client_secret,
        connect_timeout = 0.2, timeout = 2,
      }),
    } })[1]
    check_no_timer(answer.error, "none")
    assert.equal("get_access_token", answer.error.call)
    for _, key in ipairs { "accountID", "server", "inboxID" } do
      assert.is_nil(answer.error[key], key)
    end
    answer = server:ask("/content", { job = cjson.encode {
      params = { accountID = 1, inboxID = 10 }, options = options(world, "live", {
        client_id = mock.client_id, client_secret = mock.client_secret, connect_timeout = 0.2,
      }),
    } })
    check_no_timer(answer.error, "not_sent")
    assert.equal("get_access_token", answer.error.call)
    assert.equal("10", answer.error.inboxID)
    assert.equal(0, world:count())
  end)

  it("sends nothing of a list", function()
    start()
    server:get("/hold?count=2")
    local answer = server:ask("/list", { job = cjson.encode {
      options = options(world, "ok", { access_token = mock.token, connect_timeout = 0.2 }),
      list = { { accountID = 1, inboxID = 1 }, { accountID = 1, inboxID = 2 } },
      many = { concurrency = 1 },
    } })
    assert.same({ "not_sent", "skipped" }, answer.classes)
    assert.equal(0, world:count())
  end)

  it("sends once one is free, in order", function()
    start()
    server:get("/hold?count=2")
    local pipes = {}
    for i = 1, 3 do
      local params = { access_token = mock.token, accountID = 1, inboxID = i }
      pipes[i] = server:start_curl(nginx.url_with("/content", { job = cjson.encode {
        params = params, options = options(world, "ok", { max_in_flight = 1 }),
      } }))
      nginx.wait_until("the call has begun", function()
        return server:get("/alive"):match("^%d+ (%d+)") == tostring(i)
      end)
    end
    assert.equal(0, world:count())
    server:get("/release")
    for i = 1, 3 do
      assert.equal(tostring(i), server:decode(pipes[i]:read("*a")).result.inboxID)
      pipes[i]:close()
      assert.equal(i, tonumber(world:requests()[i].body:match('"inboxID":(%d+)')))
    end
    assert.equal(3, world:count())
  end)

  it("takes a call along whose caller goes away before it was sent", function()
    start()
    server:get("/hold?count=2")
    local said = server:curl("--max-time 0.3 " .. nginx.url_with("/content",
      { job = job(world, "ok") }))
    assert.matches("timed out", said, 1, true)
    server:get("/release")
    local params = { access_token = mock.token, accountID = 1, inboxID = 11 }
    local answer = server:ask("/content", { job = cjson.encode {
      params = params, options = options(world, "ok"),
    } })
    assert.equal("11", answer.result.inboxID)
    assert.equal(1, world:count())
    assert.matches('"inboxID":11', world:requests()[1].body, 1, true)
    assert.equal(0, #server:logged("a caller went away"))
    nginx.wait_until("nothing is held", function()
      return server:get("/alive"):match("^0 %d+ 0$")
    end)
  end)

  -- The leader has begun to run before anything was sent, and nobody takes its timer away.
  it("drives on what was sent before, and logs its outcome in time and once, also on QUIT",
    function()
      start()
      local pipe = server:start_curl("--max-time 0.6 " .. nginx.url_with("/content",
        { job = job(world, "delay-1200") }))
      assert.is_true(world:wait_for(1))
      server:get("/hold?count=1")
      assert.matches("timed out", pipe:read("*a"), 1, true)
      pipe:close()
      server:get("/release")
      server:signal("QUIT")
      nginx.wait_until_gone(server.master)
      local lines = server:logged("a caller went away")
      assert.equal(1, #lines)
      assert.matches("ended: OK", lines[1], 1, true)
      assert.equal(1, world:count())
    end)
end)
