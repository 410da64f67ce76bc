local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

describe("TLS", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  -- The call fails before it is sent, and no listener sees it.
  local function refused(options, name)
    local result, err = caller.delete(world, "ok", nil, options)
    assert.is_nil(result)
    caller.check_error(err, {
      kind = "network", name = name, outcome = "not_sent", http_status = caller.NONE,
      response = caller.NONE, retryable = true,
    })
    assert.equal(0, world:count())
    return err
  end

  it("is of version 1.2 at least", function()
    assert(caller.delete(world, "ok"))
    assert.matches("^TLSv1%.[23]$", world:requests()[1].tls)
    world = mock.world()
    refused({ base_url = world:base_url("ok", mock.tls11) }, "TLS_FAILED")
  end)

  it("trusts no certificate of another authority", function()
    refused({ base_url = world:base_url("ok", mock.untrusted) }, "TLS_UNTRUSTED")
  end)

  it("trusts no certificate of another host", function()
    refused({ base_url = world:base_url("ok", mock.wrong_host) }, "TLS_UNTRUSTED")
  end)

  it("trusts the system's authorities where there is no ca_file, and not the mock's", function()
    refused({ ca_file = caller.NONE }, "TLS_UNTRUSTED")
  end)

  it("trusts the ca_file alone", function()
    local output = caller.child({ SSL_CERT_FILE = mock.ca_file }, ([[
      local _, err = require("ninedig.safe").delete_inbox(
        { access_token = "t", accountID = 1, inboxID = 10 }, { base_url = %q, ca_file = %q })
      io.write(err.name, " ", err.outcome)
    ]]):format(world:base_url("ok"), mock.dir .. "/untrusted.pem"))
    assert.equal("TLS_UNTRUSTED not_sent", output)
    assert.equal(0, world:count())
  end)

  it("verifies for each ca_file, also where a connection is open", function()
    assert(caller.delete(world, "ok"))
    local _, err = caller.delete(world, "ok", nil, { ca_file = mock.dir .. "/untrusted.pem" })
    caller.check_error(err, { kind = "network", name = "TLS_UNTRUSTED", outcome = "not_sent" })
    _, err = caller.delete(world, "ok", nil, { ca_file = caller.NONE })
    caller.check_error(err, { kind = "network", name = "TLS_UNTRUSTED", outcome = "not_sent" })
    assert.equal(1, world:count())
  end)

  it("is not spoken by plain http", function()
    local port = mock.http:match("%d+$")
    local err = refused({ base_url = world:base_url("ok", "https://127.0.0.1:" .. port) },
      "TLS_FAILED")
    assert.is_number(err.curl_code)
  end)

  it("that is closed after its handshake has deleted nothing that is known of", function()
    local _, err = caller.delete(world, "ok", nil,
      { base_url = mock.closed_tls .. "/api", max_idle = 0 })
    -- It depends on whether the end has come by the time of the send.
    local known = err.outcome == "not_sent"
    caller.check_error(err, {
      kind = "network", outcome = known and "not_sent" or "unknown", retryable = known,
    })
    assert.equal(1, caller.connections(function()
      caller.delete(world, "ok", nil, { base_url = mock.closed_tls .. "/api", max_idle = 0 })
    end))
  end)
end)
