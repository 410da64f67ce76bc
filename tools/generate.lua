-- Writes what is made of the tables under src/core: generate.lua.  With --check it writes nothing,
-- and fails where something is out of date.
package.path = "./tools/?.lua;" .. package.path
local definitions = require("definitions")
local types = require("types")

local KINDS = { "argument", "network", "http", "protocol", "api", "lookup", "precondition" }

local function read_file(path)
  local file = io.open(path)
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

local function cell(text)
  return (text:gsub("|", "\\|"))
end

local function table_of(head, rows)
  local rule = head:gsub("[^|]+", " --- ")
  return table.concat({ head, rule, table.concat(rows, "\n") }, "\n") .. "\n"
end

local sections = {}

-- The names of errors by their kind. Those of reasons are in the other section.
function sections.names()
  local parts = {}
  for _, kind in ipairs(KINDS) do
    local rows = {}
    for _, one in ipairs(definitions.names()) do
      if one.kind == kind then
        rows[#rows + 1] = ("| `%s` | %s | %s |"):format(one.name, cell(one.means), cell(one.advice))
      end
    end
    if kind == "api" then
      rows[#rows + 1] = "| the others | the service's codes say them | see [Reasons](#reasons) |"
    end
    parts[#parts + 1] = ("### Of kind %s\n\n%s"):format(
      kind, table_of("| name | what it means | what to do |", rows))
  end
  return table.concat(parts, "\n")
end

-- The reasons call by call.
function sections.reasons()
  local parts = {}
  for _, call in ipairs(definitions.calls()) do
    local rows = {}
    for _, one in ipairs(definitions.reasons()) do
      if one.call == call.id then
        rows[#rows + 1] = ("| %d | `%s` | %s%s |"):format(
          one.code, one.name, cell(one.message), one.assumed and " (assumed)" or "")
      end
    end
    if call.method then
      rows[#rows + 1] = "| other | `UNDOCUMENTED_REASON` | the service's documents do not name it |"
      parts[#parts + 1] = ("### %s\n\n%s"):format(
        call.name, table_of("| reason | name | what it means |", rows))
    end
  end
  return table.concat(parts, "\n")
end

-- A page with its sections made anew.
local function fill(page)
  return (page:gsub("(<!%-%- made by `make generate`: (%w+) %-%->\n).-(<!%-%- end %-%->)",
    function(first, name, last)
      return first .. "\n" .. sections[name]() .. "\n" .. last
    end))
end

local made = {
  ["docs/errors.md"] = fill(read_file("docs/errors.md")),
  ["types/ninedig.lua"] = types.text(),
  ["types/ninedig/safe.lua"] = types.safe_text(),
}

local old = 0
for path, text in pairs(made) do
  if text ~= read_file(path) then
    old = old + 1
    if arg[1] == "--check" then
      print(path .. " is out of date: make generate")
    else
      local file = assert(io.open(path, "w"))
      assert(file:write(text))
      assert(file:close())
    end
  end
end

os.exit(arg[1] ~= "--check" or old == 0)
