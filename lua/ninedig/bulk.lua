--- Many deletions at once.
local core = require("ninedig.core")
local deletion = require("ninedig.deletion")
local errors = require("ninedig.error")
local protect = require("ninedig.wait.protect")
local session = require("ninedig.session")
local task = require("ninedig.task")
local workers = require("ninedig.wait.workers")

local bulk = {}

local CONCURRENCY, REPEATS = 8, 5

-- Seconds before an entry that was put off is asked for again, where the service does not say how
-- many: at first, and at most. Each time they are twice as many.
local FIRST_PAUSE, LONGEST_PAUSE = 1, 60

-- A service that wants to be left alone for more seconds than this is.
local TOO_LONG = 3600

-- Seconds in which the end of a run is noticed by those who wait.
local NOTICE = 0.2

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

local function sub_table(of, key)
  local found = of[key]
  if not found then
    found = {}
    of[key] = found
  end
  return found
end

--- The place in a list where the same inbox was seen before; else notes this one. IDs that are the
-- same are one key, as they were understood.
-- @tparam table seen what was seen; empty at first
-- @tparam table asked
-- @tparam integer i
-- @treturn ?integer
function bulk.seen_before(seen, asked, i)
  local inboxes = sub_table(sub_table(seen, asked.accountID), asked.server:lower())
  local before = inboxes[asked.inboxID]
  inboxes[asked.inboxID] = before or i
  return before
end

-- The params of all entries as they were understood, so that what is sent is what was checked.
local function check_entries(current, list, count)
  local entries, seen = {}, {}
  for i = 1, count do
    local params = rawget(list, i)
    local asked, err = session.check(current, "delete_inbox", params)
    if not asked then
      err.message = ("entry %d: %s"):format(i, err.message)
      return nil, err
    end
    local before = bulk.seen_before(seen, asked, i)
    if before then
      return refuse(
        "DUPLICATE_ENTRY", "entries %d and %d are the same inbox: inboxID %s of accountID %s on %s",
        before, i, errors.digits(asked.inboxID), errors.digits(asked.accountID), asked.server
      )
    end
    asked.access_token = rawget(params, "access_token")
    entries[i] = asked
  end
  return entries
end

-- What became of an entry. Made before anything is sent, with room for what comes in: once inboxes
-- were deleted, there may be no memory to say so.
local function new_end()
  local one = { skipped = true, result = true, error = true }
  one.result, one.error = nil, nil
  return one
end

local function new_report(count)
  local results = {}
  for i = 1, count do
    results[i] = new_end()
  end
  return { deleted = 0, rejected = 0, not_sent = 0, unknown = 0, skipped = 0, results = results }
end

local function new_run(client, way, options, count)
  return {
    client = client,
    way = way,
    count = count,
    concurrency = math.min(options.concurrency or CONCURRENCY, count),
    spacing = options.rate and 1 / options.rate or 0,
    repeats = options.repeats or REPEATS,
    stop_on_error = options.stop_on_error ~= false,
    on_result = options.on_result,
    opens_at = -math.huge, -- monotonic time before which no request is started
    why = nil, -- an error, or a word
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
-- @treturn[1] table the run; what it takes besides: `before(i)` is called before each request to
-- delete an entry, `refused(i, err)` after one that will be repeated, as soon as that is known;
-- `commit()` after those of them, and of `on_result`, that come at the same time, before a request
-- that was so announced is sent; and `forgives(i, err)` tells whether an error is none that stops
-- the run
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

-- ----- when a request may be started -----

-- Nothing new is started any more.
local function is_over(run)
  return run.stopped or run.is_awaited ~= nil and not run.is_awaited()
end

-- Waits until a request may be started, or the run is over; one that is owed is waited for even so.
-- The call's own time-out does not run meanwhile.
local function wait_until_open(run, way, is_owed, watcher)
  local began = core.monotonic()
  local now = began
  if watcher and now < run.opens_at then
    watcher:wait(run.opens_at - now, run.why)
  end
  while now < run.opens_at and not way.given_up and (is_owed or not is_over(run)) do
    way.pause(math.min(run.opens_at - now, NOTICE))
    now = core.monotonic()
  end
  way.held = way.held + now - began
  if run.spacing > 0 and now + run.spacing > run.opens_at then
    run.opens_at, run.why = now + run.spacing, "rate"
  end
end

-- Seconds before an entry is asked for again that was put off so many times before.
local function usual_pause(times)
  return math.min(FIRST_PAUSE * 2 ^ times * (1 + task.jitter() / 4), LONGEST_PAUSE)
end

-- The service had no time for it, and did nothing.
local function is_put_off(err)
  return err.http_status == 429
    and (err.outcome == "rejected" and err.retryable -- the deletion
      or err.outcome == "not_sent" and not errors.is_documented(err)) -- a call before it
end

-- Whether the entry that a worker is at is to be asked for again; nothing is started before that.
local function must_repeat(run, worker)
  local err = worker.one.error
  if not err or run.stopped or not is_put_off(err) then
    return false
  end
  local pause = err.retry_after or usual_pause(worker.repeats)
  if pause > TOO_LONG or worker.repeats >= run.repeats then
    run.stopped = true
    return false
  end
  worker.repeats = worker.repeats + 1
  local till = core.monotonic() + pause
  if till > run.opens_at then
    run.opens_at, run.why = till, err
  end
  return true
end

-- ----- one entry after the other -----

local function next_entry(run)
  local i = run.next
  if is_over(run) or i > run.count then
    return nil
  end
  run.next = i + 1
  return i
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
local function tell(run, worker)
  if worker.is_untold then
    worker.is_untold = false
    call_back(run, run.on_result, worker.at, worker.one.result, worker.one.error)
  end
end

local function set_end(one, result, err)
  one.skipped, one.result, one.error = nil, result, err
end

-- Counts the entry that a worker is at, once, unless nothing was sent for it.
local function count_end(run, worker)
  local one = worker.one
  if worker.is_open and not one.skipped then
    local class = one.result and "deleted" or one.error.outcome
    run.report[class] = run.report[class] + 1
    worker.is_untold = run.on_result ~= nil
  end
  worker.is_open = false
end

-- A worker's way to wait: each request waits for its time, and a deletion is announced before.
local function new_way(run, worker, way)
  local own_way = setmetatable({ held = 0 }, { __index = way })

  function own_way.may_send(name)
    local erases = errors.erases(name)
    -- What became of a deletion that was sent is found out in any case.
    local is_owed = worker.handed_over and not erases
    wait_until_open(run, own_way, is_owed, worker.client.watcher)
    if erases and run.before and not is_over(run) then
      worker.take_turn(worker.announce)
    end
    worker.erases = erases
    worker.is_withheld = not is_owed and is_over(run)
    return not worker.is_withheld
  end

  function own_way.on_refusal(err)
    if run.refused then
      worker.take_turn(function()
        call_back(run, run.refused, worker.at, err)
      end)
    end
  end

  function own_way.carry_out(transfer, watch)
    local is_owed = worker.handed_over and not worker.erases
    worker.handed_over = worker.handed_over or worker.erases
    return way.carry_out(transfer, watch, not is_owed and run.is_awaited or nil)
  end

  return own_way
end

-- A worker has what it needs to account for the entry that it is at, also when it is ended in the
-- middle: whether a request may have been sent, and an error in reserve (see `errors.reserve`).
local function new_worker(run, way, take_turn)
  local worker = {
    at = false, -- which entry
    one = run.read and new_end() or false, -- what became of it
    is_open = false, -- it is not counted yet
    is_untold = false,
    is_busy = false, -- it is being asked for
    repeats = 0,
    erases = false, -- the request that may be sent is a deletion
    handed_over = false, -- a deletion may have been sent
    is_withheld = false, -- a request was not sent, as the run is over
    reserve = errors.reserve(),
    take_turn = take_turn,
  }
  worker.reserve.call = "delete_inbox"

  function worker.announce()
    call_back(run, run.before, worker.at)
  end

  function worker.tell()
    tell(run, worker)
  end

  -- What is done to the client meanwhile, such as closing it, is for later calls.
  worker.client = {
    settings = run.client.settings,
    timeout = run.client.timeout,
    session = run.client.session,
    watcher = run.client.watcher and run.client.watcher:of_task(),
    way = new_way(run, worker, way),
  }
  run.workers[#run.workers + 1] = worker
  return worker
end

-- Takes the next entry; returns its params.
local function begin_entry(run, worker, i)
  worker.at, worker.repeats, worker.is_open = i, 0, true
  if worker.client.watcher then
    worker.client.watcher:begin("delete_inbox")
  end
  if run.read then
    local one = worker.one
    one.skipped, one.result, one.error = true, nil, nil
    return run.read(i)
  end
  worker.one = run.report.results[i]
  return run.entries[i]
end

local function delete(worker, params)
  local reserve = worker.reserve
  reserve.accountID, reserve.server, reserve.inboxID =
    params.accountID, params.server, params.inboxID
  worker.handed_over, worker.is_withheld = false, false
  worker.is_busy = true
  local result, err = deletion.delete_inbox(worker.client, params)
  worker.is_busy = false
  if worker.handed_over or not worker.is_withheld then
    set_end(worker.one, result, err)
  end
end

-- Refused credentials are refused to all.
local function stops(run, i, err)
  return errors.is_about_credentials(err)
    or run.stop_on_error and not (run.forgives and run.forgives(i, err))
end

local function work_off(run, worker)
  for i in next_entry, run do
    local params = begin_entry(run, worker, i)
    delete(worker, params)
    while must_repeat(run, worker) do
      worker.client.way.on_refusal(worker.one.error)
      delete(worker, params)
    end
    local err = worker.one.error
    if err and stops(run, i, err) then
      run.stopped = true
    end
    count_end(run, worker)
    if worker.is_untold then
      worker.take_turn(worker.tell)
    end
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
  local hosts = run.way
  local caller = hosts.new_caller and hosts.new_caller()
  local way = workers.new_way(caller)
  workers.run(way, run.concurrency, function()
    work(run, way, workers.take_turn)
  end, {
    idle = function(seconds)
      return hosts.idle(seconds, caller)
    end,
    guarded = hosts.guarded,
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

-- The error of an entry whose worker was ended in the middle of it.
local function lost(run, worker)
  local err = errors.spend(worker.reserve, worker.handed_over)
  if run.raised ~= errors.OUT_OF_MEMORY then
    err.kind, err.name = "network", "CANCELLED"
    err.message = worker.handed_over
      and "the call was given up, and nobody has seen what became of it"
      or "the call was given up before it was sent: nothing was deleted"
  end
  return err
end

local function account_for_workers(run)
  for _, worker in ipairs(run.workers) do
    if worker.is_busy and (worker.handed_over or worker.one.skipped) then
      set_end(worker.one, nil, lost(run, worker))
    else
      errors.release(worker.reserve)
    end
    count_end(run, worker)
    tell(run, worker)
  end
end

local function complete(report, count)
  report.skipped = count - report.deleted - report.rejected - report.not_sent - report.unknown
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
  local report = complete(run.report, run.count)
  -- Memory that ran out is told as the error of the entries that it has hit.
  if run.fallen and not (run.raised == errors.OUT_OF_MEMORY and has_errors(report)) then
    return fail(run.raised, report)
  end
  return report
end

return bulk
