--- The listings: numbers, accounts, inboxes, and the inbox of a number.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local lookup = require("ninedig.lookup")
local names = require("ninedig.cli.names")
local output = require("ninedig.cli.output")
local report = require("ninedig.cli.report")
local stop = require("ninedig.cli.stop")
local task = require("ninedig.task")
local text = require("ninedig.cli.text")

local listing = {}

-- ----- what each of them shows -----
--
-- A kind of listing: `call`, and `params` of it; `total`, the field with the service's own count;
-- `row` makes of a row of the service what `columns` show and `csv` writes.

local kinds = {}

-- What the service sent may be of any type; a text or a number is shown.
local function plain(value)
  local kind = type(value)
  if kind == "number" then
    return value % 1 == 0 and errors.digits(value) or tostring(value)
  end
  return kind == "string" and value or nil
end

-- Nil where it is none, or may have been another one when it was sent.
local function id_of(value)
  local id = lookup.is_exact(value) and plain(value)
  return id and id:find("^[1-9]%d*$") and #id <= 18 and id or nil
end

kinds.numbers = {
  call = "get_whatsapp_numbers",
  total = "totalWhatsApp",
  columns = {
    { "NUMBER", "number" }, { "NAME", "name" }, { "ACCOUNT", "account", right = true },
    { "SERVER", "server" }, { "INBOX", "inbox", right = true },
  },
  csv = { "account", "server", "inbox", "number", "name" },
  heads = { "accountID", "server", "inboxID", "whatsapp_number", "name" },
}

function kinds.numbers.row(row, known)
  local shown = {
    number = plain(row.whatsapp), name = plain(row.display_name or row.business_name),
  }
  if lookup.is_attached(row) then
    shown.account, shown.inbox = id_of(row.onlineAccount), id_of(row.onlineInbox)
    shown.server = known:server_of(row)
    row.server = shown.server
  end
  return shown
end

kinds.accounts = {
  call = "get_accounts",
  total = "totalOnline",
  columns = {
    { "ACCOUNT", "account", right = true }, { "SERVER", "server" }, { "NAME", "name" },
    { "STATUS", "status" }, { "REFERENCE", "reference" },
  },
  csv = { "account", "server", "name", "status", "reference" },
  heads = { "accountID", "server", "#name", "#status", "#reference" },
}

function kinds.accounts.row(row)
  return {
    account = id_of(row.account_id),
    server = plain(row.server),
    name = plain(row.account_name),
    status = plain(row.account_status),
    reference = plain(row.reference),
  }
end

kinds.inboxes = {
  call = "get_inboxes",
  total = "totalInboxes",
  columns = {
    { "INBOX", "inbox", right = true }, { "NAME", "name" }, { "CHANNEL", "channel" },
    { "API", "api" },
  },
  csv = { "account", "server", "inbox", "name", "channel", "api" },
  heads = { "accountID", "server", "inboxID", "name", "#channel", "#api" },
}

function kinds.inboxes.params(chosen)
  return { accountID = chosen.account, server = chosen.server }
end

function kinds.inboxes.row(row, _, chosen)
  return {
    account = chosen.account,
    server = chosen.server or "online",
    inbox = id_of(row.id),
    name = plain(row.name),
    channel = plain(row.channel_type),
    api = plain(row.api_type),
  }
end

kinds.find = {
  columns = {
    { "NUMBER", "number" }, { "ACCOUNT", "account", right = true }, { "SERVER", "server" },
    { "INBOX", "inbox", right = true }, { "NAME", "name" },
  },
  csv = { "account", "server", "inbox", "number", "name" },
  heads = { "accountID", "server", "inboxID", "whatsapp_number", "name" },
}

function kinds.find.row(found)
  return {
    account = plain(found.accountID),
    server = found.server,
    inbox = plain(found.inboxID),
    number = found.whatsapp_number,
    name = plain(found.inbox_name),
  }
end

-- ----- JSON -----

-- More than is hidden in the text of an error: nobody needs to see any key, or what is about one.
local function is_secret(key)
  return core.is_secret_name(key) or key:lower():find("key", 1, true) ~= nil
end

-- What the service sent, but for secrets: a number comes with its key.
local function without_secrets(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, one in pairs(value) do
    if type(key) ~= "string" or not is_secret(key) then
      copy[key] = without_secrets(one)
    end
  end
  return copy
end

local function write_json(result)
  return output.data(json.encode(without_secrets(result)) .. "\n")
end

-- ----- CSV -----

-- Names come from third parties: none may break out of its cell, or be a formula to a spreadsheet.
local function csv_cell(value)
  local cell = text.plain(value)
  if cell:find("^[=+@-]") then
    cell = "'" .. cell
  end
  if cell:find('[",]') or cell:find("^%s") or cell:find("%s$") then
    return '"' .. cell:gsub('"', '""') .. '"'
  end
  return cell
end

-- Digits of a number that a list may have.
local NUMBER_MAX = 20

-- A number as a list has it; nil where it could not be read there.
local function number_of(row)
  local number = row.number and row.number:match("^%+?([1-9]%d*)$")
  return number and #number <= NUMBER_MAX and number or nil
end

-- A list names the inbox and its server, or else it could be another account's; and the number, if
-- it has that column: without it, the inbox would be deleted whatever number is in it.
local function can_be_listed(kind, row)
  if kind.heads[3] == "inboxID" and not row.inbox
    or kind.heads[4] == "whatsapp_number" and not number_of(row) then
    return false
  end
  return row.account ~= nil and lookup.is_server(row.server)
end

local function csv_line(kind, row)
  local cells = {}
  for i, key in ipairs(kind.csv) do
    local value = key == "number" and number_of(row) or row[key]
    cells[i] = value and csv_cell(value) or ""
  end
  return table.concat(cells, ",") .. "\n"
end

local function write_csv(kind, rows)
  local lines, left_out = { table.concat(kind.heads, ",") .. "\n" }, 0
  for _, row in ipairs(rows) do
    if can_be_listed(kind, row) then
      lines[#lines + 1] = csv_line(kind, row)
    else
      left_out = left_out + 1
    end
  end
  if left_out > 0 then
    output.say("ninedig: %s left out, as the server, the inbox or the number cannot be told",
      text.count(left_out, "row is", "rows are"))
  end
  return output.data(table.concat(lines))
end

-- ----- all of them -----

local function rows_of(kind, list, known, chosen)
  local rows = {}
  for i = 1, json.length(list) do
    if type(list[i]) == "table" then
      rows[#rows + 1] = kind.row(list[i], known, chosen)
    end
  end
  return rows
end

local function write(kind, chosen, rows, result)
  if chosen.json then
    return write_json(result)
  elseif chosen.csv then
    return write_csv(kind, rows)
  end
  return output.data(text.table(kind.columns, rows))
end

-- A list that is not whole is no list of all there is.
local function say_total(client, kind, result)
  local total, sent = result[kind.total], json.length(result.list)
  if total ~= nil and total ~= sent then
    output.say("ninedig: the service sent %s with %s",
      text.count(sent, "row"), task.shown(client, lookup.describe_total(total)))
  end
end

--- Show a listing.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function listing.show(client, chosen)
  local kind = kinds[chosen.command]
  local given = kind.params and kind.params(chosen) or {}
  local result, err = client[kind.call](client, given)
  if not result then
    report.fail_given(err, given, client)
  end
  local known = names.new(client)
  local rows = rows_of(kind, result.list, known, chosen)
  for _, trouble in ipairs(known.troubles) do
    output.say("ninedig: the servers could not be looked up: %s", text.plain(trouble))
  end
  say_total(client, kind, result)
  return write(kind, chosen, rows, result) and stop.DONE or stop.USAGE
end

--- Show the inbox of a number.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function listing.find(client, chosen)
  local given = { whatsapp_number = chosen.number }
  local found, err = client:find_inbox(given)
  if not found then
    report.fail_to_find(client, given, err, stop.REJECTED)
  end
  local rows = { kinds.find.row(found) }
  return write(kinds.find, chosen, rows, found) and stop.DONE or stop.USAGE
end

return listing
