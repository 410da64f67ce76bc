--- How far a list has got: on a terminal one line that is drawn again and again, elsewhere a line
-- for each tenth.
local core = require("ninedig.core")
local output = require("ninedig.cli.output")
local system = require("ninedig.cli.system")

local progress = {}
progress.__index = progress

-- Seconds between two drawings, and between two looks at how wide the window is.
local REDRAW, MEASURE = 0.1, 1

-- Columns that a bar has at least, and at most.
local SHORTEST_BAR, LONGEST_BAR = 10, 40

--- Begin.
-- @tparam integer total
-- @tparam integer done how many were done before
-- @tparam[opt] boolean gone_ok what is absent is no failure
-- @treturn table
function progress.new(total, done, gone_ok)
  return setmetatable({
    total = total,
    done = done,
    gone_ok = gone_ok,
    before = done,
    counts = { failed = 0, unknown = 0 },
    redraws = system.is_capable(),
    began = core.monotonic(),
    drawn_at = -math.huge,
    measured_at = -math.huge,
    tenths = math.floor(done * 10 / total),
  }, progress)
end

local function duration(seconds)
  seconds = math.ceil(seconds)
  if seconds >= 3600 then
    return ("%d:%02d:%02d"):format(
      math.floor(seconds / 3600), math.floor(seconds / 60) % 60, seconds % 60
    )
  end
  return ("%d:%02d"):format(math.floor(seconds / 60), seconds % 60)
end

local function pace(self)
  local seconds = core.monotonic() - self.began
  local done = self.done - self.before
  if done == 0 or seconds <= 0 then
    return "-/s", "-:-- left"
  end
  local rate = done / seconds
  return ("%.1f/s"):format(rate), duration((self.total - self.done) / rate) .. " left"
end

local function bar(self, width)
  local filled = math.floor((width - 2) * self.done / self.total)
  return "[" .. ("="):rep(filled) .. (" "):rep(width - 2 - filled) .. "]"
end

--- The line, for a window.
-- @tparam integer columns that it may take
-- @treturn string
function progress:line(columns)
  local rate, left = pace(self)
  local tally = ("%d/%d"):format(self.done, self.total)
  local faults = ("%d failed  %d unknown"):format(self.counts.failed, self.counts.unknown)
  local full = table.concat({ tally, faults, rate, left }, "  ")
  local room = columns - #full - 1
  if room >= SHORTEST_BAR then
    return bar(self, math.min(room, LONGEST_BAR)) .. " " .. full
  end
  for _, shorter in ipairs { full, tally .. "  " .. faults } do
    if #shorter <= columns then
      return shorter
    end
  end
  return tally:sub(1, columns)
end

local function coloured(self, line)
  if self.counts.failed > 0 then
    line = line:gsub("%d+ failed", function(part)
      return output.colour("red", part)
    end)
  end
  if self.counts.unknown > 0 then
    line = line:gsub("%d+ unknown", function(part)
      return output.colour("yellow", part)
    end)
  end
  return line
end

-- The last column stays free: some terminals would begin a new line.
local function draw(self)
  local now = core.monotonic()
  if now >= self.measured_at + MEASURE then
    self.columns, self.measured_at = math.max(system.columns() - 1, 1), now
  end
  self.drawn_at, self.drawn_done = now, self.done
  output.write("\r\27[K" .. coloured(self, self:line(self.columns)))
end

local function say_tenth(self)
  local tenths = math.floor(self.done * 10 / self.total)
  if tenths > self.tenths then
    self.tenths = tenths
    output.say("ninedig: %d %%, %d of %d, %d failed, %d unknown",
      math.floor(self.done * 100 / self.total), self.done, self.total, self.counts.failed,
      self.counts.unknown)
  end
end

-- All else is a failure, but for what is absent where that is accepted.
local CLASSES = { deleted = "done", gone = "done", unknown = "unknown" }

--- One more is done.
-- @tparam string outcome
function progress:step(outcome)
  local class = CLASSES[outcome] or outcome == "absent" and self.gone_ok and "done" or "failed"
  self.done = self.done + 1
  self.counts[class] = (self.counts[class] or 0) + 1
  if not self.redraws then
    say_tenth(self)
  elseif self.done == self.total or core.monotonic() >= self.drawn_at + REDRAW then
    draw(self)
  end
end

--- Leave the line, so that something else can be written.
function progress:leave()
  if self.redraws and self.drawn_done then
    if self.drawn_done < self.done then
      draw(self)
    end
    output.write("\n")
    self.drawn_done = nil
  end
end

-- ----- a line of words -----

local Line = {}
Line.__index = Line

--- A line that is drawn again and again on a terminal, and not at all elsewhere.
-- @treturn table
function progress.words()
  return setmetatable({ redraws = system.is_capable(), is_drawn = false }, Line)
end

--- Draw it.
-- @tparam string shown of ASCII
function Line:draw(shown)
  if self.redraws then
    self.is_drawn = true
    output.write("\r\27[K" .. shown:sub(1, math.max(system.columns() - 1, 1)))
  end
end

--- Leave it, so that something else can be written.
function Line:leave()
  if self.is_drawn then
    output.write("\n")
    self.is_drawn = false
  end
end

return progress
