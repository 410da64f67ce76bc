--- The command line: its options, `--help`, and what is understood.
local argparse = require("argparse")
local manual = require("ninedig.cli.manual")

local arguments = {}

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

local function to_number(name)
  return function(value)
    return tonumber(value), ("%s: '%s' is no number"):format(name, value)
  end
end

-- A week is longer than any service takes.
local LONGEST_WAIT = 7 * 24 * 3600

local function to_wait(value)
  local seconds = tonumber(value)
  if seconds and seconds >= 0 and seconds <= LONGEST_WAIT then
    return seconds
  end
  return nil, ("--wait: '%s' is no number of seconds from 0 to %d"):format(value, LONGEST_WAIT)
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
    :convert(to_number("--timeout"))
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
    :convert(to_number("--concurrency"))
  option(command, "--rate", "number", "How many requests in a second, above 0, at most 1000.")
    :convert(to_number("--rate"))
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
  local page = manual.pages[name]
  local own = command:get_help()
  local parts = { "Examples:\n" .. examples(page), page.description, own }
  if not page.is_local then
    parts[#parts + 1] = manual.secrets
  end
  parts[#parts + 1] = "Exit status:\n" .. rows(page.statuses)
  command:help(table.concat(parts, "\n\n"))
end

--- What to say to somebody who gave no words at all.
-- @treturn string
function arguments.short_help()
  local commands = {}
  for i, name in ipairs(manual.names) do
    commands[i] = { name, manual.pages[name].summary }
  end
  return "Usage: ninedig <command> ...\n\n" .. rows(commands)
    .. "\n\nTo learn more: ninedig --help, or ninedig <command> --help\n"
end

-- ----- the parser -----

-- The option that a value most likely belongs to, which stands alone.
local LIKELY = {
  ["delete-inbox"] = "--account", verify = "--account", inboxes = "--account", find = "--number",
}

-- Characters of a word that are shown, at most.
local WORD_MOST = 40

-- Takes what nothing else does, so that it can be named.
local function refuse_others(command)
  local likely = LIKELY[command._name]
  command:argument("others"):args("*"):hidden(true):convert(function(word)
    local shown = #word > WORD_MOST and word:sub(1, WORD_MOST) .. "..." or word
    return nil, ('"%s" was not expected%s'):format(
      shown, likely and "; a value stands behind its option, such as " .. likely or ""
    )
  end)
end

local function new_parser(version)
  local parser = argparse("ninedig"):require_command(true):command_target("command")
    :usage_margin(3):help_max_width(90)
  parser:flag("-V --version", "Print the version."):action(function()
    print("ninedig " .. version)
    os.exit(0)
  end)
  for _, name in ipairs(manual.names) do
    local command = parser:command(name):summary(manual.pages[name].summary)
    fill[name](command)
    if not manual.pages[name].is_local then
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
    command:description(manual.pages[command._name].summary)
  end
  parser:add_help_command()
  return parser["get_" .. shell .. "_complete"](parser)
end

local function explain(message)
  if message:lower():find("token") or message:lower():find("secret") then
    return message .. "\n" .. manual.secrets
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

--- Where to learn more, for somebody whose words were not understood.
-- @tparam table words
-- @treturn string
function arguments.hint(words)
  local name = manual.pages[words[1]] and words[1]
  return ("To learn more: ninedig %s--help\n"):format(name and name .. " " or "")
end

--- Understand a command line. `--help` and `--version` end the process.
-- @tparam table words
-- @tparam string version
-- @treturn[1] table what was chosen, `command` among it
-- @treturn[2] nil
-- @treturn[2] string what is wrong
function arguments.parse(words, version)
  local parser = arguments.parser(version)
  for _, command in ipairs(parser._commands) do
    refuse_others(command)
  end
  local ok, chosen = parser:pparse(without_help(words))
  if not ok then
    return nil, explain(chosen)
  end
  return chosen
end

return arguments
