--- The list of inboxes: CSV with a header, or JSON lines.
local cjson = require("cjson").new()
local stop = require("ninedig.cli.stop")
local waiting = require("ninedig.cli.waiting")

local input = {}

local KEYS = { accountID = true, server = true, inboxID = true, whatsapp_number = true }
local KEYS_IN_WORDS = "accountID, server, inboxID and whatsapp_number"

local function refuse(name, line, message, ...)
  stop.with(stop.USAGE, "%s:%d: %s", name, line, message:format(...))
end

local function read_all(path)
  if path == "-" then
    local content, why = waiting.read_all()
    if not content then
      stop.with(stop.USAGE, "standard input could not be read: %s", why)
    end
    return content, "standard input"
  end
  local file, why = io.open(path, "rb")
  local content = file and file:read("*a")
  if not content then
    stop.with(stop.USAGE, "the list could not be read: %s", why or path)
  end
  file:close()
  return content, path
end

-- ----- CSV -----

-- A cell in quotes, in which two quotes stand for one, and where it ends.
local function quoted_cell(line, place)
  local from = place + 1
  while true do
    local quote = line:find('"', from, true)
    if not quote then
      return nil
    elseif line:sub(quote + 1, quote + 1) ~= '"' then
      local cell = line:sub(place + 1, quote - 1):gsub('""', '"')
      return cell, quote + 1
    end
    from = quote + 2
  end
end

local function split(name, number, line)
  local cells, place = {}, 1
  while true do
    local cell, rest = line:match("^([^,]*)()", place)
    if line:sub(place, place) == '"' then
      cell, rest = quoted_cell(line, place)
    end
    if not cell or not line:find("^,", rest) and rest <= #line then
      refuse(name, number, "a cell in quotes does not end as one")
    end
    cells[#cells + 1] = cell:match("^%s*(.-)%s*$")
    if rest > #line then
      return cells
    end
    place = rest + 1
  end
end

local function check_header(name, number, header)
  local seen = {}
  for _, key in ipairs(header) do
    if not KEYS[key] then
      refuse(name, number, "%q is no column: the header names %s", key, KEYS_IN_WORDS)
    elseif seen[key] then
      refuse(name, number, "the column %s stands twice", key)
    end
    seen[key] = true
  end
  if not (seen.accountID and seen.inboxID) then
    refuse(
      name, number, "the header has to name accountID and inboxID, as in accountID,server,inboxID"
    )
  end
end

local function read_csv(name, lines)
  local header, entries = nil, {}
  for _, line in ipairs(lines) do
    local cells = split(name, line.number, line.text)
    if not header then
      header = cells
      check_header(name, line.number, header)
    else
      if #cells ~= #header then
        refuse(name, line.number, "%d cells under a header of %d", #cells, #header)
      end
      local entry = {}
      for i, key in ipairs(header) do
        entry[key] = cells[i] ~= "" and cells[i] or nil
      end
      entries[#entries + 1] = entry
    end
  end
  return entries
end

-- ----- JSON lines -----

local function read_json(name, lines)
  local entries = {}
  for i, line in ipairs(lines) do
    local ok, entry = pcall(cjson.decode, line.text)
    if not ok or type(entry) ~= "table" or entry[1] ~= nil then
      refuse(name, line.number, "this is no JSON object")
    end
    for key, value in pairs(entry) do
      if not KEYS[key] then
        refuse(name, line.number, "%q is no key of an inbox: those are %s", key, KEYS_IN_WORDS)
      elseif value == cjson.null then
        entry[key] = nil
      end
    end
    entries[i] = entry
  end
  return entries
end

-- ----- both -----

local function split_lines(content)
  local lines, number = {}, 0
  for text in (content:gsub("^\239\187\191", "") .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    if text:find("%S") then
      lines[#lines + 1] = { number = number, text = text }
    end
  end
  return lines
end

--- Read a list.
-- @tparam string path or "-" for standard input
-- @treturn table a list of params of `delete_inbox`, not checked yet
function input.read(path)
  local content, name = read_all(path)
  local lines = split_lines(content)
  local is_json = lines[1] and lines[1].text:find("^%s*{")
  local entries = (is_json and read_json or read_csv)(name, lines)
  if #entries == 0 then
    stop.with(stop.USAGE, "%s lists no inbox", name)
  end
  return entries
end

return input
