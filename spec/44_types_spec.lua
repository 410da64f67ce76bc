-- The annotations for editors: they are Lua, and have what the library has.
local core = require("ninedig.core")
local definitions = require("tools.definitions")
local mock = require("spec.support.mock")

local read_file = mock.shared.read_file

local PATHS = { ninedig = "types/ninedig.lua", ["ninedig.safe"] = "types/ninedig/safe.lua" }

-- The functions that a text has after this word and mark, such as "client:".
local function functions(text, before)
  local found = {}
  for name in text:gmatch("\nfunction " .. before .. "([%w_]+)%(") do
    found[name] = "function"
  end
  return found
end

-- The fields of an annotated class.
local function fields(class)
  local text = read_file(PATHS.ninedig):match("\n%-%-%-@class " .. class .. "\n(.-)\n[^-]")
  local found = {}
  for name in (text or ""):gmatch("@field ([%w_]+)") do
    found[name] = true
  end
  return found
end

describe("the annotations", function()
  for name, path in pairs(PATHS) do
    it("of " .. name .. " are a module with what it has", function()
      local annotated = assert(loadfile(path))()
      local text = read_file(path)
      local class = text:match("\n%-%-%-@class " .. name:gsub("%.", "%%.") .. "\n(.-)\nlocal ")
      for key, value in pairs(require(name)) do
        if type(value) == "function" then
          assert.equal("function", type(annotated[key]), key)
        else
          assert.is_truthy(class:find("@field " .. key .. " ", 1, true), key)
        end
      end
      for key in pairs(annotated) do
        assert.is_not_nil(require(name)[key], key)
      end
    end)

    it("of " .. name .. " have each method of a client", function()
      local methods = {}
      for key in pairs(require("ninedig.client").methods) do
        methods[key] = "function"
      end
      assert.same(methods, functions(read_file(path), "client:"))
    end)
  end

  it("have each option", function()
    local options = {}
    for _, option in ipairs(definitions.options()) do
      options[option.name] = true
    end
    assert.same(options, fields("ninedig.Options"))
  end)

  it("have each param of delete_inbox", function()
    local params = {}
    for _, param in ipairs(core.calls.delete_inbox.params) do
      params[param.name] = true
    end
    assert.same(params, fields("ninedig.DeleteInboxParams"))
  end)

  it("have each name of an error", function()
    local list = read_file(PATHS.ninedig):match("@alias ninedig.ErrorName\n(.-)\n\n")
    local found = {}
    for name in list:gmatch('%-%-%-| "([%u%d_]+)"') do
      found[name] = true
    end
    for name in pairs(core.names) do
      assert.is_true(found[name], name)
      found[name] = nil
    end
    assert.same({}, found)
  end)

  it("are named where this project's editor looks", function()
    assert.matches('"workspace.library": %["types"%]', read_file(".luarc.json"))
  end)
end)
