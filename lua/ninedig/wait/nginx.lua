--- Waiting inside nginx: the light thread yields, and the worker goes on serving.
--
-- One timer of the worker, the leader, steps the engine each millisecond while transfers are in
-- flight and wakes each waiter by its semaphore. It is a timer and not the first waiter, as a
-- client that goes away takes its light thread with it; the transfer is then driven on, and its
-- outcome logged.
local core = require("ninedig.core")
local errors = require("ninedig.error")

local nginx = {}

local ngx = rawget(_G, "ngx")

local can_yield = {
  rewrite = true,
  access = true,
  content = true,
  timer = true,
  ssl_cert = true,
  preread = true,
}

-- Seconds between two steps. Each adds half of it to the time of a call.
local PAUSE = 0.001

-- Seconds without a step after which another leader is appointed: one that leads, and one that was
-- to begin. nginx drops timers that are due where too many run (lua_max_running_timers).
local PATIENCE, FIRST_PATIENCE = 1, 0.1

--- The current phase, or nil outside nginx.
-- @treturn ?string
function nginx.phase()
  return ngx and ngx.get_phase and ngx.get_phase()
end

--- Why nothing can wait in a phase.
-- @tparam string phase
-- @treturn ?string a sentence, or nil where a call can wait
function nginx.refusal(phase)
  if can_yield[phase] then
    return nil
  end
  return "nothing can wait for an answer in nginx's phase " .. phase
    .. ", so nothing was sent; call from ngx.timer.at(0, function() ... end) instead"
end

local waiting = {} -- what a waiter has, by its transfer
local waiting_count = 0
local woken_count = 0 -- of those, how many were told and have not come back yet
local ended_seen = 0
local leader -- of the timer that leads, or is to
local stepped_at = 0 -- when it did so last, or was appointed

local function forget(transfer)
  waiting_count = waiting_count - 1
  if waiting[transfer].woken then
    woken_count = woken_count - 1
  end
  waiting[transfer] = nil
end

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

-- A waiter that is told comes back before the leader's next step, unless its thread was killed:
-- then this returns false.
local function wake(waiter)
  if waiter.woken or waiter.semaphore:count() >= 0 then
    return false
  end
  waiter.woken = true
  woken_count = woken_count + 1
  waiter.semaphore:post(1)
  return true
end

-- Those of whose end nobody was told are taken off first: what watches them may begin new calls.
local function wake_or_take_off()
  local abandoned
  for transfer, waiter in pairs(waiting) do
    if core.is_done(transfer) and not wake(waiter) then
      forget(transfer)
      abandoned = { transfer = transfer, watch = waiter.watch, before = abandoned }
    end
  end
  return abandoned
end

local function step()
  local _, ended = core.step()
  if ended == ended_seen and woken_count == 0 then
    return
  end
  ended_seen = ended
  local abandoned = wake_or_take_off()
  while abandoned do
    log_abandoned(abandoned.transfer, abandoned.watch)
    abandoned = abandoned.before
  end
end

local function step_while_needed(me)
  while leader == me and waiting_count > 0 do
    stepped_at = ngx.now()
    step()
    ngx.sleep(PAUSE)
  end
end

local lead

local function appoint()
  leader = { has_begun = false }
  stepped_at = ngx.now()
  if not ngx.timer.at(0, lead, leader) then
    leader = nil
  end
end

-- Whether the worker exits does not matter: what is in flight is driven to its end.
function lead(_, me)
  me.has_begun = true
  local ok, err = pcall(step_while_needed, me)
  if leader == me then
    leader = nil
  end
  if not ok then
    ngx.log(ngx.ERR, "ninedig: ", err)
    if not leader then
      appoint()
    end
  end
end

-- Whether there is a leader that steps; sees to it that there will be.
local function is_led()
  local patience = leader and leader.has_begun and PATIENCE or FIRST_PATIENCE
  if not leader or ngx.now() - stepped_at > patience then
    appoint()
  end
  return leader and leader.has_begun
end

--- LuaJIT's pcall can be yielded across.
nginx.protected = pcall

--- Wait for nothing; yields.
-- @tparam number seconds
function nginx.pause(seconds)
  ngx.sleep(seconds)
end

--- Run a function in a timer, which no client that goes away can end.
-- @tparam function f
-- @treturn boolean false where no timer can be had
function nginx.detach(f)
  return ngx.timer.at(0, f) and true or false
end

--- Run a function in several light threads until all of them have ended.
-- @tparam integer count how many at most; fewer where no more can be had
-- @tparam function work is given a function that tells whether the caller still waits: one that is
-- killed leaves its threads behind
function nginx.in_threads(count, work)
  local caller = coroutine.running()
  local function is_awaited()
    return coroutine.status(caller) ~= "dead"
  end
  local threads, failed, raised = {}, false, nil
  for i = 1, count do
    local ok, thread = pcall(ngx.thread.spawn, work, is_awaited)
    if not ok then
      failed, raised = i == 1, thread
      break
    end
    threads[i] = thread
  end
  for _, thread in ipairs(threads) do
    local ok, err = ngx.thread.wait(thread)
    if not ok then
      failed, raised = true, err
    end
  end
  if failed then
    error(raised, 0)
  end
end

--- Carry out a prepared transfer; yields until it has ended.
-- @tparam userdata transfer
-- @tparam[opt] table watch is told of its end where the caller has gone, see `ninedig.events`
function nginx.carry_out(transfer, watch)
  local semaphore = require("ngx.semaphore").new()
  waiting[transfer] = { semaphore = semaphore, woken = false, watch = watch }
  waiting_count = waiting_count + 1
  core.submit(transfer)
  core.start() -- the request leaves now and not when the leader comes round
  while not core.is_done(transfer) do
    if not semaphore:wait(is_led() and PATIENCE or PAUSE) then
      core.step() -- the leader may be late, or not to be had
    end
  end
  forget(transfer)
end

return nginx
