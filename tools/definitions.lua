--- The tables of src/core/*.def, read for the tools that make types and documents of them.
local definitions = {}

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

-- The end of what is in parentheses from there on, strings aside.
local function find_end(text, first)
  local depth, at = 0, first
  while true do
    local mark = text:sub(at, at)
    if mark == '"' then
      at = text:find('[^\\]"', at) + 1
    elseif mark == "(" then
      depth = depth + 1
    elseif mark == ")" then
      depth = depth - 1
      if depth == 0 then
        return at
      end
    end
    at = at + 1
  end
end

-- Literals that stand one after the other are one text; all else is kept as it is written.
local function value_of(argument)
  argument = argument:match("^%s*(.-)%s*$")
  if argument:sub(1, 1) ~= '"' then
    return argument
  end
  local parts = {}
  for part in argument:gmatch('"(.-[^\\])"') do
    parts[#parts + 1] = part
  end
  return (table.concat(parts):gsub("\\(.)", "%1"))
end

-- The arguments between two parentheses.
local function split(text)
  local arguments, at, first = {}, 1, 1
  while at <= #text do
    local mark = text:sub(at, at)
    if mark == '"' then
      at = text:find('[^\\]"', at) + 1
    elseif mark == "(" then
      at = find_end(text, at)
    elseif mark == "," then
      arguments[#arguments + 1] = text:sub(first, at - 1)
      first = at + 1
    end
    at = at + 1
  end
  arguments[#arguments + 1] = text:sub(first)
  return arguments
end

-- The rows of a text in their order: `macro`, and the arguments as they are written.
local function rows_of(text)
  local rows, at = {}, 1
  while true do
    local first, open, macro = text:find("(ND_[%u_]+)%(", at)
    if not first then
      return rows
    end
    local last = find_end(text, open)
    local row = split(text:sub(open + 1, last - 1))
    row.macro = macro
    rows[#rows + 1] = row
    at = last + 1
  end
end

local function rows_in(name)
  local rows = rows_of((read_file("src/core/" .. name .. ".def"):gsub("/%*.-%*/", "")))
  for _, row in ipairs(rows) do
    for i = 1, #row do
      row[i] = row[i]:find("^%s*ND_[%u_]+%(") and row[i] or value_of(row[i])
    end
  end
  return rows
end

local function param_of(text)
  local row = rows_of(text)[1]
  for i = 1, #row do
    row[i] = value_of(row[i])
  end
  if row.macro == "ND_PARAM" then
    return {
      name = row[1],
      type = row[2],
      needed = row[3]:find("ND_NEEDED") ~= nil and not row[3]:find("ND_FROM_CLIENT"),
      default = row[4] ~= "NULL" and row[4] or nil,
    }
  end
  return { name = row[1], type = row.macro:match("^ND_(%u+)_PARAM$"), needed = false }
end

--- The calls and tasks: `id`, `name`, `method` and `path` of a call, `params`.
-- @treturn table
function definitions.calls()
  local calls = {}
  for i, row in ipairs(rows_in("calls")) do
    local call = { id = row[1], name = row[2], params = {} }
    if row.macro == "ND_CALL" then
      call.method, call.path, call.effect = row[3], row[4], row[5]
    end
    for _, argument in ipairs(row) do
      if argument:find("^%s*ND_[%u_]+%(") then
        call.params[#call.params + 1] = param_of(argument)
      end
    end
    calls[i] = call
  end
  return calls
end

--- The options of a client: `name`, `type`, `min`, `max`, `default`.
-- @treturn table
function definitions.options()
  local options = {}
  for i, row in ipairs(rows_in("options")) do
    options[i] = {
      name = row[1], type = row[2], min = tonumber(row[3]), max = tonumber(row[4]),
      default = row[6] ~= "0" and row[6] or nil,
    }
  end
  return options
end

--- The names of errors but those of reasons: `name`, `kind`, `means`, `advice`.
-- @treturn table
function definitions.names()
  local names = {}
  for i, row in ipairs(rows_in("names")) do
    names[i] = { name = row[1], kind = row[2], means = row[3], advice = row[4] }
  end
  return names
end

--- The reasons: `call`, the id of the call, `code`, `name`, `message`, `assumed`.
-- @treturn table
function definitions.reasons()
  local reasons = {}
  for i, row in ipairs(rows_in("reasons")) do
    reasons[i] = {
      call = row[1], code = tonumber(row[2]), name = row[3], message = row[4],
      assumed = row.macro == "ND_ASSUMED_REASON",
    }
  end
  return reasons
end

--- The fields of results that have a type of their own: `call`, `where`, `key`, `form`, `needed`.
-- @treturn table
function definitions.results()
  local results = {}
  for i, row in ipairs(rows_in("results")) do
    results[i] = {
      call = row[1], where = row[2], key = row[3], form = row[4], needed = row[5] == "true",
    }
  end
  return results
end

return definitions
