-- The pages' recipe for Neovim, as it stands there. Neovim has LuaJIT: what is built for jit is
-- loaded into it.
local mock = require("spec.support.mock")
local pages = require("spec.support.pages")

local read_file, write_file = mock.shared.read_file, mock.shared.write_file

if os.getenv("NINEDIG_LUA_VERSION") ~= "jit" then
  return pending("Neovim has LuaJIT: the run on that covers it", function() end)
end

local function recipe()
  local found
  for _, block in ipairs(pages.blocks("lua")) do
    found = block.words.nvim and block or found
  end
  return assert(found, "no page has a block for Neovim").code
end

-- What the recipe notifies of where these commands are given, one by one, and what else Neovim has
-- to say. Each line is followed by whether it came where vim's functions may be used.
local function notifications(base_url, commands)
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
  write_file(folder .. "/recipe.lua", recipe())
  write_file(folder .. "/run.lua", ([[
    local said = {}
    vim.notify = function(message, level)
      vim.fn.line(".") -- raises E5560 where vim.notify would
      local fast = tostring(vim.in_fast_event())
      said[#said + 1] = ("%%s %%s %%s"):format(message, tostring(level), fast)
    end
    dofile(%q)
    for i, command in ipairs { %s } do
      vim.cmd(command)
      vim.wait(10000, function() return #said == i end, 5)
    end
    local report = io.open(%q, "w")
    report:write(table.concat(said, "\n"))
    report:close()
    vim.cmd("qall!")
  ]]):format(folder .. "/recipe.lua", commands, folder .. "/report"))
  local environment = ("env NINEDIG_BASE_URL='%s' NINEDIG_CA_FILE='%s' NINEDIG_ACCESS_TOKEN='%s'")
    :format(base_url, mock.ca_file, mock.token)
  os.execute(("%s timeout 60 nvim --headless -u NONE -i NONE -n -c 'luafile %s/run.lua' >%s 2>&1")
    :format(environment, folder, folder .. "/log"))
  local said, log = read_file(folder .. "/report"), read_file(folder .. "/log")
  os.execute("rm -rf " .. folder)
  return said, log
end

describe("the recipe for Neovim", function()
  it("deletes, and says so by vim.notify", function()
    local world = mock.world()
    local said, log = notifications(world:base_url("live+delay-50"),
      '"DeleteInbox 1 10", "DeleteInbox 1 10"')
    local first, second = said:match("^(.-)\n(.*)$")
    assert.equal("972501234567 is free again nil false", first, log)
    assert.matches("^ninedig: delete_inbox was refused with reason 47 .* 4 false$", second, log)
    assert.is_nil(log:find("E5560", 1, true), log)
    assert.equal(2, world:count())
  end)

  it("says what is wrong with an argument", function()
    local world = mock.world()
    local said, log = notifications(world:base_url("live"), '"DeleteInbox 1 x"')
    assert.matches("^ninedig: inboxID .* 4 false$", said, log)
    assert.equal(0, world:count())
  end)

  it("says what is wrong with an option", function()
    local said, log = notifications("http://partners.example/api", '"DeleteInbox 1 10"')
    assert.matches("^ninedig: base_url .* 4 false$", said, log)
  end)
end)
