# Builds, tests and installs ninedig.  `make help` lists the targets.
#
# Every target first installs what it needs and does not find: see tools/deps.
# `make DEPS=true ...` leaves the machine as it is.

# Lua 5.5 where there is a cjson for it.
VERSIONS    ?= $(strip $(HAS_5.5) 5.4 5.3 5.2 5.1 jit)
HAS_5.5     := $(shell lua5.5 -e 'require("cjson")' 2>/dev/null && echo 5.5)
LUA_VERSION ?= 5.4
PREFIX      ?= /usr/local
# Where make install puts Lua files, libraries, the command and manual pages.
LUADIR      ?= $(PREFIX)/share/$(call lua_dir,$(LUA_VERSION))
LIBDIR      ?= $(PREFIX)/lib/$(call lua_dir,$(LUA_VERSION))
BINDIR      ?= $(PREFIX)/bin
MANDIR      ?= $(PREFIX)/share/man
BUILD       ?= build
DEPS        ?= tools/deps
BUSTED      ?= $(shell command -v busted)
CFLAGS      ?= -O2 -g
# `make Q=` shows the commands.
Q           ?= @
# What to test: folders or files of specs, and C unit tests.
SPEC        ?= spec $(wildcard spec/core/*_test.c)
# Only the tests whose names have these words in them.
export FILTER ?=
# What the tests run under: nothing, "valgrind", "sanitize" or "thread".
UNDER       ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
# Two jobs at a time, unless the command line has another number.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j2
endif
# They would win over the LUA_PATH and LUA_CPATH set here.
unexport LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4
unexport LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4

CORE  = $(wildcard src/core/*.c)
GLUE  = $(wildcard src/lua/*.c)
POSIX = $(wildcard src/posix/*.c)
LUAS  = $(wildcard lua/ninedig/*.lua lua/ninedig/*/*.lua)
TYPES = $(wildcard types/*.lua types/*/*.lua)
BIN   = $(wildcard bin/ninedig)
VERSION = $(shell sed -n 's/.*ND_VERSION "\(.*\)"/\1/p' src/core/version.h)
RIVALS = $(patsubst spec/bench/%.c,$(BUILD)/bench/%,$(wildcard spec/bench/*.c))
FUZZERS = $(patsubst spec/fuzz/%.c,%,$(wildcard spec/fuzz/*_fuzz.c))
UNITS = $(patsubst spec/core/%.c,%,$(filter %.c,$(SPEC)))
SPECS = $(filter-out %.c,$(SPEC))

# _DEFAULT_SOURCE: POSIX, which strict C99 would hide.  _FILE_OFFSET_BITS: files
# of more than 2 GiB where the machine has 32 bits.
WARNINGS = -std=c99 -D_DEFAULT_SOURCE -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Wpedantic -Wshadow \
    -Wcast-qual -Wpointer-arith -Wwrite-strings -Wstrict-prototypes \
    -Wmissing-prototypes -Wundef -Wformat=2 -Wconversion
COMPILE  = $(CC) $(WARNINGS) $(CURL_INCDIR:%=-I%) $(CPPFLAGS) $(CFLAGS) -fPIC \
    -fvisibility=hidden -MMD -MP -c -o $@ $<
ifeq ($(shell uname -s),Darwin)
SHARED = -bundle -undefined dynamic_lookup
else
SHARED = -shared
endif
LINK     = $(CC) $(SHARED) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^)
# Where libcurl is in no folder that the compiler looks into, LuaRocks sets
# CURL_INCDIR and CURL_LIBDIR.
LIBCURL  = $(CURL_LIBDIR:%=-L%) -lcurl -lpthread

# Deferred, since pkg-config may have to be installed first.
lua_headers = $(or $(LUA_INCDIR),$(shell tools/incdir $1))
lua         = $(if $(filter jit,$1),luajit,lua$1)
lua_dir     = lua/$(if $(filter jit,$1),5.1,$1)
lua_env     = LUA_PATH="./lua/?.lua;./lua/?/init.lua;./?.lua;./?/init.lua;;" \
    LUA_CPATH="./$(BUILD)/$1/?.so;;" NINEDIG_LUA_VERSION=$1 \
    NINEDIG_LUA=$(call lua,$1)

# What would fail later, and less plainly.
comma := ,
ifneq ($(filter deps install uninstall,$(MAKECMDGOALS)),)
ifeq ($(filter $(LUA_VERSION),5.1 5.2 5.3 5.4 5.5 jit),)
$(error LUA_VERSION is 5.1, 5.2, 5.3, 5.4$(if $(HAS_5.5),$(comma) 5.5) or jit, not "$(LUA_VERSION)")
endif
endif
ifneq ($(filter install,$(MAKECMDGOALS)),)
REFUSED := $(shell for dir in '$(DESTDIR)$(LUADIR)' '$(DESTDIR)$(LIBDIR)' \
    $(if $(BIN),'$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MANDIR)'); do \
        place=$$dir; while [ ! -e "$$place" ]; do place=$$(dirname "$$place"); done; \
        [ -d "$$place" ] && [ -w "$$place" ] || { echo "$$dir"; break; }; \
    done)
ifneq ($(REFUSED),)
$(error $(REFUSED) cannot be written: be root, or give another PREFIX)
endif
endif

##@ Use

help: ## list the targets
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'VERSIONS="$(VERSIONS)" narrows down all and test;'
	@echo 'SPEC=FILE and FILTER=WORDS narrow down test: see spec/README.md.'

deps: ## install what make install needs
	@$(DEPS) install $(LUA_VERSION)

deps-dev: ## install what all targets need
	@$(DEPS) dev

LIBRARIES = $(VERSIONS:%=$(BUILD)/%/ninedig/core.so) $(VERSIONS:%=$(BUILD)/%/ninedig/posix.so)

all: $(LIBRARIES) ## build for each of VERSIONS

demo: $(BUILD)/5.4/ninedig/core.so $(BUILD)/5.4/spec/support/process.so | deps-demo ## see it work, against a mock of the service
	@$(call lua_env,5.4) lua5.4 spec/demo.lua

mock: $(BUILD)/5.4/ninedig/posix.so $(BUILD)/5.4/spec/support/process.so | deps-demo ## run the mock of the service until interrupted
	@$(call lua_env,5.4) lua5.4 spec/mock/run.lua

install: install-library $(if $(BIN),install-command) ## install for LUA_VERSION into PREFIX, below DESTDIR

dist: ## a source archive of HEAD, in build/dist
	@tools/package dist

rock: dist | deps-rock ## the same for LuaRocks: a rockspec and a src.rock
	@tools/package rock

deb: | deps-deb ## a Debian package for all Luas that Debian has
	+@tools/package deb

clean: ## remove build/
	rm -rf build

##@ Test

# One run is one C unit test, or all specs on one Lua version.
RUNS = $(UNITS:%=unit-%) $(if $(SPECS),$(VERSIONS:%=busted-%))
LOG  = build/log/$(or $(UNDER),test)

test: $(RUNS) ## C unit tests, then all specs on each of VERSIONS
	@tools/tally $(RUNS:%=$(LOG)/%)

# What runs no C of ninedig in the process of the specs, or the same once more,
# is left out: it takes as long as all the rest.
MEMCHECKED = $(wildcard spec/2*_spec.lua spec/3[013]*_spec.lua spec/3[5-9]*_spec.lua \
    spec/40_*_spec.lua spec/5*_spec.lua spec/62_*_spec.lua spec/70_*_spec.lua \
    spec/80_*_spec.lua spec/core/*_test.c)

test-valgrind: | deps-valgrind ## the same under memcheck, on Lua 5.4: what runs C
	@RUN_TIMEOUT=$${RUN_TIMEOUT:-1200} $(MAKE) --no-print-directory UNDER=valgrind VERSIONS=5.4 \
	    BUILD=build/valgrind $(if $(filter command,$(origin SPEC)),,SPEC='$(MEMCHECKED)') test

test-sanitize: ## the same with address and undefined-behaviour sanitizers, on Lua 5.4
	@$(MAKE) --no-print-directory UNDER=sanitize VERSIONS=5.4 BUILD=build/sanitize test \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'

test-thread: ## calls in two states in two threads, with the thread sanitizer, on Lua 5.4
	@$(MAKE) --no-print-directory UNDER=thread VERSIONS=5.4 BUILD=build/thread test \
	    SPEC=spec/51_life_spec.lua FILTER='in two threads' CFLAGS='-O1 -g -fsanitize=thread'

test-on: ## the same on a bare DEBIAN=trixie; with ARCH=i386, CURL=gnutls, VERSIONS, SPEC
	@tools/test-on $(or $(DEBIAN),$(error DEBIAN=NAME is missing)) '$(ARCH)' '$(CURL)' \
	    $(foreach v,VERSIONS SPEC FILTER,$(if $(filter command,$(origin $v)),'$v=$($v)'))

fuzz: $(FUZZERS:%_fuzz=fuzz-%) ## odd texts from outside, for FUZZ_SECONDS (60) each
	@tools/tally $(FUZZERS:%_fuzz=build/log/fuzz/%)

soak: soak-nginx soak-lists ## nginx for SOAK_SECONDS (180), and SOAK_KILLS (1000) of lists: nothing is lost, told twice or asked twice

soak-nginx: $(BUILD)/jit/ninedig/core.so $(BUILD)/jit/spec/support/process.so | deps-test
	@$(call lua_env,jit) luajit spec/soak/nginx.lua $(SOAK_SECONDS)

soak-lists: $(BUILD)/5.4/ninedig/core.so $(BUILD)/5.4/ninedig/posix.so $(BUILD)/5.4/spec/support/process.so | deps-test
	@$(call lua_env,5.4) lua5.4 spec/soak/kills.lua $(SOAK_KILLS)

CHECKS = gcc clang format tidy luacheck specs layers generated symbols rockspec version libcurl paths

check: $(CHECKS:%=check-%) ## everything that can be found without running the code
	@tools/tally $(CHECKS:%=build/log/check/%)

format: | deps-check ## lay out the C sources as check-format wants them
	clang-format -i $(wildcard src/*/*.[ch] spec/*/*.[ch])

generate: ## make the types for editors and the tables of docs/ from src/core/*.def
	lua5.4 tools/generate.lua

bench: $(BUILD)/5.4/ninedig/core.so $(BUILD)/5.4/ninedig/posix.so $(BUILD)/5.4/spec/support/process.so $(RIVALS) | deps-bench ## against bare libcurl; BENCH=--strict: fail if a target is missed
	@$(call lua_env,5.4) NINEDIG_BENCH=$(BUILD)/bench lua5.4 spec/bench/run.lua $(BENCH)

bench-nginx: $(BUILD)/jit/ninedig/core.so $(BUILD)/jit/spec/support/process.so | deps-bench ## inside nginx
	@$(call lua_env,jit) luajit spec/bench/nginx.lua

doc: | deps-doc ## API pages in build/doc
	lua5.4 tools/doc.lua build/doc

.PHONY: help deps deps-dev all demo mock clean doc format generate bench bench-nginx
.PHONY: install install-library install-posix install-command install-rock uninstall
.PHONY: dist rock deb
.PHONY: test test-valgrind test-sanitize test-thread test-on fuzz soak soak-nginx soak-lists check

# ----- how it is built -----

# Not phony, as pattern rules are not looked for then.  Used as order-only
# prerequisites: they always run, and never make anything out of date.
deps-%:
	@$(DEPS) $*

$(BUILD)/core/%.o: src/core/%.c Makefile | deps-build
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)$(COMPILE)

# An archive, so that a unit test may replace one of its objects.
$(BUILD)/core.a: $(CORE:src/core/%.c=$(BUILD)/core/%.o)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# $(call COMPILE_RULE,VERSION,FOLDER OF OBJECTS,FOLDER OF SOURCES)
define COMPILE_RULE
$(BUILD)/$1/obj/$2%.o: $3/%.c Makefile | deps-build deps-$1
	@mkdir -p $$(@D)
	@echo '  CC $$@'
	$(Q)$$(COMPILE) -isystem $$(call lua_headers,$1)
endef

# $(call LINK_RULE,LIBRARY,OBJECTS,OTHER LIBRARIES)
define LINK_RULE
$1: $2
	@mkdir -p $$(@D)
	@echo '  LD $$@'
	$(Q)$$(LINK) $3
endef

define VERSION_RULES
$(call COMPILE_RULE,$1,,src/lua)

$(call COMPILE_RULE,$1,posix/,src/posix)

$(call COMPILE_RULE,$1,spec/,spec/support)

$(call LINK_RULE,$(BUILD)/$1/ninedig/core.so,$(GLUE:src/lua/%.c=$(BUILD)/$1/obj/%.o) \
    $(CORE:src/core/%.c=$(BUILD)/core/%.o),$$(LIBCURL))

$(call LINK_RULE,$(BUILD)/$1/ninedig/posix.so,$(POSIX:src/posix/%.c=$(BUILD)/$1/obj/posix/%.o))

$(call LINK_RULE,$(BUILD)/$1/spec/support/process.so,$(BUILD)/$1/obj/spec/process.o)
endef
# "rock" is the Lua of LuaRocks, whose headers it names.
$(foreach v,5.5 5.4 5.3 5.2 5.1 jit rock,$(eval $(call VERSION_RULES,$v)))

$(BUILD)/spec/%: spec/core/%.c $(BUILD)/core.a | deps-test
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)$(CC) $(WARNINGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< \
	    $(BUILD)/core.a -lcmocka $(LIBCURL)

build/fuzz/%: spec/fuzz/%.c spec/fuzz/fuzz.h $(CORE) Makefile | deps-fuzz
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)clang -std=c99 -D_DEFAULT_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=undefined -o $@ $< $(CORE) $(LIBCURL) -lpthread

$(BUILD)/bench/%: spec/bench/%.c spec/bench/bench.h Makefile | deps-bench
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)$(CC) $(WARNINGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIBCURL)

-include $(wildcard $(BUILD)/core/*.d $(BUILD)/*/obj/*.d $(BUILD)/*/obj/*/*.d $(BUILD)/spec/*.d)

# ----- how it is installed -----

# $(call put,MODE,FILE,TO): the -D of GNU's install is not everywhere.
put = mkdir -p "$$(dirname "$3")" && install -m $1 "$2" "$3"

install-library: $(BUILD)/$(LUA_VERSION)/ninedig/core.so
	@set -e; to='$(DESTDIR)$(LUADIR)'; \
	for file in $(LUAS:lua/%=%); do $(call put,644,lua/$$file,$$to/$$file); done; \
	for file in $(TYPES); do $(call put,644,$$file,$$to/ninedig/$$file); done
	@$(call put,755,$<,$(DESTDIR)$(LIBDIR)/ninedig/core.so)

# For LuaRocks, which makes the command find its Lua and its modules.
install-rock: install-library install-posix
	@$(call put,755,bin/ninedig,$(DESTDIR)$(BINDIR)/ninedig)

install-posix: $(BUILD)/$(LUA_VERSION)/ninedig/posix.so
	@$(call put,755,$<,$(DESTDIR)$(LIBDIR)/ninedig/posix.so)

install-command: install-posix | deps-command
	@lua='$(call lua,$(LUA_VERSION))'; \
	bin='$(DESTDIR)$(BINDIR)' man='$(DESTDIR)$(MANDIR)/man1'; mkdir -p "$$bin" "$$man"; \
	sed "1s|^#!.*|#!/usr/bin/env $$lua|" $(BIN) >"$$bin/ninedig"; chmod 755 "$$bin/ninedig"; \
	$$lua tools/man.lua $(VERSION) >"$$man/ninedig.1"

uninstall: ## remove what make install has put there
	rm -rf '$(DESTDIR)$(LUADIR)/ninedig' '$(DESTDIR)$(LIBDIR)/ninedig'
	rm -f '$(DESTDIR)$(BINDIR)/ninedig' '$(DESTDIR)$(MANDIR)/man1/ninedig.1'

# ----- how it is tested -----

UNDER_valgrind = valgrind --quiet --leak-check=full --error-exitcode=99 \
    --keep-debuginfo=yes --num-callers=30 --suppressions=spec/valgrind.supp
SKIP_valgrind  = --exclude-tags=slow,novalgrind
SKIP_sanitize  = --exclude-tags=nosanitize
# The library's sanitizer has to be loaded first, but not into the processes
# that the specs start, as LD_PRELOAD would be: the wrapper sees to that.
RUNTIME_sanitize = asan
RUNTIME_thread = tsan
busted_lua     = $(if $(RUNTIME_$(UNDER)),$(CURDIR)/tools/lua-sanitized $(RUNTIME_$(UNDER)) )$(call lua,$1)
export ASAN_OPTIONS  ?= detect_leaks=1:abort_on_error=0
export LSAN_OPTIONS  ?= suppressions="$(CURDIR)/spec/lsan.supp":print_suppressions=0
export TSAN_OPTIONS  ?= suppressions="$(CURDIR)/spec/tsan.supp":print_suppressions=0
export UBSAN_OPTIONS ?= halt_on_error=1:print_stacktrace=1

# busted takes a pattern.
filter_words   = $(if $(FILTER),"--filter=$$(printf %s "$$FILTER" | sed 's/[^[:alnum:] ]/%&/g')")

unit-%: $(BUILD)/spec/%
	@tools/run $(LOG)/$@ $(UNDER_$(UNDER)) $<

busted-%: $(BUILD)/%/ninedig/core.so $(BUILD)/%/ninedig/posix.so $(BUILD)/%/spec/support/process.so | deps-test deps-%
	@$(call lua_env,$*) NINEDIG_LUA='$(call busted_lua,$*)' NINEDIG_UNDER=$(UNDER) \
	    tools/run $(LOG)/$@ $(UNDER_$(UNDER)) $(call busted_lua,$*) \
	    $(BUSTED) --output=gtest $(SKIP_$(UNDER)) $(filter_words) $(SPECS)

# What it finds is kept in build/fuzz, and the next run begins with it.
FUZZ_SECONDS ?= 60

fuzz-%: build/fuzz/%_fuzz
	@mkdir -p build/fuzz/corpus-$*
	@RUN_TIMEOUT=$$(($(FUZZ_SECONDS) + 120)) tools/run --plain build/log/fuzz/$* \
	    $< -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/$*- build/fuzz/corpus-$* spec/fuzz/corpus-$*
	@sed -n 's/^stat::number_of_executed_units: */$* executions: /p' build/log/fuzz/$*.log

# ----- how it is checked -----

check-symbols: $(LIBRARIES)

check-%: | deps-check
	@WARNINGS='$(WARNINGS)' LIBRARIES='$(LIBRARIES)' \
	    tools/run --plain build/log/check/$* tools/check $*
