--- What can stand between a call and its coroutine: functions by name, each of which calls another
-- one from within something that some VM cannot yield across, and at most once.
local boundaries = {}

local all = {}

function all.nothing(f)
  f()
end

function all.pcall(f)
  pcall(f)
end

function all.pcall_in_pcall(f)
  pcall(pcall, pcall, f)
end

function all.xpcall(f)
  xpcall(f, tostring)
end

function all.error_handler(f)
  xpcall(error, f)
end

function all.gsub(f)
  ("x"):gsub(".", function() f() end)
end

function all.sort(f)
  table.sort({ 1, 2, 3 }, function(a, b)
    f()
    return a < b
  end)
end

function all.require(f)
  local name = "spec.nowhere"
  package.loaded[name], package.preload[name] = nil, function() f() end
  require(name)
end

function all.load_reader(f)
  load(function() f() end)
end

function all.dofile(f)
  local path = os.tmpname()
  local file = io.open(path, "w")
  file:write("SPEC_BOUNDARY()")
  file:close()
  rawset(_G, "SPEC_BOUNDARY", f)
  dofile(path)
  rawset(_G, "SPEC_BOUNDARY", nil)
  os.remove(path)
end

local function with(event, f)
  local function handler()
    f()
    return 1
  end
  return setmetatable({}, { [event] = handler })
end

function all.index(f)
  return with("__index", f).x
end

function all.newindex(f)
  with("__newindex", f).x = 1
end

function all.call_metamethod(f)
  with("__call", f)()
end

function all.add(f)
  return with("__add", f) + 1
end

function all.unary_minus(f)
  return -with("__unm", f)
end

function all.concat(f)
  return with("__concat", f) .. "x"
end

function all.less(f)
  local one = with("__lt", f)
  return one < setmetatable({}, getmetatable(one))
end

function all.equal(f)
  local one = with("__eq", f)
  return one == setmetatable({}, getmetatable(one))
end

function all.length(f)
  return #with("__len", f)
end

local function with_text(f)
  return setmetatable({}, { __tostring = function()
    f()
    return "text"
  end })
end

function all.tostring(f)
  tostring(with_text(f))
end

function all.string_format(f)
  if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then -- that one takes strings only
    ("%s"):format(with_text(f))
  end
end

function all.iterator(f)
  for _ in function() f() end do -- luacheck: ignore 512
    break
  end
end

function all.iterator_in_c(f)
  for _ in ("x"):gmatch(".") do
    f()
  end
end

function all.pairs_metamethod(f)
  local object = setmetatable({}, { __pairs = function()
    f()
    return next, {}
  end })
  for _ in pairs(object) do -- luacheck: ignore 512
    break
  end
end

function all.ipairs_metamethod(f)
  local object = setmetatable({}, { __index = function() f() end })
  for _ in ipairs(object) do -- luacheck: ignore 512
    break
  end
end

function all.foreach(f)
  if table.foreach then -- luacheck: ignore 143
    table.foreach({ 1 }, function() f() end) -- luacheck: ignore 143
  end
end

-- `<close>` is no syntax before Lua 5.4.
local compile = _VERSION == "Lua 5.4" and load

function all.close(f)
  if compile then
    compile("local object <close> = ...")(setmetatable({}, { __close = function() f() end }))
  end
end

function all.close_after_error(f)
  if compile then
    pcall(compile("local object <close> = ... error('x')"),
      setmetatable({}, { __close = function() f() end }))
  end
end

function all.finalizer(f)
  local newproxy = rawget(_G, "newproxy")
  if newproxy then
    getmetatable(newproxy(true)).__gc = f
  else
    setmetatable({}, { __gc = f })
  end
  collectgarbage()
  collectgarbage()
end

local function hooked(event)
  return function(f)
    debug.sethook(function()
      debug.sethook()
      f()
    end, event)
    math.abs(1)
    debug.sethook()
  end
end

all.line_hook, all.call_hook = hooked("l"), hooked("c")

local function once(f)
  local called = false
  return function()
    if not called then
      called = true
      f()
    end
  end
end

--- The names, sorted.
boundaries.names = {}
for name in pairs(all) do
  boundaries.names[#boundaries.names + 1] = name
end
table.sort(boundaries.names)

--- Calls a function within a boundary. Some of them this Lua does not have, and they call nothing.
-- @treturn boolean it was called
function boundaries.call_within(name, f)
  local called = false
  all[name](once(function()
    called = true
    f()
  end))
  return called
end

--- Whether this Lua can yield across a boundary: tried.
-- @treturn ?boolean nil where it does not have it
function boundaries.can_yield_across(name)
  local called = false
  local thread = coroutine.create(function()
    boundaries.call_within(name, function()
      called = true
      coroutine.yield("yielded")
    end)
  end)
  local _, said = coroutine.resume(thread)
  debug.sethook()
  if not called then
    return nil
  end
  return said == "yielded" and coroutine.status(thread) == "suspended"
end

return boundaries
