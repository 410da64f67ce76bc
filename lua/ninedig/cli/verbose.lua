--- `--verbose`: what the library does, as lines on standard error.
local errors = require("ninedig.error")
local output = require("ninedig.cli.output")
local report = require("ninedig.cli.report")
local system = require("ninedig.cli.system")
local text = require("ninedig.cli.text")

local verbose = {}

local function subject(event)
  if not event.accountID then
    return ""
  elseif not event.inboxID then
    return (" (account %s on %s)"):format(errors.digits(event.accountID), event.server)
  end
  return " (" .. report.inbox(event) .. ")"
end

local line_of = {}

function line_of.request(event)
  local attempt = event.attempt > 1 and (", attempt %d"):format(event.attempt) or ""
  return ("> %s %s%s%s"):format(event.method, event.url, subject(event), attempt)
end

local function connection(event)
  if event.reused then
    return ", on a connection that was kept"
  elseif event.connect_seconds then
    return (", connected after %.3f s"):format(event.connect_seconds)
  end
  return ", not connected"
end

function line_of.answer(event)
  local status = event.http_status and (", HTTP %d"):format(event.http_status) or ""
  local reason = event.reason and (", reason %d"):format(event.reason) or ""
  return ("< %s%s: %s, %s%s%s, in %.3f s%s"):format(event.call, subject(event),
    (event.outcome:gsub("_", " ")), event.name, status, reason, event.seconds, connection(event))
end

function line_of.wait(event)
  return ("* waiting for %.1f s: %s"):format(event.seconds, event.why)
end

function line_of.verdict(event)
  local verdict = event.verdict:gsub("_", " ")
  return ("* read back%s: %s: %s"):format(subject(event), verdict, event.why)
end

--- Write an event of the library, see `on_event`. A line of progress makes room for it.
-- @tparam table event
function verbose.show(event)
  local clear = system.is_capable() and "\r\27[K" or ""
  output.say("%s%s", clear, text.plain(line_of[event.event](event)))
end

return verbose
