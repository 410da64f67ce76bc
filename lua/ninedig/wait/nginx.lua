--- Waiting inside nginx: the light thread yields, and the worker goes on serving.
--
-- One timer of the worker, the leader, steps the engine each millisecond while transfers are in
-- flight and wakes each waiter by its semaphore. It is a timer and not the first waiter, as a
-- client that goes away takes its light thread with it; what was sent is then driven on, and its
-- outcome logged. So nothing is handed over before a leader has begun to run. What was not sent is
-- given up.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local yield = require("ninedig.wait.yield")

local nginx = {}

local ngx = rawget(_G, "ngx")

-- ----- the place -----

-- Phases in which nginx itself resumes nothing, though a coroutine of the user's own could yield.
-- Of all others the VM is asked.
local resumes_nothing = {
  init_worker = true,
  exit_worker = true,
  set = true,
  header_filter = true,
  body_filter = true,
  log = true,
  balancer = true,
  ssl_session_store = true,
}

--- Whether somebody is served already, so that nothing may block.
-- @treturn boolean
function nginx.is_serving()
  return ngx.get_phase() ~= "init"
end

function nginx.refusal()
  local phase = ngx.get_phase()
  if resumes_nothing[phase] or yield.is_in_main() then
    return "PHASE_CANNOT_WAIT",
      "nothing can wait for an answer in nginx's phase " .. phase
        .. ", so nothing was sent; call from ngx.timer.at(0, function() ... end) instead"
  elseif not yield.is_possible() then
    return yield.refusal()
  end
end

-- ----- what is waited for -----

-- Seconds between two steps. Each adds half of it to the time of a call.
local PAUSE = 0.001

-- Seconds without a step after which another leader is appointed: one that leads, and one that was
-- to begin. nginx drops timers that are due where too many run (lua_max_running_timers).
local PATIENCE, FIRST_PATIENCE = 1, 0.1

-- To the core: this caller speaks for all those below zero. The waiters are numbered downwards from
-- it, and what others number is none of the leader's: it does not know who of them is alive.
local LEADER = -1
local last_caller = LEADER

-- An entry has the `semaphore` of a waiter, its number as a `caller`, and its `watch`, if there is
-- one, or the function `on_end` of what was adopted; the function `is_awaited`, where the waiter is
-- a thread of a list, which outlives the list's caller; when it was made (`since`); whether the
-- transfer was handed over; whether the waiter is in its semaphore (`waits`); and whether it was
-- told of the end.
local entries = {} -- by transfer
local entry_count = 0
local told_count = 0
local ended_seen = 0

-- Transfers that wait for a leader, in the order in which they came.
local unled = {}

local leader -- of the timer that leads, or is to
local stepped_at = 0 -- when it did so last, or was appointed

local function enter(transfer, entry)
  entry.since = core.monotonic()
  entry.handed_over, entry.waits, entry.told = false, false, false
  entries[transfer] = entry
  entry_count = entry_count + 1
  return entry
end

local function leave(transfer)
  local entry = entries[transfer]
  if entry then
    entry_count = entry_count - 1
    told_count = told_count - (entry.told and 1 or 0)
    entries[transfer] = nil
  end
end

-- Whether the waiter's light thread still lives. While it is in its semaphore, that counts it:
-- below zero, until being told adds one, which it takes when it comes back. A light thread that has
-- ended there is counted no more. (`coroutine.status` is no help: a coroutine that has ended may be
-- another request's by now, and some versions call all those of other requests dead.)
local function is_alive(entry)
  return not entry.waits or entry.semaphore:count() < (entry.told and 1 or 0)
end

-- Whether what is not sent is to be. `is_awaited` tells it of a list.
local function is_wanted(entry)
  return is_alive(entry) and (not entry.is_awaited or entry.is_awaited())
end

local function hand_over(transfer, entry)
  entry.handed_over = true
  core.submit(transfer, core.monotonic() - entry.since, entry.caller)
end

-- ----- the leader -----

-- Nobody will ask for this outcome any more.
local function log_abandoned(transfer, watch)
  if watch then
    watch:look_at(transfer)
  end
  local result, err = core.finish(transfer)
  local about = result or err
  local asked = {}
  for _, key in ipairs { "accountID", "server", "inboxID" } do
    if about[key] then
      asked[#asked + 1] = key .. " " .. errors.digits(about[key])
    end
  end
  ngx.log(
    ngx.WARN, "ninedig: a caller went away; its call (", table.concat(asked, ", "), ") ended: ",
    result and "OK" or ("outcome " .. err.outcome .. ", " .. err.message)
  )
  if watch then
    watch:answer(result, err, true)
  end
end

local function try(f, ...)
  local ok, raised = pcall(f, ...)
  if not ok then
    ngx.log(ngx.ERR, "ninedig: ", raised)
  end
end

local function tell(entry)
  if not entry.told then
    entry.told = true
    told_count = told_count + 1
    entry.semaphore:post(1)
  end
end

-- Wakes those whose transfer has ended, and takes off what nobody waits for any more: a list, as
-- whoever is told of these may begin new calls.
local function tell_of_ended()
  local left
  for transfer, entry in pairs(entries) do
    if core.is_done(transfer) then
      if not entry.on_end and is_alive(entry) then
        tell(entry)
      else
        leave(transfer)
        left = { transfer = transfer, entry = entry, before = left }
      end
    end
  end
  return left
end

-- Tells the watches of callers that went away before their requests were sent.
local function tell_given_up(watches)
  for _, watch in ipairs(watches) do
    watch:given_up(false, true)
  end
end

-- Gives up what was not sent. A thread of a list learns of it, and comes to its end.
local function give_up(transfer, entry, watches)
  core.cancel(transfer)
  if is_alive(entry) then
    tell(entry)
  else
    leave(transfer)
    watches[#watches + 1] = entry.watch
  end
end

-- Gives up those of what was not sent that nobody waits for any more.
local function drop_dead_unsent()
  local watches = {}
  for transfer, entry in pairs(entries) do
    if entry.handed_over and not is_wanted(entry)
      and not (core.is_sent(transfer) or core.is_done(transfer)) then
      give_up(transfer, entry, watches)
    end
  end
  tell_given_up(watches)
end

local function step()
  drop_dead_unsent()
  local _, ended = core.step(LEADER)
  if ended == ended_seen and told_count == 0 then
    return
  end
  ended_seen = ended
  local left = tell_of_ended()
  while left do
    try(left.entry.on_end or log_abandoned, left.transfer, left.entry.watch)
    left = left.before
  end
end

-- Keeps those of what waits for a leader that somebody still waits for.
local function drop_dead_unled()
  local kept, watches = {}, {}
  for _, transfer in ipairs(unled) do
    local entry = entries[transfer]
    if not entry or core.is_done(transfer) then
      leave(transfer)
    elseif is_wanted(entry) then
      kept[#kept + 1] = transfer
    else
      give_up(transfer, entry, watches)
    end
  end
  unled = kept
  tell_given_up(watches)
end

local function hand_over_unled()
  drop_dead_unled()
  local transfers = unled
  unled = {}
  for _, transfer in ipairs(transfers) do
    hand_over(transfer, entries[transfer])
  end
end

local function step_while_needed(me)
  hand_over_unled()
  while leader == me and entry_count > 0 do
    stepped_at = ngx.now()
    try(step)
    ngx.sleep(PAUSE)
  end
end

local appoint

-- Whether the worker exits does not matter: what is in flight is driven to its end.
local function lead(_, me)
  if leader ~= me or me.has_begun then
    return
  end
  me.has_begun = true
  try(step_while_needed, me)
  if leader == me then
    leader = nil
    if entry_count > 0 then -- something was raised
      appoint()
    end
  end
end

function appoint()
  if not leader or leader.has_begun then
    leader = { has_begun = false }
  end
  stepped_at = ngx.now()
  drop_dead_unled()
  if not ngx.timer.at(0, lead, leader) then
    leader = nil
  end
end

-- Whether there is a leader that steps; sees to it that there will be.
local function is_led()
  local patience = leader and leader.has_begun and PATIENCE or FIRST_PATIENCE
  if ngx.now() - stepped_at > patience or not leader and #unled == 0 then
    appoint()
  end
  return leader ~= nil and leader.has_begun
end

-- ----- calls -----

--- LuaJIT's pcall can be yielded across.
nginx.protected = pcall

--- Wait for nothing; yields.
-- @tparam number seconds
function nginx.pause(seconds)
  ngx.sleep(seconds)
end

-- Hands a transfer over, now or as soon as there is a leader.
local function begin(transfer, entry)
  if is_led() then
    hand_over(transfer, entry)
    core.start(entry.caller) -- the request leaves now and not when the leader comes round
  else
    unled[#unled + 1] = transfer
  end
end

-- Sees to it that there is a leader. Where there was none for too long, the name and the message of
-- an error.
local function refusal_of(transfer, entry)
  is_led()
  local patience = core.patience(transfer)
  if entry.handed_over or core.monotonic() - entry.since < patience then
    return nil
  end
  leave(transfer)
  drop_dead_unled()
  return "NO_TIMER",
    ("no timer of nginx has begun to run within %g s (are lua_max_running_timers or"
      .. " lua_max_pending_timers used up?), and without one nobody could drive on what a caller"
      .. " leaves: nothing was sent"):format(patience)
end

-- The leader may be late, or not to be had.
local function drive_on(transfer, entry)
  local refused, message = refusal_of(transfer, entry)
  if entry.handed_over and not is_led() then -- a step of each of thousands would stop the worker
    core.step(entry.caller)
  end
  return refused, message
end

-- False where nobody has told of the end in time.
local function wait_in_semaphore(transfer, entry)
  local seconds = PATIENCE
  if not entry.handed_over then
    local left = entry.since + core.patience(transfer) - core.monotonic()
    seconds = math.min(FIRST_PATIENCE, math.max(left, PAUSE))
  end
  entry.waits = true
  local told = entry.semaphore:wait(seconds)
  entry.waits = false
  return told
end

local function wait_for_end(transfer, entry)
  begin(transfer, entry)
  local refused, message
  while not core.is_done(transfer) and not refused do
    if not wait_in_semaphore(transfer, entry) then
      refused, message = drive_on(transfer, entry)
    end
  end
  return refused, message
end

--- Carry out a prepared transfer; yields until it has ended.
-- @tparam userdata transfer
-- @tparam[opt] table watch is told of its end where the caller has gone, see `ninedig.events`
-- @tparam[opt] function is_awaited see `in_threads`; what is not sent is given up where it says no
-- @treturn[opt] string the name of an error, where it was not handed over
-- @treturn[opt] string its message
function nginx.carry_out(transfer, watch, is_awaited)
  last_caller = last_caller - 1
  local entry = enter(transfer, {
    semaphore = require("ngx.semaphore").new(), caller = last_caller, watch = watch,
    is_awaited = is_awaited,
  })
  local ok, refused, message = pcall(wait_for_end, transfer, entry)
  leave(transfer)
  if not ok then
    error(refused, 0)
  end
  return refused, message
end

--- Carry out a prepared transfer that belongs to nobody who waits.
-- @tparam userdata transfer
-- @tparam function on_end is called when it has ended
-- @treturn function which those who wait for it call: it returns what `carry_out` does
-- @treturn function which is called by whoever finishes the transfer before `on_end` was called
function nginx.adopt(transfer, on_end)
  local entry = enter(transfer, { on_end = on_end })
  begin(transfer, entry)
  local function refusal()
    if not entry.handed_over then
      return refusal_of(transfer, entry)
    end
  end
  return refusal, function()
    leave(transfer)
  end
end

--- Run a function in several light threads until all of them have ended.
-- @tparam integer count how many at most; fewer where no more can be had
-- @tparam function work is given a function that tells whether the caller still waits: one that is
-- killed leaves its threads behind
function nginx.in_threads(count, work)
  local semaphore = require("ngx.semaphore").new()
  local caller = { semaphore = semaphore, waits = false, told = false }
  local threads, has_ended, failed, raised = {}, {}, false, nil
  local function is_awaited()
    return is_alive(caller)
  end
  local function run(i)
    local ok, err = pcall(work, is_awaited)
    has_ended[i] = true
    if not ok then
      failed, raised = true, err
    end
    if caller.waits and not caller.told then
      caller.told = true
      semaphore:post(1)
    end
  end

  for i = 1, count do
    has_ended[i] = false
    local ok, thread = pcall(ngx.thread.spawn, run, i)
    if not ok then
      if i == 1 then
        failed, raised = true, thread
      end
      break
    end
    threads[i] = thread
  end

  -- Each at once: what has ended and is not waited for keeps the request from its own end, for good
  -- where the caller is killed then.
  local left = #threads
  local function forget_ended()
    for i, thread in ipairs(threads) do
      if thread and has_ended[i] then
        ngx.thread.wait(thread)
        threads[i] = false
        left = left - 1
      end
    end
  end

  caller.waits = true
  forget_ended()
  while left > 0 do
    if semaphore:wait(PATIENCE) then
      caller.told = false
    end
    forget_ended()
  end
  if failed then
    error(raised, 0)
  end
end

return nginx
