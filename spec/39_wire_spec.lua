-- What a hostile or broken peer sends: spec/mock/attacks.lua says what must become of each call.
local attacks = require("spec.mock.attacks")
local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local NONE = caller.NONE

describe("on the wire,", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local names = {}
  for name in pairs(attacks) do
    names[#names + 1] = name
  end
  table.sort(names)

  local function check(name, result, err)
    local expected = attacks[name][1]
    if expected == "deleted" then
      assert.is_nil(err, err and tostring(err))
      assert.equal("OK", result.status)
      return
    end
    assert.is_nil(result, "taken for a deletion")
    caller.check_error(err, {
      outcome = expected, retryable = false, curl_code = NONE,
      reason = expected == "rejected" and 47 or NONE,
    })
  end

  -- A second call, which the service answers honestly, hears that answer: nothing that the first
  -- one's peer has sent is taken for it.
  local function check_next(options)
    local honest = { base_url = options.base_url:gsub("attack%-[%w_]+", "ok") }
    local result, err = caller.delete(world, "", { inboxID = 11 }, honest)
    assert.is_nil(err, err and tostring(err))
    assert.equal(11, result.inboxID)
    assert.equal(2, world:count())
  end

  for _, origin in ipairs { "https", "http" } do
    for _, name in ipairs(names) do
      it(("%s over %s is %s"):format(name, origin, attacks[name][1]), function()
        local options = { base_url = world:base_url("attack-" .. name, mock[origin]), timeout = 5 }
        check(name, caller.delete(world, "", nil, options))
        assert.equal(1, world:count())
        check_next(options)
      end)
    end
  end
end)
