local caller = require("spec.support.caller")
local core = require("ninedig.core")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local partner = require("spec.support.partner")
local protect = require("ninedig.wait.protect")

local loop = partner.loop
local INBOX = { accountID = 1, inboxID = 10 }
local REFUSED = '{"status":"FAIL","reason":3}'

describe("the token", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  -- The one with the number n that the mock has issued, if the token is one.
  local function numbers_of(tokens)
    local numbers = {}
    for i, token in ipairs(tokens) do
      numbers[i] = token:match("^issued%-(%d+)/") or token
    end
    return table.concat(numbers, " ")
  end

  local function used()
    return numbers_of(partner.tokens(world))
  end

  -- Makes `action` with the clock, and returns how long it took.
  local function time(action)
    local before = core.monotonic()
    action()
    return core.monotonic() - before
  end

  describe("is got", function()
    it("when it is first needed, and once", function()
      local client = partner.client(world, "live")
      assert.equal(0, world:count())
      assert(client:get_accounts())
      assert(client:delete_inbox(INBOX))
      assert(client:get_whatsapp_numbers())
      assert.equal("accessToken getAccounts deleteInbox getWhatsApp", partner.seen(world))
      assert.equal("1 1 1", used())
    end)

    it("by the raising module too", function()
      local client = partner.raising(world, "live")
      assert.equal("OK", client:delete_inbox(INBOX).status)
      assert.equal("accessToken deleteInbox", partner.seen(world))
    end)

    it("for a deletion of the module that is given credentials", function()
      local options = caller.options(world, "live", {
        client_id = mock.client_id, client_secret = mock.client_secret,
      })
      assert(caller.safe.delete_inbox(INBOX, options))
      assert.equal("accessToken deleteInbox", partner.seen(world))
    end)

    it("by each client for itself", function()
      assert(partner.client(world, "live"):get_accounts())
      assert(partner.client(world, "live"):get_accounts())
      assert.equal("accessToken getAccounts accessToken getAccounts", partner.seen(world))
      assert.equal("1 2", used())
    end)

    it("not for bad params", function()
      local client = partner.client(world, "live")
      for _, name in ipairs {
        "delete_inbox", "get_inboxes", "find_inbox", "verify_deletion", "get_accounts",
      } do
        local result, err = client[name](client, { accountID = 0 })
        assert.is_nil(result)
        caller.check_error(err, { kind = "argument", outcome = "not_sent", call = name })
      end
      assert.equal(0, world:count())
    end)

    it("not for a call with a token of its own", function()
      local client = partner.client(world, "live")
      assert(client:delete_inbox { accountID = 1, inboxID = 10, access_token = mock.token })
      assert.equal("deleteInbox", partner.seen(world))
      assert.equal(mock.token, used())
    end)

    it("only where the client has none of its own", function()
      local _, err = caller.safe.client(caller.options(world, "live", {
        access_token = mock.token, client_id = mock.client_id, client_secret = mock.client_secret,
      }))
      caller.check_error(err, { kind = "argument", outcome = "not_sent" })
      assert.equal(0, world:count())
    end)

    it("and shown by get_access_token, which gets a new one for all calls", function()
      local client = partner.client(world, "live")
      assert(client:get_accounts())
      local answer = assert(client:get_access_token())
      assert.matches("^issued%-2/", answer.access_token)
      assert.equal("Bearer", answer.token_type)
      assert.equal(1, answer.reason)
      assert.is_true(math.abs(answer.expiration_time - os.time() - 3600) <= 5)
      answer.access_token, answer.expiration_time = "spoilt", 0
      assert(client:get_accounts())
      assert.equal("accessToken getAccounts accessToken getAccounts", partner.seen(world))
      assert.equal("1 2", used())
    end)
  end)

  describe("is renewed", function()
    -- Makes a call with a new client, one after `life - 60 - 5` seconds, and one 6 seconds later.
    local function renews_after(scenario, life)
      world = mock.world()
      local client = partner.client(world, scenario)
      assert(client:get_accounts())
      partner.later({ monotonic = life - 60 - 5 }, function()
        assert(client:get_accounts())
      end)
      assert.equal("1 1", used())
      partner.later({ monotonic = life - 60 + 1 }, function()
        assert(client:get_accounts())
      end)
      assert.equal("1 1 2", used())
      assert.equal("accessToken 2, getAccounts 3", partner.counts(world))
    end

    it("60 s before its end, and not before", function()
      renews_after("live", 3600)
      renews_after("live+token_life-1800", 1800)
      renews_after("live+token_life-86400", 86400)
    end)

    it("by the service's clock, however wrong this machine's is", function()
      for _, wrong in ipairs { "-100000", "-3541", "3541", "100000" } do
        renews_after("live+clock-" .. wrong, 3600)
        renews_after("live+token_life-1800+clock-" .. wrong, 1800)
      end
    end)

    it("by the documented hour, where the service tells nothing of its clock", function()
      for _, life in ipairs { 3600, 1800 } do
        renews_after("live+token_life-" .. life .. "+only-accessToken+until_close", 3600)
      end
    end)

    it("not when the clock of this machine is set", function()
      local client = partner.client(world, "live")
      assert(client:get_accounts())
      for _, wall in ipairs { -100000, 3600, 100000 } do
        partner.later({ wall = wall }, function()
          assert(client:get_accounts())
        end)
      end
      assert.equal("1 1 1 1", used())
      assert.equal(1, world:count("accessToken"))
    end)

    it("by the documented hour, where its life is not to be believed", function()
      for _, life in ipairs { 86401, 1000000000 } do
        renews_after("live+token_life-" .. life, 3600)
      end
    end)

    it("once it is refused, where it lives for a minute or less", function()
      local client = partner.client(world, "live+token_life-60")
      assert(client:get_accounts())
      assert(client:get_accounts())
      assert.equal("accessToken getAccounts getAccounts", partner.seen(world))
      for _, life in ipairs { 0, -3600 } do
        world = mock.world()
        local _, err = partner.client(world, "live+token_life-" .. life):get_accounts()
        caller.check_error(err, { name = "ACCESS_TOKEN_INVALID" })
        assert.equal("accessToken getAccounts accessToken getAccounts", partner.seen(world))
      end
    end)
  end)

  describe("that is refused with reason 3", function()
    local made = {
      delete_inbox = { "deleteInbox", INBOX },
      get_accounts = { "getAccounts" },
      get_inboxes = { "getInboxes", { accountID = 1 } },
      get_whatsapp_numbers = { "getWhatsApp" },
    }
    local twice = "accessToken %s accessToken %s"
    for name, call in pairs(made) do
      it("is renewed once, and " .. name .. " made once more", function()
        local client = partner.client(world, "live+expired_token-1")
        assert(client[name](client, call[2]))
        assert.equal(twice:format(call[1], call[1]), partner.seen(world))
        assert.equal("1 2", used())
        local records = world:requests()
        assert.equal(records[2].body, records[4].body)
      end)

      it("twice in a row is an error of " .. name .. ", which does not loop", function()
        local client = partner.client(world, "live+expired_token-9")
        local result, err = client[name](client, call[2])
        assert.is_nil(result)
        caller.check_error(err, {
          kind = "api", name = "ACCESS_TOKEN_INVALID", reason = 3, call = name, retryable = false,
          outcome = name == "delete_inbox" and "rejected" or "none",
        })
        assert.equal(twice:format(call[1], call[1]), partner.seen(world))
      end)

      it("is not renewed for " .. name .. " of a client with a token", function()
        local client = partner.with_token(world, "live+expired_token-1")
        local _, err = client[name](client, call[2])
        caller.check_error(err, { kind = "api", reason = 3, call = name })
        assert.equal(call[1], partner.seen(world))
      end)
    end

    for _, status in ipairs { 400, 401, 403, 500, 503 } do
      it("is renewed under HTTP " .. status .. " too", function()
        local client = partner.client(world,
          "live+only-deleteInbox+first-1+reason-3+status-" .. status)
        assert(client:delete_inbox(INBOX))
        assert.equal("accessToken deleteInbox accessToken deleteInbox", partner.seen(world))
        assert.equal("1 2", used())
      end)
    end

    it("is renewed once for a read, retries and all", function()
      world:script { calls = {
        getAccounts = { { body = REFUSED }, { status = 503 }, { body = REFUSED } },
      } }
      local _, err = partner.client(world, "live+body"):get_accounts()
      caller.check_error(err, { kind = "api", reason = 3, outcome = "none" })
      assert.equal("accessToken getAccounts accessToken getAccounts getAccounts",
        partner.seen(world))
      assert.equal("1 2 2", used())
    end)

    it("and cannot be renewed is the token call's error", function()
      world:script { calls = { accessToken = {
        { body = '{"reason":1,"access_token":"first","expiration_time":"9999999999"}' },
        { body = '{"status":"Fail","reason":2}' },
      } } }
      local client = partner.client(world, "live+body")
      local _, err = client:delete_inbox(INBOX)
      caller.check_error(err, {
        kind = "api", name = "CREDENTIALS_OR_JSON_INVALID", reason = 2, outcome = "not_sent",
        call = "get_access_token", inboxID = 10,
      })
      assert.equal("accessToken deleteInbox accessToken", partner.seen(world))
      assert.equal("first", used())
    end)

    -- What is no refusal must not make a deletion happen twice.
    local doubtful = {
      ["text after the refusal"] = { body = REFUSED .. "x" },
      ["a refusal that is cut"] = {
        raw = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" .. REFUSED,
      },
      ["OK with reason 3"] = { body = '{"status":"OK","reason":3}' },
      ["the reason twice"] = { body = '{"status":"FAIL","reason":3,"reason":3}' },
      ["the status twice"] = { body = '{"status":"OK","status":"FAIL","reason":3}' },
      ["no status"] = { body = '{"reason":3}' },
      ["a status that is neither"] = { body = '{"status":"ERROR","reason":3}' },
      ["reason 3.5"] = { body = '{"status":"FAIL","reason":3.5}' },
      ["an array"] = { body = "[" .. REFUSED .. "]" },
      ["a gateway's page"] = { status = 502, body = "<html></html>" },
      ["another reason"] = { body = '{"status":"FAIL","reason":30}' },
    }
    for what, script in pairs(doubtful) do
      it("is not believed from " .. what .. ": one deletion is sent", function()
        world:script(script)
        local client = partner.client(world,
          "live+only-deleteInbox+" .. (script.raw and "raw" or "body"))
        local result, err = client:delete_inbox(INBOX)
        assert.is_nil(result)
        caller.check_error(err, { outcome = "unknown", call = "delete_inbox" })
        assert.equal("accessToken deleteInbox", partner.seen(world))
      end)
    end

    it("is not believed of HTTP 401 without the reason", function()
      local client = partner.client(world, "live+only-deleteInbox+status-401+body")
      world:script { body = '{"status":"FAIL"}', status = 401 }
      local _, err = client:delete_inbox(INBOX)
      caller.check_error(err, { kind = "http", outcome = "rejected", http_status = 401 })
      assert.equal("accessToken deleteInbox", partner.seen(world))
    end)
  end)

  describe("that is refused for wrong credentials", function()
    local WRONG = { client_secret = "wrong/secret" }

    it("is not asked for again for 60 s, however many calls follow", function()
      local client = partner.client(world, "live", WRONG)
      local made = {
        { "delete_inbox", INBOX, "not_sent" },
        { "get_accounts", nil, "none" },
        { "get_inboxes", { accountID = 1 }, "none" },
        { "get_whatsapp_numbers", nil, "none" },
        { "get_access_token", nil, "none" },
        { "find_inbox", { whatsapp_number = "972501234567" }, "none" },
        { "delete_inbox", {
          accountID = 1, inboxID = 10, whatsapp_number = "972501234567", verify = true,
        }, "not_sent" },
      }
      for _ = 1, 2 do
        for _, call in ipairs(made) do
          local result, err = client[call[1]](client, call[2])
          assert.is_nil(result)
          caller.check_error(err, {
            kind = "api", name = "CREDENTIALS_OR_JSON_INVALID", reason = 2, outcome = call[3],
            call = "get_access_token", retryable = false,
          }, WRONG.client_secret)
        end
      end
      local verdict, evidence = client:verify_deletion(INBOX)
      assert.equal("unknown", verdict)
      assert.matches("CREDENTIALS_OR_JSON_INVALID", evidence.looks[1].get_inboxes)
      assert.equal("accessToken", partner.seen(world))
    end)

    it("raises the same each time", function()
      local client = caller.ninedig.client(caller.options(world, "live", {
        client_id = "nobody", client_secret = WRONG.client_secret,
      }))
      for _ = 1, 3 do
        local ok, err = pcall(client.delete_inbox, client, INBOX)
        assert.is_false(ok)
        caller.check_error(err, { kind = "api", reason = 2, outcome = "not_sent" },
          WRONG.client_secret)
      end
      assert.equal(1, world:count())
    end)

    it("can be asked for after 60 s, by the clock that is never set back", function()
      local client = partner.client(world, "live", WRONG)
      assert.is_nil(client:get_accounts())
      partner.later({ wall = 100000, monotonic = 59 }, function()
        assert.is_nil(client:get_accounts())
        assert.is_nil(client:get_access_token())
      end)
      assert.equal(1, world:count())
      partner.later({ monotonic = 61 }, function()
        assert.is_nil(client:get_accounts())
        assert.is_nil(client:get_accounts())
      end)
      assert.equal("accessToken accessToken", partner.seen(world))
    end)

    local function refuse(client, params)
      local _, err = client:get_access_token(params)
      caller.check_error(err, {
        kind = "api", name = "CREDENTIALS_OR_JSON_INVALID", reason = 2, outcome = "none",
      }, "wrong/secret")
    end

    it("is not asked for again with credentials given to the call, for 60 s", function()
      local client = assert(caller.safe.client(caller.options(world, "live")))
      local right = { client_id = mock.client_id, client_secret = mock.client_secret }
      for i = 1, 4 do
        refuse(client, {
          client_id = mock.client_id, client_secret = "wrong/secret" .. (i % 2 == 0 and "s" or ""),
        })
      end
      refuse(client, right)
      assert.equal(1, world:count())
      partner.later({ monotonic = 61 }, function()
        assert(client:get_access_token(right))
      end)
      assert.equal(2, world:count())
    end)

    it("is not asked for again with its own given to the call, in part or whole", function()
      local client = partner.client(world, "live", WRONG)
      assert.is_nil(client:get_accounts())
      refuse(client, { client_id = mock.client_id, client_secret = "wrong/secret" })
      refuse(client, { client_secret = "wrong/secret" })
      refuse(client, { client_id = mock.client_id })
      refuse(client, { client_secret = mock.client_secret })
      assert.equal("accessToken", partner.seen(world))
    end)

    it("for one call is not asked for by any other call of the client", function()
      local client = partner.client(world, "live")
      assert(client:get_accounts())
      refuse(client, { client_secret = "wrong/secret" })
      local _, err = client:delete_inbox(INBOX)
      caller.check_error(err, { reason = 2, outcome = "not_sent", call = "get_access_token" },
        "wrong/secret")
      refuse(client)
      assert.equal("accessToken getAccounts accessToken", partner.seen(world))
      partner.later({ monotonic = 61 }, function()
        assert(client:delete_inbox(INBOX))
      end)
      assert.equal("accessToken getAccounts accessToken deleteInbox", partner.seen(world))
    end)

    it("does not hinder a call with a token of its own", function()
      local client = partner.with_token(world, "live")
      refuse(client, { client_id = mock.client_id, client_secret = "wrong/secret" })
      assert(client:delete_inbox(INBOX))
      assert.equal("accessToken deleteInbox", partner.seen(world))
    end)

    it("is not asked for again by the module's functions, though each makes a client", function()
      local options = caller.options(world, "live", {
        client_id = mock.client_id, client_secret = "wrong/secret",
      })
      local function delete(...)
        local _, err = caller.safe.delete_inbox(INBOX, ...)
        caller.check_error(err, { reason = 2, outcome = "not_sent", call = "get_access_token" },
          "wrong/secret")
      end
      for _ = 1, 3 do
        delete(options)
      end
      assert.equal("accessToken", partner.seen(world))
      refuse(assert(caller.safe.client(options))) -- a new client begins anew
      assert.equal("accessToken accessToken", partner.seen(world))
      assert(partner.client(world, "live"):delete_inbox(INBOX)) -- others are not refused
      partner.later({ monotonic = 61 }, function()
        delete(options)
      end)
      assert.equal("accessToken accessToken accessToken deleteInbox accessToken",
        partner.seen(world))
    end)

    it("leaves another client with the same credentials the token that it has", function()
      world:script { calls = {
        accessToken = {
          { body = '{"reason":1,"access_token":"first","expiration_time":"9999999999"}' },
          { body = REFUSED },
        },
        getAccounts = { body = '{"status":"OK","reason":1,"list":[]}' },
      } }
      local one, other = partner.client(world, "live+body"), partner.client(world, "live+body")
      assert(one:get_accounts())
      local _, err = other:get_accounts()
      caller.check_error(err, { name = "ADDRESS_BLOCKED" })
      assert(one:get_accounts())
      assert.equal("accessToken getAccounts accessToken getAccounts", partner.seen(world))
    end)

    it("is ADDRESS_BLOCKED with reason 3, which is not the reason of other calls", function()
      local client = partner.client(world, "live+only-accessToken+reason_fail-3")
      for _ = 1, 3 do
        local _, err = client:delete_inbox(INBOX)
        caller.check_error(err, {
          kind = "api", name = "ADDRESS_BLOCKED", reason = 3, outcome = "not_sent",
          call = "get_access_token", retryable = false,
        }, mock.client_secret)
      end
      assert.equal("accessToken", partner.seen(world))
    end)

    for _, scenario in ipairs { "reason-99", "status-401", "status-403", "reason-2+status-429" } do
      it("is remembered after " .. scenario, function()
        local client = partner.client(world, "live+only-accessToken+" .. scenario)
        for _ = 1, 3 do
          local _, err = client:delete_inbox(INBOX)
          caller.check_error(err, { outcome = "not_sent", call = "get_access_token" },
            mock.client_secret)
        end
        assert.equal("accessToken", partner.seen(world))
      end)
    end
  end)

  describe("that does not come", function()
    for scenario, expected in pairs {
      ["status-500"] = { kind = "http", http_status = 500, retryable = false },
      ["status-503"] = { kind = "http", http_status = 503, retryable = false },
      ["status-429"] = { kind = "http", http_status = 429, retryable = false },
      ["close"] = { kind = "network", retryable = true },
      ["reset"] = { kind = "network", retryable = true },
      ["body"] = { kind = "protocol", retryable = false },
    } do
      it("after " .. scenario .. " is the deletion's error, of which nothing was sent", function()
        world:script { body = '{"status":"OK","reason":1,"access_token":"leaked-token"}' }
        local client = partner.client(world, "live+only-accessToken+first-1+" .. scenario)
        local result, err = client:delete_inbox(INBOX)
        assert.is_nil(result)
        expected.outcome, expected.call = "not_sent", "get_access_token"
        expected.accountID, expected.inboxID, expected.server = 1, 10, "online"
        caller.check_error(err, expected, "leaked-token")
        assert.equal("accessToken", partner.seen(world))
        assert(client:delete_inbox(INBOX)) -- nothing was remembered
        assert.equal("accessToken accessToken deleteInbox", partner.seen(world))
      end)

      it("after " .. scenario .. " is a read's error, and not asked for again by it", function()
        world:script { body = "{}" }
        local client = partner.client(world, "live+only-accessToken+" .. scenario)
        local _, err = client:get_accounts()
        caller.check_error(err, {
          kind = expected.kind, outcome = "none", call = "get_access_token",
        })
        assert.equal("accessToken", partner.seen(world))
      end)
    end

    it("within the time-out is an error within it", function()
      assert.is_true(caller.takes_less(caller.short * 2, function()
        world = mock.world()
        local client = partner.client(world, "live+only-accessToken+never",
          { timeout = caller.short })
        local _, err = client:delete_inbox(INBOX)
        caller.check_error(err, {
          kind = "network", name = "TIMEOUT", outcome = "not_sent", retryable = true,
          call = "get_access_token",
        })
        assert.equal("accessToken", partner.seen(world))
      end))
    end)

    it("where nobody listens is an error", function()
      local client = partner.client(world, "live", { base_url = mock.refused .. "/api" })
      local _, err = client:delete_inbox(INBOX)
      caller.check_error(err, {
        kind = "network", name = "CONNECT_FAILED", outcome = "not_sent", retryable = true,
        call = "get_access_token",
      })
    end)

    it("takes its time from the call's", function()
      assert.is_true(caller.takes_less(caller.short * 3.1, function()
        world = mock.world()
        local client = partner.client(world, "live+" .. partner.delay(1.6),
          { timeout = caller.short * 2.4 })
        local _, err = client:delete_inbox(INBOX)
        caller.check_error(err, { kind = "network", name = "TIMEOUT", outcome = "unknown" })
        assert.equal("accessToken deleteInbox", partner.seen(world))
      end))
    end)
  end)

  describe("that many calls wait for in a loop", function()
    local function inbox(i)
      return { accountID = 4, inboxID = 100 + i }
    end

    it("is got once", function()
      local client = partner.client(world, "live+only-accessToken+delay-50", { sleep = loop.sleep })
      local results = loop.times(20, function(i)
        return client:delete_inbox(inbox(i))
      end)
      for i = 1, 20 do
        assert.equal(100 + i, results[i][1].inboxID)
      end
      assert.equal("accessToken 1, deleteInbox 20", partner.counts(world))
    end)

    it("is refused once, to all of them", function()
      local client = partner.client(world, "live+only-accessToken+delay-50",
        { sleep = loop.sleep, client_secret = "wrong/secret" })
      local results = loop.times(20, function(i)
        return client:delete_inbox(inbox(i))
      end)
      for i = 1, 20 do
        caller.check_error(results[i][2], { kind = "api", reason = 2, outcome = "not_sent" },
          "wrong/secret")
      end
      assert.equal("accessToken", partner.seen(world))
    end)

    it("is asked for once where the service is down", function()
      local client = partner.client(world, "live+only-accessToken+delay-50+status-503",
        { sleep = loop.sleep })
      local results = loop.times(20, function()
        return client:get_accounts()
      end)
      for i = 1, 20 do
        caller.check_error(results[i][2], { kind = "http", http_status = 503, outcome = "none" })
        assert.is_false(i > 1 and results[i][2] == results[1][2], "two callers share an error")
      end
      assert.equal("accessToken", partner.seen(world))
    end)

    it("is renewed once where all of them were refused", function()
      local client = partner.client(world, "live+revoked-1+only-deleteInbox+delay-100",
        { sleep = loop.sleep })
      local results = loop.times(6, function(i)
        return client:delete_inbox(inbox(i))
      end)
      for i = 1, 6 do
        assert(results[i][1], tostring(results[i][2]))
      end
      assert.equal("accessToken 2, deleteInbox 12", partner.counts(world))
      assert.equal("1 1 1 1 1 1 2 2 2 2 2 2", used())
    end)

    it("is waited for by get_access_token", function()
      local client = partner.client(world, "live+only-accessToken+delay-50", { sleep = loop.sleep })
      local tokens = {}
      loop.times(10, function(i)
        tokens[i] = assert(client:get_access_token()).access_token
      end)
      for i = 1, 10 do
        assert.equal(tokens[1], tokens[i])
      end
      assert.equal("accessToken", partner.seen(world))
    end)

    -- Runs calls at once of which some are not resumed any more once a request has come.
    local function abandon(client, count, places)
      local results, functions = {}, {}
      for i = 1, count do
        functions[i] = function()
          results[i] = { client:get_accounts() }
        end
      end
      loop.run(functions, function(place)
        return places[place] and world:count() > 0
      end)
      return results
    end

    it("comes though the coroutine that asked for it is gone", function()
      local client = partner.client(world, "live+only-accessToken+delay-50", { sleep = loop.sleep })
      local results
      local took = time(function()
        results = abandon(client, 5, { true, true })
      end)
      assert.is_nil(results[1])
      assert.is_nil(results[2])
      for i = 3, 5 do
        assert(results[i][1], tostring(results[i][2]))
      end
      assert.is_true(took < 5, took)
      assert.equal("accessToken 1, getAccounts 3", partner.counts(world))
    end)

    it("is there for the next call though all of them are gone", function()
      local client = partner.client(world, "live+only-accessToken+delay-50", { sleep = loop.sleep })
      abandon(client, 3, { true, true, true })
      collectgarbage()
      collectgarbage()
      assert.equal("accessToken", partner.seen(world))
      local took = time(function()
        assert(loop.times(1, function()
          return client:get_accounts()
        end)[1][1])
      end)
      assert.is_true(took < 5, took)
      assert.equal("accessToken getAccounts", partner.seen(world))
    end)

    it("is asked for again where all are gone and its time is over", function()
      local client = partner.client(world, "live+only-accessToken+first-1+never",
        { sleep = loop.sleep, timeout = caller.short })
      abandon(client, 2, { true, true })
      caller.pause(caller.short + 0.05)
      assert(loop.times(1, function()
        return client:get_accounts()
      end)[1][1])
      assert.equal("accessToken accessToken getAccounts", partner.seen(world))
    end)

    it("comes though the loop raises in the coroutine that asked for it", function()
      local client
      local raised = false
      client = partner.client(world, "live+only-accessToken+delay-50", { sleep = function(seconds)
        if not raised and world:count() > 0 then
          raised = true
          error("the loop ends this one")
        end
        return loop.sleep(seconds)
      end })
      local failed
      local results = {}
      local functions = {}
      for i = 1, 4 do
        functions[i] = function()
          local ok, result, err = protect.call(client.get_accounts, client)
          if ok then
            results[#results + 1] = assert(result, err)
          else
            failed = result
          end
        end
      end
      loop.run(functions)
      assert.matches("the loop ends this one", failed)
      assert.equal(3, #results)
      assert.equal("accessToken 1, getAccounts 3", partner.counts(world))
    end)
  end)

  describe("and the secret", function()
    it("are in no error, even where the service repeats them", function()
      world:script { body = ('{"status":"FAIL","reason":2,"sent":%q,"again":"%s",'
        .. '"access_token":"issued-token"}'):format(mock.client_secret,
        (mock.client_secret:gsub("/", "\\/"))) }
      local client = partner.client(world, "live+only-accessToken+body")
      for _, name in ipairs { "get_accounts", "delete_inbox", "get_access_token" } do
        local _, err = client[name](client, name == "delete_inbox" and INBOX or nil)
        caller.check_error(err, { kind = "api", reason = 2 }, mock.client_secret)
        local text = caller.render(err) .. tostring(err)
        assert.is_nil(text:find("issued-token", 1, true))
        assert.is_nil(text:find("9b1d", 1, true))
        assert.matches("%[redacted%]", err.response)
      end
      assert.equal(1, world:count())
    end)

    it("are in no error of a call that repeats the token", function()
      local client = partner.client(world, "live+only-deleteInbox+echo_token")
      local _, err = client:delete_inbox(INBOX)
      local token = partner.tokens(world)[1]
      caller.check_error(err, { kind = "api", reason = 99, outcome = "unknown" }, token)
      assert.matches("%[redacted%]", err.response)
      assert.equal("accessToken deleteInbox", partner.seen(world))
    end)
  end)
end)
