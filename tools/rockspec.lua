-- Checks that the rockspec lists the files of the Makefile, and that both
-- list those of the folders: rockspec.lua ROCKSPEC FILE...

local rockspec = {}
assert(loadfile(arg[1], "t", rockspec))()

local lists = { rockspec = {}, Makefile = {}, folders = {} }

for name, module in pairs(rockspec.build.modules) do
  if type(module) == "table" then
    for _, file in ipairs(module.sources) do lists.rockspec[file] = true end
  else
    lists.rockspec[module] = true
    local expected = module:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    if name ~= expected then
      print(("the rockspec calls %s %s"):format(module, name))
      lists.rockspec[module] = nil
    end
  end
end
for _, file in pairs((rockspec.build.install or {}).bin or {}) do lists.rockspec[file] = true end

for i = 2, #arg do lists.Makefile[arg[i]] = true end

local find = "find src lua bin -name '*.c' -o -name '*.lua' -o -path 'bin/*' 2>/dev/null"
local pipe = assert(io.popen(find))
for file in pipe:lines() do lists.folders[file] = true end
pipe:close()

local alike = true
for name, list in pairs(lists) do
  for other, files in pairs(lists) do
    for file in pairs(files) do
      if not list[file] then
        alike = false
        print(("%s: in the %s, not in the %s"):format(file, other, name))
      end
    end
  end
end
os.exit(alike)
