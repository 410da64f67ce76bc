--- Waiting in the caller's event loop, whose `sleep` lets others go on.
local core = require("ninedig.core")
local protect = require("ninedig.wait.protect")
local yield = require("ninedig.wait.yield")

local loop = {}

-- A task of an event loop may go away without a word while it sleeps. What is not sent by then must
-- never be, so each call has a number of its own, by which the core knows who has come back.
local callers = 0

local function new_caller()
  callers = callers + 1
  return callers
end

-- Lua 5.4 tells when a coroutine is closed. In others, this is no syntax.
local call_guarded = (loadstring or load)([[
  local guard, f, a, b = ...
  local closed <close> = guard
  return f(a, b)
]])

-- Calls f(x, y), and give_up(x) where the coroutine is closed meanwhile, or f raises.
local function guarded(give_up, f, x, y)
  if not call_guarded then
    return f(x, y)
  end
  local guard = setmetatable({}, {
    __close = function()
      give_up(x)
    end,
  })
  return call_guarded(guard, f, x, y)
end

-- Seconds between two steps where the caller's loop sleeps: at first, and at most. In between they
-- are a tenth of the time that the call has taken, so that this is what waiting adds to it.
local FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.001, 0.010, 1.1

-- Whether sleep yields where it can. It is asked in a coroutine of its own, as a loop may go on to
-- resume what has asked it: that would be the caller's own, at a time when it waits for something
-- else.
local function yields(sleep)
  local thread = coroutine.create(sleep)
  coroutine.resume(thread, 0)
  return coroutine.status(thread) ~= "dead"
end

-- Where nothing can yield, a sleep that does not may still be fit.
local function refusal_of(sleep)
  if yield.is_possible() then
    return nil
  end
  local in_main = yield.is_in_main()
  if not in_main and yields(sleep) then
    return yield.refusal()
  end
  if pcall(sleep, 0) then
    return nil
  elseif in_main then
    return yield.refusal_in_main()
  end
  return yield.refusal()
end

--- The way to wait of a caller whose event loop sleeps, see `ninedig.wait`.
-- @tparam function sleep of seconds
-- @treturn table
function loop.new(sleep)
  local way = {
    protected = protect.call, pause = sleep, new_caller = new_caller, guarded = guarded,
  }
  local ended -- how many transfers had, when that was looked at last

  function way.refusal()
    return refusal_of(sleep)
  end

  local function wait_for(transfer, caller)
    local pause = FIRST_PAUSE
    core.submit(transfer, 0, caller)
    core.step(caller)
    while not core.is_done(transfer) do
      sleep(pause)
      core.step(caller)
      pause = math.min(pause * GROWTH, LONGEST_PAUSE)
    end
  end

  function way.carry_out(transfer)
    guarded(core.cancel, wait_for, transfer, new_caller())
  end

  function way.idle(seconds, caller)
    local in_flight, ended_by_now = core.start(caller)
    local nothing_to_see = in_flight == 0 and ended_by_now == ended
    sleep(nothing_to_see and seconds or math.min(seconds, FIRST_PAUSE))
    in_flight, ended = core.step(caller)
    return in_flight, ended
  end

  return way
end

return loop
