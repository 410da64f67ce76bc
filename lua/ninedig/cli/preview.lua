--- `--dry-run`: the requests as they would be sent, but for the token.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local output = require("ninedig.cli.output")

local preview = {}

-- Stands for the token, which is not shown anyway.
local A_TOKEN = "-"

local function parse(shown)
  local method, url, headers, body = shown:match("^(%S+) (%S+)\n(.-\n)\n(.*)$")
  local lines = {}
  for line in headers:gmatch("([^\n]+)\n") do
    lines[#lines + 1] = line
  end
  return {
    method = method, url = url, path = url:match("^%a+://[^/]+(.*)$"), headers = lines, body = body,
  }
end

--- The request that would be sent.
-- @tparam table client
-- @tparam table asked
-- @treturn table `method`, `url`, `path`, `headers` (lines), `body`
function preview.request(client, asked)
  local reserve = errors.reserve()
  local token = client.session and A_TOKEN or nil
  local transfer, err =
    core.prepare(client.settings, "delete_inbox", asked, token, reserve, client.timeout)
  errors.release(reserve)
  if not transfer then
    error(err, 0)
  end
  return parse(core.show(transfer))
end

--- The address of the service, as the client understood it.
-- @tparam table client
-- @treturn string
function preview.base_url(client)
  local url = preview.request(client, { accountID = 1, server = "online", inboxID = 1 }).url
  return url:sub(1, -#core.calls.delete_inbox.path - 1)
end

--- Begin: nobody may take this for a deletion.
function preview.begin()
  output.say(output.colour("bold", "DRY RUN: nothing is deleted."))
end

local Shown = {}
Shown.__index = Shown

--- The requests of a preview, shown one by one.
-- @tparam table client
-- @tparam boolean as_json for programs, too
-- @tparam[opt] table facts more for programs
-- @treturn table
function preview.new(client, as_json, facts)
  local self = setmetatable({
    client = client, as_json = as_json, count = 0, can_write = true,
  }, Shown)
  if as_json then
    local whole = { dry_run = true, requests = {} }
    for key, value in pairs(facts or {}) do
      whole[key] = value
    end
    self.before, self.after = json.encode(whole):match('^(.*"requests":%[)(%].*)$')
  end
  return self
end

local function say_request(request)
  output.say("")
  output.say("%s %s HTTP/1.1", request.method, request.path)
  for _, line in ipairs(request.headers) do
    output.say("%s", line)
  end
  output.say("")
  output.say("%s", request.body)
end

--- Show the request for an inbox.
-- @tparam table asked
function Shown:add(asked)
  local request = preview.request(self.client, asked)
  say_request(request)
  if self.as_json and self.can_write then
    self.can_write = output.data(self.before .. json.encode(request))
    self.before = ","
  end
  self.count = self.count + 1
end

--- End.
-- @treturn boolean all could be written
function Shown:finish()
  output.say("")
  output.say(output.colour("bold", "DRY RUN: nothing was deleted. What is above would be sent."))
  if self.as_json and self.can_write then
    local before = self.count == 0 and self.before or ""
    self.can_write = output.data(before .. self.after .. "\n")
  end
  return self.can_write
end

return preview
