--- The names of what is to be deleted, looked up where that can be done.
local errors = require("ninedig.error")
local lookup = require("ninedig.lookup")
local report = require("ninedig.cli.report")

local names = {}
names.__index = names

local digits = errors.digits

--- Look-ups that remember what they have read.
-- @tparam table client
-- @treturn table
function names.new(client)
  return setmetatable({ client = client, read = {}, troubles = {}, found = {} }, names)
end

-- Reads a list once; nil where it could not be read. Credentials that are refused here would be
-- refused for the deletion as well.
local function read_once(self, key, method, params)
  if self.read[key] == nil then
    local result, err = self.client[method](self.client, params)
    if err and report.is_about_credentials(err) then
      report.fail(err)
    elseif err then
      self.troubles[#self.troubles + 1] = errors.summary(err)
    end
    self.read[key] = result or false
  end
  return self.read[key] or nil
end

local function account_row(self, asked)
  local accounts = read_once(self, "accounts", "get_accounts", {})
  local servers, own = 0, nil
  for _, row in ipairs(accounts and accounts.list or {}) do
    if row.account_id and lookup.is_same_id(row.account_id, asked.accountID) then
      servers = servers + 1
      if tostring(row.server):lower() == asked.server:lower() then
        own = row
      end
    end
  end
  return own, servers
end

-- Whether an inbox that has no row is not there.
local function has_all(inboxes)
  local total = inboxes.totalInboxes
  return lookup.has_ids(inboxes) and not (type(total) == "number" and total > #inboxes.list)
end

local function inbox_row(self, asked)
  local key = digits(asked.accountID) .. "/" .. asked.server:lower()
  local inboxes = read_once(self, key, "get_inboxes", {
    accountID = asked.accountID, server = asked.server,
  })
  local row = inboxes and lookup.inbox_in(inboxes, asked.inboxID)
  return row, inboxes and not row and has_all(inboxes)
end

-- Where a number's inbox is on, if its account's ID is on several servers.
local function is_on_server(self, number, asked)
  if self.found[number] == nil then
    self.found[number] = self.client:find_inbox({ whatsapp_number = number }) or false
  end
  local found = self.found[number]
  return found and found.server:lower() == asked.server:lower()
end

local function number_of(self, asked, servers)
  local numbers = read_once(self, "numbers", "get_whatsapp_numbers", {})
  for _, row in ipairs(numbers and numbers.list or {}) do
    local is_there = lookup.relation(row, asked) == "attached"
    if is_there and (servers < 2 or is_on_server(self, row.whatsapp, asked)) then
      return row.whatsapp
    end
  end
  return nil
end

--- What is known of an inbox.
-- @tparam table asked
-- @treturn table `account`, `server`, `inbox`, and where they are known `account_name`,
-- `inbox_name`, `number`; `is_missing` where the account's list lacks the inbox
function names:describe(asked)
  local account, servers = account_row(self, asked)
  local inbox, is_missing = inbox_row(self, asked)
  return {
    account = digits(asked.accountID),
    server = asked.server,
    inbox = digits(asked.inboxID),
    account_name = account and account.account_name,
    inbox_name = inbox and inbox.name,
    number = number_of(self, asked, servers),
    is_missing = is_missing,
  }
end

return names
