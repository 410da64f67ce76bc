--- Tokens: got when first needed, shared by a client's calls, renewed in time.
local call = require("ninedig.call")
local core = require("ninedig.core")
local errors = require("ninedig.error")
local task = require("ninedig.task")

local session = {}

-- Seconds before its end from which a token is not used any more.
local MARGIN = 60

-- Seconds for which a refused token request is not repeated: the service blocks addresses that
-- insist.
local REFUSAL_LASTS = 60

-- Seconds after which one that was to end by itself is no longer waited for.
local GRACE = 1

-- Seconds between two looks whether another call has got the token.
local PAUSE = 0.002

--- The session of a client with credentials.
-- @tparam userdata settings
-- @tparam number timeout seconds
-- @treturn table
function session.new(settings, timeout)
  return {
    settings = settings,
    timeout = timeout,
    answer = nil, -- of the last token request that succeeded, with the token
    fetches = 0, -- token requests that have ended
    fetching_till = nil, -- monotonic time until which one may be under way
    last_error = nil, -- of the last one
    refused_till = 0, -- monotonic time
  }
end

local function is_refusal(err)
  local status = err.http_status or 0
  return err.kind == "api"
    or err.kind == "http" and status >= 400 and status < 500 and status ~= 408 and status ~= 429
end

local function keep(self, result, err)
  self.fetches = self.fetches + 1
  self.fetching_till = nil
  self.last_error = err
  if result then
    self.answer = result
  elseif is_refusal(err) then
    self.refused_till = core.monotonic() + REFUSAL_LASTS
  end
  return result, err
end

local function fetch(self, way, seconds)
  local ok, result, err = way.protected(
    call.perform, way, self.settings, "get_access_token", {}, nil, seconds
  )
  if not ok then
    self.fetching_till = nil
    error(result, 0)
  end
  return keep(self, result, err)
end

-- In nginx a call can be ended from outside, and others wait for the token too: there it is got in
-- a context of its own.
local function start_fetch(self, current)
  local way = current.way
  self.fetching_till = core.monotonic() + self.timeout + GRACE
  local function fetch_apart()
    fetch(self, way)
  end
  if not (way.detach and way.detach(fetch_apart)) then
    fetch(self, way, current:remaining())
  end
end

local function is_fetching(self)
  return self.fetching_till and core.monotonic() < self.fetching_till
end

-- A token request, or the end of the one that is under way.
local function renew(self, current)
  local seen = self.fetches
  if current:remaining() <= 0 then
    return nil, task.out_of_time("get_access_token")
  end
  if not is_fetching(self) then
    start_fetch(self, current)
  end
  while self.fetches == seen and is_fetching(self) do
    if not current:pause(PAUSE) then
      return nil, task.out_of_time("get_access_token")
    end
  end
  if self.fetches == seen then -- who was to get it has gone away
    return renew(self, current)
  end
  if self.last_error then
    return nil, self.last_error
  end
  return self.answer.access_token
end

local function get_token(self, current)
  if core.monotonic() < self.refused_till then
    return nil, self.last_error
  end
  if self.answer and os.time() < self.answer.expiration_time - MARGIN then
    return self.answer.access_token
  end
  return renew(self, current)
end

-- The token call's error as that of a call which needed the token.
local function blame(err, name)
  local own = errors.copy(err)
  if core.calls[name].effect == "erases" then
    own.outcome = "not_sent"
    own.retryable = err.kind == "network"
  end
  return nil, own
end

local function is_token_refused(err)
  return err and err.kind == "api" and err.name == "ACCESS_TOKEN_INVALID"
end

local function forget_token(self, token)
  if self.answer and self.answer.access_token == token then -- nobody has renewed it meanwhile
    self.answer = nil
  end
end

local function perform_with_session(current, name, params, seconds)
  local self = current.session
  local token, err = get_token(self, current)
  if not token then
    return blame(err, name)
  end
  local result
  result, err = call.perform(current.way, current.settings, name, params, token, seconds)
  if not is_token_refused(err) then
    return result, err
  end
  -- The service refused before acting: this is the one call that may be repeated.
  forget_token(self, token)
  token, err = get_token(self, current)
  if not token then
    return blame(err, name)
  end
  if current:remaining() <= 0 then
    return nil, task.out_of_time(name)
  end
  return call.perform(
    current.way, current.settings, name, params, token, math.min(seconds, current:remaining())
  )
end

-- Stands for the token that a session will have, where params are checked before it is got.
local A_TOKEN = "-"

--- Check the params of a call or task, before anything is sent for it.
-- @tparam table current the task, which keeps a token that is among them
-- @tparam string name
-- @param params
-- @treturn[1] table the params as they were understood, but for secrets
-- @treturn[2] nil
-- @treturn[2] table the error
function session.check(current, name, params)
  local token = current.session and A_TOKEN or nil
  local asked, err = core.check(current.settings, name, params, nil, token)
  if asked then
    current.token = rawget(params, "access_token")
  end
  return asked, err
end

--- Begin a task of a client: its params are checked first, so that nothing is sent for bad ones.
-- @tparam table client
-- @tparam string name of the call or task
-- @param params
-- @treturn[1] table the task
-- @treturn[1] table the params as they were understood, but for secrets
-- @treturn[2] nil
-- @treturn[2] table the error
function session.begin(client, name, params)
  local current, err = task.new(client, name)
  if not current then
    return nil, err
  end
  local asked
  asked, err = session.check(current, name, params)
  if not asked then
    return nil, err
  end
  return current, asked
end

--- Make a call of the service, with a token of the session if it needs one.
-- @tparam table current the task
-- @tparam string name of the call
-- @tparam table params
-- @tparam[opt] number seconds that it may take at most
-- @treturn[1] table the result
-- @treturn[2] nil
-- @treturn[2] table the error
function session.perform(current, name, params, seconds)
  local remaining = current:remaining()
  seconds = math.min(seconds or remaining, remaining)
  if seconds <= 0 then
    return nil, task.out_of_time(name)
  end
  if current.session and not current.token then
    return perform_with_session(current, name, params, seconds)
  end
  return call.perform(current.way, current.settings, name, params, current.token, seconds)
end

--- Get a new token and keep it for the client's calls.
-- @tparam table current the task
-- @treturn[1] table the service's answer
-- @treturn[2] nil
-- @treturn[2] table the error
function session.sign_in(current)
  local self = current.session
  if core.monotonic() < self.refused_till then
    return nil, errors.copy(self.last_error)
  end
  local token, err = renew(self, current)
  if not token then
    return nil, errors.copy(err)
  end
  local answer = {}
  for key, value in pairs(self.answer) do
    answer[key] = value
  end
  return answer
end

return session
