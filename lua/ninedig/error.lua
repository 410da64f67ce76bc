--- The class of ninedig's errors: a table with a metatable, the same on every VM.
--
-- `tostring(err)` is one line for a person, and `"failed: " .. err` joins it. No secret is in it.
-- @classmod error
-- @usage
-- local ok, err = pcall(client.delete_inbox, client, { accountID = 1, inboxID = 10 })
-- if not ok and ninedig.is_error(err) and err.outcome == "unknown" then
--   print("it may have happened: " .. err)
-- end
local core = require("ninedig.core")

local errors = {}

local metatable = core.error_metatable

-- One line for a person or a log; no secret is in it.
function metatable.__tostring(err)
  return "ninedig: " .. err.message .. (err.where and " (" .. err.where .. ")" or "")
end

-- `"failed: " .. err`: a log line must not be what hides an outcome.
function metatable.__concat(left, right)
  return tostring(left) .. tostring(right)
end

metatable.__name = "ninedig.error"

--- What an error can have.
-- @table fields
-- @tfield string kind `"argument"`, `"network"`, `"http"`, `"protocol"`, `"api"`, `"lookup"` or
-- `"precondition"`
-- @tfield string name stable, upper case: a key of `ninedig.names`
-- @tfield string outcome `"not_sent"`, `"rejected"`, `"unknown"`, or `"none"` of a call that only
-- reads or signs in
-- @tfield ?integer reason the service's code, where `kind` is `"api"`
-- @tfield string message for a person: what happened, and what to do
-- @tfield boolean retryable calling again cannot delete twice, and may succeed
-- @tfield ?number retry_after seconds, where the service named a time
-- @tfield ?integer http_status where an answer came
-- @tfield ?integer curl_code libcurl's, where a connection could not be made
-- @tfield ?string response the body, at most 4096 bytes, secrets replaced by `[redacted]`
-- @tfield ?string call what was called
-- @tfield ?integer|string accountID what was asked for
-- @tfield ?string server what was asked for
-- @tfield ?integer|string inboxID what was asked for
-- @tfield ?string where of a bad argument: the caller's place, as `script.lua:3`
-- @tfield ?table verification the evidence of reading back, where `verify` was asked for

-- Whether a value is an error of ninedig.
function errors.is_error(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

-- A new error.
-- @tparam table fields of the error
-- @treturn table the same table, as an error
function errors.new(fields)
  return setmetatable(fields, metatable)
end

-- Whether a call changes something at the service.
-- @tparam string name of the call
-- @treturn boolean
function errors.erases(name)
  local called = core.calls[name]
  return called ~= nil and called.effect == "erases"
end

-- A new error of a call by which nothing was erased.
-- @tparam string kind
-- @tparam string name upper case, stable
-- @tparam ?string call which call it is about
-- @tparam string message for a person
-- @tparam[opt=false] boolean retryable
-- @treturn table
function errors.failure(kind, name, call, message, retryable)
  return errors.new {
    kind = kind,
    name = name,
    outcome = errors.erases(call) and "not_sent" or "none",
    message = message,
    retryable = retryable or false,
    call = call,
  }
end

-- An error with the same fields.
-- @tparam table err
-- @treturn table
function errors.copy(err)
  local fields = {}
  for key, value in pairs(err) do
    fields[key] = value
  end
  return errors.new(fields)
end

-- An id in full: VMs write a float such as 123456789012345.0 as 1.2345678901234e+14.
-- @tparam integer|string id
-- @treturn string
function errors.digits(id)
  if type(id) == "number" and not (math.type and math.type(id) == "integer") then
    return ("%.0f"):format(id)
  end
  return tostring(id)
end

local CREDENTIALS = {
  ACCESS_TOKEN_INVALID = true,
  ADDRESS_BLOCKED = true,
  CREDENTIALS_INVALID = true,
  CREDENTIALS_OR_JSON_INVALID = true,
}

-- Whether an error says that the credentials were refused.
-- @tparam table err
-- @treturn boolean
function errors.is_about_credentials(err)
  if err.outcome == "unknown" then
    return false
  elseif err.kind == "api" then
    return CREDENTIALS[err.name] == true
  end
  -- A status whose answer was cut, of kind network, is no verdict.
  return err.kind == "http" and (err.http_status == 401 or err.http_status == 403)
end

-- Whether the service has said what is wrong by a reason that its documents name.
-- @tparam table err
-- @treturn boolean
function errors.is_documented(err)
  return err.kind == "api" and err.name ~= "UNDOCUMENTED_REASON"
end

-- An error in few words, for a list of what was seen.
-- @tparam table err
-- @treturn string
function errors.summary(err)
  return err.name .. ": " .. err.message
end

-- What the VM raises where memory is out. To be compared with: a call could need memory.
errors.OUT_OF_MEMORY = "not enough memory"

-- ----- where a bad argument stands -----

local getinfo = debug and debug.getinfo

-- With the option t, where the VM has it, it is told whether a function was called in its caller's
-- place.
local WHAT = getinfo and (pcall(getinfo, 1, "Slt") and "Slt" or "Sl")

-- What the sources of ninedig's own functions begin with; nil where they have none.
local OWN = getinfo and getinfo(1, "S").source:match("^@.*[/\\]")

-- A chunk that was loaded from a string is not shown: what it begins with may be a secret.
local function describe(info)
  local named = info.source:find("^[@=]")
  return ((named and info.short_src or "[string]"):gsub("%c", "?")) .. ":" .. info.currentline
end

-- The place from which ninedig was called; nil where the VM cannot tell.
local function find_caller()
  local level, lost = 2, false
  local info = OWN and getinfo(level, WHAT)
  while info do
    if info.source:sub(1, #OWN) == OWN then
      lost = info.istailcall
    elseif info.what == "tail" then -- as Lua 5.1 tells it
      lost = true
    elseif info.what ~= "C" then
      return not lost and info.currentline > 0 and describe(info) or nil
    end
    level = level + 1
    info = getinfo(level, WHAT)
  end
  return nil
end

-- Write into an error of kind `argument` where it was made: the caller's place.
-- @tparam table err
-- @treturn table err
function errors.locate(err)
  if err.kind == "argument" and not err.where then
    err.where = find_caller()
  end
  return err
end

-- A new error of kind `argument`, of which nothing was sent.
-- @tparam string name upper case, stable
-- @tparam string message for a person
-- @tparam[opt] string call which call it is about
-- @treturn table the error
function errors.argument(name, message, call)
  local err = errors.failure("argument", name, call, message)
  err.outcome = "not_sent"
  return errors.locate(err)
end

-- Once a request has left, running out of memory must not hide that. So each call holds an error in
-- reserve, with every field in place, before it is sent: filling it in takes no memory. Those that
-- were not needed are kept for the next calls, in a list linked by `next_spare`.
local spare = false

local after_send = {
  kind = "network",
  outcome = "unknown",
  retryable = false,
  message = "memory ran out after the request was sent; the call may have been carried out: find"
    .. " out what became of it before asking again",
}

local before_send = {
  kind = "network",
  outcome = "not_sent",
  retryable = true,
  message = "memory ran out before the request was sent: nothing was changed",
}

-- Of calls that change nothing, by their effect.
local without_effect = {
  reads = "memory ran out; the call only reads: nothing was changed",
  signs_in = "memory ran out; nothing was signed in",
}

-- Take an error in reserve.
-- @treturn table to be given to `errors.release` or `errors.spend`
function errors.reserve()
  local reserve = spare
  if reserve then
    spare = reserve.next_spare
    reserve.next_spare = false
    reserve.accountID, reserve.server, reserve.inboxID = nil, nil, nil
    return reserve
  end
  return setmetatable({
    kind = false,
    name = "OUT_OF_MEMORY",
    outcome = false,
    message = false,
    retryable = false,
    call = false,
    accountID = false,
    server = false,
    inboxID = false,
    next_spare = false,
  }, metatable)
end

-- Give back what was not needed. Takes no memory.
-- @tparam table reserve
function errors.release(reserve)
  reserve.next_spare = spare
  spare = reserve
end

-- Turn an error in reserve into the one that is raised. Takes no memory.
-- @tparam table reserve
-- @tparam boolean sent the request may have been sent
-- @treturn table the error
function errors.spend(reserve, sent)
  local facts = sent and after_send or before_send
  local effect = core.calls[reserve.call].effect
  reserve.kind = facts.kind
  reserve.outcome = effect == "erases" and facts.outcome or "none"
  reserve.retryable = facts.retryable
  reserve.message = without_effect[effect] or facts.message
  reserve.accountID = reserve.accountID or nil -- where the call has none
  reserve.server = reserve.server or nil
  reserve.inboxID = reserve.inboxID or nil
  reserve.next_spare = nil
  return reserve
end

-- Turn an error in reserve into one of kind `network`, of which nothing was sent.
-- @tparam table reserve
-- @tparam string name upper case, stable
-- @tparam string message for a person
-- @treturn table the error
function errors.unsent(reserve, name, message)
  local err = errors.spend(reserve, false)
  err.name, err.message = name, message
  return err
end

return errors
