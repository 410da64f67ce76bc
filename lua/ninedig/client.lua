--- Clients: options that are checked once and shared by many calls.
local call = require("ninedig.call")
local core = require("ninedig.core")
local errors = require("ninedig.error")

local client = {}

local methods = {}

--- What every client can do; a method returns `nil, err` where it fails.
client.methods = methods

--- Make a client.
-- @tparam[opt] table options see `ninedig.client`
-- @tparam table metatable of the client
-- @treturn[1] table client
-- @treturn[2] nil
-- @treturn[2] table the error
function client.new(options, metatable)
  local settings, err = core.settings(options)
  if not settings then
    return nil, err
  end
  local sleep = options and rawget(options, "sleep")
  return setmetatable({ settings = settings, sleep = sleep }, metatable)
end

--- A metatable for clients with these methods.
-- @tparam table index the methods
-- @treturn table
function client.metatable(index)
  return { __index = index, __close = index.close, __name = "ninedig.client" }
end

for name in pairs(core.calls) do
  methods[name] = function(self, params)
    if not self.settings then
      return nil, errors.argument("CLIENT_CLOSED", "the client is closed; make a new one", name)
    end
    return call.perform(self.settings, name, params, self.sleep)
  end
end

--- End the use of a client; doing it twice is no error. Calls that are under way go on.
function methods:close()
  self.settings = nil
end

return client
