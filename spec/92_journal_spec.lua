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

  it("reaches the disk before the request is sent #nosanitize", function()
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

  it("groups what is intended at the same time into one fsync #nosanitize", function()
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

  -- ----- going on, row by row of the table of docs/internals/truth.md -----

  -- In a journal of that path the time-out of each request has passed.
  local function let_time_pass()
    local text = cli.read(journal):gsub('"timeout":[%d.]+', '"timeout":0')
    journal = cli.file(text)
  end

  local function words_of(inbox)
    local words = {}
    for _, line in ipairs(read_lines(journal)) do
      local subject = line.intent or line
      if subject.inboxID == inbox then
        words[#words + 1] = line.outcome or "intent"
      end
    end
    return table.concat(words, " ")
  end

  local function has(ended, text)
    assert.is_not_nil(ended.err:find(text, 1, true), text .. "\n" .. ended.err)
  end

  local function has_not(ended, text)
    assert.is_nil(ended.err:find(text, 1, true), ended.err)
  end

  it("deleted: keeps it from being asked for again", function()
    assert.equal(0, (run(3)).status)
    local list = cli.file("inboxID,server,accountID\n103,ONLINE,4\n101,online,4\n102,Online,4\n")
    local ended, report = run(3, {}, { list = list }) -- the same inboxes in another order
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    assert.equal(103, report.results[1].inboxID)
    assert.equal("deleted", report.results[1].outcome)
    assert.equal("972504000103", report.results[1].whatsapp_number)
    assert.equal(3, world:count())
    has(ended, "3 of the 3 inboxes in the list are left alone:\n   3 deleted before\n")
    has_not(ended, "to go on")
  end)

  it("rejected: asks for it again", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+reason-33")
    local ended, report = run(3, { "--concurrency", "1" }, { base_url = base_url })
    assert.equal(6, ended.status)
    assert.equal(1, report.rejected)
    assert.equal(2, report.skipped)
    assert.equal(33, report.results[1].error.reason)
    assert.equal(1, total(cli.deletions(world)))
    has(ended, "to go on, run: ninedig delete-inboxes ")
    ended, report = run(3, {}, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    assert.equal("intent rejected intent deleted", words_of("101"))
    assert.same({ ["4/online/101"] = 2, ["4/online/102"] = 1, ["4/online/103"] = 1 },
      cli.deletions(world))
  end)

  it("not_sent: asks for it again", function()
    local list = "accountID,server,inboxID,whatsapp_number\n4,online,101,"
    local ended, report = run(1, {}, { list = cli.file(list .. "972504000102\n") })
    assert.equal(6, ended.status)
    assert.equal(1, report.not_sent)
    assert.same({}, cli.deletions(world))
    ended, report = run(1, {}, { list = cli.file(list .. "972504000101\n") })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.deleted)
    assert.equal("not_sent intent deleted", words_of("101"))
    assert.same({ ["4/online/101"] = 1 }, cli.deletions(world))
  end)

  it("absent: leaves it alone, as a failure unless --gone-ok is given", function()
    local list = cli.file("accountID,server,inboxID\n1,online,99\n1,online,12\n4,online,101\n")
    local ended, report = run(3, { "--keep-going" }, { list = list })
    assert.equal(6, ended.status)
    assert.equal(2, report.absent)
    assert.equal("absent", report.results[1].outcome)
    assert.equal(47, report.results[1].error.reason)
    assert.equal("intent absent", words_of("99"))
    has_not(ended, "to go on")
    for _ = 1, 2 do
      ended, report = run(3, {}, { list = list })
      assert.equal(6, ended.status)
      assert.equal(2, report.absent)
      has(ended, "2 absent")
      has(ended, "--gone-ok")
      has_not(ended, "to go on")
    end
    assert.equal(0, (run(3, { "--gone-ok" }, { list = list })).status)
    at_most_one_each(cli.deletions(world))
    assert.equal(3, total(cli.deletions(world)))
  end)

  it("absent: stops the others, but not under --gone-ok", function()
    local list = cli.file("accountID,server,inboxID\n1,online,99\n4,online,101\n")
    local ended, report = run(2, { "--concurrency", "1" }, { list = list })
    assert.equal(6, ended.status)
    assert.equal(1, report.skipped)
    world, journal = mock.world(), cli.file()
    ended, report = run(2, { "--concurrency", "1", "--gone-ok" }, { list = list })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.absent)
    assert.equal(1, report.deleted)
    has(ended, "100 %, 2 of 2, 0 failed, 0 unknown\n")
    assert.equal(2, total(cli.deletions(world)))
  end)

  it("deleted, and another number is named than the one given: says so, also later", function()
    world:script { calls = { deleteInbox = {
      body = '{"status":"OK","whatsapp_number":"972509999999"}',
    } } }
    local list = cli.file("accountID,inboxID,whatsapp_number\n4,101,972504000101\n")
    for _ = 1, 2 do
      local ended, report = run(1, {}, { list = list, base_url = world:base_url("live+body") })
      assert.equal(0, ended.status, ended.err)
      has(ended, "inbox 101 of account 4 on online: deleted, but the service named a number that is"
        .. " not the one given: 972509999999\n")
      assert.is_true(report.results[1].number_differs)
      assert.equal("972509999999", report.results[1].whatsapp_number)
    end
    assert.equal(1, total(cli.deletions(world)))
    local lines = read_lines(journal)
    assert.is_true(lines[#lines].number_differs)
  end)

  it("in doubt: reads it back, and what is deleted is done", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+lost_after")
    local ended, report = run(3, { "--concurrency", "1", "--keep-going" }, { base_url = base_url })
    assert.equal(5, ended.status)
    assert.equal(1, report.unknown)
    assert.equal(2, report.deleted)
    ended, report = run(3, {}, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    assert.is_true(report.results[1].verified)
    assert.equal("intent unknown deleted", words_of("101"))
    at_most_one_each(cli.deletions(world))
    assert.equal(3, total(cli.deletions(world)))
    local requests = world:count()
    ended, report = run(3, {}, { base_url = base_url })
    assert.equal(0, ended.status)
    assert.is_true(report.results[1].verified)
    assert.equal(requests, world:count()) -- the proof is in the journal
  end)

  -- The service has accepted it, lost its answer, and carries it out in the background.
  local BACKGROUND = "live+only-deleteInbox+first-1+lost_after+lazy_delete-600000"

  it("in doubt: leaves it alone, stops no other for it, and says why", function()
    local base_url = world:base_url(BACKGROUND)
    local ended, report = run(3, { "--concurrency", "1" }, { base_url = base_url })
    assert.equal(5, ended.status)
    assert.equal(1, report.unknown)
    assert.equal(2, report.skipped)
    let_time_pass() -- which alone is no reason to ask again
    ended, report = run(3, { "--concurrency", "1" }, { base_url = base_url })
    assert.equal(5, ended.status)
    assert.equal(1, report.unknown)
    assert.equal(2, report.deleted)
    has(ended, "1 of the 3 inboxes in the list are left alone:\n   1 unknown: ")
    has(ended, "--ask-again asks for them again\n")
    has(ended, "inbox 101 of account 4 on online: unknown; to find out, run: ninedig verify ")
    ended, report = run(3, { "--dry-run", "--ask-again" }, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, #report.requests)
    at_most_one_each(cli.deletions(world))
    assert.equal(3, total(cli.deletions(world)))
    assert.equal("intent unknown", words_of("101"))
  end)

  it("in doubt, asked again, and refused with 47: gone", function()
    local base_url = world:base_url(BACKGROUND)
    assert.equal(5, (run(2, { "--keep-going" }, { base_url = base_url })).status)
    local early = run(2, { "--ask-again" }, { base_url = base_url })
    assert.equal(5, early.status) -- its request may still arrive
    has(early, "until then it may arrive")
    assert.equal(2, total(cli.deletions(world)))
    let_time_pass()
    local ended, report = run(2, { "--ask-again" }, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.gone)
    assert.equal(1, report.deleted)
    has_not(ended, "nothing was deleted")
    has_not(ended, "deleted nothing")
    has_not(ended, "to go on")
    assert.equal("intent unknown intent gone",
      words_of("101") == "intent deleted" and words_of("102") or words_of("101"))
    assert.equal(3, total(cli.deletions(world)))
    ended, report = run(2, { "--ask-again" }, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.gone)
    has(ended, "1 gone")
    assert.equal(3, total(cli.deletions(world)))
  end)

  it("in doubt, asked again, and refused otherwise: stays in doubt", function()
    local base_url = world:base_url("live+only-deleteInbox+first-2+reason-33+first-1+lost_before")
    assert.equal(5, (run(1, {}, { base_url = base_url })).status)
    let_time_pass()
    local ended, report = run(1, { "--ask-again" }, { base_url = base_url })
    assert.equal(5, ended.status, ended.err)
    assert.equal("unknown", report.results[1].outcome)
    assert.equal("rejected", report.results[1].answer)
    assert.equal(33, report.results[1].error.reason)
    assert.equal(2, total(cli.deletions(world)))
    let_time_pass()
    ended, report = run(1, {}, { base_url = base_url })
    assert.equal(5, ended.status)
    assert.equal(1, report.unknown)
    assert.equal(2, total(cli.deletions(world)))
    ended, report = run(1, { "--ask-again" }, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.deleted)
    assert.equal("intent unknown intent unknown intent deleted", words_of("101"))
    assert.equal(3, total(cli.deletions(world)))
  end)

  it("in doubt, asked again, and refused or lost once more: stops no other", function()
    for again, name in pairs {
      ["reason-33"] = "ACCOUNT_ID_INVALID", ["close"] = "CONNECTION_LOST",
    } do
      world, journal = mock.world(), cli.file()
      local base_url =
        world:base_url("live+only-deleteInbox+first-2+" .. again .. "+first-1+lost_before")
      local ended, report = run(3, { "--concurrency", "1" }, { base_url = base_url })
      assert.equal(5, ended.status)
      assert.same({ 1, 2 }, { report.unknown, report.skipped })
      let_time_pass()
      ended, report = run(3, { "--concurrency", "1", "--ask-again" }, { base_url = base_url })
      assert.equal(5, ended.status, ended.err)
      assert.same({ 1, 2 }, { report.unknown, report.deleted })
      assert.equal(name, report.results[1].error.name)
      assert.equal("intent unknown intent unknown", words_of("101"))
      assert.same({ ["4/online/101"] = 2, ["4/online/102"] = 1, ["4/online/103"] = 1 },
        cli.deletions(world))
    end
  end)

  it("in doubt, asked again, and not sent: stays in doubt", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+lost_before")
    local list = "accountID,server,inboxID,whatsapp_number\n4,online,101,"
    assert.equal(5, (run(1, {}, { base_url = base_url })).status)
    let_time_pass()
    local ended, report = run(1, { "--ask-again" }, {
      base_url = base_url, list = cli.file(list .. "972504000102\n"),
    })
    assert.equal(5, ended.status, ended.err)
    assert.equal("not_sent", report.results[1].answer)
    let_time_pass()
    assert.equal(5, (run(1, {}, { base_url = base_url })).status)
    assert.equal(1, total(cli.deletions(world)))
    assert.equal("intent unknown unknown", words_of("101"))
  end)

  it("in doubt by an intent alone, also after a rejection that is written plainly", function()
    local base_url = world:base_url("live")
    assert.equal(0, (run(2, {}, { base_url = base_url })).status)
    local header = cli.read(journal):match("^[^\n]*\n")
    local subject = '{"accountID":"4","server":"online","inboxID":"103"}'
    local intent = '{"intent":' .. subject .. ',"time":1,"timeout":1}\n'
    local refused = subject:sub(1, -2) .. ',"outcome":"rejected"}\n'
    local unknown = subject:sub(1, -2) .. ',"outcome":"unknown"}\n'
    world = mock.world()
    header = header:gsub('"base_url":"[^"]*"', '"base_url":"' .. world:base_url("live") .. '"')
      :gsub('"101","102"', '"103"')
    for _, lines in ipairs {
      intent, intent .. intent .. refused, intent .. unknown .. refused,
      intent .. unknown .. intent .. refused .. intent .. refused,
    } do
      journal = cli.file(header .. lines)
      local ended, report = run(1, {}, {
        list = cli.file("accountID,server,inboxID\n4,online,103\n"),
      })
      assert.equal(5, ended.status, ended.err)
      assert.equal(1, report.unknown)
    end
    assert.same({}, cli.deletions(world))
  end)

  it("in doubt, to be asked again, and not come to: stays in doubt", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+reason-33")
    journal = cli.file(('{"journal":"ninedig","version":2,"base_url":"%s","count":2,"list":'
      .. '{"4/online":["101","102"]}}\n{"intent":{"accountID":"4","server":"online",'
      .. '"inboxID":"102"},"time":1,"timeout":1}\n'):format(base_url))
    local ended, report = run(2, { "--ask-again", "--concurrency", "1" }, { base_url = base_url })
    assert.equal(5, ended.status, ended.err)
    assert.equal("rejected", report.results[1].outcome)
    assert.equal("unknown", report.results[2].outcome)
    assert.same({ 1, 1, 0 }, { report.rejected, report.unknown, report.skipped })
    assert.same({ ["4/online/101"] = 1 }, cli.deletions(world))
    assert.equal("intent", words_of("102"))
  end)

  it("leaves unknown what cannot be verified", function()
    local scenario = "live+reads_fail-400"
    local base_url = world:base_url(scenario .. "+only-deleteInbox+first-1+lost_before")
    assert.equal(5, (run(2, { "--keep-going" }, { base_url = base_url })).status)
    for _ = 1, 2 do
      local ended, report = run(2, {}, { base_url = base_url })
      assert.equal(5, ended.status)
      assert.equal(1, report.unknown)
      assert.equal(1, report.deleted)
    end
    at_most_one_each(cli.deletions(world))
    assert.equal(2, total(cli.deletions(world)))
  end)

  it("has an intent for a request that is repeated with a new token", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+reason-3")
    local ended, report = run(1, {}, { base_url = base_url, environment = {
      NINEDIG_ACCESS_TOKEN = false, NINEDIG_CLIENT_ID = mock.client_id,
      NINEDIG_CLIENT_SECRET = mock.client_secret,
    } })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.deleted)
    assert.equal("intent rejected intent deleted", words_of("101"))
    assert.same({ ["4/online/101"] = 2 }, cli.deletions(world))
  end)

  it("has an intent for a request that is repeated after 429", function()
    local base_url = world:base_url("live+busy-2-0")
    local ended, report = run(1, {}, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.deleted)
    assert.equal("intent rejected intent rejected intent deleted", words_of("101"))
    assert.same({ ["4/online/101"] = 3 }, cli.deletions(world))
  end)

  -- What the journal has once the service has refused so many; then the run is killed.
  local function killed_after(count, base_url, environment)
    local process = cli.start(world, arguments(count), {
      base_url = base_url, environment = environment,
    })
    local till = os.time() + 20
    repeat
      mock.shared.pause(0.01)
      local refusals = select(2, (cli.read(journal) or ""):gsub('"outcome":"rejected"', ""))
    until refusals == count or os.time() > till
    process:kill(SIGKILL)
    local _, signal = process:wait()
    assert.equal(SIGKILL, signal, process:err())
    assert.equal(count, total(cli.deletions(world)))
    for inbox = 101, 100 + count do
      assert.equal("intent rejected", words_of(tostring(inbox)))
    end
  end

  it("has a refusal by 429 before the pause that comes after it", function()
    local base_url = world:base_url("live+busy-3-3000")
    killed_after(3, base_url)
    local ended, report = run(3, {}, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(3, report.deleted)
    assert.same({ ["4/online/101"] = 2, ["4/online/102"] = 2, ["4/online/103"] = 2 },
      cli.deletions(world))
  end)

  it("has a refusal of the token before a new one is asked for", function()
    killed_after(1, world:base_url("live+revoked-1+only-accessToken+delay-2000"), {
      NINEDIG_ACCESS_TOKEN = false, NINEDIG_CLIENT_ID = mock.client_id,
      NINEDIG_CLIENT_SECRET = mock.client_secret,
    })
  end)

  it("has a refusal once, where an interrupt ends the pause after it", function()
    local process = cli.start(world, arguments(2), { scenario = "live+busy-all-3000" })
    process:expect_error("service")
    assert.is_true(world:wait_for(2))
    mock.shared.pause(0.1)
    process:kill(SIGINT)
    assert.equal(130, process:wait())
    assert.equal(2, cjson.decode(process:out()).rejected)
    assert.equal("intent rejected", words_of("101"))
    assert.equal("intent rejected", words_of("102"))
    assert.equal(2, total(cli.deletions(world)))
  end)

  -- ----- the list that it is used with -----

  it("may be used with a part of its list, and tells what it has in doubt beside it", function()
    local base_url = world:base_url(BACKGROUND)
    assert.equal(5, (run(3, { "--keep-going", "--concurrency", "1" }, {
      base_url = base_url,
    })).status)
    local part = cli.file("accountID,server,inboxID\n4,online,103\n4,online,102\n")
    local ended, report = run(2, { "--dry-run" }, { list = part, base_url = base_url })
    assert.equal(5, ended.status, ended.err)
    has(ended, "inbox 101 of account 4 on online: unknown, and not in this list")
    assert.is_true(report.dry_run)
    assert.same({ { accountID = "4", server = "online", inboxID = "101" } },
      report.others_in_doubt)
    ended, report = run(2, {}, { list = part, base_url = base_url })
    assert.equal(5, ended.status, ended.err)
    assert.equal(2, report.deleted)
    assert.same({ { accountID = "4", server = "online", inboxID = "101" } },
      report.others_in_doubt)
    has(ended, "inbox 101 of account 4 on online: unknown, and not in this list")
    has_not(ended, "to go on")
    local requests = world:count()
    local more = cli.file("accountID,server,inboxID\n4,online,104\n4,online,102\n")
    ended = run(2, {}, { list = more, base_url = base_url })
    assert.equal(2, ended.status)
    has(ended, "lacks inbox 104 of account 4 on online")
    assert.equal(requests, world:count())
    at_most_one_each(cli.deletions(world))
  end)

  it("can be read again whatever the service sends", function()
    local answers = {
      '"whatsapp_number":[null,5]', '"whatsapp_number":{"a":"\\n"}', '"whatsapp_number":5e300',
      '"whatsapp_number":"\\ud83d\\u0000\255\\n{\\"outcome\\":1}"', '"outcome":"x","time":{}',
      '"note":"' .. ("x"):rep(5000) .. '"',
    }
    for _, answer in ipairs(answers) do
      world, journal = mock.world(), cli.file()
      world:script { calls = { deleteInbox = {
        body = '{"status":"OK","reason":1,"accountID":4,"server":"online","inboxID":101,' .. answer
          .. "}",
      } } }
      local base_url = world:base_url("live+body")
      local ended, report = run(1, {}, { base_url = base_url })
      assert.equal(report.deleted == 1 and 0 or 5, ended.status, answer)
      assert.equal(3, #read_lines(journal))
      ended, report = run(1, {}, { base_url = base_url })
      assert.is_true(ended.status == 0 or ended.status == 5, ended.err)
      assert.equal(1, report.deleted + report.unknown)
      at_most_one_each(cli.deletions(world))
    end
  end)

  it("has no secret and no proof that the service wrote into its answer", function()
    world:script { calls = { deleteInbox = {
      body = ('{"status":"OK","whatsapp_number":"%s","verified":true}'):format(mock.token),
    } } }
    local ended, report = run(1, {}, { base_url = world:base_url("live+body") })
    assert.equal(0, ended.status, ended.err)
    assert.equal(1, report.deleted)
    local seen = cli.read(journal) .. ended.out .. ended.err
    assert.is_nil(seen:find(mock.token, 1, true), seen)
    assert.is_nil(seen:find("verified", 1, true), seen)
    at_most_one_each(cli.deletions(world))
  end)

  it("has no token of digits that the service named as the number", function()
    for _, echo in ipairs { "20713207132071320", '"20713207132071320"', '"+20713207132071320"' } do
      world, journal = mock.world(), cli.file()
      world:script { body = '{"status":"OK","whatsapp_number":' .. echo .. "}" }
      local ended, report = run(1, { "--keep-going" }, {
        base_url = world:base_url("body"),
        environment = { NINEDIG_ACCESS_TOKEN = "20713207132071320" },
      })
      assert.equal(1, report.deleted, ended.err)
      local seen = cli.read(journal) .. ended.out .. ended.err
      assert.is_nil(seen:find("20713", 1, true), seen)
      at_most_one_each(cli.deletions(world))
    end
  end)

  -- ----- what is torn -----

  it("ignores a torn last line", function()
    assert.equal(0, (run(3)).status)
    local whole = cli.read(journal)
    -- Within the last outcome, and with all of it but its end.
    for _, cut in ipairs { 1, 30 } do
      world = mock.world()
      local text = whole:gsub('"base_url":"[^"]*"', '"base_url":"' .. world:base_url("live") .. '"')
      journal = cli.file(text:sub(1, -cut - 1))
      local ended, report = run(3)
      -- One is in doubt now, and still there in this world.
      assert.equal(5, ended.status, ended.err)
      assert.equal(2, report.deleted)
      assert.equal(1, report.unknown)
      assert.same({}, cli.deletions(world))
      -- What was torn is written over.
      let_time_pass()
      ended, report = run(3, { "--ask-again" })
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
    assert.matches("lacks inbox 103 of account 4", ended.err)
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
    journal = "/nowhere/journal"
    assert.equal(2, (run(2)).status)
    assert.equal(requests, world:count())
  end)

  it("that is damaged is refused, with file and line: 2", function()
    assert.equal(0, (run(2)).status)
    local before = cli.read(journal)
    local subject = '"accountID":"4","server":"online","inboxID":"101"'
    local damaged = {
      "{damaged", "", "null", "[]", "{}", ("\0"):rep(40), "{" .. subject .. "}",
      "{" .. subject .. ',"outcome":"erased"}', "{" .. subject .. ',"outcome":true}',
      "{" .. subject .. ',"outcome":null}', "{" .. subject .. ',"outcome":"deleted"}\0',
      '{"accountID":4,"server":"online","inboxID":101,"outcome":"deleted"}',
      '{"intent":{' .. subject .. '},"time":1}', '{"intent":{},"time":1,"timeout":1}',
      '{"intent":{' .. subject .. '},"time":"1","timeout":1}',
      '{"intent":{' .. subject .. ',"inboxID":"102"},"time":1,"timeout":1}',
      '{"intent":{' .. subject .. '},"time":0x1,"timeout":1}',
      '{"intent":{' .. subject .. '},"time":1,"timeout":1,' .. subject .. ',"outcome":"deleted"}',
      "{" .. subject .. ',"outcome":"unknown","outcome":"deleted"}',
      "{" .. subject .. ',"outcome":"unknown"}{' .. subject .. ',"outcome":"deleted"}',
    }
    local requests = world:count()
    for _, line in ipairs(damaged) do
      local first, rest = before:match("^([^\n]*\n[^\n]*\n)(.*)$")
      journal = cli.file(first .. line .. "\n" .. rest)
      local ended = run(2)
      assert.equal(2, ended.status, line)
      assert.is_not_nil(ended.err:find(journal .. ":3: the journal is damaged", 1, true), ended.err)
    end
    assert.equal(requests, world:count())
  end)

  it("or a list that is no regular file is refused at once: 2", function()
    local fifo = cli.file()
    assert(os.execute("mkfifo '" .. fifo .. "'"))
    local list = cli.file(list_of(2))
    for _, path in ipairs { "/dev/full", "/dev/zero", "/tmp", fifo } do
      for _, paths in ipairs { { list, path }, { path, cli.file() } } do
        local ended = cli.run(world, {
          "delete-inboxes", paths[1], "--journal", paths[2], "--confirm", "2",
        })
        assert.equal(2, ended.status, path)
        assert.is_not_nil(ended.err:find("no regular file", 1, true)
          or ended.err:find("directory", 1, true), ended.err)
      end
    end
    assert.equal(0, world:count())
  end)

  it("or a list that never ends is refused before it takes all memory: 2 #nosanitize", function()
    local function assert_refused(words, stdin, reason)
      local line = cli.line(world, words, { through = "prlimit --as=1500000000" })
      local started = cli.start_line(line, { stdin = stdin })
      assert.equal(2, started:wait())
      assert.is_not_nil(started:err():find(reason, 1, true), started:err())
      assert.equal("", started:out())
    end

    -- What a shell line writes without an end; nobody reading it ends that.
    local function endless(line)
      local fifo = cli.file()
      os.execute(("mkfifo %s; (%s) >%s 2>/dev/null &"):format(fifo, line, fifo))
      return fifo
    end

    local from_stdin = { "delete-inboxes", "-", "--journal", journal, "--confirm", "1" }
    assert_refused(from_stdin, "/dev/zero", "standard input:1: there is a NUL in this line")
    assert_refused(from_stdin, endless("tr '\\0' x </dev/zero"), "standard input:1: this line has"
      .. " more than 65536 bytes")
    assert_refused(from_stdin, endless([[awk 'BEGIN { note = "x"; while (length(note) < 20000)
      note = note note; print "accountID,inboxID,#"; while (++i) print "4," i "," note }']]),
      "standard input has more than 268435456 bytes")
    assert_refused({ "accounts", "--token-file", "-" }, "/dev/zero", "more than 65536 bytes")

    local sparse, list = cli.file(""), cli.file(list_of(1))
    os.execute("truncate -s 100G " .. sparse)
    assert_refused({ "delete-inboxes", sparse, "--journal", journal, "--confirm", "1" }, list,
      sparse .. ":1: there is a NUL")
    assert_refused({ "delete-inboxes", list, "--journal", sparse, "--confirm", "1" }, list,
      "is no journal")
    assert.equal(0, world:count())
    assert.is_nil(cli.read(journal))
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
    local ended, report = run(4, {}, { list = list, scenario = "live+delay-600" })
    assert.equal(2, ended.status)
    assert.matches("in use", ended.err)
    assert.matches("in use", report.error.message)
    ended = run(4, { "--dry-run" }, { list = list, scenario = "live+delay-600" })
    assert.equal(2, ended.status)
    assert.equal(0, process:wait())
    assert.equal(4, world:count())
    at_most_one_each(cli.deletions(world))
  end)

  it("that cannot be locked is told with the reason", function()
    local journals = require("ninedig.cli.journal")
    local system = require("ninedig.cli.system")
    local open = system.open
    finally(function()
      system.open = open
    end)
    for reason, lock in pairs {
      ["could not be locked: No locks available"] = { nil, "No locks available", 37 },
      ["is in use by another run of ninedig"] = { false },
    } do
      function system.open()
        return {
          lock = function()
            return lock[1], lock[2], lock[3]
          end,
        }
      end
      local ok, raised = pcall(journals.find, journal, {}, "https://127.0.0.1/api")
      assert.is_false(ok)
      assert.equal("the journal " .. journal .. " " .. reason, raised.message)
      assert.equal(2, raised.status)
    end
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

  it("that cannot take the last outcome leaves that in doubt: 5, and not 6", function()
    local base_url = world:base_url("live+only-deleteInbox+first-1+reason-33")
    local more = { "--keep-going", "--concurrency", "1" }
    assert.equal(6, (run(40, more, { base_url = base_url })).status)
    -- There is room for the intent, but not for what comes of it.
    local size = #cli.read(journal) + 150
    local ended, report = run(40, more, {
      base_url = base_url, before = "trap '' XFSZ", through = "prlimit --fsize=" .. size,
    })
    assert.equal(5, ended.status, ended.err)
    assert.matches("could not be written: File too large", ended.err)
    has(ended, "40 of 40 inboxes deleted")
    assert.equal(40, report.deleted)
    assert.equal("intent rejected intent", words_of("101"))
    ended, report = run(40, more, { base_url = base_url })
    assert.equal(0, ended.status, ended.err)
    assert.equal(40, report.deleted)
    assert.equal("intent rejected intent deleted", words_of("101"))
    assert.equal(41, total(cli.deletions(world)))
  end)

  -- ----- the list -----

  it("reads CSV as spreadsheets write it, and JSON lines", function()
    local lists = {
      '\239\187\191accountID,server,inboxID\r\n4,online,101\r\n\r\n4,"online","102"\r\n',
      '"inboxID",accountID\n 101 , 4\n102,4',
      '{"accountID":4,"server":"online","inboxID":101}\n{"accountID":"4","inboxID":"102"}\n',
      ' {"accountID":4,"inboxID":101,"whatsapp_number":null}\r\n\n{"accountID":4,"inboxID":102}',
      "accountID,inboxID,whatsapp_number\n4,101,972504000101\n4,102,\n",
      '#a,accountID,name,inboxID,#a,#\nx,4,"a ""b"", c",101,"1,2",\n,4,,102,,z\n',
      '{"accountID":4,"inboxID":101,"name":"x","#y":true}\n{"inboxID":102,"accountID":4}\n',
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
      { "accountID,inboxID\n4,101\n\n4,x\n", ":4: inboxID must be" },
      { "accountID,inboxID\n4,101\n4,101\n", ":3: entries 1 and 2" },
      { "accountID,server,inboxID\n4,online,101\n4,,102\n", ":3: server is empty" },
      { "accountID,server,inboxID\n4, ,101\n", ":2: server is empty" },
      { '{"accountID":4,"server":null,"inboxID":101}\n', ":1: server is empty" },
      { '{"accountID":4,"server":"","inboxID":101}\n', ":1: " },
      { "accountID,inboxID,names\n4,101,x\n", '"names" is no column' },
      { "accountID,inboxID\n4,10\0001\n", ":2: there is a NUL" },
      { '{"accountID":4,"inboxID":101}\n{"accountID":4,"inboxID":101,"inboxID":102}', ":2: " },
      { '{"accountID":4,"inboxID":0x10}\n', ":1: " }, { '{"accountID":4,"inboxID":012}', ":1: " },
      { '{"accountID":4,"inboxID":+12}\n', ":1: " }, { '{"accountID":4,"inboxID":"1\0"}', ":1: " },
      { '{"accountID":4,"inboxID":12} {"accountID":4,"inboxID":13}', ":1: " },
      { '{"accountID":4,"inboxID":12}{"accountID":4,"inboxID":13}', ":1: " },
      { '{"accountID":4,"inboxID":100.99999999999999999999}', ":1: inboxID" },
      { '{"accountID":4.0000000000000001,"inboxID":101}', ":1: accountID" },
      { '{"accountID":4,"inboxID":101}\n{"accountID":4,"inboxID":102.0000000000000001}', ":2: " },
      { '{"accountID":4,"inboxID":[101]}', ":1: " }, { '{"accountID":4,"inboxID":1.5}', ":1: " },
      { '{"accountID":4,"inboxID":101}\n{"accountID":4,"inbox":102}\n', ":2: " },
      { '{"accountID":4,"inboxID":101,"access_token":"s"}\n', "access_token" },
      { '{"accountID":4,"inboxID":101}\n4,102\n', ":2: " }, { "{]\n", ":1: " },
      { '{"accountID":4,"inboxID":1234567890123456789}\n', ":1: inboxID" },
      { "accountID,inboxID\n4,1.23457E+14\n", ":2: inboxID must be 1 to 18 digits",
        ', got "1.23457E+14"' },
      { '[{"accountID":4,"inboxID":101}]', ":1: this is a JSON array: a list has one object" },
      { "accountID;inboxID\n4;101\n", '"accountID;inboxID" is no column', "separated by commas" },
      { "4,101\n4,102\n", '"4" is no column', "; the first line is the header" },
      { "accountID,inboxID\n4\n", ":2: 1 cell, and the header has 2 columns" },
    }
    for _, case in ipairs(lists) do
      local ended = run(2, {}, { list = cli.file(case[1]) })
      assert.equal(2, ended.status, case[1])
      assert.is_not_nil(ended.err:find(case[2], 1, true), ended.err)
      assert.is_not_nil(ended.err:find(case[3] or "", 1, true), ended.err)
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

  -- The command is the same on each Lua, and kills take a while. `make soak` makes more of them.
  local KILLS, ON = 40, "5.4"

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
      local words = { "--keep-going", "--concurrency", "4" }
      local options = { scenario = "live+only-deleteInbox+delay-10" }
      local longest = 0.4
      for _ = 1, 4 do
        kills = kills + (start_and_kill(arguments(40, words, list), options, longest) and 1 or 0)
        longest = 1.6 -- reading back takes a second
      end
      options.list = list
      local ended, report = run(40, words, options)
      assert.is_true(ended.status == 0 or ended.status == 5, hint .. "\n" .. ended.err)
      assert.equal(40, report.deleted + report.unknown, hint)
      at_most_one_each(cli.deletions(world), hint)
      local in_doubt = {}
      for _, one in ipairs(report.results) do
        in_doubt["4/online/" .. one.inboxID] = one.outcome == "unknown"
      end

      -- What is in doubt was never asked for, or reading back would have proved it.
      let_time_pass()
      words[#words + 1] = "--ask-again"
      ended, report = run(40, words, options)
      assert.equal(0, ended.status, hint .. "\n" .. ended.err)
      assert.equal(40, report.deleted, hint)
      for key, count in pairs(cli.deletions(world)) do
        assert.equal(1, count, hint .. " " .. key .. (in_doubt[key] and " was in doubt" or ""))
      end
      assert.equal(40, total(cli.deletions(world)), hint)
    end
    print(("%d kills, %d lists"):format(kills, lists))
  end)
end)
