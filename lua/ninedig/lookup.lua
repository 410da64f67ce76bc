--- From a WhatsApp number to the inbox that holds it.
local errors = require("ninedig.error")
local read = require("ninedig.read")

local lookup = {}

local digits = errors.digits

-- ----- what a row says -----

--- Whether a value of a row is an ID.
-- @param value
-- @treturn boolean
function lookup.is_id(value)
  return type(value) == "number" and value % 1 == 0 and value > 0
    or type(value) == "string" and value:find("^[1-9]%d*$") ~= nil
end

-- From 2^53 up, a double may have been another number when it was sent.
local EXACT = 2^53

local function is_float(value)
  return type(value) == "number" and not (math.type and math.type(value) == "integer")
end

--- Whether an id that the service sent is the one that it means.
-- @tparam integer|number|string id
-- @treturn boolean
function lookup.is_exact(id)
  return not is_float(id) or id < EXACT
end

--- Whether two ids are the same: as doubles where one of them is a double, in full elsewhere.
-- @tparam integer|number|string one
-- @tparam integer|number|string other
-- @treturn boolean
function lookup.is_same_id(one, other)
  if is_float(one) or is_float(other) then
    return tonumber(one) + 0.0 == tonumber(other) + 0.0
  end
  return errors.digits(one) == errors.digits(other)
end

local function is_online(row)
  if row.isOnline == 1 or row.isOnline == true then
    return true
  elseif row.isOnline == 0 or row.isOnline == false then
    return false
  end
  return nil -- it cannot be told
end

--- Whether a row of get_whatsapp_numbers names the inbox that it is attached to.
-- @tparam table row
-- @treturn boolean
function lookup.is_attached(row)
  local account, inbox = row.onlineAccount, row.onlineInbox
  return is_online(row) == true and lookup.is_id(account) and lookup.is_id(inbox)
end

--- Whether a row of get_whatsapp_numbers is about a number, which it may write with a "+".
-- @tparam table row
-- @tparam string number digits
-- @treturn boolean
function lookup.is_row_of(row, number)
  return lookup.name_of_number(row) == number
end

--- What a row of get_whatsapp_numbers has to do with an inbox.
-- @tparam table row
-- @tparam table asked `accountID` and `inboxID`
-- @treturn string "attached", "apart", or "unclear" where it cannot be told
function lookup.relation(row, asked)
  local online = is_online(row)
  local account, inbox = row.onlineAccount, row.onlineInbox
  if not lookup.is_id(account) or not lookup.is_id(inbox) then
    return online == false and "apart" or "unclear"
  end
  if not lookup.is_same_id(account, asked.accountID)
    or not lookup.is_same_id(inbox, asked.inboxID) then
    return "apart"
  end
  return online and "attached" or "unclear" -- offline, and yet in the inbox
end

--- Whether a value is the name of a server: one DNS label.
-- @param value
-- @treturn boolean
function lookup.is_server(value)
  return type(value) == "string" and #value <= 63 and value:find("^[A-Za-z0-9-]+$") ~= nil
    and not value:find("^-") and not value:find("-$")
end

-- ----- whether a list is whole -----

--- What tells a row from the others in its list; nil where that is not known.
-- @tparam table row
-- @treturn ?string
function lookup.name_of_account(row)
  return lookup.is_id(row.account_id) and lookup.is_server(row.server)
    and digits(row.account_id) .. "/" .. row.server:lower() or nil
end

--- The same for a row of get_inboxes.
-- @tparam table row
-- @treturn ?string
function lookup.name_of_inbox(row)
  return lookup.is_id(row.id) and digits(row.id) or nil
end

--- The same for a row of get_whatsapp_numbers.
-- @tparam table row
-- @treturn ?string
function lookup.name_of_number(row)
  return type(row.whatsapp) == "string" and row.whatsapp:match("^%+?(.*)$") or nil
end

--- Whether each row of a list has an ID.
-- @tparam table list
-- @tparam string key the ID's
-- @treturn boolean
function lookup.has_ids(list, key)
  for _, row in ipairs(list) do
    if not lookup.is_id(row[key]) then
      return false
    end
  end
  return true
end

-- A list is put together from pages: where one came twice, another is lacking.
local function has_row_twice(list, name_of)
  local seen = {}
  for _, row in ipairs(list) do
    local name = name_of(row)
    if name and seen[name] then
      return true
    elseif name then
      seen[name] = true
    end
  end
  return false
end

--- Whether a list is whole: its total is the number of its rows, and none of them came twice. What
-- a list lacks that is not whole may be there.
-- @tparam table list
-- @param total as the service sent it
-- @tparam function name_of
-- @treturn boolean
function lookup.is_whole(list, total, name_of)
  return type(total) == "number" and total == #list and not has_row_twice(list, name_of)
end

-- More rows than any list has.
local TOTAL_MAX = 1e9

--- A total in words. What is no count is not shown: it can be anything.
-- @param total as the service sent it
-- @treturn string
function lookup.describe_total(total)
  local is_count = type(total) == "number" and total % 1 == 0 and math.abs(total) < TOTAL_MAX
  return is_count and "a total of " .. digits(total) or "a total that is no count"
end

--- How many rows a list has, and why it is not whole, in words.
-- @tparam table list
-- @param total as the service sent it
-- @tparam function name_of
-- @treturn string
function lookup.describe_rows(list, total, name_of)
  local rows = ("%d row%s"):format(#list, #list == 1 and "" or "s")
  if total == nil then
    return rows .. " without a total"
  elseif total ~= #list then
    return rows .. " with " .. lookup.describe_total(total)
  end
  return rows .. (has_row_twice(list, name_of) and ", one of which came twice" or "")
end

--- Whether an inbox may be there though no row of get_inboxes is its own.
-- @tparam table inboxes
-- @treturn boolean
function lookup.may_lack_rows(inboxes)
  local list, total = inboxes.list, inboxes.totalInboxes
  return not lookup.has_ids(list, "id")
    or not lookup.is_whole(list, total, lookup.name_of_inbox)
end

--- Why an account may be on a server though no row of get_accounts says so.
-- @tparam table accounts
-- @treturn ?string nil where it is on no other
function lookup.flaw_of_accounts(accounts)
  local list, total = accounts.list, accounts.totalOnline
  if not lookup.has_ids(list, "account_id") then
    return "get_accounts has a row without the ID of its account"
  elseif not lookup.is_whole(list, total, lookup.name_of_account) then
    return "get_accounts has " .. lookup.describe_rows(list, total, lookup.name_of_account)
  end
  return nil
end

--- The inbox in the rows of get_inboxes.
-- @tparam table inboxes the result of get_inboxes
-- @tparam integer|string inboxID
-- @treturn ?table its row
function lookup.inbox_in(inboxes, inboxID)
  for _, row in ipairs(inboxes.list) do
    if lookup.is_id(row.id) and lookup.is_same_id(row.id, inboxID) then
      return row
    end
  end
  return nil
end

-- ----- from the number to the inbox -----

local function not_found(name, message)
  return nil, errors.failure("lookup", name, "find_inbox", message)
end

local function describe(row)
  return "inbox " .. digits(row.onlineInbox) .. " of account " .. digits(row.onlineAccount)
end

local function is_other_inbox(one, other)
  return not lookup.is_same_id(one.onlineAccount, other.onlineAccount)
    or not lookup.is_same_id(one.onlineInbox, other.onlineInbox)
end

-- The row of a number that names its inbox.
local function choose_row(numbers, number)
  local found, attached
  for _, row in ipairs(numbers.list) do
    if lookup.is_row_of(row, number) then
      found = row
      if lookup.is_attached(row) then
        if attached and is_other_inbox(row, attached) then
          return not_found(
            "INBOX_AMBIGUOUS",
            "the number " .. number .. " is in " .. describe(attached) .. " and in "
              .. describe(row)
          )
        end
        attached = row
      end
    end
  end
  if not found then
    return not_found(
      "NUMBER_NOT_FOUND", "the number " .. number .. " is not among those of this partner"
    )
  elseif not attached then
    return not_found("NUMBER_HAS_NO_INBOX", "the number " .. number .. " is attached to no inbox")
  elseif not lookup.is_exact(attached.onlineAccount)
    or not lookup.is_exact(attached.onlineInbox) then
    return not_found(
      "INBOX_AMBIGUOUS",
      "the number " .. number .. " is in " .. describe(attached)
        .. ", and numbers this large do not come through exactly"
    )
  end
  return attached
end

local function find_row(current, number)
  local numbers, err = read.perform(current, "get_whatsapp_numbers")
  if not numbers then
    return nil, err
  end
  return choose_row(numbers, number)
end

--- The servers of an account.
-- @tparam table rows of get_accounts, which is whole
-- @tparam integer|string accountID
-- @treturn[1] table a list, in which each is once
-- @treturn[2] nil
-- @treturn[2] string why they are not known
function lookup.servers_of(rows, accountID)
  local servers, seen = {}, {}
  for _, row in ipairs(rows) do
    if lookup.is_id(row.account_id) and lookup.is_same_id(row.account_id, accountID) then
      if not lookup.is_server(row.server) or not lookup.is_exact(row.account_id) then
        return nil, "get_accounts does not name a server of it"
      end
      if not seen[row.server:lower()] then
        seen[row.server:lower()] = true
        servers[#servers + 1] = row.server
      end
    end
  end
  if #servers == 0 then
    return nil, "get_accounts does not list it"
  end
  return servers
end

-- An account of which a server is not known could have the same inbox there, with another number.
local function find_servers(current, number, row)
  local accounts, err = read.perform(current, "get_accounts")
  if not accounts then
    return nil, err
  end
  local flaw, servers = lookup.flaw_of_accounts(accounts)
  if not flaw then
    servers, flaw = lookup.servers_of(accounts.list, row.onlineAccount)
  end
  if not servers then
    return not_found(
      "INBOX_AMBIGUOUS",
      "the number " .. number .. " is in " .. describe(row)
        .. ", and the servers of that account cannot be told: " .. flaw
    )
  end
  return servers
end

-- Of the servers, those whose account lists the inbox, each with the inbox's row; and whether some
-- list was not complete.
local function find_holders(current, servers, row)
  local holders, incomplete = {}, false
  for _, server in ipairs(servers) do
    local inboxes, err = read.perform(current, "get_inboxes", {
      accountID = row.onlineAccount,
      server = server,
    })
    if not inboxes then
      return nil, err
    end
    local inbox = lookup.inbox_in(inboxes, row.onlineInbox)
    if inbox then
      holders[#holders + 1] = { server = server, name = inbox.name }
    end
    incomplete = incomplete or not inbox and lookup.may_lack_rows(inboxes)
  end
  return holders, incomplete
end

local function choose_holder(number, row, servers, holders, incomplete)
  if #holders == 1 and not incomplete then
    return holders[1]
  end
  if #holders == 0 and #servers == 1 and incomplete then
    return { server = servers[1] } -- it can be nowhere else
  end
  if #holders == 0 and not incomplete then
    return not_found(
      "NUMBER_HAS_NO_INBOX",
      "the number " .. number .. " is said to be in " .. describe(row)
        .. ", which does not list it"
    )
  end
  return not_found(
    "INBOX_AMBIGUOUS",
    "the number " .. number .. " is in " .. describe(row)
      .. ", and there is an account " .. digits(row.onlineAccount) .. " on " .. #servers
      .. " servers: " .. table.concat(servers, ", ")
  )
end

local function find_inbox(current, number)
  local row, err = find_row(current, number)
  if not row then
    return nil, err
  end
  local servers
  servers, err = find_servers(current, number, row)
  if not servers then
    return nil, err
  end
  local holders, incomplete = find_holders(current, servers, row)
  if not holders then
    return nil, incomplete -- the error
  end
  local holder
  holder, err = choose_holder(number, row, servers, holders, incomplete)
  if not holder then
    return nil, err
  end
  return {
    accountID = row.onlineAccount,
    server = holder.server,
    inboxID = row.onlineInbox,
    whatsapp_number = number,
    inbox_name = holder.name,
  }
end

--- Find the inbox that holds a number.
-- @tparam table current the task
-- @tparam string number
-- @treturn[1] table `accountID`, `server`, `inboxID`, `whatsapp_number`, `inbox_name`
-- @treturn[2] nil
-- @treturn[2] table the error
function lookup.find_inbox(current, number)
  local found, err = find_inbox(current, number)
  if err and err.kind == "lookup" then
    err.message = current:shown(err.message)
  end
  return found, err
end

-- ----- the precondition of a deletion -----

local function mismatch(message)
  return errors.failure(
    "precondition", "NUMBER_MISMATCH", "delete_inbox", message .. "; nothing was deleted"
  )
end

local function is_same_inbox(found, asked)
  return lookup.is_same_id(found.accountID, asked.accountID)
    and lookup.is_same_id(found.inboxID, asked.inboxID)
    and found.server:lower() == asked.server:lower()
end

--- Make sure that an inbox holds the number that it is believed to.
-- @tparam table current the task
-- @tparam table asked what is to be deleted, with `whatsapp_number`
-- @treturn ?table the error, where it does not or that could not be found out
function lookup.refute(current, asked)
  local found, err = lookup.find_inbox(current, asked.whatsapp_number)
  if found and is_same_inbox(found, asked) then
    return nil
  end
  if found then
    return mismatch(current:shown(
      ("the number %s is in inbox %s of account %s on server %s, and not in inbox %s of account %s"
        .. " on server %s"):format(
        asked.whatsapp_number, digits(found.inboxID), digits(found.accountID), found.server,
        digits(asked.inboxID), digits(asked.accountID), asked.server
      )
    ))
  end
  if err.kind == "lookup" then
    return mismatch(err.message)
  end
  err.outcome = "not_sent" -- that of the deletion
  err.retryable = err.kind == "network"
  return err
end

return lookup
