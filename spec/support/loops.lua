--- The event loops that are here, by name: each has its `sleep`, and `run`, which runs functions at
-- once until all have ended.
local loops = {}

do
  local found, cqueues = pcall(require, "cqueues")
  if found then
    loops.cqueues = {
      sleep = cqueues.sleep,
      run = function(tasks)
        local controller = cqueues.new()
        for _, task in ipairs(tasks) do
          controller:wrap(task)
        end
        assert(controller:loop())
      end,
    }
  end
end

do
  local found, uv = pcall(require, "luv")
  if found then
    loops.luv = {
      sleep = function(seconds)
        local thread = coroutine.running()
        local timer = uv.new_timer()
        timer:start(math.ceil(seconds * 1000), 0, function()
          timer:close()
          assert(coroutine.resume(thread))
        end)
        coroutine.yield()
      end,
      run = function(tasks)
        uv.update_time() -- timers are set by the time at which it ran last
        for _, task in ipairs(tasks) do
          assert(coroutine.resume(coroutine.create(task)))
        end
        uv.run()
      end,
    }
  end
end

return loops
