--- From a WhatsApp number to the inbox that holds it.
local errors = require("ninedig.error")
local read = require("ninedig.read")

local lookup = {}

local digits = errors.digits

local function not_found(name, message)
  return nil, errors.new {
    kind = "lookup",
    name = name,
    outcome = "none",
    message = message,
    retryable = false,
    call = "find_inbox",
  }
end

--- The row of a number, as get_whatsapp_numbers lists it.
-- @tparam table numbers the result of get_whatsapp_numbers
-- @tparam string number
-- @treturn ?table
function lookup.row_of(numbers, number)
  local found
  for _, row in ipairs(numbers.list) do
    if row.whatsapp == number and (not found or lookup.is_attached(row)) then
      found = row
    end
  end
  return found
end

--- Whether a row of get_whatsapp_numbers names the inbox that it is attached to.
-- @tparam table row
-- @treturn boolean
function lookup.is_attached(row)
  return row.isOnline == 1 and (row.onlineAccount or 0) ~= 0 and (row.onlineInbox or 0) ~= 0
end

local function find_row(current, number)
  local numbers, err = read.perform(current, "get_whatsapp_numbers")
  if not numbers then
    return nil, err
  end
  local row = lookup.row_of(numbers, number)
  if not row then
    return not_found(
      "NUMBER_NOT_FOUND", "the number " .. number .. " is not among those of this partner"
    )
  end
  if not lookup.is_attached(row) then
    return not_found("NUMBER_HAS_NO_INBOX", "the number " .. number .. " is attached to no inbox")
  end
  return row
end

-- The servers on which an account of that number is listed.
local function find_servers(current, accountID)
  local accounts, err = read.perform(current, "get_accounts")
  if not accounts then
    return nil, err
  end
  local servers = {}
  for _, row in ipairs(accounts.list) do
    if row.account_id == accountID and type(row.server) == "string" then
      servers[#servers + 1] = row.server
    end
  end
  return servers
end

--- The inbox in the rows of get_inboxes.
-- @tparam table inboxes the result of get_inboxes
-- @tparam integer inboxID
-- @treturn ?table its row
function lookup.inbox_in(inboxes, inboxID)
  for _, row in ipairs(inboxes.list) do
    if row.id == inboxID then
      return row
    end
  end
  return nil
end

--- Whether get_inboxes says that there are more inboxes than it lists.
-- @tparam table inboxes
-- @treturn boolean
function lookup.is_incomplete(inboxes)
  return type(inboxes.totalInboxes) == "number" and inboxes.totalInboxes > #inboxes.list
end

-- Of the servers, those whose account lists the inbox, each with the inbox's row; and whether some
-- list was not complete.
local function find_holders(current, servers, accountID, inboxID)
  local holders, incomplete = {}, false
  for _, server in ipairs(servers) do
    local inboxes, err = read.perform(current, "get_inboxes", {
      accountID = accountID,
      server = server,
    })
    if not inboxes then
      return nil, err
    end
    local row = lookup.inbox_in(inboxes, inboxID)
    if row then
      holders[#holders + 1] = { server = server, name = row.name }
    end
    incomplete = incomplete or not row and lookup.is_incomplete(inboxes)
  end
  return holders, incomplete
end

local function describe(row)
  return "inbox " .. digits(row.onlineInbox) .. " of account " .. digits(row.onlineAccount)
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
      .. ", and an account of that number is on " .. #servers .. " servers: "
      .. table.concat(servers, ", ")
  )
end

--- Find the inbox that holds a number.
-- @tparam table current the task
-- @tparam string number
-- @treturn[1] table `accountID`, `server`, `inboxID`, `whatsapp_number`, `inbox_name`
-- @treturn[2] nil
-- @treturn[2] table the error
function lookup.find_inbox(current, number)
  local row, err = find_row(current, number)
  if not row then
    return nil, err
  end
  local servers
  servers, err = find_servers(current, row.onlineAccount)
  if not servers then
    return nil, err
  end
  if #servers == 0 then
    return not_found(
      "INBOX_AMBIGUOUS",
      "the number " .. number .. " is in " .. describe(row)
        .. ", which get_accounts does not list, so its server is not known"
    )
  end
  local holders, incomplete =
    find_holders(current, servers, row.onlineAccount, row.onlineInbox)
  if not holders then
    return nil, incomplete
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

-- ----- the precondition of a deletion -----

local function mismatch(asked, message)
  return errors.new {
    kind = "precondition",
    name = "NUMBER_MISMATCH",
    outcome = "not_sent",
    message = message .. "; nothing was deleted",
    retryable = false,
    call = "delete_inbox",
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
  }
end

local function is_same_inbox(found, asked)
  return found.accountID == asked.accountID
    and found.inboxID == asked.inboxID
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
    return mismatch(
      asked,
      ("the number %s is in inbox %s of account %s on server %s, and not in inbox %s of account %s"
        .. " on server %s"):format(
        asked.whatsapp_number, digits(found.inboxID), digits(found.accountID), found.server,
        digits(asked.inboxID), digits(asked.accountID), asked.server
      )
    )
  end
  if err.kind == "lookup" then
    return mismatch(asked, err.message)
  end
  err.outcome = "not_sent" -- that of the deletion
  err.retryable = err.kind == "network"
  return err
end

return lookup
