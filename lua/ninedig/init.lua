--- Delete WhatsApp inboxes: at most one send, an honest outcome, no leaked token.
--
-- Its functions, and the methods of its clients, raise an @{error}; those of @{ninedig.safe} return
-- `nil, err`.
-- @module ninedig
-- @usage
-- local ninedig = require("ninedig")
-- local client = ninedig.client { access_token = os.getenv("NINEDIG_ACCESS_TOKEN") }
-- client:delete_inbox { accountID = 1, inboxID = 10 }
local client = require("ninedig.client")
local safe = require("ninedig.safe")

local ninedig = {}

--- "ninedig" and the version.
ninedig._VERSION = safe._VERSION

--- The service's calls: for each its `method`, `path`, `effect`, `params` and `reasons`.
ninedig.calls = safe.calls

--- The reason codes of `delete_inbox`: by code `{ code, name, message }`, by name the code.
ninedig.reasons = safe.reasons

--- What each `err.name` means: by name `{ kind, message }`.
ninedig.names = safe.names

-- Passes on what succeeded, and raises what failed.
local function raised(first, ...)
  if first == nil then
    error((...), 0)
  end
  return first, ...
end

local methods = {}
for name, method in pairs(client.methods) do
  methods[name] = function(self, ...)
    return raised(method(self, ...))
  end
end

function methods:close()
  local _, err = client.methods.close(self)
  if err then
    error(err, 0)
  end
end

-- What `on_result` raised passes through as it is.
function methods:delete_inboxes(list, options)
  local report, err, thrown = client.methods.delete_inboxes(self, list, options)
  if not report then
    error(thrown == nil and err or thrown, 0)
  end
  return report
end

local metatable = client.metatable(methods)

--- Delete a WhatsApp inbox, with everything in it. It cannot be undone.
-- At most one request is sent; see `err.outcome` for what an error proves.
-- @tparam table params
-- @tparam[opt] string params.access_token needed unless the client has one
-- @tparam integer|string params.accountID 1 to 18 digits, above 0
-- @tparam integer|string params.inboxID 1 to 18 digits, above 0
-- @tparam[opt="online"] string params.server the account's subdomain, one DNS label
-- @tparam[opt] string params.whatsapp_number nothing is sent unless the inbox holds this number
-- @tparam[opt] boolean params.verify an unknown outcome is followed by reading back
-- @tparam[opt] table options see `client`
-- @treturn table what the service confirmed: `status`, `reason`, `accountID`, `server`, `inboxID`,
-- `whatsapp_number`, and whatever else it sent
-- @raise an @{error}: `err.reason` is the service's code, `err.outcome` says whether the
-- deletion can have happened
-- @usage local gone = ninedig.delete_inbox { access_token = token, accountID = 1, inboxID = 10 }
function ninedig.delete_inbox(params, options)
  return raised(safe.delete_inbox(params, options))
end

--- Make a client, whose options are checked once.
-- @tparam[opt] table options
-- @tparam[opt] string options.base_url where the service is; https, or http to a loopback host
-- @tparam[opt] string options.access_token for calls that are given none
-- @tparam[opt] string options.client_id with `client_secret`, in place of a token
-- @tparam[opt] string options.client_secret with `client_id`
-- @tparam[opt=30] number options.timeout seconds for a whole call, above 0, at most 86400
-- @tparam[opt=10] number options.connect_timeout seconds for name, connect and TLS
-- @tparam[opt=4] number options.max_idle seconds a reused connection may have been idle, 0 to 3600
-- @tparam[opt=16777216] integer options.max_response_bytes of a list, 1024 to 2^30; another answer
-- may have 65536, or this, if it is less
-- @tparam[opt] string options.ca_file path of a PEM bundle, in place of the system's store
-- @tparam[opt] string options.proxy URL, or "" for none; the environment's where it is not given
-- @tparam[opt] string options.user_agent put before ninedig's own
-- @tparam[opt=64] integer options.max_in_flight connections at once, 1 to 1024
-- @tparam[opt] function options.sleep `sleep(seconds)` of the caller's event loop
-- @tparam[opt] function options.on_event told of each request, answer, pause and verdict
-- @treturn client
-- @raise an @{error} of kind `argument`
-- @usage local client = ninedig.client { access_token = token, timeout = 60 }
function ninedig.client(options)
  return raised(client.new(options, metatable))
end

--- Whether a value is an @{error} of ninedig.
-- @function is_error
-- @param value anything
-- @treturn boolean
ninedig.is_error = safe.is_error

return ninedig
