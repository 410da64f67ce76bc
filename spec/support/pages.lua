--- Reads README.md and the pages under docs/, for the specs that run and check them.
--
--   for _, block in ipairs(pages.blocks("lua")) do
--     print(block.page, block.heading, block.code)
--   end
--
-- A block begins with ``` and its language. Words after the language say how a spec runs it:
--
--   ```lua                     it makes a call, and gets the mock's answers (`live`)
--   ```lua mock=reason-47      the mock answers by this scenario
--   ```lua offline             it makes no call
--   ```lua nvim                it runs inside Neovim only: see spec/67_neovim_docs_spec.lua
--   ```console                 what is typed after "$ ", each with what it prints below it
--   ```text terminal           the same on a terminal, with a question and its answer
--   ```text demo               what `make demo` prints
--   ```nginx                   a configuration; the Lua block under its heading is its handlers.lua
--
-- A Lua block with `ngx.` in it runs inside nginx only: as handlers.lua of the configuration that
-- stands under the same heading.
local mock = require("spec.support.mock")

local pages = {}

local function find_paths()
  local pipe = assert(io.popen("ls README.md docs/*.md docs/*/*.md"))
  local paths = {}
  for path in pipe:lines() do
    paths[#paths + 1] = path
  end
  pipe:close()
  table.sort(paths)
  return paths
end

--- The paths of all pages, in order.
pages.paths = find_paths()

--- The text of each page by its path.
pages.text = {}
for _, path in ipairs(pages.paths) do
  pages.text[path] = mock.shared.read_file(path)
end

--- The text of the pages that are for users: all but those of docs/internals.
function pages.manual()
  local texts = {}
  for _, path in ipairs(pages.paths) do
    if not path:find("^docs/internals/") then
      texts[#texts + 1] = pages.text[path]
    end
  end
  return table.concat(texts, "\n")
end

local function new_block(page, heading, line)
  local block = { page = page, heading = heading, words = {}, lines = {} }
  for word in line:sub(4):gmatch("%S+") do
    block.language = block.language or word
    block.words[word:match("^[^=]+")] = word:match("=(.*)") or true
  end
  return block
end

local function blocks_of(page, found)
  local heading, open = nil, nil
  for line in pages.text[page]:gmatch("([^\n]*)\n") do
    if open and line == "```" then
      open.code = table.concat(open.lines, "\n")
      found[#found + 1] = open
      open = nil
    elseif open then
      open.lines[#open.lines + 1] = line
    elseif line:match("^```") then
      open = new_block(page, heading, line)
    elseif line:match("^#+ ") then
      heading = line:match("^#+ (.*)")
    end
  end
  assert(not open, page .. " ends inside a block")
end

--- The blocks of a language (of any, without one), page by page in their order.
-- @treturn table of `{ page, heading, language, words, code }`
function pages.blocks(language)
  local all, found = {}, {}
  for _, page in ipairs(pages.paths) do
    blocks_of(page, all)
  end
  for _, block in ipairs(all) do
    if not language or block.language == language then
      found[#found + 1] = block
    end
  end
  return found
end

return pages
