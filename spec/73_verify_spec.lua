local caller = require("spec.support.caller")
local core = require("ninedig.core")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local partner = require("spec.support.partner")

local loop = partner.loop
local NUMBER = "972501234567"
local OTHER_NUMBER = "972501234568"
local LOOK = "getInboxes getWhatsApp"

-- What the mock has seen after so many looks.
local function looks_of(count)
  return ((LOOK .. " "):rep(count):sub(1, -2))
end

describe("reading back", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function asked(more)
    local params = { accountID = 1, server = "online", inboxID = 10 }
    for key, value in pairs(more or {}) do
      params[key] = value
    end
    return params
  end

  -- What holds of each evidence.
  local function check_evidence(evidence, verdict, params)
    assert.equal("table", type(evidence))
    assert.equal(verdict, evidence.verdict, evidence.why)
    assert.equal("string", type(evidence.why))
    for key, value in pairs(params) do
      assert.equal(caller.render(value), caller.render(evidence[key]))
    end
    assert.is_true(#evidence.looks >= 1 and #evidence.looks <= 5, #evidence.looks)
    for _, look in ipairs(evidence.looks) do
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", look.at)
      for _, key in ipairs { "inboxes", "numbers", "get_inboxes", "get_whatsapp_numbers" } do
        assert.equal("string", type(look[key]))
      end
    end
    local text = caller.render(evidence)
    for _, secret in ipairs { mock.token, mock.client_secret, "apiKey", "key/", "issued-" } do
      assert.is_nil(text:find(secret, 1, true), text)
    end
  end

  -- Without the pauses, unless there are options.
  local function verify(scenario, params, options)
    local client = partner.with_token(world, scenario,
      options or { sleep = (partner.no_pauses()) })
    params = asked(params)
    local verdict, evidence = client:verify_deletion(params)
    check_evidence(evidence, verdict, params)
    return verdict, evidence
  end

  local function delete(params)
    assert(partner.with_token(world, "live"):delete_inbox(asked(params)))
  end

  describe("the service of the mock", function()
    local by = { ["the number"] = { whatsapp_number = NUMBER }, ["no number"] = {} }
    for what, params in pairs(by) do
      it("proves a deletion at the first look, with " .. what, function()
        delete()
        assert.equal("deleted", (verify("live", params)))
        assert.equal("deleteInbox " .. LOOK, partner.seen(world))
      end)

      it("proves that there was none, with " .. what, function()
        local verdict, evidence = verify("live", params)
        assert.equal("still_listed", verdict)
        assert.is_true(#evidence.looks >= 2)
        assert.matches("late", evidence.why)
        assert.equal(looks_of(#evidence.looks), partner.seen(world))
      end)
    end

    it("proves it with a session, and with the raising module", function()
      delete()
      local verdict, evidence = partner.raising(world, "live"):verify_deletion {
        accountID = 1, inboxID = 10,
      }
      assert.equal("deleted", verdict)
      check_evidence(evidence, "deleted", asked())
      assert.equal("deleteInbox accessToken " .. LOOK, partner.seen(world))
    end)

    it("proves it of large ids", function()
      local params = { accountID = "900000000000001", inboxID = 123456789012345 }
      local client = partner.with_token(world, "live", { sleep = (partner.no_pauses()) })
      assert.equal("still_listed", (client:verify_deletion(params)))
      assert(client:delete_inbox(params))
      assert.equal("deleted", (client:verify_deletion(params)))
    end)

    it("proves it of an inbox without a number", function()
      delete { inboxID = 12 }
      assert.equal("deleted", (verify("live", { inboxID = 12 })))
    end)

    it("does not tell where an inbox without a number is still listed", function()
      assert.equal("unknown", (verify("live", { inboxID = 13 })))
      assert.equal(0, world:count("deleteInbox"))
    end)

    it("does not tell an inbox from that of the same account on another server", function()
      delete { accountID = 2, inboxID = 20 }
      local params = { accountID = 2, inboxID = 20 }
      assert.equal("unknown", (verify("live", params)))
      params.whatsapp_number = "972502000020"
      assert.equal("deleted", (verify("live", params)))
      params.server, params.whatsapp_number = "west", "972502000120"
      assert.equal("still_listed", (verify("live", params)))
    end)

    it("goes on looking until a deletion is finished in the background", function()
      local client = partner.with_token(world, "live+lazy_delete-150")
      assert(client:delete_inbox(asked()))
      local verdict, evidence = verify("live", { whatsapp_number = NUMBER }, {})
      assert.equal("deleted", verdict)
      assert.is_true(#evidence.looks >= 2)
      assert.equal("present", evidence.looks[1].inboxes)
      assert.equal("absent", evidence.looks[#evidence.looks].inboxes)
      assert.equal("deleteInbox " .. looks_of(#evidence.looks), partner.seen(world))
    end)

    it("does not tell while only the number's row is stale", function()
      delete()
      local verdict, evidence = verify("live+stale_number", { whatsapp_number = NUMBER })
      assert.equal("unknown", verdict)
      assert.is_true(#evidence.looks >= 2)
      assert.equal("absent attached", evidence.looks[1].inboxes .. " " .. evidence.looks[1].numbers)
    end)

    it("does not tell while only the inbox is stale", function()
      delete()
      local verdict, evidence = verify("live+stale_inbox", { whatsapp_number = NUMBER })
      assert.equal("unknown", verdict)
      assert.is_true(#evidence.looks >= 2)
      assert.equal("present moved", evidence.looks[1].inboxes .. " " .. evidence.looks[1].numbers)
    end)

    it("does not take a list that is not whole for proof, unless the number tells", function()
      delete()
      assert.equal("unknown", (verify("live+totals_off")))
      assert.equal("unknown", (verify("live+totals_off", { whatsapp_number = "972599999999" })))
      assert.equal("deleted", (verify("live+totals_off", { whatsapp_number = NUMBER })))
      assert.equal("deleteInbox " .. looks_of(3), partner.seen(world))
    end)

    for scenario, expected in pairs {
      ["reads_fail-500-getWhatsApp"] = { "absent failed", "deleteInbox " .. LOOK },
      ["reads_fail-500-getInboxes"] = { "failed unnamed", "deleteInbox " .. LOOK },
      ["reads_fail-500"] = { "failed failed", "deleteInbox " .. LOOK },
      ["only-getInboxes+reason_fail-2"] = { "refused unnamed", "deleteInbox " .. LOOK },
      ["only-getInboxes+reason_fail-33"] = { "refused unnamed", "deleteInbox " .. LOOK },
      ["only-getInboxes+reason_fail-34"] = { "refused unnamed", "deleteInbox " .. LOOK },
      ["only-getInboxes+reason_fail-99"] = { "refused unnamed", "deleteInbox " .. LOOK },
      ["only-getWhatsApp+reason_fail-2"] = { "absent failed", "deleteInbox " .. LOOK },
      ["expired_token-9"] = { "refused failed", "deleteInbox " .. LOOK },
    } do
      it("does not tell after " .. scenario, function()
        delete()
        local verdict, evidence = verify("live+" .. scenario)
        assert.equal("unknown", verdict)
        assert.equal(expected[1], evidence.looks[1].inboxes .. " " .. evidence.looks[1].numbers)
        assert.equal(expected[2], partner.seen(world))
      end)
    end

    it("is read again with a new token where the token was refused", function()
      delete()
      local client = partner.client(world, "live+expired_token-1")
      assert.equal("deleted", (client:verify_deletion(asked())))
      assert.equal("deleteInbox accessToken getInboxes accessToken getInboxes getWhatsApp",
        partner.seen(world))
    end)
  end)

  -- Every row of the table, and what is malformed. Each look has the same answers.
  describe("answers", function()
    local function list(rows, more)
      return { body = ('{"status":"OK","reason":1%s,"list":[%s]}'):format(more or "", rows) }
    end

    local function row(fields)
      return '{"whatsapp":"' .. NUMBER .. '",' .. fields .. "}"
    end

    local OLD = row '"isOnline":1,"onlineAccount":1,"onlineInbox":10'
    local OFF = row '"isOnline":0,"onlineAccount":0,"onlineInbox":0'
    local ELSEWHERE = row '"isOnline":1,"onlineAccount":1,"onlineInbox":11'
    local SUCCESSOR = '{"whatsapp":"' .. OTHER_NUMBER
      .. '","isOnline":1,"onlineAccount":1,"onlineInbox":10}'
    local BYSTANDER = '{"whatsapp":"' .. OTHER_NUMBER
      .. '","isOnline":1,"onlineAccount":1,"onlineInbox":11}'
    local ABSENT = list('{"id":11},{"id":"100"},{"id":1}', ',"totalInboxes":3')
    local PRESENT = list('{"id":11},{"id":10}')
    local CUT = list('{"id":11}', ',"totalInboxes":"2"')
    local FAILED = { status = 500, body = "" }

    -- What is answered for the inboxes and the numbers; the verdict with the number, and without
    -- it; whether that takes more than one look.
    local table_rows = {
      ["absent, not online"] = { ABSENT, list(OFF), "deleted", "deleted" },
      ["absent, online elsewhere"] = { ABSENT, list(ELSEWHERE), "deleted", "deleted" },
      ["absent, no row of the number"] = { ABSENT, list(BYSTANDER), "deleted", "deleted" },
      ["absent, no rows at all"] = { ABSENT, list(""), "deleted", "deleted" },
      ["no inboxes at all, not online"] = { list(""), list(OFF), "deleted", "deleted" },
      ["absent, numbers failed"] = { ABSENT, FAILED, "unknown", "unknown" },
      ["absent, numbers not understood"] = {
        ABSENT, { body = '{"status":"OK","list":null}' }, "unknown", "unknown",
      },
      ["absent, old pair"] = { ABSENT, list(OLD), "unknown", "unknown", more = true },
      ["present, not online"] = { PRESENT, list(OFF), "unknown", "unknown", more = true },
      ["present, online elsewhere"] = {
        PRESENT, list(ELSEWHERE), "unknown", "unknown", more = true,
      },
      ["present, old pair"] = { PRESENT, list(OLD), "still_listed", "still_listed", more = true },
      ["present, numbers failed"] = { PRESENT, FAILED, "unknown", "unknown" },
      ["inboxes failed"] = { FAILED, list(OFF), "unknown", "unknown" },
      ["inboxes null"] = {
        { body = '{"status":"OK","reason":1,"list":null}' }, list(OFF), "unknown", "unknown",
      },
      ["inboxes with a null"] = { list('{"id":11},null'), list(OFF), "unknown", "unknown" },
      ["inboxes of another account"] = {
        list('{"id":11}', ',"accountID":2'), list(OFF), "unknown", "unknown",
      },
      ["not whole, not online"] = { CUT, list(OFF), "deleted", "unknown" },
      ["not whole, online elsewhere"] = { CUT, list(ELSEWHERE), "deleted", "unknown" },
      ["not whole, no row of the number"] = { CUT, list(BYSTANDER), "unknown", "unknown" },
      ["not whole, old pair"] = { CUT, list(OLD), "unknown", "unknown", more = true },
      ["not whole, another number in it"] = {
        CUT, list(OFF .. "," .. SUCCESSOR), "unknown", "unknown", more = true,
      },
      ["absent, another number in it"] = {
        ABSENT, list(OFF .. "," .. SUCCESSOR), "deleted", "unknown", more_without = true,
      },
      ["ids that are strings"] = {
        list('{"id":"10"}'),
        list(row '"isOnline":"1","onlineAccount":"1","onlineInbox":"10"'),
        "still_listed", "still_listed", more = true,
      },
      ["ids that are floats"] = {
        list('{"id":10.0}'), list(row '"isOnline":1.0,"onlineAccount":1e0,"onlineInbox":1e1'),
        "still_listed", "still_listed", more = true,
      },
      ["an inbox with two ids"] = { list('{"id":10,"id":11}'), list(""), "unknown", "unknown" },
      ["two totals"] = {
        list('{"id":11}', ',"totalInboxes":9,"totalInboxes":1'), list(""), "unknown", "unknown",
      },
      ["a number that is online and not"] = {
        ABSENT, list(row '"isOnline":1,"isOnline":0,"onlineAccount":1,"onlineInbox":10'),
        "unknown", "unknown",
      },
      ["an inbox without its id"] = {
        list('{"id":11},{"name":"?"}'), list(""), "unknown", "unknown",
      },
      ["an inbox with null for its id"] = { list('{"id":null}'), list(""), "unknown", "unknown" },
      ["an inbox with a word for its id"] = {
        list('{"id":"x10"}'), list(""), "unknown", "unknown",
      },
      ["an inbox with a fraction for its id"] = {
        list('{"id":9.5}'), list(""), "unknown", "unknown",
      },
      ["an inbox with a zero before its id"] = {
        list('{"id":"010"}'), list(""), "unknown", "unknown",
      },
      ["an inbox with a sign before its id"] = {
        list('{"id":"+10"}'), list(""), "unknown", "unknown",
      },
      ["inboxes that are lists"] = { list("[10]"), list(""), "unknown", "unknown" },
      ["a total that is none"] = {
        list('{"id":11}', ',"totalInboxes":"many"'), list(""), "unknown", "unknown",
      },
      ["a total that is smaller"] = {
        list('{"id":11},{"id":12}', ',"totalInboxes":1'), list(""), "deleted", "deleted",
      },
      ["numbers that are not all there"] = {
        ABSENT, list(BYSTANDER, ',"totalWhatsApp":2'), "unknown", "unknown",
      },
      ["not all numbers, but this one"] = {
        ABSENT, list(OFF, ',"totalWhatsApp":2'), "deleted", "unknown",
      },
      ["a row that does not say whether it is online"] = {
        ABSENT, list(row '"onlineAccount":1,"onlineInbox":10'), "unknown", "unknown",
      },
      ["a row with a word for it"] = {
        ABSENT, list(row '"isOnline":"no","onlineAccount":1,"onlineInbox":10'),
        "unknown", "unknown",
      },
      ["a row that says it with true"] = {
        ABSENT, list(row '"isOnline":true,"onlineAccount":1,"onlineInbox":10'),
        "unknown", "unknown", more = true,
      },
      ["a row that denies it with false"] = {
        ABSENT, list(row '"isOnline":false,"onlineAccount":1,"onlineInbox":10'),
        "deleted", "deleted",
      },
      ["a row without its inbox"] = {
        ABSENT, list(row '"isOnline":1,"onlineAccount":1'), "unknown", "unknown",
      },
      ["a row with null for its account"] = {
        ABSENT, list(row '"isOnline":1,"onlineAccount":null,"onlineInbox":10'),
        "unknown", "unknown",
      },
      ["two rows of the number"] = {
        ABSENT, list(OFF .. "," .. OLD), "unknown", "unknown", more = true,
      },
      ["the list of inboxes twice"] = {
        { body = '{"status":"OK","reason":1,"list":[{"id":10}],"list":[]}' }, list(OFF),
        "unknown", "unknown",
      },
    }
    for what, case in pairs(table_rows) do
      for i, number in ipairs { NUMBER, false } do
        local expected = case[2 + i]
        it(("%s: %s %s"):format(what, expected, number and "by number" or "without"), function()
          world:script { calls = { getInboxes = case[1], getWhatsApp = case[2] } }
          local verdict, evidence = verify("body", { whatsapp_number = number or nil })
          assert.equal(expected, verdict, caller.render(evidence))
          if case.more or case.more_without and not number then
            assert.equal(5, #evidence.looks, caller.render(evidence))
          else
            assert.equal(1, #evidence.looks, caller.render(evidence))
          end
          assert.equal(looks_of(#evidence.looks), partner.seen(world))
        end)
      end
    end

    -- On no VM may an id that lost its last digit look like absence.
    for _, spelling in ipairs { "9007199254740993", '"9007199254740993"' } do
      it("tell large ids apart as far as they can, from " .. spelling, function()
        world:script { calls = {
          getInboxes = list('{"id":' .. spelling .. "}"),
          getWhatsApp = list(row('"isOnline":1,"onlineAccount":1,"onlineInbox":' .. spelling)),
        } }
        local client = partner.with_token(world, "body", { sleep = (partner.no_pauses()) })
        assert.equal("still_listed",
          (client:verify_deletion { accountID = 1, inboxID = "9007199254740993" }))
        assert.equal("deleted",
          (client:verify_deletion { accountID = 1, inboxID = "9007199254740999" }))
        local neighbour = client:verify_deletion { accountID = 1, inboxID = "9007199254740992" }
        assert.equal(spelling:find('"') and "deleted" or "still_listed", neighbour)
      end)
    end
  end)

  describe("takes", function()
    it("no longer than the time-out", function()
      for _, scenario in ipairs {
        "live", "live+only-getInboxes+never", "live+only-getWhatsApp+never",
      } do
        local before = core.monotonic()
        verify(scenario, nil, { timeout = caller.short })
        local took = core.monotonic() - before
        assert.is_true(took < caller.short * 2, scenario .. " took " .. took)
      end
    end)

    it("two looks at least to say that nothing was deleted", function()
      local verdict, evidence = verify("live+" .. partner.delay(0.4), nil,
        { timeout = caller.short * 1.4 })
      assert.equal("unknown", verdict)
      assert.equal(1, #evidence.looks)
      assert.equal(LOOK, partner.seen(world))
    end)

    it("five looks at most, with pauses that grow", function()
      local sleep, pauses = partner.no_pauses()
      local client = partner.with_token(world, "live", { sleep = sleep })
      local verdict, evidence = client:verify_deletion(asked())
      assert.equal("still_listed", verdict)
      assert.equal(5, #evidence.looks)
      assert.equal(4, #pauses)
      for i, pause in ipairs(pauses) do
        local usual = 0.25 * 2 ^ (i - 1)
        assert.is_true(pause >= usual * 0.5 and pause <= usual * 1.5, pause)
      end
      assert.equal(looks_of(5), partner.seen(world))
    end)

    it("bad params for what they are, and sends nothing", function()
      local client = partner.with_token(world, "live")
      for _, params in ipairs {
        {}, { accountID = 1 }, { accountID = 1, inboxID = "010" },
        { accountID = 1, inboxID = 10, whatsapp_number = "+1" },
        { accountID = 1, inboxID = 10, inbox = 1 },
      } do
        local verdict, err = client:verify_deletion(params)
        assert.is_nil(verdict)
        caller.check_error(err, {
          kind = "argument", outcome = "not_sent", call = "verify_deletion",
        })
      end
      local bare = assert(caller.safe.client(caller.options(world, "live")))
      local verdict, err = bare:verify_deletion(asked())
      assert.is_nil(verdict)
      caller.check_error(err, { kind = "argument", name = "MISSING_KEY" })
      assert.equal(0, world:count())
    end)
  end)

  describe("after a deletion of which nobody knows", function()
    local function delete_and_verify(scenario, params, options)
      local client = partner.client(world, scenario, options)
      params = asked(params)
      params.verify = true
      return client:delete_inbox(params)
    end

    local by = { ["its number"] = { whatsapp_number = NUMBER }, ["no number"] = {} }
    for what, params in pairs(by) do
      it("that was carried out is a result, with " .. what, function()
        local result = assert(delete_and_verify("live+lost_after", params))
        assert.is_true(result.verified)
        check_evidence(result.evidence, "deleted", asked(params))
        result.evidence = nil
        assert.equal('{accountID=1 inboxID=10 reason=1 server="online" status="OK" verified=true'
          .. (params.whatsapp_number and ' whatsapp_number="972501234567"}' or "}"),
          caller.render(result))
        assert.equal("accessToken " .. (params.whatsapp_number
          and "getWhatsApp getAccounts getInboxes " or "") .. "deleteInbox " .. LOOK,
          partner.seen(world))
      end)

      it("that was not carried out is the error, with " .. what, function()
        local result, err = delete_and_verify("live+lost_before", params,
          { sleep = (partner.no_pauses()) })
        assert.is_nil(result)
        local evidence = err.verification
        check_evidence(evidence, "still_listed", asked(params))
        err.verification = nil
        caller.check_error(err, {
          kind = "network", outcome = "unknown", call = "delete_inbox", retryable = false,
        })
        assert.equal(1, world:count("deleteInbox"))
        assert.equal(#evidence.looks + (params.whatsapp_number and 1 or 0),
          world:count("getWhatsApp"))
      end)
    end

    it("is raised with what was seen", function()
      local client = partner.raising(world, "live+lost_before+only-getInboxes+reason_fail-2")
      local ok, err = pcall(client.delete_inbox, client, asked { verify = true })
      assert.is_false(ok)
      check_evidence(err.verification, "unknown", asked())
      assert.equal("unknown", err.outcome)
      assert.equal("accessToken deleteInbox " .. LOOK, partner.seen(world))
    end)

    it("that is finished a moment later is a result", function()
      local result = assert(delete_and_verify("live+lazy_delete-150+lost_after"))
      assert.is_true(result.verified)
      assert.is_true(#result.evidence.looks >= 2)
      assert.equal(1, world:count("deleteInbox"))
    end)

    it("that took all its time is still read back", function()
      local client = partner.client(world, "live+only-deleteInbox+never",
        { timeout = caller.short })
      local result = assert(client:delete_inbox(asked { verify = true }))
      assert.is_true(result.verified)
      check_evidence(result.evidence, "deleted", asked())
      assert.equal("accessToken deleteInbox " .. LOOK, partner.seen(world))
    end)

    it("is read back with the token of the call", function()
      local result = assert(delete_and_verify("live+lost_after", { access_token = mock.token }))
      assert.is_true(result.verified)
      assert.equal("deleteInbox " .. LOOK, partner.seen(world))
      assert.same({ mock.token, mock.token, mock.token }, partner.tokens(world))
    end)

    it("is not read back where the outcome is known", function()
      for _, answer in ipairs {
        { body = '{"status":"FAIL","reason":47}' }, { body = "<html></html>", status = 404 },
      } do
        world:script(answer)
        local _, err = delete_and_verify("live+only-deleteInbox+body")
        caller.check_error(err, { outcome = "rejected" })
      end
      local result = assert(delete_and_verify("live"))
      assert.is_nil(result.verified)
      assert.equal("accessToken 3, deleteInbox 3", partner.counts(world))
    end)

    it("is not read back where that is not asked for", function()
      local client = partner.client(world, "live+lost_after")
      for _, verify_too in ipairs { false, "left out" } do
        local params = asked { inboxID = verify_too and 11 or 10 }
        params.verify = verify_too == false and false or nil
        local _, err = client:delete_inbox(params)
        caller.check_error(err, { kind = "network", outcome = "unknown" })
      end
      assert.equal("accessToken deleteInbox deleteInbox", partner.seen(world))
    end)

    it("is read back after the repeat of a deletion that was refused for its token", function()
      world:script { calls = {
        deleteInbox = { { body = '{"status":"FAIL","reason":3}' }, { status = 500 } },
      } }
      local _, err = delete_and_verify("live+body", nil, { sleep = (partner.no_pauses()) })
      check_evidence(err.verification, "still_listed", asked())
      err.verification = nil
      caller.check_error(err, { kind = "http", http_status = 500, outcome = "unknown" })
      assert.equal("accessToken deleteInbox accessToken deleteInbox " .. looks_of(5),
        partner.seen(world))
    end)

    it("in a loop is read back there", function()
      local client = partner.client(world, "live+lost_after", { sleep = loop.sleep })
      local results = loop.times(4, function(i)
        return client:delete_inbox { accountID = 4, inboxID = 100 + i, verify = true }
      end)
      for i = 1, 4 do
        assert.is_true(results[i][1].verified)
      end
      assert.equal("accessToken 1, deleteInbox 4, getInboxes 4, getWhatsApp 4",
        partner.counts(world))
    end)
  end)
end)
