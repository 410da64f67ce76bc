--- The same functions and clients as those of @{ninedig}, returning `nil, err` instead of raising.
-- @module ninedig.safe
-- @usage
-- local ninedig = require("ninedig.safe")
-- local gone, err = ninedig.delete_inbox { access_token = token, accountID = 1, inboxID = 10 }
local client = require("ninedig.client")
local core = require("ninedig.core")
local errors = require("ninedig.error")

local safe = {}

--- As in @{ninedig}.
safe._VERSION = "ninedig " .. core.version

--- As in @{ninedig}.
safe.calls = core.calls

--- As in @{ninedig}.
safe.reasons = core.calls.delete_inbox.reasons

--- As in @{ninedig}.
safe.names = core.names

--- Whether a value is an @{error} of ninedig.
-- @function is_error
-- @param value anything
-- @treturn boolean
safe.is_error = errors.is_error

local metatable = client.metatable(client.methods)

--- Make a client.
-- @tparam[opt] table options see @{ninedig.client}
-- @treturn[1] client
-- @treturn[2] nil
-- @treturn[2] error of kind `argument`
function safe.client(options)
  local made, err = client.new(options, metatable) -- no tail call: see `err.where`
  return made, err
end

local default

-- Options that are given with a call are checked each time; without any, one client serves.
local function client_for(options)
  local err
  if options ~= nil then
    local made
    made, err = safe.client(options)
    if made and made.session then
      require("ninedig.session").share_refusal(made)
    end
    return made, err
  end
  if not default then
    default, err = safe.client()
  end
  return default, err
end

--- Delete a WhatsApp inbox, with everything in it. It cannot be undone.
-- @tparam table params see @{ninedig.delete_inbox}
-- @tparam[opt] table options see @{ninedig.client}
-- @treturn[1] table what the service confirmed
-- @treturn[2] nil
-- @treturn[2] error
function safe.delete_inbox(params, options)
  local chosen, err = client_for(options)
  if not chosen then
    return nil, err
  end
  local result
  result, err = chosen:delete_inbox(params)
  return result, err
end

return safe
