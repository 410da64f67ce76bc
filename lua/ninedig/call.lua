--- One call: prepare, carry out, finish. Nothing is raised but what is not ours.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local wait = require("ninedig.wait")

local call = {}

local function carry_out_and_finish(transfer, reserve)
  wait.carry_out(transfer)
  local result, err = core.finish(transfer)
  errors.release(reserve)
  return result, err
end

--- Make a call of the service.
-- @tparam userdata settings from `core.settings`
-- @tparam string name of the call, as in `ninedig.calls`
-- @tparam table params
-- @treturn[1] table the result
-- @treturn[2] nil
-- @treturn[2] table the error
-- @raise what is raised while it waits, such as the error of a caller's `sleep`
function call.perform(settings, name, params)
  local reserve = errors.reserve()
  local transfer, refusal = core.prepare(settings, name, params, reserve)
  if not transfer then
    return nil, refusal
  end
  local ok, result, err = pcall(carry_out_and_finish, transfer, reserve)
  if ok then
    return result, err
  end
  local sent = core.cancel(transfer)
  if result == "not enough memory" then
    return nil, errors.spend(reserve, sent)
  end
  return error(result, 0)
end

return call
