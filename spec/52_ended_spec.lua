-- When a call has ended without an answer, nothing of it is delivered later: on two hosts, as
-- spec/life/two_hosts.sh makes them, where the path between them dies under the second call.
local NO_NAMESPACES = 77

local function on_two_hosts(how)
  local pipe = assert(io.popen(("timeout 120 spec/life/two_hosts.sh %s %s 2>&1; echo status: $?")
    :format(how, os.getenv("NINEDIG_LUA") or "lua5.4")))
  local output = pipe:read("*a")
  pipe:close()
  return output, tonumber(output:match("status: (%d+)"))
end

describe("a call that has ended is over #nosanitize #novalgrind", function()
  it("where it timed out", function()
    local output, status = on_two_hosts("time_out")
    if status == NO_NAMESPACES then
      pending("network namespaces need root")
      return
    end
    assert.equal(
      "first: deleted\nsecond: TIMEOUT unknown\nconnections: \nrequests: 1\nstatus: 0\n", output
    )
  end)

  it("where its process was killed", function()
    local output, status = on_two_hosts("killed")
    if status == NO_NAMESPACES then
      pending("network namespaces need root")
      return
    end
    assert.equal(
      "first: deleted\nundelivered: some\nconnections: \nrequests: 1\nstatus: 0\n", output
    )
  end)
end)
