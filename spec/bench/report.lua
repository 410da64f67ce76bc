--- Prints the figures of a part of the benchmark, each beside what it has to reach.
--
-- A row: a name; `of`, a table with `ours` and `bare`; `unit`, and `per`, by which the figures are
-- multiplied to be in it; and its target, if it has one: `max_ratio` (ours to bare), `at_most` or
-- `exactly` (ours, in the unit).
local report = {}

local function round(number)
  if number % 1 == 0 then
    return ("%d"):format(number)
  end
  return ("%.2f"):format(number)
end

-- The target in words, and whether it is reached; nil where there is none.
local function judge(row, ours, ratio)
  if row.max_ratio then
    return ("ratio <= %.2f"):format(row.max_ratio), ratio <= row.max_ratio
  elseif row.at_most then -- of the figure as it is printed
    return ("<= %d %s"):format(row.at_most, row.unit), tonumber(round(ours)) <= row.at_most
  elseif row.exactly then
    return ("= %d"):format(row.exactly), ours == row.exactly
  end
end

local function heading(part)
  return { "", "ninedig", part.against or "bare libcurl", "", "ratio", "target", "" }
end

local LEFT = { true, false, false, true, false, true, true }

local function print_aligned(lines)
  local widths = {}
  for _, line in ipairs(lines) do
    for i, text in ipairs(line) do
      widths[i] = math.max(widths[i] or 0, #text)
    end
  end
  for _, line in ipairs(lines) do
    local columns = {}
    for i, text in ipairs(line) do
      columns[i] = ("%" .. (LEFT[i] and "-" or "") .. widths[i] .. "s"):format(text)
    end
    print((("  " .. table.concat(columns, "  ")):gsub("%s+$", "")))
  end
end

--- Print the table of a part.
-- @tparam table part its `title`, and what it is measured `against`, if that is not bare libcurl
-- @tparam table rows
-- @treturn integer how many targets are missed
function report.print(part, rows)
  local lines, missed = { heading(part) }, 0
  for _, row in ipairs(rows) do
    local ours = row.of.ours * (row.per or 1)
    local bare = row.of.bare * (row.per or 1)
    local ratio = ours / bare
    local target, reached = judge(row, ours, ratio)
    if target and not reached then
      missed = missed + 1
    end
    lines[#lines + 1] = {
      row[1], round(ours), round(bare), row.unit,
      (row.max_ratio or not target) and ("%.3f"):format(ratio) or "-",
      target or "-",
      not target and "" or reached and "reached" or "MISSED",
    }
  end
  print(part.title)
  print()
  print_aligned(lines)
  print()
  return missed
end

return report
