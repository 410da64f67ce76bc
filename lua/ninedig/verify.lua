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
    return "incomplete", ("inbox %s is not among %d rows of %s"):format(inbox, rows, total)
  end
  return "absent", ("inbox %s is not among %d rows"):format(inbox, rows)
end

local function names(row, asked)
  return lookup.is_attached(row)
    and row.onlineAccount == asked.accountID
    and row.onlineInbox == asked.inboxID
end

local function attached_row(numbers, asked)
  for _, row in ipairs(numbers.list) do
    local number = asked.whatsapp_number or row.whatsapp
    if names(row, asked) and row.whatsapp == number then
      return row
    end
  end
  return nil
end

-- What get_whatsapp_numbers shows: "attached", "moved" (the number is listed, and not there),
-- "unnamed" (no row tells) or "failed"; and that as a sentence.
local function look_at_numbers(current, asked)
  local numbers, err = read.perform(current, "get_whatsapp_numbers")
  if not numbers then
    return "failed", errors.summary(err)
  end
  local row = attached_row(numbers, asked)
  if row then
    return "attached", ("number %s is in the inbox"):format(tostring(row.whatsapp))
  end
  local own = asked.whatsapp_number and lookup.row_of(numbers, asked.whatsapp_number)
  if own then
    return "moved", ("number %s is %s"):format(
      asked.whatsapp_number,
      lookup.is_attached(own) and "in another inbox" or "attached to no inbox"
    )
  end
  return "unnamed", ("none of %d numbers is in the inbox"):format(#numbers.list)
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
    unnamed = final("deleted", "the inbox is not listed and no number is in it"),
    attached = so_far("unknown", "the inbox is not listed, but a number is said to be in it"),
    failed = final("unknown", "the inbox is not listed, but the numbers could not be read"),
  },
  incomplete = {
    moved = final("deleted", "the list of inboxes is not whole, but the number has left the inbox"),
    unnamed = final("unknown", "the list of inboxes is not whole: absence from it proves nothing"),
    attached = so_far("unknown", "the list of inboxes is not whole, and a number is in it"),
    failed = final("unknown", "the list of inboxes is not whole, and the numbers were not read"),
  },
  present = {
    moved = so_far("unknown", "the inbox is listed, without its number: perhaps under way"),
    unnamed = so_far("unknown", "the inbox is listed, without a number: perhaps under way"),
    attached = so_far(
      "not_deleted",
      "the inbox is still there with its number; a request that is late could still delete it"
    ),
    failed = final("unknown", "the inbox is still listed, but the numbers could not be read"),
  },
}

local unread = final("unknown", "the inboxes of the account could not be read")

local function judge(one)
  local row = verdicts[one.inboxes]
  return row and row[one.numbers] or unread
end

-- ----- all looks -----

--- Find out by reading whether an inbox is gone.
-- @tparam table current the task
-- @tparam table asked `accountID`, `server`, `inboxID`, and `whatsapp_number` if it is known
-- @treturn string "deleted", "not_deleted" or "unknown"
-- @treturn table evidence: `verdict`, `why`, and `looks`, a list of what each look saw and when
function verify.run(current, asked)
  local looks = {}
  local pause = FIRST_PAUSE
  local verdict
  for left = LOOKS, 1, -1 do
    looks[#looks + 1] = look(current, asked)
    verdict = judge(looks[#looks])
    if verdict.final or left == 1 or not current:pause(pause * (0.5 + task.jitter())) then
      break
    end
    pause = pause * 2
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
