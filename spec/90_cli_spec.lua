local cjson = require("cjson").new()
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")

-- What the specs of the command skip: memcheck does not follow it, and is slow to start it.
describe("the command #novalgrind", function()
  it("teaches in --help, examples first", function()
    for _, words in ipairs {
      { "--help" }, { "delete-inbox", "--help" }, { "delete-inboxes", "-h" }, { "verify", "-h" },
      { "numbers", "-h" }, { "accounts", "-h" }, { "inboxes", "-h" }, { "completion", "-h" },
    } do
      local ended = cli.run(nil, words)
      assert.equal(0, ended.status, ended.err)
      assert.equal("", ended.err)
      assert.matches("^Examples:\n   [^\n]*ninedig ", ended.out)
      assert.matches("\nUsage: ninedig ", ended.out)
      assert.equal(words[1] ~= "completion",
        ended.out:find("NINEDIG_ACCESS_TOKEN", 1, true) ~= nil)
      assert.matches("\nExit status:\n   0 ", ended.out)
      for line in ended.out:gmatch("[^\n]+") do
        assert.is_true(#line <= 100, line)
      end
    end
  end)

  it("has the library's version", function()
    for _, word in ipairs { "--version", "-V" } do
      local ended = cli.run(nil, { word })
      assert.equal(0, ended.status)
      assert.equal(require("ninedig")._VERSION .. "\n", ended.out)
    end
  end)

  it("says in short what there is, where nothing is asked of it: 2", function()
    local ended = cli.run(nil, {})
    assert.equal(2, ended.status)
    assert.equal("", ended.out)
    assert.matches("^Usage: ninedig ", ended.err)
    assert.matches("\n   delete%-inboxes +%w", ended.err)
    assert.matches("\nTo learn more: ninedig %-%-help", ended.err)
    assert.is_true(select(2, ended.err:gsub("\n", "")) < 20)
  end)

  it("understands help", function()
    for _, words in ipairs { {}, { "delete-inbox" }, { "numbers" } } do
      local ended = cli.run(nil, { "help", words[1] })
      assert.equal(0, ended.status, ended.err)
      assert.equal(cli.run(nil, words[1] and { words[1], "--help" } or { "--help" }).out, ended.out)
    end
    local ended = cli.run(nil, { "help", "delete" })
    assert.equal(2, ended.status)
    assert.matches("unknown command", ended.err)
  end)

  -- ----- completion -----

  local function is_there(program)
    local status = os.execute("command -v " .. program .. " >/dev/null")
    return status == true or status == 0
  end

  local completing = {
    bash = 'source %s; COMP_WORDS=(ninedig delete-inbox --dr); COMP_CWORD=2; _ninedig;'
      .. ' echo "${COMPREPLY[@]}"',
    zsh = "compdef() { :; }; _arguments() { print -l -- $@; }; words=(ninedig delete-inbox);"
      .. " _describe() { :; }; . %s >/dev/null; grep -o -e --dry-run %s | head -1",
    fish = "source %s; complete -C 'ninedig delete-inbox --dr'",
  }
  for shell, script in pairs(completing) do
    it("completes the words of " .. shell, function()
      local ended = cli.run(nil, { "completion", shell })
      assert.equal(0, ended.status, ended.err)
      assert.equal("", ended.err)
      for _, word in ipairs { "delete-inboxes", "completion", "help", "dry-run", "base-url" } do
        assert.is_not_nil(ended.out:find(word, 1, true), word)
      end
      if not is_there(shell) then
        return pending("there is no " .. shell .. " here")
      end
      local path = cli.file(ended.out)
      local pipe = io.popen(("%s -c %s 2>&1"):format(shell,
        mock.shared.quote(script:format(path, path))))
      assert.matches("^%-%-dry%-run", pipe:read("*a"))
      pipe:close()
    end)
  end

  it("completes for no other shell", function()
    local ended = cli.run(nil, { "completion", "csh" })
    assert.equal(2, ended.status)
    assert.matches("bash", ended.err)
  end)

  it("finds its modules beside itself, wherever it is called from #nosanitize", function()
    local prefix = cli.install()
    local link, further = cli.file(), cli.file()
    os.execute(("ln -s bin/ninedig %s; ln -s %s %s"):format(link, link, further))
    for folder, path in pairs { ["/"] = prefix .. "/bin/ninedig", [prefix] = "bin/ninedig",
      [prefix .. "/bin"] = "./ninedig", ["/usr"] = link, ["/tmp"] = further } do
      local pipe = io.popen(("cd %s && env -u LUA_PATH -u LUA_CPATH %s --version 2>&1")
        :format(folder, path))
      assert.equal(require("ninedig")._VERSION .. "\n", pipe:read("*a"), folder)
      pipe:close()
    end
  end)

  it("has a man page that says what --help says", function()
    local page = cli.read(cli.install() .. "/share/man/man1/ninedig.1")
    assert.matches("^%.TH NINEDIG 1 ", page)
    assert.is_not_nil(page:find(require("ninedig")._VERSION, 1, true))
    for _, name in ipairs { "delete-inbox", "delete-inboxes", "verify", "numbers", "accounts",
      "inboxes" } do
      local help = cli.run(nil, { name, "--help" }).out
      local options = 0
      for option in help:gmatch("\n   (%-%-[%w-]+)") do
        options = options + 1
        assert.is_not_nil(page:find(option:gsub("%-", "\\-"), 1, true), option)
      end
      assert.is_true(options >= 5, help)
    end
  end)

  it("has a man page with the shapes of the manual, and all else that it should have", function()
    local page = cli.read(cli.install() .. "/share/man/man1/ninedig.1"):gsub("\\%-", "-")
    local manual = cli.read("docs/command.md")
    local count = 0
    for _, title in ipairs { "| line | fields |", "## JSON" } do
      local part = manual:match("\n" .. title .. "(.-)\n## "):gsub("\n|[^|]*|", "\n")
      for field in part:gmatch("`([%a_]+)`") do
        assert.is_not_nil(page:find("\\fB" .. field .. "\\fR", 1, true), field)
        count = count + 1
      end
    end
    assert.is_true(count > 60)
    for _, title in ipairs { "NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "OPTIONS",
      "EXIT STATUS", "ENVIRONMENT", "THE JOURNAL", "JSON", "SEE ALSO" } do
      assert.is_not_nil(page:find("\n.SH " .. title .. "\n", 1, true), title)
    end
    for _, name in ipairs { "https_proxy", "NO_PROXY", "NINEDIG_BASE_URL", "NINEDIG_CA_FILE",
      "curl(1)" } do
      assert.is_not_nil(page:find(name, 1, true), name)
    end
  end)

  it("names argparse where it is missing", function()
    local ended = cli.run(mock.world(), { "numbers" }, {
      lua = "-e 'package.preload.argparse = function() error(\"none\") end'",
    })
    assert.equal(2, ended.status)
    assert.equal("", ended.out)
    assert.matches("^ninedig: the command needs argparse for Lua", ended.err)
    assert.matches("luarocks .* install argparse", ended.err)
    assert.matches("apt%-get install lua%-argparse", ended.err)
  end)

  it("refuses what it does not understand, and sends nothing", function()
    local world = mock.world()
    local cases = {
      { { "--json" }, "unknown option" },
      { { "delete" }, "unknown command" },
      { { "delete-inbox", "--inbox", "10" }, "%-%-account" },
      { { "delete-inbox", "--account", "1" }, "%-%-inbox" },
      { { "delete-inbox", "--account", "1", "--inbox", "10", "--inbox", "11" }, "%-%-inbox" },
      { { "delete-inboxes", "list.csv" }, "%-%-journal" },
      { { "delete-inboxes", "--journal", "j" }, "file" },
      { { "numbers", "more" }, '"more" was not expected\nTo learn more: ninedig numbers %-%-help' },
      { { "find", "972501234567" }, '"972501234567" was not expected; .* such as %-%-number\n' },
      { { "delete-inbox", "10", "--account", "1" }, '"10" was not expected; .*%-%-account\n' },
      { { "numbers", "--timeout", "soon" }, "%-%-timeout: 'soon' is no number\n" },
      { { "verify", "--wait", "soon" }, "%-%-wait: 'soon'.*: ninedig verify %-%-help\n$" },
      { { "delete-inboxes", "l", "--rate", "x" }, "%-%-rate: 'x'" },
      { { "find" }, "\nTo learn more: ninedig find %-%-help\n$" },
      { { "help", "delete" }, "\nTo learn more: ninedig %-%-help\n$" },
      { { "numbers", "--timeout", "0" }, "%-%-timeout: timeout must be " },
      { { "inboxes", "--account", "x" }, '%-%-account: accountID must be .*, got "x"\n' },
      { { "verify", "--account", "1", "--inbox", "x" }, '%-%-inbox: inboxID must .*, got "x"\n' },
      { { "find", "--number", "+972-50" }, '%-%-number: whatsapp_number .*, got "%+972%-50"\n' },
      { { "delete-inbox", "--number", "+9" }, "this is no terminal" },
      { { "delete-inbox", "--number", "+9", "--confirm", "1" }, '%-%-number: .*, got "%+9"\n' },
      { { "accounts", "--token-file", "/etc" }, "the token file /etc could not be read: " },
      { { "accounts", "--token-file", "/none/t" }, "file /none/t could not be read: No such" },
      { { "numbers", "--access-token", "s3cret" }, "NINEDIG_ACCESS_TOKEN" },
      { { "numbers", "--access-token=s3cret" }, "NINEDIG_ACCESS_TOKEN" },
    }
    for _, case in ipairs(cases) do
      local ended = cli.run(case[1][1] and world, case[1])
      assert.equal(2, ended.status, ended.err)
      assert.equal("", ended.out)
      assert.matches(case[2], ended.err)
      assert.is_nil(ended.err:find("s3cret", 1, true))
    end
    assert.equal(0, world:count())
  end)
end)

describe("the command #novalgrind", function()
  local world

  before_each(function()
    world = mock.world()
  end)

  -- Runs it, and checks that no secret shows.
  local function run(arguments, options)
    local ended = cli.run(world, arguments, options)
    for _, secret in ipairs { mock.token, mock.client_secret, "issued-" } do
      assert.is_nil(ended.out:find(secret, 1, true), ended.out)
      assert.is_nil(ended.err:find(secret, 1, true), ended.err)
    end
    return ended
  end

  -- All that it says, and its exit status, where its standard output is full.
  local function run_into_full(arguments)
    local pipe = io.popen(cli.line(world, arguments) .. " 2>&1 >/dev/full; echo $?")
    local output = pipe:read("*a")
    pipe:close()
    return output
  end

  local function delete(more, options)
    local arguments = { "delete-inbox", "--account", "1", "--inbox", "10" }
    for _, word in ipairs(more or {}) do
      arguments[#arguments + 1] = word
    end
    return run(arguments, options)
  end

  -- ----- listings -----

  describe("lists", function()
    it("numbers in columns, and not their keys", function()
      local ended = run { "numbers" }
      assert.equal(0, ended.status)
      assert.equal("", ended.err)
      local lines = {}
      for line in ended.out:gmatch("[^\n]+") do
        lines[#lines + 1] = line
      end
      assert.equal("NUMBER        NAME                  ACCOUNT  SERVER            INBOX", lines[1])
      assert.equal("972501234567  Reception                   1  online               10", lines[2])
      assert.equal("972501239999  Unused                      -  -                     -",
        lines[#lines])
      for _, line in ipairs(lines) do
        assert.equal(#lines[1], #line)
      end
      assert.is_nil(ended.out:find("key/", 1, true))
      -- Only account 2 is on two servers, and only its inbox 20 is on both.
      assert.equal(4, world:count())
      assert.equal(1, world:count("/whatsapp/getWhatsApp"))
      assert.equal(1, world:count("/online/getAccounts"))
      assert.equal(2, world:count("/online/getInboxes"))
      for _, line in ipairs {
        "972502000020  Service                     2  -                    20",
        "972502000021  Parts                       2  online               21",
        "972502000120  Service West                2  -                    20",
        "972502000122  West desk                   2  west                 22",
      } do
        assert.is_not_nil(ended.out:find(line .. "\n", 1, true), line)
      end
    end)

    it("numbers where servers cannot be looked up, and says so", function()
      local ended = run({ "numbers" }, { scenario = "live+reads_fail-500-getAccounts" })
      assert.equal(0, ended.status)
      assert.matches("972501234567  Reception +1  %- +10\n", ended.out)
      assert.matches("^ninedig: the servers could not be looked up: ", ended.err)
      ended = run({ "numbers", "--csv" }, { scenario = "live+reads_fail-500-getAccounts" })
      assert.equal("accountID,server,inboxID,whatsapp_number,name\n", ended.out)
      assert.matches("48 rows are left out", ended.err)
    end)

    it("accounts and inboxes", function()
      local accounts = run { "accounts" }
      assert.equal(0, accounts.status)
      assert.matches("\n +2  west    Beta Motors West  active     CRM%-1003\n", accounts.out)
      local inboxes = run { "inboxes", "--account", "2", "--server", "west" }
      assert.equal(0, inboxes.status)
      assert.equal("INBOX  NAME          CHANNEL       API\n"
        .. "   20  Service West  Channel::Api  wa_v2\n"
        .. "   22  West desk     Channel::Api  wa_v2\n", inboxes.out)
      assert.equal('{"accountID":2,"server":"west"}', world:requests()[2].body)
    end)

    it("all of it as JSON, but no secret", function()
      local ended = run { "numbers", "--json" }
      assert.equal(0, ended.status)
      assert.equal("", ended.err)
      local numbers = cjson.decode(ended.out)
      assert.equal(48, #numbers.list)
      assert.equal("972501234567", numbers.list[1].whatsapp)
      assert.is_nil(numbers.list[1].apiKey)
      assert.is_nil(ended.out:find("key/", 1, true))
      local accounts = run { "accounts", "--json" }
      assert.is_not_nil(accounts.out:find('"account_id":900000000000001', 1, true))
      local none = run { "inboxes", "--account", "3", "--json" }
      assert.is_not_nil(none.out:find('"list":[]', 1, true))
    end)

    it("and tells why it could not", function()
      local refused = run({ "numbers" }, { scenario = "reason-3" })
      assert.equal(4, refused.status)
      assert.equal("", refused.out)
      assert.matches("^ninedig: ", refused.err)
      local rejected = run { "inboxes", "--account", "77", "--json" }
      assert.equal(1, rejected.status)
      assert.equal(33, cjson.decode(rejected.out).error.reason)
      local unreachable = run({ "accounts" }, { base_url = mock.refused .. "/api" })
      assert.equal(3, unreachable.status)
    end)

    it("nothing where standard output cannot be written: 2", function()
      for _, words in ipairs {
        { "numbers" }, { "accounts", "--csv" }, { "inboxes", "--account", "1", "--json" },
        { "find", "--number", "972501234567" },
        { "verify", "--account", "1", "--inbox", "9", "--json" },
        { "delete-inbox", "--account", "1", "--inbox", "10", "--dry-run", "--json" },
      } do
        assert.matches("standard output could not be written.*\n2\n$", run_into_full(words))
      end
      assert.matches("\n1\n$",
        run_into_full { "verify", "--account", "1", "--inbox", "10", "--json" })
      assert.same({}, cli.deletions(world))
    end)
  end)

  -- ----- secrets -----

  describe("takes its secrets", function()
    local NONE = { NINEDIG_ACCESS_TOKEN = false }

    it("from a file or from standard input", function()
      local path = cli.file(mock.token .. "\r\n")
      assert.equal(0, run({ "accounts", "--token-file", path }, { environment = NONE }).status)
      assert.equal(0, run({ "accounts", "--token-file", "-" },
        { environment = NONE, stdin = mock.token }).status)
      for i = 1, 2 do
        assert.equal("Bearer " .. mock.token, world:requests()[i].headers.authorization)
      end
    end)

    it("as credentials, with which a token is got", function()
      local ended = run({ "accounts" }, { environment = {
        NINEDIG_ACCESS_TOKEN = false, NINEDIG_CLIENT_ID = mock.client_id,
        NINEDIG_CLIENT_SECRET = mock.client_secret,
      } })
      assert.equal(0, ended.status, ended.err)
      assert.equal(1, world:count("/settings/accessToken"))
      local wrong = run({ "accounts" }, { environment = {
        NINEDIG_ACCESS_TOKEN = false, NINEDIG_CLIENT_ID = mock.client_id,
        NINEDIG_CLIENT_SECRET = "wr0ng",
      } })
      assert.equal(4, wrong.status)
      assert.is_nil(wrong.err:find("wr0ng", 1, true))
    end)

    it("or says what to set", function()
      local cases = {
        { {}, "NINEDIG_ACCESS_TOKEN.*NINEDIG_CLIENT_ID.*%-%-token%-file" },
        { { NINEDIG_CLIENT_ID = "id" }, "NINEDIG_CLIENT_SECRET is not set" },
        { { NINEDIG_CLIENT_SECRET = "wr0ng" }, "NINEDIG_CLIENT_ID is not set" },
        { {}, "is empty", { "--token-file", cli.file("\n") } },
        { {}, "is empty", { "--token-file", "/dev/null" } },
        { {}, "could not be read", { "--token-file", "/nowhere/token" } },
        { {}, "could not be read: .*directory", { "--token-file", "/tmp" } },
        { {}, "more than 65536 bytes", { "--token-file", "/dev/zero" } },
        { { NINEDIG_ACCESS_TOKEN = "with blank" }, "access_token" },
        { { NINEDIG_ACCESS_TOKEN = "", NINEDIG_CLIENT_ID = "id", NINEDIG_CLIENT_SECRET = "wr0ng" },
          "NINEDIG_ACCESS_TOKEN is set, but empty" },
        { { NINEDIG_CLIENT_ID = "", NINEDIG_CLIENT_SECRET = "wr0ng" },
          "NINEDIG_CLIENT_ID is set, but empty" },
        { { NINEDIG_CLIENT_ID = "id", NINEDIG_CLIENT_SECRET = "" },
          "NINEDIG_CLIENT_SECRET is set, but empty" },
      }
      for _, case in ipairs(cases) do
        case[1].NINEDIG_ACCESS_TOKEN = case[1].NINEDIG_ACCESS_TOKEN or false
        local words = case[3] or {}
        local ended = run({ "accounts", words[1], words[2] }, { environment = case[1] })
        assert.equal(2, ended.status)
        assert.matches(case[2], ended.err)
        assert.is_nil(ended.err:find("wr0ng", 1, true))
      end
      assert.equal(0, world:count())
    end)
  end)

  -- ----- delete-inbox -----

  describe("delete-inbox", function()
    it("deletes what is confirmed: 0", function()
      local ended = delete { "--confirm", "10" }
      assert.equal(0, ended.status, ended.err)
      assert.equal("", ended.out)
      assert.matches("inbox 10 of account 1 on online is deleted; its number was 972501234567",
        ended.err)
      assert.equal(1, world:count())
      assert.equal('{"accountID":1,"server":"online","inboxID":10}', world:requests()[1].body)
    end)

    it("tells programs so on standard output alone", function()
      local ended = delete { "--confirm", "10", "--json" }
      assert.equal(0, ended.status)
      assert.same({
        outcome = "deleted", accountID = 1, server = "online", inboxID = 10,
        whatsapp_number = "972501234567",
      }, cjson.decode(ended.out))
      assert.matches("^{[^\n]*}\n$", ended.out)
    end)

    it("ends with 5, and not 0 or 2, where it is deleted and programs cannot be told", function()
      local words = { "delete-inbox", "--account", "1", "--inbox", "10", "--confirm", "10" }
      local list, journal = cli.file("accountID,inboxID\n4,101\n4,102\n"), cli.file()
      local list_words = {
        "delete-inboxes", list, "--journal", journal, "--confirm", "2", "--json",
      }
      for text, case in pairs {
        ["inbox 10 of account 1 on online is deleted"] = words,
        ["2 of 2 inboxes deleted"] = list_words,
      } do
        case[#case + 1] = case == words and "--json" or nil
        local output = run_into_full(case)
        assert.is_not_nil(output:find(text, 1, true), output)
        assert.matches("standard output could not be written.*\n5\n$", output)
      end
      assert.matches("deleted nothing.*\n1\n$", run_into_full(words)) -- it is rejected now
      assert.same({ ["1/online/10"] = 2, ["4/online/101"] = 1, ["4/online/102"] = 1 },
        cli.deletions(world))
      local ended = run(list_words)
      assert.equal(0, ended.status, ended.err)
      assert.equal(2, cjson.decode(ended.out).deleted)
    end)

    it("opens nothing in the place of a standard descriptor that is closed", function()
      local cases = {
        { "<&-", 0 }, { "2>&-", 0 }, { "<&- 2>&-", 0 }, { ">&-", 5 }, { "<&- >&-", 5 },
        { "<&- >&- 2>&-", 5 },
      }
      for i, case in ipairs(cases) do
        local list = cli.file(("accountID,inboxID\n4,%d\n"):format(100 + i))
        local journal, out = cli.file(), cli.file("")
        local _, status = mock.shared.output_of(("(%s >%s %s)"):format(cli.line(world, {
          "delete-inboxes", list, "--journal", journal, "--confirm", "1", "--json", "--verbose",
        }), out, case[1]))
        assert.equal(case[2], status, case[1])
        local words = {}
        for line in cli.read(journal):gmatch("([^\n]*)\n") do
          local fields = cjson.decode(line)
          words[#words + 1] = fields.outcome or fields.intent and "intent" or fields.journal
        end
        assert.equal("ninedig intent deleted", table.concat(words, " "), case[1])
        assert.equal(case[2] == 0, cli.read(out) ~= "", case[1])
      end
      assert.equal(#cases, world:count())
    end)

    it("shows nothing in the number's place that is none", function()
      for _, number in ipairs { mock.token, "x\\u001b[2J", "1" .. ("2"):rep(40), "" } do
        world = mock.world():script {
          body = ('{"status":"OK","whatsapp_number":"%s","verified":true}'):format(number),
        }
        for n, more in ipairs { "--json", "--verbose" } do
          local ended = delete({ "--confirm", "10", more }, { scenario = "body" })
          assert.equal(0, ended.status, ended.err)
          local shown = ended.out .. ended.err
          assert.is_nil(shown:find("number was", 1, true), shown)
          assert.is_nil(shown:find("whatsapp_number", 1, true), shown)
          assert.is_nil(shown:find("verified", 1, true), shown)
          assert.equal(n, world:count())
        end
      end
    end)

    it("writes large ids in full", function()
      local ended = run {
        "delete-inbox", "--account", "900000000000001", "--inbox", "123456789012345",
        "--confirm", "123456789012345", "--json",
      }
      assert.equal(0, ended.status, ended.err)
      assert.is_not_nil(ended.out:find('"inboxID":123456789012345,', 1, true))
      assert.same({ ["900000000000001/online/123456789012345"] = 1 }, cli.deletions(world))
    end)

    local statuses = {
      { "reason-47", 1, "rejected" }, { "status-404", 1, "rejected" },
      { "reason-3", 4, "rejected" }, { "reason-2", 4, "rejected" }, { "status-401", 4, "rejected" },
      { "close", 5, "unknown" }, { "status-500", 5, "unknown" },
    }
    for _, case in ipairs(statuses) do
      it(("answers %s with %d"):format(case[1], case[2]), function()
        local ended = delete({ "--confirm", "10", "--json" }, { scenario = case[1] })
        assert.equal(case[2], ended.status, ended.err)
        local told = cjson.decode(ended.out)
        assert.equal(case[3], told.outcome)
        assert.equal(case[3], told.error.outcome)
        assert.matches("inbox 10 of account 1 on online: " .. case[3], ended.err)
        assert.equal(case[2] == 5,
          ended.err:find("ninedig verify --account 1 --server online --inbox 10", 1, true) ~= nil)
        assert.equal(1, world:count())
      end)
    end

    it("answers a service that is not there with 3", function()
      local ended = delete({ "--confirm", "10", "--json" }, { base_url = mock.refused .. "/api" })
      assert.equal(3, ended.status)
      assert.equal("not_sent", cjson.decode(ended.out).outcome)
    end)

    it("answers a 401 that was cut with 3 where it only reads, and else with 5", function()
      world:script {
        raw = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nabc", close = true,
      }
      local options = { scenario = "raw" }
      assert.equal(3, run({ "accounts" }, options).status)
      assert.equal(3, run({ "find", "--number", "972501234567" }, options).status)
      assert.equal(5, delete({ "--confirm", "10" }, options).status)
      assert.equal(1, world:count("deleteInbox"))
    end)

    it("deletes nothing without a terminal and --confirm: 2", function()
      local ended = delete({}, { stdin = "10\n" })
      assert.equal(2, ended.status)
      assert.matches("%-%-confirm", ended.err)
      assert.equal(0, world:count())
    end)

    it("deletes nothing where --confirm is another inbox: 2", function()
      for _, other in ipairs { "1", "100", "010", "10 ", "" } do
        assert.equal(2, delete({ "--confirm", other }).status, other)
        assert.equal(2, delete({ "--confirm", other, "--dry-run" }).status, other)
      end
      assert.equal(0, world:count())
    end)

    it("deletes nothing where the number is in another inbox: 2", function()
      local ended = delete { "--confirm", "10", "--number", "972501234568", "--json" }
      assert.equal(2, ended.status)
      assert.equal("NUMBER_MISMATCH", cjson.decode(ended.out).error.name)
      assert.same({}, cli.deletions(world))
      assert.equal(0, delete({ "--confirm", "10", "--number", "972501234567" }).status)
    end)

    it("refuses what is no id, before anything is sent: 2", function()
      for _, id in ipairs { "0", "01", "x", "-1", "1.5", "" } do
        local ended = run { "delete-inbox", "--account", "1", "--inbox=" .. id, "--confirm=" .. id }
        assert.equal(2, ended.status)
        assert.matches("%-%-inbox: inboxID", ended.err)
        assert.is_not_nil(ended.err:find(('got "%s"'):format(id), 1, true))
      end
      assert.equal(0, world:count())
    end)

    it("--verify finds out what became of it", function()
      local ended = delete({ "--confirm", "10", "--verify", "--json" },
        { scenario = "live+lost_after" })
      assert.equal(0, ended.status, ended.err)
      assert.is_true(cjson.decode(ended.out).verified)
      assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
      world = mock.world()
      ended = delete({ "--confirm", "10", "--verify", "--json", "--timeout", "1" },
        { scenario = "live+lost_before" })
      assert.equal(5, ended.status)
      assert.is_not_nil(cjson.decode(ended.out).error.verification)
      assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
    end)

    it("--dry-run shows the very bytes, but for the token, and sends none", function()
      local ended = delete { "--dry-run", "--json" }
      assert.equal(0, ended.status, ended.err)
      assert.same({}, cli.deletions(world))
      assert.is_true(world:count() > 0)
      assert.matches("^DRY RUN: nothing is deleted%.", ended.err)
      assert.matches("DRY RUN: nothing was deleted%.[^\n]*\n$", ended.err)
      assert.is_not_nil(ended.err:find("inbox    10  Reception\n", 1, true))
      local told = cjson.decode(ended.out)
      assert.is_true(told.dry_run)
      assert.is_nil(told.outcome)

      assert.equal(0, delete({ "--confirm", "10" }).status)
      local requests = world:requests()
      local sent = requests[#requests]
      local shown = ended.err:match("\n\n(DELETE .-\n\n{[^\n]*})\n")
      local lines = {}
      for line in sent.head:gsub("Bearer [^\r]*", "Bearer [redacted]"):gmatch("([^\r]+)\r\n") do
        lines[#lines + 1] = line
      end
      for _, line in ipairs(lines) do
        assert.is_not_nil(shown:find(line .. "\n", 1, true), line .. "\n" .. shown)
      end
      assert.equal(#lines, select(2, shown:match("^(.-\n)\n"):gsub("\n", "")))
      assert.equal(sent.body, shown:match("\n\n(.*)$"))
    end)

    it("--dry-run makes every check, with a token of its own", function()
      local environment = {
        NINEDIG_ACCESS_TOKEN = false, NINEDIG_CLIENT_ID = mock.client_id,
        NINEDIG_CLIENT_SECRET = mock.client_secret,
      }
      local ended = delete({ "--dry-run" }, { environment = environment })
      assert.equal(0, ended.status, ended.err)
      assert.matches("Authorization: Bearer %[redacted%]", ended.err)
      assert.equal(2, delete({ "--dry-run", "--number", "972501234568" }).status)
      assert.equal(4, delete({ "--dry-run" }, { scenario = "reason-3" }).status)
      assert.same({}, cli.deletions(world))
    end)

    it("waits for the answer when it is interrupted", function()
      local process = cli.start(world, { "delete-inbox", "--account", "1", "--inbox", "10",
        "--confirm", "10" }, { scenario = "live+delay-400" })
      assert.is_true(world:wait_for(1))
      process:kill(2)
      assert.equal(0, process:wait())
      assert.matches("interrupted; waiting for the answer", process:err())
      assert.matches("is deleted", process:err())
      assert.equal(1, world:count())
    end)

    it("leaves at the second interrupt, and says that it is unknown: 130", function()
      local process = cli.start(world, { "delete-inbox", "--account", "1", "--inbox", "10",
        "--confirm", "10" }, { scenario = "never" })
      assert.is_true(world:wait_for(1))
      process:kill(2)
      process:expect_error("waiting for the answer")
      process:kill(2)
      assert.equal(130, process:wait())
      assert.matches("the outcome is unknown; to find out, run: ninedig verify", process:err())
      assert.equal(1, world:count())
    end)
  end)

  -- ----- --verbose -----

  describe("--verbose", function()
    local function lines_of(ended)
      local lines = {}
      for line in ended.err:gmatch("([^\n]*)\n") do
        lines[#lines + 1] = line
      end
      return lines
    end

    it("tells what is sent, and what came of it, on standard error", function()
      local ended = run { "numbers", "--verbose" }
      assert.equal(0, ended.status)
      assert.equal(run({ "numbers" }).out, ended.out)
      local lines = lines_of(ended)
      assert.equal(8, #lines) -- of account 2 it is looked up on which server each inbox is
      assert.equal("> GET " .. world:base_url("live") .. "/whatsapp/getWhatsApp", lines[1])
      assert.matches("^< get_whatsapp_numbers: ok, OK, HTTP 200, reason 1, in %d%.%d+ s,"
        .. " connected after %d%.%d+ s$", lines[2])
    end)

    it("tells of each attempt, each pause and each verdict", function()
      local ended = run({ "accounts", "--verbose" }, { scenario = "live+first-1+status-503" })
      assert.equal(0, ended.status, ended.err)
      local lines = lines_of(ended)
      assert.equal(5, #lines)
      assert.matches("^< get_accounts: none, [%u_]+, HTTP 503, in ", lines[2])
      assert.matches("^%* waiting for %d+%.%d s: get_accounts: [%u_]+$", lines[3])
      assert.equal(lines[1] .. ", attempt 2", lines[4])

      ended = delete({ "--confirm", "10", "--verify", "--verbose" },
        { scenario = "live+only-deleteInbox+lost_after" })
      assert.is_true(ended.status == 0 or ended.status == 5, ended.err)
      assert.matches("\n> DELETE [^\n]* %(inbox 10 of account 1 on online%)\n", ended.err)
      assert.matches("\n< delete_inbox %(inbox 10 of account 1 on online%): unknown, ", ended.err)
      assert.matches("\n%* read back %(inbox 10 of account 1 on online%): %l+: ", ended.err)
      assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
    end)

    it("tells large ids in full", function()
      local words = {
        "verify", "--account", "900000000000001", "--inbox", "123456789012345", "--verbose",
      }
      local ended = run(words)
      assert.equal(1, ended.status, ended.err)
      local named = "inbox 123456789012345 of account 900000000000001 on online"
      assert.matches("\n%* read back %(" .. named .. "%): still listed: ", ended.err)
      assert.matches(" %(account 900000000000001 on online%)\n", ended.err)
      assert.matches("\n< get_inboxes %(account 900000000000001 on online%): ok, ", ended.err)
      assert.is_nil(ended.err:find("e+", 1, true), ended.err)
      assert.equal('{"accountID":900000000000001,"server":"online"}', world:requests()[1].body)
    end)

    it("tells of what was not sent, and no secret of a proxy", function()
      local ended = run({ "accounts", "--verbose", "--timeout", "1" }, {
        base_url = mock.refused .. "/api",
      })
      assert.equal(3, ended.status)
      assert.matches("\n< get_accounts: none, [%u_]+, in [%d.]+ s, not connected\n", ended.err)
      ended = run({ "accounts", "--verbose" }, {
        environment = { https_proxy = world:proxy("proxy_407") },
      })
      assert.equal(3, ended.status)
      assert.is_nil(ended.err:find("password", 1, true), ended.err)
    end)
  end)

  -- ----- verify -----

  describe("verify", function()
    it("says deleted: 0", function()
      assert.equal(0, delete({ "--confirm", "10" }).status)
      local ended = run { "verify", "--account", "1", "--inbox", "10", "--json" }
      assert.equal(0, ended.status)
      assert.equal("deleted", cjson.decode(ended.out).verdict)
      assert.matches("inbox 10 of account 1 on online: deleted: ", ended.err)
    end)

    it("says still listed: 1, and unknown: 5", function()
      local ended = run { "verify", "--account", "1", "--inbox", "10", "--json", "--timeout", "2" }
      assert.equal(1, ended.status)
      assert.equal("still_listed", cjson.decode(ended.out).verdict)
      ended = run({ "verify", "--account", "1", "--inbox", "10" }, { scenario = "live+reads_fail" })
      assert.equal(5, ended.status)
      assert.equal("", ended.out)
      assert.same({}, cli.deletions(world))
    end)

    it("says what stood in the way of a proof, and its cause: 5", function()
      local unread = "unknown (LIST_FAILED): a list could not be read, or not be understood: "
      local verify = { "verify", "--account", "1", "--inbox", "10" }
      local cases = {
        { { "verify", "--account", "4711", "--inbox", "3" }, "live", unread
          .. "get_inboxes was refused with reason 33 ACCOUNT_ID_INVALID: " },
        { verify, "live+reads_fail-503", unread .. "SERVICE_UNAVAILABLE: HTTP 503: " },
        { { "verify", "--account", "1", "--inbox", "99" }, "live+only-getInboxes+status-203",
          unread .. "HTTP 203" },
        { verify, nil, unread .. "CONNECT_FAILED: ", "https://127.0.0.1:1" },
      }
      for _, case in ipairs(cases) do
        local ended = run(case[1], { scenario = case[2], base_url = case[4] })
        assert.equal(5, ended.status, ended.err)
        assert.is_not_nil(ended.err:find(case[3], 1, true), ended.err)
      end
      assert.same({}, cli.deletions(world))
    end)

    it("says which time-out a proof needs", function()
      assert.equal(0, delete({ "--confirm", "10" }).status)
      local reads = world:count("/online/getInboxes")
      local ended = run { "verify", "--account", "1", "--inbox", "10", "--timeout", "1" }
      assert.equal(5, ended.status)
      assert.matches("unknown %(NO_TIME%): one look .*; give a longer %-%-timeout: 30 is enough\n",
        ended.err)
      assert.equal(reads + 1, world:count("/online/getInboxes"))
    end)

    it("ends at once when it is interrupted: 130", function()
      local process = cli.start(world, { "verify", "--account", "1", "--inbox", "10" },
        { scenario = "never" })
      assert.is_true(world:wait_for(1))
      process:kill(2)
      assert.equal(130, process:wait())
      assert.matches("ninedig: interrupted\n", process:err())
    end)
  end)
end)
