-- ninedig.names: each name that the code gives an error, and none besides.
local caller = require("spec.support.caller")
local core = require("ninedig.core")
local mock = require("spec.support.mock")

local ninedig = caller.ninedig
local read_file = mock.shared.read_file

local KINDS = {
  argument = true, network = true, http = true, protocol = true, api = true, lookup = true,
  precondition = true,
}

-- Words in capitals that are no names of errors: methods, the service's own, variables, letters,
-- and what a verdict lacks.
local OTHER_WORDS = {
  DELETE = true, GET = true, POST = true, OK = true, FAIL = true,
  HTTPS_PROXY = true, ALL_PROXY = true, NO_PROXY = true,
  TOTALS_DIFFER = true, NUMBER_NOT_LISTED = true, NO_NUMBERS = true, NUMBER_STILL_THERE = true,
  LIST_FAILED = true, NO_TIME = true,
  ABCDEFGHIJKLMNOPQRSTUVWXYZ = true,
}

-- The words in capitals that stand in quotes in the sources of the library, each with a path. The
-- command makes no errors.
local function words_in_sources()
  local found = {}
  local pipe = assert(io.popen("find src lua -name '*.[ch]' -o -name '*.lua' -o -name reasons.def"))
  for path in pipe:lines() do
    if not path:find("/cli/") then
      local text = path:find("%.lua$") and read_file(path):gsub("%-%-[^\n]*", "") or read_file(path)
      for word in text:gmatch('"(%u[%u%d_]+)"') do
        found[word] = path
      end
    end
  end
  pipe:close()
  return found
end

describe("ninedig.names", function()
  local used = words_in_sources()

  it("has each name that the code uses", function()
    for word, path in pairs(used) do
      if not OTHER_WORDS[word] then
        assert.is_not_nil(ninedig.names[word], word .. " in " .. path .. " is not in names.def")
      end
    end
  end)

  it("has none that the code does not use", function()
    for name in pairs(ninedig.names) do
      assert.is_not_nil(used[name], name .. " is in names.def, and nothing uses it")
    end
  end)

  it("says of each its kind, what it means, and what to do", function()
    local count = 0
    for name, entry in pairs(ninedig.names) do
      count = count + 1
      assert.is_true(KINDS[entry.kind], name)
      assert.is_true(#entry.message > 10, name)
      assert.is_nil(entry.message:find("[%c]"), name)
      assert.is_nil(next(entry, next(entry, next(entry))), name)
    end
    assert.is_true(count > 50)
  end)

  it("has the name of each reason", function()
    for _, call in pairs(core.calls) do
      for key, reason in pairs(call.reasons) do
        if type(key) == "number" and key > 1 then
          assert.equal("api", ninedig.names[reason.name].kind)
        end
      end
    end
    assert.is_nil(ninedig.names.OK)
    assert.equal(ninedig.names, caller.safe.names)
  end)
end)
