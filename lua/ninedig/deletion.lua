--- A deletion with what can stand around it: a token, a precondition, a proof.
local call = require("ninedig.call")
local errors = require("ninedig.error")
local wait = require("ninedig.wait")

local deletion = {}

-- Only for a deletion with something around it; all loaded before anything is sent.
local lookup, session, task, verify

local function load_what_is_around()
  lookup = require("ninedig.lookup")
  session = require("ninedig.session")
  task = require("ninedig.task")
  verify = require("ninedig.verify")
end

-- A deletion is one call, with nothing around it.
local function is_one_call(client, params)
  return not client.session
    and not (type(params) == "table"
      and (rawget(params, "whatsapp_number") ~= nil or rawget(params, "verify") ~= nil))
end

-- What a result says in ninedig's own words is not the service's to say. It takes no memory, as it
-- has happened: to set a field that is not there would, even to nil, on some VMs.
local function drop_own_words(result)
  if result.verified ~= nil then
    result.verified = nil
  end
  if result.evidence ~= nil then
    result.evidence = nil
  end
  if result.number_differs ~= nil then
    result.number_differs = nil
  end
end

-- It has happened, so this is no error.
local function compare_numbers(result, asked)
  local number = result.whatsapp_number
  if asked.whatsapp_number and number and number:gsub("^%+", "") ~= asked.whatsapp_number then
    result.number_differs = true
  end
  return result
end

-- Errors of the calls around a deletion tell which deletion they are about, too.
local function name_inbox(err, asked)
  if err.inboxID == nil then
    err.accountID, err.server, err.inboxID = asked.accountID, asked.server, asked.inboxID
  end
  return nil, err
end

-- An unknown outcome becomes a result where it can be proved, and else carries what was seen. It
-- has time of its own, as the deletion may have taken all of the call's.
local function prove(client, current, asked, err)
  local proof, closed = task.new(client, "verify_deletion", current.token)
  if not proof then -- the client was closed meanwhile
    err.verification = {
      verdict = "unknown",
      blocker = "LIST_FAILED",
      why = closed.message,
      accountID = asked.accountID,
      server = asked.server,
      inboxID = asked.inboxID,
      whatsapp_number = asked.whatsapp_number,
      looks = {},
      error = closed,
    }
    return nil, err
  end
  local verdict, evidence = verify.run(proof, asked)
  if verdict ~= "deleted" then
    err.verification = evidence
    return nil, err
  end
  return {
    status = "OK",
    reason = 1,
    accountID = asked.accountID,
    server = asked.server,
    inboxID = asked.inboxID,
    whatsapp_number = asked.whatsapp_number,
    verified = true,
    evidence = evidence,
  }
end

-- Running out of memory while reading back does not change what is known: the outcome is unknown.
local function prove_with_what_memory_there_is(client, current, asked, err)
  local ok, result, failure = current.way.protected(prove, client, current, asked, err)
  if ok then
    return result, failure
  elseif result == errors.OUT_OF_MEMORY then
    return nil, err
  end
  return error(result, 0)
end

-- What is sent is what was checked: the caller's table may change while a look-up waits.
local function delete_with_care(client, current, asked)
  local refuted = asked.whatsapp_number and lookup.refute(current, asked)
  if refuted then
    return name_inbox(refuted, asked)
  end
  local result, err = session.perform(current, "delete_inbox", asked)
  if result then
    drop_own_words(result)
    return compare_numbers(result, asked)
  end
  if asked.verify and err.outcome == "unknown" then
    return prove_with_what_memory_there_is(client, current, asked, err)
  end
  return name_inbox(err, asked)
end

--- Delete an inbox.
-- @tparam table client
-- @tparam table params as the user gave them
-- @treturn[1] table the result
-- @treturn[2] nil
-- @treturn[2] table the error
function deletion.delete_inbox(client, params)
  if is_one_call(client, params) then
    local way, err = wait.of(client, "delete_inbox")
    if not way then
      return nil, err
    end
    local result
    result, err =
      call.perform(way, client.settings, "delete_inbox", params, nil, nil, client.watcher)
    if result then
      drop_own_words(result)
    end
    return result, err
  end
  load_what_is_around()
  local current, asked = session.begin(client, "delete_inbox", params)
  if not current then
    return nil, asked
  end
  return delete_with_care(client, current, asked)
end

return deletion
