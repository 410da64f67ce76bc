--- JSON as the command writes it: keys in order, numbers in full, one line, valid UTF-8.
local errors = require("ninedig.error")
local text = require("ninedig.cli.text")

local json = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(character)
  return ESCAPES[character] or ("\\u%04x"):format(character:byte())
end

local function encode_string(value)
  return '"' .. text.utf8(value):gsub('[%z\1-\31\127"\\]', escape) .. '"'
end

local function encode_number(value)
  if value % 1 == 0 and math.abs(value) < 1e18 then
    return errors.digits(math.type and math.tointeger(value) or value)
  elseif value ~= value or value == 1 / 0 or value == -1 / 0 then
    return "null"
  end
  local shortest = ("%.14g"):format(value)
  return tonumber(shortest) == value and shortest or ("%.17g"):format(value)
end

local encode

-- How long a list is, if a table is one: an object has strings for keys. One that is empty is taken
-- for a list, as the tables that the service's answers become do not tell; ours are never empty.
local function length_of(object)
  local last = next(object) == nil and 0 or nil
  for key in next, object do
    if type(key) == "number" then
      last = math.max(last or 0, key)
    end
  end
  return last
end

--- How long a list is, with the holes in it.
-- @tparam table list
-- @treturn integer
function json.length(list)
  return length_of(list) or 0
end

-- A hole is a null that the service sent.
local function encode_list(list, length)
  local parts = {}
  for i = 1, length do
    parts[i] = encode(list[i])
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

-- Names come before what they lead to.
local FIRST = {}
for place, key in ipairs {
  "journal", "version", "intent", "outcome", "dry_run", "verdict", "accountID", "server", "inboxID",
} do
  FIRST[key] = place
end

local function is_before(a, b)
  local place, other = FIRST[a] or 99, FIRST[b] or 99
  if place ~= other then
    return place < other
  end
  return a < b
end

local function encode_object(object)
  local keys = {}
  for key in next, object do
    keys[#keys + 1] = key
  end
  table.sort(keys, is_before)
  for i, key in ipairs(keys) do
    keys[i] = encode_string(key) .. ":" .. encode(object[key])
  end
  return "{" .. table.concat(keys, ",") .. "}"
end

function encode(value)
  local kind = type(value)
  if kind == "table" then
    local length = length_of(value)
    return length and encode_list(value, length) or encode_object(value)
  elseif kind == "string" then
    return encode_string(value)
  elseif kind == "number" then
    return encode_number(value)
  end
  return kind == "boolean" and tostring(value) or "null"
end

--- One line of JSON, without its end.
-- @function encode
-- @param value of tables with keys that are strings, or lists
-- @treturn string
json.encode = encode

return json
