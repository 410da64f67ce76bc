local cjson = require("cjson").new()
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")

local SIGINT, SIGKILL = 2, 9

-- Inboxes of account 4, from 101 on.
local function list_of(count)
  local lines = { "accountID,server,inboxID" }
  for inbox = 101, 100 + count do
    lines[#lines + 1] = "4,online," .. inbox
  end
  return table.concat(lines, "\n") .. "\n"
end

local function read_lines(path)
  local lines = {}
  for line in (cli.read(path) or ""):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = cjson.decode(line)
  end
  return lines
end

local function total(deletions)
  local sum = 0
  for _, count in pairs(deletions) do
    sum = sum + count
  end
  return sum
end

local function at_most_one_each(deletions, hint)
  for key, count in pairs(deletions) do
    assert.equal(1, count, key .. " was asked for " .. count .. " times; " .. (hint or ""))
  end
end

describe("the journal #novalgrind", function()
  local world, journal

  before_each(function()
    world, journal = mock.world(), cli.file()
  end)

  local function arguments(count, more, list)
    local words = {
      "delete-inboxes", list or cli.file(list_of(count)), "--journal", journal,
      "--confirm", tostring(count), "--json",
    }
    for _, word in ipairs(more or {}) do
      words[#words + 1] = word
    end
    return words
  end

  local function run(count, more, options)
    options = options or {}
    local ended = cli.run(world, arguments(count, more, options.list), options)
    for _, text in ipairs { ended.out, ended.err, cli.read(journal) or "" } do
      assert.is_nil(text:find(mock.token, 1, true))
    end
    return ended, ended.out ~= "" and cjson.decode(ended.out) or nil
  end

  -- ----- what is in it -----

  it("has a header, an intent for each request, and an outcome for each answer", function()
    local ended, report = run(3)
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    local lines = read_lines(journal)
    assert.equal(7, #lines)
    assert.equal("ninedig", lines[1].journal)
    assert.equal(world:base_url("live"), lines[1].base_url)
    assert.equal(3, lines[1].count)
    local intents, outcomes = {}, {}
    for i = 2, 7 do
      local line = lines[i]
      if line.intent then
        assert.equal(30, line.timeout)
        assert.is_true(math.abs(line.time - os.time()) < 60)
        intents[line.intent.inboxID] = true
      else
        assert.is_true(intents[line.inboxID])
        outcomes[line.inboxID] = line.outcome
      end
    end
    assert.same({ ["101"] = "deleted", ["102"] = "deleted", ["103"] = "deleted" }, outcomes)
    assert.same({ ["4/online/101"] = 1, ["4/online/102"] = 1, ["4/online/103"] = 1 },
      cli.deletions(world))
    local pipe = io.popen("stat -c %a '" .. journal .. "'")
    assert.equal("600\n", pipe:read("*a"))
    pipe:close()
  end)

  it("reaches the disk before the request is sent", function()
    local trace = cli.file()
    local ended = run(4, { "--concurrency", "2" }, {
      base_url = world:base_url("live", mock.http),
      through = "strace -f -s 4096 -o " .. trace
        .. " -e trace=openat,pwrite64,fsync,sendto,send",
    })
    assert.equal(0, ended.status, ended.err)
    local intended, synced = {}, {}
    local folder, folder_is_synced = nil, false
    local sends = 0
    for line in cli.read(trace):gmatch("[^\n]+") do
      local fd = line:match(" fsync%((%d+)%) += 0")
      if line:find(" pwrite64(", 1, true) then
        for inbox in line:gmatch('intent\\":{[^}]*inboxID\\":\\"(%d+)') do
          intended[inbox] = true
        end
      elseif line:find('"' .. journal:match("^(.*)/") .. '"', 1, true) then
        folder = line:match("= (%d+)$")
      elseif fd == folder and fd then
        folder_is_synced = true
      elseif fd then
        for inbox in pairs(intended) do
          synced[inbox] = true
        end
      elseif line:find("DELETE /", 1, true) then
        local inbox = line:match('inboxID\\":(%d+)')
        assert.is_true(synced[inbox], line)
        assert.is_true(folder_is_synced, "the folder has no such name yet")
        sends = sends + 1
      end
    end
    assert.equal(4, sends)
  end)

  it("groups what is intended at the same time into one fsync", function()
    local trace = cli.file()
    local ended = run(16, { "--concurrency", "16" }, {
      through = "strace -f -o " .. trace .. " -e trace=fsync",
    })
    assert.equal(0, ended.status, ended.err)
    local count = select(2, cli.read(trace):gsub(" fsync%(", ""))
    -- The header, the folder, the intents, and the end of it.
    assert.is_true(count <= 6, count .. " times")
    assert.equal(16, total(cli.deletions(world)))
  end)

  -- ----- going on -----

  it("keeps what was deleted from being asked for again", function()
    assert.equal(0, (run(3)).status)
    local list = cli.file("inboxID,server,accountID\n103,ONLINE,4\n101,,4\n102,online,4\n")
    local ended, report = run(3, {}, { list = list }) -- the same inboxes in another order
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    assert.equal(103, report.results[1].inboxID)
    assert.equal("deleted", report.results[1].outcome)
    assert.equal(3, world:count())
  end)

  it("has what was rejected or not sent asked for again", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+reason-47")
    local ended, report = run(3, { "--concurrency", "1" }, { base_url = base_url })
    assert.equal(6, ended.status)
    assert.equal(1, report.rejected)
    assert.equal(2, report.skipped)
    assert.equal(47, report.results[1].error.reason)
    assert.equal(1, total(cli.deletions(world)))
    assert.is_not_nil(ended.err:find("to go on, run: ninedig delete-inboxes ", 1, true))
    ended, report = run(3, {}, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    assert.same({ ["4/online/101"] = 2, ["4/online/102"] = 1, ["4/online/103"] = 1 },
      cli.deletions(world))
  end)

  it("goes on after an unknown outcome: what is deleted is not asked for again", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+lost_after")
    local ended, report = run(3, { "--concurrency", "1", "--keep-going" }, { base_url = base_url })
    assert.equal(5, ended.status)
    assert.equal(1, report.unknown)
    assert.equal(2, report.deleted)
    ended, report = run(3, {}, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    assert.is_true(report.results[1].verified)
    at_most_one_each(cli.deletions(world))
    assert.equal(3, total(cli.deletions(world)))
    local requests = world:count()
    assert.equal(0, (run(3, {}, { base_url = base_url })).status)
    assert.equal(requests, world:count()) -- the proof is in the journal
  end)

  it("asks again for what is verified as not deleted once its time-out has passed", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+lost_before")
    local ended, report = run(1, { "--timeout", "2" }, { base_url = base_url })
    assert.equal(5, ended.status)
    assert.equal(1, report.unknown)
    -- At once its request could still arrive.
    ended, report = run(1, { "--timeout", "2" }, { base_url = base_url })
    assert.equal(5, ended.status)
    assert.equal(1, report.unknown)
    assert.equal(1, total(cli.deletions(world)))
    assert.matches("inbox 101 of account 4 on online: unknown", ended.err)
    repeat
      assert.equal(1, total(cli.deletions(world)))
      ended, report = run(1, { "--timeout", "2" }, { base_url = base_url })
    until ended.status ~= 5
    assert.equal(0, ended.status, ended.err)
    local intents = {}
    for _, line in ipairs(read_lines(journal)) do
      intents[#intents + 1] = line.intent and line.time
    end
    assert.equal(2, #intents)
    assert.is_true(intents[2] - intents[1] >= 2)
    assert.equal(1, report.deleted)
    assert.equal(2, total(cli.deletions(world)))
  end)

  it("leaves unknown what cannot be verified", function()
    local scenario = "live+reads_fail-400"
    local base_url = world:base_url(scenario .. "+only-deleteInbox+first-1+lost_before")
    assert.equal(5, (run(2, { "--timeout", "1", "--keep-going" }, { base_url = base_url })).status)
    for _ = 1, 2 do
      local ended, report = run(2, { "--timeout", "1" }, { base_url = base_url })
      assert.equal(5, ended.status)
      assert.equal(1, report.unknown)
      assert.equal(1, report.deleted)
    end
    at_most_one_each(cli.deletions(world))
    assert.equal(2, total(cli.deletions(world)))
  end)

  it("ignores a torn last line", function()
    assert.equal(0, (run(3)).status)
    local whole = cli.read(journal)
    -- Within the last outcome, and with all of it but its end.
    for _, cut in ipairs { 1, 30 } do
      world = mock.world()
      local text = whole:gsub('"base_url":"[^"]*"', '"base_url":"' .. world:base_url("live") .. '"')
      journal = cli.file(text:sub(1, -cut - 1))
      local ended, report = run(3, { "--timeout", "1" })
      -- One is unknown now, and verified as still being there in this world.
      assert.equal(5, ended.status, ended.err)
      assert.equal(2, report.deleted)
      assert.equal(1, report.unknown)
      assert.same({}, cli.deletions(world))
      -- What was torn is written over.
      journal = cli.file(text:sub(1, -cut - 1):gsub('"timeout":30', '"timeout":0.01'))
      ended, report = run(3, { "--timeout", "1" })
      assert.equal(0, ended.status, ended.err)
      assert.equal(3, report.deleted)
      assert.equal(1, total(cli.deletions(world)))
      local lines = read_lines(journal) -- each is JSON
      assert.equal("deleted", lines[#lines].outcome)
    end
  end)

  it("begins again where its first line is torn", function()
    assert.equal(0, (run(1)).status)
    local header = cli.read(journal):match("^[^\n]*\n")
    for _, cut in ipairs { 1, 20, 9999 } do -- the last leaves nothing
      world = mock.world()
      local own = header:gsub('"base_url":"[^"]*"', '"base_url":"' .. world:base_url("live") .. '"')
      journal = cli.file(own:sub(1, math.max(#own - cut, 0)))
      assert.equal(0, (run(1)).status)
      assert.equal(3, #read_lines(journal))
      assert.equal(1, world:count())
    end
  end)

  -- ----- refusals -----

  it("of another list, of another service, or none at all is refused: 2", function()
    assert.equal(0, (run(2)).status)
    local before = cli.read(journal)
    local ended = run(3)
    assert.equal(2, ended.status)
    assert.matches("another list", ended.err)
    ended = run(2, {}, { base_url = world:base_url("ok") })
    assert.equal(2, ended.status)
    assert.matches("another service", ended.err)
    assert.equal(before, cli.read(journal))
    local requests = world:count()
    local others = { "accountID,server,inboxID\n", "no end", "{}\n", '{"journal":1}\n' }
    for _, content in ipairs(others) do
      journal = cli.file(content)
      ended = run(2)
      assert.equal(2, ended.status)
      assert.matches("is no journal", ended.err)
      assert.equal(content, cli.read(journal))
    end
    journal = cli.file((before:gsub("\n.-\n", "\n{damaged\n", 1)))
    ended = run(2)
    assert.equal(2, ended.status)
    assert.matches("line 2", ended.err)
    journal = "/nowhere/journal"
    assert.equal(2, (run(2)).status)
    assert.equal(requests, world:count())
  end)

  it("is not written by --dry-run, nor where nobody confirms", function()
    local list = cli.file(list_of(2))
    local words = { "delete-inboxes", list, "--journal", journal, "--dry-run", "--json" }
    local ended = cli.run(world, words)
    assert.equal(0, ended.status, ended.err)
    local told = cjson.decode(ended.out)
    assert.is_true(told.dry_run)
    assert.equal(2, #told.requests)
    assert.equal('{"accountID":4,"server":"online","inboxID":101}', told.requests[1].body)
    assert.matches("^DRY RUN: nothing is deleted", ended.err)
    for _, more in ipairs { {}, { "--confirm", "3" }, { "--confirm", "02" } } do
      ended = cli.run(world, {
        "delete-inboxes", list, "--journal", journal, more[1], more[2],
      }, { stdin = "2\n" })
      assert.equal(2, ended.status)
    end
    assert.is_nil(cli.read(journal))
    assert.same({}, cli.deletions(world))

    assert.equal(0, (run(2, {}, { list = list })).status)
    local before = cli.read(journal)
    ended = cli.run(world, words)
    assert.equal(0, ended.status)
    assert.same({}, cjson.decode(ended.out).requests)
    assert.equal(before, cli.read(journal))
  end)

  it("is used by one run at a time: 2", function()
    local list = cli.file(list_of(4))
    local process = cli.start(world, arguments(4, {}, list), { scenario = "live+delay-600" })
    assert.is_true(world:wait_for(4))
    local ended = run(4, {}, { list = list, scenario = "live+delay-600" })
    assert.equal(2, ended.status)
    assert.matches("in use", ended.err)
    assert.equal("", ended.out)
    ended = run(4, { "--dry-run" }, { list = list, scenario = "live+delay-600" })
    assert.equal(2, ended.status)
    assert.equal(0, process:wait())
    assert.equal(4, world:count())
    at_most_one_each(cli.deletions(world))
  end)

  it("that cannot be written to stops the run before the next request", function()
    -- A file may have 2048 bytes, which hold the header and the first intents.
    local words = {
      "delete-inboxes", cli.file(list_of(40)), "--journal", journal, "--confirm", "40",
      "--concurrency", "1",
    }
    local ended = cli.run(world, words, { before = "trap '' XFSZ; ulimit -f 4" })
    assert.equal(6, ended.status, ended.err)
    assert.matches("could not be written: File too large", ended.err)
    local asked = total(cli.deletions(world))
    assert.is_true(asked >= 1 and asked < 20)
    local text = cli.read(journal)
    for inbox in pairs(cli.deletions(world)) do
      assert.is_not_nil(text:find('"inboxID":"' .. inbox:match("%d+$"), 1, true), inbox)
    end
    local again, report = run(40, { "--timeout", "5" })
    assert.equal(0, again.status, again.err)
    assert.equal(40, report.deleted)
    at_most_one_each(cli.deletions(world))
  end)

  -- ----- the list -----

  it("reads CSV as spreadsheets write it, and JSON lines", function()
    local lists = {
      '\239\187\191accountID,server,inboxID\r\n4,online,101\r\n\r\n4,"online","102"\r\n',
      '"inboxID",accountID\n 101 , 4\n102,4',
      '{"accountID":4,"server":"online","inboxID":101}\n{"accountID":"4","inboxID":"102"}\n',
      ' {"accountID":4,"inboxID":101,"server":null}\r\n\n{"accountID":4,"inboxID":102}',
      "accountID,inboxID,whatsapp_number\n4,101,972504000101\n4,102,\n",
    }
    for i, list in ipairs(lists) do
      world, journal = mock.world(), cli.file()
      local stdin = i % 2 == 0
      local ended = run(2, {}, {
        list = stdin and "-" or cli.file(list), stdin = stdin and list or nil,
      })
      assert.equal(0, ended.status, ended.err)
      assert.same({ ["4/online/101"] = 1, ["4/online/102"] = 1 }, cli.deletions(world))
    end
  end)

  it("refuses a list with a fault, before anything is sent: 2", function()
    local lists = {
      { "", "no inbox" }, { "accountID,server,inboxID\n", "no inbox" },
      { "account,inbox\n4,101\n", ":1: " }, { "accountID,inboxID,inboxID\n4,1,1\n", "twice" },
      { "accountID,server\n4,online\n", ":1: " }, { "accountID,inboxID\n4,101,x\n", ":2: " },
      { 'accountID,inboxID\n4,"101\n', ":2: " }, { 'accountID,inboxID\n4,"101"x\n', ":2: " },
      { "accountID,inboxID\n4,101\n4,x\n", "entry 2" },
      { "accountID,inboxID\n4,101\n4,101\n", "entries 1 and 2" },
      { '{"accountID":4,"inboxID":101}\n{"accountID":4,"inbox":102}\n', ":2: " },
      { '{"accountID":4,"inboxID":101,"access_token":"s"}\n', "access_token" },
      { '{"accountID":4,"inboxID":101}\n4,102\n', ":2: " }, { "{]\n", ":1: " },
      { '{"accountID":4,"inboxID":123456789012345678}\n', "entry 1" },
    }
    for _, case in ipairs(lists) do
      local ended = run(2, {}, { list = cli.file(case[1]) })
      assert.equal(2, ended.status, case[1])
      assert.is_not_nil(ended.err:find(case[2], 1, true), ended.err)
    end
    assert.equal(2, (run(2, {}, { list = "/nowhere/list" })).status)
    assert.equal(2, (run(2, { "--concurrency", "65" })).status)
    assert.equal(2, (run(2, { "--token-file", "-" }, { list = "-" })).status)
    assert.is_nil(cli.read(journal))
    assert.equal(0, world:count())
  end)

  it("ends with 4 where the credentials are refused", function()
    local ended, report = run(3, {}, { scenario = "reason-3" })
    assert.equal(4, ended.status)
    assert.equal(0, report.deleted)
  end)

  -- ----- interrupts -----

  it("an interrupt starts nothing new and waits for what is under way: 130", function()
    local list = cli.file(list_of(20))
    local words = arguments(20, { "--concurrency", "4" }, list)
    local options = { scenario = "live+only-deleteInbox+delay-300" }
    local process = cli.start(world, words, options)
    assert.is_true(world:wait_for(4))
    process:kill(SIGINT)
    assert.equal(130, process:wait())
    local report = cjson.decode(process:out())
    assert.equal(4, report.deleted)
    assert.equal(16, report.skipped)
    assert.equal(4, total(cli.deletions(world)))
    assert.matches("interrupted; waiting for what is under way", process:err())
    local command = process:err():match("to go on, run: (ninedig delete%-inboxes [^\n]+)\n")
    assert.is_not_nil(command:find(list, 1, true), command)
    assert.is_not_nil(command:find(journal, 1, true), command)
    local ended = cli.run(world, words, options)
    assert.equal(0, ended.status, ended.err)
    assert.equal(20, cjson.decode(ended.out).deleted)
    at_most_one_each(cli.deletions(world))
  end)

  it("a second interrupt leaves: what is under way is unknown, and found out later", function()
    local list = cli.file(list_of(3))
    local words = arguments(3, {}, list)
    local base_url = world:base_url("live+only-deleteInbox+first-3+never")
    local process = cli.start(world, words, { base_url = base_url })
    assert.is_true(world:wait_for(3))
    process:kill(SIGINT)
    process:expect_error("waiting for what is under way")
    process:kill(SIGINT)
    assert.equal(130, process:wait())
    assert.equal(3, cjson.decode(process:out()).unknown)
    local ended = cli.run(world, words, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    at_most_one_each(cli.deletions(world))
  end)

  -- ----- kill -9 -----

  -- The command is the same on each Lua, and a hundred kills take a while.
  local KILLS, ON = 100, "5.4"

  -- The same numbers on every machine for a seed.
  local function new_random(seed)
    local state = seed % 2147483647
    return function()
      state = state * 16807 % 2147483647
      return state / 2147483647
    end
  end

  it(("survives kill -9 at %d random moments"):format(KILLS), function()
    if cli.version ~= ON then
      return pending("it takes a while, and is done on Lua " .. ON)
    end
    local seed = tonumber(os.getenv("NINEDIG_SEED"))
      or os.time() * 1000 + mock.shared.self_id() % 1000
    print("NINEDIG_SEED=" .. seed)
    local random = new_random(seed)
    local hint = "NINEDIG_SEED=" .. seed

    -- Kills it somewhere in that time; true where it was still running.
    local function start_and_kill(words, options, longest)
      local process = cli.start(world, words, options)
      mock.shared.pause(random() * longest)
      process:kill(SIGKILL)
      local _, signal = process:wait()
      return signal == SIGKILL
    end

    local kills, lists = 0, 0
    while kills < KILLS do
      world, journal, lists = mock.world(), cli.file(), lists + 1
      local list = cli.file(list_of(40))
      local words = arguments(40, {
        "--timeout", "0.6", "--keep-going", "--concurrency", "4",
      }, list)
      local options = { scenario = "live+only-deleteInbox+delay-10" }
      local before = kills
      while kills < KILLS and kills < before + 12 and start_and_kill(words, options, 0.16) do
        kills = kills + 1
      end
      -- Until nothing is unknown any more: what was not deleted has to wait for its time-out.
      local ended, tries
      repeat
        ended, tries = cli.run(world, words, options), (tries or 0) + 1
      until ended.status ~= 5 or tries == 8
      assert.equal(0, ended.status, hint .. "\n" .. ended.err)
      local report = cjson.decode(ended.out)
      assert.equal(40, report.deleted, hint)
      local deletions = cli.deletions(world)
      at_most_one_each(deletions, hint)
      assert.equal(40, total(deletions), hint)
    end
    print(("%d kills, %d lists"):format(kills, lists))
  end)
end)
