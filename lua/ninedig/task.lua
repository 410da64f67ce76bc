--- What a user asked for, which may take several calls: its way to wait, its time, its token.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local wait = require("ninedig.wait")

local task = {}
task.__index = task

--- Begin a task of a client.
-- @tparam table client
-- @tparam string name of what was asked for
-- @tparam[opt] string token that authorises each of its calls
-- @treturn[1] table the task
-- @treturn[2] nil
-- @treturn[2] table an error of kind `argument`
function task.new(client, name, token)
  local way, err = wait.of(client, name)
  if not way then
    return nil, err
  end
  return setmetatable({
    settings = client.settings,
    session = client.session,
    watcher = client.watcher and client.watcher:of_task(),
    way = way,
    name = name,
    token = token,
    deadline = core.monotonic() + client.timeout - (way.held or 0),
  }, task)
end

--- Seconds that are left, 0 or less when there are none or when its way to wait is given up.
-- @treturn number
function task:remaining()
  if self.way.given_up then
    return 0
  end
  return self.deadline + (self.way.held or 0) - core.monotonic()
end

--- Wait for nothing, if there is the time.
-- @tparam number seconds
-- @tparam[opt] string|table why, or the error that it comes after, for who watches
-- @treturn boolean it was done
function task:pause(seconds, why)
  if seconds >= self:remaining() then
    return false
  end
  if why and self.watcher then
    self.watcher:wait(seconds, why)
  end
  self.way.pause(seconds)
  return true
end

--- What may be shown of a text that has something from the service in it: at most 1024 bytes,
-- without the secrets of the calls that were made.
-- @tparam table self a task, or a client
-- @tparam string text
-- @treturn string
function task:shown(text)
  local tokens = { self.token }
  for _, token in ipairs(self.session and self.session.tokens or {}) do
    tokens[#tokens + 1] = token
  end
  return core.redact(self.settings, text, tokens)
end

--- The error of a task whose time is over before a call could be sent.
-- @tparam string name of the call
-- @treturn table
function task.out_of_time(name)
  return errors.failure(
    "network", "TIMEOUT", name,
    "the time-out ended before " .. name .. " could be sent: nothing was changed", true
  )
end

--- A number from 0 to below 1, for pauses that processes do not take in step. `math.random` would
-- be the same in each process on some VMs, and seeding it is the program's business.
-- @treturn number
function task.jitter()
  return core.monotonic() * 7919 % 1
end

return task
