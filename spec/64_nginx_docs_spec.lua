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

-- Stands for nginx-lua-prometheus.
local PROMETHEUS = [[
local lines = {}
local function metric(_, name)
  local function add(_, value, labels)
    lines[#lines + 1] = ("%s{%s} %d"):format(name, table.concat(labels, ","), math.floor(value))
  end
  return { inc = add, observe = add }
end
local function collect()
  ngx.say(table.concat(lines, "\n"))
end
return {
  init = function()
    return { counter = metric, histogram = metric, collect = collect }
  end,
}
]]

-- What loads the Lua module on Debian; the nginx of the specs has it by then.
local MODULES = "include /etc/nginx/modules-enabled/*.conf;  # Debian: loads the Lua module\n"

-- nginx with a page's configuration, but for its modules, its paths, its address and its other
-- `env` lines.
local function start(conf, base_url, token, ca_file)
  local http = conf.code:match("\nhttp {\n(.*)\n}$")
  http = http:gsub("lua_package_c?path [^\n]*\n", "")
  local init_worker = http:match("\n *init_worker_by_lua_block {([^\n]*)}\n")
  http = http:gsub("\n *init_worker_by_lua_block [^\n]*\n", "\n")
  return nginx.start {
    main = replace(conf.code:match("^(.-)events {}"), MODULES, ""),
    servers = replace(http, "127.0.0.1:8080", "unix:{{socket}}"),
    init_worker = init_worker,
    files = { ["handlers.lua"] = handlers_of(conf), ["prometheus.lua"] = PROMETHEUS },
    environment = ("%s NINEDIG_BASE_URL=%s NINEDIG_CA_FILE=%s"):format(
      token or "NINEDIG_ACCESS_TOKEN=" .. mock.token, base_url, ca_file or mock.ca_file),
  }
end

describe("the pages on nginx", function()
  local server

  after_each(function()
    if server then
      server:stop()
    end
  end)

  local function ask(method, arguments)
    return server:curl(("-X %s -w '%%{http_code}' %s")
      :format(method, nginx.url("/delete-inbox?" .. arguments)))
  end

  for _, conf in ipairs(pages.blocks("nginx")) do
    local name = conf.page .. ", " .. conf.heading

    it("have what works: " .. name, function()
      local world = mock.world()
      server = start(conf, world:base_url("live"))
      assert.equal("972501234567 is free again\n200", ask("DELETE", "account=1&inbox=10"))
      assert.equal("INBOX_ID_INVALID rejected\n502", ask("POST", "account=1&inbox=10"))
      assert.equal(2, world:count())
      assert.equal("BAD_VALUE not_sent\n400", ask("DELETE", "account=1&inbox=x"))
      assert.equal("MISSING_KEY not_sent\n400", ask("DELETE", "account=1"))
      assert.equal(2, world:count())
      assert.equal(3, #server:logged("ninedig: "))
    end)

    it("have what says that it may have happened: " .. name, function()
      local world = mock.world()
      server = start(conf, world:base_url("live+lost_after"))
      assert.matches("^[A-Z_]+ unknown\n504$", ask("DELETE", "account=1&inbox=10"))
      assert.equal(1, world:count())
    end)

    it("delete nothing by another method: " .. name, function()
      local world = mock.world()
      server = start(conf, world:base_url("live"))
      for _, method in ipairs { "GET", "PUT", "PATCH", "OPTIONS" } do
        assert.matches("405$", ask(method, "account=1&inbox=10"), nil, method)
      end
      assert.matches("\r\nAllow: DELETE, POST\r\n",
        server:curl("-I " .. nginx.url("/delete-inbox?account=1&inbox=10")))
      assert.equal(0, world:count())
    end)

    it("say what is wrong with an option: " .. name, function()
      server = start(conf, "http://partners.example/api")
      assert.equal("BAD_VALUE not_sent\n500", ask("DELETE", "account=1&inbox=10"))
      assert.truthy(server:error_log():find("ninedig: base_url", 1, true), server:error_log())
    end)

    it("take what the operator did for no fault of the caller: " .. name, function()
      local world = mock.world()
      server = start(conf, world:base_url("live"), "-u NINEDIG_ACCESS_TOKEN")
      assert.equal("MISSING_KEY not_sent\n500", ask("DELETE", "account=1&inbox=10"))
      server:stop()
      server = start(conf, world:base_url("live"), nil, "/nowhere/ca.pem")
      assert.equal("CA_FILE_UNREADABLE not_sent\n500", ask("DELETE", "account=1&inbox=10"))
      assert.equal(0, world:count())
    end)
  end

  it("count what they did", function()
    local conf
    for _, one in ipairs(pages.blocks("nginx")) do
      conf = one.page == "docs/events.md" and one or conf
    end
    local world = mock.world()
    server = start(conf, world:base_url("live"))
    ask("DELETE", "account=1&inbox=10")
    ask("DELETE", "account=1&inbox=10")
    assert.equal("ninedig_calls_total{delete_inbox,ok,OK} 1\n"
      .. "ninedig_call_seconds{delete_inbox} 0\n"
      .. "ninedig_calls_total{delete_inbox,rejected,INBOX_ID_INVALID} 1\n"
      .. "ninedig_call_seconds{delete_inbox} 0\n", server:get("/metrics"))
    assert.equal(2, world:count())
  end)
end)
