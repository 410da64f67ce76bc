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

-- Seconds after which a waiter looks whether the leader is still there.
local PATIENCE = 1

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
local leading = false
local ended_seen = 0

local function forget(transfer)
  waiting_count = waiting_count - 1
  if waiting[transfer].woken then
    woken_count = woken_count - 1
  end
  waiting[transfer] = nil
end

-- Nobody will ask for this outcome any more.
local function log_abandoned(transfer)
  local result, err = core.finish(transfer)
  local about = result or err
  local asked = {}
  for _, key in ipairs { "accountID", "server", "inboxID" } do
    asked[#asked + 1] = about[key] and key .. " " .. errors.digits(about[key])
  end
  ngx.log(
    ngx.WARN, "ninedig: a caller went away; its call (", table.concat(asked, ", "), ") ended: ",
    result and "OK" or ("outcome " .. err.outcome .. ", " .. err.message)
  )
end

-- A waiter that is told comes back before the leader's next step, unless its thread was killed.
local function wake(transfer, waiter)
  if not waiter.woken and waiter.semaphore:count() < 0 then -- it waits
    waiter.woken = true
    woken_count = woken_count + 1
    waiter.semaphore:post(1)
  else
    forget(transfer)
    log_abandoned(transfer)
  end
end

local function step()
  local _, ended = core.step()
  if ended == ended_seen and woken_count == 0 then
    return
  end
  ended_seen = ended
  for transfer, waiter in pairs(waiting) do
    if core.is_done(transfer) then
      wake(transfer, waiter)
    end
  end
end

local function step_while_needed()
  while waiting_count > 0 do
    step()
    ngx.sleep(PAUSE)
  end
end

-- The timer's argument does not matter: also when a worker exits, what is in flight is driven to
-- its end.
local function lead()
  local ok, err = pcall(step_while_needed)
  leading = false
  if not ok then -- a waiter makes the next leader
    ngx.log(ngx.ERR, "ninedig: ", err)
  end
end

-- Where no timer can be had, each waiter steps for itself.
local function need_leader()
  if not leading then
    leading = ngx.timer.at(0, lead) and true or false
  end
  return leading
end

local function wait_without_leader(transfer)
  while not core.is_done(transfer) do
    core.step()
    ngx.sleep(PAUSE)
  end
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
-- @tparam integer count
-- @tparam function work
function nginx.in_threads(count, work)
  local threads = {}
  for i = 1, count do
    threads[i] = ngx.thread.spawn(work)
  end
  local failed, raised = false, nil
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
function nginx.carry_out(transfer)
  local semaphore = require("ngx.semaphore").new()
  core.submit(transfer)
  waiting[transfer] = { semaphore = semaphore, woken = false }
  waiting_count = waiting_count + 1
  core.step() -- the request leaves now and not when the leader comes round
  while not core.is_done(transfer) and need_leader() do
    semaphore:wait(PATIENCE)
  end
  wait_without_leader(transfer)
  forget(transfer)
end

return nginx
