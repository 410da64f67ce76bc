-- `make demo`: it fits on one screen, shows nothing of the mock, and stands in the README as it is.
local mock = require("spec.support.mock")
local pages = require("spec.support.pages")

local LINES, COLUMNS = 24, 80

-- What the demo prints, at the mock that runs.
local function demonstrate()
  mock.start()
  local pipe = assert(io.popen(("NINEDIG_MOCK='%s' ${NINEDIG_LUA:-lua5.4} spec/demo.lua 2>&1")
    :format(mock.state_file)))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local function picture()
  for _, block in ipairs(pages.blocks("text")) do
    if block.page == "README.md" and block.words.demo then
      return block.code .. "\n"
    end
  end
  error("the README has no picture of the demo")
end

-- libcurl is another version on another machine.
local function without_versions(text)
  return (text:gsub("(libcurl/)[%w.-]+", "%1X"))
end

describe("make demo", function()
  local shown

  setup(function()
    shown = demonstrate()
  end)

  it("fits on one screen", function()
    local lines = 0
    for line in shown:gmatch("([^\n]*)\n") do
      lines = lines + 1
      assert.is_true(#line <= COLUMNS, line)
    end
    assert.is_true(lines > 0 and lines <= LINES, shown)
  end)

  it("shows the request as the service would see it", function()
    assert.truthy(shown:find("DELETE /api/online/deleteInbox HTTP/1.1\n", 1, true), shown)
    assert.truthy(shown:find("Host: partners.99digital.co.il\n", 1, true))
    assert.falsy(shown:find("127.0.0.1", 1, true))
    assert.falsy(shown:find(mock.token, 1, true))
  end)

  it("stands in the README", function()
    assert.equal(without_versions(shown), without_versions(picture()))
  end)
end)
