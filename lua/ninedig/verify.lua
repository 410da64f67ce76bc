--- Did a deletion happen? What the service's lists show, and what that proves.
--
-- A service that deletes in the background may list an inbox for an hour after it has answered, or
-- lost its answer; and a list that is not whole lacks inboxes that are there. So presence is no
-- proof of anything, and absence is one only where two looks agree, each at whole lists.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local lookup = require("ninedig.lookup")
local read = require("ninedig.read")

local verify = {}

-- Looks, at most; one more where the last of them finds it deleted.
local LOOKS = 4

-- Seconds between a look and the next one. Less than the first proves nothing.
local PAUSES = { 1, 1, 2, 1 }

-- ----- one look -----

local OK = 200

-- Reads a list; nil, what stood in the way as a sentence, and the error if it was one. Only a plain
-- 200 is the service's whole answer: 206 is a part of it, and 203 has been changed on the way.
local function read_list(current, name, params)
  local answer, err, status = read.perform(current, name, params)
  if not answer then
    return nil, errors.summary(err), err
  elseif status ~= OK then
    return answer, ("HTTP %d: not the service's own whole answer"):format(status)
  end
  return answer
end

-- What get_inboxes shows of the inbox: "present", "absent", "incomplete" (it is absent from a list
-- that is not whole), "unclear" (rows were not understood) or "failed"; that as a sentence; and the
-- error where there was one.
local function look_at_inboxes(current, asked)
  local inboxes, flaw, err = read_list(current, "get_inboxes", {
    accountID = asked.accountID,
    server = asked.server,
  })
  if not inboxes then
    return "failed", flaw, err
  end
  local inbox = errors.digits(asked.inboxID)
  local list, total, name_of = inboxes.list, inboxes.totalInboxes, lookup.name_of_inbox
  if lookup.inbox_in(inboxes, asked.inboxID) then
    return "present", ("inbox %s is listed"):format(inbox)
  elseif flaw then
    return "failed", flaw
  end
  local sentence = ("inbox %s is not among %s"):format(
    inbox, current:shown(lookup.describe_rows(list, total, name_of))
  )
  if not lookup.has_ids(list, "id") then
    return "unclear", sentence .. ", some of which were not understood"
  elseif not lookup.is_whole(list, total, name_of) then
    return "incomplete", sentence
  end
  return "absent", sentence
end

-- How many rows, of all or of one number, have what to do with the inbox.
local function count_relations(rows, asked, number)
  local count = { attached = 0, apart = 0, unclear = 0, all = 0 }
  for _, row in ipairs(rows) do
    if not number or lookup.is_row_of(row, number) then
      local relation = lookup.relation(row, asked)
      count[relation] = count[relation] + 1
      count.all = count.all + 1
    end
  end
  return count
end

-- The same account and inbox may be on several servers, and a row does not say on which it is: with
-- the number known, one of another number says nothing of the inbox.
local function say_others(list, asked)
  return count_relations(list, asked).attached > 0
    and "; another number is in an inbox with these IDs, perhaps on another server" or ""
end

-- What get_whatsapp_numbers shows: "attached" (a number, or the one that is asked for, is in the
-- inbox), "moved" (the number is listed, and not there), "unnamed" (no row names the inbox),
-- "unlisted" (the number is in no row), "empty", "incomplete", "unclear" or "failed"; that as a
-- sentence; and the error.
local function look_at_numbers(current, asked)
  local numbers, flaw, err = read_list(current, "get_whatsapp_numbers")
  if not numbers or flaw then
    return "failed", flaw, err
  end
  local number = asked.whatsapp_number
  local list, total, name_of = numbers.list, numbers.totalWhatsApp, lookup.name_of_number
  local rows = current:shown(lookup.describe_rows(list, total, name_of))
  local what = number and "number " .. number or "a number"
  local count = count_relations(list, asked, number)
  if count.attached > 0 then
    return "attached", what .. " is in the inbox"
  elseif count.unclear > 0 then
    return "unclear", ("%d of %s were not understood"):format(count.unclear, rows)
  elseif not lookup.is_whole(list, total, name_of) then
    return "incomplete", "there are " .. rows
  elseif #list == 0 then
    return "empty", "there are no rows"
  elseif count.all == 0 then
    return "unlisted", ("%s is not among %s"):format(what, rows)
  elseif number then
    return "moved", what .. " is listed, and not in the inbox" .. say_others(list, asked)
  end
  return "unnamed", ("none of %s is in the inbox"):format(rows)
end

local function look(current, asked)
  local one = { at = os.date("!%Y-%m-%dT%H:%M:%SZ") }
  local err, other
  one.inboxes, one.get_inboxes, err = look_at_inboxes(current, asked)
  one.numbers, one.get_whatsapp_numbers, other = look_at_numbers(current, asked)
  return one, err or other
end

-- ----- what it proves -----

-- What stood in the way, by what a list showed. Of two, the one that is first in `WHY` is named.
local BLOCKERS = {
  failed = "LIST_FAILED", unclear = "LIST_FAILED", incomplete = "TOTALS_DIFFER",
  attached = "NUMBER_STILL_THERE", empty = "NO_NUMBERS", unlisted = "NUMBER_NOT_LISTED",
}

local WHY = {
  { "LIST_FAILED", "a list could not be read, or not be understood" },
  { "TOTALS_DIFFER", "a list is not whole: its total is not the number of its rows, or one of them"
    .. " came twice; what it lacks proves nothing" },
  { "NUMBER_STILL_THERE", "the inbox is not listed, but a number is said to be in it" },
  { "NO_NUMBERS", "the inbox is not listed, but neither is any number: that proves nothing" },
  { "NUMBER_NOT_LISTED",
    "the inbox is not listed, but neither is its number: that proves nothing" },
}

local DELETED = {
  verdict = "deleted",
  why = "two looks found neither the inbox nor its number in it, in lists that are whole",
}
local STILL_LISTED = {
  verdict = "still_listed",
  why = "the inbox is listed; a service that deletes in the background can still delete it",
}
local NO_TIME = {
  verdict = "unknown",
  blocker = "NO_TIME",
  why = "one look did not find the inbox, and there was no time for the second that proof takes",
}

local function judge(one)
  if one.inboxes == "present" then
    return STILL_LISTED
  end
  for _, row in ipairs(WHY) do
    local blocker, why = row[1], row[2]
    if BLOCKERS[one.inboxes] == blocker or BLOCKERS[one.numbers] == blocker then
      return { verdict = "unknown", blocker = blocker, why = why }
    end
  end
  return DELETED
end

-- ----- all looks -----

-- What can change while the service works in the background.
local function can_change(finding)
  return finding == STILL_LISTED or finding.blocker == "NUMBER_STILL_THERE"
end

-- Whether another look would show nothing new. What could not be read was tried again by the read.
local function is_settled(finding, before, count, most)
  if finding.blocker == "LIST_FAILED" or finding ~= DELETED and count >= most then
    return true
  end
  return before ~= nil and not can_change(finding)
    and before.verdict == finding.verdict and before.blocker == finding.blocker
end

-- Waits for the next look, if that can end within the time; the last one took so many seconds.
local function wait_for_next(current, pause, took)
  if pause + took >= current:remaining() then
    return false
  end
  local till, why = core.monotonic() + pause, "before the next look"
  repeat
    if not current:pause(till - core.monotonic(), why) then
      return false
    end
    why = nil -- it was told
  until core.monotonic() >= till -- a loop may end a pause early
  return true
end

-- What all looks together say: a look that the end of the time cut short says nothing against the
-- one before it.
local function conclude(current, finding, before)
  if before and finding.blocker == "LIST_FAILED" and current:remaining() <= 0 then
    finding, before = before, nil
  end
  if finding == DELETED and before ~= DELETED then
    return NO_TIME
  end
  return finding
end

--- Find out by reading whether an inbox is gone.
-- @tparam table current the task
-- @tparam table asked `accountID`, `server`, `inboxID`, and `whatsapp_number` if it is known
-- @tparam[opt=4] integer most looks, where the last of them does not find it deleted; 1 to 4
-- @treturn string "deleted", "still_listed" or "unknown"
-- @treturn table evidence: `verdict`, `why`, `blocker` where it is unknown, `looks`, a list of what
-- each look saw and when, and `error`, that of the last list that could not be read
function verify.run(current, asked, most)
  most = most or LOOKS
  local looks = {}
  local finding, before, err
  repeat
    local one
    local left = current:remaining()
    one, err = look(current, asked)
    looks[#looks + 1] = one
    before, finding = finding, judge(one)
  until is_settled(finding, before, #looks, most)
    or not wait_for_next(current, PAUSES[#looks], left - current:remaining())
  finding = conclude(current, finding, before)
  local evidence = {
    verdict = finding.verdict,
    blocker = finding.blocker,
    why = finding.why,
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
    whatsapp_number = asked.whatsapp_number,
    looks = looks,
    error = err,
  }
  if current.watcher then
    current.watcher:verdict(evidence)
  end
  return finding.verdict, evidence
end

return verify
