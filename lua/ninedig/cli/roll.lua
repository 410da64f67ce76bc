--- A list of inboxes in memory: however long it is, it takes few bytes for each of them.
local errors = require("ninedig.error")

local roll = {}
roll.__index = roll

local digits = errors.digits

--- An empty list.
-- @treturn table `count`
function roll.new()
  return setmetatable({
    count = 0,
    accounts = {}, servers = {}, inboxes = {},
    numbers = {}, names = {}, -- of those that have one
    places = {},
  }, roll)
end

local function sub_table(of, key)
  local found = of[key]
  if not found then
    found = {}
    of[key] = found
  end
  return found
end

-- The places in the list of the inboxes of an account, by their IDs: those that are the same are
-- one key, as they were understood.
local function places_of(self, asked)
  return sub_table(sub_table(self.places, asked.accountID), asked.server:lower())
end

--- Add an inbox.
-- @tparam table asked as it was understood, with a `name`, if it has one
-- @treturn ?integer the place where the same inbox stands already, and then nothing is added
function roll:add(asked)
  local places = places_of(self, asked)
  local before = places[asked.inboxID]
  if before then
    return before
  end
  local i = self.count + 1
  self.count = i
  self.accounts[i], self.servers[i], self.inboxes[i] = asked.accountID, asked.server, asked.inboxID
  self.numbers[i], self.names[i] = asked.whatsapp_number, asked.name
  places[asked.inboxID] = i
  return nil
end

--- What is asked for at a place.
-- @tparam integer i
-- @treturn table params of `delete_inbox`
function roll:asked(i)
  return {
    accountID = self.accounts[i],
    server = self.servers[i],
    inboxID = self.inboxes[i],
    whatsapp_number = self.numbers[i],
  }
end

--- The account and server of a place, as a journal names them.
-- @tparam integer i
-- @treturn string
function roll:home(i)
  return digits(self.accounts[i]) .. "/" .. self.servers[i]:lower()
end

--- The name of the inbox at a place, as a journal has it.
-- @tparam integer i
-- @treturn string
function roll:key(i)
  return self:home(i) .. "/" .. digits(self.inboxes[i])
end

--- Whether it has names of inboxes.
-- @treturn boolean
function roll:has_names()
  return next(self.names) ~= nil
end

return roll
