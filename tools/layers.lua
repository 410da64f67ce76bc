-- Checks that each file uses only files above it: run by `make check`.

-- From the lowest layer up.  A name stands for its .c and its .h.
local order = {
  ["src/core"] = {
    "version", "stay", "ascii", "error", "names.def", "buffer", "url", "value",
    "options.def", "settings", "calls.def", "reasons.def", "results.def", "call", "request",
    "answer", "transfer", "trust", "tls", "connection", "exchange", "clock", "watch", "pool",
    "engine", "json", "spelling", "verdict", "redact", "outcome",
  },
  ["src/lua"] = {
    "compat", "values", "params", "objects", "engine", "json", "reply", "transfer", "catalogue",
    "yield", "module",
  },
  ["src/posix"] = { "parts", "common", "terminal", "signals", "files", "module" },
  ["lua/ninedig"] = {
    "error", "wait.yield", "events",
    "wait.protect", "wait.blocking", "wait.loop", "wait.nginx", "wait.workers",
    "wait", "call", "task", "session", "read", "lookup",
    "verify", "deletion", "bulk", "client", "safe", "init",
    "cli.stop", "cli.system", "cli.waiting", "cli.width", "cli.text", "cli.json", "cli.output",
    "cli.manual", "cli.arguments", "cli.credentials", "cli.shell", "cli.report", "cli.verbose",
    "cli.names", "cli.listing", "cli.ask", "cli.preview", "cli.progress", "cli.one", "cli.roll",
    "cli.input", "cli.journal", "cli.recheck", "cli.many", "cli",
  },
}

-- What a folder may not include, and which other folder it may.
local foreign = {
  ["src/core"] = { "^lua[%d./-]", "^luajit", "^lauxlib%.h", "^lualib%.h", "^luaconf%.h" },
  ["src/lua"] = { "^curl/" },
  ["src/posix"] = { "^curl/" },
}
local below = { ["src/lua"] = "src/core", ["src/posix"] = "src/lua" }

-- What is in C, and the one Lua file that may use the second.
local NATIVE = { core = true, posix = true }
local HOST_OF_POSIX = "lua/ninedig/cli/system.lua"

local faults = 0
local function fault(...)
  faults = faults + 1
  print(string.format(...))
end

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local found = {}
  for line in pipe:lines() do found[#found + 1] = line end
  pipe:close()
  return found
end

-- The place of each name of a folder in its order.
local rank = {}
for folder, names in pairs(order) do
  rank[folder] = {}
  for place, name in ipairs(names) do rank[folder][name] = place end
end

local function name_of(folder, path)
  local name = path:sub(#folder + 2):gsub("%.[ch]$", ""):gsub("%.lua$", ""):gsub("/init$", "")
    :gsub("/", ".")
  return name
end

local function check_include(folder, path, place, file)
  local own = rank[folder][(file:gsub("%.h$", ""))]
  local other = below[folder]
  local name = other and file:gsub("%.h$", ""):match("^%.%.(/.+)$")
  if own and own > place then
    fault("%s includes %s, which is above it", path, file)
  elseif not own and not (name and rank[other][name:match("^" .. other:sub(4) .. "/(.+)$")]) then
    fault("%s includes %s, which is in no layer it may use", path, file)
  end
end

local function is_foreign(folder, file)
  for _, pattern in ipairs(foreign[folder]) do
    if file:find(pattern) then return true end
  end
  return false
end

local function check_c(folder, path, place)
  for line in io.lines(path) do
    local open, file = line:match('^%s*#%s*include%s*([<"])([^>"]+)')
    if open and is_foreign(folder, file) then
      fault("%s includes %s", path, file)
    elseif open == '"' then
      check_include(folder, path, place, file)
    end
  end
end

local function check_lua(path, place)
  for line in io.lines(path) do
    for module in line:gsub("^%s*%-%-.*", ""):gmatch("require[%s,(]*[\"']([%w_.]+)[\"']") do
      local name = module == "ninedig" and "init" or module:match("^ninedig%.(.+)")
      local own = name and rank["lua/ninedig"][name]
      if own and own >= place then
        fault("%s requires %s, which is not below it", path, module)
      elseif name == "posix" and path ~= HOST_OF_POSIX then
        fault("%s requires %s, which is for %s alone", path, module, HOST_OF_POSIX)
      elseif name and not own and not NATIVE[name] then
        fault("%s requires %s, which is in no layer", path, module)
      end
    end
  end
end

for folder in pairs(order) do
  local seen = {}
  for _, path in ipairs(lines_of("find " .. folder .. " -type f")) do
    local name = name_of(folder, path)
    local place = rank[folder][name]
    seen[name] = true
    if not place then
      fault("%s is missing from the order in tools/layers.lua", path)
    elseif folder == "lua/ninedig" then
      check_lua(path, place)
    else
      check_c(folder, path, place)
    end
  end
  for _, name in ipairs(order[folder]) do
    if not seen[name] then fault("%s/%s is in the order of tools/layers.lua only", folder, name) end
  end
end

os.exit(faults == 0)
