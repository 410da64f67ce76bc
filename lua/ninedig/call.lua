--- One call: prepare, carry out, finish. Nothing is raised but what is not ours.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local protect = require("ninedig.protect")
local wait = require("ninedig.wait")

local call = {}

local function carry_out_and_finish(carry_out, transfer, sleep, reserve)
  carry_out(transfer, sleep)
  local result, err = core.finish(transfer)
  errors.release(reserve)
  return result, err
end

-- What is raised while a call waits is the caller's own, but for memory that ran out.
local function interrupted(transfer, reserve, raised)
  local sent = core.cancel(transfer)
  if raised == "not enough memory" then
    return nil, errors.spend(reserve, sent)
  end
  return error(raised, 0)
end

--- Make a call of the service.
-- @tparam userdata settings from `core.settings`
-- @tparam string name of the call, as in `ninedig.calls`
-- @tparam table params
-- @tparam[opt] function sleep of the caller's event loop
-- @treturn[1] table the result
-- @treturn[2] nil
-- @treturn[2] table the error
-- @raise what is raised while it waits, such as an error of `sleep`
function call.perform(settings, name, params, sleep)
  local carry_out, unable = wait.choose(sleep)
  if not carry_out then
    return nil, errors.argument("PHASE_CANNOT_WAIT", unable, name)
  end
  local reserve = errors.reserve()
  local transfer, refusal = core.prepare(settings, name, params, reserve)
  if not transfer then
    errors.release(reserve)
    return nil, refusal
  end
  local protected = sleep and protect.call or pcall
  local ok, result, err = protected(carry_out_and_finish, carry_out, transfer, sleep, reserve)
  if not ok then
    return interrupted(transfer, reserve, result)
  end
  return result, err
end

return call
