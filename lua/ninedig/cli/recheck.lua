--- Finds out what became of the inboxes whose outcome an earlier run has left unknown, several at
-- a time.
local scheduler = require("ninedig.scheduler")
local session = require("ninedig.session")
local verify = require("ninedig.verify")

local recheck = {}

-- The client as a worker has it, which waits in another way.
local function worker_of(client)
  return {
    settings = client.settings,
    timeout = client.timeout,
    session = client.session,
    way = scheduler.way,
  }
end

--- Verify each inbox of a list.
-- @tparam table client
-- @tparam table list of what was asked for
-- @tparam integer concurrency how many at a time
-- @tparam function on_verdict called as `on_verdict(i, verdict)`
function recheck.run(client, list, concurrency, on_verdict)
  local worker, next_one = worker_of(client), 1
  local function work()
    while next_one <= #list do
      local i = next_one
      next_one = i + 1
      local task, asked = session.begin(worker, "verify_deletion", {
        accountID = list[i].accountID,
        server = list[i].server,
        inboxID = list[i].inboxID,
        whatsapp_number = list[i].whatsapp_number,
      })
      on_verdict(i, task and verify.run(task, asked) or "unknown")
    end
  end
  scheduler.run(math.min(concurrency, #list), work, {
    idle = client.way.idle,
    after_turns = function() end,
    stop = function()
      next_one = math.huge
    end,
  })
end

return recheck
