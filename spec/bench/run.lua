--- Measures ninedig against programs in C on bare libcurl: `make bench`.
--
--   lua5.4 spec/bench/run.lua [--strict] [PART ...]
--
-- Every figure is measured in this run, on all sides, against the mock of the service on loopback:
-- nothing is remembered from another run or another machine. What counts is the ratio of two
-- sides. Instructions and system calls are the judges, as they hardly depend on what else the
-- machine does; times are medians of many short batches, in which the sides take turns.
--
-- A part is a file beside this one, which says how its figures are made: it returns a table with a
-- `title` and a function `run`, whose rows `report.lua` prints. With --strict, a target that is
-- missed makes the run fail; so does an error without it.
local mock = require("spec.support.mock")
local report = require("spec.bench.report")

local PARTS = { "one_by_one", "many_at_once", "kept_connections", "large_lists" }

local function read_arguments(words)
  local chosen, strict = {}, false
  for _, word in ipairs(words) do
    if word == "--strict" then
      strict = true
    else
      chosen[#chosen + 1] = word
    end
  end
  return #chosen > 0 and chosen or PARTS, strict
end

local function note(text)
  io.stderr:write("  ", text, " ...\n")
end

local function measure(parts)
  local missed = 0
  for _, name in ipairs(parts) do
    local part = require("spec.bench." .. name)
    missed = missed + report.print(part, part.run(note))
  end
  return missed
end

local parts, strict = read_arguments(arg)
local ok, missed = pcall(measure, parts)
mock.stop()
if not ok then
  io.stderr:write("bench: ", tostring(missed), "\n")
  os.exit(2)
end
print(missed == 0 and "All targets are reached." or ("%d missed."):format(missed))
os.exit(strict and missed > 0 and 1 or 0)
