--- `delete-inbox` and `verify`.
local ask = require("ninedig.cli.ask")
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local lookup = require("ninedig.lookup")
local names = require("ninedig.cli.names")
local output = require("ninedig.cli.output")
local preview = require("ninedig.cli.preview")
local protect = require("ninedig.wait.protect")
local report = require("ninedig.cli.report")
local session = require("ninedig.session")
local stop = require("ninedig.cli.stop")
local text = require("ninedig.cli.text")
local waiting = require("ninedig.cli.waiting")

local one = {}

local function begin(client, name, chosen)
  local task, asked = session.begin(client, name, {
    accountID = chosen.account,
    server = chosen.server,
    inboxID = chosen.inbox,
    whatsapp_number = chosen.number,
  })
  if not task then
    report.fail(asked)
  end
  return task, asked
end

local function params_of(asked)
  return {
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
    whatsapp_number = asked.whatsapp_number,
  }
end

-- ----- before -----

-- What is wrong is told before somebody is asked, or a preview is shown.
local function check_number(task, asked)
  local refuted = asked.whatsapp_number and lookup.refute(task, asked)
  if refuted then
    report.fail(refuted)
  end
end

local function show(client, asked)
  local known = names.new(client)
  local description = known:describe(asked)
  ask.show_one(preview.base_url(client), description)
  ask.show_troubles(known.troubles)
end

local function preview_deletion(client, chosen)
  preview.begin()
  local task, asked = begin(client, "delete_inbox", chosen)
  check_number(task, asked)
  show(client, asked)
  local requests = { preview.request(client, asked) }
  preview.show(requests)
  preview.finish(chosen.json, requests)
  return stop.DONE
end

local function confirm(client, chosen)
  local task, asked = begin(client, "delete_inbox", chosen)
  check_number(task, asked)
  show(client, asked)
  local id = errors.digits(asked.inboxID)
  ask.confirm(id, "Type the inbox ID to delete it, or anything else to leave it:")
end

-- ----- the deletion -----

local function prove(client, asked, err)
  output.say("ninedig: %s", report.line(err))
  output.say("ninedig: finding out what became of it ...")
  waiting.be_impatient()
  local ok, verdict, evidence = protect.call(client.verify_deletion, client, params_of(asked))
  if not ok then
    if stop.is_reason(verdict) then
      verdict.under_way = true -- the request has been sent
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
  local number = result.whatsapp_number
  output.say("ninedig: %s is deleted%s%s", report.inbox(asked),
    number and number ~= "" and "; its number was " .. text.plain(number) or "",
    result.verified and " (verified by reading back)" or "")
  if result.number_differs then
    output.say("ninedig: the service named a number that is not the one given")
  end
end

local function say_failed(asked, err)
  output.say("ninedig: %s: %s: %s", report.inbox(asked), err.outcome:gsub("_", " "),
    report.line(err))
  if err.verification then
    output.say("ninedig: read back: %s: %s", err.verification.verdict, err.verification.why)
  end
  if err.outcome == "unknown" then
    output.say("ninedig: to find out what became of it, run: %s", report.verify_command(asked))
  end
end

local function perform(client, chosen, asked)
  waiting.be_patient(function()
    output.say("ninedig: interrupted; waiting for the answer. Once more, and it stays unknown.")
  end)
  local result, err = client:delete_inbox(params_of(asked))
  if err and err.outcome == "unknown" and chosen.verify and not waiting.is_interrupted() then
    result, err = prove(client, asked, err)
  end
  return result, err
end

local function say_left(asked, reason)
  if reason.under_way then
    output.say("ninedig: the outcome is unknown; to find out, run: %s",
      report.verify_command(asked))
  else
    output.say("ninedig: nothing was deleted")
  end
end

--- `ninedig delete-inbox`.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function one.delete(client, chosen)
  local _, asked = begin(client, "delete_inbox", chosen)
  if chosen.confirm or not chosen.dry_run then
    ask.check(chosen.confirm, errors.digits(asked.inboxID), "the inbox ID")
  end
  if chosen.dry_run then
    return preview_deletion(client, chosen)
  elseif not chosen.confirm then
    confirm(client, chosen)
  else
    output.say("service  %s", preview.base_url(client))
  end
  local ok, result, err = protect.call(perform, client, chosen, asked)
  if not ok then
    if stop.is_reason(result) and result.status == stop.INTERRUPTED then
      say_left(asked, result)
    end
    error(result, 0)
  end
  local outcome = result and "deleted" or err.outcome
  if result then
    say_deleted(asked, result)
  else
    say_failed(asked, err)
  end
  if chosen.json then
    output.data(json.encode(report.entry(asked, outcome, result, err)) .. "\n")
  end
  return result and stop.DONE or report.status(err)
end

-- ----- verify -----

local STATUSES = { deleted = stop.DONE, still_listed = stop.REJECTED, unknown = stop.UNKNOWN }

--- `ninedig verify`.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function one.verify(client, chosen)
  local _, asked = begin(client, "verify_deletion", chosen)
  local verdict, evidence = client:verify_deletion(params_of(asked))
  output.say("ninedig: %s: %s: %s", report.inbox(asked), verdict:gsub("_", " "), evidence.why)
  if chosen.json then
    evidence.looks = json.list(evidence.looks)
    output.data(json.encode(evidence) .. "\n")
  end
  return STATUSES[verdict]
end

return one
