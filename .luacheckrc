std = "max"
max_line_length = 100
self = false
include_files = {
  "**/*.lua", "bin/ninedig", "*.rockspec", ".busted", ".luacheckrc",
}

exclude_files = { "build" }

files["spec"].std = "+busted"
files["lua/ninedig/wait.lua"].std = "+ngx_lua"
files["spec/mock"].std = "+ngx_lua"
files["spec/nginx"].std = "+ngx_lua"
files["spec/bench/nginx"].std = "+ngx_lua"
