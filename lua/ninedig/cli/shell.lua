--- Commands that are printed for the user to run: with all that they need, quoted for the shell.
local errors = require("ninedig.error")
local text = require("ninedig.cli.text")

local shell = {}

--- A command line.
-- @tparam table words without the name of the command itself
-- @treturn string
function shell.line(words)
  local quoted = { "ninedig" }
  for i, word in ipairs(words) do
    quoted[i + 1] = text.quote(tostring(word))
  end
  return table.concat(quoted, " ")
end

-- What says where the service is, and who asks. Without it another service could be asked.
local COMMON = {
  { "--base-url", "base_url" }, { "--ca-file", "ca_file" }, { "--token-file", "token_file" },
  { "--timeout", "timeout" },
}

--- Seconds in which two looks that prove a deletion have always enough time.
shell.TIME_TO_PROVE = 30

-- A time-out that was too short once is too short for a proof, too.
local function is_needed(option, value)
  return value and not (option == "timeout" and value < shell.TIME_TO_PROVE)
end

local function add_common(words, chosen)
  for _, option in ipairs(COMMON) do
    local value = chosen[option[2]]
    if is_needed(option[2], value) then
      words[#words + 1] = option[1]
      words[#words + 1] = value
    end
  end
  return words
end

--- The command that finds out what became of an inbox.
-- @tparam table chosen the arguments
-- @tparam table asked
-- @treturn string
function shell.verify(chosen, asked)
  local words = {
    "verify", "--account", errors.digits(asked.accountID), "--server", asked.server,
    "--inbox", errors.digits(asked.inboxID),
  }
  if asked.whatsapp_number then
    words[#words + 1] = "--number"
    words[#words + 1] = asked.whatsapp_number
  end
  return shell.line(add_common(words, chosen))
end

local function has_option(words, name)
  for _, word in ipairs(words) do
    if word == name or word:sub(1, #name + 1) == name .. "=" then
      return true
    end
  end
  return false
end

--- The same command once more.
-- @tparam table chosen the arguments
-- @tparam[opt] string more an option that it gets
-- @treturn string
function shell.again(chosen, more)
  local given = chosen.words
  local words = { given[1] }
  for _, option in ipairs(COMMON) do
    if chosen[option[2]] and not has_option(given, option[1]) then -- from the environment
      words[#words + 1] = option[1]
      words[#words + 1] = chosen[option[2]]
    end
  end
  if more and not has_option(given, more) then
    words[#words + 1] = more
  end
  for i = 2, #given do
    words[#words + 1] = given[i]
  end
  return shell.line(words)
end

return shell
