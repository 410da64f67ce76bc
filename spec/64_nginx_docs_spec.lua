-- The pages' configurations for nginx, with the handlers below them, as they stand there.
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")
local pages = require("spec.support.pages")

if not nginx.is_here then
  return pending("nginx runs LuaJIT: the run on that covers it", function() end)
end

local function replace(text, old, new)
  local first, last = text:find(old, 1, true)
  assert(first, "the page has no " .. old)
  return text:sub(1, first - 1) .. new .. text:sub(last + 1)
end

-- The block for handlers.lua below a configuration, if there is one.
local function handlers_of(conf)
  for _, block in ipairs(pages.blocks("lua")) do
    if block.page == conf.page and block.heading == conf.heading then
      return block.code
    end
  end
  return nil
end

-- nginx with a page's configuration, but for its paths, its address and its other `env` lines.
local function start(conf, world)
  local http = conf.code:match("\nhttp {\n(.*)\n}$")
  http = http:gsub("lua_package_c?path [^\n]*\n", "")
  return nginx.start {
    main = conf.code:match("^(.-)events {}"),
    servers = replace(http, "127.0.0.1:8080", "unix:{{socket}}"),
    files = { ["handlers.lua"] = handlers_of(conf) },
    environment = ("NINEDIG_ACCESS_TOKEN=%s NINEDIG_BASE_URL=%s NINEDIG_CA_FILE=%s")
      :format(mock.token, world:base_url("live"), mock.ca_file),
  }
end

describe("the pages on nginx", function()
  local server

  after_each(function()
    if server then
      server:stop()
    end
  end)

  for _, conf in ipairs(pages.blocks("nginx")) do
    it("have what works: " .. conf.page .. ", " .. conf.heading, function()
      local world = mock.world()
      server = start(conf, world)
      assert.equal("972501234567 is free again\n", server:get("/delete-inbox?account=1&inbox=10"))
      assert.equal("INBOX_ID_INVALID rejected\n", server:get("/delete-inbox?account=1&inbox=10"))
      assert.equal("BAD_VALUE not_sent\n", server:get("/delete-inbox?account=1&inbox=x"))
      assert.equal(2, world:count())
      assert.equal(2, #server:logged("ninedig: "))
    end)
  end
end)
