--- Text for a person: cells that can do a terminal no harm, and tables of them that align.
local width = require("ninedig.cli.width")

local text = {}

-- What UTF-8 allows, by the first byte and with it.
local CHARACTERS = {
  "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]",
  "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]", "^\240[\144-\191][\128-\191][\128-\191]",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]", "^\244[\128-\143][\128-\191][\128-\191]",
}
local REPLACEMENT = "\239\191\189"

local function character_at(bytes, place)
  for _, pattern in ipairs(CHARACTERS) do
    local character = bytes:match(pattern, place)
    if character then
      return character
    end
  end
  return nil
end

-- Of bytes that are not ASCII.
local function mend(bytes)
  local parts, place = {}, 1
  while place <= #bytes do
    local character = character_at(bytes, place)
    parts[#parts + 1] = character or REPLACEMENT
    place = place + (character and #character or 1)
  end
  return table.concat(parts)
end

--- A text in UTF-8: U+FFFD takes the place of each byte that is none.
-- @tparam string value
-- @treturn string
function text.utf8(value)
  return (value:gsub("[\128-\255]+", mend))
end

--- One line that shows what the service sent: control characters in it could move the cursor,
-- and others could reverse what is read.
-- @param value
-- @treturn string
function text.plain(value)
  local shown = text.utf8(tostring(value))
  shown = shown:gsub("[%z\1-\31\127]", "?")
  shown = shown:gsub("\194[\128-\159]", "?") -- control characters of ISO 8859
  return (shown:gsub("\226\128[\142\143\168-\174]", "?"):gsub("\226\129[\166-\169]", "?"))
end

--- A text, filled up with blanks.
-- @tparam string line
-- @tparam integer columns that it is to take
-- @tparam boolean right blanks come first
-- @treturn string
function text.pad(line, columns, right)
  local blanks = (" "):rep(columns - width.of(line))
  return right and blanks .. line or line .. blanks
end

--- A table in columns.
-- @tparam table columns a list of `{ title, key, right = boolean }`
-- @tparam table rows a list of tables by key; what is nil is shown as a dash
-- @treturn string lines, each with its end
function text.table(columns, rows)
  local widths, lines = {}, {}
  local function cell(row, column)
    local value = row[column[2]]
    return value == nil and "-" or text.plain(value)
  end
  for i, column in ipairs(columns) do
    widths[i] = width.of(column[1])
    for _, row in ipairs(rows) do
      widths[i] = math.max(widths[i], width.of(cell(row, column)))
    end
  end
  local function add(content)
    local cells = {}
    for i, column in ipairs(columns) do
      cells[i] = text.pad(content(column), widths[i], column.right)
    end
    lines[#lines + 1] = table.concat(cells, "  "):gsub(" +$", "") .. "\n"
  end
  add(function(column)
    return column[1]
  end)
  for _, row in ipairs(rows) do
    add(function(column)
      return cell(row, column)
    end)
  end
  return table.concat(lines)
end

--- A number of things.
-- @tparam integer count
-- @tparam string one
-- @tparam[opt] string many
-- @treturn string
function text.count(count, one, many)
  return ("%d %s"):format(count, count == 1 and one or many or one .. "s")
end

local function octal(character)
  return ("\\%03o"):format(character:byte())
end

--- A word for the shell, quoted where that is needed; it stays on its line.
-- @tparam string word
-- @treturn string
function text.quote(word)
  if word:find("^[%w_@%%+:,./-][%w_@%%+=:,./-]*$") then
    return word
  elseif word:find("%c") then
    return "$'" .. word:gsub("['\\]", "\\%0"):gsub("%c", octal) .. "'"
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

return text
