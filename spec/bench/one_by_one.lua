--- One call after the other, by one client: what ninedig adds to bare libcurl.
--
-- Both sides make the same deletions of the same mock, over TLS with keep-alive; that their
-- requests are the same to the byte is checked first. All processes share one processor: then an
-- answer never comes before it is waited for, which would save a system call now and then.
--
-- * Instructions (callgrind) and system calls (strace) of a warm call: two lengths of run are
--   counted, and their difference is divided by the calls that the longer one makes more.
-- * Wall time and CPU of a warm call: both programs run side by side, and take turns at making
--   a batch of calls; the medians of all batches are compared. Other load of the machine comes
--   upon both alike.
-- * Start-up: the instructions of a process that makes one call, the interpreter and `require`
--   included.
-- * Memory: what /proc says of a process that makes 50,000 calls.
-- * TLS handshakes: connections that the mock has seen; there is no call without one.
local mock = require("spec.support.mock")
local tools = require("spec.bench.tools")

local FEW, MANY = 100, 1100
local BATCH, ROUNDS = 100, 200
local SETTLED, LONG = 2000, 50000
local RECORDED = 300

local function programs(base_url, user_agent)
  local where = { base_url, mock.ca_file, mock.token }
  return {
    ours = { os.getenv("NINEDIG_LUA") or "lua5.4", "spec/bench/calls.lua", table.unpack(where) },
    bare = { tools.build .. "/bare", user_agent, table.unpack(where) },
  }
end

-- What both sides need: `measure` is called for each, and what it returns kept by side.
local function of_both(programs_of, measure)
  return { ours = measure(programs_of.ours), bare = measure(programs_of.bare) }
end

-- Where calls are recorded: the user agent, which bare.c has to be told, and how many connections
-- the calls of each side took. Fails where the sides do not send the same.
local function compare_requests()
  local world = mock.world()
  local base_url = world:base_url("ok")
  tools.run(programs(base_url, "").ours, RECORDED)
  local first = assert(world:requests()[1], "ninedig has sent nothing")
  local user_agent = first.headers["user-agent"]
  tools.run(programs(base_url, user_agent).bare, RECORDED)
  local requests = world:requests()
  assert(#requests == 2 * RECORDED, "a side has not made each call once")

  local connections, known = { ours = 0, bare = 0 }, {}
  local function count(side, connection)
    connections[side] = connections[side] + (known[connection] and 0 or 1)
    known[connection] = true
  end
  for i = 1, RECORDED do
    local ours, bare = requests[i], requests[RECORDED + i]
    count("ours", ours.connection)
    count("bare", bare.connection)
    assert(ours.head == bare.head and ours.body == bare.body,
      "the two sides do not send the same request")
  end
  return user_agent, connections
end

local function take_turns(both)
  local servers = of_both(both, tools.serve)
  local turns = { ours = {}, bare = {} }
  servers.ours:make(BATCH)
  servers.bare:make(BATCH)
  for round = 1, ROUNDS do
    turns.ours[round] = servers.ours:make(BATCH)
    turns.bare[round] = servers.bare:make(BATCH)
  end
  servers.ours:stop()
  servers.bare:stop()
  return turns
end

local function run_long(program)
  local server = tools.serve(program)
  local settled = server:make(SETTLED)
  local last = server:make(LONG - SETTLED)
  server:stop()
  return { peak = last.peak, growth = last.resident - settled.resident }
end

local part = { title = "One call after the other" }

local function measure(note)
  note("comparing the requests")
  local user_agent, connections = compare_requests()
  local both = programs(mock.world():base_url("bench"), user_agent)

  note("counting instructions")
  local instructions = of_both(both, function(program)
    return tools.per_warm_call(tools.instructions, program, FEW, MANY)
  end)
  local start_up = of_both(both, function(program)
    return tools.instructions(program, 1)
  end)
  note("counting system calls")
  local system_calls = of_both(both, function(program)
    return tools.per_warm_call(tools.system_calls, program, FEW, MANY)
  end)
  note("taking times")
  local turns = take_turns(both)
  local function median(field)
    return { ours = tools.median(turns.ours, field), bare = tools.median(turns.bare, field) }
  end
  local wall, cpu = median("wall"), median("cpu")
  note(("making %d calls"):format(LONG))
  local memory = of_both(both, run_long)

  return {
    { "instructions per warm call", of = instructions, unit = "k", per = 1e-3, max_ratio = 1.15 },
    { "CPU per warm call", of = cpu, unit = "us", per = 1e6, max_ratio = 1.15 },
    { "wall time per warm call", of = wall, unit = "us", per = 1e6 },
    { "system calls per warm call", of = system_calls, unit = "", max_ratio = 1.05 },
    { "instructions to the first answer", of = start_up, unit = "M", per = 1e-6, max_ratio = 1.28 },
    {
      "peak resident memory",
      of = { ours = memory.ours.peak, bare = memory.bare.peak },
      unit = "KiB",
      max_ratio = 1.10,
    },
    {
      ("growth from call %d to %d"):format(SETTLED, LONG),
      of = { ours = memory.ours.growth, bare = memory.bare.growth },
      unit = "KiB",
      below = 256,
    },
    {
      ("TLS handshakes for %d calls"):format(RECORDED),
      of = connections,
      unit = "",
      exactly = 1,
    },
  }
end

--- Measure.
-- @tparam function note called with what is being done
-- @treturn table rows for the report
function part.run(note)
  return tools.on_one_processor(function()
    return measure(note)
  end)
end

return part
