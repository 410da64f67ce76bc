--- The names of what is to be deleted, looked up where that can be done.
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local lookup = require("ninedig.lookup")
local report = require("ninedig.cli.report")
local task = require("ninedig.task")

local names = {}
names.__index = names

local digits = errors.digits

--- Look-ups that remember what they have read.
-- @tparam table client
-- @treturn table
function names.new(client)
  return setmetatable({
    client = client, read = {}, troubles = {}, indexes = {}, whole = {},
  }, names)
end

-- Reads a list once; nil where it could not be read. Credentials that are refused here would be
-- refused for the deletion as well.
local function read_once(self, key, method, params)
  if self.read[key] == nil then
    local result, err = self.client[method](self.client, params)
    if err and errors.is_about_credentials(err) then
      report.fail(err)
    elseif err then
      self.troubles[#self.troubles + 1] = errors.summary(err)
    end
    self.read[key] = result or false
  end
  return self.read[key] or nil
end

-- ----- rows by their IDs -----

-- A key that ids have in common which may be the same, as numbers or as strings of digits; nil for
-- what is no id.
local function id_key(id)
  return lookup.is_id(id) and ("%.0f"):format(tonumber(id)) or nil
end

local function add(index, key, row)
  if key then
    index[key] = index[key] or {}
    table.insert(index[key], row)
  end
end

-- The rows of a list by a key of each, made once.
local function index_once(self, name, list, key_of_row)
  local index = self.indexes[name]
  if not index then
    index = {}
    for i = 1, list and json.length(list) or 0 do
      local row = list[i]
      if type(row) == "table" then
        add(index, key_of_row(row), row)
      end
    end
    self.indexes[name] = index
  end
  return index
end

local function account_rows(self, accountID)
  local accounts = read_once(self, "accounts", "get_accounts", {})
  local index = index_once(self, "accounts", accounts and accounts.list, function(row)
    return id_key(row.account_id)
  end)
  return index[id_key(accountID)] or {}
end

local function is_on(row, server)
  return type(row.server) == "string" and row.server:lower() == server:lower()
end

local function account_row(self, asked)
  for _, row in ipairs(account_rows(self, asked.accountID)) do
    if is_on(row, asked.server) then
      return row
    end
  end
  return nil
end

-- Whether a list of inboxes is whole, which takes a look at each row.
local function is_whole_once(self, key, inboxes)
  if self.whole[key] == nil then
    self.whole[key] = not lookup.may_lack_rows(inboxes)
  end
  return self.whole[key]
end

-- The row of an inbox; and whether the account has no such row.
local function inbox_row(self, asked)
  local key = digits(asked.accountID) .. "/" .. asked.server:lower()
  local inboxes = read_once(self, key, "get_inboxes", {
    accountID = asked.accountID, server = asked.server,
  })
  local index = index_once(self, key, inboxes and inboxes.list, function(row)
    return id_key(row.id)
  end)
  for _, row in ipairs(index[id_key(asked.inboxID)] or {}) do
    if lookup.is_same_id(row.id, asked.inboxID) then
      return row
    end
  end
  return nil, inboxes ~= nil and is_whole_once(self, key, inboxes)
end

local function number_rows(self, asked)
  local numbers = read_once(self, "numbers", "get_whatsapp_numbers", {})
  local index = index_once(self, "numbers", numbers and numbers.list, function(row)
    local account, inbox = id_key(row.onlineAccount), id_key(row.onlineInbox)
    return account and inbox and account .. "/" .. inbox
  end)
  return index[id_key(asked.accountID) .. "/" .. id_key(asked.inboxID)] or {}
end

-- ----- what they tell -----

-- Whether get_accounts names all servers of each account. Why not is told once.
local function has_all_accounts(self)
  if self.whole.accounts == nil then
    local accounts = read_once(self, "accounts", "get_accounts", {})
    local flaw = accounts and lookup.flaw_of_accounts(accounts)
    if flaw then
      self.troubles[#self.troubles + 1] = task.shown(self.client, flaw)
    end
    self.whole.accounts = accounts ~= nil and not flaw
  end
  return self.whole.accounts
end

-- Of an account's servers, those on which it lists an inbox; nil where some list does not tell.
local function servers_with(self, servers, accountID, inboxID)
  local found = {}
  for _, server in ipairs(servers) do
    local there, is_missing = inbox_row(self, {
      accountID = accountID, server = server, inboxID = inboxID,
    })
    if there then
      found[#found + 1] = server
    elseif not is_missing then
      return nil
    end
  end
  return found
end

--- The server of the inbox that a row of get_whatsapp_numbers names, where it can be told: the
-- service does not say, and the same account and inbox may be on several.
-- @tparam table row
-- @treturn ?string
function names:server_of(row)
  local account = row.onlineAccount
  local servers = has_all_accounts(self)
    and lookup.servers_of(account_rows(self, account), account)
  if servers and #servers > 1 then
    servers = servers_with(self, servers, account, row.onlineInbox)
  end
  return servers and #servers == 1 and servers[1] or nil
end

local function number_of(self, asked)
  for _, row in ipairs(number_rows(self, asked)) do
    if lookup.relation(row, asked) == "attached" then
      local server = self:server_of(row)
      if server and server:lower() == asked.server:lower() then
        return row.whatsapp
      end
    end
  end
  return nil
end

-- The service removes inboxes of WhatsApp only. Of the API's channel, api_type says which API.
local function is_other_channel(inbox)
  local channel, api = inbox.channel_type, inbox.api_type
  if type(channel) ~= "string" or channel:lower():find("whatsapp", 1, true) then
    return false
  elseif channel == "Channel::Api" then
    return type(api) == "string" and not api:lower():find("^w")
  end
  return true
end

local function channel_of(inbox)
  local parts = {}
  for _, part in ipairs { inbox.channel_type or false, inbox.api_type or false } do
    if type(part) == "string" then
      parts[#parts + 1] = part
    end
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

-- What the service has written, without secrets.
local function shown(self, value)
  return value and task.shown(self.client, digits(value)) or nil
end

--- What is known of an inbox.
-- @tparam table asked
-- @treturn table `account`, `server`, `inbox`, and where they are known `account_name`,
-- `inbox_name`, `number`, `channel`; `is_missing` where the account's list lacks the inbox, and
-- `is_other_channel` where it is none of WhatsApp
function names:describe(asked)
  local account = account_row(self, asked)
  local inbox, is_missing = inbox_row(self, asked)
  return {
    account = digits(asked.accountID),
    server = asked.server,
    inbox = digits(asked.inboxID),
    account_name = shown(self, account and account.account_name),
    inbox_name = shown(self, inbox and inbox.name),
    number = shown(self, number_of(self, asked)),
    channel = shown(self, inbox and channel_of(inbox)),
    is_missing = is_missing,
    is_other_channel = inbox and is_other_channel(inbox),
  }
end

return names
