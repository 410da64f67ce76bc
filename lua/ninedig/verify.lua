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
  local rows, total = #inboxes.list, inboxes.totalInboxes
  if lookup.inbox_in(inboxes, asked.inboxID) then
    return "present", ("inbox %s is listed"):format(errors.digits(asked.inboxID))
  end
  if lookup.is_incomplete(inboxes) then
    return "incomplete", ("inbox %s is not among %d rows of %s"):format(errors.digits(asked.inboxID), rows, total)
  end
  return "absent", ("inbox %s is not among %d rows"):format(errors.digits(asked.inboxID), rows)
end

local function names(row, asked)
  return lookup.is_attached(row)
    and row.onlineAccount == asked.accountID
    and row.onlineInbox == asked.inboxID
end

local function attached_row(numbers, asked)
  for _, row in ipairs(numbers.list) do
    if names(row, asked) and (not asked.whatsapp_number or row.whatsapp == asked.whatsapp_number) then
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

-- By what get_inboxes and get_whatsapp_numbers show: the verdict if this is the last look, why, and
-- whether it is final now.
local verdicts = {
  absent = {
    moved = { "deleted", "the inbox is not listed and its number is not in it", true },
    unnamed = { "deleted", "the inbox is not listed and no number is in it", true },
    attached = { "unknown", "the inbox is not listed, and yet a number is said to be in it" },
    failed = { "unknown", "the inbox is not listed, but the numbers could not be read", true },
  },
  incomplete = {
    moved = { "deleted", "the list of inboxes is not whole, but the number has left the inbox", true },
    unnamed = { "unknown", "the list of inboxes is not whole, so that absence proves nothing", true },
    attached = { "unknown", "the list of inboxes is not whole, and a number is still in the inbox" },
    failed = { "unknown", "the list of inboxes is not whole, and the numbers could not be read", true },
  },
  present = {
    moved = { "unknown", "the inbox is still listed without its number: it may be under way" },
    unnamed = { "unknown", "the inbox is still listed without a number: it may be under way" },
    attached = {
      "not_deleted",
      "the inbox is still there with its number; a request that is late could still delete it",
    },
    failed = { "unknown", "the inbox is still listed, but the numbers could not be read", true },
  },
}

local refused = { "unknown", "the inboxes of the account could not be read", true }

local function judge(one)
  local row = verdicts[one.inboxes]
  return row and row[one.numbers] or refused
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
    if verdict[3] or left == 1 or not current:pause(pause * (0.5 + task.jitter())) then
      break
    end
    pause = pause * 2
  end
  return verdict[1], {
    verdict = verdict[1],
    why = verdict[2],
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
    whatsapp_number = asked.whatsapp_number,
    looks = looks,
  }
end

return verify
