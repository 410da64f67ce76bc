local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local partner = require("spec.support.partner")

local loop = partner.loop
local has_integers = math.type ~= nil
local NUMBER = "972501234567"
local OTHER_NUMBER = "972501234568"

-- What find_inbox reads where nothing is in doubt.
local READS = "getWhatsApp getAccounts getInboxes"

describe("looking up", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function find(scenario, number)
    return partner.with_token(world, scenario):find_inbox { whatsapp_number = number }
  end

  local function number_row(fields)
    local parts = {}
    for key, value in pairs(fields) do
      parts[#parts + 1] = ('"%s":%s'):format(key, value)
    end
    return ('{"whatsapp":"%s","apiKey":"an-api-key",%s}'):format(NUMBER, table.concat(parts, ","))
  end

  -- A list with that total, as JSON; false is none.
  local function list_with(total, ...)
    local fields = total and ('"totalOnline":%s,"totalInboxes":%s,"totalWhatsApp":%s,')
      :format(total, total, total) or ""
    return {
      body = ('{"status":"OK","reason":1,%s"list":[%s]}')
        :format(fields, table.concat({ ... }, ",")),
    }
  end

  local function list_of(...)
    return list_with(select("#", ...), ...)
  end

  local attached = number_row { isOnline = 1, onlineAccount = 1, onlineInbox = 10 }

  describe("a number", function()
    for number, expected in pairs {
      [NUMBER] = { "1", "online", "10", "Reception" },
      ["972504000140"] = { "4", "online", "140", "Store 140" },
      ["972509000001"] = { "900000000000001", "online", "123456789012345", "Everything" },
    } do
      it("finds inbox " .. expected[3], function()
        local found = assert(find("live", number))
        assert.equal(
          ('{accountID=%s inboxID=%s inbox_name=%q server=%q whatsapp_number=%q}')
            :format(expected[1], expected[3], expected[4], expected[2], number),
          caller.render(found))
        assert.equal(READS, partner.seen(world))
      end)
    end

    it("finds it with a session, and with the raising module", function()
      local found = partner.raising(world, "live"):find_inbox { whatsapp_number = NUMBER }
      assert.equal(10, found.inboxID)
      assert.equal("accessToken " .. READS, partner.seen(world))
    end)

    it("finds what delete_inbox takes", function()
      local client = partner.client(world, "live")
      local gone = assert(client:delete_inbox((function(found)
        found.inbox_name = nil
        return found
      end)(assert(client:find_inbox { whatsapp_number = "972509000001" }))))
      assert.equal("123456789012345", ("%.0f"):format(gone.inboxID))
      assert.equal('{"accountID":900000000000001,"server":"online","inboxID":123456789012345}',
        world:requests()[8].body)
      assert.equal(1, world:count("deleteInbox"))
    end)

    it("tells the servers of an account number apart by reading", function()
      assert.equal("online", assert(find("live", "972502000021")).server)
      assert.equal("west", assert(find("live", "972502000122")).server)
      assert.equal("getAccounts 2, getInboxes 4, getWhatsApp 2", partner.counts(world))
    end)

    local function check_not_found(name, reads, result, err)
      assert.is_nil(result, caller.render(result))
      caller.check_error(err, {
        kind = "lookup", name = name, outcome = "none", retryable = false, call = "find_inbox",
      })
      assert.is_nil(caller.render(err):find("key", 1, true))
      assert.equal(reads, partner.seen(world))
    end

    it("is refused where two servers have that inbox of that account", function()
      check_not_found("INBOX_AMBIGUOUS", "getWhatsApp getAccounts getInboxes getInboxes",
        find("live", "972502000020"))
    end)

    it("is refused without a secret that the service repeats", function()
      local token = "abc123tokenABC"
      local function answer(accounts, total)
        world:script { calls = {
          getWhatsApp = { body = '{"status":"OK","reason":1,"totalWhatsApp":1,"list":[{"whatsapp":'
            .. '"' .. NUMBER .. '","isOnline":1,"onlineAccount":1,"onlineInbox":10}]}' },
          getAccounts = { body = '{"status":"OK","reason":1,"totalOnline":' .. total .. ',"list":['
            .. accounts .. "]}" },
          getInboxes = { body = '{"status":"OK","reason":1,"list":[{"id":10,"name":"x"}]}' },
        } }
      end
      local row = '{"account_id":1,"server":"%s"}'
      local client = partner.with_token(world, "body", { access_token = token })
      local function check(kind)
        local _, err = client:delete_inbox {
          accountID = 1, inboxID = 10, whatsapp_number = NUMBER,
        }
        caller.check_error(err, { kind = "precondition", name = "NUMBER_MISMATCH" }, token)
        local found, other = client:find_inbox { whatsapp_number = NUMBER }
        if kind then
          caller.check_error(other, { kind = "lookup", name = kind }, token)
        else
          assert.equal(token, found.server)
        end
        return err.message
      end
      answer(row:format(token), 1)
      assert.matches("on server [redacted], and not in", check(), 1, true)
      answer(row:format("west") .. "," .. row:format(token), 2)
      assert.matches("on 2 servers: west, [redacted]", check("INBOX_AMBIGUOUS"), 1, true)
      answer(row:format("west"), '"' .. token .. '"')
      assert.matches("a total that is no count", check("INBOX_AMBIGUOUS"), 1, true)
      assert.equal(0, world:count("deleteInbox"))
    end)

    it("is refused where it is unknown", function()
      check_not_found("NUMBER_NOT_FOUND", "getWhatsApp", find("live", "972599999999"))
    end)

    it("is refused where it is in no inbox", function()
      check_not_found("NUMBER_HAS_NO_INBOX", "getWhatsApp", find("live", "972501239999"))
    end)

    it("is refused where its inbox has just been deleted", function()
      assert(partner.with_token(world, "live"):delete_inbox { accountID = 1, inboxID = 10 })
      check_not_found("NUMBER_HAS_NO_INBOX", "deleteInbox getWhatsApp", find("live", NUMBER))
    end)

    it("is refused where only its row still names the inbox", function()
      assert(partner.with_token(world, "live"):delete_inbox { accountID = 1, inboxID = 10 })
      check_not_found("NUMBER_HAS_NO_INBOX", "deleteInbox " .. READS,
        find("live+stale_number", NUMBER))
    end)

    for _, call in ipairs { "getInboxes", "getWhatsApp" } do
      it("finds a listed inbox though the total is larger, of " .. call, function()
        assert.equal(10, assert(find("live+totals-larger-" .. call, NUMBER)).inboxID)
        assert.equal(READS, partner.seen(world))
      end)
    end

    for _, lie in ipairs { "larger", "smaller", "negative", "missing" } do
      it("is refused where the accounts are not all there: their total is " .. lie, function()
        for _, only in ipairs { "", "-getAccounts" } do
          world = mock.world()
          check_not_found("INBOX_AMBIGUOUS", "getWhatsApp getAccounts",
            find("live+totals-" .. lie .. only, NUMBER))
        end
      end)

      it("is refused where the inboxes are not all there: their total is " .. lie, function()
        check_not_found("INBOX_AMBIGUOUS", "getWhatsApp getAccounts getInboxes getInboxes",
          find("live+totals-" .. lie .. "-getInboxes", "972502000021"))
      end)
    end

    it("finds an inbox that is not listed where more are said to be, on the only server", function()
      assert(partner.with_token(world, "live"):delete_inbox { accountID = 1, inboxID = 10 })
      local found = assert(find("live+stale_number+totals-larger-getInboxes", NUMBER))
      assert.equal('{accountID=1 inboxID=10 server="online" whatsapp_number="972501234567"}',
        caller.render(found))
    end)

    -- By what the lists say: their rows, and what comes of them.
    local accounts = '{"account_id":"1","server":"online"}'
    local cases = {
      ["an account that is not listed"] = {
        accounts = list_of('{"account_id":"2","server":"online"}'),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      },
      ["an account without its server"] = {
        accounts = list_of('{"account_id":"1","server":null}'),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      },
      ["an account of which one server is not named"] = {
        accounts = list_of(accounts, '{"account_id":1}'),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      },
      ["an account on a server that is none"] = {
        accounts = list_of('{"account_id":"1","server":"online/../x"}'),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      },
      ["an account on a server that begins with a dash"] = {
        accounts = list_of('{"account_id":"1","server":"-online"}'),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      },
      -- A page that came twice: what stands on the one that did not is not known.
      ["an account listed twice"] = {
        accounts = list_of(accounts, '{"account_id":1,"server":"ONLINE"}'),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      },
      ["another account listed twice"] = {
        accounts = list_of(accounts, '{"account_id":2,"server":"a"}',
          '{"account_id":"2","server":"A"}'),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      },
      ["another account on two servers"] = {
        accounts = list_of(accounts, '{"account_id":2,"server":"a"}',
          '{"account_id":"2","server":"b"}'), reads = READS,
      },
      ["another account on a server that is none"] = {
        accounts = list_of(accounts, '{"account_id":2,"server":1}'), reads = READS,
      },
      ["a number of two inboxes"] = {
        numbers = list_of(attached, number_row {
          isOnline = 1, onlineAccount = 1, onlineInbox = 11,
        }),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp",
      },
      ["a number with a second row, of no inbox"] = {
        numbers = list_of(attached, number_row {
          isOnline = 0, onlineAccount = 0, onlineInbox = 0,
        }),
        reads = READS,
      },
      ["the same row twice"] = { numbers = list_of(attached, attached), reads = READS },
      ["a plus before it in the list"] = {
        numbers = list_of((attached:gsub("972", "+972"))), reads = READS,
      },
      ["a row in an inbox below 0"] = {
        numbers = list_of(number_row { isOnline = 1, onlineAccount = 1, onlineInbox = -10 }),
        name = "NUMBER_HAS_NO_INBOX", reads = "getWhatsApp",
      },
      ["a row of an account below 0"] = {
        numbers = list_of(number_row { isOnline = 1, onlineAccount = "\"-1\"", onlineInbox = 10 }),
        name = "NUMBER_HAS_NO_INBOX", reads = "getWhatsApp",
      },
      ["ids that are strings"] = {
        numbers = list_of(number_row {
          isOnline = '"1"', onlineAccount = '"1"', onlineInbox = '"10"',
        }),
        inboxes = list_of('{"id":"10","name":"Reception"}'), reads = READS,
      },
      ["a row that is online in no inbox"] = {
        numbers = list_of(number_row { isOnline = 1, onlineAccount = 0, onlineInbox = 0 }),
        name = "NUMBER_HAS_NO_INBOX", reads = "getWhatsApp",
      },
      ["a row that is online without an inbox"] = {
        numbers = list_of(number_row { isOnline = 1, onlineAccount = 1, onlineInbox = "null" }),
        name = "NUMBER_HAS_NO_INBOX", reads = "getWhatsApp",
      },
      ["a row that does not say whether it is online"] = {
        numbers = list_of(number_row { onlineAccount = 1, onlineInbox = 10 }),
        name = "NUMBER_HAS_NO_INBOX", reads = "getWhatsApp",
      },
      ["an id that does not come through exactly"] = {
        numbers = list_of(number_row {
          isOnline = 1, onlineAccount = 1, onlineInbox = "9007199254740993",
        }),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp",
      },
      ["an id that only seems to be a whole number"] = {
        numbers = list_of(number_row {
          isOnline = 1, onlineAccount = 1, onlineInbox = "9.99999999999999999999",
        }),
        name = "NUMBER_HAS_NO_INBOX", reads = "getWhatsApp",
      },
      ["an inbox that the account does not list"] = {
        inboxes = list_of('{"id":11}', '{"id":100}'),
        name = "NUMBER_HAS_NO_INBOX", reads = READS,
      },
    }
    for what, id in pairs {
      ["without its ID"] = '"x":1', ["with null for its ID"] = '"account_id":null',
      ["with a word for its ID"] = '"account_id":"two"', ["that is 0"] = '"account_id":0',
      ["that is below 0"] = '"account_id":-1', ["with a list for its ID"] = '"account_id":[2]',
      ["with a fraction for its ID"] = '"account_id":1.5',
      ["with a small fraction for its ID"] = '"account_id":1.99999999999999999999',
    } do
      cases["another account " .. what] = {
        accounts = list_of(accounts, '{"server":"west",' .. id .. "}"),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      }
    end
    for _, total in ipairs {
      "2", '"2"', "0", "-1", "null", '"many"', "[]", "1.5", "1.00000000000000000001", false,
    } do
      cases["one account, and a total of " .. tostring(total)] = {
        accounts = list_with(total, accounts),
        name = "INBOX_AMBIGUOUS", reads = "getWhatsApp getAccounts",
      }
    end
    for _, total in ipairs { "1", '"1"', "1.0" } do
      cases["one account, and a total of " .. total] = {
        accounts = list_with(total, accounts), reads = READS,
      }
    end
    for what, case in pairs(cases) do
      it("with " .. what .. (case.name and " is refused" or " is found"), function()
        world:script { calls = {
          getWhatsApp = case.numbers or list_of(attached),
          getAccounts = case.accounts or list_of(accounts),
          getInboxes = case.inboxes or list_of('{"id":10,"name":"Reception"}'),
        } }
        local found, err = find("body", NUMBER)
        if case.name then
          return check_not_found(case.name, case.reads, found, err)
        end
        assert.is_nil(err)
        assert.equal('{accountID=1 inboxID=10 inbox_name="Reception" server="online"'
          .. ' whatsapp_number="972501234567"}', caller.render(found))
        assert.equal(case.reads, partner.seen(world))
      end)
    end

    -- The account is on two servers: one lists the inbox, and this is what the other lists.
    local others = {
      ["all others"] = list_of('{"id":11}', '{"id":12}'), ["none"] = list_of(),
      ["two rows of a total of 3"] = list_with("3", '{"id":11}', '{"id":12}'),
      ["two rows without a total"] = list_with(false, '{"id":11}', '{"id":12}'),
      ["a row twice"] = list_of('{"id":11}', '{"id":"11"}'),
      ["a row without its ID"] = list_of('{"id":11}', '{"name":"?"}'),
    }
    for what, other in pairs(others) do
      it("is told from one on another server by its lists, which is " .. what, function()
        local holder = list_of('{"id":10,"name":"Reception"}')
        for i, lists in ipairs { { holder, other }, { other, holder } } do
          world = mock.world():script { calls = {
            getWhatsApp = list_of(attached),
            getAccounts = list_of(accounts, '{"account_id":1,"server":"west"}'),
            getInboxes = lists,
          } }
          local found, err = find("body", NUMBER)
          if what == "all others" or what == "none" then
            assert.equal(i == 1 and "online" or "west", assert(found, err).server)
          else
            check_not_found("INBOX_AMBIGUOUS", READS .. " getInboxes", found, err)
          end
        end
      end)
    end

    it("is found in an inbox with a large id that comes as a string", function()
      local big = "9007199254740993"
      world:script { calls = {
        getWhatsApp = list_of(number_row {
          isOnline = 1, onlineAccount = 1, onlineInbox = '"' .. big .. '"',
        }),
        getAccounts = list_of(accounts),
        getInboxes = list_of('{"id":"9007199254740992"}', '{"id":"' .. big .. '"}'),
      } }
      local found = assert(find("body", NUMBER))
      assert.equal(big, has_integers and ("%d"):format(found.inboxID) or found.inboxID)
      world:script { calls = {
        getWhatsApp = list_of(number_row {
          isOnline = 1, onlineAccount = 1, onlineInbox = '"' .. big .. '"',
        }),
        getAccounts = list_of(accounts),
        getInboxes = list_of('{"id":"9007199254740992"}'),
      } }
      local _, err = find("body", NUMBER)
      caller.check_error(err, { kind = "lookup", name = "NUMBER_HAS_NO_INBOX" })
      assert.equal(READS .. " " .. READS, partner.seen(world))
    end)

    for _, call in ipairs { "getWhatsApp", "getAccounts", "getInboxes" } do
      it("is not found where " .. call .. " fails, with its error", function()
        local found, err = find("live+reads_fail-500-" .. call, NUMBER)
        assert.is_nil(found)
        caller.check_error(err, { kind = "http", http_status = 500, outcome = "none" })
        assert.equal(1, world:count(call))
        assert.equal(call, partner.seen(world):match("%a+$"))
      end)
    end

    it("must be digits, and nothing is sent otherwise", function()
      local client = partner.client(world, "live")
      for _, params in ipairs {
        {}, { whatsapp_number = "+972501234567" }, { whatsapp_number = 972501234567 },
        { whatsapp_number = "" }, { whatsapp_number = NUMBER, server = "online" },
      } do
        local found, err = client:find_inbox(params)
        assert.is_nil(found)
        caller.check_error(err, { kind = "argument", outcome = "not_sent", call = "find_inbox" })
      end
      local raising = partner.raising(world, "live")
      local ok, err = pcall(raising.find_inbox, raising)
      assert.is_false(ok)
      caller.check_error(err, { kind = "argument", outcome = "not_sent", call = "find_inbox" })
      assert.equal(0, world:count())
    end)

    it("is looked up within one time-out", function()
      local client = partner.with_token(world, "live+only-getInboxes+never",
        { timeout = caller.short })
      assert.is_true(caller.takes_less(caller.short * 2, function()
        local _, err = client:find_inbox { whatsapp_number = NUMBER }
        caller.check_error(err, { kind = "network", name = "TIMEOUT", outcome = "none" })
      end))
    end)
  end)

  describe("the number before a deletion", function()
    local function delete(scenario, params, make_client)
      local client = (make_client or partner.with_token)(world, scenario)
      params.accountID = params.accountID or 1
      params.inboxID = params.inboxID or 10
      return client:delete_inbox(params)
    end

    it("lets it happen where the inbox holds it", function()
      local result = assert(delete("live", { whatsapp_number = NUMBER }))
      assert.equal('{accountID=1 inboxID=10 reason=1 server="online" status="OK"'
        .. ' whatsapp_number="972501234567"}', caller.render(result))
      assert.equal(READS .. " deleteInbox", partner.seen(world))
      assert.equal('{"accountID":1,"server":"online","inboxID":10}', world:requests()[4].body)
    end)

    it("lets it happen with a session, and with the raising module", function()
      local client = partner.raising(world, "live")
      assert.equal("OK", client:delete_inbox {
        accountID = 2, server = "west", inboxID = 22, whatsapp_number = "972502000122",
      }.status)
      assert.equal("accessToken getWhatsApp getAccounts getInboxes getInboxes deleteInbox",
        partner.seen(world))
    end)

    it("is read with the token of the call", function()
      assert(delete("live", { whatsapp_number = NUMBER, access_token = mock.token },
        partner.client))
      assert.equal(READS .. " deleteInbox", partner.seen(world))
      assert.same({ mock.token, mock.token, mock.token, mock.token }, partner.tokens(world))
    end)

    for what, params in pairs {
      ["in another inbox"] = { whatsapp_number = OTHER_NUMBER },
      ["in no inbox"] = { whatsapp_number = "972501239999" },
      ["unknown"] = { whatsapp_number = "972599999999" },
      ["in an inbox of another account"] = { whatsapp_number = "972504000101" },
      ["on another server"] = {
        accountID = 2, inboxID = 22, whatsapp_number = "972502000122",
      },
      ["on one of two servers"] = {
        accountID = 2, inboxID = 20, whatsapp_number = "972502000020",
      },
      ["that of another inbox than this web widget"] = { inboxID = 12, whatsapp_number = NUMBER },
    } do
      it("stops it where it is " .. what, function()
        local copy = {}
        for key, value in pairs(params) do
          copy[key] = value
        end
        local result, err = delete("live", copy, partner.client)
        assert.is_nil(result)
        caller.check_error(err, {
          kind = "precondition", name = "NUMBER_MISMATCH", outcome = "not_sent",
          retryable = false, call = "delete_inbox", accountID = copy.accountID,
          inboxID = copy.inboxID, server = "online",
        })
        assert.matches(params.whatsapp_number, err.message)
        assert.equal(0, world:count("deleteInbox"))
        assert.equal(1, world:count("getWhatsApp"))
        assert.is_true(world:count("getInboxes") <= 2)
      end)
    end

    -- The number is in inbox 20 of account 2 on online; on west that is another customer's.
    local west = '{"account_id":2,"server":"west"}'
    for what, answer in pairs {
      ["of one row, and a total of 6"] = list_with("6", west),
      ["of one row, and a total of 0"] = list_with("0", west),
      ["of one row without a total"] = list_with(false, west),
      ["of a row that came twice"] = list_of(west, west),
      ["with a row without its ID"] = list_of(west, '{"server":"online"}'),
      ["with a row that is no account's"] = list_of(west, '{"account_id":0,"server":"online"}'),
      ["with a row without its server"] = list_of(west, '{"account_id":"2"}'),
    } do
      it("stops it where the servers of the account are not known, by a list " .. what, function()
        world:script { calls = { getAccounts = answer } }
        for _, server in ipairs { "west", "online" } do
          local asked = {
            accountID = 2, server = server, inboxID = 20, whatsapp_number = "972502000020",
          }
          local client = partner.with_token(world, "live+body")
          local result, err = client:delete_inbox(asked)
          assert.is_nil(result)
          caller.check_error(err, {
            kind = "precondition", name = "NUMBER_MISMATCH", outcome = "not_sent",
            call = "delete_inbox", server = server, inboxID = 20,
          })
          local report = client:delete_inboxes { asked }
          assert.equal(1, report.not_sent)
          assert.equal("NUMBER_MISMATCH", report.results[1].error.name)
        end
        assert.equal("getAccounts 4, getWhatsApp 4", partner.counts(world))
      end)
    end

    it("is raised where it stops it", function()
      local client = partner.raising(world, "live")
      local ok, err = pcall(client.delete_inbox, client,
        { accountID = 1, inboxID = 10, whatsapp_number = OTHER_NUMBER })
      assert.is_false(ok)
      caller.check_error(err, { kind = "precondition", outcome = "not_sent" })
      assert.equal(0, world:count("deleteInbox"))
    end)

    for scenario, expected in pairs {
      ["reads_fail-500-getWhatsApp"] = { kind = "http", http_status = 500 },
      ["reads_fail-403-getInboxes"] = { kind = "http", http_status = 403 },
      ["only-getAccounts+reason_fail-2"] = { kind = "api", name = "CREDENTIALS_INVALID" },
      ["only-getInboxes+reason_fail-33"] = { kind = "api", name = "ACCOUNT_ID_INVALID" },
      ["only-getAccounts+body"] = { kind = "protocol" },
      ["only-getWhatsApp+close"] = { kind = "network" },
    } do
      it("stops it where it could not be read: " .. scenario, function()
        world:script { body = '{"status":"OK","reason":1,"list":null}' }
        local result, err = delete("live+" .. scenario, { whatsapp_number = NUMBER })
        assert.is_nil(result)
        expected.outcome = "not_sent"
        expected.inboxID = 10
        caller.check_error(err, expected)
        assert.equal(0, world:count("deleteInbox"))
        assert.is_true(world:count() > 0)
      end)
    end

    it("is looked up in the time of the call, and nothing is sent after it", function()
      local client = partner.with_token(world, "live+only-getWhatsApp+never",
        { timeout = caller.short })
      assert.is_true(caller.takes_less(caller.short * 2, function()
        local _, err = client:delete_inbox {
          accountID = 1, inboxID = 10, whatsapp_number = NUMBER, verify = true,
        }
        caller.check_error(err, { kind = "network", name = "TIMEOUT", outcome = "not_sent" })
      end))
      assert.equal(0, world:count("deleteInbox"))
    end)

    for answer, differs in pairs {
      ['"972509999999"'] = true, ['""'] = true, ["972509999999"] = true,
      ['"' .. NUMBER .. '"'] = false, ['"+' .. NUMBER .. '"'] = false, [NUMBER] = false,
      ["null"] = false,
    } do
      it("is compared with the answer's " .. answer, function()
        world:script { body = '{"status":"OK","reason":1,"accountID":1,"inboxID":10,'
          .. '"whatsapp_number":' .. answer .. "}" }
        local result = assert(delete("live+only-deleteInbox+body", { whatsapp_number = NUMBER }))
        assert.equal(differs or nil, result.number_differs)
        assert.equal(READS .. " deleteInbox", partner.seen(world))
      end)
    end

    it("is not compared where it was not given", function()
      world:script { body = '{"status":"OK","whatsapp_number":"972509999999"}' }
      local result = assert(delete("live+only-deleteInbox+body", {}))
      assert.is_nil(result.number_differs)
      assert.equal("deleteInbox", partner.seen(world))
    end)

    it("guards the inbox that was checked, though the caller's table changes", function()
      local client = partner.client(world, "live+only-getWhatsApp+delay-30", { sleep = loop.sleep })
      local params = { accountID = 1, inboxID = 10, whatsapp_number = NUMBER }
      local result
      loop.run {
        function()
          result = assert(client:delete_inbox(params))
        end,
        function()
          params.inboxID, params.accountID = 11, 4
        end,
      }
      assert.equal(10, result.inboxID)
      assert.equal("accessToken " .. READS .. " deleteInbox", partner.seen(world))
      assert.equal('{"accountID":1,"server":"online","inboxID":10}', world:requests()[5].body)
    end)
  end)
end)
