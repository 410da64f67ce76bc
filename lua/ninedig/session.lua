--- Tokens: got when first needed, shared by a client's calls, renewed in time.
local call = require("ninedig.call")
local core = require("ninedig.core")
local errors = require("ninedig.error")
local task = require("ninedig.task")

local session = {}

-- Seconds before its end from which a token is not used any more.
local MARGIN = 60

-- Seconds that a token lives, by the service's documents; and what else is believed of it.
local HOUR, SHORTEST, LONGEST = 3600, 61, 86400

-- Seconds for which a refused token request is not repeated: the service blocks addresses that
-- insist.
local REFUSAL_LASTS = 60

-- Tokens that are remembered, to be hidden where the service repeats them.
local TOKENS_KEPT = 3

-- Seconds after its time-out from which a token request is given up that has not ended by itself.
local GRACE = 1

-- Seconds between two looks whether the token has come.
local PAUSE = 0.002

-- ----- what the service has lately refused -----
--
-- A refusal holds for all that a client does with credentials; and, as each call of the module with
-- options makes a client, for its next calls with the same ones. It is kept as
-- `{ err = its error, till = monotonic time }`.

local refused_in_module = {}

local function error_of(refusal)
  return refusal and refusal.till and core.monotonic() < refusal.till and refusal.err or nil
end

-- Tells texts apart without showing them.
local function mark(text)
  local one, other = 1, 1
  for i = 1, #text do
    one = (one * 263 + text:byte(i)) % 2147483647
    other = (other * 541 + text:byte(i)) % 2147483629
  end
  return ("%.0f %.0f"):format(one, other)
end

local function mark_of(client, credentials)
  return table.concat({
    mark(client.base_url or ""), mark(credentials.client_id), mark(credentials.client_secret),
  }, " ")
end

local function remember_in_module(self, refusal)
  for key, other in pairs(refused_in_module) do
    if not error_of(other) then
      refused_in_module[key] = nil
    end
  end
  refused_in_module[self.mark] = { err = refusal.err, till = refusal.till }
end

local function remember(self, err)
  local refusal = self.refusal
  refusal.err, refusal.till = err, core.monotonic() + REFUSAL_LASTS
  if self.mark and errors.is_about_credentials(err) then -- 404, for one, is about the address
    pcall(remember_in_module, self, refusal) -- memory may be out
  end
end

--- The session of a client with credentials.
-- @tparam table client
-- @tparam table credentials `client_id` and `client_secret`
-- @treturn table
function session.new(client, credentials)
  client.refusal = client.refusal or {}
  return {
    settings = client.settings,
    timeout = client.timeout,
    credentials = credentials,
    mark = nil, -- of what a call of the module is given
    refusal = client.refusal, -- one for all sessions of the client
    answer = nil, -- of the last token request that succeeded, with the token
    good_till = nil, -- monotonic time until which that is used
    tokens = {}, -- the last ones, which the service may repeat
    fetch = nil, -- the token request that is under way
  }
end

-- ----- one token request at a time -----
--
-- It belongs to the session and not to the call that began it: whoever waits for it drives it on,
-- and the first to see its end takes it in. So nobody waits for a coroutine that has gone away.

-- HTTP 429 without a documented reason is none: the service has no time now.
local function is_refusal(err)
  local status = err.http_status or 0
  if status == 429 then
    return errors.is_documented(err)
  end
  return err.kind == "api"
    or err.kind == "http" and status >= 400 and status < 500 and status ~= 408
end

local function not_understood(message)
  return errors.failure(
    "protocol", "ANSWER_NOT_UNDERSTOOD", "get_access_token",
    "the service's answer cannot be used: " .. message .. "; nothing was signed in"
  )
end

-- The token goes into a header as it is, and so must be one by our own rules too.
local function check_answer(self, answer)
  local params = { access_token = answer.access_token }
  local asked, err = core.check(self.settings, "get_accounts", params)
  if not asked then
    return nil, not_understood(err.message)
  end
  return answer
end

-- Seconds that a token lives: by the service's own clock, as this machine's may be wrong. What is
-- not believed is mended by the service, which refuses with reason 3 what has expired.
local function lifetime(answer, date)
  local seconds = date and answer.expiration_time - date
  if seconds and seconds >= SHORTEST and seconds <= LONGEST then
    return seconds
  end
  return HOUR
end

local function take_in(self, fetch, answer, err)
  if answer then
    answer, err = check_answer(self, answer)
  end
  if answer then
    table.insert(self.tokens, 1, answer.access_token)
    self.tokens[TOKENS_KEPT + 1] = nil
    self.answer = answer
    self.good_till = fetch.began + lifetime(answer, fetch.date) - MARGIN
  elseif is_refusal(err) then
    remember(self, err)
  end
  return answer, err
end

local function finish(fetch)
  fetch.date = select(2, core.facts(fetch.transfer))
  if fetch.watch then
    fetch.watch:look_at(fetch.transfer)
  end
  local ok, answer, err = pcall(core.finish, fetch.transfer)
  if ok then
    errors.release(fetch.reserve)
    return answer, err
  elseif answer == errors.OUT_OF_MEMORY then
    return nil, errors.spend(fetch.reserve, true)
  end
  return error(answer, 0)
end

-- Takes in the end of a token request; by a refusal that ended it, if there was one.
local function take_end(self, fetch, refused, message)
  fetch.ended = true
  self.fetch = nil
  if fetch.disown then
    fetch.disown()
  end
  if refused then
    fetch.err = errors.unsent(fetch.reserve, refused, message)
  else
    fetch.answer, fetch.err = take_in(self, fetch, finish(fetch))
  end
  if fetch.watch then
    fetch.watch:answer(fetch.answer, fetch.err)
  end
end

-- Whether a token request has ended; drives it on where it has not.
local function has_ended(self, fetch)
  if fetch.ended then
    return true
  end
  core.step()
  local refused, message
  if fetch.refusal then
    refused, message = fetch.refusal()
  end
  if refused or core.monotonic() >= fetch.till then
    core.cancel(fetch.transfer)
  end
  if core.is_done(fetch.transfer) then
    take_end(self, fetch, refused, message)
  end
  return fetch.ended
end

local function start_fetch(self, way, watcher)
  local refused = self.mark and error_of(refused_in_module[self.mark])
  if refused then
    return nil, refused
  end
  local reserve = errors.reserve()
  local transfer, err = core.prepare(
    self.settings, "get_access_token", self.credentials, nil, reserve, self.timeout
  )
  if not transfer then
    errors.release(reserve)
    return nil, err
  end
  local now = core.monotonic()
  local fetch = {
    transfer = transfer,
    reserve = reserve,
    began = now,
    till = now + self.timeout + GRACE,
    ended = false,
  }
  self.fetch = fetch -- others wait for it while the watcher is told
  if watcher then
    watcher:begin("get_access_token")
    fetch.watch = watcher:request(transfer, reserve)
  end
  if way.adopt then -- those who wait can be ended from outside, all of them
    fetch.refusal, fetch.disown = way.adopt(transfer, function()
      has_ended(self, fetch)
    end)
  else
    core.submit(transfer)
  end
  return fetch
end

local function no_token_in_time()
  return errors.failure(
    "network", "TIMEOUT", "get_access_token",
    "no access token came within the time-out; nothing was signed in", true
  )
end

--- Let a refusal of a client's credentials hold for the next call of the module with the same ones.
-- @tparam table client one that is made for a call of the module
function session.share_refusal(client)
  client.session.mark = mark_of(client, client.session.credentials)
end

-- The answer of the token request that is under way, or of a new one.
local function renew(self, current)
  if current:remaining() <= 0 then
    return nil, no_token_in_time()
  elseif not self.fetch and not call.may_send(current.way, "get_access_token") then
    return nil, call.withheld("get_access_token")
  end
  local fetch = self.fetch
  if not fetch then
    local err
    fetch, err = start_fetch(self, current.way, current.watcher)
    if not fetch then
      return nil, err
    end
  end
  while not has_ended(self, fetch) do
    if not current:pause(PAUSE) then
      return nil, no_token_in_time()
    end
  end
  return fetch.answer, fetch.err
end

-- Takes in a token request that has ended while nobody waited, and returns the error of one that
-- the service has lately refused.
local function find_refusal(self)
  if self.fetch then
    has_ended(self, self.fetch)
  end
  return error_of(self.refusal)
end

local function get_token(self, current)
  local refusal = find_refusal(self)
  if refusal then
    return nil, refusal
  end
  local answer, err = self.answer, nil
  if not answer or core.monotonic() >= self.good_till then
    answer, err = renew(self, current)
  end
  return answer and answer.access_token, err
end

local function forget_token(self, token)
  if self.answer and self.answer.access_token == token then -- nobody has renewed it meanwhile
    self.answer = nil
  end
end

-- ----- calls with the token -----

-- The token call's error as that of a call which needed the token.
local function blame(err, name)
  local own = errors.copy(err)
  if errors.erases(name) then
    own.outcome = "not_sent"
    own.message = err.message .. ", and nothing was deleted"
    own.retryable = err.kind == "network"
  end
  return nil, own
end

local function send(current, name, params, token, seconds)
  local remaining = current:remaining()
  if remaining <= 0 then
    return nil, task.out_of_time(name)
  end
  seconds = math.min(seconds or remaining, remaining)
  return call.perform(current.way, current.settings, name, params, token, seconds, current.watcher)
end

local function is_token_refused(err)
  return err and err.kind == "api" and err.name == "ACCESS_TOKEN_INVALID"
end

local function perform_with_session(current, name, params, seconds, may_renew)
  local self = current.session
  local token, err = get_token(self, current)
  if not token then
    return blame(err, name)
  end
  local result, status
  result, err, status = send(current, name, params, token, seconds)
  if not (may_renew and is_token_refused(err)) then
    return result, err, status, false
  end
  -- A whole answer says that the service refused before acting: this is the one call that may be
  -- repeated.
  local refusal = err
  forget_token(self, token)
  if current.way.on_refusal then
    current.way.on_refusal(refusal)
  end
  token, err = get_token(self, current)
  if token then
    result, err, status = send(current, name, params, token, seconds)
  end
  if err and err.is_withheld then
    return nil, refusal
  elseif not token then
    return blame(err, name)
  end
  return result, err, status, true
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
  local asked, err = core.check(current.settings, name, params, token)
  if not asked then
    return nil, errors.locate(err)
  end
  current.token = rawget(params, "access_token")
  return asked
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

--- Make a call of the service, with a token of the session if it needs one. Where that is refused
-- with reason 3, it is renewed once and the call made once more.
-- @tparam table current the task
-- @tparam string name of the call
-- @tparam table params
-- @tparam[opt] number seconds that each of the calls may take at most
-- @tparam[opt=true] boolean may_renew
-- @treturn[1] table the result
-- @treturn[1] nil
-- @treturn[1] integer HTTP status
-- @treturn[2] nil
-- @treturn[2] table the error
-- @treturn[2] nil
-- @treturn[2] boolean the token was renewed for it
function session.perform(current, name, params, seconds, may_renew)
  if current.session and not current.token then
    return perform_with_session(current, name, params, seconds, may_renew ~= false)
  end
  return send(current, name, params, current.token, seconds)
end

local function has_pair(one, id, secret)
  return one and one.credentials.client_id == id and one.credentials.client_secret == secret
end

--- The session for credentials that are given with a call: the client's own, where they are the
-- same, or that of the last ones, so that two calls share a token request.
-- @tparam table client
-- @tparam table params `client_id`, `client_secret`, or one of them
-- @treturn table
function session.for_credentials(client, params)
  local own = client.session and client.session.credentials or {}
  local id = rawget(params, "client_id") or own.client_id
  local secret = rawget(params, "client_secret") or own.client_secret
  if has_pair(client.session, id, secret) then
    return client.session
  elseif not has_pair(client.last_session, id, secret) then
    client.last_session = session.new(client, { client_id = id, client_secret = secret })
  end
  return client.last_session
end

--- Get a new token and keep it for the calls of the session.
-- @tparam table current the task
-- @treturn[1] table the service's answer
-- @treturn[2] nil
-- @treturn[2] table the error
function session.sign_in(current)
  local self = current.session
  local refusal = find_refusal(self)
  if refusal then
    return nil, errors.copy(refusal)
  end
  local answer, err = renew(self, current)
  if not answer then
    return nil, errors.copy(err)
  end
  local copy = {}
  for key, value in pairs(answer) do
    copy[key] = value
  end
  return copy
end

return session
