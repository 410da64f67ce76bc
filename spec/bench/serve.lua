--- Makes calls as it is ordered to: what the programs of the benchmark that are written in Lua have
-- in common. It reads numbers of calls from standard input, and answers each with a line, once they
-- are made: seconds of CPU that they took, VmRSS and VmHWM in kB.
--
-- `clock` is called before and after an order, and nowhere else: see `tools.warm_instructions`.

local function memory()
  local file = assert(io.open("/proc/self/status"))
  local status = file:read("a")
  file:close()
  return status:match("VmRSS:%s*(%d+)"), status:match("VmHWM:%s*(%d+)")
end

--- Serve until the input ends.
-- @tparam function make makes so many calls
return function(make)
  for line in io.lines() do
    local start = os.clock()
    make(tonumber(line))
    local spent = os.clock() - start
    print(("%.6f %s %s"):format(spent, memory()))
    io.stdout:flush()
  end
end
