-- The life of what ninedig holds: states, processes, threads, and calls that nobody finishes.
local cjson = require("cjson").new()
local child = require("spec.life.child")
local mock = require("spec.support.mock")

local is_plain = child.under == ""

-- What a script printed, as a table: each line is words, a tab, a value.
local function facts_of(lines)
  local facts = {}
  for _, line in ipairs(lines) do
    local key, value = line:match("^(.-)\t(.*)$")
    if key then
      facts[key] = tonumber(value) or value
    else
      facts[#facts + 1] = line
    end
  end
  return facts
end

-- The tools count what ninedig has of the C library's memory themselves, and in their own way.
local function assert_no_blocks(facts)
  if is_plain then
    assert.equal(0, facts["blocks more"])
  end
end

local function run(...)
  return facts_of(child.run(...))
end

-- The connections of the requests for each inbox, in order.
local function connections_of(world)
  local connections = {}
  for _, record in ipairs(world:requests()) do
    local inbox = cjson.decode(record.body).inboxID
    assert.is_nil(connections[inbox], "an inbox was asked for twice")
    connections[inbox] = record.connection
  end
  return connections
end

local function count_distinct(values)
  local seen, count = {}, 0
  for _, value in pairs(values) do
    count = count + (seen[value] and 0 or 1)
    seen[value] = true
  end
  return count
end

describe("states one after the other", function()
  it("leave nothing behind but the mapped library", function()
    local count = is_plain and 1000 or 10
    local world = mock.world()
    local facts = run("states.lua", world:base_url("ok", mock.http), mock.ca_file, count)
    assert.equal(count, world:count())
    assert.equal("false", facts["mapped before"])
    assert.equal("true", facts["mapped after"])
    assert.equal(0, facts["files more"])
    assert_no_blocks(facts)
    if is_plain then -- the tools keep what was freed for a while
      assert.is_true(facts.grown <= 256, facts.grown .. " KiB more")
    end
  end)

  it("leave nothing behind after TLS", function()
    local count = is_plain and 100 or 4
    local world = mock.world()
    local facts = run("states.lua", world:base_url("ok"), mock.ca_file, count)
    assert.equal(count, world:count())
    assert.equal(0, facts["files more"])
    assert_no_blocks(facts)
    if is_plain then
      assert.is_true(facts.grown <= 512, facts.grown .. " KiB more")
    end
  end)
end)

describe("states in two threads", function()
  it("do not disturb each other", function()
    local count = is_plain and 200 or 10
    local world = mock.world()
    local facts = run("threads.lua", world:base_url("ok"), mock.ca_file, count)
    assert.equal("done", facts.done)
    local connections = connections_of(world)
    for thread = 1, 2 do
      for i = 1, count do
        assert.is_truthy(connections[thread * 1000 + i])
      end
    end
    assert.equal(2, count_distinct(connections))
    assert.equal(2 * count, world:count())
  end)
end)

describe("a fork", function()
  for _, scheme in ipairs { "https", "http" } do
    it("leaves the parent's connection and its transfers alone, over " .. scheme, function()
      local world, slow = mock.world(), mock.world()
      local delay = is_plain and "delay-300" or "delay-6000" -- the tools take long to connect
      local facts = facts_of(child.run_and_leak("fork.lua", world:base_url("ok", mock[scheme]),
        slow:base_url("ok+" .. delay, mock[scheme]), mock.ca_file))
      assert.same({ child = 0, parent = 0 }, facts)
      local own, slow_ones = connections_of(world), connections_of(slow)
      assert.is_truthy(own[1] and own[2] and own[3])
      assert.equal(3, world:count())
      assert.equal(3, slow:count())
      -- The parent had its connection for the transfers, and went on with one of theirs.
      local parents = { own[1], own[3], slow_ones[101], slow_ones[102], slow_ones[103] }
      assert.equal(3, count_distinct(parents))
      parents[#parents + 1] = own[2]
      assert.equal(4, count_distinct(parents))
    end)
  end
end)

describe("a fork after each step of a call", function()
  for _, scheme in ipairs { "https", "http" } do
    it("leaves it to the parent, over " .. scheme, function()
      local world, later = mock.world(), mock.world()
      local facts = facts_of(child.run_and_leak("fork_at.lua",
        world:base_url("ok+delay-50", mock[scheme]), later:base_url("ok", mock[scheme]),
        mock.ca_file, is_plain and 60 or 8))
      for n = 1, facts.count do
        assert.equal(0, facts["child " .. n])
      end
      assert.is_true(facts.count >= 5 and (facts.done == "true" or not is_plain))
      assert.equal(facts.count, world:count())
      assert.equal(facts.count, later:count())
      connections_of(world) -- each once
    end)
  end
end)

describe("a library that is opened twice", function()
  it("goes on with what it had made", function()
    local world = mock.world()
    local facts = run("opened_twice.lua", world:base_url("ok+delay-50"), mock.ca_file)
    assert.equal(0, facts.alive)
    connections_of(world)
    assert.equal(3, world:count())
  end)
end)

describe("os.exit with calls under way", function()
  for _, how in ipairs { "closing", "not closing" } do
    it("ends the process, " .. how .. " the state", function()
      local world = mock.world()
      local facts = facts_of(child.run_and_leak("exit.lua", world:base_url("never"), mock.ca_file,
        how))
      assert.equal(how, facts.left)
      assert.is_true(world:count() <= 2) -- the others were queued
      connections_of(world)
    end)
  end
end)

describe("a process started by the script", function()
  for _, scheme in ipairs { "https", "http" } do
    it("inherits no socket, over " .. scheme, function()
      local world = mock.world()
      local facts = run("children.lua", world:base_url("ok", mock[scheme]), mock.ca_file)
      assert.equal(1, world:count())
      assert.is_true(facts["own more"] >= 1) -- the pooled connection is there
      assert.equal(0, facts["inherited more"])
    end)
  end
end)

describe("calls that nobody finishes", function()
  it("are given up when they are collected", function()
    local count = is_plain and 50 or 12
    local world, later = mock.world(), mock.world()
    local facts = run("collected.lua", world:base_url("never", mock.http),
      later:base_url("ok", mock.http), mock.ca_file, count)
    assert_no_blocks(facts)
    assert.equal("OK", facts.later)
    assert.equal(2, later:count())
    connections_of(world) -- each at most once
  end)

  for _, order in ipairs { "before", "after" } do
    it("are given up when the state is closed, with a finalizer from " .. order, function()
      local world = mock.world()
      local facts = run("closed.lua", world:base_url("never", mock.http), mock.ca_file, order)
      assert.equal(0, facts["sockets more"])
      assert_no_blocks(facts)
      assert.equal(20, #facts)
      assert.equal("finalized", facts[1])
      assert.is_nil(connections_of(world)[99])
    end)
  end
end)
