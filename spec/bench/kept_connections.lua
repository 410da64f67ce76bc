--- Resident memory for each connection that is kept.
--
-- A program makes so many deletions at once of a service that takes its time, on as many
-- connections, and later more; what it has grown by is divided by the connections that the mock has
-- seen more. many.c has an easy handle for each, which it needs to use them all at once.
local mock = require("spec.support.mock")
local tools = require("spec.bench.tools")

local FEW, MANY = 64, 256
local SLOWLY = "delay-3000" -- so that all have begun before the first is answered

local function count_connections(world)
  local known, count = {}, 0
  for _, request in ipairs(world:requests()) do
    count = count + (known[request.connection] and 0 or 1)
    known[request.connection] = true
  end
  return count
end

-- What a program grows by, in kB for a connection; it is given where the service is.
local function measure(program_at)
  local world = mock.world()
  local server = tools.serve(program_at(world:base_url(SLOWLY)))
  local few = server:make(FEW).resident
  local connections = count_connections(world)
  local many = server:make(MANY).resident
  connections = count_connections(world) - connections
  server:stop()
  assert(connections > FEW, "the machine is too busy to have that many under way at once")
  return (many - few) / connections
end

local part = { title = "Connections that are kept" }

--- Measure.
-- @tparam function note called with what is being done
-- @treturn table rows for the report
function part.run(note)
  note(("keeping %d connections"):format(MANY))
  local memory = {
    ours = measure(function(base_url)
      return tools.lua("kept", base_url, mock.ca_file, mock.token, MANY)
    end),
    bare = measure(function(base_url)
      return { tools.build .. "/many", MANY, "bare", base_url, mock.ca_file, mock.token }
    end),
  }
  return { { "resident memory for each", of = memory, unit = "kB", at_most = 56 } }
end

return part
