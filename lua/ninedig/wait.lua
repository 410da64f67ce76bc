--- How a call waits for its answer.
local core = require("ninedig.core")

local wait = {}

--- Carry out a prepared transfer and wait until it has ended.
-- @tparam userdata transfer
function wait.carry_out(transfer)
  core.submit(transfer)
  core.wait_for(transfer)
end

return wait
