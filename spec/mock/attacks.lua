--- Answers that a hostile or broken peer gives on the wire: scenarios `attack-NAME`.
--
-- Each is a list: what must become of the call, then the parts that are sent, each in a TLS record
-- of its own; a number is a pause in milliseconds. `{ok}` stands for the body of a success, `{n}`
-- for its length (`{x}` in hexadecimal), `{no}` and `{m}` for those of a refusal with reason 47.
-- After the last part the connection stays open, unless the list has `ends = true`.
--
-- It must become of it: "deleted", "rejected", "unknown"; where the request may not be sent at all,
-- "not_sent". Whatever it is, no byte of it may be taken for an answer to the next call.
local attacks = {
  -- two lengths
  two_lengths = {
    "unknown",
    "HTTP/1.1 200 OK\r\nContent-Length: {n}\r\nContent-Length: 5\r\n\r\n{ok}",
  },
  same_length_twice = {
    "deleted", "HTTP/1.1 200 OK\r\nContent-Length: {n}\r\nContent-Length: {n}\r\n\r\n{ok}",
  },
  length_list = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: {n}, {n}\r\n\r\n{ok}" },
  length_and_chunked = {
    "unknown",
    "HTTP/1.1 200 OK\r\nContent-Length: {n}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{ok}",
  },
  chunked_and_length = {
    "unknown",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: {n}\r\n\r\n{ok}",
  },
  length_negative = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: -{n}\r\n\r\n{ok}" },
  length_plus = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: +{n}\r\n\r\n{ok}" },
  length_hex = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: 0x{n}\r\n\r\n{ok}" },
  length_empty = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{ok}" },
  length_huge = {
    "unknown",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{ok}",
  },
  length_overflow = {
    "unknown", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n{ok}",
  },
  length_too_large = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{ok}" },
  length_short = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{ok}" },
  length_long = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{ok}", ends = true },

  -- chunks
  chunk_size_hex = { "unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n" },
  chunk_size_negative = {
    "unknown",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
  },
  chunk_size_huge = {
    "unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{ok}",
  },
  chunk_bare_lf = { "unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\n{\r\n" },
  chunk_runs_on = {
    "unknown",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{ok}\r\n",
  },
  chunked_twice = {
    "unknown",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  },
  gzip_chunked = {
    "unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  },
  identity = {
    "unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: {n}\r\n\r\n{ok}",
  },
  chunked_10 = { "unknown", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
  chunk_extension = {
    "deleted",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "{x};a=\"b\"\r\n{ok}\r\n0;c\r\nX: y\r\n\r\n",
  },

  -- lines
  folded = { "deleted", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: {n}\r\n\r\n{ok}" },
  folded_length = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 00\r\n\r\n{ok}" },
  folded_first = { "unknown", "HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: {n}\r\n\r\n{ok}" },
  bare_lf = { "deleted", "HTTP/1.1 200 OK\nContent-Length: {n}\n\n{ok}" },
  bare_cr = {
    "unknown",
    "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 5\r\nContent-Length: {n}\r\n\r\n{ok}",
  },
  nul = { "unknown", "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: {n}\r\n\r\n{ok}" },
  space_before_colon = { "unknown", "HTTP/1.1 200 OK\r\nContent-Length : {n}\r\n\r\n{ok}" },
  no_colon = { "unknown", "HTTP/1.1 200 OK\r\nX\r\nContent-Length: {n}\r\n\r\n{ok}" },
  no_name = { "unknown", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: {n}\r\n\r\n{ok}" },

  -- status lines
  interim = {
    "deleted",
    "HTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n{ok}",
  },
  interim_storm = { "unknown", ("HTTP/1.1 100 x\r\n\r\n"):rep(1000) },
  interim_body = { "unknown", "HTTP/1.1 100 x\r\nContent-Length: {n}\r\n\r\n{ok}" },
  switching = { "unknown", "HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n{ok}" },
  http_09 = { "unknown", "{ok}", ends = true },
  http_10 = { "deleted", "HTTP/1.0 200 OK\r\nContent-Length: {n}\r\n\r\n{ok}" },
  http_2 = { "unknown", "HTTP/2 200\r\nContent-Length: {n}\r\n\r\n{ok}" },
  status_000 = { "unknown", "HTTP/1.1 000 x\r\nContent-Length: {n}\r\n\r\n{ok}" },
  status_999 = { "unknown", "HTTP/1.1 999 x\r\nContent-Length: {n}\r\n\r\n{ok}" },
  status_short = { "unknown", "HTTP/1.1 20 x\r\nContent-Length: {n}\r\n\r\n{ok}" },
  status_long = { "unknown", "HTTP/1.1 2000\r\nContent-Length: {n}\r\n\r\n{ok}" },
  line_before = { "unknown", "\r\nHTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n{ok}" },
  other_protocol = { "unknown", "SSH-2.0-mock\r\n" },

  -- bodies
  gzip = {
    "unknown",
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\31\139\8\0",
  },
  part = { "unknown", "HTTP/1.1 206 x\r\nContent-Length: {n}\r\n\r\n{ok}" },
  no_content = { "unknown", "HTTP/1.1 204 x\r\nContent-Length: {n}\r\n\r\n{ok}" },
  until_end = { "deleted", "HTTP/1.1 200 OK\r\n\r\n{ok}", ends = true },

  -- what stands behind an answer
  bytes_behind = { "deleted", "HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n{ok}\r\n" },
  twice_in_a_record = {
    "rejected",
    "HTTP/1.1 200 OK\r\nContent-Length: {m}\r\n\r\n{no}"
      .. "HTTP/1.1 200 OK\r\nContent-Length: {m}\r\n\r\n{no}",
  },
  -- libcurl's own HTTP took the second for the answer to the next call.
  twice_behind_the_body = {
    "rejected",
    "HTTP/1.1 200 OK\r\nContent-Length: {m}\r\n\r\n", 30,
    "{no}HTTP/1.1 200 OK\r\nContent-Length: {m}\r\n\r\n{no}",
  },
  three_in_a_row = {
    "rejected",
    ("HTTP/1.1 200 OK\r\nContent-Length: {m}\r\n\r\n{no}"):rep(3),
  },
  ok_behind_a_refusal = {
    "rejected",
    "HTTP/1.1 200 OK\r\nContent-Length: {m}\r\n\r\n{no}"
      .. "HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n{ok}",
  },
}

return attacks
