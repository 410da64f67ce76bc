--- What the parts of the benchmark measure with.
--
-- A program is a list of words. With a number of calls after them, it makes so many calls and ends;
-- without one, it is ordered to: it reads numbers and answers each, see serve.lua and bare.c.
local mock = require("spec.support.mock")
local system = require("system")

local tools = {}

--- Where the programs of spec/bench/*.c are.
tools.build = os.getenv("NINEDIG_BENCH") or "build/bench"

--- A program of this folder in Lua.
-- @tparam string name
-- @param ... what it takes
-- @treturn table
function tools.lua(name, ...)
  return { os.getenv("NINEDIG_LUA") or "lua5.4", ("spec/bench/%s.lua"):format(name), ... }
end

local files_made = 0

-- A name for a file, which goes when the mock does.
local function new_path()
  files_made = files_made + 1
  return ("%s/bench-%d"):format(mock.dir, files_made)
end

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

local function command_of(...)
  local words = {}
  for _, list in ipairs { ... } do
    for _, word in ipairs(list) do
      words[#words + 1] = quote(word)
    end
  end
  return table.concat(words, " ")
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function run(command)
  local log = new_path()
  if not os.execute(("%s >%s 2>&1"):format(command, quote(log))) then
    error(("this failed: %s\n%s"):format(command, read_file(log)), 0)
  end
end

--- What a program prints.
-- @tparam table program
-- @param ... more words for its command line
-- @treturn string
function tools.output(program, ...)
  local pipe = assert(io.popen(command_of(program, { ... }) .. " 2>&1"))
  local output = pipe:read("a")
  pipe:close()
  return output
end

--- Run a program to its end.
-- @tparam table program
-- @tparam integer calls
function tools.run(program, calls)
  run(command_of(program, { calls }))
end

-- Counts instructions in user space, and writes what it has counted to a file.
local function callgrind(out, ...)
  return { "valgrind", "--tool=callgrind", "--callgrind-out-file=" .. out, ... }
end

local function read_total(path)
  return assert(tonumber(read_file(path):match("\ntotals: (%d+)")), "callgrind counted nothing")
end

--- Instructions of a program that makes so many calls.
-- @tparam table program
-- @tparam integer calls
-- @treturn integer
function tools.instructions(program, calls)
  local out = new_path()
  run(command_of(callgrind(out), program, { calls }))
  return read_total(out)
end

-- A program that is ordered twice enters `clock` four times: from the last one on, the second order
-- is done, and what it took is written down.
local AFTER_SECOND_ORDER = 4

--- Instructions of a warm call: of a program that is ordered twice, those of the second order. The
-- handshakes are done in the first; they differ from run to run, as some resume a session and
-- others do not.
-- @tparam table program
-- @tparam integer few calls of the first order
-- @tparam integer many calls of the second
-- @treturn number
function tools.warm_instructions(program, few, many)
  local out = new_path()
  run(("printf '%d\\n%d\\n' | %s"):format(few, many,
    command_of(callgrind(out, "--dump-before=clock"), program)))
  local is_unclear = io.open(("%s.%d"):format(out, AFTER_SECOND_ORDER + 1))
  assert(not is_unclear, "a program of the benchmark enters clock() too often")
  return read_total(("%s.%d"):format(out, AFTER_SECOND_ORDER)) / many
end

-- System calls of a program that makes so many calls, in all its threads.
local function system_calls(program, calls)
  local out = new_path()
  run(command_of({ "strace", "-f", "-c", "-U", "calls,name", "-o", out }, program, { calls }))
  return assert(tonumber(read_file(out):match("(%d+)%s+total")), "strace counted nothing")
end

--- System calls of a warm call: two runs differ by warm calls alone, as what it takes to start and
-- to connect is in both.
-- @tparam table program
-- @tparam integer few calls of one run
-- @tparam integer many calls of the other
-- @treturn number
function tools.warm_system_calls(program, few, many)
  return (system_calls(program, many) - system_calls(program, few)) / (many - few)
end

-- The ids of nginx and of this process, whose children inherit where they may run.
local function processes()
  local master = read_file(mock.dir .. "/nginx.pid"):match("%d+")
  local children = read_file(("/proc/%s/task/%s/children"):format(master, master))
  local own = read_file("/proc/self/stat"):match("^%d+")
  local ids = { own, master }
  for child in children:gmatch("%d+") do
    ids[#ids + 1] = child
  end
  return ids
end

local function run_on(processors)
  for _, id in ipairs(processes()) do
    run(command_of { "taskset", "-c", "-p", processors, id })
  end
end

--- Call a function while this process, what it starts and the mock keep to one processor. Else it
-- depends on where the scheduler puts two processes that wait for each other, and differs from run
-- to run, what a call takes: up to three times as much.
-- @tparam function action
-- @return what it returns
function tools.on_one_processor(action)
  local allowed = read_file("/proc/self/status"):match("Cpus_allowed_list:%s*(%S+)")
  run_on(allowed:match("%d+"))
  local result = action()
  run_on(allowed)
  return result
end

local Server = {}
Server.__index = Server

--- Start a program that is told how many calls to make, again and again.
-- @tparam table program
-- @treturn table with `make` and `stop`
function tools.serve(program)
  local answers = new_path()
  run("mkfifo " .. quote(answers))
  local orders = assert(io.popen(command_of(program) .. " >" .. quote(answers), "w"))
  local server = setmetatable({ orders = orders, answers = assert(io.open(answers)) }, Server)
  os.remove(answers)
  return server
end

--- Have it make calls.
-- @tparam integer calls
-- @treturn table seconds of `wall` and `cpu` for one call, `resident` and `peak` in kB
function Server:make(calls)
  local start = system.monotime()
  self.orders:write(calls, "\n")
  self.orders:flush()
  local cpu, resident, peak = self.answers:read("n", "n", "n")
  local wall = system.monotime() - start
  assert(peak, "a program of the benchmark has ended")
  return { wall = wall / calls, cpu = cpu / calls, resident = resident, peak = peak }
end

--- End it.
function Server:stop()
  self.orders:close()
  self.answers:close()
end

--- The median of one field of a list of tables.
-- @tparam table list
-- @tparam string field
-- @treturn number
function tools.median(list, field)
  local values = {}
  for i, entry in ipairs(list) do
    values[i] = entry[field]
  end
  table.sort(values)
  local middle = #values // 2
  return #values % 2 == 1 and values[middle + 1] or (values[middle] + values[middle + 1]) / 2
end

return tools
