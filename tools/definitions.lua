--- The tables of src/core/*.def, for the tools that make types and documents of them, and for the
-- specs. The C preprocessor makes rows of Lua of them.
local definitions = {}

local ROWS = [[
#define ND_CALL(a, b, c, d, e, ...) \
  { id = #a, name = b, method = c, path = d, effect = #e, params = { __VA_ARGS__ } },
#define ND_TASK(a, b, ...) { id = #a, name = b, params = { __VA_ARGS__ } },
#define ND_PARAM(a, b, c, d) { name = a, type = #b, where = #c, default = d }
#define ND_COUNT_PARAM(a, b, c) { name = a, type = "COUNT", where = "" }
#define ND_RATE_PARAM(a, b) { name = a, type = "RATE", where = "" }
#define ND_OPTION(a, b, c, d, e, f) { name = #a, type = #b, min = c, max = d, default = #f },
#define ND_NAME(a, b, c, d) { name = #a, kind = b, means = c, advice = d },
#define ND_REASON(a, b, c, d) { call = #a, code = b, name = c, message = d, assumed = false },
#define ND_ASSUMED_REASON(a, b, c, d) \
  { call = #a, code = b, name = c, message = d, assumed = true },
return {
#include "src/core/%s.def"
}
]]

local function rows_in(name)
  local pipe = assert(io.popen("cc -E -P - <<'END'\n" .. ROWS:format(name) .. "END"))
  local text = pipe:read("*a")
  pipe:close()
  -- Literals that stand one after the other are one text in C.
  return assert((loadstring or load)((text:gsub('([^\\])"%s+"', "%1"))))()
end

--- The calls and tasks: `id`, `name`, `method`, `path` and `effect` of a call, `params`, each with
-- `name`, `type`, `needed`, `default`.
-- @treturn table
function definitions.calls()
  local calls = rows_in("calls")
  for _, call in ipairs(calls) do
    for _, param in ipairs(call.params) do
      param.needed = param.where:find("ND_NEEDED") ~= nil and not param.where:find("ND_FROM_CLIENT")
    end
  end
  return calls
end

--- The options of a client: `name`, `type`, `min`, `max`, `default`.
-- @treturn table
function definitions.options()
  local options = rows_in("options")
  for _, option in ipairs(options) do
    option.default = option.default ~= "0" and option.default or nil
  end
  return options
end

--- The names of errors but those of reasons: `name`, `kind`, `means`, `advice`.
-- @treturn table
function definitions.names()
  return rows_in("names")
end

--- The reasons: `call`, the id of the call, `code`, `name`, `message`, `assumed`.
-- @treturn table
function definitions.reasons()
  return rows_in("reasons")
end

return definitions
