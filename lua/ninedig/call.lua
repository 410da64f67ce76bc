--- One call: prepare, carry out, finish. Nothing is raised but what is not ours.
local core = require("ninedig.core")
local errors = require("ninedig.error")

local finish, release = core.finish, errors.release

local call = {}

local function carry_out_and_finish(way, transfer, reserve, watch)
  local refused, message = way.carry_out(transfer, watch)
  if refused then
    return nil, errors.unsent(reserve, refused, message)
  end
  if watch then
    watch:look_at(transfer)
  end
  local result, err, status = finish(transfer)
  release(reserve)
  return result, err, status
end

-- What is raised while a call waits is the caller's own, but for memory that ran out. Nothing is
-- raised over it.
local function interrupted(raised, reserve, sent, watch)
  if raised == errors.OUT_OF_MEMORY then
    return nil, errors.spend(reserve, sent)
  end
  if watch then
    watch:given_up(sent)
  end
  return error(raised, 0)
end

--- Whether a request may be sent; waits for its time where that is not its caller's to choose.
-- @tparam table way to wait
-- @tparam string name of the call
-- @treturn boolean
function call.may_send(way, name)
  return not way.may_send or way.may_send(name)
end

--- The error of a request that may not be sent: nobody outside is told of it.
-- @tparam string name of the call
-- @treturn table
function call.withheld(name)
  local err = errors.failure(
    "network", "CANCELLED", name, "the call was given up before it was sent: nothing was deleted"
  )
  err.is_withheld = true
  return err
end

--- Make a call of the service.
-- @tparam table way to wait, see `ninedig.wait`
-- @tparam userdata settings from `core.settings`
-- @tparam string name of the call, as in `ninedig.calls`
-- @tparam table params
-- @tparam[opt] string token for params without one
-- @tparam[opt] number seconds that it may take, in place of the client's `timeout`
-- @tparam[opt] table watcher see `ninedig.events`
-- @treturn[1] table the result
-- @treturn[1] nil
-- @treturn[1] integer HTTP status
-- @treturn[2] nil
-- @treturn[2] table the error
-- @raise what is raised while it waits, such as an error of `sleep`
function call.perform(way, settings, name, params, token, seconds, watcher)
  if not call.may_send(way, name) then
    return nil, call.withheld(name)
  end
  local reserve = errors.reserve()
  local transfer, refusal = core.prepare(settings, name, params, token, reserve, seconds)
  if not transfer then
    errors.release(reserve)
    return nil, errors.locate(refusal)
  end
  local watch = watcher and watcher:request(transfer, reserve)
  local ok, result, err, status = way.protected(carry_out_and_finish, way, transfer, reserve, watch)
  if not ok then -- from here, as memory for a deeper call may be what lacks
    local known, sent = pcall(core.cancel, transfer)
    result, err = interrupted(result, reserve, sent or not known, watch)
  end
  if watch then
    watch:answer(result, err)
  end
  if err then
    errors.locate(err)
  end
  return result, err, status
end

return call
