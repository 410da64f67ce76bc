-- What `on_event` is told in a worker of nginx, by calls and by the leader. nginx embeds LuaJIT, so
-- that these run with the specs of jit.
local cjson = require("cjson").new()
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")
local partner = require("spec.support.partner")

if not nginx.is_here then
  return pending("nginx runs LuaJIT: the run on that covers it", function() end)
end

local SERVERS = [[
lua_check_client_abort on;
init_by_lua_block { {{init}} }

server {
  listen unix:{{socket}};
  location = /content { content_by_lua_block { require("watched").answer() } }
  location = /rewrite { rewrite_by_lua_block { require("watched").answer() ngx.exit(200) } }
  location = /access { access_by_lua_block { require("watched").answer() ngx.exit(200) } }
  location = /thread { content_by_lua_block { require("watched").in_killed_thread() } }
  location = /timer { content_by_lua_block { require("watched").in_timer() } }
  location = /told { content_by_lua_block { require("watched").told() } }
}
]]

describe("on_event in nginx", function()
  local server, world

  local function start(init, http)
    server = nginx.start { servers = SERVERS, init = init, http = http }
  end

  before_each(function()
    world = mock.world()
  end)
  after_each(function()
    server:stop()
  end)

  local function job(scenario, on_event, more)
    local one = {
      options = {
        base_url = world:base_url(scenario), ca_file = mock.ca_file, access_token = mock.token,
        timeout = 10,
      },
      on_event = on_event,
      params = { accountID = 1, inboxID = 10 },
    }
    for key, value in pairs(more or {}) do
      one[key] = value
    end
    return { job = cjson.encode(one) }
  end

  local function ask(path, arguments)
    return server:curl(nginx.url_with(path, arguments))
  end

  local function told()
    local events = cjson.decode(server:get("/told")).events
    local lines = {}
    for i, event in ipairs(events) do
      lines[i] = table.concat({
        event.event, event.call, event.inboxID and ("%d"):format(event.inboxID), event.outcome,
        event.abandoned and "abandoned",
      }, " ")
    end
    return lines, events
  end

  local function wait_for_events(count)
    return nginx.wait_until(count .. " events were told", function()
      local lines = told()
      return #lines >= count and lines
    end)
  end

  local BOTH = { "request delete_inbox 10", "answer delete_inbox 10 ok" }

  for _, path in ipairs { "/content", "/rewrite", "/access", "/timer" } do
    it("is told of a call in " .. path, function()
      start()
      local answer = ask(path, job("ok", "keeps"))
      assert.equal(path == "/timer" and "" or "ok", answer)
      assert.same(BOTH, wait_for_events(2))
      assert.equal(1, world:count())
    end)
  end

  it("is told of a call in init_by_lua", function()
    start(("require('watched').in_init(%q, %q, %q)")
      :format(world:base_url("ok"), mock.ca_file, mock.token))
    assert.same(BOTH, wait_for_events(2))
    assert.equal(1, world:count())
  end)

  for _, hostile in ipairs { "raises", "yields", "sleeps", "sleeps_for_long" } do
    it("changes nothing where it " .. hostile, function()
      start()
      assert.equal("INBOX_ID_INVALID rejected", ask("/content", job("reason-47", hostile)))
      assert.equal("ok", ask("/content", job("ok", hostile)))
      assert.equal(2, world:count())
      local lines = told()
      assert.equal(hostile == "sleeps_for_long" and 0 or 4, #lines, table.concat(lines, "\n"))
      assert.same({}, server:logged("on_event"))
      assert.same({}, server:logged("aborted"))
    end)

    it("changes nothing in a list where it " .. hostile, function()
      start()
      assert.equal("ok", ask("/content", job("live", hostile, {
        method = "delete_inboxes",
        params = cjson.decode('[[{"accountID":1,"inboxID":10},{"accountID":1,"inboxID":11}]]'),
      })))
      assert.equal(2, world:count())
    end)
  end

  it("is told by the leader where the caller has gone", function()
    start()
    local arguments = job("delay-800", "keeps")
    arguments.after = 400
    assert.equal("1", ask("/thread", arguments))
    assert.same({ "request delete_inbox 10", "answer delete_inbox 10 ok abandoned" },
      wait_for_events(2))
    local _, events = told()
    assert.equal(200, events[2].http_status)
    assert.is_true(events[2].seconds >= 0.1)
    assert.equal(1, world:count())
    assert.equal(1, #server:logged("a caller went away"))
  end)

  it("is told by the leader where the caller has gone before anything was sent", function()
    start()
    mock.while_halted(function()
      local arguments = job("ok", "keeps")
      arguments.after = 50
      assert.equal("1", ask("/thread", arguments))
      assert.same({ "request delete_inbox 10", "answer delete_inbox 10 not_sent abandoned" },
        wait_for_events(2))
    end)
    assert.equal(0, world:count())
    assert.equal(0, #server:logged("a caller went away"))
  end)

  for _, hostile in ipairs { "raises", "sleeps_for_long" } do
    it("does not stop the leader where it " .. hostile, function()
      start()
      local arguments = job("delay-800", hostile)
      arguments.after = 400
      assert.equal("1", ask("/thread", arguments))
      assert.equal("1", ask("/thread", arguments))
      nginx.wait_until("both calls have ended", function()
        return #server:logged("a caller went away") == 2
      end)
      assert.equal("ok", ask("/content", job("ok", "keeps")))
      assert.equal(3, world:count())
    end)
  end

  it("is told of calls that no timer could drive on, and of one whose caller has gone", function()
    start(nil, "lua_max_running_timers 0;")
    local arguments = job("ok", "keeps")
    arguments.after = 50
    assert.equal("1", ask("/thread", arguments))
    local options = {
      base_url = world:base_url("ok"), ca_file = mock.ca_file, access_token = mock.token,
      connect_timeout = 0.3,
    }
    assert.equal("NO_TIMER not_sent", ask("/content", job("ok", "keeps", {
      options = options, params = { accountID = 1, inboxID = 11 },
    })))
    assert.same({
      "request delete_inbox 10", "request delete_inbox 11",
      "answer delete_inbox 10 not_sent abandoned", "answer delete_inbox 11 not_sent",
    }, told())
    assert.equal(0, world:count())
  end)

  it("does not make calls ask for a token each", function()
    start()
    local params = {}
    for i = 1, 4 do
      params[i] = { accountID = 4, inboxID = 100 + i }
    end
    local arguments = job("live", "keeps", {
      params = params,
      options = {
        base_url = world:base_url("live"), ca_file = mock.ca_file, timeout = 10,
        client_id = mock.client_id, client_secret = mock.client_secret,
      },
    })
    assert.equal("ok, ok, ok, ok", ask("/content", arguments))
    assert.equal("accessToken 1, deleteInbox 4", partner.counts(world))
    assert.equal(10, #told())
  end)
end)
