--- Text for a person: cells that can do a terminal no harm, and tables of them that align.
local text = {}

--- One line that shows what the service sent: control characters in it could move the cursor,
-- and others could reverse what is read.
-- @param value
-- @treturn string
function text.plain(value)
  local shown = tostring(value)
  shown = shown:gsub("[%z\1-\31\127]", "?")
  shown = shown:gsub("\194[\128-\159]", "?") -- control characters of ISO 8859
  return (shown:gsub("\226\128[\142\143\168-\174]", "?"):gsub("\226\129[\166-\169]", "?"))
end

--- How many columns a text takes, if each character takes one.
-- @tparam string line in UTF-8
-- @treturn integer
function text.width(line)
  local _, continued = line:gsub("[\128-\191]", "")
  return #line - continued
end

--- A text, filled up with blanks.
-- @tparam string line
-- @tparam integer width
-- @tparam boolean right blanks come first
-- @treturn string
function text.pad(line, width, right)
  local blanks = (" "):rep(width - text.width(line))
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
    widths[i] = text.width(column[1])
    for _, row in ipairs(rows) do
      widths[i] = math.max(widths[i], text.width(cell(row, column)))
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

--- A word for the shell, quoted where that is needed.
-- @tparam string word
-- @treturn string
function text.quote(word)
  if word:find("^[%w_@%%+=:,./-]+$") then
    return word
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

return text
