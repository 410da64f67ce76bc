--- `delete-inbox` and `verify`.
local ask = require("ninedig.cli.ask")
local core = require("ninedig.core")
local errors = require("ninedig.error")
local names = require("ninedig.cli.names")
local output = require("ninedig.cli.output")
local preview = require("ninedig.cli.preview")
local progress = require("ninedig.cli.progress")
local protect = require("ninedig.wait.protect")
local report = require("ninedig.cli.report")
local session = require("ninedig.session")
local shell = require("ninedig.cli.shell")
local stop = require("ninedig.cli.stop")
local waiting = require("ninedig.cli.waiting")

local one = {}

-- The inbox that a number is in stands for its account, server and inbox ID.
local function find(client, chosen)
  local given = { whatsapp_number = chosen.number }
  local found, err = client:find_inbox(given)
  if not found then
    report.fail_to_find(client, given, err, stop.USAGE)
  end
  chosen.account, chosen.server, chosen.inbox = found.accountID, found.server, found.inboxID
end

-- The inbox as it was understood.
local function check(client, name, chosen)
  local given = {
    accountID = chosen.account,
    server = chosen.server,
    inboxID = chosen.inbox,
    whatsapp_number = chosen.number,
  }
  local task, asked = session.begin(client, name, given)
  if not task then
    report.fail_given(asked, given, client)
  end
  return asked
end

-- ----- before -----

local function show(client, asked)
  local known = names.new(client)
  local description = known:describe(asked)
  ask.show_one(preview.base_url(client), description)
  ask.show_troubles(known.troubles)
end

local function preview_deletion(client, chosen, asked)
  preview.begin()
  ask.check_number(client, asked)
  show(client, asked)
  local shown = preview.new(client, chosen.json)
  shown:add(asked)
  return shown:finish() and stop.DONE or stop.USAGE
end

local function confirm(client, asked)
  ask.check_number(client, asked)
  show(client, asked)
  local id = errors.digits(asked.inboxID)
  ask.confirm(id, "Type the inbox ID to delete it, or anything else to leave it:")
end

-- ----- the deletion -----

local function prove(client, asked, err)
  output.say("ninedig: %s", report.line(err))
  output.say("ninedig: finding out what became of it ...")
  waiting.be_impatient()
  local ok, verdict, evidence = protect.call(client.verify_deletion, client, asked)
  if not ok then
    if stop.is_reason(verdict) then
      verdict.under_way, verdict.lost = true, err -- the request has been sent
    end
    error(verdict, 0)
  end
  if verdict == "deleted" then
    return { verified = true, whatsapp_number = asked.whatsapp_number }
  end
  err.verification = evidence
  return nil, err
end

local function say_deleted(asked, result)
  local number = report.number(result)
  output.say("ninedig: %s is deleted%s%s", report.inbox(asked),
    number and "; its number was " .. number or "",
    result.verified and " (verified by reading back)" or "")
  if result.number_differs then
    output.say("ninedig: %s", report.NUMBER_DIFFERS)
  end
end

local function say_failed(chosen, asked, err)
  output.say("ninedig: %s: %s: %s", report.inbox(asked), err.outcome:gsub("_", " "),
    report.line(err))
  if err.verification then
    output.say("ninedig: read back: %s", report.finding(err.verification, chosen.timeout))
  end
  if err.outcome == "unknown" then
    output.say("ninedig: to find out what became of it, run: %s", shell.verify(chosen, asked))
  end
end

local function perform(client, chosen, asked)
  waiting.be_patient(function()
    output.say("ninedig: interrupted; waiting for the answer. Once more, and it stays unknown.")
  end)
  local result, err = client:delete_inbox(asked)
  if err and err.outcome == "unknown" and chosen.verify and not waiting.is_interrupted() then
    result, err = prove(client, asked, err)
  end
  return result, err
end

-- An interrupt has ended it: what that means for the inbox, in words and for programs.
local function tell_left(chosen, asked, reason)
  if reason.under_way then
    output.say("ninedig: the outcome is unknown; to find out, run: %s",
      shell.verify(chosen, asked))
  else
    output.say("ninedig: nothing was deleted")
  end
  local outcome = reason.under_way and "unknown" or "not_sent"
  reason.told = report.entry(asked, outcome, nil, reason.lost or {
    outcome = outcome, message = reason.message,
  })
end

-- An inbox is named by its account and ID, or by its number.
local function check_which(chosen)
  if chosen.account and chosen.inbox then
    return
  elseif chosen.account or chosen.inbox or chosen.server then
    stop.with(stop.USAGE, "an inbox is named by --account and --inbox, or by --number alone")
  elseif not chosen.number then
    stop.with(stop.USAGE, "name the inbox by --account and --inbox, or by --number")
  end
end

-- What is to be deleted, once it is clear that it can be confirmed.
local function find_and_check(client, chosen)
  check_which(chosen)
  if not chosen.inbox then
    if not chosen.confirm and not chosen.dry_run then
      ask.check(nil, nil, "the inbox ID")
    end
    find(client, chosen)
  end
  local asked = check(client, "delete_inbox", chosen)
  if chosen.confirm or not chosen.dry_run then
    ask.check(chosen.confirm, errors.digits(asked.inboxID), "the inbox ID")
  end
  return asked
end

local function perform_or_tell_left(client, chosen, asked)
  local ok, result, err = protect.call(perform, client, chosen, asked)
  if not ok then
    if stop.is_reason(result) and result.status == stop.INTERRUPTED then
      tell_left(chosen, asked, result)
    end
    error(result, 0)
  end
  return result, err
end

--- `ninedig delete-inbox`.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function one.delete(client, chosen)
  local asked = find_and_check(client, chosen)
  if chosen.dry_run then
    return preview_deletion(client, chosen, asked)
  elseif not chosen.confirm then
    confirm(client, asked)
  else
    output.say("service  %s", preview.base_url(client))
  end
  local result, err = perform_or_tell_left(client, chosen, asked)
  if result then
    say_deleted(asked, result)
  else
    say_failed(chosen, asked, err)
  end
  local status = result and stop.DONE or report.status(err)
  local outcome = result and "deleted" or err.outcome
  if chosen.json and not output.json(report.entry(asked, outcome, result, err)) then
    status = report.unwritten(status)
  end
  return status
end

-- ----- verify -----

local STATUSES = { deleted = stop.DONE, still_listed = stop.REJECTED, unknown = stop.UNKNOWN }

-- Seconds before the first look again, and between two of them at most.
local FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 2, 60, 1.5

local function seconds_left(till)
  return math.max(till - core.monotonic(), 0)
end

-- Pauses, while somebody at a terminal sees for how long.
local function pause(client, line, verdict, seconds, till)
  local ends = math.min(core.monotonic() + seconds, till)
  repeat
    line:draw(("%s; looking again in %.0f s, and for %.0f s more"):format(
      verdict:gsub("_", " "), math.ceil(seconds_left(ends)), math.ceil(seconds_left(till))
    ))
    client.way.pause(math.min(seconds_left(ends), 1))
  until core.monotonic() >= ends
end

-- Looks until it is proved, or the time is over. A look of its own never takes longer than a call
-- may.
local function look_until(client, asked, till)
  local line, seconds = progress.words(), FIRST_PAUSE
  local verdict, evidence
  while true do
    verdict, evidence = client:verify_deletion(asked)
    local refused = evidence.error and errors.is_about_credentials(evidence.error)
    if verdict == "deleted" or refused or seconds_left(till) == 0 then
      break
    end
    pause(client, line, verdict, seconds, till)
    seconds = math.min(seconds * GROWTH, LONGEST_PAUSE)
  end
  line:leave()
  return verdict, evidence
end

--- `ninedig verify`.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function one.verify(client, chosen)
  local asked = check(client, "verify_deletion", chosen)
  local till = core.monotonic() + (chosen.wait or 0)
  local verdict, evidence = look_until(client, asked, till)
  local err = evidence.error
  output.say("ninedig: %s: %s", report.inbox(asked), report.finding(evidence, chosen.timeout))
  local written = true
  if chosen.json then
    evidence.error = err and report.facts(err)
    written = output.json(evidence)
  end
  if verdict == "unknown" and err and errors.is_about_credentials(err) then
    output.say("ninedig: the credentials were refused")
    return stop.CREDENTIALS
  end
  return not written and verdict == "deleted" and stop.USAGE or STATUSES[verdict]
end

return one
