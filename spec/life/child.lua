--- Builds the harness for the Lua under test, and runs scripts in it.
local child = {}

local LIBRARIES = { jit = "luajit" }
-- The tools have a malloc of their own.
local FLAGS = {
  [""] = "",
  sanitize = "-DOWN_MALLOC=0 -fsanitize=address,undefined",
  thread = "-DOWN_MALLOC=0 -fsanitize=thread",
  valgrind = "-DOWN_MALLOC=0",
}
-- Leaks are looked for by VALGRIND_OPTS, which a script may do without.
local VALGRIND = "valgrind --quiet --error-exitcode=99 --num-callers=30"
  .. " --keep-debuginfo=yes --suppressions=spec/valgrind.supp "

--- What the suite runs under: "", "valgrind", "sanitize" or "thread".
child.under = os.getenv("NINEDIG_UNDER") or ""

--- Where the scripts are.
child.directory = "spec/life"

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- The command's output and, where it failed, how.
local function capture(command)
  local pipe = assert(io.popen(command .. "; echo \"status $?\"", "r"))
  local output = pipe:read("*a")
  pipe:close()
  local text, status = output:match("^(.-)status (%d+)\n$")
  return text, tonumber(status)
end

local function version()
  local given = os.getenv("NINEDIG_LUA_VERSION")
  return given or rawget(_G, "jit") and "jit" or _VERSION:match("%d%.%d")
end

-- The folder of the library under test.
local function library_folder()
  for template in package.cpath:gmatch("[^;]+") do
    local file = io.open((template:gsub("%?", "ninedig/core")), "rb")
    if file then
      file:close()
      return (template:gsub("%?.*$", ""))
    end
  end
  return error("ninedig is not built")
end

local built

local function build()
  local path = library_folder() .. "harness"
  local lua = LIBRARIES[version()] or "lua" .. version()
  local command = ("${CC:-cc} -std=c99 -O1 -g -rdynamic %s -isystem $(tools/incdir %s) -o %s.new"
    .. " %s/harness.c $(pkg-config --libs %s) -ldl -lpthread 2>&1 && mv %s.new %s")
    :format(FLAGS[child.under], version(), path, child.directory, lua,
    path, path)
  local output, status = capture(command)
  assert(status == 0, output)
  return path
end

local function run(settings, script, ...)
  built = built or build()
  local words = { quote(child.directory .. "/" .. script) }
  for i = 1, select("#", ...) do
    words[i + 1] = quote((select(i, ...)))
  end
  local errors = os.tmpname()
  local under = child.under == "valgrind" and VALGRIND or ""
  local output, status = capture(("NO_PROXY='*' %s %s%s %s 2>%s")
    :format(settings, under, built, table.concat(words, " "), errors))
  local file = assert(io.open(errors, "rb"))
  local complaint = file:read("*a")
  file:close()
  os.remove(errors)
  if status ~= 0 then
    error(("%s ended with status %d\n%s\n%s"):format(script, status, output:sub(-2000),
      complaint:sub(1, 8000)), 0)
  end
  local lines = {}
  for line in output:gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

--- Runs a script of this folder in the harness; raises where that fails, crashes or leaks.
-- @tparam string script
-- @param ... its arguments
-- @treturn table the lines of its output
function child.run(script, ...)
  return run("VALGRIND_OPTS=--leak-check=full", script, ...)
end

--- The same where leaks do not count: after a fork the child leaves the parent's handles alone, and
-- does not free them either.
function child.run_and_leak(script, ...)
  return run("ASAN_OPTIONS=detect_leaks=0 VALGRIND_OPTS=--leak-check=no", script, ...)
end

return child
