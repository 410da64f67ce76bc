--- The command line: what `--help` and the man page say, and what is understood.
local argparse = require("argparse")

local arguments = {}

local SECRETS = [[
Secrets come from NINEDIG_ACCESS_TOKEN, or from NINEDIG_CLIENT_ID with
NINEDIG_CLIENT_SECRET, or from --token-file; never from the command line.]]

local STATUSES = {
  { "0", "deleted; or shown, for --dry-run and the listings" },
  { "1", "rejected by the service: this request deleted nothing" },
  { "2", "wrong usage, no confirmation, a precondition that does not hold, a journal in use" },
  { "3", "not sent: nothing was deleted, and it is safe to run it again" },
  { "4", "the credentials were refused" },
  { "5", "the outcome is unknown: find out with `ninedig verify`, or run a list again" },
  { "6", "of a list: some were not deleted" },
  { "70", "an error of the command itself, before anything was asked for" },
  { "130", "interrupted, also at the question" },
}

local VERIFY_STATUSES = {
  { "0", "deleted" },
  { "1", "still listed, which is no proof that it was not or will not be deleted" },
  { "2", "wrong usage" },
  { "4", "the credentials were refused" },
  { "5", "unknown" },
  { "130", "interrupted" },
}

local FIND_STATUSES = {
  { "0", "found" },
  { "1", "not found, in no inbox, or in one that cannot be told from others" },
  { "2", "wrong usage" },
  { "3", "the service could not be reached, or its answer not be understood" },
  { "4", "the credentials were refused" },
}

--- What there is to say beyond options: by the name of a command, or "ninedig" for all of them.
-- `examples` are pairs of a command line and what it does.
arguments.pages = {
  ninedig = {
    summary = "delete WhatsApp inboxes of the 99digital service",
    description = [[
Deletes inboxes for good, with every message, contact and report in them. What
is to be deleted is shown and asked for first; each request is sent at most once;
what became of it is told as it is: deleted, rejected, not sent, or unknown.]],
    examples = {
      { "ninedig numbers", "lists your WhatsApp numbers, with the account and inbox of each" },
      { "ninedig delete-inbox --account 1 --inbox 10", "shows what will be lost, and asks" },
      { "ninedig delete-inboxes list.csv --journal list.journal", "deletes a whole list" },
    },
    statuses = STATUSES,
  },
  ["delete-inbox"] = {
    summary = "delete one inbox",
    description = [[
Deletes an inbox, with everything in it. This cannot be undone. On a terminal it
shows what will be lost, and deletes when the inbox ID is typed; elsewhere it
deletes nothing without --confirm.

Refused with reason 47, there is no such WhatsApp inbox in this account: it
never was, it is of another channel (this removes WhatsApp inboxes only), or it
is gone, perhaps by an earlier request whose answer was lost.]],
    examples = {
      { "ninedig delete-inbox --account 1 --inbox 10", "shows what will be lost, and asks" },
      { "ninedig delete-inbox --number 972501234567", "finds the inbox of a number first" },
      {
        "ninedig delete-inbox --account 1 --inbox 10 --number 972501234567",
        "only if this number is in that inbox",
      },
      {
        "ninedig delete-inbox --account 1 --inbox 10 --dry-run",
        "shows the request that would be sent, and does not send it",
      },
      {
        "ninedig delete-inbox --account 1 --inbox 10 --confirm 10 --verify --json",
        "for scripts: does not ask, and finds out what became of an unknown outcome",
      },
    },
    statuses = STATUSES,
  },
  ["delete-inboxes"] = {
    summary = "delete the inboxes of a list",
    description = [[
Deletes each inbox of a list, several at a time. FILE is CSV with the header
accountID,server,inboxID, or has one JSON object with those keys in each line. A
column whatsapp_number may be added, and then has to be the number in that inbox;
name is shown and not sent, and a column that begins with # is ignored.

What is asked for and what became of it is written to the journal. Run the same
command again to go on after it was stopped, however that came: what was deleted
is not asked for again, and what is unknown is read back and left alone, unless
--ask-again is given.]],
    examples = {
      {
        "ninedig inboxes --account 4 --csv >off.csv",
        "writes a list; take out of it what shall stay",
      },
      {
        "ninedig delete-inboxes list.csv --journal list.journal",
        "shows the list, asks for the number of inboxes that will be deleted now, and deletes them",
      },
      {
        "ninedig delete-inboxes list.csv --journal list.journal --dry-run",
        "shows what would be sent, and sends nothing",
      },
      {
        "ninedig delete-inboxes list.csv --journal list.journal --confirm 40 --keep-going",
        "for scripts: 40 inboxes, not stopping at the first that fails",
      },
    },
    statuses = STATUSES,
  },
  verify = {
    summary = "find out whether an inbox is gone",
    description = [[
Reads the lists of inboxes and numbers back, several times where that tells more,
and says whether the inbox is gone. It changes nothing.]],
    examples = {
      { "ninedig verify --account 1 --inbox 10", "is inbox 10 of account 1 gone?" },
      {
        "ninedig verify --account 1 --inbox 10 --wait 600",
        "looks again for ten minutes, as a service may delete in the background",
      },
      {
        "ninedig verify --account 1 --inbox 10 --number 972501234567",
        "the number that was in it tells more",
      },
    },
    statuses = VERIFY_STATUSES,
  },
  find = {
    summary = "find the inbox of a number",
    description = [[
Finds the account, server and inbox that a WhatsApp number is in. Where that
cannot be told for certain, it says so and finds nothing.]],
    examples = {
      { "ninedig find --number 972501234567", "which inbox is it in?" },
      { "ninedig find --number 972501234567 --json", "for programs" },
    },
    statuses = FIND_STATUSES,
  },
  numbers = {
    summary = "list WhatsApp numbers",
    description = [[
Lists your WhatsApp numbers, and the account and inbox that each is in; the
server, where it can be told.]],
    examples = {
      { "ninedig numbers", "as a table" },
      { "ninedig numbers --json", "for programs" },
    },
    statuses = STATUSES,
  },
  accounts = {
    summary = "list accounts",
    description = "Lists your accounts, and the server of each.",
    examples = {
      { "ninedig accounts", "as a table" },
      { "ninedig accounts --json", "for programs" },
    },
    statuses = STATUSES,
  },
  inboxes = {
    summary = "list the inboxes of an account",
    description = "Lists the inboxes of an account.",
    examples = {
      { "ninedig inboxes --account 1", "as a table" },
      { "ninedig inboxes --account 1 --csv", "as a list that delete-inboxes reads" },
      { "ninedig inboxes --account 1 --server west --json", "another server, for programs" },
    },
    statuses = STATUSES,
  },
}

arguments.pages.completion = {
  summary = "complete the words of the command in a shell",
  description = [[
Writes what bash, zsh or fish needs to complete the words of this command.]],
  examples = {
    { "source <(ninedig completion bash)", "in ~/.bashrc" },
    { "ninedig completion zsh >~/.zfunc/_ninedig", "where ~/.zfunc is in $fpath" },
    {
      "ninedig completion fish >~/.config/fish/completions/ninedig.fish", "for each fish to come",
    },
  },
  statuses = {
    { "0", "written" },
    { "2", "wrong usage" },
  },
  is_local = true, -- no service is asked
}

--- What only the man page has room for.
arguments.sections = {
  {
    title = "Environment",
    text = SECRETS,
    pairs = {
      { "NINEDIG_ACCESS_TOKEN", "the access token" },
      { "NINEDIG_CLIENT_ID, NINEDIG_CLIENT_SECRET", "what a token is got with, when it is needed" },
      { "NINEDIG_BASE_URL", "where the service is, if --base-url does not say so" },
      {
        "NINEDIG_CA_FILE",
        "a file of certificates that are trusted in place of the system's, without --ca-file",
      },
      {
        "https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY",
        "a proxy to reach the service through, such as http://user:password@host:3128; what is"
          .. " set first here wins",
      },
      { "no_proxy, NO_PROXY", "hosts that are reached without it, with commas; or * for all" },
      { "NO_COLOR", "if it is set, there are no colours" },
      { "TERM", "if it is `dumb`, the progress is told in lines" },
    },
  },
  {
    title = "Output",
    text = [[
The listings, and with --json one line of JSON, go to standard output; all else
goes to standard error. On a terminal a list shows a line of progress, and
elsewhere it says so for each tenth.]],
  },
  {
    title = "The journal",
    text = [[
The journal is JSON lines: a header that binds it to one service and one list,
which a part of that list may use as well; an `intent` for each request, which
reaches the disk before the request is sent; and an `outcome` for what became of
it. No secret is in it. Two runs cannot use it at the same time.

What a run does with an inbox of which the journal has a word:

`deleted`, `gone`: nothing, as it is done. The service refused a gone one because
it no longer has it, after an earlier request whose answer was lost.

`absent`: nothing; the service said that it has no such WhatsApp inbox. That is a
failure in every run, unless --gone-ok is given.

`rejected`, `not_sent`: asks for it, as nothing had happened.

`unknown`, or an intent alone: reads it back. What is not proved to be deleted
stays unknown and is not asked for again, as a service may carry a request out
much later; with --ask-again it is, if the time-out of its last request has
passed. Where that is refused, it stays unknown, unless it turns out to be gone.

The first interrupt keeps new requests from being started; the answers of those
that are under way are awaited and written. The second one ends the command.

IDs in its lines are strings of digits:]],
    pairs = {
      {
        "the first line",
        "`journal` (\"ninedig\"), `version` (2), `base_url`, `count`, `list`: the inbox IDs by"
          .. " \"account/server\"",
      },
      {
        "an intent",
        "`intent` (`accountID`, `server`, `inboxID`), `time` (Unix time), `timeout` (seconds that"
          .. " the request may take); each request has one, also one that is repeated",
      },
      {
        "an outcome",
        "`outcome`, as above; `accountID`, `server`, `inboxID`, `time`; where they are known"
          .. " `whatsapp_number`, `verified`; of an error `name`, `kind`, `reason`, `http_status`,"
          .. " `message`; `answer`: what the last request alone came to, where that is another"
          .. " word",
      },
    },
  },
  {
    title = "JSON",
    text = [[
What --json writes is valid JSON in valid UTF-8 whatever the service sent: bytes
that are no UTF-8 become U+FFFD. Keys that are not there are not known. Fields
may be added.]],
    pairs = {
      {
        "delete-inbox",
        "`outcome` (`deleted`, `rejected`, `not_sent`, `unknown`), `accountID`, `server`,"
          .. " `inboxID`, `whatsapp_number`, `verified`, `number_differs`, `error`",
      },
      {
        "delete-inboxes",
        "how many are `deleted`, `gone`, `absent`, `rejected`, `not_sent`, `unknown`, `skipped`;"
          .. " `results`: in the order of the list as for delete-inbox, with those outcomes, `name`"
          .. " from the list, and `answer` as in the journal; `others_in_doubt`: what the journal"
          .. " has in doubt and the list lacks, each with `accountID`, `server`, `inboxID`",
      },
      {
        "either, with --dry-run",
        "`dry_run` (true), `requests`: each with `method`, `url`, `path`, `headers` (lines),"
          .. " `body`",
      },
      {
        "verify",
        "`verdict` (`deleted`, `still_listed`, `unknown`), `why`, `blocker`, `accountID`, `server`,"
          .. " `inboxID`, `whatsapp_number`, `looks`: each with `at`, `inboxes`, `numbers`,"
          .. " `get_inboxes`, `get_whatsapp_numbers`; `error`",
      },
      { "find", "`accountID`, `server`, `inboxID`, `whatsapp_number`, `inbox_name`" },
      {
        "numbers, accounts, inboxes",
        "what the service sent, without its keys and secrets: its totals, and `list`; in a row of"
          .. " numbers also `server`, where it can be told",
      },
      {
        "any, where an error ends it",
        "`error`: `kind`, `name`, `outcome`, `reason`, `message`, `retryable`, `retry_after`,"
          .. " `http_status`, `curl_code`, `response`, `call`, `verification`",
      },
    },
  },
  {
    title = "See also",
    text = [[
curl(1), whose variables for proxies these are, and lua(1).

The manual of the library is the folder docs of its source: docs/command.md is
about this command, and docs/errors.md about what each outcome means.]],
  },
}

--- The names of the commands, in the order in which they are shown.
arguments.names = {
  "delete-inbox", "delete-inboxes", "verify", "find", "numbers", "accounts", "inboxes",
  "completion",
}

-- ----- options -----

-- An option that is given twice is a mistake, and here one that could delete the wrong inbox.
local function option(command, name, placeholder, description)
  return command:option(name, description):argname("<" .. placeholder .. ">"):overwrite(false)
end

local function needed_option(...)
  return option(...):count(1)
end

local function add_account(command, add)
  add(command, "--account", "id", "The account's ID.")
end

local function add_server(command)
  option(command, "--server", "name", "The account's server (online, if not given).")
end

local function add_inbox(command, add)
  add_account(command, add)
  add(command, "--inbox", "id", "The inbox's ID.")
  add_server(command)
end

local function add_json(command)
  command:flag("--json", "Write one line of JSON to standard output, for programs.")
end

local function add_formats(command)
  command:mutex(
    command:flag("--json", "Write one line of JSON to standard output, for programs."),
    command:flag("--csv", "Write CSV with a header to standard output.")
  )
end

local function to_number(value)
  return tonumber(value), "malformed number '" .. value .. "'"
end

-- A week is longer than any service takes.
local LONGEST_WAIT = 7 * 24 * 3600

local function to_wait(value)
  local seconds = tonumber(value)
  if seconds and seconds >= 0 and seconds <= LONGEST_WAIT then
    return seconds
  end
  return nil, ("'%s' is no number of seconds from 0 to %d"):format(value, LONGEST_WAIT)
end

local function add_common(command)
  option(
    command, "--token-file", "file",
    "Read the access token from a file; - reads it from standard input."
  )
  option(command, "--base-url", "url", "Where the service is; wins over NINEDIG_BASE_URL.")
  option(
    command, "--ca-file", "file",
    "Trust the certificates in this file, not the system's; wins over NINEDIG_CA_FILE."
  )
  option(command, "--timeout", "seconds", "How long a call may take (30, if not given).")
    :convert(to_number)
  command:flag("--verbose", "Tell on standard error what is sent, and what came of it.")
end

local fill = {}

fill["delete-inbox"] = function(command)
  add_inbox(command, option)
  option(
    command, "--number", "number",
    "Delete only if this WhatsApp number is in the inbox; without --account and --inbox, the inbox"
      .. " that it is in."
  )
  option(command, "--confirm", "id", "The inbox ID once more: do not ask.")
  command:flag("--verify", "Find out what became of it, where the outcome is unknown.")
  command:flag("--dry-run", "Look up and check everything, show the request, and delete nothing.")
  add_json(command)
end

fill["delete-inboxes"] = function(command)
  command:argument("file", "The list; - reads it from standard input.")
  needed_option(
    command, "--journal", "file", "Where is written what is asked for, and what became of it."
  )
  option(command, "--concurrency", "number", "How many at a time, 1 to 64 (8, if not given).")
    :convert(to_number)
  option(command, "--rate", "number", "How many requests in a second, above 0, at most 1000.")
    :convert(to_number)
  option(command, "--confirm", "count", "How many inboxes the list has: do not ask.")
  command:flag("--keep-going", "Do not stop at the first inbox that is not deleted.")
  command:flag("--gone-ok", "An inbox that the service does not have is no failure.")
  command:flag(
    "--ask-again",
    "Ask once more for what is unknown from an earlier run and not proved to be deleted."
  )
  command:flag("--dry-run", "Look up and check everything, show the requests, delete nothing.")
  add_json(command)
end

function fill.verify(command)
  add_inbox(command, needed_option)
  option(command, "--number", "number", "The WhatsApp number that was in the inbox.")
  option(
    command, "--wait", "seconds",
    "Look again until it is proved to be deleted, at most so long (0, if not given)."
  ):convert(to_wait)
  add_json(command)
end

function fill.find(command)
  needed_option(command, "--number", "number", "The WhatsApp number.")
  add_formats(command)
end

fill.numbers = add_formats
fill.accounts = add_formats

function fill.inboxes(command)
  add_account(command, needed_option)
  add_server(command)
  add_formats(command)
end

function fill.completion(command)
  command:argument("shell", "bash, zsh or fish."):choices { "bash", "zsh", "fish" }
end

-- ----- help -----

local function rows(pairs_of_text)
  local lines, width = {}, 0
  for _, pair in ipairs(pairs_of_text) do
    width = math.max(width, #pair[1])
  end
  for i, pair in ipairs(pairs_of_text) do
    lines[i] = ("   %-" .. width .. "s  %s"):format(pair[1], pair[2])
  end
  return table.concat(lines, "\n")
end

local function examples(page)
  local lines = {}
  for i, example in ipairs(page.examples) do
    lines[i] = "   " .. example[1] .. "\n      " .. example[2]
  end
  return table.concat(lines, "\n")
end

-- The examples come first: they are what most people look for.
local function set_help(command, name)
  local page = arguments.pages[name]
  local own = command:get_help()
  local parts = { "Examples:\n" .. examples(page), page.description, own }
  if not page.is_local then
    parts[#parts + 1] = SECRETS
  end
  parts[#parts + 1] = "Exit status:\n" .. rows(page.statuses)
  command:help(table.concat(parts, "\n\n"))
end

--- What to say to somebody who gave no words at all.
-- @treturn string
function arguments.short_help()
  local commands = {}
  for i, name in ipairs(arguments.names) do
    commands[i] = { name, arguments.pages[name].summary }
  end
  return "Usage: ninedig <command> ...\n\n" .. rows(commands)
    .. "\n\nTo learn more: ninedig --help, or ninedig <command> --help\n"
end

-- ----- the parser -----

local function new_parser(version)
  local parser = argparse("ninedig"):require_command(true):command_target("command")
    :usage_margin(3):help_max_width(90)
  parser:flag("-V --version", "Print the version."):action(function()
    print("ninedig " .. version)
    os.exit(0)
  end)
  for _, name in ipairs(arguments.names) do
    local command = parser:command(name):summary(arguments.pages[name].summary)
    fill[name](command)
    if not arguments.pages[name].is_local then
      add_common(command)
    end
  end
  return parser
end

--- The parser of the command line.
-- @tparam string version
-- @treturn table of argparse
function arguments.parser(version)
  local parser = new_parser(version)
  for _, command in ipairs(parser._commands) do
    set_help(command, command._name)
  end
  parser:add_help_command()
  set_help(parser, "ninedig")
  return parser
end

--- What a shell needs to complete the words of the command.
-- @tparam string shell bash, zsh or fish
-- @tparam string version
-- @treturn string
function arguments.completion(shell, version)
  local parser = new_parser(version)
  for _, command in ipairs(parser._commands) do
    command:description(arguments.pages[command._name].summary)
  end
  parser:add_help_command()
  return parser["get_" .. shell .. "_complete"](parser)
end

local function explain(message)
  if message:lower():find("token") or message:lower():find("secret") then
    return message .. "\n" .. SECRETS
  end
  return message
end

-- `help NAME` is `NAME --help`.
local function without_help(words)
  if words[1] ~= "help" then
    return words
  end
  return words[2] and { words[2], "--help" } or { "--help" }
end

--- Understand a command line. `--help` and `--version` end the process.
-- @tparam table words
-- @tparam string version
-- @treturn[1] table what was chosen, `command` among it
-- @treturn[2] nil
-- @treturn[2] string what is wrong
function arguments.parse(words, version)
  local ok, chosen = arguments.parser(version):pparse(without_help(words))
  if not ok then
    return nil, explain(chosen)
  end
  return chosen
end

return arguments
