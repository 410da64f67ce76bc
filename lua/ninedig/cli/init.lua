--- The command: from the words of the command line to an exit status.
local cli = {}

local USAGE, UNKNOWN = 2, 5

-- What only the command needs, with Debian's name for it.
local NEEDED = {
  argparse = { module = "argparse", debian = "lua-argparse" },
  luaposix = { module = "posix.unistd", debian = "lua-posix" },
}

local function say(line)
  io.stderr:write("ninedig: ", line, "\n")
end

local function check_needed(name)
  local needed = NEEDED[name]
  if pcall(require, needed.module) then
    return true
  end
  local lua = rawget(_G, "jit") and "LuaJIT" or _VERSION
  say(("the command needs %s for %s; to install it: luarocks --lua-version %s install %s"
    .. " (on Debian: apt-get install %s, which has it for some versions of Lua only)")
    :format(name, lua, _VERSION:match("[%d.]+"), name, needed.debian))
  return false
end

-- The same command once more; there is no secret in it.
local function command_line(words)
  local text = require("ninedig.cli.text")
  local quoted = { "ninedig" }
  for i, word in ipairs(words) do
    quoted[i + 1] = text.quote(word)
  end
  return table.concat(quoted, " ")
end

local function make_client(chosen)
  local credentials = require("ninedig.cli.credentials")
  local report = require("ninedig.cli.report")
  local waiting = require("ninedig.cli.waiting")
  local options = credentials.options(chosen.token_file)
  options.base_url, options.ca_file = chosen.base_url, chosen.ca_file
  options.timeout = chosen.timeout
  local client, err = require("ninedig.safe").client(options)
  if not client then
    report.fail(err)
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
}

local function run(chosen)
  if chosen.file == "-" and chosen.token_file == "-" then
    require("ninedig.cli.stop").with(USAGE, "the list and the token cannot both be standard input")
  end
  local command = COMMANDS[chosen.command] or require("ninedig.cli.listing").show
  return command(make_client(chosen), chosen)
end

-- What a program that asked for JSON is told of an error of ninedig that ended the command.
local function write_error(err)
  local json = require("ninedig.cli.json")
  local facts = require("ninedig.cli.report").facts(err)
  require("ninedig.cli.output").data(json.encode { error = facts } .. "\n")
end

local function end_with(chosen, raised, thread)
  local stop = require("ninedig.cli.stop")
  if not stop.is_reason(raised) then
    say("an error of the command itself, please report it: " .. tostring(raised))
    io.stderr:write(debug.traceback(thread), "\n")
    return UNKNOWN
  end
  say(raised.message)
  if raised.err and chosen.json then
    write_error(raised.err)
  end
  return raised.status
end

--- Run the command.
-- @tparam table words of the command line
-- @treturn integer exit status
function cli.main(words)
  if not check_needed("argparse") then
    return USAGE
  end
  local loaded, core = pcall(require, "ninedig.core")
  if not loaded then
    say("the library cannot be loaded: " .. tostring(core))
    return USAGE
  end
  local chosen, wrong = require("ninedig.cli.arguments").parse(words, core.version)
  if not chosen then
    say(wrong)
    io.stderr:write("To learn more: ninedig --help\n")
    return USAGE
  elseif not check_needed("luaposix") then
    return USAGE
  end
  chosen.command_line = command_line(words)
  local ok, result, thread = require("ninedig.cli.waiting").host(function()
    return run(chosen)
  end)
  return ok and result or end_with(chosen, result, thread)
end

return cli
