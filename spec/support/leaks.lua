--- Checks that a test leaves no native object (transfer, settings) behind.
--
--   local leaks = require("spec.support.leaks")
--   before_each(leaks.before)
--   after_each(leaks.after)
local leaks = {}

local alive_before = 0

local function alive()
  collectgarbage()
  collectgarbage()
  return require("ninedig.core").alive()
end

--- Counts what is alive.
function leaks.before()
  alive_before = alive()
end

--- Raises when more is alive than before.
function leaks.after()
  local alive_after = alive()
  if alive_after > alive_before then
    error(("the test leaked native objects: %d alive before, %d after")
      :format(alive_before, alive_after), 0)
  end
end

return leaks
