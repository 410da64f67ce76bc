--- One call after the other, by one client: what ninedig adds to bare libcurl, and how it compares
-- with the fastest peer, which is HTTP by hand on LuaSec.
--
-- All sides make the same deletions of the same mock, over TLS with keep-alive; that their
-- requests are the same to the byte is checked first. All processes share one processor: then an
-- answer never comes before it is waited for, which would save a system call now and then.
--
-- * Instructions of a warm call (callgrind): those of the second order to a program, divided by its
--   calls.
-- * System calls of a warm call (strace): two lengths of run are counted, and their difference is
--   divided by the calls that the longer one makes more.
-- * Wall time and CPU of a warm call: the programs run side by side, and take turns at making a
--   batch of calls; the medians of all batches are compared. Other load of the machine comes upon
--   all alike.
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
    ours = tools.lua("calls", table.unpack(where)),
    bare = { tools.build .. "/bare", user_agent, table.unpack(where) },
    peer = tools.lua("luasec", user_agent, table.unpack(where)),
  }
end

-- What all sides need: `measure` is called for each, and what it returns kept by side.
local function of_all(by_side, measure)
  local measured = {}
  for side, one in pairs(by_side) do
    measured[side] = measure(one)
  end
  return measured
end

-- Our figure beside the peer's, for a row.
local function beside_peer(figures)
  return { ours = figures.ours, bare = figures.peer }
end

-- How many connections the requests from one to another took.
local function count_connections(requests, first, last)
  local known, count = {}, 0
  for i = first, last do
    local connection = requests[i].connection
    count = count + (known[connection] and 0 or 1)
    known[connection] = true
  end
  return count
end

-- Where calls are recorded: the user agent, which the others have to be told, and how many
-- connections the calls of each side took. Fails where the sides do not send the same.
local function compare_requests()
  local world = mock.world()
  local base_url = world:base_url("ok")
  tools.run(programs(base_url, "").ours, RECORDED)
  local first = assert(world:requests()[1], "ninedig has sent nothing")
  local user_agent = first.headers["user-agent"]
  local all = programs(base_url, user_agent)
  tools.run(all.bare, RECORDED)
  tools.run(all.peer, RECORDED)
  local requests = world:requests()
  assert(#requests == 3 * RECORDED, "a side has not made each call once")
  for i = RECORDED + 1, #requests do
    local ours, other = requests[(i - 1) % RECORDED + 1], requests[i]
    assert(ours.head == other.head and ours.body == other.body,
      "the sides do not send the same request")
  end
  return user_agent, {
    ours = count_connections(requests, 1, RECORDED),
    bare = count_connections(requests, RECORDED + 1, 2 * RECORDED),
  }
end

-- The medians of a field over all rounds, by side.
local function medians(turns, field)
  return of_all(turns, function(rounds)
    return tools.median(rounds, field)
  end)
end

local function take_turns(all)
  local servers = of_all(all, tools.serve)
  local turns = of_all(servers, function(server)
    server:make(BATCH)
    return {}
  end)
  for round = 1, ROUNDS do
    for side, server in pairs(servers) do
      turns[side][round] = server:make(BATCH)
    end
  end
  for _, server in pairs(servers) do
    server:stop()
  end
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
  local all = programs(mock.world():base_url("bench"), user_agent)
  local both = { ours = all.ours, bare = all.bare }

  note("counting instructions")
  local instructions = of_all(all, function(program)
    return tools.warm_instructions(program, FEW, MANY)
  end)
  local start_up = of_all(both, function(program)
    return tools.instructions(program, 1)
  end)
  note("counting system calls")
  local system_calls = of_all(both, function(program)
    return tools.warm_system_calls(program, FEW, MANY)
  end)
  note("taking times")
  local turns = take_turns(all)
  local wall, cpu = medians(turns, "wall"), medians(turns, "cpu")
  note(("making %d calls"):format(LONG))
  local memory = of_all(both, run_long)

  return {
    { "instructions per warm call", of = instructions, unit = "k", per = 1e-3, max_ratio = 0.52 },
    { "CPU per warm call", of = cpu, unit = "us", per = 1e6, max_ratio = 0.80 },
    { "wall time per warm call", of = wall, unit = "us", per = 1e6 },
    { "system calls per warm call", of = system_calls, unit = "", at_most = 5 },
    { "instructions to the first answer", of = start_up, unit = "M", per = 1e-6, max_ratio = 1.35 },
    {
      "peak resident memory",
      of = { ours = memory.ours.peak, bare = memory.bare.peak },
      unit = "KiB",
      max_ratio = 1.14,
    },
    {
      ("growth from call %d to %d"):format(SETTLED, LONG),
      of = { ours = memory.ours.growth, bare = memory.bare.growth },
      unit = "KiB",
      at_most = 256,
    },
    {
      ("TLS handshakes for %d calls"):format(RECORDED),
      of = connections,
      unit = "",
      exactly = 1,
    },
    {
      "instructions, beside LuaSec",
      of = beside_peer(instructions),
      unit = "k",
      per = 1e-3,
      max_ratio = 1,
    },
    { "CPU, beside LuaSec", of = beside_peer(cpu), unit = "us", per = 1e6, max_ratio = 1 },
    { "wall time, beside LuaSec", of = beside_peer(wall), unit = "us", per = 1e6 },
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
