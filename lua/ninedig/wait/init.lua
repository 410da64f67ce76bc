--- How a call waits for its answer: the choice among the ways to do so, each of which is a file of
-- this folder. Whoever wants another one writes a file like `loop`, which is the shortest that
-- yields, and has it chosen here.
--
-- A way to wait is a table:
--
-- `carry_out(transfer, watch)` hands a prepared transfer over and waits until it has ended; where
-- the caller may go away meanwhile, its watch of `ninedig.events`, if there is one, is told then;
-- `pause(seconds)` waits for nothing;
-- `protected` is the pcall that fits, see `ninedig.wait.protect`;
-- `idle(seconds)` starts what was submitted and waits, no longer than that, until something may
-- have ended; it returns what `core.step` does;
-- `in_threads(count, work)`, in place of `idle`, runs `work` in so many threads at once, with a
-- function that tells whether this is still awaited;
-- `detach(f)`, where there is one, runs `f` where nobody can end it, and is false where it cannot;
-- `may_send(name)`, where there is one, is called before each request, may wait, and tells whether
-- it may be sent;
-- `held`, where there is one, is for how many seconds that has waited: no call's own time;
-- `given_up`, where it is true, means that nothing is sent or waited for any more.
local blocking = require("ninedig.wait.blocking")
local nginx = rawget(_G, "ngx") and require("ninedig.wait.nginx")

local wait = {}

--- The way to wait of a caller whose event loop sleeps.
-- @tparam function sleep of seconds
-- @treturn table
function wait.hosted(sleep)
  return require("ninedig.wait.loop").new(sleep)
end

--- The way to wait where we are.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] string why nothing can wait here
function wait.here()
  local phase = nginx and nginx.phase()
  if not phase or phase == "init" then -- nobody is being served
    return blocking
  end
  local refusal = nginx.refusal(phase)
  if refusal then
    return nil, refusal
  end
  return nginx
end

--- The way of every call, where that is no question of the phase: outside of nginx.
wait.everywhere = not (nginx and nginx.phase()) and blocking or nil

return wait
