--- Calls the mock through the public API, and checks what every error has in common.
--
--   local caller = require("spec.support.caller")
--   local world = mock.world()
--   local result, err = caller.delete(world, "reason-47")
--   caller.check_error(err, { kind = "api", reason = 47, http_status = 200 })
local assert = require("luassert")
local guard = require("spec.support.guard")
local mock = require("spec.support.mock")

local caller = {}

caller.ninedig = guard.install(require("ninedig"))
caller.safe = require("ninedig.safe")

--- Stands for a field that must be nil, in what `check_error` expects.
caller.NONE = "(none)"

--- A time-out for what never ends, in seconds; long enough for a connection over plain http.
caller.short = os.getenv("NINEDIG_UNDER") == "valgrind" and 2 or 0.5

--- The body of a success for what `delete` asks for.
caller.success = '{"status":"OK","reason":1,"accountID":1,"server":"online","inboxID":10,'
  .. '"whatsapp_number":"972501234567"}'

local POLL = 0.002
local PATIENCE = 5

--- Does nothing for so many seconds.
caller.pause = mock.shared.pause

local TRIES = 10

--- Whether something takes less than so many seconds. A busy machine makes it take longer once, and
-- a fault each time: what took too long is tried again.
function caller.takes_less(limit, action)
  local monotonic = require("ninedig.core").monotonic
  for _ = 1, TRIES do
    local before = monotonic()
    action()
    if monotonic() - before < limit then
      return true
    end
  end
  return false
end

local function over(defaults, given)
  for key, value in pairs(given or {}) do
    if value == caller.NONE then
      defaults[key] = nil
    else
      defaults[key] = value
    end
  end
  return defaults
end

--- The usual params, with others over them; `NONE` takes one away.
function caller.params(more)
  return over({ access_token = mock.token, accountID = 1, inboxID = 10 }, more)
end

--- The usual options for a scenario, with others over them.
function caller.options(world, scenario, more)
  return over({ base_url = world:base_url(scenario), ca_file = mock.ca_file, timeout = 20 }, more)
end

--- Deletes inbox 10 of account 1, unless `params` has others.
-- @return result, or nil and the error
function caller.delete(world, scenario, params, options)
  return caller.safe.delete_inbox(caller.params(params), caller.options(world, scenario, options))
end

--- The same, answered with this body, or with a script as `world:script` takes it.
function caller.answered(world, answer, params, options)
  world:script(type(answer) == "table" and answer or { body = answer })
  return caller.delete(world, "body", params, options)
end

--- Options that make a call go over plain http, on a connection of its own.
function caller.plain(world, scenario, more)
  return over({ base_url = world:base_url(scenario, mock.http), max_idle = 0 }, more)
end

--- A value as text that tells integers from floats, and numbers from strings; sorted by key.
function caller.render(value)
  if type(value) == "string" then
    return ("%q"):format(value)
  elseif type(value) == "number" and not math.type and value % 1 == 0 then
    return ("%.0f"):format(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  for key, one in pairs(value) do
    parts[#parts + 1] = tostring(key) .. "=" .. caller.render(one)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

local function check_no_secret(err, secret)
  for key, value in pairs(err) do
    if type(value) == "string" then
      assert.is_nil(value:find(secret, 1, true), key .. " shows the secret: " .. value)
    end
  end
end

local FIELDS = {
  kind = "string", name = "string", outcome = "string", message = "string", response = "string",
  call = "string", server = "string", retryable = "boolean", reason = "number",
  where = "string", retry_after = "number", http_status = "number", curl_code = "number",
}

--- Checks what holds of every error, and that it has these fields; `NONE` stands for nil.
-- @param err the error
-- @tparam table expected some of its fields
-- @tparam[opt] string secret that must not be in it; the mock's token if left out
function caller.check_error(err, expected, secret)
  assert.is_true(caller.ninedig.is_error(err), "not an error: " .. caller.render(err))
  for key, value in pairs(err) do
    if key ~= "accountID" and key ~= "inboxID" then
      assert.equal(FIELDS[key], type(value), "the type of " .. tostring(key))
    end
  end
  for _, key in ipairs { "kind", "name", "outcome", "message", "retryable" } do
    assert.is_not_nil(err[key], key)
  end
  local name = assert(caller.ninedig.names[err.name], err.name .. " is not in ninedig.names")
  assert.equal(name.kind, err.kind, err.name)
  assert.equal("ninedig: ", tostring(err):sub(1, 9))
  assert.is_nil(tostring(err):find("[%c]"), "more than one line: " .. tostring(err))
  assert.equal(err.kind == "api", err.reason ~= nil, "reason is for kind api")
  assert.is_true(#(err.response or "") <= 4096)
  check_no_secret(err, secret or mock.token)
  local seen = {}
  for key in pairs(expected) do
    seen[key] = err[key] == nil and caller.NONE or err[key]
  end
  assert.equal(caller.render(expected), caller.render(seen), err.message)
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a script in a process of its own, with variables over this one's environment.
-- @treturn string what it printed, its errors too
function caller.child(environment, script)
  local words = { "env", "-u", "LUA_INIT" }
  for name, value in pairs(environment) do
    words[#words + 1] = quote(name .. "=" .. value)
  end
  words[#words + 1] = "${NINEDIG_LUA:-$(readlink /proc/$PPID/exe)} -e"
  words[#words + 1] = quote(script)
  local pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1", "r"))
  local output = pipe:read("*a")
  pipe:close()
  return output
end

local function count_lines(path)
  local count = 0
  local file = io.open(path, "rb")
  if file then
    for _ in file:lines() do
      count = count + 1
    end
    file:close()
  end
  return count
end

--- How many connections came to `mock.closed` and `mock.closed_tls` while `action` ran.
function caller.connections(action)
  local path = mock.start().dir .. "/connections.log"
  local before = count_lines(path)
  action()
  -- The listeners log in order: once this call's own connection is there, so are those before it.
  local _, err = caller.safe.delete_inbox(caller.params(),
    { base_url = mock.closed .. "/api", max_idle = 0 })
  assert.equal("network", err and err.kind)
  local left = PATIENCE
  while count_lines(path) <= before and left > 0 do
    caller.pause(POLL)
    left = left - POLL
  end
  assert.is_true(left > 0, "the mock logged no connection")
  return count_lines(path) - before - 1
end

return caller
