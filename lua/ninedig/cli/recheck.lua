--- Finds out what became of the inboxes whose outcome an earlier run has left unknown, several at
-- a time.
local errors = require("ninedig.error")
local report = require("ninedig.cli.report")
local session = require("ninedig.session")
local verify = require("ninedig.verify")
local workers = require("ninedig.wait.workers")

local recheck = {}

-- One look is enough for what is still there: only a proof that it is deleted takes two.
local function verdict_on(client, asked)
  local task, checked = session.begin(client, "verify_deletion", asked)
  if not task then
    return "unknown"
  end
  local verdict, evidence = verify.run(task, checked, 1)
  if evidence.error and errors.is_about_credentials(evidence.error) then
    report.fail(evidence.error)
  end
  return verdict
end

--- Verify each inbox of a list.
-- @tparam table client
-- @tparam table list of what was asked for
-- @tparam integer concurrency how many at a time
-- @tparam function on_verdict called as `on_verdict(i, verdict)`
-- @raise a reason to stop, where the credentials were refused
function recheck.run(client, list, concurrency, on_verdict)
  local way = workers.new_way()
  local worker = {
    settings = client.settings, timeout = client.timeout, session = client.session, way = way,
    watcher = client.watcher,
  }
  local next_one = 1
  local function work()
    while next_one <= #list and not way.given_up do
      local i = next_one
      next_one = i + 1
      local verdict = verdict_on(worker, list[i])
      if not way.given_up then
        on_verdict(i, verdict)
      end
    end
  end
  workers.run(way, math.min(concurrency, #list), work, { idle = client.way.idle })
end

return recheck
