-- Makes the pages of the API and the manual: doc.lua FOLDER.  LDoc's warnings are errors.
local folder = assert(arg[1], "doc.lua FOLDER")

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1; echo $?"))
  local text, status = pipe:read("*a"):match("^(.-)(%d+)\n$")
  pipe:close()
  return text, tonumber(status)
end

local output, status = run(("ldoc --fatalwarnings --dir '%s' ."):format(folder))
local said = output:gsub("reading configuration from config.ld\n", "")
  :gsub("output written to [^\n]*\n", "")
if status ~= 0 or said ~= "" then
  io.stderr:write(output)
  os.exit(1)
end

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

-- The headings of a page: LDoc's anchors by those of the sources, which are GitHub's.
local function anchors_of(topic)
  local anchors = {}
  for anchor, heading in topic:gmatch('<a name="([^"]+)"></a>[%s</p>]*<h%d>(.-)</h%d>') do
    local text = heading:gsub("<[^>]*>", ""):gsub("&%w+;", "")
    anchors[text:lower():gsub("[^%w%s_-]", ""):gsub("^%s+", ""):gsub("%s+$", ""):gsub("%s", "-")]
      = anchor
  end
  return anchors
end

local topics, anchors = {}, {}
for path in run(("ls '%s'/topics/*.html"):format(folder)):gmatch("[^\n]+") do
  local name = path:match("([^/]+)%.html$")
  topics[name] = path
  anchors[name] = anchors_of(read_file(path))
end

-- A link of the sources as one of the pages; nil where it leads to another file, such as LICENSE.
local function link_to(page, target)
  if target:find("^%w+:") then
    return target
  end
  local path, anchor = target:match("^([^#]*)#?(.*)$")
  local name = path == "" and page or path:match("([^/]+)$")
  if not topics[name] then
    return nil
  end
  local section = anchors[name][anchor] -- the title of a page has none
  return name .. ".html" .. (section and "#" .. section or "")
end

for name, path in pairs(topics) do
  local before, text = read_file(path):match('^(.-<div id="content">)(.*)$')
  text = text:gsub('<a href="([^"]+)">(.-)</a>', function(target, words)
    local link = link_to(name, target)
    return link and ('<a href="%s">%s</a>'):format(link, words) or words
  end)
  local file = assert(io.open(path, "w"))
  assert(file:write(before, text))
  assert(file:close())
end
