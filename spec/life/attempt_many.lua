-- Many deletions while memory runs out, and what came of them: run by `harness.attempt` in a state
-- of its own. Returns the call, and a judge that tells in JSON what the caller got.
local base_url, ca_file, first, count = ...
local cjson = require("cjson").new()
local core = require("ninedig.core")
local safe = require("ninedig.safe")
require("ninedig.bulk") -- which is else loaded when it is needed

local client = safe.client {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
}
local list = {}
for i = 1, tonumber(count) do
  list[i] = { accountID = 7, inboxID = tonumber(first) + i }
end

local options = { concurrency = 2, stop_on_error = false, on_result = function() end }

local function call()
  return client:delete_inboxes(list, options)
end

local function class_of(one)
  return one.result and "deleted" or one.error and one.error.outcome or "skipped"
end

-- The report, as it was returned, or as it came with what was raised.
local function judge(returned, report, second)
  if returned and type(report) ~= "table" then
    report = second
  end
  local facts = { classes = { "none" } }
  facts.classes[1] = nil
  if type(report) == "table" and report.results then
    for i, one in ipairs(report.results) do
      facts.classes[i] = class_of(one)
    end
    facts.deleted = report.deleted
  else
    facts.raised = tostring(report)
  end
  client = nil -- luacheck: ignore
  collectgarbage()
  collectgarbage()
  facts.alive = core.alive()
  return cjson.encode(facts)
end

return call, judge
