-- Calls in two states at once.
local harness = require("harness")
print(harness.threads(2, "spec/life/thread.lua", ...))
