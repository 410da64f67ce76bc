--- How a call waits for its answer: the choice among the ways to do so, each of which is a file of
-- this folder. Whoever wants another one writes a file like `loop`, which is the shortest that
-- yields, and has it chosen here.
--
-- A way to wait is a table:
--
-- `refusal()` is asked before anything is begun: where nothing can wait at this place, it returns
-- the name and the message of an error of kind argument;
-- `carry_out(transfer, watch, is_awaited)` hands a prepared transfer over and waits until it has
-- ended; where it gives it up before it was handed over, it returns the name and the message of an
-- error of kind network; where the caller may go away meanwhile, its watch of `ninedig.events`, if
-- there is one, is told then; `is_awaited` is what `in_threads` gives to its work;
-- `pause(seconds)` waits for nothing;
-- `protected` is the pcall that fits, see `ninedig.wait.protect`;
-- `idle(seconds, caller)` starts what was submitted and waits, no longer than that, until something
-- may have ended; it returns what `core.step` does;
-- `new_caller()`, where callers can vanish, returns the number by which `idle` knows one of them;
-- `guarded(give_up, f, x, y)`, there too, calls `f(x, y)`, and `give_up(x)` where the caller is
-- gone before that returns;
-- `in_threads(count, work)`, in place of `idle`, runs `work` in so many threads at once, with a
-- function that tells whether this is still awaited;
-- `may_send(name)`, where there is one, is called before each request, may wait, and tells whether
-- it may be sent;
-- `on_refusal(err)`, where there is one, is called before a call that was refused is made once
-- more, and may wait;
-- `held`, where there is one, counts the seconds that these two have waited: the time-out of a call
-- does not run meanwhile;
-- `adopt(transfer, on_end)`, where callers can be ended from outside, hands over a transfer that
-- belongs to none of them, and calls `on_end` when it has ended. It returns two functions: the
-- first waits for the transfer, and returns what `carry_out` does; the second is called by whoever
-- finishes the transfer before `on_end` was called;
-- `given_up`, where it is true, means that nothing is sent or waited for any more.
--
-- Only `carry_out`, `pause` and `protected` are needed by what is not chosen here.
local blocking = require("ninedig.wait.blocking")
local errors = require("ninedig.error")

local ngx = rawget(_G, "ngx")
local nginx = ngx and ngx.get_phase and require("ninedig.wait.nginx")

local wait = {}

--- The way to wait of a caller whose event loop sleeps.
-- @tparam function sleep of seconds
-- @treturn table
function wait.hosted(sleep)
  return require("ninedig.wait.loop").new(sleep)
end

--- The way to wait of a call of a client, where we are.
-- @tparam table client
-- @tparam string name of what was asked for
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table an error of kind `argument`
function wait.of(client, name)
  if not client.settings then
    return nil, errors.argument(
      "CLIENT_CLOSED",
      "the client is closed, make a new one; or it was called with a dot in place of a colon, write"
        .. " client:" .. name .. "(...)",
      name
    )
  end
  if client.way then
    return client.way
  end
  local way = client.hosted or nginx and nginx.is_serving() and nginx or blocking
  local refused, message = way.refusal()
  if refused then
    return nil, errors.argument(refused, message, name)
  end
  return way
end

--- The way of every call that is given none, where that is no question of the place: outside of
-- nginx.
wait.everywhere = not nginx and blocking or nil

return wait
