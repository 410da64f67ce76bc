--- Finds out what became of the inboxes whose outcome an earlier run has left unknown, several at
-- a time: each look-up is a coroutine, and they wait together.
local core = require("ninedig.core")
local protect = require("ninedig.protect")
local session = require("ninedig.session")
local verify = require("ninedig.verify")

local recheck = {}

-- Seconds in which the end of a pause is noticed.
local SHORT = 0.02

-- The way to wait of one look-up, see `ninedig.wait`.
local way = { protected = protect.call }

function way.carry_out(transfer)
  core.submit(transfer)
  repeat
    coroutine.yield()
  until core.is_done(transfer)
end

function way.pause(seconds)
  local till = core.monotonic() + seconds
  repeat
    coroutine.yield()
  until core.monotonic() >= till
end

local function verdict_on(client, asked)
  local task, checked = session.begin(client, "verify_deletion", {
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
    whatsapp_number = asked.whatsapp_number,
  })
  return task and verify.run(task, checked) or "unknown"
end

-- Lets each go on for once, and drops those that have ended.
local function resume_all(threads)
  for i = #threads, 1, -1 do
    local ok, raised = coroutine.resume(threads[i])
    if not ok then
      error(raised, 0)
    elseif coroutine.status(threads[i]) == "dead" then
      table.remove(threads, i)
    end
  end
end

--- Verify each inbox of a list.
-- @tparam table client
-- @tparam table list of what was asked for
-- @tparam integer concurrency how many at a time
-- @tparam function on_verdict called as `on_verdict(i, verdict)`
function recheck.run(client, list, concurrency, on_verdict)
  local worker = {
    settings = client.settings, timeout = client.timeout, session = client.session, way = way,
  }
  local threads, next_one = {}, 1
  local function work()
    while next_one <= #list do
      local i = next_one
      next_one = i + 1
      on_verdict(i, verdict_on(worker, list[i]))
    end
  end
  for i = 1, math.min(concurrency, #list) do
    threads[i] = coroutine.create(work)
  end
  while #threads > 0 do
    resume_all(threads)
    client.way.idle(#threads > 0 and SHORT or 0)
  end
end

return recheck
