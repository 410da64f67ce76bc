--- Waiting in a plain script: it blocks.
local core = require("ninedig.core")

local blocking = { protected = pcall, carry_out = core.carry_out, idle = core.wait }

--- A script can wait anywhere.
function blocking.refusal()
  return nil
end

--- Wait for nothing.
-- @tparam number seconds
function blocking.pause(seconds)
  local now = core.monotonic()
  local till = now + seconds
  while now < till do
    core.wait(till - now)
    now = core.monotonic()
  end
end

return blocking
