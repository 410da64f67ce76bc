-- The pages that `make doc` makes: they name what the library exports, and nothing else.
local core = require("ninedig.core")
local definitions = require("tools.definitions")

-- They are the same whatever runs the library.
if os.getenv("NINEDIG_LUA_VERSION") ~= "5.4" then
  return pending("pages of the API: the run on Lua 5.4 covers them", function() end)
end

local shared = require("spec.support.mock").shared
local output_of, read_file = shared.output_of, shared.read_file

local folder = output_of("mktemp -d"):gsub("\n", "")
local said, status = output_of("lua5.4 tools/doc.lua " .. folder)

if said:find("ldoc: not found", 1, true) or said:find("falling back to text", 1, true) then
  os.execute("rm -rf " .. folder)
  return pending("the pages of the API: LDoc, or lua-discount for it, is not installed",
    function() end)
end

describe("the pages of the API", function()
  teardown(function()
    os.execute("rm -rf " .. folder)
  end)

  local function page(name)
    return read_file(folder .. "/" .. name .. ".html")
  end

  -- What a page has headings for: its functions, methods and fields.
  local function headings(name)
    local found = {}
    for heading in page(name):gmatch('<a name = "([^"]+)"></a>') do
      found[heading:match("[%w_]+$")] = true
    end
    return found
  end

  local function keys(of)
    local found = {}
    for key in pairs(of) do
      found[key] = true
    end
    return found
  end

  -- The params that a page has below the heading of a function.
  local function params_of(name, heading)
    local text = page(name)
    local first = assert(text:find('<a name = "' .. heading .. '"></a>', 1, true), heading)
    local last = text:find('<a name = "', first + 1, true) or #text
    local found = {}
    for param in text:sub(first, last):gmatch('<span class="parameter">([%w_]+)</span>') do
      found[param] = true
    end
    return found
  end

  it("are made without a warning", function()
    assert.equal("", said)
    assert.equal(0, status)
  end)

  for _, name in ipairs { "ninedig", "ninedig.safe" } do
    it("name what " .. name .. " has", function()
      assert.same(keys(require(name)), headings("modules/" .. name))
    end)
  end

  it("are of the public modules alone", function()
    assert.equal("ninedig.html\nninedig.safe.html\n", (output_of("ls " .. folder .. "/modules")))
    assert.equal("client.html\nerror.html\n", (output_of("ls " .. folder .. "/classes")))
  end)

  it("name each method of a client", function()
    assert.same(keys(require("ninedig.client").methods), headings("classes/client"))
  end)

  it("name each option", function()
    local found = params_of("modules/ninedig", "client")
    found.options = nil
    local options = {}
    for _, option in ipairs(definitions.options()) do
      options[option.name] = true
    end
    assert.same(options, found)
  end)

  it("name each param of a call", function()
    for name, call in pairs(core.calls) do
      local of_module = name == "delete_inbox"
      local found = params_of(of_module and "modules/ninedig" or "classes/client",
        of_module and name or "client:" .. name)
      for _, param in ipairs(call.params) do
        -- Each method may be given one; the class says so.
        local common = param.name == "access_token" and not of_module
        assert.is_true(common or found[param.name] ~= nil, name .. " has " .. param.name)
      end
    end
  end)

  it("name each field of an error", function()
    assert.same({ fields = true }, headings("classes/error"))
    local found = params_of("classes/error", "error.fields")
    for _, field in ipairs {
      "kind", "name", "outcome", "reason", "message", "retryable", "retry_after", "http_status",
      "curl_code", "response", "call", "accountID", "server", "inboxID", "where", "verification",
    } do
      assert.is_true(found[field], field)
    end
  end)

  it("have each page of the manual, and what the README names", function()
    for path in output_of("ls *.md docs/*.md docs/internals/*.md"):gmatch("[^\n]+") do
      page("topics/" .. path:match("[^/]+$"))
    end
  end)

  local function has_anchor(text, anchor)
    return text:find('name="' .. anchor .. '"', 1, true)
      or text:find('name = "' .. anchor .. '"', 1, true)
  end

  it("have no link that leads nowhere", function()
    local count = 0
    for path in output_of("cd " .. folder .. " && find * -name '*.html'"):gmatch("[^\n]+") do
      local from = folder .. "/" .. path
      for link in read_file(from):gmatch('href="([^"]+)"') do
        local target, anchor = link:match("^([^#]*)#?(.*)$")
        if not link:find("^https?:") then
          local to = target == "" and from or from:match("^.*/") .. target
          local file = io.open(to)
          assert.is_not_nil(file, path .. " leads to " .. link)
          file:close()
          assert.truthy(anchor == "" or has_anchor(read_file(to), anchor),
            path .. " leads to " .. link)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 100)
  end)
end)
