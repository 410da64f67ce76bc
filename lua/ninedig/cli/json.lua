--- JSON as the command writes it: keys in order, numbers in full, one line.
local errors = require("ninedig.error")

local json = {}

local list_metatable = {}

--- Mark a table as a list, so that it is one where it is empty, too.
-- @tparam table list
-- @treturn table the same
function json.list(list)
  return setmetatable(list, list_metatable)
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(character)
  return ESCAPES[character] or ("\\u%04x"):format(character:byte())
end

local function encode_string(value)
  return '"' .. value:gsub('[%z\1-\31\127"\\]', escape) .. '"'
end

local function encode_number(value)
  if value % 1 == 0 and math.abs(value) < 1e18 then
    return errors.digits(math.type and math.tointeger(value) or value)
  elseif value ~= value or value == 1 / 0 or value == -1 / 0 then
    return "null"
  end
  return ("%.14g"):format(value)
end

local encode

local function encode_list(list)
  local parts = {}
  for i = 1, #list do
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
  for key in pairs(object) do
    keys[#keys + 1] = tostring(key)
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
    local is_list = getmetatable(value) == list_metatable or value[1] ~= nil
    return is_list and encode_list(value) or encode_object(value)
  elseif kind == "string" then
    return encode_string(value)
  elseif kind == "number" then
    return encode_number(value)
  end
  return tostring(value)
end

--- One line of JSON, without its end.
-- @function encode
-- @param value of tables with keys that are strings, or lists
-- @treturn string
json.encode = encode

return json
