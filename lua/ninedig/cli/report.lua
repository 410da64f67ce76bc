--- What became of it: as an exit status, as text, and as JSON.
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local output = require("ninedig.cli.output")
local shell = require("ninedig.cli.shell")
local stop = require("ninedig.cli.stop")
local task = require("ninedig.task")
local text = require("ninedig.cli.text")

local report = {}

local digits = errors.digits

-- ----- one error -----

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
  elseif errors.is_about_credentials(err) then
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

-- Bytes of a value that are shown, at most.
local VALUE_MOST = 60

local FLAGS = {
  accountID = "--account", server = "--server", inboxID = "--inbox", whatsapp_number = "--number",
  timeout = "--timeout", rate = "--rate", concurrency = "--concurrency",
}

-- The key that the message of a bad argument begins with, if it has a flag.
local function parameter_of(err)
  local key = err.kind == "argument" and err.message:match("^([%w_]+) ")
  return key and FLAGS[key] and key or nil
end

--- What is wrong with a parameter, and what it was.
-- @tparam table client
-- @tparam table err of kind `argument`
-- @tparam table given the parameters
-- @treturn string
function report.with_value(client, err, given)
  local key = parameter_of(err)
  local value = key and given[key]
  if type(value) ~= "string" or err.message:find(", got ", 1, true) then
    return err.message
  end
  local shown = task.shown(client, value)
  if #shown > VALUE_MOST then
    shown = shown:sub(1, VALUE_MOST) .. "..."
  end
  return ('%s, got "%s"'):format(err.message, text.plain(shown))
end

--- End the command with an error.
-- @tparam table err
-- @tparam[opt] integer status in place of its own
function report.fail(err, status)
  local reason = stop.reason(status or report.status(err), report.line(err))
  reason.err = err
  error(reason, 0)
end

--- End the command with an error that may be about what was given on the command line: then the
-- option is named.
-- @tparam table err
-- @tparam table given the parameters, or options of a client
-- @tparam[opt] table client
function report.fail_given(err, given, client)
  local key = parameter_of(err)
  if key and given[key] ~= nil then
    local wrong = client and report.with_value(client, err, given) or err.message
    err.message = FLAGS[key] .. ": " .. wrong
  end
  report.fail(err)
end

--- End the command with the error of a look-up by number. Only where the service has answered is
-- the number not found.
-- @tparam table client
-- @tparam table given the parameters
-- @tparam table err
-- @tparam integer not_found status where it is not found
function report.fail_to_find(client, given, err, not_found)
  if err.kind == "argument" then
    report.fail_given(err, given, client)
  end
  local status = report.status(err)
  if err.name == "INBOX_AMBIGUOUS" then
    err.message = err.message .. "; to delete it, name --account, --server and --inbox"
  end
  if err.kind == "lookup" then
    status = not_found
  elseif status == stop.REJECTED then -- what was refused is a read
    status = stop.NOT_SENT
  end
  report.fail(err, status)
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

-- Characters of a number, with what people write in one.
local NUMBER_MAX = 32

--- The number that the service named. Anything else in its place is not shown: it may be a secret.
-- @tparam table result of the deletion
-- @treturn ?string
function report.number(result)
  local number = result.whatsapp_number
  local is_one = type(number) == "string" and #number <= NUMBER_MAX
    and number:find("^%+?%d[%d %-]*$") ~= nil
  return is_one and number or nil
end

--- What is said of a deletion whose answer names another number than the one given.
report.NUMBER_DIFFERS = "the service named a number that is not the one given"

local READ = { "inboxes", "numbers" }
local IS_UNREADABLE = { failed = true, unclear = true }

-- Why a list could not be read, or not be understood; nil where nobody knows.
local function cause_of(evidence)
  if evidence.error then
    return report.line(evidence.error)
  end
  local last = evidence.looks[#evidence.looks] or {}
  for _, list in ipairs(READ) do
    if IS_UNREADABLE[last[list]] then
      return text.plain(last["get_" .. (list == "numbers" and "whatsapp_numbers" or list)])
    end
  end
end

-- What to do about a read-back that ran out of time.
local function advice_on_time(timeout)
  local is_short = timeout and timeout < shell.TIME_TO_PROVE
  return "; give a longer --timeout"
    .. (is_short and (": %d is enough"):format(shell.TIME_TO_PROVE) or "")
end

--- What a read-back found, in words.
-- @tparam table evidence see `ninedig.verify`
-- @tparam ?number timeout that was given, in seconds
-- @treturn string
function report.finding(evidence, timeout)
  local verdict, why = evidence.verdict:gsub("_", " "), evidence.why
  if not evidence.blocker then
    return ("%s: %s"):format(verdict, why)
  elseif evidence.blocker == "NO_TIME" then
    why = why .. advice_on_time(timeout)
  elseif evidence.blocker == "LIST_FAILED" then
    local cause = cause_of(evidence)
    why = cause and cause ~= why and why .. ": " .. cause or why
  end
  return ("%s (%s): %s"):format(verdict, evidence.blocker, why)
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
    whatsapp_number = result and report.number(result),
    number_differs = result and result.number_differs,
    verified = result and result.verified,
    error = err and report.facts(err),
  }
end

--- The exit status of a deletion whose end is known, and could not be written to where it is
-- looked for. It is no failure to delete.
-- @tparam integer status that it would have had
-- @treturn integer
function report.unwritten(status)
  return status == stop.DONE and stop.UNKNOWN or status
end

-- ----- a list of them -----
--
-- What became of the inboxes of a list is a table of ends, by their places in the list: each is
-- `{ outcome, result, err }`, and those that were not asked for have none.

local CLASSES = { "deleted", "gone", "absent", "rejected", "not_sent", "unknown", "skipped" }

--- How many inboxes came to which end.
-- @tparam table ends
-- @tparam integer total
-- @treturn table
function report.count(ends, total)
  local counts = {}
  for _, class in ipairs(CLASSES) do
    counts[class] = 0
  end
  for _, one in pairs(ends) do
    counts[one.outcome] = counts[one.outcome] + 1
    total = total - 1
  end
  counts.skipped = total
  return counts
end

--- How many of a list are done: nobody has to ask for them any more.
-- @tparam table counts
-- @tparam boolean gone_ok what is absent is done
-- @treturn integer
function report.done(counts, gone_ok)
  return counts.deleted + counts.gone + (gone_ok and counts.absent or 0)
end

local function any_about_credentials(ends)
  for _, one in pairs(ends) do
    if one.err and errors.is_about_credentials(one.err) then
      return true
    end
  end
  return false
end

--- The exit status for a list.
-- @tparam table all `ends`, `counts`, `total`, `gone_ok`, and `others_in_doubt`: inboxes that the
-- journal has in doubt and the list lacks
-- @treturn integer
function report.status_of_list(all)
  if all.counts.unknown > 0 or #all.others_in_doubt > 0 then
    return stop.UNKNOWN
  elseif report.done(all.counts, all.gone_ok) == all.total then
    return stop.DONE
  elseif any_about_credentials(all.ends) then
    return stop.CREDENTIALS
  end
  return stop.INCOMPLETE
end

local WORDS = {
  gone = "gone: the service no longer has them, by an earlier request as far as can be known",
  absent = "absent: the service has no such WhatsApp inbox",
  rejected = "rejected", not_sent = "not sent", unknown = "unknown", skipped = "not asked for",
}

local function say_one(all, i, one)
  local inbox = report.inbox(all.list:asked(i))
  local name, reason = one.err and one.err.name, one.err and one.err.reason
  local word = one.outcome:gsub("_", " ")
  if name then
    word = ("%s: %s%s"):format(word, name, reason and (" (%d)"):format(reason) or "")
  end
  if one.outcome == "unknown" then
    word = word .. "; to find out, run: " .. shell.verify(all.chosen, all.list:asked(i))
  end
  output.say("%s: %s", inbox, word)
end

local function say_other_number(all, i, result)
  local number = report.number(result)
  output.say("%s: deleted, but %s%s", report.inbox(all.list:asked(i)), report.NUMBER_DIFFERS,
    number and ": " .. number or "")
end

local TOLD = { absent = true, rejected = true, not_sent = true, unknown = true, gone = true }

local function explain(all)
  local explained = {}
  for i = 1, all.total do
    local err = all.ends[i] and all.ends[i].outcome ~= "gone" and all.ends[i].err
    if err and not explained[err.name] then
      explained[err.name] = true
      output.say("%s", report.line(err))
    end
  end
end

--- Write what the journal has in doubt and the list lacks, in words.
-- @tparam table all as of `report.say_list`
function report.say_others(all)
  for _, asked in ipairs(all.others_in_doubt) do
    output.say(
      "%s: unknown, and not in this list, but in its journal; to find out, run: %s",
      report.inbox(asked), shell.verify(all.chosen, asked)
    )
  end
end

--- Write what became of a list, in words.
-- @tparam table all as of `report.status_of_list`, with the `list` and the arguments, `chosen`
function report.say_list(all)
  output.say("ninedig: %d of %s deleted", all.counts.deleted,
    text.count(all.total, "inbox", "inboxes"))
  for _, class in ipairs(CLASSES) do
    if class ~= "deleted" and all.counts[class] > 0 then
      output.say("   %d %s", all.counts[class], WORDS[class])
    end
  end
  for i = 1, all.total do
    local one = all.ends[i]
    if one and TOLD[one.outcome] then
      say_one(all, i, one)
    elseif one and one.result and one.result.number_differs then
      say_other_number(all, i, one.result)
    end
  end
  explain(all)
  report.say_others(all)
end

local SKIPPED = { outcome = "skipped" }

local function entry_of(all, i)
  local one = all.ends[i] or SKIPPED
  local entry = report.entry(all.list:asked(i), one.outcome, one.result, one.err)
  entry.name = all.list.names[i]
  entry.answer = one.answer
  return entry
end

--- Write what became of a list, for programs.
-- @tparam table all as of `report.say_list`
function report.write_list(all)
  local whole = { others_in_doubt = all.others_in_doubt, results = {} }
  for class, count in pairs(all.counts) do
    whole[class] = count
  end
  local before, after = json.encode(whole):match('^(.*"results":%[)(%].*)$')
  local parts = { before }
  for i = 1, all.total do
    parts[#parts + 1] = (i > 1 and "," or "") .. json.encode(entry_of(all, i))
  end
  parts[#parts + 1] = after .. "\n"
  return output.data(table.concat(parts))
end

return report
