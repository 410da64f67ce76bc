--- ninedig's side of the benchmark of connections that are kept: as many deletions at once as it is
-- ordered, each in a coroutine of its own, and so on a connection of its own.
--
--   lua5.4 kept.lua BASE_URL CA_FILE TOKEN MAX_IN_FLIGHT
--
-- See serve.lua.
local base_url, ca_file, token, max_in_flight = ...

local ninedig = require("ninedig")
local system = require("system")

-- Seconds in which a coroutine's turn comes round.
local PAUSE = 0.005

local client = ninedig.client {
  base_url = base_url,
  ca_file = ca_file,
  access_token = token,
  proxy = "",
  max_idle = 300,
  max_in_flight = tonumber(max_in_flight),
  sleep = coroutine.yield,
}

local function start(count)
  local threads = {}
  for inbox = 1, count do
    threads[inbox] = coroutine.create(function()
      client:delete_inbox { accountID = 1, inboxID = inbox }
    end)
  end
  return threads
end

-- Gives each its turn; returns those that have not ended.
local function resume_all(threads)
  local left = {}
  for _, thread in ipairs(threads) do
    assert(coroutine.resume(thread))
    if coroutine.status(thread) ~= "dead" then
      left[#left + 1] = thread
    end
  end
  return left
end

require("spec.bench.serve")(function(count)
  local threads = start(count)
  while #threads > 0 do
    threads = resume_all(threads)
    system.sleep(PAUSE)
  end
  collectgarbage() -- what is kept is asked for
end)
