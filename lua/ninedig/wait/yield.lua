--- What a way to wait that yields says where it cannot.
local core = require("ninedig.core")

local yield = {}

local AND_PCALL = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
  and ", or pcall itself on Lua 5.1: use ninedig.safe there, or a pcall that can be yielded across,"
    .. " such as coxpcall's"
  or ""

--- Whether a coroutine could yield where the caller is.
-- @function is_possible
-- @treturn boolean
yield.is_possible = core.can_yield

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
  return "CANNOT_YIELD_HERE",
    "the call would have to yield to wait for its answer, and cannot: between it and its coroutine"
      .. " is a function in C, such as string.gsub, table.sort, require, a __tostring that"
      .. " string.format calls" .. AND_PCALL .. "; nothing was sent. Make the call outside of it"
end

--- Why nothing can wait outside of coroutines.
-- @tparam string raised by what should have waited
-- @treturn string the name of the error
-- @treturn string its message
function yield.refusal_in_main(raised)
  return "CANNOT_YIELD_HERE",
    "the call would have to wait in `sleep`, which fails here, outside of all coroutines: "
      .. raised .. "; nothing was sent. Make the call in a coroutine of the event loop"
end

return yield
