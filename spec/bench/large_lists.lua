--- A large list of the command, until its first request: read, checked, and bound to its journal.
-- Beside it stands the same for half as many lines: what it takes has to grow linearly, as with the
-- square it would be four times as much.
local mock = require("spec.support.mock")
local tools = require("spec.bench.tools")

local LINES = 100000
local ROUNDS = 3

local PROGRAMS = {
  { "Lua 5.4", { "lua5.4", "spec/bench/read_list.lua" }, "5.4" },
  { "LuaJIT", { "luajit", "spec/bench/read_list.lua" }, "jit" },
  { "Lua 5.1", { "lua5.1", "spec/bench/read_list.lua" }, "5.1" },
}

local part = {
  title = "A list of 100,000 lines, until its first request", against = "half as many",
}

-- The best of some runs, as other load of the machine only adds to it.
local function measure(program, version, lines)
  local best = { seconds = math.huge, kilobytes = math.huge }
  for _ = 1, ROUNDS do
    local output = tools.output({
      "env", "NINEDIG_ACCESS_TOKEN=token", ("LUA_CPATH=./build/%s/?.so;;"):format(version),
      table.unpack(program),
    }, mock.dir, lines)
    local seconds, kilobytes = output:match("([%d.]+) (%d+)\n$")
    assert(seconds, output)
    best.seconds = math.min(best.seconds, tonumber(seconds))
    best.kilobytes = math.min(best.kilobytes, tonumber(kilobytes))
  end
  return best
end

local function is_built(version)
  local file = io.open(("build/%s/ninedig/core.so"):format(version))
  return file ~= nil and file:close()
end

--- Measure, on each Lua that it is built for.
-- @tparam function note called with what is being done
-- @treturn table rows for the report
function part.run(note)
  local rows = {}
  for _, entry in ipairs(PROGRAMS) do
    local name, program, version = entry[1], entry[2], entry[3]
    if is_built(version) then
      note("reading lists on " .. name)
      local whole, half = measure(program, version, LINES), measure(program, version, LINES / 2)
      local seconds = { ours = whole.seconds, bare = half.seconds }
      rows[#rows + 1] = { name .. ": processor time", of = seconds, unit = "s", at_most = 2 }
      rows[#rows + 1] = { name .. ": growth", of = seconds, unit = "s", max_ratio = 3 }
      rows[#rows + 1] = {
        name .. ": peak resident memory",
        of = { ours = whole.kilobytes, bare = half.kilobytes },
        unit = "MB", per = 1024 / 1e6, at_most = 150,
      }
    end
  end
  return rows
end

return part
