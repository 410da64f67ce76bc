-- The README's section on nginx: its configuration and its handler, as they stand there.
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")

if not nginx.is_here then
  return
end

local function section()
  local file = assert(io.open("README.md"))
  local text = file:read("*a"):match("\n## In nginx and OpenResty\n(.-)\n## ")
  file:close()
  return assert(text, "the README has no section on nginx")
end

local function replace(text, old, new)
  local first, last = text:find(old, 1, true)
  assert(first, "the README has no " .. old)
  return text:sub(1, first - 1) .. new .. text:sub(last + 1)
end

describe("the README's section on nginx", function()
  local server

  after_each(function()
    if server then
      server:stop()
    end
  end)

  it("works as it stands, but for its paths and its address", function()
    local world = mock.world()
    local conf = section():match("```nginx\n(.-)```")
    local handlers = section():match("```lua\n(.-)```")
    local http = conf:match("\nhttp {\n(.*)}\n$")
    http = http:gsub("lua_package_c?path [^\n]*\n", "")
    http = replace(http, "127.0.0.1:8080", "unix:{{socket}}")
    local address = ("base_url = %q, ca_file = %q,"):format(world:base_url("live"), mock.ca_file)
    handlers = replace(handlers, "ninedig.client {", "ninedig.client { " .. address)
    server = nginx.start {
      main = conf:match("^[^\n]*"),
      servers = http,
      files = { ["handlers.lua"] = handlers },
      environment = "NINEDIG_ACCESS_TOKEN=" .. mock.token,
    }
    assert.equal("972501234567 is free again\n", server:get("/delete-inbox?account=1&inbox=10"))
    assert.equal("INBOX_ID_INVALID rejected\n", server:get("/delete-inbox?account=1&inbox=10"))
    assert.equal("BAD_VALUE not_sent\n", server:get("/delete-inbox?account=1&inbox=x"))
    assert.equal(2, world:count())
    assert.equal(2, #server:logged("ninedig: "))
  end)
end)
