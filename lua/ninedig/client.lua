--- Clients: options that are checked once and shared by many calls.
--
-- What a plain deletion does not need is loaded by the methods that do: to compile it would be an
-- eighth of what it takes to start and to delete an inbox.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local deletion = require("ninedig.deletion")
local wait = require("ninedig.wait")

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
  local settings, timeout = core.settings(options)
  if not settings then
    return nil, errors.locate(timeout)
  end
  options = options or {}
  local sleep = rawget(options, "sleep")
  local on_event = rawget(options, "on_event")
  local has_credentials = rawget(options, "client_id") ~= nil
  return setmetatable({
    settings = settings,
    timeout = timeout,
    way = sleep and wait.hosted(sleep) or wait.everywhere,
    session = has_credentials and require("ninedig.session").new(settings, timeout) or nil,
    watcher = on_event and require("ninedig.events").new(on_event) or nil,
  }, metatable)
end

local function begin(self, name, params)
  return require("ninedig.session").begin(self, name, params)
end

--- A metatable for clients with these methods.
-- @tparam table index the methods
-- @treturn table
function client.metatable(index)
  return { __index = index, __close = index.close, __name = "ninedig.client" }
end

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
-- @tparam[opt] table params `client_id` and `client_secret`, where the client has none of its own
-- @treturn[1] table `access_token`, `expiration_time` (unix time), `token_type`, `reason`
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:get_access_token(params)
  local session = require("ninedig.session")
  params = params or {}
  local current, asked = session.begin(self, "get_access_token", params)
  if not current then
    return nil, asked
  end
  if not self.session or next(params) ~= nil then
    current.session = session.for_credentials(self, params)
  end
  return session.sign_in(current)
end

--- Find the inbox that holds a WhatsApp number.
-- @tparam table params `whatsapp_number`
-- @treturn[1] table `accountID`, `server`, `inboxID`, `whatsapp_number`, `inbox_name`
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:find_inbox(params)
  local current, asked = begin(self, "find_inbox", params)
  if not current then
    return nil, asked
  end
  return require("ninedig.lookup").find_inbox(current, asked.whatsapp_number)
end

--- Find out by reading whether an inbox is gone.
-- @tparam table params `accountID`, `inboxID`, and optionally `server` and `whatsapp_number`
-- @treturn[1] string "deleted", "still_listed" or "unknown"
-- @treturn[1] table evidence: `verdict`, `blocker`, `why`, and `looks`, what each look saw and when
-- @treturn[2] nil
-- @treturn[2] table an error of kind `argument`
function methods:verify_deletion(params)
  local current, asked = begin(self, "verify_deletion", params)
  if not current then
    return nil, asked
  end
  return require("ninedig.verify").run(current, asked)
end

--- Delete an inbox.
-- @tparam table params see `ninedig.delete_inbox`
-- @treturn[1] table what the service confirmed
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:delete_inbox(params)
  local result, err = deletion.delete_inbox(self, params) -- no tail call: see `err.where`
  return result, err
end

--- Delete many inboxes.
-- @tparam table list of params of `delete_inbox`
-- @tparam[opt] table options
-- @tparam[opt=8] integer options.concurrency how many at once, 1 to 64
-- @tparam[opt] number options.rate how many requests are started in a second, at most 1000
-- @tparam[opt=5] integer options.repeats how often an entry is asked for again that the service
-- refused with HTTP 429, having done nothing, 0 to 100
-- @tparam[opt=true] boolean options.stop_on_error start nothing new after the first error
-- @tparam[opt] function options.on_result called as `on_result(i, result, err)` as they come
-- @treturn[1] table `deleted`, `rejected`, `not_sent`, `unknown`, `skipped`: how many;
-- `results`: for each entry of the list `{ result = }`, `{ error = }` or `{ skipped = true }`
-- @treturn[2] nil
-- @treturn[2] table a bad argument, or what `on_result` raised, with `report` in it, or
-- the report, where that is not a table
-- @treturn[2] ?any what `on_result` raised
function methods:delete_inboxes(list, options)
  local bulk = require("ninedig.bulk")
  local run, err = bulk.prepare(self, list, options)
  if not run then
    return nil, err
  end
  return bulk.perform(run)
end

--- End the use of a client; doing it twice is no error. Calls that are under way go on.
function methods:close()
  self.settings = nil
end

return client
