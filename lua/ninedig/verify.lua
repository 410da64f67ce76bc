--- Did a deletion happen? What can be proved by reading back.
local errors = require("ninedig.error")
local lookup = require("ninedig.lookup")
local read = require("ninedig.read")
local task = require("ninedig.task")

local verify = {}

local LOOKS = 5

-- Seconds before the second look, about; each further pause is twice as long.
local FIRST_PAUSE = 0.25

-- ----- one look -----

-- What get_inboxes shows of the inbox: "present", "absent", "incomplete" (it is absent from a list
-- that is not whole), "refused" or "failed"; and that as a sentence.
local function look_at_inboxes(current, asked)
  local inboxes, err = read.perform(current, "get_inboxes", {
    accountID = asked.accountID,
    server = asked.server,
  })
  if not inboxes then
    local failed = err.kind == "network" or err.kind == "http"
    return failed and "failed" or "refused", errors.summary(err)
  end
  local inbox, rows, total = errors.digits(asked.inboxID), #inboxes.list, inboxes.totalInboxes
  if lookup.inbox_in(inboxes, asked.inboxID) then
    return "present", ("inbox %s is listed"):format(inbox)
  end
  if lookup.is_incomplete(inboxes) then
    total = tostring(total)
    return "incomplete", ("inbox %s is not among %d rows of %s"):format(inbox, rows, total)
  end
  return "absent", ("inbox %s is not among %d rows"):format(inbox, rows)
end

-- How many rows, of all or of one number, have what to do with the inbox.
local function count_relations(rows, asked, number)
  local count = { attached = 0, apart = 0, unclear = 0 }
  for _, row in ipairs(rows) do
    if not number or row.whatsapp == number then
      local relation = lookup.relation(row, asked)
      count[relation] = count[relation] + 1
    end
  end
  return count
end

local function judge_own_rows(own, all, number)
  if own.attached > 0 then
    return "attached", ("number %s is in the inbox"):format(number)
  elseif own.unclear > 0 then
    return "unclear", ("the row of number %s was not understood"):format(number)
  elseif all.attached > 0 then
    return "replaced", ("number %s is not in the inbox, but another one is"):format(number)
  end
  return "moved", ("number %s is not in the inbox"):format(number)
end

local function judge_all_rows(all, rows, total)
  if all.attached > 0 then
    return "attached", "a number is in the inbox"
  elseif all.unclear > 0 then
    return "unclear", ("%d of %d rows were not understood"):format(all.unclear, #rows)
  elseif lookup.is_cut(rows, total) then
    return "unclear", ("none of %d numbers of %s is in the inbox"):format(#rows, tostring(total))
  end
  return "unnamed", ("none of %d numbers is in the inbox"):format(#rows)
end

-- What get_whatsapp_numbers shows: "attached", "moved" (the number is listed, and not there),
-- "replaced" (the same, and another one is there), "unnamed" (no row names the inbox), "unclear"
-- (the rows do not tell) or "failed"; and that as a sentence.
local function look_at_numbers(current, asked)
  local numbers, err = read.perform(current, "get_whatsapp_numbers")
  if not numbers then
    return "failed", errors.summary(err)
  end
  local number = asked.whatsapp_number
  local all = count_relations(numbers.list, asked)
  local own = number and count_relations(numbers.list, asked, number)
  if own and own.attached + own.apart + own.unclear > 0 then
    return judge_own_rows(own, all, number)
  end
  return judge_all_rows(all, numbers.list, numbers.totalWhatsApp)
end

local function look(current, asked)
  local one = { at = os.date("!%Y-%m-%dT%H:%M:%SZ") }
  one.inboxes, one.get_inboxes = look_at_inboxes(current, asked)
  one.numbers, one.get_whatsapp_numbers = look_at_numbers(current, asked)
  return one
end

-- ----- what it proves -----

local function final(verdict, why)
  return { verdict = verdict, why = why, final = true }
end

local function so_far(verdict, why)
  return { verdict = verdict, why = why, final = false }
end

-- By what get_inboxes and then get_whatsapp_numbers show: the service's own table in our words.
local verdicts = {
  absent = {
    moved = final("deleted", "the inbox is not listed and its number is not in it"),
    replaced = final("deleted", "the inbox is not listed and its number is not in it"),
    unnamed = final("deleted", "the inbox is not listed and no number is in it"),
    attached = so_far("unknown", "the inbox is not listed, but a number is said to be in it"),
    unclear = final("unknown", "the inbox is not listed, but the numbers do not tell"),
    failed = final("unknown", "the inbox is not listed, but the numbers could not be read"),
  },
  incomplete = {
    moved = final("deleted", "the list of inboxes is not whole, but the number has left the inbox"),
    replaced = so_far("unknown", "the list of inboxes is not whole, and another number is in it"),
    unnamed = final("unknown", "the list of inboxes is not whole: absence from it proves nothing"),
    attached = so_far("unknown", "the list of inboxes is not whole, and a number is in it"),
    unclear = final("unknown", "the list of inboxes is not whole, and the numbers do not tell"),
    failed = final("unknown", "the list of inboxes is not whole, and the numbers were not read"),
  },
  present = {
    moved = so_far("unknown", "the inbox is listed, without its number: perhaps under way"),
    replaced = so_far("unknown", "the inbox is listed, with another number"),
    unnamed = so_far("unknown", "the inbox is listed, without a number: perhaps under way"),
    attached = so_far(
      "still_listed",
      "the inbox is still there with its number; a request that is late could still delete it"
    ),
    unclear = so_far("unknown", "the inbox is listed, but the numbers do not tell"),
    failed = final("unknown", "the inbox is still listed, but the numbers could not be read"),
  },
}

local unread = final("unknown", "the inboxes of the account could not be read")

local function judge(one)
  local row = verdicts[one.inboxes]
  return row and row[one.numbers] or unread
end

-- ----- all looks -----

local one_look = so_far(
  "unknown", "the inbox was still there with its number, and there was no time for another look"
)

-- Waits for the next look, if that can end within the time; the last one took so many seconds.
local function wait_for_next(current, looks, pause, took)
  local spare = current:remaining() - 2 * took
  pause = pause * (0.5 + task.jitter())
  if #looks == 1 then -- the second is worth a short pause
    pause = math.min(pause, spare / 2)
  end
  return pause > 0 and pause < spare and current:pause(pause)
end

-- A look that the end of the time cut short says nothing against the one before it.
local function is_cut_short(current, one)
  return current:remaining() <= 0 and (one.inboxes == "failed" or one.numbers == "failed")
end

--- Find out by reading whether an inbox is gone.
-- @tparam table current the task
-- @tparam table asked `accountID`, `server`, `inboxID`, and `whatsapp_number` if it is known
-- @treturn string "deleted", "still_listed" or "unknown"
-- @treturn table evidence: `verdict`, `why`, and `looks`, a list of what each look saw and when
function verify.run(current, asked)
  local looks, whole = {}, 0
  local pause = FIRST_PAUSE
  local verdict
  repeat
    local before = current:remaining()
    local one = look(current, asked)
    looks[#looks + 1] = one
    if not verdict or not is_cut_short(current, one) then
      verdict = judge(one)
      whole = whole + 1
    end
    local ended = verdict.final or #looks == LOOKS
      or not wait_for_next(current, looks, pause, before - current:remaining())
    pause = pause * 2
  until ended
  if verdict.verdict == "still_listed" and whole == 1 then
    verdict = one_look
  end
  return verdict.verdict, {
    verdict = verdict.verdict,
    why = verdict.why,
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
    whatsapp_number = asked.whatsapp_number,
    looks = looks,
  }
end

return verify
