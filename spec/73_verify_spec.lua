local caller = require("spec.support.caller")
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
    assert.equal(verdict == "unknown" and "string" or "nil", type(evidence.blocker))
    assert.is_true(#evidence.looks >= 1 and #evidence.looks <= 5, #evidence.looks)
    for _, look in ipairs(evidence.looks) do
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", look.at)
      for _, key in ipairs { "inboxes", "numbers", "get_inboxes", "get_whatsapp_numbers" } do
        assert.equal("string", type(look[key]))
      end
    end
    local text = caller.render(evidence):gsub('apiKey\\":\\"%[redacted%]', "")
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
      it("proves a deletion by two looks that agree, with " .. what, function()
        delete()
        local verdict, evidence = verify("live", params)
        assert.equal("deleted", verdict)
        assert.is_nil(evidence.blocker)
        assert.equal("deleteInbox " .. looks_of(2), partner.seen(world))
      end)

      it("lists what was not deleted, which proves nothing, with " .. what, function()
        local verdict, evidence = verify("live", params)
        assert.equal("still_listed", verdict)
        assert.is_nil(evidence.blocker)
        assert.matches("in the background can still delete it", evidence.why)
        assert.equal(looks_of(4), partner.seen(world))
      end)
    end

    it("proves it with a session, and with the raising module", function()
      delete()
      local verdict, evidence = partner.raising(world, "live"):verify_deletion {
        accountID = 1, inboxID = 10,
      }
      assert.equal("deleted", verdict)
      check_evidence(evidence, "deleted", asked())
      assert.equal("deleteInbox accessToken " .. looks_of(2), partner.seen(world))
      local requests = world:requests()
      local apart = requests[5].time - requests[4].time -- the second look's first, the first's last
      assert.is_true(apart >= 0.99, "the looks are 1 s apart, and were " .. apart)
    end)

    it("proves it of large ids", function()
      local params = { accountID = "900000000000001", inboxID = 123456789012345 }
      local client = partner.with_token(world, "live", { sleep = (partner.no_pauses()) })
      assert.equal("still_listed", (client:verify_deletion(params)))
      assert(client:delete_inbox(params))
      assert.equal("deleted", (client:verify_deletion(params)))
    end)

    it("proves it of an inbox without a number", function()
      assert.equal("still_listed", (verify("live", { inboxID = 13 })))
      delete { inboxID = 13 }
      assert.equal("deleted", (verify("live", { inboxID = 13 })))
    end)

    it("does not tell an inbox from that of the same account on another server", function()
      delete { accountID = 2, inboxID = 20 }
      local params = { accountID = 2, inboxID = 20 }
      local verdict, evidence = verify("live", params)
      assert.equal("unknown NUMBER_STILL_THERE", verdict .. " " .. evidence.blocker)
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
      assert.equal(3, #evidence.looks)
      assert.equal("present", evidence.looks[1].inboxes)
      assert.equal("absent", evidence.looks[2].inboxes)
      assert.equal("absent", evidence.looks[3].inboxes)
      assert.equal("deleteInbox " .. looks_of(3), partner.seen(world))
    end)

    for what, scenario in pairs {
      ["an answer"] = "live+lazy_delete-600000",
      ["no answer"] = "live+lazy_delete-600000+lost_after",
      ["its gateway's answer"] = "live+lazy_delete-600000+gateway_after-504",
    } do
      it("lists for long what it deletes in the background, with " .. what, function()
        local result, err = partner.with_token(world, scenario):delete_inbox(asked())
        assert.equal(what == "an answer" and "deleted" or "unknown",
          result and "deleted" or err.outcome)
        for _, params in pairs(by) do
          assert.equal("still_listed", (verify(scenario, params)))
        end
        assert.equal("deleteInbox " .. looks_of(8), partner.seen(world))
      end)
    end

    it("does not tell while only the number's row is stale", function()
      delete()
      local verdict, evidence = verify("live+stale_number", { whatsapp_number = NUMBER })
      assert.equal("unknown NUMBER_STILL_THERE", verdict .. " " .. evidence.blocker)
      assert.equal(4, #evidence.looks)
      assert.equal("absent attached", evidence.looks[1].inboxes .. " " .. evidence.looks[1].numbers)
    end)

    it("lists the inbox while only that is stale", function()
      delete()
      local verdict, evidence = verify("live+stale_inbox", { whatsapp_number = NUMBER })
      assert.equal("still_listed", verdict)
      assert.equal("present moved", evidence.looks[1].inboxes .. " " .. evidence.looks[1].numbers)
    end)

    for lie, words in pairs {
      larger = "3 rows with a total of 4", smaller = "3 rows with a total of 2",
      negative = "3 rows with a total of %-4", missing = "3 rows without a total",
    } do
      it("proves nothing by lists whose total is " .. lie, function()
        delete()
        for _, params in pairs(by) do
          for _, call in ipairs { "", "-getInboxes", "-getWhatsApp" } do
            local verdict, evidence = verify("live+totals-" .. lie .. call, params)
            assert.equal("unknown TOTALS_DIFFER", verdict .. " " .. evidence.blocker)
            if call ~= "-getWhatsApp" then
              assert.matches("inbox 10 is not among " .. words, evidence.looks[2].get_inboxes)
            end
          end
        end
        assert.equal("deleteInbox " .. looks_of(12), partner.seen(world))
      end)
    end

    it("does not take a first look that is empty for proof", function()
      local verdict, evidence = verify("live+empty_first-1")
      assert.equal("still_listed", verdict)
      assert.equal("absent empty", evidence.looks[1].inboxes .. " " .. evidence.looks[1].numbers)
      assert.equal(looks_of(4), partner.seen(world))
      world = mock.world()
      verdict, evidence = verify("live+empty_first-1+only-getInboxes+status-500")
      assert.equal("unknown LIST_FAILED", verdict .. " " .. evidence.blocker)
      assert.equal(LOOK, partner.seen(world))
    end)

    it("does not take lists that stay empty for proof, nor objects for lists", function()
      for scenario, blocker in pairs {
        ["live+empty_first-99"] = "NO_NUMBERS",
        ["live+empty_first-99+list_object"] = "LIST_FAILED",
      } do
        for _, params in pairs(by) do
          local verdict, evidence = verify(scenario, params)
          assert.equal("unknown " .. blocker, verdict .. " " .. evidence.blocker)
        end
      end
      assert.equal(0, world:count("deleteInbox"))
    end)

    for _, status in ipairs { 201, 203, 206 } do
      it("is believed when it answers HTTP 200, and not " .. status, function()
        delete()
        for _, call in ipairs { "", "-getInboxes", "-getWhatsApp" } do
          local verdict, evidence = verify("live+reads_as-" .. status .. call)
          assert.equal("unknown LIST_FAILED", verdict .. " " .. evidence.blocker)
          local one = evidence.looks[1]
          assert.matches("HTTP " .. status,
            call == "-getWhatsApp" and one.get_whatsapp_numbers or one.get_inboxes)
        end
        assert.equal("deleteInbox " .. looks_of(3), partner.seen(world))
      end)
    end

    it("is believed where it names a number with a plus", function()
      delete()
      world:script { calls = { getWhatsApp = { body = '{"status":"OK","reason":1,"totalWhatsApp":1,'
        .. '"list":[{"whatsapp":"+972501234567","isOnline":0,"onlineAccount":0,"onlineInbox":0}]}',
      } } }
      assert.equal("deleted", (verify("live+body", { whatsapp_number = NUMBER })))
      assert.equal("deleteInbox " .. looks_of(2), partner.seen(world))
    end)

    it("proves nothing by a number that it does not list", function()
      delete()
      local verdict, evidence = verify("live", { whatsapp_number = "972599999999" })
      assert.equal("unknown NUMBER_NOT_LISTED", verdict .. " " .. evidence.blocker)
      assert.equal("deleteInbox " .. looks_of(2), partner.seen(world))
    end)

    for scenario, expected in pairs {
      ["reads_fail-500-getWhatsApp"] = { "absent failed", "SERVER_ERROR" },
      ["reads_fail-500-getInboxes"] = { "failed unnamed", "SERVER_ERROR" },
      ["reads_fail-500"] = { "failed failed", "SERVER_ERROR" },
      ["only-getInboxes+reason_fail-2"] = { "failed unnamed", "CREDENTIALS_INVALID" },
      ["only-getInboxes+reason_fail-33"] = { "failed unnamed", "ACCOUNT_ID_INVALID" },
      ["only-getInboxes+reason_fail-34"] = { "failed unnamed", "SERVER_INVALID" },
      ["only-getInboxes+reason_fail-99"] = { "failed unnamed", "UNDOCUMENTED_REASON" },
      ["only-getWhatsApp+reason_fail-2"] = { "absent failed", "CREDENTIALS_INVALID" },
      ["expired_token-9"] = { "failed failed", "ACCESS_TOKEN_INVALID" },
    } do
      it("does not tell after " .. scenario, function()
        delete()
        local verdict, evidence = verify("live+" .. scenario)
        assert.equal("unknown LIST_FAILED", verdict .. " " .. evidence.blocker)
        assert.equal(expected[1], evidence.looks[1].inboxes .. " " .. evidence.looks[1].numbers)
        caller.check_error(evidence.error, { name = expected[2], outcome = "none" })
        assert.equal("deleteInbox " .. LOOK, partner.seen(world))
      end)
    end

    it("is read again with a new token where the token was refused", function()
      delete()
      local client = partner.client(world, "live+expired_token-1",
        { sleep = (partner.no_pauses()) })
      assert.equal("deleted", (client:verify_deletion(asked())))
      assert.equal("deleteInbox accessToken getInboxes accessToken getInboxes getWhatsApp " .. LOOK,
        partner.seen(world))
    end)
  end)

  -- Every row of the table, and what is malformed. Each look has the same answers.
  describe("answers", function()
    -- With a total of its rows, unless `more` has one.
    local function list(rows, more)
      local total = ""
      if not (more and more:find("total", 1, true)) then
        local _, count = rows:gsub("{", "")
        total = (',"totalInboxes":%d,"totalWhatsApp":%d'):format(count, count)
      end
      return {
        body = ('{"status":"OK","reason":1%s%s,"list":[%s]}'):format(total, more or "", rows),
      }
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
    local ABSENT = list('{"id":11},{"id":"100"},{"id":1}')
    local PRESENT = list('{"id":11},{"id":10}')
    local CUT = list('{"id":11}', ',"totalInboxes":"2"')
    local FAILED = { status = 500, body = "" }

    -- How many looks each finding takes.
    local LOOKS_OF = {
      deleted = 2, still_listed = 4, NUMBER_STILL_THERE = 4, LIST_FAILED = 1, TOTALS_DIFFER = 2,
      NO_NUMBERS = 2, NUMBER_NOT_LISTED = 2,
    }

    -- What is answered for the inboxes and the numbers; the verdict with the number, and without
    -- it: of an unknown one, what stood in the way.
    local table_rows = {
      ["absent, not online"] = { ABSENT, list(OFF), "deleted", "deleted" },
      ["absent, online elsewhere"] = { ABSENT, list(ELSEWHERE), "deleted", "deleted" },
      ["absent, no row of the number"] = {
        ABSENT, list(BYSTANDER), "NUMBER_NOT_LISTED", "deleted",
      },
      ["absent, no rows at all"] = { ABSENT, list(""), "NO_NUMBERS", "NO_NUMBERS" },
      ["no inboxes at all, not online"] = { list(""), list(OFF), "deleted", "deleted" },
      ["nothing at all"] = { list(""), list(""), "NO_NUMBERS", "NO_NUMBERS" },
      ["nothing at all, and no totals"] = {
        { body = '{"status":"OK","list":[]}' }, { body = '{"status":"OK","list":[]}' },
        "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["absent, numbers failed"] = { ABSENT, FAILED, "LIST_FAILED", "LIST_FAILED" },
      ["absent, numbers not understood"] = {
        ABSENT, { body = '{"status":"OK","list":null}' }, "LIST_FAILED", "LIST_FAILED",
      },
      ["absent, old pair"] = { ABSENT, list(OLD), "NUMBER_STILL_THERE", "NUMBER_STILL_THERE" },
      ["absent, old pair with a plus"] = {
        ABSENT, list((OLD:gsub("972", "+972"))), "NUMBER_STILL_THERE", "NUMBER_STILL_THERE",
      },
      ["present, not online"] = { PRESENT, list(OFF), "still_listed", "still_listed" },
      ["present, online elsewhere"] = {
        PRESENT, list(ELSEWHERE), "still_listed", "still_listed",
      },
      ["present, old pair"] = { PRESENT, list(OLD), "still_listed", "still_listed" },
      ["present, numbers failed"] = { PRESENT, FAILED, "still_listed", "still_listed" },
      ["present, under HTTP 203"] = {
        { status = 203, body = PRESENT.body }, list(OLD), "still_listed", "still_listed",
      },
      ["inboxes failed"] = { FAILED, list(OFF), "LIST_FAILED", "LIST_FAILED" },
      ["inboxes null"] = {
        { body = '{"status":"OK","reason":1,"list":null}' }, list(OFF),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["an object for the list of inboxes"] = {
        { body = '{"status":"OK","totalInboxes":0,"list":{}}' }, list(OFF),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["an object for the list of numbers"] = {
        ABSENT, { body = '{"status":"OK","totalWhatsApp":0,"list":{}}' },
        "LIST_FAILED", "LIST_FAILED",
      },
      ["an inbox with half of a character in its name"] = {
        list('{"id":11,"name":"\\ud83d"}'), list(OFF), "deleted", "deleted",
      },
      ["the inbox with half of a character in its name"] = {
        list('{"id":10,"name":"\\udc00x\\ud83d"}'), list(OLD), "still_listed", "still_listed",
      },
      ["inboxes with a null"] = {
        list('{"id":11},null'), list(OFF), "LIST_FAILED", "LIST_FAILED",
      },
      ["inboxes of another account"] = {
        list('{"id":11}', ',"accountID":2'), list(OFF), "LIST_FAILED", "LIST_FAILED",
      },
      ["not whole, not online"] = { CUT, list(OFF), "TOTALS_DIFFER", "TOTALS_DIFFER" },
      ["not whole, online elsewhere"] = { CUT, list(ELSEWHERE), "TOTALS_DIFFER", "TOTALS_DIFFER" },
      ["not whole, no row of the number"] = {
        CUT, list(BYSTANDER), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["not whole, old pair"] = { CUT, list(OLD), "TOTALS_DIFFER", "TOTALS_DIFFER" },
      ["absent, another number in it"] = {
        ABSENT, list(OFF .. "," .. SUCCESSOR), "deleted", "NUMBER_STILL_THERE",
      },
      -- A page that came twice: another one is lacking.
      ["an inbox that came twice"] = {
        list('{"id":11},{"id":11}'), list(OFF), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["an inbox that came twice, as a number and as a string"] = {
        list('{"id":11},{"id":12},{"id":"11"}'), list(OFF), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["an inbox that came twice, and a total of the others"] = {
        list('{"id":11},{"id":11}', ',"totalInboxes":1'), list(OFF),
        "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["the inbox twice"] = {
        list('{"id":10},{"id":10}'), list(OFF), "still_listed", "still_listed",
      },
      ["the number twice, not online"] = {
        ABSENT, list(OFF .. "," .. OFF), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["the number twice, once with a plus"] = {
        ABSENT, list(OFF .. "," .. (ELSEWHERE:gsub("972", "+972"))),
        "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["another number twice"] = {
        ABSENT, list(OFF .. "," .. BYSTANDER .. "," .. BYSTANDER),
        "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["ids that are strings"] = {
        list('{"id":"10"}'),
        list(row '"isOnline":"1","onlineAccount":"1","onlineInbox":"10"'),
        "still_listed", "still_listed",
      },
      ["ids that are floats"] = {
        list('{"id":10.0}'), list(row '"isOnline":1.0,"onlineAccount":1e0,"onlineInbox":1e1'),
        "still_listed", "still_listed",
      },
      ["an inbox with two ids"] = {
        list('{"id":10,"id":11}'), list(OFF), "LIST_FAILED", "LIST_FAILED",
      },
      ["two totals"] = {
        list('{"id":11}', ',"totalInboxes":9,"totalInboxes":1'), list(OFF),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["a number that is online and not"] = {
        ABSENT, list(row '"isOnline":1,"isOnline":0,"onlineAccount":1,"onlineInbox":10'),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["an inbox without its id"] = {
        list('{"id":11},{"name":"?"}'), list(OFF), "LIST_FAILED", "LIST_FAILED",
      },
      ["inboxes that are lists"] = {
        list("[10]", ',"totalInboxes":1'), list(OFF), "LIST_FAILED", "LIST_FAILED",
      },
      ["a total that is none"] = {
        list('{"id":11}', ',"totalInboxes":"many"'), list(OFF), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["a total that is null"] = {
        list('{"id":11}', ',"totalInboxes":null'), list(OFF), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["a total that is a string of digits"] = {
        list('{"id":11}', ',"totalInboxes":"1"'), list(OFF), "deleted", "deleted",
      },
      ["a total that is a float"] = {
        list('{"id":11}', ',"totalInboxes":1.0'), list(OFF), "deleted", "deleted",
      },
      ["numbers that are not all there"] = {
        ABSENT, list(BYSTANDER, ',"totalWhatsApp":2'), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["not all numbers, but this one"] = {
        ABSENT, list(OFF, ',"totalWhatsApp":2'), "TOTALS_DIFFER", "TOTALS_DIFFER",
      },
      ["a row that does not say whether it is online"] = {
        ABSENT, list(row '"onlineAccount":1,"onlineInbox":10'), "LIST_FAILED", "LIST_FAILED",
      },
      ["a row with a word for it"] = {
        ABSENT, list(row '"isOnline":"no","onlineAccount":1,"onlineInbox":10'),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["a row that says it with true"] = {
        ABSENT, list(row '"isOnline":true,"onlineAccount":1,"onlineInbox":10'),
        "NUMBER_STILL_THERE", "NUMBER_STILL_THERE",
      },
      ["a row that denies it with false"] = {
        ABSENT, list(row '"isOnline":false,"onlineAccount":0,"onlineInbox":0'),
        "deleted", "deleted",
      },
      ["a row that denies it, and names the inbox"] = {
        ABSENT, list(row '"isOnline":0,"onlineAccount":1,"onlineInbox":10'),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["a row that is online in no inbox"] = {
        ABSENT, list(row '"isOnline":1,"onlineAccount":0,"onlineInbox":0'),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["a row without its inbox"] = {
        ABSENT, list(row '"isOnline":1,"onlineAccount":1'), "LIST_FAILED", "LIST_FAILED",
      },
      ["a row with null for its account"] = {
        ABSENT, list(row '"isOnline":1,"onlineAccount":null,"onlineInbox":10'),
        "LIST_FAILED", "LIST_FAILED",
      },
      ["two rows of the number"] = {
        ABSENT, list(OFF .. "," .. OLD), "NUMBER_STILL_THERE", "NUMBER_STILL_THERE",
      },
      ["the list of inboxes twice"] = {
        { body = '{"status":"OK","reason":1,"list":[{"id":10}],"list":[]}' }, list(OFF),
        "LIST_FAILED", "LIST_FAILED",
      },
    }
    for what, id in pairs {
      ["null"] = "null", ["a word"] = '"x10"', ["a fraction"] = "9.5", ["0"] = "0",
      ["\"0\""] = '"0"', ["-11"] = "-11", ["\"-11\""] = '"-11"', ["a zero before it"] = '"010"',
      ["a plus before it"] = '"+10"',
    } do
      table_rows["an inbox with " .. what .. " for its id"] = {
        list('{"id":' .. id .. "}"), list(OFF), "LIST_FAILED", "LIST_FAILED",
      }
      table_rows["a row in an inbox with " .. what .. " for its id"] = {
        ABSENT, list(row('"isOnline":1,"onlineAccount":1,"onlineInbox":' .. id)),
        "LIST_FAILED", "LIST_FAILED",
      }
    end
    for what, case in pairs(table_rows) do
      for i, number in ipairs { NUMBER, false } do
        local expected = case[2 + i]
        it(("%s: %s %s"):format(what, expected, number and "by number" or "without"), function()
          world:script { calls = { getInboxes = case[1], getWhatsApp = case[2] } }
          local verdict, evidence = verify("body", { whatsapp_number = number or nil })
          assert.equal(expected, evidence.blocker or verdict, caller.render(evidence.looks))
          assert.equal(LOOKS_OF[expected], #evidence.looks)
          assert.equal(looks_of(#evidence.looks), partner.seen(world))
        end)
      end
    end

    it("say what they have beside a total that is right", function()
      world:script { calls = {
        getInboxes = list('{"id":11},{"id":11}'), getWhatsApp = list(OFF .. "," .. SUCCESSOR),
      } }
      local verdict, evidence = verify("body", { whatsapp_number = NUMBER })
      assert.equal("unknown", verdict)
      assert.matches("or one of them came twice", evidence.why)
      assert.equal("inbox 10 is not among 2 rows, one of which came twice",
        evidence.looks[1].get_inboxes)
      assert.equal("number " .. NUMBER .. " is listed, and not in the inbox; another number is in"
        .. " an inbox with these IDs, perhaps on another server",
        evidence.looks[1].get_whatsapp_numbers)
      assert.equal(looks_of(2), partner.seen(world))
    end)

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

  describe("a secret that the service repeats as a total", function()
    local function answer(total)
      world:script { calls = {
        getInboxes = {
          body = '{"status":"OK","reason":1,"totalInboxes":' .. total .. ',"list":[]}',
        },
        getWhatsApp = {
          body = '{"status":"OK","reason":1,"totalWhatsApp":' .. total .. ',"list":[]}',
        },
        deleteInbox = { body = "{}" },
      } }
    end

    -- Whether it is in what is told of the two looks, or of the one after a deletion.
    local function check_hidden(client, secret, expected)
      local _, evidence = client:verify_deletion(asked())
      local _, err = client:delete_inbox(asked { verify = true })
      for _, found in ipairs { evidence, err.verification } do
        assert.equal("TOTALS_DIFFER", found.blocker)
        assert.is_nil(caller.render(found):find(secret, 1, true))
        assert.equal("inbox 10 is not among 0 rows with " .. expected, found.looks[1].get_inboxes)
        assert.equal("there are 0 rows with " .. expected, found.looks[1].get_whatsapp_numbers)
      end
      assert.equal("getInboxes getWhatsApp deleteInbox getInboxes getWhatsApp",
        (partner.seen(world):gsub(" ?accessToken ?", ""):gsub("(getInboxes getWhatsApp) %1", "%1")))
    end

    local function options(more)
      more.sleep = (partner.no_pauses())
      return more
    end

    it("is not shown, nor a text of any length", function()
      for _, total in ipairs { mock.token, "x" .. mock.token, ("9"):rep(100000) } do
        world = mock.world()
        answer('"' .. total .. '"')
        check_hidden(partner.with_token(world, "body", options {}), total,
          "a total that is no count")
      end
    end)

    it("is not shown where it is digits", function()
      answer("20713")
      check_hidden(partner.with_token(world, "body", options { access_token = "20713" }), "20713",
        "a total of [redacted]")
    end)

    it("is not shown where it is digits, from a session", function()
      world:script { calls = {
        accessToken = {
          body = '{"reason":1,"access_token":"20713","expiration_time":"9999999999"}',
        },
        getInboxes = { body = '{"status":"OK","reason":1,"totalInboxes":20713,"list":[]}' },
        getWhatsApp = { body = '{"status":"OK","reason":1,"totalWhatsApp":20713,"list":[]}' },
        deleteInbox = { body = "{}" },
      } }
      check_hidden(partner.client(world, "body", options {}), "20713", "a total of [redacted]")
    end)
  end)

  describe("takes", function()
    it("no longer than the time-out", function()
      for _, scenario in ipairs {
        "live", "live+only-getInboxes+never", "live+only-getWhatsApp+never",
      } do
        assert.message(scenario).is_true(caller.takes_less(caller.short * 2, function()
          verify(scenario, nil, { timeout = caller.short })
        end))
      end
    end)

    it("two looks to say that it was deleted, where there is the time", function()
      delete()
      local verdict, evidence = verify("live", nil, { timeout = 0.9 })
      assert.equal("unknown NO_TIME", verdict .. " " .. evidence.blocker)
      assert.equal("deleteInbox " .. LOOK, partner.seen(world))
    end)

    it("one look to say that it is listed", function()
      local verdict, evidence = verify("live", nil, { timeout = 0.9 })
      assert.equal("still_listed", verdict)
      assert.equal(1, #evidence.looks)
      assert.equal(LOOK, partner.seen(world))
    end)

    it("a look that the end of the time cuts short for nothing", function()
      local scenario = "live+never+first-2+drip-0" -- the first look is answered, the second never
      local verdict, evidence = verify(scenario, nil, { timeout = 3 })
      assert.equal("still_listed", verdict)
      assert.equal("present failed", evidence.looks[1].inboxes .. " " .. evidence.looks[2].inboxes)
      world = mock.world()
      delete()
      verdict, evidence = verify(scenario, nil, { timeout = 3 })
      assert.equal("unknown NO_TIME", verdict .. " " .. evidence.blocker)
      assert.equal("absent failed", evidence.looks[1].inboxes .. " " .. evidence.looks[2].inboxes)
      assert.equal("TIMEOUT", evidence.error.name)
      world = mock.world()
      delete()
      verdict, evidence = verify("live+only-getInboxes+never", nil, { timeout = caller.short })
      assert.equal("unknown LIST_FAILED", verdict .. " " .. evidence.blocker)
    end)

    it("four looks at most where it is listed, with pauses that grow", function()
      local sleep, pauses = partner.no_pauses()
      local client = partner.with_token(world, "live", { sleep = sleep })
      local verdict, evidence = client:verify_deletion(asked())
      assert.equal("still_listed", verdict)
      assert.equal(4, #evidence.looks)
      assert.equal(3, #pauses)
      for i, usual in ipairs { 1, 1, 2 } do
        assert.is_true(math.abs(pauses[i] - usual) < 0.01, pauses[i])
      end
      assert.equal(looks_of(4), partner.seen(world))
    end)

    it("a second or more between two looks, though a loop ends its pauses early", function()
      delete()
      local client = partner.with_token(world, "live", { sleep = function(seconds)
        caller.pause(math.min(seconds, 0.1))
      end })
      assert.equal("deleted", (client:verify_deletion(asked())))
      assert.equal("deleteInbox " .. looks_of(2), partner.seen(world))
      local requests = world:requests()
      assert.is_true(requests[4].time - requests[3].time >= 0.99)
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
          and "getWhatsApp getAccounts getInboxes " or "") .. "deleteInbox " .. looks_of(2),
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
      local client = partner.client(world, "live+only-deleteInbox+never", { timeout = 2 })
      local result = assert(client:delete_inbox(asked { verify = true }))
      assert.is_true(result.verified)
      check_evidence(result.evidence, "deleted", asked())
      assert.equal("accessToken deleteInbox " .. looks_of(2), partner.seen(world))
    end)

    it("is not read back by a client that was closed meanwhile, which says so", function()
      local client
      client = partner.with_token(world, "live+lost_after", { on_event = function()
        client:close()
      end })
      local result, err = client:delete_inbox(asked { verify = true })
      assert.is_nil(result)
      assert.equal("unknown", err.outcome)
      local evidence = err.verification
      assert.same({ "unknown", "LIST_FAILED", "CLIENT_CLOSED", 0 }, {
        evidence.verdict, evidence.blocker, evidence.error.name, #evidence.looks,
      })
      for key, value in pairs(asked()) do
        assert.equal(value, evidence[key], key)
      end
      assert.equal("deleteInbox", partner.seen(world))
    end)

    it("is read back with the token of the call", function()
      local result = assert(delete_and_verify("live+lost_after", { access_token = mock.token }))
      assert.is_true(result.verified)
      assert.equal("deleteInbox " .. looks_of(2), partner.seen(world))
      assert.same({ mock.token, mock.token, mock.token, mock.token, mock.token },
        partner.tokens(world))
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
      assert.equal("accessToken deleteInbox accessToken deleteInbox " .. looks_of(4),
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
      assert.equal("accessToken 1, deleteInbox 4, getInboxes 8, getWhatsApp 8",
        partner.counts(world))
    end)
  end)
end)
