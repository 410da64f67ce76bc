--- Where the secrets come from: the environment or a file, and never the command line, which
-- others on the machine can see.
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")
local waiting = require("ninedig.cli.waiting")

local credentials = {}

-- Typed at a terminal it would be shown there.
local function refuse_typing()
  if system.is_terminal(system.STDIN) then
    stop.with(
      stop.USAGE,
      "--token-file - reads what is piped in: a token typed here would stay on the screen"
    )
  end
end

-- Bytes: more than a token can have, so that what never ends is refused, too.
local MOST = 65536

local function read_file(path)
  local file, why = io.open(path, "rb")
  if not file then
    return nil, why
  end
  local content
  content, why = system.read_to_end(function()
    local part, failure = file:read(MOST)
    return part or not failure and "" or nil, failure
  end, MOST)
  file:close()
  return content, why
end

local function read_token(path)
  local content, why
  if path == "-" then
    refuse_typing()
    content, why = system.read_to_end(waiting.read_part, MOST)
  else
    content, why = read_file(path)
  end
  waiting.check()
  if not content then
    why = why:sub(1, #path + 2) == path .. ": " and why:sub(#path + 3) or why
    stop.with(stop.USAGE, "the token file %s could not be read: %s", path, why)
  end
  local token = content:gsub("^\239\187\191", ""):match("^%s*(.-)%s*$")
  if token == "" then
    stop.with(stop.USAGE, "the token file %s is empty", path)
  end
  return token
end

--- The options of a client that hold its secrets.
-- @tparam ?string token_file path, or "-" for standard input
-- @treturn table
function credentials.options(token_file)
  if token_file then
    return { access_token = read_token(token_file) }
  end
  local token = system.setting("NINEDIG_ACCESS_TOKEN")
  if token then
    return { access_token = token }
  end
  local id, secret = system.setting("NINEDIG_CLIENT_ID"), system.setting("NINEDIG_CLIENT_SECRET")
  if id and secret then
    return { client_id = id, client_secret = secret }
  elseif id or secret then
    stop.with(
      stop.USAGE, "NINEDIG_CLIENT_ID and NINEDIG_CLIENT_SECRET belong together, and %s is not set",
      id and "NINEDIG_CLIENT_SECRET" or "NINEDIG_CLIENT_ID"
    )
  end
  return stop.with(
    stop.USAGE, "no credentials: set NINEDIG_ACCESS_TOKEN, or NINEDIG_CLIENT_ID and"
      .. " NINEDIG_CLIENT_SECRET, or give --token-file FILE"
  )
end

return credentials
