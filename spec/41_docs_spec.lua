-- README.md and the pages under docs/: their Lua blocks run, and nothing is left out.
local core = require("ninedig.core")
local definitions = require("tools.definitions")
local guard = require("spec.support.guard")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local pages = require("spec.support.pages")

local ninedig = guard.install(require("ninedig"))
-- A block as its reader would run it, with NINEDIG_BASE_URL set: the guard refuses any that would
-- go elsewhere.
-- @treturn string what it prints
local function run(block, world)
  local base_url = world:base_url(block.words.mock or "live")
  local environment = {
    NINEDIG_ACCESS_TOKEN = mock.token,
    NINEDIG_CLIENT_ID = mock.client_id,
    NINEDIG_CLIENT_SECRET = mock.client_secret,
    NINEDIG_BASE_URL = base_url,
    NINEDIG_CA_FILE = mock.ca_file,
  }
  local printed = {}
  local scope = setmetatable({
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
    chunk = assert(loadstring(block.code, "=" .. block.page))
    setfenv(chunk, scope)
  else
    chunk = assert(load(block.code, "=" .. block.page, "t", scope))
  end
  chunk()
  return table.concat(printed, "\n")
end

-- Whether this Lua has the event loop of a block. What runs inside nginx or Neovim has a spec of
-- its own.
local function can_run(block)
  if block.code:find("ngx.", 1, true) or block.words.nvim then
    return false
  end
  for name in block.code:gmatch('require%("(%w+)"%)') do
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

local function block_under(page, heading)
  for _, block in ipairs(pages.blocks("lua")) do
    if block.page == page and block.heading == heading then
      return block
    end
  end
  error(page .. " has no block under " .. heading)
end

describe("the pages' blocks of Lua", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  for i, block in ipairs(pages.blocks("lua")) do
    local it = can_run(block) and it or pending
    it(("run: %d, %s, %s"):format(i, block.page, block.heading), function()
      run(block, world)
      if block.words.offline then
        assert.equal(0, world:count())
      else
        assert.is_true(world:count() > 0, "the block made no call")
      end
    end)
  end

  it("go to NINEDIG_BASE_URL where they make a client", function()
    local count = 0
    for _, block in ipairs(pages.blocks()) do
      local makes = block.language ~= "text" and block.code:find("ninedig%.client")
        or block.code:find("%.delete_inbox,? ?%(?{")
      if makes and not block.words.offline then
        count = count + 1
        local where = block.page .. ", " .. block.heading
        assert.truthy(block.code:find('base_url = os.getenv("NINEDIG_BASE_URL")', 1, true), where)
        assert.truthy(block.code:find('ca_file = os.getenv("NINEDIG_CA_FILE")', 1, true), where)
      end
    end
    assert.is_true(count > 10)
  end)

  it("show a deletion, its result and its single request", function()
    local shown = run(block_under("README.md", "The shortest call"), world)
    assert.equal("972501234567 is free again", shown)
    assert.equal(1, world:count("deleteInbox"))
  end)

  -- With a deletion of large ids in place of theirs.
  local function run_with_ids(page, heading, account, inbox)
    local block = block_under(page, heading)
    local code, count = block.code:gsub("{ accountID = 1, inboxID = 10 }",
      ("{ accountID = %s, inboxID = %s }"):format(account, inbox))
    assert.equal(1, count)
    return run({ page = page, code = code, words = { mock = "ok" } }, world)
  end

  it("write large ids in full", function()
    for i, ids in ipairs {
      { "900000000000001", "123456789012345" }, { "100000000000000", "9007199254740991" },
      { '"9007199254740993"', '"900719925474099301"' },
    } do
      local account, inbox = ids[1]:gsub('"', ""), ids[2]:gsub('"', "")
      local shown = run_with_ids("docs/events.md", "A line for each deletion", ids[1], ids[2])
      local named = ("inbox %s of account %s on online"):format(inbox, account)
      local _, count = shown:gsub(named, "")
      assert.equal(2, count, shown)
      assert.equal(i, world:count("deleteInbox"))
      assert.equal(('{"accountID":%s,"server":"online","inboxID":%s}'):format(account, inbox),
        world:requests()[i].body)
    end
    assert.equal("123456789012345\t900000000000000001",
      run(block_under("docs/reference.md", "Ids in a text"), world))
  end)

  it("tell of any error where they ask whether it happened", function()
    for _, page in ipairs { "README.md", "docs/calls.md" } do
      local code = block_under(page, "Did it happen?").code
      local shown = run({ page = page, code = code, words = { mock = "live+busy-all" } }, world)
      assert.truthy(shown:find("^ninedig: HTTP 429"), shown)
    end
    assert.equal(2, world:count("deleteInbox"))
  end)

  it("show a refusal as it is", function()
    local shown = run(block_under("docs/errors.md", "Errors"), world)
    assert.truthy(shown:find("ninedig: delete_inbox was refused with reason 47", 1, true))
    assert.truthy(shown:find("api\tINBOX_ID_INVALID\trejected\t47", 1, true))
    assert.equal(1, world:count())
  end)
end)

describe("the pages", function()
  local manual = pages.manual()
  local types = mock.shared.read_file("types/ninedig.lua")

  local function mentions(text, page)
    local where = page and pages.text[page] or manual
    assert.truthy(where:find(text, 1, true), (page or "no page") .. " does not mention " .. text)
  end

  for name in pairs(ninedig) do
    it("mention ninedig." .. name, function()
      mentions("`ninedig." .. name, "docs/reference.md")
    end)
  end

  it("mention each method of a client", function()
    for name in pairs(getmetatable(ninedig.client { base_url = mock.https }).__index) do
      mentions("`client:" .. name, "docs/reference.md")
    end
  end)

  for _, option in ipairs(definitions.options()) do
    it("mention the option " .. option.name .. " and its default", function()
      local row = pages.text["docs/reference.md"]:match("\n| `" .. option.name .. "` |([^\n]*)")
      assert.is_string(row)
      if option.default then
        assert.equal(option.default, row:match("| (%S+) |$"))
      end
    end)
  end

  for name, call in pairs(core.calls) do
    it("mention the call " .. name .. " and its params", function()
      mentions(name, "docs/reference.md")
      for _, param in ipairs(call.params) do
        mentions("`" .. param.name .. "`", "docs/reference.md")
        mentions('`"' .. param.type .. '"`', "docs/reference.md")
      end
    end)
  end

  it("say what a look of a reading back can show", function()
    local count = 0
    for line in io.lines("lua/ninedig/verify.lua") do
      local word = line:match('^%s+return "(%l+)"')
      if word then
        mentions('`"' .. word .. '"`', "docs/reference.md")
        count = count + 1
      end
    end
    assert.is_true(count > 10)
  end)

  it("list each field of a result and of evidence that is ninedig's own", function()
    local count = 0
    for _, class in ipairs { "Deleted", "Evidence" } do
      local _, last = types:find("@class ninedig." .. class .. "\n", 1, true)
      for field in types:match("^[^\n].-\n\n", last + 1):gmatch("@field ([%w_]+)") do
        mentions("`" .. field, "docs/reference.md")
        count = count + 1
      end
    end
    assert.is_true(count > 15)
  end)

  it("list the reasons of delete_inbox", function()
    for key, reason in pairs(ninedig.reasons) do
      if type(key) == "number" then
        mentions(("| %d | `%s` |"):format(reason.code, reason.name), "docs/errors.md")
      end
    end
  end)

  it("list each field that an error can have", function()
    local count = 0
    for line in io.lines("lua/ninedig/error.lua") do
      local field = line:match("^%-%- @tfield %S+ (%S+)")
      if field then
        mentions("`" .. field .. "`", "docs/errors.md")
        count = count + 1
      end
    end
    assert.is_true(count > 10)
  end)

  it("name the version that the code has", function()
    mentions('"' .. ninedig._VERSION .. '"', "docs/reference.md")
    local changes = assert(io.open("CHANGELOG.md"))
    assert.truthy(changes:read("*a"):find("## " .. core.version, 1, true))
    changes:close()
  end)
end)

-- The text of a page without what stands in its blocks.
local function prose(path)
  local lines, inside = {}, false
  for line in pages.text[path]:gmatch("([^\n]*)\n") do
    if line:match("^```") then
      inside = not inside
    elseif not inside then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

-- The anchors of a page's headings, as GitHub and its like make them.
local function anchors(path)
  local found = {}
  for heading in ("\n" .. prose(path)):gmatch("\n#+ ([^\n]*)") do
    local anchor = heading:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-")
    found[anchor] = true
  end
  return found
end

-- The path that a link in a page leads to.
local function resolve(page, target)
  local folder = page:match("^(.*/)") or ""
  local path = folder .. target
  while path:find("[^/]+/%.%./") do
    path = path:gsub("[^/]+/%.%./", "", 1)
  end
  return path
end

local function exists(path)
  local file = io.open(path)
  if file then
    file:close()
  end
  return file ~= nil
end

describe("the links", function()
  for _, page in ipairs(pages.paths) do
    it("of " .. page .. " lead somewhere", function()
      for link in prose(page):gmatch("%]%(([^)%s]+)%)") do
        local target, anchor = link:match("^([^#]*)#?(.*)$")
        local path = target == "" and page or resolve(page, target)
        if not link:find("^https?:") then
          assert.is_true(exists(path), page .. " leads to " .. link)
          assert.is_true(anchor == "" or anchors(path)[anchor] ~= nil, page .. " leads to " .. link)
        end
      end
    end)
  end

  -- The pages on the inside are listed on one of them.
  it("lead from the README to each page", function()
    local INSIDE, LIST = "docs/internals/", "docs/internals/design.md"
    for _, page in ipairs(pages.paths) do
      local is_inside = page:find(INSIDE, 1, true) and page ~= LIST
      local from = is_inside and pages.text[LIST] or pages.text["README.md"]
      local target = is_inside and page:sub(#INSIDE + 1) or page
      assert.truthy(page == "README.md" or from:find("](" .. target, 1, true), page)
    end
  end)
end)

describe("what the pages name of the project", function()
  local function is_there(pattern)
    local pipe = assert(io.popen("ls -d " .. pattern .. " 2>/dev/null"))
    local found = pipe:read("*l") ~= nil
    pipe:close()
    return found
  end

  for _, page in ipairs(pages.paths) do
    it("is there: the files and folders in " .. page, function()
      for path in prose(page):gmatch("`([%w_]+/[%w_./*-]+)`") do
        if path:find("^src/") or path:find("^lua/n") or path:find("^spec/") or path:find("^tools/")
          or path:find("^docs/") then
          assert.is_true(is_there(path), page .. " names " .. path)
        end
      end
    end)

    it("is there: the targets of make in " .. page, function()
      local file = assert(io.open("Makefile"))
      local makefile = "\n" .. file:read("*a")
      file:close()
      for target in pages.text[page]:gmatch("[`\n]make ([a-z][a-z-]*)") do
        assert.truthy(makefile:find("\n" .. target .. ":", 1, true), page .. " names " .. target)
      end
    end)
  end

  it("is there: the files in the drawing of a call", function()
    local count = 0
    for _, block in ipairs(pages.blocks("text")) do
      if block.page == "docs/internals/design.md" then
        for name in block.code:gmatch("[%w_/]+%.[cl]u?a?") do
          local places = ("src/core/%s src/lua/%s lua/ninedig/%s %s"):format(name, name, name, name)
          assert.is_true(is_there(places), name)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 0)
  end)

  it("has a line for each folder", function()
    local listed = {}
    for name in pages.text["docs/internals/design.md"]:gmatch("`([^`\n]*)`") do
      listed[#listed + 1] = "^" .. name:gsub("[.-]", "%%%0"):gsub("%*", "[^/]*") .. "$"
    end
    local function is_listed(folder)
      for _, pattern in ipairs(listed) do
        if folder:find(pattern) then
          return true
        end
      end
      return false
    end
    local pipe = assert(io.popen("find . -name .git -prune -o -path ./build -prune -o"
      .. " -type f -print | sed -n 's|^./\\(.*\\)/[^/]*$|\\1|p' | sort -u"))
    local count = 0
    for folder in pipe:lines() do
      assert.is_true(is_listed(folder), folder)
      count = count + 1
    end
    pipe:close()
    assert.is_true(count > 0)
  end)
end)

describe("README.md", function()
  local function lines()
    return (pages.text["README.md"]):gmatch("([^\n]*)\n")
  end

  it("has at most 250 lines", function()
    local count = 0
    for _ in lines() do
      count = count + 1
    end
    assert.is_true(count <= 250, count .. " lines")
  end)

  it("has no line over 120 columns", function()
    for line in lines() do
      local _, columns = line:gsub("[^\128-\191]", "")
      assert.is_true(columns <= 120, line)
    end
  end)
end)

describe("docs/testing.md", function()
  local FILES = { "spec/mock/partner_api.lua", "spec/mock/fixed.lua", "spec/mock/faults.lua" }

  -- The names of the mock's scenarios, read from their sources, as they load in its nginx only.
  local function scenarios()
    local names = { "only", "first" }
    for _, path in ipairs(FILES) do
      local file = assert(io.open(path))
      local source = "\n" .. file:read("*a")
      file:close()
      local module = path:match("_?(%w+)%.lua$")
      for name in source:gmatch("\n" .. module .. "%.([%w_]+) = ") do
        names[#names + 1] = name
      end
      local variants = source:match("\n%-%- Variants of[^\n]*\nfor _, name in ipairs {(.-)}") or ""
      for name in variants:gmatch('"([%w_]+)"') do
        names[#names + 1] = name
      end
    end
    return names
  end

  it("lists each scenario of the mock", function()
    local text = pages.text["docs/testing.md"]
    local names = scenarios()
    assert.is_true(#names > 40, "the sources of the mock are written in another way")
    for _, name in ipairs(names) do
      local listed = text:find("\n| [^|\n]*`" .. name .. "[`-]")
      assert.truthy(listed, "docs/testing.md does not list the scenario " .. name)
    end
  end)
end)
