--- Several calls at once in one coroutine: each worker is a coroutine of its own, and what they
-- wait for is waited for together.
local core = require("ninedig.core")
local protect = require("ninedig.wait.protect")

local workers = {}

-- What a worker yields, and what it is resumed for: an ended transfer, a time, or a turn.
local TRANSFER, TIME, TURN = {}, {}, {}

--- The way to wait of the workers of one run, see `ninedig.wait`. Once it is `given_up`, nothing is
-- sent and nothing waited for any more.
-- @tparam[opt] integer caller whose `idle` alone lets their requests begin
-- @treturn table
function workers.new_way(caller)
  local way = { protected = protect.call, given_up = false }

  function way.carry_out(transfer)
    core.submit(transfer, 0, caller)
    if way.given_up then
      core.cancel(transfer) -- while it is queued
    else
      coroutine.yield(TRANSFER, transfer)
    end
  end

  function way.pause(seconds)
    coroutine.yield(TIME, core.monotonic() + seconds)
  end

  return way
end

--- Run a function in the coroutine that hosts the workers, and go on after it. Those that come in
-- one round are run one after the other, and `after_turns` once after them.
-- @tparam function f
function workers.take_turn(f)
  coroutine.yield(TURN, f)
end

-- Workers that wait for a transfer, in a ring from the first to begin to the last: the first to
-- begin is mostly the first to end.
local function new_ring()
  local ring = {}
  ring.before, ring.after = ring, ring
  return ring
end

local function add_last(ring, worker)
  local last = ring.before
  worker.before, worker.after = last, ring
  last.after, ring.before = worker, worker
end

local function take_off(worker)
  worker.before.after, worker.after.before = worker.after, worker.before
end

local function resume(run, worker)
  local ok, kind, what = coroutine.resume(worker.thread)
  worker.kind, worker.what = kind, what
  worker.dead = not ok or coroutine.status(worker.thread) == "dead"
  if worker.dead then
    run.alive = run.alive - 1
    if not ok then
      error(kind, 0)
    end
  elseif kind == TRANSFER then
    add_last(run.waiting, worker)
  elseif kind == TURN then
    run.turns[#run.turns + 1] = worker
  else
    run.timed[#run.timed + 1] = worker
  end
end

-- Lets those go on whose transfer has ended, of which there are no more than `most`; true where
-- there were any.
local function resume_ended(run, most)
  local worker = run.waiting.after
  local any = false
  while most > 0 and worker ~= run.waiting do
    local after = worker.after
    if core.is_done(worker.what) then
      take_off(worker)
      resume(run, worker)
      most, any = most - 1, true
    end
    worker = after
  end
  return any
end

-- Lets those go on whose time has come; true where there were any.
local function resume_timed(run)
  local timed = run.timed
  if #timed == 0 then
    return false
  end
  local any = false
  local now = core.monotonic()
  run.timed = {}
  for _, worker in ipairs(timed) do
    if now >= worker.what then
      resume(run, worker)
      any = true
    else
      run.timed[#run.timed + 1] = worker
    end
  end
  return any
end

-- Gives those their turn that asked for it; true where there were any.
local function give_turns(run, after_turns)
  local turns = run.turns
  if #turns == 0 then
    return false
  end
  for _, worker in ipairs(turns) do
    worker.what()
  end
  if after_turns then
    after_turns()
  end
  run.turns = {}
  for _, worker in ipairs(turns) do
    resume(run, worker)
  end
  return true
end

-- Seconds without a look at what has ended.
local LONGEST_WAIT = 0.2

-- Seconds until the first worker that waits for a time is ready.
local function next_time(run)
  local seconds = LONGEST_WAIT
  if #run.timed > 0 then
    local now = core.monotonic()
    for _, worker in ipairs(run.timed) do
      seconds = math.min(seconds, math.max(worker.what - now, 0))
    end
  end
  return seconds
end

local function run_all(run, hooks)
  local _, seen = core.step()
  local ended = seen
  while run.alive > 0 do
    local went_on = resume_ended(run, ended - seen)
    seen = ended
    went_on = resume_timed(run) or went_on
    went_on = give_turns(run, hooks.after_turns) or went_on
    if not went_on then
      _, ended = hooks.idle(next_time(run))
    end
  end
end

-- Nothing is sent later.
local function cancel_all(run)
  run.way.given_up = true
  for _, worker in ipairs(run.workers) do
    if worker.kind == TRANSFER then
      pcall(core.cancel, worker.what)
    end
  end
end

-- Lets each worker learn that what it waits for was given up, and come to its end, so that what
-- became of each call is known.
local function give_up(run, hooks)
  cancel_all(run)
  for _, worker in ipairs(run.workers) do
    while not worker.dead do
      if worker.kind == TURN then
        protect.call(worker.what)
      end
      protect.call(resume, run, worker)
    end
  end
  if hooks.after_turns then
    protect.call(hooks.after_turns)
  end
end

local function unguarded(_, f, ...)
  return f(...)
end

--- Run a function in several workers until all of them have returned.
-- @tparam table way from `new_way`, by which they wait
-- @tparam integer count
-- @tparam function work
-- @tparam table hooks
-- @tparam function hooks.idle waits for so many seconds at most, and steps the engine; returns what
-- the step does
-- @tparam[opt] function hooks.guarded calls a function, and another one if that never ends
-- @tparam[opt] function hooks.after_turns called after each round of turns
-- @tparam[opt] function hooks.stop called with what was raised, before the workers are given up
-- @raise what a worker, its turn, or `idle` raises; all workers have ended then
function workers.run(way, count, work, hooks)
  local run = {
    way = way, workers = {}, waiting = new_ring(), timed = {}, turns = {}, alive = count,
  }
  for i = 1, count do
    local worker = { thread = coroutine.create(work), kind = TIME, what = 0, dead = false }
    run.workers[i], run.timed[i] = worker, worker
  end
  local ok, raised = protect.call(hooks.guarded or unguarded, cancel_all, run_all, run, hooks)
  if not ok then
    if hooks.stop then
      hooks.stop(raised)
    end
    give_up(run, hooks)
    error(raised, 0)
  end
end

return workers
