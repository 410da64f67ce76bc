-- The calls around a deletion in a worker of nginx, whose requests share a client.
-- nginx embeds LuaJIT, so that this runs with the specs of jit.
local caller = require("spec.support.caller")
local cjson = require("cjson").new()
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")
local partner = require("spec.support.partner")

local NUMBER = "972501234567"

local SERVERS = [[
  lua_check_client_abort on;
  server {
    listen unix:{{socket}} backlog=1024;
    location = /ping { return 200 "pong"; }
    location = /call { content_by_lua_block { require("calls").answer() } }
    location = /set {
      set_by_lua_block $answer { return require("calls").text() }
      return 200 $answer;
    }
  }
]]

describe("the calls around a deletion", function()
  -- On every Lua: the phase is asked of ngx.get_phase before anything is begun.
  it("are refused where ngx.get_phase names one that cannot wait", function()
    local world = mock.world()
    local said = caller.child({}, ([[
      ngx = { get_phase = function() return "log" end }
      local client = assert(require("ninedig.safe").client {
        base_url = %q, ca_file = %q, client_id = %q, client_secret = %q,
      })
      for _, method in ipairs { "get_accounts", "get_access_token" } do
        local result, err = client[method](client)
        print(result, err.kind, err.name, err.outcome, err.call)
      end
    ]]):format(world:base_url("live"), mock.ca_file, mock.client_id, mock.client_secret))
    assert.equal("nil\targument\tPHASE_CANNOT_WAIT\tnot_sent\tget_accounts\n"
      .. "nil\targument\tPHASE_CANNOT_WAIT\tnot_sent\tget_access_token\n", said)
    assert.equal(0, world:count())
  end)
end)

if not nginx.is_here then
  return pending("nginx runs LuaJIT: the run on that covers it", function() end)
end

describe("the calls around a deletion in nginx", function()
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

  local function job(scenario, method, params, more)
    local made = {
      method = method,
      params = params,
      options = {
        base_url = world:base_url(scenario), ca_file = mock.ca_file, timeout = 10,
        client_id = mock.client_id, client_secret = mock.client_secret,
      },
    }
    for key, value in pairs(more or {}) do
      local into = key == "count" and made or made.options
      into[key] = value
    end
    return made
  end

  local function url(the_job, path)
    return nginx.url_with(path or "/call", { job = cjson.encode(the_job) })
  end

  local function ask(the_job)
    return server:decode(server:curl(url(the_job)))
  end

  local function check_log()
    local log = server:error_log()
    for _, secret in ipairs { mock.client_secret, mock.token, "issued-", "wrong/secret" } do
      assert.is_nil(log:find(secret, 1, true), log)
    end
  end

  it("share one token request, twenty at once", function()
    local answers = ask(job("live+only-accessToken+delay-100", "delete_inbox",
      { accountID = 4, inboxID = 101 }, { count = 20 }))
    for i = 1, 20 do
      assert.is_nil(answers[i].error, cjson.encode(answers[i]))
      assert.equal(100 + i, answers[i].result.inboxID)
    end
    assert.equal("accessToken 1, deleteInbox 20", partner.counts(world))
  end)

  it("share it among requests, and later ones use it", function()
    local the_job = job("live+only-accessToken+delay-200", "get_accounts")
    local pipes = {}
    for i = 1, 5 do
      pipes[i] = server:start_curl(url(the_job))
    end
    for i = 1, 5 do
      assert.equal(6, #server:decode(pipes[i]:read("*a"))[1].result.list)
      pipes[i]:close()
    end
    ask(the_job)
    assert.equal("accessToken 1, getAccounts 6", partner.counts(world))
  end)

  it("are refused together, and do not insist", function()
    local the_job = job("live+only-accessToken+delay-50", "delete_inbox",
      { accountID = 4, inboxID = 101 }, { count = 10, client_secret = "wrong/secret" })
    for _ = 1, 2 do
      for _, answer in ipairs(ask(the_job)) do
        assert.equal("api", answer.error.kind)
        assert.equal(2, answer.error.reason)
        assert.equal("not_sent", answer.error.outcome)
        assert.equal("get_access_token", answer.error.call)
      end
    end
    assert.equal("accessToken", partner.seen(world))
    check_log()
  end)

  it("are renewed together", function()
    local answers = ask(job("live+revoked-1+only-deleteInbox+delay-100", "delete_inbox",
      { accountID = 4, inboxID = 101 }, { count = 5 }))
    for i = 1, 5 do
      assert.is_nil(answers[i].error, cjson.encode(answers[i]))
    end
    assert.equal("accessToken 2, deleteInbox 10", partner.counts(world))
  end)

  -- A client that goes away ends the light thread that has asked for the token.
  local function abort(the_job)
    local pipe = server:start_curl("--max-time 0.15 " .. url(the_job))
    assert.is_true(world:wait_for(1))
    return pipe
  end

  local function check_aborted(pipe)
    assert.matches("timed out", pipe:read("*a"), 1, true)
    pipe:close()
  end

  it("get a token though the client that needed it first goes away", function()
    local the_job = job("live+only-accessToken+delay-500", "get_accounts")
    local first = abort(the_job)
    local second = server:start_curl(url(the_job))
    check_aborted(first)
    assert.equal(6, #server:decode(second:read("*a"))[1].result.list)
    second:close()
    assert.equal("accessToken getAccounts", partner.seen(world))
    check_log()
  end)

  it("have the token though all that waited for it have gone away", function()
    local the_job = job("live+only-accessToken+delay-400", "get_accounts")
    local first, second = abort(the_job), abort(the_job)
    check_aborted(first)
    check_aborted(second)
    assert.equal("accessToken", partner.seen(world))
    assert.equal(6, #ask(the_job)[1].result.list)
    assert.equal("accessToken getAccounts", partner.seen(world))
    check_log()
  end)

  it("end within the time-out where no token comes", function()
    local answers = ask(job("live+only-accessToken+never", "delete_inbox",
      { accountID = 1, inboxID = 10 }, { timeout = 0.3, count = 3 }))
    for i = 1, 3 do
      assert.equal("TIMEOUT", answers[i].error.name)
      assert.equal("not_sent", answers[i].error.outcome)
    end
    assert.equal("accessToken", partner.seen(world))
  end)

  it("find, guard and prove", function()
    assert.equal(10, ask(job("live", "find_inbox", { whatsapp_number = NUMBER }))[1]
      .result.inboxID)
    local refused = ask(job("live", "delete_inbox",
      { accountID = 1, inboxID = 10, whatsapp_number = "972501234568" }))[1].error
    assert.equal("NUMBER_MISMATCH", refused.name)
    assert.equal(0, world:count("deleteInbox"))
    local result = ask(job("live+lost_after", "delete_inbox",
      { accountID = 1, inboxID = 10, whatsapp_number = NUMBER, verify = true }))[1].result
    assert.is_true(result.verified)
    local answer = ask(job("live", "verify_deletion", { accountID = 1, inboxID = 10 }))[1]
    assert.equal("deleted", answer.result)
    assert.equal("deleted", answer.evidence.verdict)
    -- Two base addresses: two clients, each with a token of its own.
    assert.equal("accessToken 2, deleteInbox 1, getAccounts 3, getInboxes 7, getWhatsApp 7",
      partner.counts(world))
  end)

  it("let the worker serve others while they look again", function()
    local pipe = server:start_curl(url(job("live+flaky_read-503-1+delay-800", "verify_deletion",
      { accountID = 1, inboxID = 10 }, { timeout = 30 })))
    assert.is_true(world:wait_for(1))
    for _ = 1, 5 do
      assert.equal("pong", server:get("/ping"))
    end
    assert.is_true(world:count("getWhatsApp") == 0, "the worker stood still")
    assert.equal("still_listed", server:decode(pipe:read("*a"))[1].result)
    pipe:close()
    assert.equal(0, world:count("deleteInbox"))
  end)

  it("are refused in a phase that cannot wait, and nothing is sent", function()
    for method, params in pairs {
      get_accounts = false, get_access_token = false, find_inbox = { whatsapp_number = NUMBER },
      verify_deletion = { accountID = 1, inboxID = 10 },
      delete_inbox = { accountID = 1, inboxID = 10, verify = true },
    } do
      local text = server:curl(url(job("live", method, params or nil), "/set"))
      local err = server:decode(text)[1].error
      assert.equal("argument", err.kind)
      assert.equal("PHASE_CANNOT_WAIT", err.name)
      assert.equal("not_sent", err.outcome)
    end
    assert.equal(0, world:count())
  end)
end)
