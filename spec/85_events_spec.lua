-- What `on_event` is told, in scripts, loops and lists.
local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local partner = require("spec.support.partner")

-- Seconds differ from run to run, and are looked at by themselves.
local function told(events)
  local lines = {}
  for i, event in ipairs(events) do
    local copy = {}
    for key, value in pairs(event) do
      if key == "seconds" or key == "connect_seconds" then
        assert.is_true(type(value) == "number" and value >= 0, key)
      else
        copy[key] = value
      end
    end
    lines[i] = caller.render(copy)
  end
  return lines
end

-- The events of one sort, by what stands in one of their fields.
local function fields(events, sort, key)
  local found = {}
  for _, event in ipairs(events) do
    if event.event == sort then
      found[#found + 1] = tostring(event[key])
    end
  end
  return table.concat(found, " ")
end

describe("on_event", function()
  local world, events

  before_each(function()
    leaks.before()
    world = mock.world()
    events = {}
  end)
  after_each(leaks.after)

  local function keep(event)
    events[#events + 1] = event
  end

  local function client(scenario, more)
    local options = { on_event = keep }
    for key, value in pairs(more or {}) do
      options[key] = value
    end
    return partner.with_token(world, scenario, options)
  end

  it("is told of a deletion and its answer", function()
    assert(client("ok", { max_idle = 0 }):delete_inbox { accountID = 1, inboxID = 10 })
    local url = world:base_url("ok") .. "/online/deleteInbox"
    assert.same({
      '{accountID=1 attempt=1 call="delete_inbox" event="request" inboxID=10 method="DELETE"'
        .. ' server="online" url="' .. url .. '"}',
      '{accountID=1 attempt=1 call="delete_inbox" event="answer" http_status=200 inboxID=10'
        .. ' name="OK" outcome="ok" reason=1 reused=false server="online"}',
    }, told(events))
    -- The one is counted in milliseconds, and libcurl counts the other more finely.
    assert.is_true(events[2].connect_seconds <= events[2].seconds + 0.002)
    assert.equal(1, world:count())
  end)

  -- In a process of its own: here the service may have closed kept connections before, and then
  -- none is used again.
  it("is told that a connection was used again", function()
    local shown = caller.child({}, ([[
      local client = require("ninedig").client {
        base_url = %q, ca_file = %q, access_token = %q,
        on_event = function(event)
          if event.event == "answer" then
            io.write(tostring(event.reused), " ", type(event.connect_seconds), "\n")
          end
        end,
      }
      client:delete_inbox { accountID = 1, inboxID = 10 }
      client:delete_inbox { accountID = 1, inboxID = 11 }
    ]]):format(world:base_url("ok"), mock.ca_file, mock.token))
    assert.equal("false number\ntrue nil\n", shown)
    assert.equal(2, world:count())
  end)

  it("is an option of ninedig.delete_inbox, too", function()
    assert(caller.delete(world, "ok", nil, { on_event = keep }))
    assert.equal(2, #events)
    assert.equal(1, world:count())
  end)

  it("is told of a refusal, and of an unknown outcome", function()
    assert.is_nil(client("reason-47"):delete_inbox { accountID = 1, inboxID = 10 })
    assert.is_nil(client("close", { max_idle = 0 }):delete_inbox { accountID = 1, inboxID = 10 })
    assert.equal("rejected unknown", fields(events, "answer", "outcome"))
    assert.equal("INBOX_ID_INVALID CONNECTION_LOST", fields(events, "answer", "name"))
    assert.equal("47 nil", fields(events, "answer", "reason"))
    assert.equal("200 nil", fields(events, "answer", "http_status"))
    assert.equal(2, world:count())
  end)

  it("is told nothing of bad arguments, as nothing is submitted", function()
    assert.is_nil(client("ok"):delete_inbox { accountID = 1, inboxID = "x" })
    assert.same({}, events)
    assert.equal(0, world:count())
  end)

  it("is told of the token, and of the attempt after it was renewed", function()
    local options = { on_event = keep }
    assert(partner.client(world, "live+expired_token-1", options)
      :delete_inbox { accountID = 1, inboxID = 10 })
    assert.equal("get_access_token delete_inbox get_access_token delete_inbox",
      fields(events, "request", "call"))
    assert.equal("1 1 1 2", fields(events, "request", "attempt"))
    assert.equal("1 1 1 2", fields(events, "answer", "attempt"))
    assert.equal("ok rejected ok ok", fields(events, "answer", "outcome"))
    assert.equal("accessToken deleteInbox accessToken deleteInbox", partner.seen(world))
  end)

  it("is told of a read that is repeated, and of the pause before", function()
    assert(client("live+flaky_read-503-1"):get_accounts())
    assert.equal("request answer wait request answer", table.concat({
      events[1].event, events[2].event, events[3].event, events[4].event, events[5].event,
    }, " "))
    assert.equal("get_accounts: SERVICE_UNAVAILABLE", events[3].why)
    assert.equal("number", type(events[3].seconds))
    assert.equal("none ok", fields(events, "answer", "outcome"))
    assert.equal("1 2", fields(events, "request", "attempt"))
    assert.equal(2, world:count())
  end)

  it("is told of what is read before and after a deletion, and of the verdict", function()
    local gone = assert(client("live+lost_after"):delete_inbox {
      accountID = 1, inboxID = 10, whatsapp_number = "972501234567", verify = true,
    })
    assert.is_true(gone.verified)
    local requests = fields(events, "request", "call")
    assert.equal(1, select(2, requests:gsub("delete_inbox", "")))
    assert.matches("^get_whatsapp_numbers get_accounts get_inboxes delete_inbox get_inboxes"
      .. " get_whatsapp_numbers", requests)
    assert.equal(select(2, requests:gsub("%S+", "")), world:count())
    local verdict = events[#events]
    assert.equal("verdict", verdict.event)
    assert.equal("deleted", verdict.verdict)
    assert.equal("string", type(verdict.why))
    assert.equal("1 online 10",
      table.concat({ verdict.accountID, verdict.server, verdict.inboxID }, " "))
  end)

  it("is told of each entry of a list", function()
    local report = assert(client("live", { timeout = 20 }):delete_inboxes({
      { accountID = 1, inboxID = 10 }, { accountID = 1, inboxID = 11 },
      { accountID = 1, inboxID = 4711 },
    }, { concurrency = 2, stop_on_error = false }))
    assert.equal(2, report.deleted)
    assert.equal(1, report.rejected)
    local seen = {}
    for _, event in ipairs(events) do
      seen[#seen + 1] = ("%s %s %s")
        :format(event.event, event.inboxID, tostring(event.outcome))
    end
    table.sort(seen)
    assert.same({
      "answer 10 ok", "answer 11 ok", "answer 4711 rejected",
      "request 10 nil", "request 11 nil", "request 4711 nil",
    }, seen)
    assert.equal("1 1 1", fields(events, "request", "attempt"))
    assert.equal(3, world:count())
  end)

  it("is told of an entry that is asked for again, and of the pause before", function()
    local report = assert(client("live+busy-1-1", { timeout = 20 }):delete_inboxes {
      { accountID = 1, inboxID = 10 },
    })
    assert.equal(1, report.deleted)
    local sorts = {}
    for i, event in ipairs(events) do
      sorts[i] = event.event
    end
    assert.equal("request answer wait request answer", table.concat(sorts, " "))
    assert.equal("1 2", fields(events, "request", "attempt"))
    assert.equal("rejected ok", fields(events, "answer", "outcome"))
    assert.equal("delete_inbox: TOO_MANY_REQUESTS", events[3].why)
    assert.is_true(events[3].seconds > 0 and events[3].seconds <= 1)
    assert.equal(2, world:count())
  end)

  it("is told of the pauses that a rate makes", function()
    local report = assert(client("live"):delete_inboxes({
      { accountID = 1, inboxID = 10 }, { accountID = 1, inboxID = 11 },
    }, { rate = 4, concurrency = 2 })) -- both are ready at once
    assert.equal(2, report.deleted)
    assert.equal("rate", fields(events, "wait", "why"))
    assert.equal("1 1", fields(events, "request", "attempt"))
    assert.equal(2, world:count())
  end)

  it("is told how a call ended whose loop has raised", function()
    local naps = 0
    local hosted = client("never", { sleep = function()
      naps = naps + 1
      if world:count() > 0 or naps > 2000 then
        error("the loop is gone", 0)
      end
      caller.pause(0.001)
    end })
    local ok, raised = pcall(hosted.delete_inbox, hosted, { accountID = 1, inboxID = 10 })
    assert.is_false(ok)
    assert.equal("the loop is gone", raised)
    assert.equal(2, #events)
    assert.equal("unknown CANCELLED", events[2].outcome .. " " .. events[2].name)
    assert.equal(1, world:count())
  end)

  it("must be a function", function()
    for _, value in ipairs { true, 1, "print", {} } do
      local made, err = caller.safe.client(caller.options(world, "ok", { on_event = value }))
      assert.is_nil(made)
      caller.check_error(err, { kind = "argument", name = "WRONG_TYPE" })
      assert.matches("on_event", err.message)
    end
  end)
end)

describe("on_event never changes an outcome:", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local functions = {
    ["it raises"] = function()
      error("no", 0)
    end,
    ["it raises nil"] = function()
      error(nil)
    end,
    ["it raises what cannot be shown"] = function()
      error(setmetatable({}, { __tostring = error, __index = error }))
    end,
    ["it raises as memory that has run out does"] = function()
      error("not enough memory", 0)
    end,
    ["it yields"] = function()
      coroutine.yield("a", "b")
    end,
    ["it yields again and again"] = function()
      while true do
        coroutine.yield()
      end
    end,
    ["it yields inside a pcall"] = function()
      pcall(coroutine.yield)
      pcall(coroutine.yield)
    end,
    ["it changes the event"] = function(event)
      for key in pairs(event) do
        event[key] = false
      end
      setmetatable(event, { __index = error, __newindex = error })
    end,
    ["it is no function of Lua"] = string.rep,
    ["it collects garbage"] = function()
      collectgarbage()
    end,
  }

  local function delete(options, in_coroutine)
    local one = partner.client(world, "live+only-deleteInbox+reason-47", options)
    local function act()
      return one:delete_inbox { accountID = 1, inboxID = 10, whatsapp_number = "972501234567" }
    end
    if not in_coroutine then
      return act()
    end
    local thread = coroutine.create(act)
    local ok, result, err
    repeat
      ok, result, err = coroutine.resume(thread)
    until coroutine.status(thread) == "dead"
    assert(ok, result)
    return result, err
  end

  for what, on_event in pairs(functions) do
    it(what, function()
      local result, err = delete { on_event = on_event }
      assert.is_nil(result)
      caller.check_error(err, { kind = "api", name = "INBOX_ID_INVALID", outcome = "rejected" })
      assert.equal("accessToken getWhatsApp getAccounts getInboxes deleteInbox",
        partner.seen(world))
    end)

    it(what .. ", in a loop", function()
      local result, err = delete({ on_event = on_event, sleep = coroutine.yield }, true)
      assert.is_nil(result)
      caller.check_error(err, { kind = "api", name = "INBOX_ID_INVALID", outcome = "rejected" })
      assert.equal("accessToken getWhatsApp getAccounts getInboxes deleteInbox",
        partner.seen(world))
    end)

    it(what .. ", in a list", function()
      local report = assert(partner.with_token(world, "live", { on_event = on_event })
        :delete_inboxes { { accountID = 1, inboxID = 10 }, { accountID = 1, inboxID = 11 } })
      assert.equal(2, report.deleted)
      assert.equal(2, world:count())
    end)
  end

  it("it closes the client", function()
    local one
    one = partner.with_token(world, "live", { on_event = function()
      one:close()
    end })
    assert(one:delete_inbox { accountID = 1, inboxID = 10, whatsapp_number = "972501234567" })
    assert.equal(1, world:count("deleteInbox"))
  end)

  it("it makes a call", function()
    local other = partner.with_token(world, "live")
    local inner
    local one = partner.with_token(world, "live", { on_event = function(event)
      if event.event == "request" then
        inner = other:delete_inbox { accountID = 1, inboxID = 11 }
      end
    end })
    local result = assert(one:delete_inbox { accountID = 1, inboxID = 10 })
    assert.equal("10 11", result.inboxID .. " " .. inner.inboxID)
    assert.equal(2, world:count())
  end)
end)

describe("a client without on_event", function()
  it("loads nothing for it, and has no watcher", function()
    local world = mock.world()
    local shown = caller.child({}, ([[
      local client = require("ninedig").client { base_url = %q, ca_file = %q, access_token = %q }
      client:delete_inbox { accountID = 1, inboxID = 10 }
      print(package.loaded["ninedig.events"], client.watcher)
    ]]):format(world:base_url("ok"), mock.ca_file, mock.token))
    assert.equal("nil\tnil\n", shown)
    assert.equal(1, world:count())
  end)
end)

-- Each scenario that docs/testing.md lists, with a value for what stands for one.
local function scenarios()
  local file = assert(io.open("docs/testing.md"))
  local text = file:read("*a"):match("| scenario |.-\n(.-)\n\n")
  file:close()
  local values = { N = "2", MS = "20", STATUS = "503", CALL = "getInboxes", LIE = "larger" }
  local found = {}
  for row in text:gmatch("\n| (`[^|]*) |") do
    for name in row:gmatch("`([^`]+)`") do
      found[#found + 1] = name:gsub("%-(%u+)", function(word)
        return "-" .. (values[word] or "1")
      end)
    end
  end
  return found
end

describe("no secret is in an event", function()
  local found = scenarios()

  it("of any scenario: they are there", function()
    assert.is_true(#found > 45, #found .. " scenarios")
  end)

  local function secrets_of(world)
    local secrets = { mock.token, mock.client_secret }
    for _, token in ipairs(partner.tokens(world)) do
      secrets[#secrets + 1] = token
    end
    return secrets
  end

  local function check(events, secrets)
    for _, event in ipairs(events) do
      for key, value in pairs(event) do
        assert.is_true(type(value) ~= "table" and type(value) ~= "function", key)
        for _, secret in ipairs(secrets) do
          value = tostring(value)
          assert.is_nil(value:find(secret, 1, true), key .. " shows a secret: " .. value)
        end
      end
    end
  end

  -- Each request that the mock has seen was told, and so was its answer; but a token may come when
  -- the time of those that waited for it is over.
  local function check_pairs(events, world)
    local requests, late = 0, 0
    for _, event in ipairs(events) do
      local step = event.event == "request" and 1 or event.event == "answer" and -1 or 0
      requests = requests + math.max(step, 0)
      late = late + (event.call == "get_access_token" and 0 or step)
    end
    assert.is_true(requests > 0)
    assert.equal(0, late)
    assert.is_true(world:count() <= requests)
  end

  for _, scenario in ipairs(found) do
    it("of the scenario " .. scenario .. " #novalgrind", function()
      for _, whole in ipairs { scenario, "live+only-deleteInbox+" .. scenario } do
        local world, events = mock.world(), {}
        world:script {
          body = '{"status":"FAIL","reason":99,"token":"' .. mock.token .. '"}',
          raw = "HTTP/1.1 200 " .. mock.token .. "\r\n\r\n" .. mock.client_secret,
        }
        local options = {
          timeout = 0.3,
          on_event = function(event)
            events[#events + 1] = event
          end,
        }
        partner.client(world, whole, options):delete_inbox {
          accountID = 1, inboxID = 10, verify = true,
        }
        partner.with_token(world, whole, options):delete_inbox {
          accountID = 1, inboxID = 11, whatsapp_number = "972501234568",
        }
        check(events, secrets_of(world))
        check_pairs(events, world)
      end
    end)
  end

  it("of a proxy with a password", function()
    local world, events = mock.world(), {}
    local function keep(event)
      events[#events + 1] = event
    end
    for _, listener in ipairs { "proxy", "proxy_403", "proxy_407", "proxy_close" } do
      partner.with_token(world, "ok", { proxy = world:proxy(listener), on_event = keep })
        :delete_inbox { accountID = 1, inboxID = 10 }
    end
    assert.equal(8, #events)
    check(events, { "password", mock.token })
    assert.equal(1, world:count())
  end)
end)
