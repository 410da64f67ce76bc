--- The list of inboxes: CSV with a header, or JSON lines.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local report = require("ninedig.cli.report")
local roll = require("ninedig.cli.roll")
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")
local text = require("ninedig.cli.text")
local waiting = require("ninedig.cli.waiting")

local input = {}

local digits = errors.digits

local KEYS = {
  accountID = true, server = true, inboxID = true, whatsapp_number = true, name = true,
}
local KEYS_IN_WORDS = "accountID, server, inboxID, whatsapp_number and name"

local A_COLUMN = "the header names " .. KEYS_IN_WORDS
  .. ", and a column that begins with # is ignored"

-- Where in the list something is wrong.
local function refuse(place, message, ...)
  stop.with(stop.USAGE, "%s:%d: %s", place.name, place.line, message:format(...))
end

-- An empty one could be that of another account.
local function refuse_no_server(place)
  refuse(
    place, "server is empty, and that could be another account's inbox: name the server, or leave"
      .. " server out altogether where all are on online"
  )
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

local function trim(cell)
  return cell:match("^%s*(.*%S)") or ""
end

-- The cells of a line, and how many they are; `cells` is used again for each line.
local function split(place, line, cells)
  local count, from = 0, 1
  while true do
    local cell, rest
    local quote = line:match('^%s*()"', from)
    if quote then
      cell, rest = quoted_cell(line, quote)
      rest = rest and line:match("^%s*()", rest)
    else
      rest = line:find(",", from, true) or #line + 1
      cell = line:sub(from, rest - 1)
    end
    if not cell or rest <= #line and line:sub(rest, rest) ~= "," then
      refuse(place, "a cell in quotes does not end as one")
    end
    count = count + 1
    cells[count] = trim(cell)
    if rest > #line then
      return cells, count
    end
    from = rest + 1
  end
end

-- What somebody may have meant by what is no column.
local function advice_on_column(key)
  if key:find("[;\t]") then
    return "; cells are separated by commas"
  end
  return key:find("^%d+$") and "; the first line is the header" or ""
end

local function check_header(place, header)
  local seen = {}
  for _, key in ipairs(header) do
    local is_ignored = key:sub(1, 1) == "#"
    if not KEYS[key] and not is_ignored then
      refuse(place, '"%s" is no column: %s%s', text.plain(key), A_COLUMN, advice_on_column(key))
    elseif seen[key] and not is_ignored then
      refuse(place, "the column %s stands twice", key)
    end
    seen[key] = true
  end
  if not (seen.accountID and seen.inboxID) then
    refuse(place, "the header has to name accountID and inboxID, as in accountID,server,inboxID")
  end
end

-- Returns what reads a line: the entry in it, or nil where it is the header.
local function csv_reader()
  local header, width
  local cells, entry = {}, {}
  return function(place, line)
    if not header then
      header, width = split(place, line, {})
      check_header(place, header)
      return nil
    end
    local _, count = split(place, line, cells)
    if count ~= width then
      refuse(
        place, "%s, and the header has %s", text.count(count, "cell"), text.count(width, "column")
      )
    end
    for i, key in ipairs(header) do
      if KEYS[key] then
        entry[key] = cells[i] ~= "" and cells[i] or nil
        if key == "server" and not entry.server then
          refuse_no_server(place)
        end
      end
    end
    return entry
  end
end

-- ----- JSON lines -----

local function refuse_json_array(place)
  refuse(
    place, "this is a JSON array: a list has one object in each line, without [ ] and commas"
      .. " between"
  )
end

local function read_json_line(place, line)
  local object, keys = core.read_object(line)
  if not object then
    refuse(place, "this is no JSON object of an inbox: %s", text.plain(keys)) -- what is wrong
  end
  if keys.server and object.server == nil then
    refuse_no_server(place)
  end
  for key in pairs(keys) do
    if key:sub(1, 1) == "#" then
      object[key] = nil
    elseif not KEYS[key] then
      refuse(place, '"%s" is no key of an inbox: those are %s', text.plain(key), KEYS_IN_WORDS)
    end
  end
  return object
end

-- ----- both -----

-- Bytes of a line and of a list, at most: what never ends is refused before it takes all memory.
local LINE_MOST, LIST_MOST = 65536, 256 * 1024 * 1024

-- Returns what reads a list piece by piece, and what the list is called.
local function open_list(path)
  if path == "-" then
    return waiting.read_part, "standard input"
  end
  local file, why = system.open_to_read(path)
  if not file then
    stop.with(stop.USAGE, "the list could not be read: %s", why)
  end
  return function()
    waiting.check()
    local part, failure = file:read()
    if part == "" then
      file:close()
    end
    return part, failure
  end, path
end

local function check_line(place, line)
  if line:find("\0", 1, true) then
    refuse(place, "there is a NUL in this line: a list is text in UTF-8")
  elseif #line > LINE_MOST then
    refuse(place, "this line has more than %d bytes", LINE_MOST)
  end
end

local function check_size(place, size)
  if size > LIST_MOST then
    stop.with(
      stop.USAGE, "%s has more than %d bytes: make several lists of it, with a journal for each",
      place.name, LIST_MOST
    )
  end
end

-- Takes each line of a piece; returns what is behind the last one, which is the beginning of the
-- next line.
local function take_lines(piece, take)
  local from, newline = 1, piece:find("\n", 1, true)
  while newline do
    take(piece:sub(from, newline - 1))
    from = newline + 1
    newline = piece:find("\n", from, true)
  end
  return piece:sub(from)
end

local function each_line(place, read, take)
  local rest, size = "", 0
  repeat
    local part, why = read()
    if not part then
      stop.with(stop.USAGE, "the list could not be read: %s", why)
    end
    size = size + #part
    check_size(place, size)
    rest = take_lines(rest .. part, take)
    check_line({ name = place.name, line = place.line + 1 }, rest)
  until part == ""
  if rest ~= "" then
    take(rest)
  end
end

-- Returns what reads a line, by the first one that is not empty.
local function reader_for(place, line)
  if line:find("^%s*%[") then
    refuse_json_array(place)
  end
  return line:find("^%s*{") and read_json_line or csv_reader()
end

-- The name is for people, and nothing else.
local function add(list, place, entry, check)
  local name = entry.name
  entry.name = nil
  local asked, err = check(entry)
  if not asked then
    err.message = ("%s:%d: %s"):format(place.name, place.line, err.message)
    report.fail(err)
  end
  asked.name = name and tostring(name) or nil
  local before = list:add(asked)
  if before then
    refuse(
      place, "entries %d and %d are the same inbox: inboxID %s of accountID %s on %s", before,
      list.count + 1, digits(asked.inboxID), digits(asked.accountID), asked.server
    )
  end
end

--- Read a list.
-- @tparam string path or "-" for standard input
-- @tparam function check called with params of `delete_inbox`; returns them as they were
-- understood, or nil and the error
-- @treturn table see `ninedig.cli.roll`
-- @raise a reason to stop
function input.read(path, check)
  local next_part, name = open_list(path)
  local place, list, read = { name = name, line = 0 }, roll.new(), nil
  each_line(place, next_part, function(line)
    place.line = place.line + 1
    check_line(place, line)
    if place.line == 1 then
      line = line:gsub("^\239\187\191", "")
    end
    line = line:gsub("\r$", "")
    if line:find("%S") then
      read = read or reader_for(place, line)
      local entry = read(place, line)
      if entry then
        add(list, place, entry, check)
      end
    end
  end)
  if list.count == 0 then
    stop.with(stop.USAGE, "%s lists no inbox", name)
  end
  return list
end

return input
