--- A pcall that can be yielded across, on every VM.
local protect = {}

local function pass_on(thread, ok, ...)
  if not ok or coroutine.status(thread) == "dead" then
    return ok, ...
  end
  return pass_on(thread, coroutine.resume(thread, coroutine.yield(...)))
end

local function pcall_in_coroutine(f, ...)
  local thread = coroutine.create(f)
  return pass_on(thread, coroutine.resume(thread, ...))
end

-- Lua 5.1 itself, unlike LuaJIT, cannot yield out of a pcall.
local pcall_blocks_yields = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

--- Like `pcall`; the function may yield.
-- @function call
protect.call = pcall_blocks_yields and pcall_in_coroutine or pcall

return protect
