--- Many at once: 1000 deletions of a service that takes 20 ms for each, 64 in flight.
--
-- Against many.c, which makes the same requests by a curl_multi; and, to show where a shell script
-- would be, against `curl --parallel`.
--
-- * Cold, which is how such a list is worked off: a new process opens its 64 connections and makes
--   them. What it takes to start is not counted, but for curl.
-- * Warm: the same process makes them again. Without the handshakes, what is Lua's own (the list is
--   checked, copied and reported on, and each call is a coroutine's) is a larger part of the rest.
-- * Instructions of a warm deletion (callgrind), as in one_by_one.lua.
--
-- Times are medians of rounds in which the sides take turns.
local mock = require("spec.support.mock")
local system = require("system")
local tools = require("spec.bench.tools")

local CALLS, IN_FLIGHT, ROUNDS = 1000, 64, 15
local FEW = 200
local RECORDED = 300

local function programs(base_url, user_agent)
  local where = { base_url, mock.ca_file, mock.token }
  return {
    ours = tools.lua("many", table.unpack(where)),
    bare = { tools.build .. "/many", IN_FLIGHT, user_agent, table.unpack(where) },
  }
end

local function of_both(programs_of, measure)
  return { ours = measure(programs_of.ours), bare = measure(programs_of.bare) }
end

-- What a side has sent: its requests by their text, and how many connections they took. None may be
-- there twice.
local function summarise(requests, first, last)
  local texts, known, connections = {}, {}, 0
  for i = first, last do
    local request = requests[i]
    local text = request.head .. request.body
    assert(not texts[text], "a deletion was sent twice")
    texts[text] = true
    connections = connections + (known[request.connection] and 0 or 1)
    known[request.connection] = true
  end
  return texts, connections
end

-- The user agent, which many.c has to be told, and how many connections the recorded calls took.
-- Fails where the sides do not send the same.
local function compare_requests()
  local world = mock.world()
  local base_url = world:base_url("delay-20")
  tools.run(programs(base_url, "").ours, RECORDED)
  local sent = assert(world:requests()[1], "ninedig has sent nothing")
  local user_agent = sent.headers["user-agent"]
  tools.run(programs(base_url, user_agent).bare, RECORDED)
  local requests = world:requests()
  assert(#requests == 2 * RECORDED, "a side has not made each call once")
  local ours, our_connections = summarise(requests, 1, RECORDED)
  local bare, bare_connections = summarise(requests, RECORDED + 1, 2 * RECORDED)
  for text in pairs(ours) do
    assert(bare[text], "the two sides do not send the same requests")
  end
  return user_agent, { ours = our_connections, bare = bare_connections }
end

-- A configuration for curl that makes the calls.
local function write_curl_config(base_url, user_agent)
  local path = mock.dir .. "/bench-curl"
  local file = assert(io.open(path, "w"))
  for inbox = 1, CALLS do
    file:write(inbox > 1 and "next\n" or "", ([[
url = "%s/online/deleteInbox"
request = "DELETE"
http1.1
silent
fail
proxy = ""
max-time = 30
connect-timeout = 10
output = "/dev/null"
cacert = "%s"
user-agent = "%s"
header = "Authorization: Bearer %s"
header = "Content-Type: application/json"
header = "Accept: application/json"
data = "{\"accountID\":1,\"server\":\"online\",\"inboxID\":%d}"
]]):format(base_url, mock.ca_file, user_agent, mock.token, inbox))
  end
  file:close()
  return path
end

-- Runs curl; what its process took, by the shell's `times`.
local function run_curl(config)
  local command = ("curl --parallel --parallel-max %d --no-progress-meter -K '%s' >/dev/null 2>&1"
    .. " && times"):format(IN_FLIGHT, config)
  local start = system.monotime()
  local pipe = assert(io.popen(command))
  local output = pipe:read("a")
  local wall = system.monotime() - start
  pipe:close()
  local cpu = 0
  for minutes, seconds in assert(output:match("\n(.*)"), "curl failed"):gmatch("(%d+)m([%d.]+)s") do
    cpu = cpu + 60 * minutes + seconds
  end
  return { wall = wall / CALLS, cpu = cpu / CALLS }
end

local function run_both(program)
  local server = tools.serve(program)
  local cold = server:make(CALLS)
  local warm = server:make(CALLS)
  server:stop()
  return cold, warm
end

local function take_turns(both, curl_config)
  local turns = {
    cold = { ours = {}, bare = {} }, warm = { ours = {}, bare = {} }, curl = {},
  }
  for round = 1, ROUNDS do
    for _, side in ipairs { "ours", "bare" } do
      turns.cold[side][round], turns.warm[side][round] = run_both(both[side])
    end
    turns.curl[round] = run_curl(curl_config)
  end
  return turns
end

local part = { title = ("%d deletions of 20 ms, %d at once"):format(CALLS, IN_FLIGHT) }

--- Measure.
-- @tparam function note called with what is being done
-- @treturn table rows for the report
function part.run(note)
  note("comparing the requests")
  local user_agent, connections = compare_requests()
  local base_url = mock.world():base_url("bench-20")
  local both = programs(base_url, user_agent)
  note("counting instructions")
  local instructions = of_both(both, function(program)
    return tools.warm_instructions(program, FEW, CALLS)
  end)
  note("taking times")
  local turns = take_turns(both, write_curl_config(base_url, user_agent))
  local function median(which, field)
    return {
      ours = tools.median(turns[which].ours, field), bare = tools.median(turns[which].bare, field),
    }
  end
  local function beside_curl(field)
    return { ours = median("cold", field).ours, bare = tools.median(turns.curl, field) }
  end

  local all = 1e3 * CALLS
  return {
    { "wall time, cold", of = median("cold", "wall"), unit = "ms", per = all, max_ratio = 1.05 },
    { "CPU, cold", of = median("cold", "cpu"), unit = "ms", per = all, max_ratio = 1.05 },
    { "wall time, warm", of = median("warm", "wall"), unit = "ms", per = all },
    { "CPU, warm", of = median("warm", "cpu"), unit = "ms", per = all },
    {
      "instructions per warm deletion",
      of = instructions,
      unit = "k",
      per = 1e-3,
      max_ratio = 0.75,
    },
    { "wall time, beside curl --parallel", of = beside_curl("wall"), unit = "ms", per = all },
    { "CPU, beside curl --parallel", of = beside_curl("cpu"), unit = "ms", per = all },
    {
      ("TLS handshakes for %d deletions"):format(RECORDED),
      of = connections,
      unit = "",
      exactly = IN_FLIGHT,
    },
  }
end

return part
