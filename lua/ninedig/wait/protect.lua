--- A pcall that can be yielded across, on every VM.
local protect = {}

-- Lua 5.1 itself, unlike LuaJIT, cannot yield out of a pcall. There the function is run in a
-- coroutine of its own, whose errors are caught where it is resumed, and what it yields is passed
-- on by the caller's. A loop like cqueues resumes the caller's; one that has asked
-- `coroutine.running` in `sleep` resumes the function's, and this then goes on without the caller,
-- which is told when it has come to its end. (An error then goes to the loop, as any other in what
-- it resumes.)
local ENDED = {}

local resume_inner

local function receive(inner, first, ...)
  if first == ENDED then
    return true, ...
  end
  return resume_inner(inner, first, ...)
end

local function pass_on(inner, ok, ...)
  if not ok or coroutine.status(inner.thread) == "dead" then
    return ok, ...
  end
  inner.is_ours = false
  return receive(inner, coroutine.yield(...))
end

function resume_inner(inner, ...)
  inner.is_ours = true
  return pass_on(inner, coroutine.resume(inner.thread, ...))
end

local function tell(ok, ...)
  if not ok then
    error((...), 0)
  end
end

local function finish(inner, ...)
  if inner.is_ours then
    return ...
  end
  tell(coroutine.resume(inner.caller, ENDED, ...))
end

local function new_inner(f)
  local inner = { caller = coroutine.running() }
  inner.thread = coroutine.create(function(...)
    return finish(inner, f(...))
  end)
  return inner
end

local function pcall_in_coroutine(f, ...)
  local made, inner = pcall(new_inner, f)
  if not made then -- memory is out
    return false, inner
  end
  return resume_inner(inner, ...)
end

local pcall_blocks_yields = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

--- Like `pcall`; the function may yield.
-- @function call
protect.call = pcall_blocks_yields and pcall_in_coroutine or pcall

return protect
