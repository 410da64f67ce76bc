local cli = require("spec.support.cli")
local mock = require("spec.support.mock")

local LIST = "accountID,server,inboxID\n1,online,10\n1,online,11\n2,west,20\n"

describe("the command on a terminal #novalgrind", function()
  local world

  before_each(function()
    world = mock.world()
  end)

  local function start(arguments, options)
    return cli.start_on_terminal(world, arguments, options)
  end

  local ONE = { "delete-inbox", "--account", "1", "--inbox", "10" }

  -- ----- one inbox -----

  it("shows what will be lost, and deletes when the inbox ID is typed", function()
    local process = start(ONE, { environment = { NO_COLOR = "1" } })
    local shown = process:expect("Type the inbox ID")
    for _, line in ipairs {
      "service  " .. world:base_url("live"), "account  1  Alpha Clinic", "server   online",
      "inbox    10  Reception", "number   972501234567",
      "   - all messages, conversations, contacts, files, webhooks and labels in it",
      "   - all studio data, reports and saved information within it",
      "The WhatsApp number is released; it is not cancelled.", "This cannot be undone.",
    } do
      assert.is_not_nil(shown:find(line .. "\r\n", 1, true), line .. "\n" .. shown)
    end
    assert.is_nil(shown:find("\27", 1, true))
    assert.same({}, cli.deletions(world))
    process:type("10\n")
    assert.equal(0, process:wait())
    assert.matches("inbox 10 of account 1 on online is deleted", process.seen)
    assert.equal("", process:out())
    assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
    assert.is_nil(process.seen:find(mock.token, 1, true))
  end)

  local answers = {
    ["another ID"] = "11\n", ["an empty line"] = "\n", ["yes"] = "yes\n", ["more"] = "10 11\n",
    ["the end of input"] = "\4",
  }
  for name, answer in pairs(answers) do
    it("deletes nothing after " .. name .. ": 2", function()
      local process = start(ONE)
      process:expect("Type the inbox ID")
      process:type(answer)
      assert.equal(2, process:wait())
      assert.matches("nothing was deleted", process.seen)
      assert.same({}, cli.deletions(world))
    end)
  end

  it("hears Ctrl-C at any moment of the question: 130", function()
    for _ = 1, 10 do
      local process = start(ONE)
      process:expect("cannot be undone") -- the question is being written
      process:type("\3")
      assert.equal(130, process:wait())
      assert.matches("interrupted; nothing was deleted", process.seen)
    end
    assert.same({}, cli.deletions(world))
  end)

  it("shows no number where it may be that of another server's inbox", function()
    -- Account 2 is on two servers, and so is its inbox 20: the service does not say which number is
    -- on which.
    for inbox, number in pairs { ["20"] = "-", ["21"] = "972502000021" } do
      local process = start { "delete-inbox", "--account", "2", "--inbox", inbox }
      local shown = process:expect("Type the inbox ID")
      assert.equal(number, shown:match("number   (%S+)"))
      process:type("\4")
      assert.equal(2, process:wait())
    end
    assert.same({}, cli.deletions(world))
  end)

  it("asks where names cannot be looked up, and says so", function()
    local process = start(ONE, { scenario = "live+reads_fail-500" })
    local shown = process:expect("Type the inbox ID")
    assert.is_not_nil(shown:find("inbox    10\r\n", 1, true))
    assert.is_not_nil(shown:find("not looked up: ", 1, true))
    process:type("10\n")
    assert.equal(0, process:wait())
    assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
  end)

  it("says that an inbox is not listed", function()
    local process = start { "delete-inbox", "--account", "1", "--inbox", "99" }
    process:expect("does not list this inbox")
    process:expect("Type the inbox ID")
    process:type("\4")
    assert.equal(2, process:wait())
    assert.same({}, cli.deletions(world))
  end)

  it("does not ask where the credentials are refused: 4", function()
    local process = start(ONE, { scenario = "reason-3" })
    assert.equal(4, process:wait())
    assert.is_nil(process.seen:find("Type the inbox ID", 1, true))
    assert.same({}, cli.deletions(world))
  end)

  it("does not ask where the number is in another inbox: 2", function()
    local process = start {
      "delete-inbox", "--account", "1", "--inbox", "10", "--number", "972501234568",
    }
    assert.equal(2, process:wait())
    assert.is_nil(process.seen:find("Type the inbox ID", 1, true))
    assert.same({}, cli.deletions(world))
  end)

  it("ends at once when look-ups are interrupted: 130", function()
    local process = start(ONE, { scenario = "never" })
    assert.is_true(world:wait_for(1))
    process:type("\3")
    assert.equal(130, process:wait())
    assert.matches("ninedig: interrupted; nothing was deleted\r\n", process.seen)
    assert.same({}, cli.deletions(world))
  end)

  it("does not do what the names of the service say to a terminal", function()
    world:script { body = '{"status":"OK","reason":1,"accountID":1,"server":"online",'
      .. '"totalInboxes":1,"list":[{"id":10,"name":"A\\u001b[2JB\\u009bC\\u202eD\\nE"}]}' }
    local process = start(ONE, { scenario = "body", environment = { NO_COLOR = "1" } })
    local shown = process:expect("Type the inbox ID")
    assert.is_not_nil(shown:find("inbox    10  A?[2JB?C?D?E\r\n", 1, true), shown)
    process:type("\4")
    assert.equal(2, process:wait())
    assert.same({}, cli.deletions(world))
  end)

  -- ----- a list -----

  it("shows a list in columns, and asks for its count", function()
    local list, journal = cli.file(LIST), cli.file()
    local arguments = { "delete-inboxes", list, "--journal", journal }
    local process = start(arguments, { columns = 100 })
    local shown = process:expect("the number of inboxes that will be deleted now")
    for _, line in ipairs {
      "ACCOUNT  NAME              SERVER  INBOX  NAME          CHANNEL              NUMBER",
      "      1  Alpha Clinic      online     10  Reception     Channel::Api, wa_v2  972501234567",
      "      1  Alpha Clinic      online     11  Sales         Channel::Api, wa_v2  972501234568",
      "      2  Beta Motors West  west       20  Service West  Channel::Api, wa_v2  -",
    } do
      assert.is_not_nil(shown:find(line .. "\r\n", 1, true), line .. "\n" .. shown)
    end
    process:type("2\n")
    assert.equal(2, process:wait())
    assert.same({}, cli.deletions(world))
    assert.is_nil(cli.read(journal)) -- everything is as it was

    process = start(arguments, { columns = 100 })
    process:expect("the number of inboxes that will be deleted now")
    process:type("3\n")
    assert.equal(0, process:wait())
    assert.matches("3 of 3 inboxes deleted", process.seen)
    assert.same({ ["1/online/10"] = 1, ["1/online/11"] = 1, ["2/west/20"] = 1 },
      cli.deletions(world))
  end)
end)

-- ----- progress -----

describe("progress #novalgrind", function()
  local world, list

  before_each(function()
    world = mock.world()
    local lines = { "accountID,server,inboxID" }
    for inbox = 101, 140 do
      lines[#lines + 1] = "4,online," .. inbox
    end
    list = cli.file(table.concat(lines, "\n") .. "\n1,online,99\n")
  end)

  local function arguments()
    return {
      "delete-inboxes", list, "--journal", cli.file(), "--confirm", "41", "--keep-going",
      "--concurrency", "2",
    }
  end

  -- The drawings of the line, without what is invisible.
  local function drawings(seen)
    local found = {}
    for line in seen:gmatch("\r\27%[K([^\r\n]*)") do
      found[#found + 1] = (line:gsub("\27%[[%d;]*m", ""))
    end
    return found
  end

  it("is one line that is drawn again, with all that it has to tell", function()
    local process = cli.start_on_terminal(world, arguments(), {
      scenario = "live+only-deleteInbox+delay-20", columns = 100,
    })
    assert.equal(6, process:wait())
    local lines = drawings(process.seen)
    assert.is_true(#lines >= 3, process.seen)
    for _, line in ipairs(lines) do
      assert.matches(
        "^%[=* *%] %d+/41  %d+ failed  %d+ unknown  [%d.-]+/s  [%d-]+:[%d-]+ left$", line)
      assert.is_true(#line < 100)
    end
    assert.matches("^%[=+%] 41/41  1 failed  0 unknown  .* 0:00 left$", lines[#lines])
    assert.matches("\27%[31m1 failed\27%[0m", process.seen)
    -- Each drawing begins where the last one did: one line in all.
    local first = process.seen:find("\r\27[K", 1, true)
    local last = process.seen:find("\n", first, true)
    assert.is_nil(process.seen:find("\r\27[K", last, true))
  end)

  it("has no colours under NO_COLOR", function()
    local process = cli.start_on_terminal(world, arguments(), {
      environment = { NO_COLOR = "1" },
    })
    assert.equal(6, process:wait())
    assert.is_nil(process.seen:find("\27%[[%d;]*m"))
    assert.is_true(#drawings(process.seen) > 0)
  end)

  it("fits the window, and follows it", function()
    local process = cli.start_on_terminal(world, arguments(), {
      scenario = "live+only-deleteInbox+delay-150", columns = 90,
    })
    process:expect("/41")
    process:resize(40)
    assert.equal(6, process:wait())
    local lines = drawings(process.seen)
    assert.is_true(#lines[1] > 60 and #lines[1] < 90, lines[1])
    assert.is_true(#lines[#lines] < 40, lines[#lines])
    assert.matches("41/41", lines[#lines])
  end)

  it("is lines without escape codes on a dumb terminal", function()
    local process = cli.start_on_terminal(world, arguments(), {
      environment = { TERM = "dumb" },
    })
    assert.equal(6, process:wait())
    assert.is_nil(process.seen:find("\27", 1, true))
    assert.matches("ninedig: 51 %%, 21 of 41", process.seen)
  end)

  it("is a line for each tenth where there is no terminal", function()
    local ended = cli.run(world, arguments())
    assert.equal(6, ended.status)
    assert.is_nil(ended.err:find("[\27\r]"))
    local percents = {}
    local line = "ninedig: (%d+) %%, (%d+) of 41, %d failed, 0 unknown\n"
    for percent, done in ended.err:gmatch(line) do
      assert.equal(math.floor(100 * done / 41), tonumber(percent))
      percents[#percents + 1] = percent
    end
    assert.equal("12 21 31 41 51 60 70 80 90 100", table.concat(percents, " "))
    assert.equal("", ended.out)
  end)
end)
