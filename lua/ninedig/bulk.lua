--- Many deletions at once.
local deletion = require("ninedig.deletion")
local errors = require("ninedig.error")
local protect = require("ninedig.wait.protect")
local workers = require("ninedig.wait.workers")
local session = require("ninedig.session")

local bulk = {}

local CONCURRENCY = 8

-- ----- checks, before anything is sent -----

local function refuse(name, message, ...)
  return nil, errors.argument(name, message:format(...), "delete_inboxes")
end

-- A key in few words, on one line.
local function describe_key(key)
  if type(key) == "string" then
    return ("%q"):format((key:sub(1, 64):gsub("%c", "?")))
  end
  return "a " .. type(key)
end

local function check_list(list)
  if type(list) ~= "table" then
    return refuse("WRONG_TYPE", "delete_inboxes takes a list of tables, got a %s", type(list))
  end
  local count = 0
  for key in next, list do
    count = count + 1
    if type(key) ~= "number" then
      return refuse(
        "UNKNOWN_KEY", "delete_inboxes takes a list of tables; %s is no place in a list",
        describe_key(key)
      )
    end
  end
  for i = 1, count do
    if rawget(list, i) == nil then
      return refuse(
        "MISSING_KEY", "the list has no entry %d, though %d stand at other places", i, count - i + 1
      )
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

local function sub_table(of, key)
  local found = of[key]
  if not found then
    found = {}
    of[key] = found
  end
  return found
end

-- The place in the list where the same inbox was seen before; else notes this one. Ids that are the
-- same are one key, as they were understood.
local function seen_before(seen, asked, i)
  local inboxes = sub_table(sub_table(seen, asked.accountID), asked.server:lower())
  local before = inboxes[asked.inboxID]
  inboxes[asked.inboxID] = before or i
  return before
end

local function new_entry(params, asked)
  return { params = params, asked = asked, result = false, err = false, told = false }
end

local function check_entries(current, list, count)
  local entries, seen = {}, {}
  for i = 1, count do
    local params = copy_entry(rawget(list, i))
    local asked, err = session.check(current, "delete_inbox", params)
    if not asked then
      err.message = ("entry %d: %s"):format(i, err.message)
      return nil, err
    end
    local before = seen_before(seen, asked, i)
    if before then
      return refuse(
        "DUPLICATE_ENTRY", "entries %d and %d are the same inbox: inboxID %s of accountID %s on %s",
        before, i, errors.digits(asked.inboxID), errors.digits(asked.accountID), asked.server
      )
    end
    entries[i] = new_entry(params, asked)
  end
  return entries
end

-- Made before anything is sent, with room for what comes in: once inboxes were deleted, there may
-- be no memory to say so.
local function new_report(count)
  local results = {}
  for i = 1, count do
    local one = { skipped = true, result = true, error = true }
    one.result, one.error = nil, nil
    results[i] = one
  end
  return { deleted = 0, rejected = 0, not_sent = 0, unknown = 0, skipped = 0, results = results }
end

local function new_run(client, way, options, count)
  return {
    client = client,
    way = way,
    count = count,
    entries = {},
    concurrency = math.min(options.concurrency or CONCURRENCY, count),
    stop_on_error = options.stop_on_error ~= false,
    on_result = options.on_result,
    next = 1,
    stopped = false,
    workers = {},
  }
end

--- Check a list and its options. Nothing is sent.
-- @tparam table client
-- @tparam table list
-- @tparam[opt] table options
-- @treturn[1] table the run
-- @treturn[2] nil
-- @treturn[2] table the error
function bulk.prepare(client, list, options)
  if options == nil then
    options = {}
  end
  local current, chosen = session.begin(client, "delete_inboxes", options)
  if not current then
    return nil, chosen
  end
  local count, err = check_list(list)
  if not count then
    return nil, err
  end
  local entries
  entries, err = check_entries(current, list, count)
  if not entries then
    return nil, err
  end
  chosen.on_result = rawget(options, "on_result")
  local run = new_run(client, current.way, chosen, count)
  run.entries = entries
  run.report = new_report(count)
  return run
end

--- Check the options of a run that takes its entries one by one, however many there are, and keeps
-- none of them. Nothing is sent.
-- @tparam table client
-- @tparam integer count
-- @tparam function read called as `read(i)` when an entry is started: its params, which the caller
-- has checked
-- @tparam table options as of `delete_inboxes`
-- @treturn[1] table the run; what it takes besides: `before(i)` is called before each request for
-- an entry, `commit()` before any request of those that were so announced is sent, and
-- `forgives(i, err)` tells whether an error is none that stops the run
-- @treturn[2] nil
-- @treturn[2] table the error
function bulk.stream(client, count, read, options)
  local current, chosen = session.begin(client, "delete_inboxes", options)
  if not current then
    return nil, chosen
  end
  chosen.on_result = rawget(options, "on_result")
  local run = new_run(client, current.way, chosen, count)
  run.read = read
  run.report = new_report(0)
  return run
end

-- ----- one entry after the other -----

local function next_entry(run)
  local i = run.next
  if run.stopped or i > run.count or run.is_awaited and not run.is_awaited() then
    return nil
  end
  run.next = i + 1
  return i
end

local function entry_at(run, i)
  if run.read then
    local params = run.read(i)
    run.entries[i] = new_entry(params, params)
  end
  return run.entries[i]
end

local function forget(run, i)
  if run.read then
    run.entries[i] = nil
  end
end

-- The first error that is not ours is the one that is told.
local function fall(run, raised)
  run.stopped = true
  if not run.fallen then
    run.fallen, run.raised = true, raised
  end
end

local function call_back(run, f, ...)
  local ok, raised = protect.call(f, ...)
  if not ok then
    fall(run, raised)
  end
end

local function commit(run)
  if run.commit then
    call_back(run, run.commit)
  end
end

-- Tells of the entry that a worker is at, once.
local function tell(run, i)
  local entry = run.entries[i]
  if not entry.told then
    entry.told = true
    call_back(run, run.on_result, i, entry.result or nil, entry.err or nil)
  end
end

-- A worker has what it needs to account for the entry that it is at, also when it is ended in the
-- middle: whether a request may have been sent, and an error in reserve (see `errors.reserve`).
local function new_worker(run, way, take_turn)
  local worker = {
    at = false, busy = false, handed_over = false,
    reserve = errors.reserve(),
    take_turn = take_turn,
  }
  worker.reserve.call = "delete_inbox"

  function worker.announce()
    call_back(run, run.before, worker.at)
  end

  function worker.tell()
    tell(run, worker.at)
  end

  local own_way = setmetatable({}, { __index = way })
  function own_way.carry_out(transfer, watch)
    worker.handed_over = true
    way.carry_out(transfer, watch)
  end

  -- The token was refused, and the request is about to be made once more.
  function own_way.may_repeat()
    if run.before then
      worker.take_turn(worker.announce)
    end
    return not run.stopped
  end

  -- What is done to the client meanwhile, such as closing it, is for later calls.
  worker.client = {
    settings = run.client.settings,
    timeout = run.client.timeout,
    session = run.client.session,
    watcher = run.client.watcher and run.client.watcher:of_task(),
    way = own_way,
  }
  run.workers[#run.workers + 1] = worker
  return worker
end

local function delete(run, worker, entry)
  local reserve, asked = worker.reserve, entry.asked
  reserve.accountID, reserve.server, reserve.inboxID = asked.accountID, asked.server, asked.inboxID
  worker.handed_over = false
  worker.busy = true
  if worker.client.watcher then
    worker.client.watcher:begin("delete_inbox")
  end
  local result, err = deletion.delete_inbox(worker.client, entry.params)
  entry.result, entry.err = result or false, err or false
  worker.busy = false
  if err and run.stop_on_error and not (run.forgives and run.forgives(worker.at, err)) then
    run.stopped = true
  end
end

local function work_off(run, worker)
  for i in next_entry, run do
    worker.at = i
    if run.before then
      worker.take_turn(worker.announce)
      if run.stopped then -- nothing was sent for it
        return
      end
    end
    delete(run, worker, entry_at(run, i))
    if run.on_result then
      worker.take_turn(worker.tell)
    end
    forget(run, i)
  end
end

-- take_turn runs a function where it may use the caller's event loop.
local function work(run, way, take_turn)
  local ok, raised = protect.call(function()
    work_off(run, new_worker(run, way, take_turn))
  end)
  if not ok then
    fall(run, raised)
  end
end

-- ----- all of them -----

local function run_in_workers(run)
  local way = workers.new_way()
  workers.run(way, run.concurrency, function()
    work(run, way, workers.take_turn)
  end, {
    idle = run.way.idle,
    after_turns = function()
      commit(run)
    end,
    stop = function(raised)
      fall(run, raised)
    end,
  })
end

local function run_in_threads(run)
  local function take_turn(f)
    f()
    commit(run)
  end
  run.way.in_threads(run.concurrency, function(is_awaited)
    run.is_awaited = is_awaited
    work(run, run.way, take_turn)
  end)
end

local OUT_OF_MEMORY = "not enough memory"

-- The error of an entry whose worker was ended in the middle of it.
local function lost(run, worker)
  local err = errors.spend(worker.reserve, worker.handed_over)
  if run.raised ~= OUT_OF_MEMORY then
    err.kind, err.name = "network", "CANCELLED"
    err.message = worker.handed_over
      and "the call was given up, and nobody has seen what became of it"
      or "the call was given up before it was sent: nothing was deleted"
  end
  return err
end

local function account_for_workers(run)
  for _, worker in ipairs(run.workers) do
    if worker.busy then
      run.entries[worker.at].err = lost(run, worker)
    else
      errors.release(worker.reserve)
    end
  end
  for i = 1, run.on_result and run.next - 1 or 0 do
    local entry = run.entries[i]
    if entry and (entry.result or entry.err) then
      tell(run, i)
    end
  end
end

local function complete(report, entries)
  for i, one in ipairs(report.results) do
    local entry = entries[i]
    if entry.result or entry.err then
      one.skipped = nil
      one.result, one.error = entry.result or nil, entry.err or nil
    end
    local class = entry.result and "deleted" or entry.err and entry.err.outcome or "skipped"
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

local function has_errors(report)
  return report.rejected + report.not_sent + report.unknown > 0
end

--- Carry out a run.
-- @tparam table run from `bulk.prepare`
-- @treturn[1] table the report
-- @treturn[2] nil
-- @treturn[2] table what was raised, with `report` in it; or the report, where that is not a table
-- @treturn[2] ?any what was raised
function bulk.perform(run)
  local ok, raised = protect.call(run.way.in_threads and run_in_threads or run_in_workers, run)
  if not ok then
    fall(run, raised)
  end
  account_for_workers(run)
  local report = complete(run.report, run.entries)
  -- Memory that ran out is told as the error of the entries that it has hit.
  if run.fallen and not (run.raised == OUT_OF_MEMORY and has_errors(report)) then
    return fail(run.raised, report)
  end
  return report
end

return bulk
