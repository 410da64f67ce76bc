--- Clients: options that are checked once and shared by many calls, which are their methods.
--
-- A client of @{ninedig} raises an @{error} where a client of @{ninedig.safe} returns `nil, err`.
-- Each method but `get_access_token` may be given an `access_token` of its own among its params, in
-- place of the client's.
-- @classmod client
-- @usage
-- local client = require("ninedig").client { access_token = os.getenv("NINEDIG_ACCESS_TOKEN") }
-- for _, inbox in ipairs(client:get_inboxes({ accountID = 1 }).list) do
--   print(inbox.id, inbox.name)
-- end

-- What a plain deletion does not need is loaded by the methods that do: to compile it would be an
-- eighth of what it takes to start and to delete an inbox.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local deletion = require("ninedig.deletion")
local wait = require("ninedig.wait")

local client = {}

local methods = {}

-- What every client can do; a method returns `nil, err` where it fails.
client.methods = methods

-- Makes a client with this metatable; or returns nil and an error.
function client.new(options, metatable)
  local settings, timeout = core.settings(options)
  if not settings then
    return nil, errors.locate(timeout)
  end
  options = options or {}
  local sleep = rawget(options, "sleep")
  local on_event = rawget(options, "on_event")
  local made = setmetatable({
    settings = settings,
    timeout = timeout,
    way = not sleep and wait.everywhere or nil,
    hosted = sleep and wait.hosted(sleep) or nil,
    base_url = rawget(options, "base_url"),
    watcher = on_event and require("ninedig.events").new(on_event) or nil,
  }, metatable)
  local id, secret = rawget(options, "client_id"), rawget(options, "client_secret")
  if id ~= nil then
    made.session =
      require("ninedig.session").new(made, { client_id = id, client_secret = secret })
  end
  return made
end

-- A method that was called with a dot in place of a colon has no client.
local function no_client(name)
  return errors.argument(
    "CLIENT_CLOSED",
    "there is no client: it was called with a dot in place of a colon, write client:" .. name
      .. "(...)",
    name
  )
end

local function begin(self, name, params)
  if type(self) ~= "table" then
    return nil, no_client(name)
  end
  return require("ninedig.session").begin(self, name, params)
end

-- A metatable for clients with these methods.
function client.metatable(index)
  return { __index = index, __close = index.close, __name = "ninedig.client" }
end

--- List the partner's accounts. Tried again, twice at most, where it failed on the way.
-- @function client:get_accounts
-- @treturn table `totalOnline` and `list`, of `{ account_id, server, account_name, account_status,
-- create_time, reference }`
-- @raise an @{error}

--- List the inboxes of an account, of every kind.
-- @function client:get_inboxes
-- @tparam table params
-- @tparam integer|string params.accountID 1 to 18 digits, above 0
-- @tparam[opt="online"] string params.server the account's subdomain
-- @treturn table `accountID`, `server`, `totalInboxes` and `list`, of `{ id, name, channel_type,
-- api_type }`
-- @raise an @{error}

--- List the partner's WhatsApp numbers, and the inbox that each is in.
-- @function client:get_whatsapp_numbers
-- @treturn table `totalWhatsApp` and `list`, of `{ whatsapp, isOnline, onlineAccount, onlineInbox,
-- ... }`; the `apiKey` of a row is a secret
-- @raise an @{error}

for name, facts in pairs(core.calls) do
  if facts.effect == "reads" then
    methods[name] = function(self, params)
      params = params or {}
      local current, asked = begin(self, name, params)
      if not current then
        return nil, asked
      end
      local result, err = require("ninedig.read").perform(current, name, asked)
      return result, err
    end
  end
end

--- Get a new token and keep it for the client's calls.
-- @function client:get_access_token
-- @tparam[opt] table params
-- @tparam[opt] string params.client_id in place of the client's
-- @tparam[opt] string params.client_secret in place of the client's
-- @treturn table `access_token`, `expiration_time` (unix time), `token_type`, `reason`
-- @raise an @{error}
function methods:get_access_token(params)
  params = params or {}
  local current, asked = begin(self, "get_access_token", params)
  if not current then
    return nil, asked
  end
  local session = require("ninedig.session")
  if not self.session or next(params) ~= nil then
    current.session = session.for_credentials(self, params)
  end
  return session.sign_in(current)
end

--- Find the inbox that holds a WhatsApp number.
-- @function client:find_inbox
-- @tparam table params
-- @tparam string params.whatsapp_number digits, with the country's code
-- @treturn table `accountID`, `server`, `inboxID`, `whatsapp_number`, `inbox_name`
-- @raise an @{error}, also of kind `lookup`: `NUMBER_NOT_FOUND`, `NUMBER_HAS_NO_INBOX`,
-- `INBOX_AMBIGUOUS`
function methods:find_inbox(params)
  local current, asked = begin(self, "find_inbox", params)
  if not current then
    return nil, asked
  end
  return require("ninedig.lookup").find_inbox(current, asked.whatsapp_number)
end

--- Find out by reading whether an inbox is gone.
-- @function client:verify_deletion
-- @tparam table params
-- @tparam integer|string params.accountID 1 to 18 digits, above 0
-- @tparam integer|string params.inboxID 1 to 18 digits, above 0
-- @tparam[opt="online"] string params.server the account's subdomain
-- @tparam[opt] string params.whatsapp_number the number that was in it, where it is known
-- @treturn string "deleted", "still_listed" or "unknown"
-- @treturn table evidence: `verdict`, `blocker`, `why`, and `looks`, what each look saw and when
-- @raise an @{error} of kind `argument`
function methods:verify_deletion(params)
  local current, asked = begin(self, "verify_deletion", params)
  if not current then
    return nil, asked
  end
  return require("ninedig.verify").run(current, asked)
end

--- Delete a WhatsApp inbox, with everything in it. It cannot be undone.
-- @function client:delete_inbox
-- @tparam table params see @{ninedig.delete_inbox}
-- @treturn table what the service confirmed
-- @raise an @{error}
function methods:delete_inbox(params)
  if type(self) ~= "table" then
    return nil, no_client("delete_inbox")
  end
  local result, err = deletion.delete_inbox(self, params) -- no tail call: see `err.where`
  return result, err
end

--- Delete many inboxes, some of them at once. What happens to each is in the report.
-- @function client:delete_inboxes
-- @tparam table list of params of `delete_inbox`
-- @tparam[opt] table options
-- @tparam[opt=8] integer options.concurrency how many at once, 1 to 64
-- @tparam[opt] number options.rate how many requests are started in a second, at most 1000
-- @tparam[opt=5] integer options.repeats how often an entry is asked for again that the service
-- refused with HTTP 429, having done nothing, 0 to 100
-- @tparam[opt=true] boolean options.stop_on_error start nothing new after the first error
-- @tparam[opt] function options.on_result called as `on_result(i, result, err)` as they come
-- @treturn table `deleted`, `rejected`, `not_sent`, `unknown`, `skipped`: how many;
-- `results`: for each entry of the list `{ result = }`, `{ error = }` or `{ skipped = true }`
-- @raise an @{error} of kind `argument`; or what `on_result` raised, with the report in its field
-- `report` where it is a table. A client of @{ninedig.safe} returns nil and that, or nil, the
-- report, and what was raised, where that is no table
function methods:delete_inboxes(list, options)
  if type(self) ~= "table" then
    return nil, no_client("delete_inboxes")
  end
  local bulk = require("ninedig.bulk")
  local run, err = bulk.prepare(self, list, options)
  if not run then
    return nil, err
  end
  return bulk.perform(run)
end

--- End the use of a client; doing it twice is no error. Calls that are under way go on.
-- @function client:close
function methods:close()
  if type(self) ~= "table" then
    return nil, no_client("close")
  end
  self.settings = nil
end

return client
