local cjson = require("cjson").new()
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")

local quote = mock.shared.quote

-- What people and other programs do with what the command writes.
describe("what the command writes #novalgrind", function()
  local world

  before_each(function()
    world = mock.world()
  end)

  local function run(arguments, options)
    return cli.run(world, arguments, options)
  end

  local function has(text, part)
    assert.is_not_nil(text:find(part, 1, true), part .. "\n" .. text)
  end

  local function answer(call, body, scenario)
    world:script { calls = { [call] = { body = body } } }
    return { scenario = scenario or "live+body" }
  end

  -- ----- lines to run -----

  -- Runs a line that was printed, as it stands, with nothing but the secret in the environment.
  local function paste(line)
    local pipe = io.popen(("PATH=%s:$PATH; unset NINEDIG_BASE_URL NINEDIG_CA_FILE;"
      .. " NINEDIG_ACCESS_TOKEN=%s; export NINEDIG_ACCESS_TOKEN; { %s; } 2>&1; echo status=$?")
      :format(quote(cli.install() .. "/bin"), quote(mock.token), line))
    local output, status = pipe:read("*a"):match("^(.*)status=(%d+)\n$")
    pipe:close()
    return tonumber(status), output
  end

  local function printed(text, before)
    return assert(text:match(before .. "(ninedig [^\n]*)\n"), text)
  end

  -- All that a printed line needs comes from the environment alone, or from flags.
  for name, from_environment in pairs { ["flags"] = false, ["the environment"] = true } do
    it("can be run as it is printed, #nosanitize where the service is told by " .. name, function()
      local folder = cli.file()
      assert(os.execute("mkdir " .. quote(folder)))
      local list = folder .. "/it's a \"list\" $HOME; *.csv"
      local journal = folder .. "/a journal"
      local file = io.open(list, "w")
      file:write("accountID,server,inboxID,whatsapp_number\n4,online,101,972504000101\n"
        .. "4,online,102,\n")
      file:close()
      local base_url = world:base_url("live+only-deleteInbox+first-1+lost_after+lazy_delete-600000")
      local options = { base_url = base_url }
      local caller = world
      if from_environment then
        caller = nil
        options.environment = { NINEDIG_BASE_URL = base_url, NINEDIG_CA_FILE = mock.ca_file }
      end
      local function go(arguments)
        return cli.run(caller, arguments, options)
      end

      local ended = go {
        "delete-inboxes", list, "--journal", journal, "--confirm", "2", "--concurrency", "1",
        "--timeout", "20",
      }
      assert.equal(5, ended.status, ended.err)
      local status, output = paste(printed(ended.err, "to find out, run: "))
      assert.equal(1, status, output)
      has(output, "inbox 101 of account 4 on online: still listed: ")
      status, output = paste(printed(ended.err, "to go on, run: "))
      assert.equal(5, status, output)
      has(output, "1 of 2 inboxes deleted")
      local text = cli.read(journal)
      file = io.open(journal, "w")
      file:write((text:gsub('"timeout":20', '"timeout":0')))
      file:close()
      status, output = paste(printed(output, "for what stays unknown, too, run: "))
      assert.equal(0, status, output)
      has(output, "1 gone")
      assert.same({ ["4/online/101"] = 2, ["4/online/102"] = 1 }, cli.deletions(world))

      options.base_url = world:base_url("live+only-deleteInbox+first-1+lost_before")
      if from_environment then
        options.environment.NINEDIG_BASE_URL = options.base_url
      end
      ended = go {
        "delete-inbox", "--account", "4", "--inbox", "103", "--number", "972504000103", "--confirm",
        "103",
      }
      assert.equal(5, ended.status, ended.err)
      local line = printed(ended.err, "to find out what became of it, run: ")
      has(line, "--number 972504000103")
      status, output = paste(line)
      assert.equal(1, status, output)
    end)
  end

  it("goes on with a list from standard input, which has to be given again", function()
    local ended = run({ "delete-inboxes", "-", "--journal", cli.file(), "--confirm", "1" }, {
      stdin = "accountID,inboxID\n4,101\n", scenario = "live+only-deleteInbox+reason-33",
    })
    assert.equal(6, ended.status)
    has(ended.err, "to go on, give the same list again to: ninedig delete-inboxes ")
  end)

  it("quotes what a shell would take for something else", function()
    local text = require("ninedig.cli.text")
    for _, word in ipairs {
      "", "a b", "it's", "$HOME", "`id`", "*", "~", "a;b", "=ls", "\\", '"', "a\tb", "#x", "!x",
    } do
      local pipe = io.popen("bash -c " .. quote("printf %s " .. text.quote(word)))
      assert.equal(word, pipe:read("*a"))
      pipe:close()
      assert.is_nil(text.quote(word):find("%c"))
    end
  end)

  -- ----- listings -----

  it("is a list that delete-inboxes reads", function()
    local listed = run { "inboxes", "--account", "4", "--csv" }
    assert.equal(0, listed.status)
    assert.equal("", listed.err)
    assert.matches("^accountID,server,inboxID,name,#channel,#api\n4,online,101,Store 101,Channel",
      listed.out)
    local lines = {}
    for line in listed.out:gmatch("[^\n]+") do
      lines[#lines + 1] = #lines < 4 and line or nil
    end
    local list, journal = cli.file(table.concat(lines, "\n") .. "\n"), cli.file()
    local words = { "delete-inboxes", list, "--journal", journal, "--confirm", "3", "--json" }
    local ended = run(words)
    assert.equal(0, ended.status, ended.err)
    assert.equal("Store 101", cjson.decode(ended.out).results[1].name)
    assert.same({ ["4/online/101"] = 1, ["4/online/102"] = 1, ["4/online/103"] = 1 },
      cli.deletions(world))

    local found = run { "find", "--number", "972501234567", "--csv" }
    assert.equal("accountID,server,inboxID,whatsapp_number,name\n"
      .. "1,online,10,972501234567,Reception\n", found.out)
    ended = run({ "delete-inboxes", "-", "--journal", cli.file(), "--confirm", "1" },
      { stdin = found.out })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, cli.deletions(world)["1/online/10"])
  end)

  it("has one line for each row of a list, whatever the names are", function()
    local names = {
      ["a\\nb\\r\\n4,online,140"] = '"a?b??4,online,140"', ['\\"x\\", y'] = '"""x"", y"',
      ["=1+1"] = "'=1+1", ["@x"] = "'@x", ["\\u0000\\u001b[2J\\u2028"] = "??[2J?",
      [" a "] = '" a "', ["\255\254"] = ("\239\191\189"):rep(2),
    }
    for name, cell in pairs(names) do
      local options = answer("getInboxes", ('{"status":"OK","reason":1,"totalInboxes":1,"list":['
        .. '{"id":7,"name":"%s","channel_type":"c","api_type":null}]}'):format(name))
      local ended = run({ "inboxes", "--account", "1", "--csv" }, options)
      assert.equal("accountID,server,inboxID,name,#channel,#api\n1,online,7," .. cell .. ",c,\n",
        ended.out)
      local again = run({ "delete-inboxes", "-", "--journal", cli.file(), "--dry-run", "--json" },
        { stdin = ended.out })
      assert.equal(0, again.status, again.err)
      assert.equal(1, #cjson.decode(again.out).requests)
    end
    assert.same({}, cli.deletions(world))
  end)

  it("says no secret that the service repeats as a total, or in a name", function()
    local options = answer("getInboxes", '{"status":"OK","reason":1,"totalInboxes":"' .. mock.token
      .. '","list":[{"id":10,"name":"' .. mock.token .. '"}]}')
    local ended = run({ "inboxes", "--account", "1" }, options)
    assert.equal(0, ended.status, ended.err)
    has(ended.err, "the service sent 1 row with a total that is no count")
    ended = run({ "delete-inbox", "--account", "1", "--inbox", "10", "--dry-run" }, options)
    assert.equal(0, ended.status, ended.err)
    has(ended.err, "inbox    10  [redacted]")
    assert.is_nil((ended.out .. ended.err):find(mock.token, 1, true))
  end)

  it("leaves out what cannot be told, and says so", function()
    local options = answer("getInboxes", '{"status":"OK","reason":1,"totalInboxes":9,"list":['
      .. '{"id":0,"name":"a"},{"id":-1},{"id":"x"},{"id":1.5},{"id":{}},{"name":"b"},'
      .. '{"id":"7","name":[1]}]}')
    local ended = run({ "inboxes", "--account", "1", "--csv" }, options)
    assert.equal(0, ended.status, ended.err)
    assert.equal("accountID,server,inboxID,name,#channel,#api\n1,online,7,,,\n", ended.out)
    has(ended.err, "6 rows are left out")
    has(ended.err, "the service sent 7 rows with a total of 9")
    options = answer("getAccounts", '{"status":"OK","reason":1,"list":[{"account_id":"4","server":'
      .. '"a/b"},{"account_id":4},{"account_id":null,"server":"x"},'
      .. '{"account_id":"5","server":"West","account_name":"=x"}]}')
    ended = run({ "accounts", "--csv" }, options)
    assert.equal("accountID,server,#name,#status,#reference\n5,West,'=x,,\n", ended.out)
    has(ended.err, "3 rows are left out")
  end)

  -- The number is in inbox 20 of account 2 on online; on west that is another customer's.
  it("takes no server from accounts that are not all there", function()
    local number = "972502000020"
    for _, accounts in ipairs {
      '"totalOnline":6,"list":[{"account_id":2,"server":"west"}]',
      '"totalOnline":2,"list":[{"account_id":2,"server":"west"},{"account_id":2,"server":"West"}]',
      '"totalOnline":2,"list":[{"account_id":2,"server":"west"},{"server":"online"}]',
      '"list":[{"account_id":2,"server":"west"}]',
    } do
      local options = answer("getAccounts", '{"status":"OK","reason":1,' .. accounts .. "}")
      local ended = run({ "numbers", "--csv" }, options)
      assert.equal("accountID,server,inboxID,whatsapp_number,name\n", ended.out)
      has(ended.err, "the servers could not be looked up: get_accounts has ")
      has(ended.err, "48 rows are left out")
      for _, line in ipairs(cjson.decode(run({ "numbers", "--json" }, options).out).list) do
        assert.is_nil(line.server)
      end
      for _, words in ipairs {
        { "delete-inbox", "--number", number, "--confirm", "20", "--json" },
        {
          "delete-inbox", "--account", "2", "--server", "west", "--inbox", "20", "--number", number,
          "--confirm", "20", "--json",
        },
        { "delete-inbox", "--number", number, "--dry-run" },
      } do
        ended = run(words, options)
        assert.equal(2, ended.status, ended.err)
        has(ended.err, "the servers of that account cannot be told: get_accounts has ")
      end
      options.stdin = "accountID,server,inboxID,whatsapp_number\n2,west,20," .. number .. "\n"
      ended = run({ "delete-inboxes", "-", "--journal", cli.file(), "--confirm", "1" }, options)
      assert.equal(6, ended.status, ended.err)
      has(ended.err, "not sent")
    end
    assert.same({}, cli.deletions(world))
  end)

  -- Without the number the inbox would be deleted whatever is in it.
  it("leaves out a number that a list could not have", function()
    local rows = {}
    for i, number in ipairs {
      '"972 502000020"', '"x"', '""', "null", "[1]", '"0972502000020"', '"++972502000020"',
      '"' .. ("9"):rep(21) .. '"', '"+972502000021"', "972502000022", '"' .. ("9"):rep(20) .. '"',
    } do
      rows[i] = ('{"whatsapp":%s,"isOnline":1,"onlineAccount":4,"onlineInbox":%d}')
        :format(number, i)
    end
    local ended = run({ "numbers", "--csv" }, answer("getWhatsApp",
      '{"status":"OK","reason":1,"totalWhatsApp":11,"list":[' .. table.concat(rows, ",") .. "]}"))
    assert.equal("accountID,server,inboxID,whatsapp_number,name\n4,online,9,972502000021,\n"
      .. "4,online,10,972502000022,\n4,online,11," .. ("9"):rep(20) .. ",\n", ended.out)
    has(ended.err, "8 rows are left out, as the server, the inbox or the number cannot be told")
    ended = run({ "delete-inboxes", "-", "--journal", cli.file(), "--confirm", "3",
      "--keep-going", "--json" }, { stdin = ended.out })
    assert.equal(6, ended.status, ended.err)
    assert.equal(3, cjson.decode(ended.out).not_sent) -- the numbers are in other inboxes
    assert.same({}, cli.deletions(world))
  end)

  it("leaves out an ID that may be another one than was sent, and takes it as a string", function()
    local rows = '{"id":9007199254740993},{"id":"9007199254740993"},{"id":9007199254740992},'
      .. '{"id":9007199254740991},{"id":1e16}'
    local ended = run({ "inboxes", "--account", "1", "--csv" }, answer("getInboxes",
      '{"status":"OK","reason":1,"totalInboxes":5,"list":[' .. rows .. "]}"))
    assert.equal(0, ended.status, ended.err)
    assert.equal("accountID,server,inboxID,name,#channel,#api\n1,online,9007199254740993,,,\n"
      .. "1,online,9007199254740991,,,\n", ended.out)
    has(ended.err, "3 rows are left out")
  end)

  it("leaves out a server that is no name of one", function()
    local rows = {}
    for i, server in ipairs { "-west", "west-", "we.st", ("w"):rep(64), "we st", "west", "W-1" } do
      rows[i] = ('{"account_id":%d,"server":"%s"}'):format(i, server)
    end
    local ended = run({ "accounts", "--csv" }, answer("getAccounts",
      '{"status":"OK","reason":1,"list":[' .. table.concat(rows, ",") .. "]}"))
    assert.equal("accountID,server,#name,#status,#reference\n6,west,,,\n7,W-1,,,\n", ended.out)
    has(ended.err, "5 rows are left out")
  end)

  it("finds the inbox of a number, or says why not", function()
    local found = run { "find", "--number", "972501234567" }
    assert.equal(0, found.status)
    assert.matches("\n972501234567 +1  online +10  Reception\n$", found.out)
    assert.same({
      accountID = 1, server = "online", inboxID = 10, inbox_name = "Reception",
      whatsapp_number = "972501234567",
    }, cjson.decode(run({ "find", "--number", "972501234567", "--json" }).out))
    for number, name in pairs {
      ["972500000000"] = "NUMBER_NOT_FOUND", ["972501239999"] = "NUMBER_HAS_NO_INBOX",
      ["972502000020"] = "INBOX_AMBIGUOUS",
    } do
      local ended = run { "find", "--number", number, "--json" }
      assert.equal(1, ended.status)
      assert.equal(name, cjson.decode(ended.out).error.name)
      has(ended.err, name ~= "INBOX_AMBIGUOUS" and "" or "and there is an account 2 on 2 servers:"
        .. " online, west; to delete it, name --account, --server and --inbox")
    end
    assert.equal(2, run({ "find", "--number", "x" }).status)
    assert.equal(4, run({ "find", "--number", "972501234567" }, { scenario = "reason-3" }).status)
    assert.equal(3, run({ "find", "--number", "972501234567" },
      { scenario = "live+reads_fail-400" }).status)
    -- What the service refuses is not "not found".
    assert.equal(3, run({ "find", "--number", "972501234567" }, { scenario = "reason-99" }).status)
    assert.equal(3, run({ "delete-inbox", "--number", "972501234567", "--confirm", "10" },
      { scenario = "reason-99" }).status)
    assert.equal(1, run({ "numbers" }, { scenario = "reason-99" }).status)
    assert.equal(2, run({ "numbers", "--csv", "--json" }).status)
  end)

  -- ----- an inbox by its number -----

  it("deletes the inbox of a number, if the inbox ID that was found is confirmed", function()
    for _, words in ipairs {
      { "--number", "972501234567" }, { "--number", "972501234567", "--confirm", "11" },
      { "--number", "972502000020", "--confirm", "20" },
      { "--number", "972501239999", "--confirm", "10" },
      { "--number", "972501234567", "--confirm", "10", "--account", "1" },
      { "--number", "972501234567", "--confirm", "10", "--server", "online" },
      { "--confirm", "10" }, { "--inbox", "10", "--confirm", "10" },
    } do
      local ended = run { "delete-inbox", (table.unpack or unpack)(words) }
      assert.equal(2, ended.status, ended.err)
    end
    assert.same({}, cli.deletions(world))
    local ended = run { "delete-inbox", "--number", "972501234567", "--confirm", "10", "--json" }
    assert.equal(0, ended.status, ended.err)
    assert.equal(10, cjson.decode(ended.out).inboxID)
    assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
  end)

  it("shows the inbox of a number on a terminal, and asks for its ID", function()
    local process = cli.start_on_terminal(world, { "delete-inbox", "--number", "972502000122" })
    local shown = process:expect("Type the inbox ID")
    has(shown, "server   west\r\n")
    has(shown, "inbox    22  West desk\r\n")
    process:type("22\n")
    assert.equal(0, process:wait())
    assert.same({ ["2/west/22"] = 1 }, cli.deletions(world))
  end)

  -- ----- the preview -----

  it("warns where an inbox is none of WhatsApp", function()
    local ended = run { "delete-inbox", "--account", "1", "--inbox", "12", "--dry-run" }
    has(ended.err, "channel  Channel::WebWidget\n")
    has(ended.err, "The channel of this inbox is Channel::WebWidget, and not WhatsApp's")
    ended = run { "delete-inbox", "--account", "1", "--inbox", "10", "--dry-run" }
    has(ended.err, "channel  Channel::Api, wa_v2\n")
    assert.is_nil(ended.err:find("not WhatsApp's", 1, true))
    ended = run({ "delete-inboxes", "-", "--journal", cli.file(), "--dry-run" },
      { stdin = "accountID,inboxID,name\n1,12,my chat\n1,99,\n" })
    has(ended.err, "The channel of inbox 12 of account 1 on online is Channel::WebWidget, and not")
    has(ended.err, "The account does not list inbox 99 of account 1 on online.")
    assert.matches("NUMBER  IN THE LIST\n", ended.err)
    assert.matches("\n[^\n]*Channel::WebWidget  %- +my chat\n", ended.err)
  end)

  it("takes rows of the service as they come", function()
    local odd = '{"status":"OK","reason":1,"accountID":1,"server":"online","totalInboxes":5,'
      .. '"totalWhatsApp":5,"list":[null,{"account_id":"x","id":"x","onlineAccount":"x"},'
      .. '{"account_id":"0x1","server":1,"id":"0x10","onlineAccount":true,"isOnline":1},'
      .. '{"account_id":[],"server":{},"id":{},"name":[],"whatsapp":{},"isOnline":"1"},'
      .. '{"account_id":true,"server":"online","id":10.5,"channel_type":{},"api_type":[]}]}'
    for _, call in ipairs { "getAccounts", "getInboxes", "getWhatsApp" } do
      local options = answer(call, odd)
      local ended = run({ "delete-inbox", "--account", "1", "--inbox", "10", "--dry-run" }, options)
      assert.equal(0, ended.status, call .. ended.err)
      for _, format in ipairs { "--json", "--csv", "--verbose" } do
        for _, words in ipairs { { "numbers" }, { "accounts" }, { "inboxes", "--account", "1" } } do
          words[#words + 1] = format
          ended = run(words, options)
          assert.is_true(ended.status == 0 or ended.status == 3, call .. ended.err)
        end
      end
    end
    assert.same({}, cli.deletions(world))
  end)

  -- ----- JSON -----

  it("is valid JSON and UTF-8 whatever the service sent", function()
    local values = {
      "[null,5]", "[]", '"\255\\ud83d"', "1e400", "[[],[null]]", '{"a":{"b":[]}}', "-0.5",
      '"\\u0000\\n\\u2028"',
    }
    for _, value in ipairs(values) do
      local options = answer("getAccounts", '{"status":"OK","reason":1,"list":[{"account_id":"1",'
        .. '"server":"online","x":' .. value .. "}]}")
      local ended = run({ "accounts", "--json" }, options)
      assert.matches("^[^\n]+\n$", ended.out)
      assert.is_table(cjson.decode(ended.out))
      assert.is_nil(ended.out:find("nil", 1, true))
      local pipe = io.popen("iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1 <<'END'; echo $?\n"
        .. ended.out .. "END\n")
      assert.equal("0\n", pipe:read("*a"))
      pipe:close()
    end
    local ended = run({ "accounts", "--json" }, answer("getAccounts",
      '{"status":"OK","reason":1,"list":[{"account_id":"1","server":"a","x":[null,5],"y":[]}]}'))
    has(ended.out, '"x":[null,5],"y":[]')
  end)

  it("has no key, token or password of what the service sent", function()
    local secrets = {}
    for i, key in ipairs {
      "apiKey", "api_keys", "apikey2", "API-KEY", "x-api-key-id", "password", "Password2", "passwd",
      "Authorization", "proxy-authorization", "access_token", "tokens", "token_type",
      "client_secret", "secretId", "privateKey", "keys", "key_2",
    } do
      local value = ({ '"HIDDEN"', '["HIDDEN"]', '{"x":"HIDDEN"}' })[i % 3 + 1]
      secrets[i] = ('"%s":%s'):format(key, value)
    end
    local body = ('{"status":"OK","reason":1,%s,"list":[{"whatsapp":"972501234567",'
      .. '"account_id":"1","id":"10","name":"shown","more":[{"y":{%s,"z":"shown"}}],%s}]}')
      :gsub("%%s", function()
        return table.concat(secrets, ",")
      end)
    for call, words in pairs {
      getWhatsApp = { "numbers" }, getAccounts = { "accounts" },
      getInboxes = { "inboxes", "--account", "1" },
    } do
      words[#words + 1] = "--json"
      local ended = run(words, answer(call, body))
      assert.equal(0, ended.status, ended.err)
      assert.is_nil(ended.out:find("HIDDEN", 1, true), ended.out)
      local row = cjson.decode(ended.out).list[1]
      assert.same({ name = "shown", more = { { y = { z = "shown" } } } },
        { name = row.name, more = row.more })
      assert.equal(1, world:count("/" .. call), call)
    end
  end)

  -- ----- verify -----

  it("looks again for as long as it is told to", function()
    local base_url = world:base_url("live+lazy_delete-6000")
    local words = { "--account", "1", "--inbox", "10" }
    local function with(command, ...)
      local all = { command, (table.unpack or unpack)(words) }
      for _, word in ipairs { ... } do
        all[#all + 1] = word
      end
      return all
    end
    assert.equal(0, cli.run(world, with("delete-inbox", "--confirm", "10"),
      { base_url = base_url }).status)
    local process = cli.start_on_terminal(world, with("verify", "--wait", "60", "--timeout", "2.5"),
      { base_url = base_url })
    process:expect("still listed; looking again in ")
    assert.equal(0, process:wait())
    has(process.seen, "inbox 10 of account 1 on online: deleted: ")
    assert.is_true(world:count("/online/getInboxes") >= 3)
    for _, wrong in ipairs { "-1", "x", "1e9" } do
      assert.equal(2, cli.run(world, with("verify", "--wait=" .. wrong)).status)
    end
    assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
  end)

  it("says so where the credentials are refused: 4", function()
    for _, scenario in ipairs { "reason-3", "reason-2", "status-401", "status-403" } do
      local ended = run({ "verify", "--account", "1", "--inbox", "10", "--wait", "600", "--json" },
        { scenario = scenario })
      assert.equal(4, ended.status, ended.err)
      has(ended.err, "unknown (LIST_FAILED): ")
      has(ended.err, "ninedig: the credentials were refused\n")
      assert.equal("unknown", cjson.decode(ended.out).verdict)
    end
    assert.is_true(world:count() <= 16)
  end)

  -- ----- the question of a list -----

  it("asks for the number of those that are deleted now", function()
    local list, journal = cli.file("accountID,inboxID\n4,101\n4,102\n4,103\n"), cli.file()
    local base_url = world:base_url("live+only-deleteInbox+first-2+reason-33")
    local words = { "delete-inboxes", list, "--journal", journal, "--concurrency", "1" }
    local function start()
      return cli.start_on_terminal(world, words, { base_url = base_url, columns = 120 })
    end
    local process = start()
    process:expect("Type 3, the number of inboxes that will be deleted now")
    process:type("3\n")
    assert.equal(6, process:wait())
    assert.equal(0, cli.run(world, {
      "delete-inboxes", cli.file("accountID,inboxID\n4,103\n"), "--journal", journal, "--confirm",
      "1", "--keep-going",
    }, { base_url = base_url }).status == 6 and 0 or 1)
    assert.equal(0, cli.run(world, {
      "delete-inboxes", cli.file("accountID,inboxID\n4,103\n"), "--journal", journal, "--confirm",
      "1",
    }, { base_url = base_url }).status)
    process = start()
    local shown = process:expect("Type 2, the number of inboxes that will be deleted now")
    has(shown, "1 of the 3 inboxes in the list are left alone:\r\n   1 deleted before\r\n")
    assert.is_nil(shown:match("4  Delta Stores +online +103"))
    process:type("3\n")
    assert.equal(2, process:wait())
    assert.equal(3, #world:requests() - world:count("/online/getInboxes")
      - world:count("/online/getAccounts") - world:count("/whatsapp/getWhatsApp"))
    process = start()
    process:expect("Type 2, ")
    process:type("2\n")
    assert.equal(0, process:wait())
    assert.same({ ["4/online/101"] = 2, ["4/online/102"] = 1, ["4/online/103"] = 2 },
      cli.deletions(world))
  end)

  -- ----- errors of the command itself -----

  -- Words for Lua that make a function of the command fail.
  local function failing(module, name)
    return "-e " .. quote(([[
      table.insert(package.searchers or package.loaders, 2, function(wanted)
        if wanted == %q then
          return function(...)
            local path = package.searchpath and package.searchpath(wanted, package.path)
            for template in (path or package.path):gmatch("[^;]+") do
              local file = template:gsub("%%?", (wanted:gsub("%%.", "/")))
              local chunk = loadfile(file)
              if chunk then
                local loaded = chunk(...)
                loaded.%s = function() error("broken on purpose") end
                return loaded
              end
            end
          end
        end
      end)]]):format(module, name))
  end

  it("is 70 where nothing was asked for, and 5 where a request may have left", function()
    local ended = run({ "numbers" }, { lua = failing("ninedig.cli.listing", "show") })
    assert.equal(70, ended.status, ended.err)
    has(ended.err, "an error of the command itself, please report it: ")
    has(ended.err, "broken on purpose")
    assert.equal(0, world:count())
    local journal = cli.file()
    local words = {
      "delete-inboxes", cli.file("accountID,inboxID\n4,101\n4,102\n"), "--journal", journal,
      "--confirm", "2", "--concurrency", "1",
    }
    ended = run(words, { lua = failing("ninedig.cli.names", "new") })
    assert.equal(0, ended.status, ended.err) -- nobody was asked, so no names were looked up
    world, words[4] = mock.world(), cli.file()
    ended = run(words, { lua = failing("ninedig.cli.progress", "step") })
    assert.equal(5, ended.status, ended.err)
    assert.same({ ["4/online/101"] = 1 }, cli.deletions(world))
    ended = run(words)
    assert.equal(0, ended.status, ended.err)
    has(ended.err, "1 deleted before")
    assert.same({ ["4/online/101"] = 1, ["4/online/102"] = 1 }, cli.deletions(world))
  end)

  -- ----- one line of JSON, however it ends -----

  local SIGINT = 2

  local function told(out)
    assert.matches("^{[^\n]*}\n$", out)
    return cjson.decode(out)
  end

  local function delete(...)
    local words = { "delete-inbox", "--account", "1", "--inbox", "10", "--json" }
    for _, word in ipairs { ... } do
      words[#words + 1] = word
    end
    return words
  end

  it("is JSON where nothing was sent for what was given", function()
    local list = cli.file("accountID,inboxID\n4,101\n")
    local other = cli.file('{"journal":"ninedig","version":2,"base_url":"https://x","list":{}}\n')
    local function delete_list(path, journal, count)
      return {
        "delete-inboxes", path, "--journal", journal or cli.file(), "--confirm", count or "1",
        "--json",
      }
    end
    local NONE = { environment = { NINEDIG_ACCESS_TOKEN = false } }
    local cases = {
      { delete("--confirm", "11"), "--confirm 11 is not the inbox ID" },
      { delete(), "nobody can be asked" }, { delete("--confirm", "10"), "no credentials", NONE },
      { { "delete-inbox", "--json" }, "name the inbox by" }, { delete("--timeout", "x"), "'x'" },
      { delete("--timeout", "0"), "timeout" }, { delete("--confirmed"), "unknown option" },
      { { "delete-inboxes", "--json" }, "missing" },
      { delete_list(cli.file("accountID,inboxID\n4,x\n")), ":2: inboxID must be" },
      { delete_list(cli.file("accountID,inboxID\n4,1,2\n")), ":2: 3 cells" },
      { delete_list("/nowhere"), "could not be read" },
      { delete_list(list, other), "is of another service", nil, "; this run is for " },
      { delete_list(list, nil, "2"), "--confirm 2 is not" },
      { { "find", "--number", "x", "--json" }, "whatsapp_number" },
      { { "numbers", "--json", "--csv" }, "--csv" }, { { "numbers", "--json" }, "no cred", NONE },
    }
    for _, case in ipairs(cases) do
      local ended = run(case[1], case[3])
      assert.equal(2, ended.status, ended.err)
      local err = told(ended.out).error
      has(err.message, case[2])
      assert.equal(case[1][1]:find("^delete") and "not_sent" or err.outcome, err.outcome)
      has(ended.err, case[2])
      has(ended.err, case[4] or "")
    end
    assert.equal(0, world:count())
  end)

  it("is JSON where an interrupt ends it: the outcome is unknown once it was sent", function()
    local started = cli.start(world, delete("--confirm", "10"), { scenario = "never" })
    assert.is_true(world:wait_for(1))
    started:kill(SIGINT)
    started:expect_error("waiting for the answer")
    started:kill(SIGINT)
    assert.equal(130, started:wait())
    local report = told(started:out())
    assert.same({ 1, "online", 10, "unknown", "unknown", "interrupted" }, {
      report.accountID, report.server, report.inboxID, report.outcome, report.error.outcome,
      report.error.message,
    })

    started = cli.start(world, delete("--confirm", "10", "--verify"),
      { scenario = "live+only-deleteInbox+lost_before" })
    started:expect_error("finding out what became of it")
    started:kill(SIGINT)
    assert.equal(130, started:wait())
    report = told(started:out())
    assert.equal("unknown", report.outcome)
    assert.equal("network", report.error.kind) -- the answer was lost
    assert.same({ ["1/online/10"] = 2 }, cli.deletions(world))
  end)

  it("is JSON where an interrupt ends it before anything was sent to delete", function()
    local cases = {
      { delete("--confirm", "10", "--number", "972501234567"), "not_sent" },
      { { "delete-inboxes", cli.file("accountID,inboxID\n4,101\n"), "--journal", cli.file(),
        "--dry-run", "--json" }, "not_sent" },
      { { "accounts", "--json" }, "none" },
    }
    for i, case in ipairs(cases) do
      local started = cli.start(world, case[1], { scenario = "live+delay-1000" })
      assert.is_true(world:wait_for(i))
      started:kill(SIGINT)
      assert.equal(130, started:wait())
      local report = told(started:out())
      assert.equal(case[2], report.error.outcome)
      assert.equal(case[2], report.outcome or case[2])
    end
    assert.same({}, cli.deletions(world))
  end)

  -- ----- the disk -----

  it("is on the disk by its name, too, before the first request #nosanitize", function()
    local trace, folder = cli.file(), cli.file()
    assert(os.execute("mkdir " .. quote(folder)))
    local ended = run({
      "delete-inboxes", "-", "--journal", folder .. "/journal", "--confirm", "1",
    }, {
      stdin = "accountID,inboxID\n4,101\n", base_url = world:base_url("live", mock.http),
      through = "strace -f -s 4096 -o " .. trace .. " -e trace=openat,fsync,sendto,send,write",
    })
    assert.equal(0, ended.status, ended.err)
    local fd, is_synced, is_sent = nil, false, false
    for line in cli.read(trace):gmatch("[^\n]+") do
      if line:find('openat%(AT_FDCWD, "' .. folder:gsub("%p", "%%%0") .. '", ') then
        fd = line:match(" = (%d+)$")
      elseif fd and line:find("fsync(" .. fd .. ")", 1, true) then
        is_synced = true
      elseif line:find("DELETE /", 1, true) then
        is_sent = true
        assert.is_true(is_synced)
      end
    end
    assert.is_true(is_sent)
  end)
end)
