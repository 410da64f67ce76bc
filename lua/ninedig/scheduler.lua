--- Several calls at once in one coroutine: each worker is a coroutine of its own, and what they
-- wait for is waited for together.
local core = require("ninedig.core")
local protect = require("ninedig.protect")

local scheduler = {}

-- What a worker yields, and what it is resumed for: an ended transfer, a time, or a turn.
local TRANSFER, TIME, TURN = {}, {}, {}

--- The way to wait of a worker, see `ninedig.wait`.
scheduler.way = { protected = protect.call }

function scheduler.way.carry_out(transfer)
  core.submit(transfer)
  coroutine.yield(TRANSFER, transfer)
end

function scheduler.way.pause(seconds)
  coroutine.yield(TIME, core.monotonic() + seconds)
end

--- Run a function in the coroutine that hosts the workers, and go on after it. Those that come in
-- one round are run one after the other, and `after_turns` once after them.
-- @tparam function f
function scheduler.take_turn(f)
  coroutine.yield(TURN, f)
end

local function resume(worker)
  local ok, kind, what = coroutine.resume(worker.thread)
  if not ok then
    error(kind, 0)
  end
  worker.kind, worker.what = kind, what
  worker.dead = coroutine.status(worker.thread) == "dead"
end

local function is_ready(worker, now)
  if worker.kind == TRANSFER then
    return core.is_done(worker.what)
  end
  return worker.kind == TIME and now >= worker.what
end

-- Lets each worker go on that can; true where any could.
local function resume_ready(workers)
  local any = false
  local now = core.monotonic()
  for i = #workers, 1, -1 do
    local worker = workers[i]
    if is_ready(worker, now) then
      resume(worker)
      any = true
    end
    if worker.dead then
      table.remove(workers, i)
    end
  end
  return any
end

-- Gives those their turn that asked for it; true where there were any.
local function give_turns(workers, after_turns)
  local turns = {}
  for _, worker in ipairs(workers) do
    if worker.kind == TURN then
      worker.what()
      turns[#turns + 1] = worker
    end
  end
  if #turns == 0 then
    return false
  end
  after_turns()
  for _, worker in ipairs(turns) do
    resume(worker)
  end
  return true
end

-- Seconds until the first worker that waits for a time is ready, or max.
local function next_time(workers, max)
  local now = core.monotonic()
  local seconds = max
  for _, worker in ipairs(workers) do
    if worker.kind == TIME then
      seconds = math.min(seconds, math.max(worker.what - now, 0))
    end
  end
  return seconds
end

-- Seconds without a look at what has ended.
local LONGEST_WAIT = 0.2

local function run_all(workers, idle, after_turns)
  while #workers > 0 do
    local went_on = resume_ready(workers)
    went_on = give_turns(workers, after_turns) or went_on
    if not went_on and #workers > 0 then
      idle(next_time(workers, LONGEST_WAIT))
    end
  end
end

-- Lets each worker learn that its transfer was given up, so that nothing is sent later.
local function give_up(workers)
  for _, worker in ipairs(workers) do
    if worker.kind == TRANSFER then
      core.cancel(worker.what)
      coroutine.resume(worker.thread)
    end
  end
end

--- Run a function in several workers until all of them have returned.
-- @tparam integer count
-- @tparam function work
-- @tparam table hooks
-- @tparam function hooks.idle waits for so many seconds at most, and steps the engine
-- @tparam function hooks.after_turns called after each round of turns
-- @tparam function hooks.stop called before workers are given up
-- @raise what a worker, its turn, or `idle` raises
function scheduler.run(count, work, hooks)
  local workers = {}
  for i = 1, count do
    workers[i] = { thread = coroutine.create(work) }
    resume(workers[i])
  end
  local ok, raised = protect.call(run_all, workers, hooks.idle, hooks.after_turns)
  if not ok then
    hooks.stop()
    give_up(workers)
    error(raised, 0)
  end
end

return scheduler
