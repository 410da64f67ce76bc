local core = require("ninedig.core")
local guard = require("spec.support.guard")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local ninedig = guard.install(require("ninedig"))
local safe = require("ninedig.safe")

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local readme = read_file("README.md")

-- The README's blocks of a language, each with the heading that it stands under.
local function blocks(language)
  local found, heading, open = {}, nil, nil
  for line in readme:gmatch("([^\n]*)\n") do
    if open and line == "```" then
      found[#found + 1] = { heading = heading, code = table.concat(open, "\n") }
      open = nil
    elseif open then
      open[#open + 1] = line
    elseif line == "```" .. language then
      open = {}
    elseif line:match("^##+ ") then
      heading = line:match("^##+ (.*)")
    end
  end
  return found
end

-- A block of the README as its reader would run it, but that what has no address goes to the mock.
local function run(code, world)
  local function here(options)
    local own = { base_url = world:base_url("live"), ca_file = mock.ca_file, timeout = 10 }
    for key, value in pairs(options or {}) do
      own[key] = value
    end
    return own
  end

  local function redirected(module)
    local own = {}
    for key, value in pairs(module) do
      own[key] = value
    end
    function own.client(options)
      return module.client(here(options))
    end
    function own.delete_inbox(params, options)
      return module.delete_inbox(params, here(options))
    end
    return own
  end

  local modules = { ninedig = redirected(ninedig), ["ninedig.safe"] = redirected(safe) }
  local environment = {
    NINEDIG_ACCESS_TOKEN = mock.token,
    NINEDIG_CLIENT_ID = mock.client_id,
    NINEDIG_CLIENT_SECRET = mock.client_secret,
  }
  local printed = {}
  local scope = setmetatable({
    require = function(name)
      return modules[name] or require(name)
    end,
    os = setmetatable({
      getenv = function(name)
        return environment[name]
      end,
    }, { __index = os }),
    print = function(...)
      local words = { ... }
      for i = 1, select("#", ...) do
        words[i] = tostring(words[i])
      end
      printed[#printed + 1] = table.concat(words, "\t")
    end,
  }, { __index = _G })

  local chunk
  if setfenv then
    chunk = assert(loadstring(code, "=README.md"))
    setfenv(chunk, scope)
  else
    chunk = assert(load(code, "=README.md", "t", scope))
  end
  chunk()
  return table.concat(printed, "\n")
end

describe("README.md", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  -- Whether this Lua has the event loop of a block. What runs inside nginx has a spec of its own.
  local function can_run(code)
    if code:find("ngx.", 1, true) then
      return false
    end
    for name in code:gmatch('require%("(%w+)"%)') do
      if name ~= "ninedig" then
        local found, loop = pcall(require, name)
        if not found then
          return false
        end
        -- busted forgets what a file has loaded; luv would free its loop, and yet use it again.
        debug.getregistry()["ninedig.spec." .. name] = loop
      end
    end
    return true
  end

  for i, block in ipairs(blocks("lua")) do
    local it = can_run(block.code) and it or function() end
    it("runs block " .. i .. ": " .. block.heading, function()
      run(block.code, world)
      assert.is_true(world:count() > 0, "the block made no call")
    end)
  end

  it("shows a deletion, its result and its single request", function()
    local shown = run(blocks("lua")[1].code, world)
    assert.equal("972501234567 is free again", shown)
    assert.equal(1, world:count("deleteInbox"))
  end)

  it("shows a refusal as it is", function()
    local code
    for _, block in ipairs(blocks("lua")) do
      code = block.heading == "Errors" and block.code or code
    end
    local shown = run(code, world)
    assert.truthy(shown:find("ninedig: delete_inbox was refused with reason 47", 1, true))
    assert.truthy(shown:find("api\tINBOX_ID_INVALID\trejected\t47", 1, true))
    assert.equal(1, world:count())
  end)

  local function mentions(text)
    assert.truthy(readme:find(text, 1, true), "README.md does not mention " .. text)
  end

  for name in pairs(ninedig) do
    it("mentions ninedig." .. name, function()
      mentions("`ninedig." .. name)
    end)
  end

  it("mentions each method of a client", function()
    for name in pairs(getmetatable(ninedig.client { base_url = mock.https }).__index) do
      mentions("`client:" .. name)
    end
  end)

  for _, name in ipairs(core.options) do
    it("mentions the option " .. name, function()
      mentions("`" .. name .. "`")
    end)
  end

  for name, call in pairs(core.calls) do
    it("mentions the call " .. name .. " and its params", function()
      mentions(name)
      for _, param in ipairs(call.params) do
        mentions("`" .. param.name .. "`")
      end
    end)
  end

  it("lists the reasons of delete_inbox", function()
    for key, reason in pairs(ninedig.reasons) do
      if type(key) == "number" then
        mentions(("| %d | `%s` |"):format(reason.code, reason.name))
      end
    end
  end)

  it("lists each field that an error can have", function()
    local ok, err = pcall(ninedig.delete_inbox, {
      access_token = mock.token,
      accountID = 1,
      inboxID = 10,
    }, { base_url = world:base_url("reason-47+status-429+retry_after-7"), ca_file = mock.ca_file })
    assert.is_false(ok)
    for field in pairs(err) do
      mentions("`" .. field .. "`")
    end
  end)

  it("names the version that the code has", function()
    mentions('"' .. ninedig._VERSION .. '"')
    assert.truthy(read_file("CHANGELOG.md"):find("## " .. core.version, 1, true))
  end)
end)
