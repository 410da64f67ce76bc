--- Asks before anything is deleted: what will be lost is shown, and has to be named.
local lookup = require("ninedig.lookup")
local output = require("ninedig.cli.output")
local report = require("ninedig.cli.report")
local session = require("ninedig.session")
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")
local text = require("ninedig.cli.text")
local waiting = require("ninedig.cli.waiting")

local ask = {}

local LOSS = [[
What is lost, for good:
   - all messages, conversations, contacts, files, webhooks and labels in it
   - all studio data, reports and saved information within it
The WhatsApp number is released; it is not cancelled.
This cannot be undone.]]

--- Refuse where there is no answer and nobody to ask. Nothing has been sent by then.
-- @tparam ?string given the answer on the command line
-- @tparam string expected
-- @tparam string what the answer is
function ask.check(given, expected, what)
  if given and given ~= expected then
    stop.with(
      stop.USAGE, "--confirm %s is not %s, which is %s; nothing was deleted", text.plain(given),
      what, expected
    )
  elseif not given and not system.can_ask() then
    stop.with(
      stop.USAGE, "this is no terminal, so nobody can be asked: give --confirm with %s; nothing was"
        .. " deleted", what
    )
  end
end

--- Refuse an inbox that does not hold the number that it is believed to. What is wrong is told
-- before somebody is asked, or a preview is shown.
-- @tparam table client
-- @tparam table asked as it was understood
-- @raise a reason to stop
function ask.check_number(client, asked)
  if not asked.whatsapp_number then
    return
  end
  local refuted = lookup.refute(session.begin(client, "delete_inbox", asked), asked)
  if refuted then
    report.fail(refuted)
  end
end

local function named(id, name)
  return name and ("%s  %s"):format(id, text.plain(name)) or id
end

-- What somebody should know before they go on. Of an inbox in words.
local function warn(known, inbox)
  if known.is_missing then
    output.say(output.colour("yellow", "The account does not list %s."), inbox)
  elseif known.is_other_channel then
    output.say(output.colour("yellow", "The channel of %s is %s, and not WhatsApp's: the service"
      .. " refuses to remove it."), inbox, text.plain(known.channel))
  end
end

--- Show what is known of one inbox.
-- @tparam string base_url
-- @tparam table known see `ninedig.cli.names`
function ask.show_one(base_url, known)
  output.say("service  %s", base_url)
  output.say("account  %s", named(known.account, known.account_name))
  output.say("server   %s", known.server)
  output.say("inbox    %s", named(known.inbox, known.inbox_name))
  output.say("channel  %s", known.channel and text.plain(known.channel) or "-")
  output.say("number   %s", known.number and text.plain(known.number) or "-")
  warn(known, "this inbox")
end

local COLUMNS = {
  { "ACCOUNT", "account", right = true }, { "NAME", "account_name" }, { "SERVER", "server" },
  { "INBOX", "inbox", right = true }, { "NAME", "inbox_name" }, { "CHANNEL", "channel" },
  { "NUMBER", "number" },
}

local function columns_with(title, key)
  local columns = {}
  for i, column in ipairs(COLUMNS) do
    columns[i] = column
  end
  columns[#columns + 1] = { title, key }
  return columns
end

--- Show what is known of many inboxes.
-- @tparam string base_url
-- @tparam table all a list of what `ninedig.cli.names` knows, with `listed_name`
-- @tparam boolean has_names some have a name in the list that was given
function ask.show_many(base_url, all, has_names)
  output.say("service  %s", base_url)
  output.write(text.table(has_names and columns_with("IN THE LIST", "listed_name") or COLUMNS, all))
  for _, known in ipairs(all) do
    warn(known, ("inbox %s of account %s on %s"):format(known.inbox, known.account, known.server))
  end
end

--- Show what went wrong while names were looked up.
-- @tparam table troubles a list of strings
function ask.show_troubles(troubles)
  for _, trouble in ipairs(troubles) do
    output.say("not looked up: %s", text.plain(trouble))
  end
end

--- Ask, and end the command unless the answer is the right one.
-- @tparam string expected
-- @tparam string question
function ask.confirm(expected, question)
  output.say("")
  output.say(output.colour("bold", LOSS))
  output.say("")
  output.write(question .. " ")
  local answer = waiting.read_line()
  if not answer then
    output.say("")
  end
  if not answer or answer:match("^%s*(.-)%s*$") ~= expected then
    stop.with(stop.USAGE, "not confirmed; nothing was deleted")
  end
end

return ask
