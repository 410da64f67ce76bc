--- The calls around a deletion: clients of a world, what it saw, and a loop to make them in.
--
--   local client = partner.client(world, "live")
--   assert(client:delete_inbox { accountID = 1, inboxID = 10 })
--   assert.equal("accessToken deleteInbox", partner.seen(world))
local caller = require("spec.support.caller")
local core = require("ninedig.core")
local mock = require("spec.support.mock")

local partner = {}

--- A client of `ninedig.safe` with credentials.
function partner.client(world, scenario, more)
  local options = caller.options(world, scenario, {
    client_id = mock.client_id, client_secret = mock.client_secret,
  })
  for key, value in pairs(more or {}) do
    options[key] = value
  end
  return assert(caller.safe.client(options))
end

--- A client of `ninedig.safe` with a token.
function partner.with_token(world, scenario, more)
  local options = caller.options(world, scenario, more)
  options.access_token = options.access_token or mock.token
  return assert(caller.safe.client(options))
end

--- A client of `ninedig`, which raises, with credentials.
function partner.raising(world, scenario)
  return caller.ninedig.client(caller.options(world, scenario, {
    client_id = mock.client_id, client_secret = mock.client_secret,
  }))
end

--- The calls that a world has seen, in order: the ends of their paths.
-- @treturn string
function partner.seen(world)
  local calls = {}
  for i, record in ipairs(world:requests()) do
    calls[i] = record.path:match("([^/]+)$")
  end
  return table.concat(calls, " ")
end

--- How often each call was seen, such as "accessToken 1, deleteInbox 20".
-- @treturn string
function partner.counts(world)
  local counts, names = {}, {}
  for _, record in ipairs(world:requests()) do
    local name = record.path:match("([^/]+)$")
    counts[name] = (counts[name] or 0) + 1
  end
  for name, count in pairs(counts) do
    names[#names + 1] = name .. " " .. count
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- The token of each request that had one, in order.
function partner.tokens(world)
  local tokens = {}
  for _, record in ipairs(world:requests()) do
    tokens[#tokens + 1] = (record.headers.authorization or ""):match("^Bearer (.+)$")
  end
  return tokens
end

-- The clock that measures waits, with what was skipped of it.
local skipped = 0
do
  local monotonic = core.monotonic
  core.monotonic = function()
    return monotonic() + skipped
  end
end

--- Runs `action` with the wall clock, the clock that is never set back, or both, moved on.
-- @tparam table clocks `wall` and `monotonic`, seconds
function partner.later(clocks, action)
  local time, monotonic = os.time, core.monotonic
  os.time = function(...) -- luacheck: ignore
    return time(...) + (... == nil and clocks.wall or 0)
  end
  core.monotonic = function()
    return monotonic() + (clocks.monotonic or 0)
  end
  local ok, err = pcall(action)
  os.time, core.monotonic = time, monotonic -- luacheck: ignore
  if not ok then
    error(err, 0)
  end
end

--- A `sleep` that only notes the pauses between calls, and goes on at once: the clock that measures
-- waits is then moved on.
-- @treturn function for a client's options
-- @treturn table the pauses, in seconds
function partner.no_pauses()
  local pauses = {}
  return function(seconds)
    if seconds > 0.02 then -- nobody waits so long between two steps of a call
      pauses[#pauses + 1] = seconds
      skipped = skipped + seconds
    else
      caller.pause(seconds)
    end
  end, pauses
end

--- The modifier `delay` for so many times what `caller.short` is.
function partner.delay(times)
  return ("delay-%d"):format(1000 * times * caller.short)
end

-- ----- a loop of coroutines -----

local loop = {}
partner.loop = loop

--- `sleep` of the loop, for a client's options.
function loop.sleep(seconds)
  coroutine.yield(core.monotonic() + seconds)
end

-- Resumes one where its time has come; false where it has ended.
local function go_on(one)
  if core.monotonic() < one.at then
    return true
  end
  local ok, at = coroutine.resume(one.thread)
  if not ok then
    error(at, 0)
  end
  one.at = at
  return coroutine.status(one.thread) ~= "dead"
end

--- Runs functions at once, each in a coroutine, until all have ended. One that is not resumed any
-- more, as `is_abandoned` says, counts as ended.
-- @tparam table functions
-- @tparam[opt] function is_abandoned of the place of a function, asked before it is resumed
function loop.run(functions, is_abandoned)
  local running = {}
  for i, f in ipairs(functions) do
    running[i] = { place = i, thread = coroutine.create(f), at = 0 }
  end
  while #running > 0 do
    local left = {}
    for _, one in ipairs(running) do
      if not (is_abandoned and is_abandoned(one.place)) and go_on(one) then
        left[#left + 1] = one
      end
    end
    running = left
    caller.pause(0.0005)
  end
end

--- The same function in several coroutines at once.
-- @treturn table what each returned: a list of `{ result, err }`
function loop.times(count, f)
  local results, functions = {}, {}
  for i = 1, count do
    functions[i] = function()
      results[i] = { f(i) }
    end
  end
  loop.run(functions)
  return results
end

return partner
