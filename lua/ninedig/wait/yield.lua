--- What a way to wait that yields says where it cannot.
local core = require("ninedig.core")

local yield = {}

local AND_PCALL = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
  and ", or pcall itself on Lua 5.1: use ninedig.safe there, or a pcall that can be yielded across,"
    .. " such as coxpcall's"
  or ""

-- The coroutine that is given up as soon as it yields.
local given_up_coroutine

--- Run a function that is left where it first yields.
-- @tparam function run calls what it is given in a coroutine of its own, and leaves that where it
-- yields
-- @tparam function f
function yield.leave_where_it_yields(run, f)
  local before = given_up_coroutine
  run(function()
    given_up_coroutine = coroutine.running()
    f()
  end)
  given_up_coroutine = before
end

local function is_given_up()
  return given_up_coroutine ~= nil and coroutine.running() == given_up_coroutine
end

--- Whether a coroutine could yield where the caller is, and be resumed.
-- @treturn boolean
function yield.is_possible()
  return core.can_yield() and not is_given_up()
end

--- Whether we are in no coroutine at all.
-- @treturn boolean
function yield.is_in_main()
  local thread, is_main = coroutine.running()
  return not thread or is_main == true
end

--- Why nothing can wait inside what cannot be yielded across.
-- @treturn string the name of the error
-- @treturn string its message
function yield.refusal()
  if is_given_up() then
    return "CANNOT_YIELD_HERE",
      "the call would have to wait for its answer, and cannot: what on_event does is left where it"
        .. " waits; nothing was sent. Make the call in a timer or another coroutine"
  end
  return "CANNOT_YIELD_HERE",
    "the call would have to yield to wait for its answer, and cannot: between it and its coroutine"
      .. " is a function in C, such as string.gsub, table.sort, require, a __tostring that"
      .. " string.format calls" .. AND_PCALL .. "; nothing was sent. Make the call outside of it"
end

--- Why nothing can wait outside of coroutines. What was raised there is not told: it can be
-- anything, a secret too.
-- @treturn string the name of the error
-- @treturn string its message
function yield.refusal_in_main()
  return "CANNOT_YIELD_HERE",
    "the call would have to wait in `sleep`, and sleep(0) fails here, outside of all coroutines;"
      .. " nothing was sent. Make the call in a coroutine of the event loop"
end

return yield
