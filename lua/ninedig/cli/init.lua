--- The command: from the words of the command line to an exit status.
local cli = {}

local USAGE = 2

local function say(line)
  io.stderr:write("ninedig: ", line, "\n")
end

-- The libraries of the command, but for what is its own.
local function check_needed()
  local loaded, core = pcall(require, "ninedig.core")
  if not loaded then
    say("the library cannot be loaded: " .. tostring(core))
    return nil
  end
  if not pcall(require, "argparse") then
    local lua = rawget(_G, "jit") and "LuaJIT" or _VERSION
    return nil, ("the command needs argparse for %s; to install it: luarocks --lua-version %s"
      .. " install argparse (on Debian: apt-get install lua-argparse)")
      :format(lua, _VERSION:match("[%d.]+"))
  end
  return core
end

-- What rehearses by these variables must not go to the service itself.
local function set_service(chosen)
  local system = require("ninedig.cli.system")
  chosen.base_url = chosen.base_url or system.setting("NINEDIG_BASE_URL")
  chosen.ca_file = chosen.ca_file or system.setting("NINEDIG_CA_FILE")
end

local function make_client(chosen)
  local credentials = require("ninedig.cli.credentials")
  local report = require("ninedig.cli.report")
  local waiting = require("ninedig.cli.waiting")
  local options = credentials.options(chosen.token_file)
  options.base_url, options.ca_file = chosen.base_url, chosen.ca_file
  options.timeout = chosen.timeout
  options.on_event = chosen.verbose and require("ninedig.cli.verbose").show or nil
  local client, err = require("ninedig.safe").client(options)
  if not client then
    report.fail_given(err, options)
  end
  client.way = waiting.way()
  return client
end

local COMMANDS = {
  ["delete-inbox"] = function(...)
    return require("ninedig.cli.one").delete(...)
  end,
  ["delete-inboxes"] = function(...)
    return require("ninedig.cli.many").delete(...)
  end,
  verify = function(...)
    return require("ninedig.cli.one").verify(...)
  end,
  find = function(...)
    return require("ninedig.cli.listing").find(...)
  end,
}

local function write_completion(chosen, version)
  local arguments, stop = require("ninedig.cli.arguments"), require("ninedig.cli.stop")
  local written = require("ninedig.cli.output").data(arguments.completion(chosen.shell, version))
  return written and stop.DONE or stop.USAGE
end

local function run(chosen, version)
  if chosen.command == "completion" then
    return write_completion(chosen, version)
  end
  if chosen.file == "-" and chosen.token_file == "-" then
    require("ninedig.cli.stop").with(USAGE, "the list and the token cannot both be standard input")
  end
  set_service(chosen)
  local command = COMMANDS[chosen.command] or require("ninedig.cli.listing").show
  return command(make_client(chosen), chosen)
end

-- What a program that asked for JSON is told of what ended the command. An error of its own has no
-- more than an outcome and a message.
local function write_end(raised, outcome)
  local told = raised.told or { error = require("ninedig.cli.report").facts(raised.err or {
    outcome = outcome, message = raised.message,
  }) }
  require("ninedig.cli.output").json(told)
end

-- As at the question.
local INTERRUPTED = "interrupted; nothing was deleted"

local function outcome_of(chosen)
  if require("ninedig.cli.waiting").may_have_acted() then
    return "unknown"
  end
  return chosen.command:find("^delete") and "not_sent" or "none"
end

local function end_with(chosen, raised)
  local stop = require("ninedig.cli.stop")
  local outcome = outcome_of(chosen)
  if not stop.is_reason(raised) then
    raised = stop.reason(
      outcome == "unknown" and stop.UNKNOWN or stop.INTERNAL,
      "an error of the command itself, please report it: " .. tostring(raised)
    )
  end
  if raised.status == stop.INTERRUPTED and outcome == "not_sent" then
    raised.message = INTERRUPTED
  end
  say(raised.message)
  if chosen.json then
    write_end(raised, outcome)
  end
  return raised.status
end

-- Whether a command was asked for JSON, in words that were not understood.
local function wants_json(words)
  local page = require("ninedig.cli.manual").pages[words[1]]
  for i = 2, page and not page.is_local and #words or 0 do
    if words[i] == "--json" then
      return true
    end
  end
  return false
end

local function refuse(words, message, hint)
  say(message)
  io.stderr:write(hint or "")
  if wants_json(words) then
    write_end({ message = message }, "not_sent")
  end
  return USAGE
end

-- Where it comes from is told with an error of the command itself.
local function explain(raised)
  if type(raised) == "string" then
    return debug.traceback(raised, 2)
  end
  return raised
end

--- Run the command.
-- @tparam table words of the command line
-- @treturn integer exit status
function cli.main(words)
  require("ninedig.cli.waiting") -- first, as an interrupt is heeded from then on
  local core, lack = check_needed()
  if not core then
    return lack and refuse(words, lack) or USAGE
  end
  if #words == 0 then
    io.stderr:write(require("ninedig.cli.arguments").short_help())
    return USAGE
  end
  local chosen, wrong = require("ninedig.cli.arguments").parse(words, core.version)
  if not chosen then
    return refuse(words, wrong, require("ninedig.cli.arguments").hint(words))
  end
  chosen.words = words
  local ok, result = xpcall(function()
    return run(chosen, core.version)
  end, explain)
  return ok and result or end_with(chosen, result)
end

return cli
