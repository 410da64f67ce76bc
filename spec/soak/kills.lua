--- kill -9 of lists at random moments: `make soak-lists`.
--
--   lua5.4 spec/soak/kills.lua [KILLS]
--
-- The service deletes in the background, loses answers, and refuses (the scenario `moody`). Each
-- list is killed several times and run to its end; then it is run once more with --ask-again. What
-- must hold is checked against what the service saw and did, and against the journal:
--
-- * without --ask-again no inbox is asked for again that may have been deleted, and every request
--   has an intent of its own;
-- * what the last report calls deleted or gone the service has deleted; what it calls anything else
--   but unknown, it has not.
--
-- NINEDIG_SEED, which is printed, chooses the same moments and moods again.
local cjson = require("cjson").new()
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")

local KILLS = tonumber(arg[1]) or 1000
local FIRST, COUNT = 101, 40
local KILLS_OF_A_LIST = 10

-- Seconds in which a run is killed: the first one, and those that read back before they go on.
local FIRST_WINDOW, WINDOW = 0.7, 1.5

local SIGKILL = 9

local function new_random(seed)
  local state = seed % 2147483646 + 1
  return function()
    state = state * 16807 % 2147483647
    return state / 2147483647
  end
end

local function new_list()
  local lines = { "accountID,server,inboxID" }
  for inbox = FIRST, FIRST + COUNT - 1 do
    lines[#lines + 1] = "4,online," .. inbox
  end
  return cli.file(table.concat(lines, "\n") .. "\n")
end

local List = {}
List.__index = List

local function begin(seed)
  return setmetatable({
    world = mock.world(), file = new_list(), journal = cli.file(),
    options = { scenario = ("live+moody-%d+delay-50"):format(seed) },
  }, List)
end

function List:words(more)
  return {
    "delete-inboxes", self.file, "--journal", self.journal, "--confirm", tostring(COUNT),
    "--concurrency", "3", "--keep-going", "--json", more,
  }
end

-- True where it was killed before its end.
function List:start_and_kill(seconds)
  local process = cli.start(self.world, self:words(), self.options)
  mock.shared.pause(seconds)
  process:kill(SIGKILL)
  local _, signal = process:wait()
  return signal == SIGKILL
end

-- ----- what must hold -----

-- What the service saw of each inbox: how many requests, and whether it has deleted it.
function List:seen()
  local requests, deleted = {}, {}
  for _, record in ipairs(self.world:requests()) do
    if record.method == "DELETE" then
      local inbox = record.body:match('"inboxID":(%d+)')
      requests[inbox] = (requests[inbox] or 0) + 1
      deleted[inbox] = deleted[inbox] or record.deleted or false
    end
  end
  return requests, deleted
end

-- The words of the journal on each inbox, such as "intent rejected intent deleted ".
function List:words_of_journal()
  local words = {}
  for line in (cli.read(self.journal) or ""):gmatch("([^\n]*)\n") do
    local fields = cjson.decode(line)
    local inbox = (fields.intent or fields).inboxID
    if inbox then
      words[inbox] = (words[inbox] or "") .. (fields.outcome or "intent") .. " "
    end
  end
  return words
end

local ENDS = { ["deleted "] = true, [""] = true }

local function check_words(inbox, words, requests)
  local intents = select(2, words:gsub("intent", ""))
  assert(requests <= intents, ("inbox %s: %d requests, journal: %s"):format(inbox, requests, words))
  local rest, before = words
  repeat -- what was refused or not sent may be asked for again
    before = rest
    rest = rest:gsub("^intent rejected ", ""):gsub("^intent not_sent ", ""):gsub("^not_sent ", "")
  until rest == before
  rest = rest:gsub("^intent ", ""):gsub("^unknown ", "") -- what comes then was found out
  assert(ENDS[rest], ("inbox %s was asked for again: %s"):format(inbox, words))
end

local DONE = { deleted = true, gone = true }

local function expected_status(report)
  if report.unknown > 0 then
    return 5
  end
  return report.deleted + report.gone == COUNT and 0 or 6
end

-- The last report of a run, checked.
function List:run_to_the_end(more)
  local ended = cli.run(self.world, self:words(more), self.options)
  local report = assert(ended.out ~= "" and cjson.decode(ended.out), ended.err)
  local _, deleted = self:seen()
  assert(#report.results == COUNT, "the report lacks inboxes")
  for _, one in ipairs(report.results) do
    local inbox = ("%d"):format(one.inboxID)
    local is_deleted = deleted[inbox] or false
    assert(one.outcome == "unknown" or is_deleted == (DONE[one.outcome] or false),
      ("inbox %s is %s in the report, and %sdeleted; journal: %s"):format(inbox, one.outcome,
        is_deleted and "" or "not ", tostring(self:words_of_journal()[inbox])))
  end
  assert(ended.status == expected_status(report),
    ("exit status %d\n%s\n%s"):format(ended.status, ended.err, ended.out))
  return report
end

-- From now on the time-out of each request has passed.
function List:let_time_pass()
  local text = cli.read(self.journal):gsub('"timeout":[%d.]+', '"timeout":0')
  self.journal = cli.file(text)
end

-- ----- all of them -----

local tally = { kills = 0, lists = 0, deleted = 0, unknown = 0, gone = 0, asked_again = 0 }

local function soak_one(seed, random)
  local list = begin(seed)
  for i = 1, KILLS_OF_A_LIST do
    if not list:start_and_kill(random() * (i == 1 and FIRST_WINDOW or WINDOW)) then
      break -- there is nothing left to kill
    end
    tally.kills = tally.kills + 1
  end
  local report = list:run_to_the_end()
  local requests = list:seen()
  for inbox, words in pairs(list:words_of_journal()) do
    check_words(inbox, words, requests[inbox] or 0)
  end
  tally.unknown = tally.unknown + report.unknown

  list:let_time_pass()
  report = list:run_to_the_end("--ask-again")
  for inbox, count in pairs((list:seen())) do
    tally.asked_again = tally.asked_again + count - (requests[inbox] or 0)
  end
  tally.lists = tally.lists + 1
  tally.deleted, tally.gone = tally.deleted + report.deleted, tally.gone + report.gone
end

local function say()
  print(("%d kills of %d lists; %d left unknown, %d requests under --ask-again;"
    .. " then %d deleted, %d gone"):format(tally.kills, tally.lists, tally.unknown,
    tally.asked_again, tally.deleted, tally.gone))
  io.stdout:flush()
end

local seed = tonumber(os.getenv("NINEDIG_SEED")) or os.time() * 1000 + mock.shared.self_id() % 1000
print("NINEDIG_SEED=" .. seed)
local random = new_random(seed)
while tally.kills < KILLS do
  local ok, raised = pcall(soak_one, seed + tally.lists, random)
  if not ok then
    print(("list %d: %s"):format(tally.lists + 1, tostring(raised)))
    mock.stop()
    os.exit(1)
  end
  if tally.lists % 10 == 0 then
    say()
  end
end
say()
mock.stop()
