--- What a client's `on_event` is told: what the library does, as plain tables without secrets.
--
-- A client without that option has no watcher, and no table is made for it.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local yield = require("ninedig.wait.yield")

local events = {}

local ngx = rawget(_G, "ngx")

-- ----- telling, which changes nothing -----

-- Whether we are where nginx runs coroutines, and a yield is passed on to it.
local function is_in_nginx()
  return ngx and ngx.get_phase and ngx.get_phase() ~= "init"
end

-- It runs until it first yields, and not further: nobody would resume it.
local function run_in_coroutine(f)
  coroutine.resume(coroutine.create(f))
end

-- The same for a light thread. What nginx was to wake it for is forgotten when it is killed.
local function run_in_light_thread(f)
  ngx.thread.kill(ngx.thread.spawn(f))
end

local function tell(on_event, event)
  local run = is_in_nginx() and run_in_light_thread or run_in_coroutine
  yield.leave_where_it_yields(run, function()
    pcall(on_event, event)
  end)
end

-- The same function, of which nothing reaches the call, not even that memory has run out.
local function harmless(f)
  return function(...)
    local ok, value = pcall(f, ...)
    return ok and value or nil
  end
end

-- ----- one call that is watched -----

local watch = {}
watch.__index = watch

--- Keep what is known of a transfer besides its result. To be called before `core.finish`.
-- @function watch:look_at
-- @tparam userdata transfer that has ended
watch.look_at = harmless(function(self, transfer)
  local _
  self.http_status, _, self.connect_seconds, self.reused = core.facts(transfer)
end)

local function tell_answer(self, event)
  event.event = "answer"
  event.call, event.attempt = self.call, self.attempt
  event.accountID, event.server, event.inboxID = self.accountID, self.server, self.inboxID
  event.http_status = self.http_status
  event.seconds = core.monotonic() - self.began
  event.connect_seconds, event.reused = self.connect_seconds, self.reused
  tell(self.on_event, event)
end

--- Tell that the call has ended.
-- @function watch:answer
-- @tparam ?table result
-- @tparam ?table err
-- @tparam[opt] boolean abandoned its caller has gone
watch.answer = harmless(function(self, result, err, abandoned)
  tell_answer(self, {
    outcome = result and "ok" or err.outcome,
    name = result and "OK" or err.name,
    reason = result and 1 or err and err.reason,
    abandoned = abandoned,
  })
end)

--- Tell that the call was given up: what it waited in has raised, or its caller has gone.
-- @function watch:given_up
-- @tparam boolean sent the request may have been sent
-- @tparam[opt] boolean abandoned its caller has gone
watch.given_up = harmless(function(self, sent, abandoned)
  local erases = errors.erases(self.call)
  tell_answer(self, {
    outcome = not erases and "none" or sent and "unknown" or "not_sent",
    name = "CANCELLED",
    abandoned = abandoned,
  })
end)

-- ----- all that a client does -----

local watcher = {}
watcher.__index = watcher

--- The watcher of a client.
-- @tparam function on_event
-- @treturn table
function events.new(on_event)
  return setmetatable({ on_event = on_event, attempts = false }, watcher)
end

--- The watcher of a task, which counts attempts: itself where it counts already.
-- @function watcher:of_task
-- @treturn table
function watcher:of_task()
  if self.attempts then
    return self
  end
  return setmetatable({ on_event = self.on_event, attempts = {} }, watcher)
end

--- The next request of a call is its first attempt.
-- @tparam string name of the call
function watcher:begin(name)
  self.attempts[name] = nil
end

local function count_attempt(self, name)
  if not self.attempts then
    return 1
  end
  self.attempts[name] = (self.attempts[name] or 0) + 1
  return self.attempts[name]
end

--- Tell that a call is about to be submitted, and watch it.
-- @function watcher:request
-- @tparam userdata transfer prepared
-- @tparam table asked `call`, and what it is about
-- @treturn ?table the watch, or nil where memory is out
watcher.request = harmless(function(self, transfer, asked)
  local method, url = core.show(transfer):match("^(%S+) ([^\n]*)")
  local one = setmetatable({
    on_event = self.on_event,
    call = asked.call,
    accountID = asked.accountID or nil,
    server = asked.server or nil,
    inboxID = asked.inboxID or nil,
    attempt = count_attempt(self, asked.call),
    began = core.monotonic(),
  }, watch)
  tell(self.on_event, {
    event = "request",
    call = one.call,
    method = method,
    url = url,
    accountID = one.accountID,
    server = one.server,
    inboxID = one.inboxID,
    attempt = one.attempt,
  })
  return one
end)

--- Tell of a pause.
-- @function watcher:wait
-- @tparam number seconds
-- @tparam string|table why, or the error that it comes after
watcher.wait = harmless(function(self, seconds, why)
  if type(why) == "table" then
    why = why.call .. ": " .. why.name
  end
  tell(self.on_event, { event = "wait", seconds = seconds, why = why })
end)

--- Tell what was found by reading back.
-- @function watcher:verdict
-- @tparam table evidence of `verify.run`
watcher.verdict = harmless(function(self, evidence)
  tell(self.on_event, {
    event = "verdict",
    verdict = evidence.verdict,
    why = evidence.why,
    accountID = evidence.accountID,
    server = evidence.server,
    inboxID = evidence.inboxID,
  })
end)

return events
