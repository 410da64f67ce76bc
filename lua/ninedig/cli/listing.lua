--- The listings: numbers, accounts, inboxes.
local json = require("ninedig.cli.json")
local output = require("ninedig.cli.output")
local report = require("ninedig.cli.report")
local stop = require("ninedig.cli.stop")
local text = require("ninedig.cli.text")
local errors = require("ninedig.error")
local lookup = require("ninedig.lookup")

local listing = {}

local calls = {
  numbers = "get_whatsapp_numbers", accounts = "get_accounts", inboxes = "get_inboxes",
}

local columns, row_of = {}, {}

columns.numbers = {
  { "NUMBER", "number" }, { "NAME", "name" }, { "ACCOUNT", "account", right = true },
  { "INBOX", "inbox", right = true },
}

function row_of.numbers(row)
  local is_attached = lookup.is_attached(row)
  return {
    number = row.whatsapp,
    name = row.display_name or row.business_name,
    account = is_attached and errors.digits(row.onlineAccount) or nil,
    inbox = is_attached and errors.digits(row.onlineInbox) or nil,
  }
end

columns.accounts = {
  { "ACCOUNT", "account", right = true }, { "SERVER", "server" }, { "NAME", "name" },
  { "STATUS", "status" }, { "REFERENCE", "reference" },
}

function row_of.accounts(row)
  return {
    account = row.account_id and errors.digits(row.account_id),
    server = row.server,
    name = row.account_name,
    status = row.account_status,
    reference = row.reference,
  }
end

columns.inboxes = {
  { "INBOX", "inbox", right = true }, { "NAME", "name" }, { "CHANNEL", "channel" },
  { "API", "api" },
}

function row_of.inboxes(row)
  return {
    inbox = row.id and errors.digits(row.id),
    name = row.name,
    channel = row.channel_type,
    api = row.api_type,
  }
end

local function is_secret(key)
  local name = key:lower()
  return name:find("key$") or name:find("token") or name:find("secret")
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
  local shown = without_secrets(result)
  shown.list = json.list(shown.list)
  return output.data(json.encode(shown) .. "\n")
end

local function write_table(name, result)
  local rows = {}
  for i, row in ipairs(result.list) do
    rows[i] = row_of[name](row)
  end
  return output.data(text.table(columns[name], rows))
end

--- Show a listing.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function listing.show(client, chosen)
  local name = chosen.command
  local params = name == "inboxes" and { accountID = chosen.account, server = chosen.server } or {}
  local result, err = client[calls[name]](client, params)
  if not result then
    report.fail(err)
  end
  local written
  if chosen.json then
    written = write_json(result)
  else
    written = write_table(name, result)
  end
  return written and stop.DONE or stop.USAGE
end

return listing
