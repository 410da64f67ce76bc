--- Many deletions at once.
local deletion = require("ninedig.deletion")
local errors = require("ninedig.error")
local scheduler = require("ninedig.scheduler")
local session = require("ninedig.session")

local bulk = {}

local CONCURRENCY = 8

-- ----- checks, before anything is sent -----

local function refuse(name, message, ...)
  return nil, errors.argument(name, message:format(...), "delete_inboxes")
end

local function check_list(list)
  if type(list) ~= "table" then
    return refuse("WRONG_TYPE", "delete_inboxes takes a list of tables, got %s", type(list))
  end
  local count = 0
  for key in next, list do
    count = count + 1
    if type(key) ~= "number" then
      return refuse("UNKNOWN_KEY", "delete_inboxes takes a list; %q is no place in it", tostring(key))
    end
  end
  for i = 1, count do
    if rawget(list, i) == nil then
      return refuse("MISSING_KEY", "the list has no entry %d, and yet later ones", i)
    end
  end
  return count
end

-- A copy, so that what is sent is what was checked.
local function copy_entry(entry)
  if type(entry) ~= "table" then
    return entry
  end
  local copy = {}
  for key, value in next, entry do
    copy[key] = value
  end
  return copy
end

local function identity(asked)
  return table.concat({
    errors.digits(asked.accountID), asked.server:lower(), errors.digits(asked.inboxID),
  }, "/")
end

local function check_entries(client, list, count)
  local entries, place = {}, {}
  for i = 1, count do
    local entry = copy_entry(rawget(list, i))
    local current, asked = session.begin(client, "delete_inbox", entry)
    if not current then
      asked.message = ("entry %d: %s"):format(i, asked.message)
      return nil, asked
    end
    local key = identity(asked)
    if place[key] then
      return refuse(
        "DUPLICATE_ENTRY", "entries %d and %d are the same inbox: inboxID %s of accountID %s on %s",
        place[key], i, errors.digits(asked.inboxID), errors.digits(asked.accountID), asked.server
      )
    end
    place[key] = i
    entries[i] = { params = entry, asked = asked }
  end
  return entries
end

--- Check a list and its options. Nothing is sent.
-- @tparam table client
-- @tparam table list
-- @tparam[opt] table options
-- @treturn[1] table the run; what it takes besides: `before(i, asked)` is called before an entry is
-- started, and `commit()` before any request of those that were so announced is sent
-- @treturn[2] nil
-- @treturn[2] table the error
function bulk.prepare(client, list, options)
  options = options or {}
  local current, chosen = session.begin(client, "delete_inboxes", options)
  if not current then
    return nil, chosen
  end
  local count, err = check_list(list)
  if not count then
    return nil, err
  end
  local entries
  entries, err = check_entries(client, list, count)
  if not entries then
    return nil, err
  end
  return {
    client = client,
    way = current.way,
    entries = entries,
    concurrency = math.min(chosen.concurrency or CONCURRENCY, count),
    stop_on_error = chosen.stop_on_error ~= false,
    on_result = rawget(options, "on_result"),
    next = 1,
    stopped = false,
    results = {},
  }
end

-- ----- one entry after the other -----

local function next_entry(run)
  local i = run.next
  if run.stopped or i > #run.entries then
    return nil
  end
  run.next = i + 1
  return i
end

-- The first error of the user's function is the one that is told.
local function call_back(run, f, ...)
  local ok, raised = run.way.protected(f, ...)
  if not ok and not run.failed then
    run.failed, run.raised = true, raised
    run.stopped = true
  end
end

local function commit(run)
  if run.commit then
    call_back(run, run.commit)
  end
end

local function note(run, i, result, err)
  run.results[i] = result and { result = result } or { error = err }
  if err and run.stop_on_error then
    run.stopped = true
  end
  if run.on_result then
    call_back(run, run.on_result, i, result, err)
  end
end

-- take_turn runs a function where it may use the caller's event loop.
local function work(run, client, take_turn)
  for i in next_entry, run do
    local entry = run.entries[i]
    if run.before then
      take_turn(function()
        call_back(run, run.before, i, entry.asked)
      end)
    end
    if run.before and run.stopped then -- nothing was sent for it
      return
    end
    local result, err = deletion.delete_inbox(client, entry.params)
    take_turn(function()
      note(run, i, result, err)
    end)
  end
end

-- ----- all of them -----

-- The client as a worker has it, which waits in another way.
local function client_with_way(client, way)
  return {
    settings = client.settings,
    timeout = client.timeout,
    session = client.session,
    way = way,
  }
end

local function run_in_scheduler(run)
  local client = client_with_way(run.client, scheduler.way)
  scheduler.run(run.concurrency, function()
    work(run, client, scheduler.take_turn)
  end, {
    idle = function(seconds)
      run.way.idle(seconds)
    end,
    after_turns = function()
      commit(run)
    end,
    stop = function()
      run.stopped = true
    end,
  })
end

local function run_in_threads(run)
  local client = client_with_way(run.client, run.way)
  local function take_turn(f)
    f()
    commit(run)
  end
  run.way.in_threads(run.concurrency, function()
    work(run, client, take_turn)
  end)
end

local function report_of(run)
  local report = {
    deleted = 0, rejected = 0, not_sent = 0, unknown = 0, skipped = 0,
    results = run.results,
  }
  for i = 1, #run.entries do
    local one = run.results[i] or { skipped = true }
    local class = one.result and "deleted" or one.skipped and "skipped" or one.error.outcome
    run.results[i] = one
    report[class] = report[class] + 1
  end
  return report
end

-- What was raised passes through, with the report in reach.
local function fail(raised, report)
  if type(raised) == "table" then
    rawset(raised, "report", report)
    return nil, raised
  end
  return nil, report, raised
end

--- Carry out a run.
-- @tparam table run from `bulk.prepare`
-- @treturn[1] table the report
-- @treturn[2] nil
-- @treturn[2] table what was raised, with `report` in it; or the report, where that is not a table
-- @treturn[2] ?any what was raised
function bulk.perform(run)
  local perform = run.way.in_threads and run_in_threads or run_in_scheduler
  local ok, raised = run.way.protected(perform, run)
  local report = report_of(run)
  if not ok then
    return fail(raised, report)
  end
  if run.failed then
    return fail(run.raised, report)
  end
  return report
end

return bulk
