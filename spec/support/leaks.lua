--- Checks that a test leaves no native object (transfer, settings) behind.
--
--   local leaks = require("spec.support.leaks")
--   before_each(leaks.before)
--   after_each(leaks.after)
local leaks = {}

-- An object may be freed by the collection after the one that found its owner.
local COLLECTIONS = 2

local alive_before = 0

-- How many objects there are; what is garbage is collected only where there are more than `limit`,
-- as a full collection takes longer than most tests.
local function alive(limit)
  local core = require("ninedig.core")
  local jit = rawget(_G, "jit")
  if jit and core.alive() > limit then
    jit.flush() -- compiled code keeps what it refers to
  end
  for _ = 1, COLLECTIONS do
    if core.alive() <= limit then
      break
    end
    collectgarbage()
  end
  return core.alive()
end

--- Counts what is alive.
function leaks.before()
  alive_before = alive(0)
end

--- Raises when more is alive than before.
function leaks.after()
  local alive_after = alive(alive_before)
  if alive_after > alive_before then
    error(("the test leaked native objects: %d alive before, %d after")
      :format(alive_before, alive_after), 0)
  end
end

return leaks
