--- What became of it: as an exit status, as text, and as JSON.
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local output = require("ninedig.cli.output")
local stop = require("ninedig.cli.stop")
local text = require("ninedig.cli.text")

local report = {}

local digits = errors.digits

-- ----- one error -----

--- Whether an error says that the credentials were refused.
report.is_about_credentials = errors.is_about_credentials

local OF_KIND = { argument = stop.USAGE, precondition = stop.USAGE, lookup = stop.USAGE }
local OF_OUTCOME = {
  rejected = stop.REJECTED, not_sent = stop.NOT_SENT, unknown = stop.UNKNOWN,
}

--- The exit status for an error.
-- @tparam table err
-- @treturn integer
function report.status(err)
  if OF_KIND[err.kind] then
    return OF_KIND[err.kind]
  elseif report.is_about_credentials(err) then
    return stop.CREDENTIALS
  elseif err.outcome == "none" then -- it only reads
    return err.kind == "api" and stop.REJECTED or stop.NOT_SENT
  end
  return OF_OUTCOME[err.outcome]
end

--- An error in one line.
-- @tparam table err
-- @treturn string
function report.line(err)
  local named = err.kind == "argument" or err.message:find(err.name, 1, true)
  return text.plain(named and err.message or errors.summary(err))
end

--- End the command with an error.
-- @tparam table err
function report.fail(err)
  local reason = stop.reason(report.status(err), report.line(err))
  reason.err = err
  error(reason, 0)
end

local SHOWN = {
  "kind", "name", "outcome", "reason", "message", "retryable", "retry_after", "http_status",
  "curl_code", "response", "call", "verification",
}

--- An error as it is shown to programs.
-- @tparam table err
-- @treturn table
function report.facts(err)
  local facts = {}
  for _, key in ipairs(SHOWN) do
    facts[key] = err[key]
  end
  return facts
end

-- ----- one inbox -----

--- An inbox in words.
-- @tparam table asked
-- @treturn string
function report.inbox(asked)
  return ("inbox %s of account %s on %s")
    :format(digits(asked.inboxID), digits(asked.accountID), asked.server)
end

--- The command that finds out what became of it.
-- @tparam table asked
-- @treturn string
function report.verify_command(asked)
  return ("ninedig verify --account %s --server %s --inbox %s")
    :format(digits(asked.accountID), asked.server, digits(asked.inboxID))
end

--- What programs are told of one inbox.
-- @tparam table asked
-- @tparam string outcome
-- @tparam ?table result of the deletion
-- @tparam ?table err
-- @treturn table
function report.entry(asked, outcome, result, err)
  return {
    outcome = outcome,
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
    whatsapp_number = result and result.whatsapp_number,
    number_differs = result and result.number_differs,
    verified = result and result.verified,
    error = err and report.facts(err),
  }
end

-- ----- a list of them -----

local CLASSES = { "deleted", "rejected", "not_sent", "unknown", "skipped" }

--- How many inboxes came to which end.
-- @tparam table ends a list of `{ outcome, asked, result, err }`
-- @treturn table
function report.count(ends)
  local counts = {}
  for _, class in ipairs(CLASSES) do
    counts[class] = 0
  end
  for _, one in ipairs(ends) do
    counts[one.outcome] = counts[one.outcome] + 1
  end
  return counts
end

local function any_about_credentials(ends)
  for _, one in ipairs(ends) do
    if one.err and report.is_about_credentials(one.err) then
      return true
    end
  end
  return false
end

--- The exit status for a list.
-- @tparam table ends
-- @tparam table counts
-- @treturn integer
function report.status_of_list(ends, counts)
  if counts.deleted == #ends then
    return stop.DONE
  elseif counts.unknown > 0 then
    return stop.UNKNOWN
  elseif any_about_credentials(ends) then
    return stop.CREDENTIALS
  end
  return stop.INCOMPLETE
end

local WORDS = {
  rejected = "rejected", not_sent = "not sent", unknown = "unknown", skipped = "not asked for",
}

local function say_one(one)
  local name, reason = one.err and one.err.name, one.err and one.err.reason
  if name then
    output.say("%s: %s: %s%s", report.inbox(one.asked), WORDS[one.outcome], name,
      reason and (" (%d)"):format(reason) or "")
  elseif one.outcome == "unknown" then
    output.say("%s: unknown; to find out, run: %s", report.inbox(one.asked),
      report.verify_command(one.asked))
  end
end

--- Write what became of a list, in words.
-- @tparam table ends
-- @tparam table counts
function report.say_list(ends, counts)
  local explained = {}
  output.say("ninedig: %d of %s deleted", counts.deleted, text.count(#ends, "inbox", "inboxes"))
  for _, class in ipairs(CLASSES) do
    if class ~= "deleted" and counts[class] > 0 then
      output.say("   %d %s", counts[class], WORDS[class])
    end
  end
  for _, one in ipairs(ends) do
    say_one(one)
  end
  for _, one in ipairs(ends) do
    if one.err and not explained[one.err.name] then
      explained[one.err.name] = true
      output.say("%s", report.line(one.err))
    end
  end
end

--- Write what became of a list, for programs.
-- @tparam table ends
-- @tparam table counts
function report.write_list(ends, counts)
  local all = { results = json.list({}) }
  for class, count in pairs(counts) do
    all[class] = count
  end
  for i, one in ipairs(ends) do
    all.results[i] = report.entry(one.asked, one.outcome, one.result, one.err)
  end
  output.data(json.encode(all) .. "\n")
end

return report
