--- A list of inboxes in memory: however long it is, it takes few bytes for each of them.
local bulk = require("ninedig.bulk")
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
    places = {}, -- see `bulk.seen_before`
  }, roll)
end

--- Add an inbox.
-- @tparam table asked as it was understood, with a `name`, if it has one
-- @treturn ?integer the place where the same inbox stands already, and then nothing is added
function roll:add(asked)
  local i = self.count + 1
  local before = bulk.seen_before(self.places, asked, i)
  if before then
    return before
  end
  self.count = i
  self.accounts[i], self.servers[i], self.inboxes[i] = asked.accountID, asked.server, asked.inboxID
  self.numbers[i], self.names[i] = asked.whatsapp_number, asked.name
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
