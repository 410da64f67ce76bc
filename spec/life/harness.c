/*
 * A stock Lua with what the specs on memory and life need and Lua lacks: an
 * allocator that fails, states in threads, fork.  It runs a script, to which
 * it is the module "harness":
 *
 *     harness SCRIPT ARGUMENT...
 *
 * Every malloc of the process passes through here too.  Those that come from
 * ninedig's own code can be made to fail, and are counted.
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <lauxlib.h>
#include <link.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizer and memcheck have a malloc of their own. */
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

#define THREADS_MAX 8
#define RANGES_MAX 8
#define FRAMES_MAX 64
#define BLOCKS_MAX 4096

/* ----- which allocation fails ----- */

/* Allocations are numbered from 1 while this is armed; those from first to
 * last fail. */
struct failure {
    bool armed;
    long number;
    long first;
    long last;
    long failed;
};

static bool must_fail(struct failure *failure)
{
    if (!failure->armed)
        return false;
    failure->number++;
    if (failure->number < failure->first || failure->number > failure->last)
        return false;
    failure->failed++;
    return true;
}

static void arm(struct failure *failure, long first, long last)
{
    memset(failure, 0, sizeof *failure);
    failure->first = first;
    failure->last = last;
    failure->armed = true;
}

/* ----- the C library's allocator ----- */

/* Where the libraries are whose allocations are to fail. */
struct range {
    uintptr_t start;
    uintptr_t end;
};

static struct range ranges[RANGES_MAX];
static int range_count;
static struct range own; /* ninedig's */
static struct failure of_malloc;
static pthread_t malloc_thread; /* only this one's allocations fail */
static size_t own_count;        /* of blocks that ninedig has */

#if OWN_MALLOC

static const void *own_blocks[BLOCKS_MAX];
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_in(const struct range *range, const void *address)
{
    return (uintptr_t)address >= range->start &&
           (uintptr_t)address < range->end;
}

static bool malloc_must_fail(const void *caller)
{
    int i;

    if (!of_malloc.armed || !pthread_equal(pthread_self(), malloc_thread))
        return false;
    for (i = 0; i < range_count; i++) {
        if (is_in(&ranges[i], caller))
            return must_fail(&of_malloc);
    }
    return false;
}

/* Notes a block that ninedig has got; full is as good as wrong. */
static void *note_block(const void *caller, void *block)
{
    if (!block || !is_in(&own, caller))
        return block;
    (void)pthread_mutex_lock(&own_lock);
    if (own_count < BLOCKS_MAX)
        own_blocks[own_count++] = block;
    (void)pthread_mutex_unlock(&own_lock);
    return block;
}

/* The block is freed, by whomever. */
static void forget_block(const void *block)
{
    size_t i;

    (void)pthread_mutex_lock(&own_lock);
    for (i = own_count; i > 0; i--) {
        if (own_blocks[i - 1] != block)
            continue;
        own_blocks[i - 1] = own_blocks[--own_count];
        break;
    }
    (void)pthread_mutex_unlock(&own_lock);
}

static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t count, size_t size);
static void *(*next_realloc)(void *block, size_t size);
static void (*next_free)(void *block);

/* The dynamic linker allocates while the above are looked up. */
static char early[65536] __attribute__((aligned(16)));
static size_t early_used;

static bool is_early(const void *block)
{
    return (const char *)block >= early &&
           (const char *)block < early + sizeof early;
}

static void *early_alloc(size_t size)
{
    void *block = early + early_used;

    early_used += (size + 15) / 16 * 16;
    return early_used <= sizeof early ? block : NULL;
}

static bool find_next(void)
{
    static bool looking;

    if (next_free)
        return true;
    if (looking)
        return false;
    looking = true;
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_free = dlsym(RTLD_NEXT, "free");
    looking = false;
    return true;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
    if (!find_next())
        return early_alloc(size);
    if (malloc_must_fail(CALLER))
        return NULL;
    return note_block(CALLER, next_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (!find_next())
        return early_alloc(count * size);
    if (malloc_must_fail(CALLER))
        return NULL;
    return note_block(CALLER, next_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    void *moved;

    if (!find_next())
        return NULL;
    if (malloc_must_fail(CALLER))
        return NULL;
    if (is_early(block)) {
        void *copy = next_malloc(size);

        return copy ? memcpy(copy, block, size) : NULL;
    }
    moved = next_realloc(block, size);
    if (moved && block)
        forget_block(block);
    return note_block(CALLER, moved);
}

void free(void *block)
{
    if (!block || is_early(block) || !find_next())
        return;
    forget_block(block);
    next_free(block);
}

/* The C library's own would call malloc from its own code. */
char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy;

    if (malloc_must_fail(CALLER) || !find_next())
        return NULL;
    copy = note_block(CALLER, next_malloc(size));
    return copy ? memcpy(copy, text, size) : NULL;
}

#else

/* Libraries stay, so that a leak can be told by its function's name. */
int dlclose(void *library)
{
    (void)library;
    return 0;
}

#endif

struct wanted {
    const char *names; /* "libcurl libssl" */
    bool found_own;
};

/* Whether a text of words has this one. */
static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    while (length) {
        size_t here = strcspn(words, " ");

        if (here == length && strncmp(words, word, length) == 0)
            return true;
        if (!words[here])
            return false;
        words += here + 1;
    }
    return false;
}

static int note_library(struct dl_phdr_info *info, size_t size, void *data)
{
    struct wanted *wanted = data;
    struct range range = {UINTPTR_MAX, 0};
    bool is_own = strstr(info->dlpi_name, "/ninedig/core.so") != NULL;
    const char *base = strrchr(info->dlpi_name, '/');
    char stem[64] = "";
    int i;

    (void)size;
    for (i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        if (start < range.start)
            range.start = start;
        if (start + info->dlpi_phdr[i].p_memsz > range.end)
            range.end = start + info->dlpi_phdr[i].p_memsz;
    }
    if (is_own) {
        own = range;
        wanted->found_own = true;
    }
    if (base)
        (void)snprintf(stem, sizeof stem, "%.*s", (int)strcspn(base + 1, "."),
                       base + 1);
    if ((is_own || has_word(wanted->names, stem)) && range_count < RANGES_MAX)
        ranges[range_count++] = range;
    return 0;
}

/* Finds ninedig, which must be loaded, and the named libraries. */
static bool find_libraries(const char *names)
{
    struct wanted wanted = {names, false};

    range_count = 0;
    (void)dl_iterate_phdr(note_library, &wanted);
    return wanted.found_own;
}

/* ----- Lua's allocator ----- */

struct memory {
    struct failure failure;
    size_t bytes;
};

/* Making a block smaller never fails, on which Lua relies. */
static void *lua_alloc(void *data, void *block, size_t old, size_t size)
{
    struct memory *memory = data;
    void *moved;

    if (!block)
        old = 0; /* Lua 5.2 and later pass a type here */
    if (size == 0) {
        memory->bytes -= old;
        free(block);
        return NULL;
    }
    if (size > old && must_fail(&memory->failure))
        return NULL;
    moved = realloc(block, size);
    if (moved)
        memory->bytes += size - old;
    return moved;
}

static lua_State *new_state(struct memory *memory)
{
#if LUA_VERSION_NUM >= 505
    return lua_newstate(lua_alloc, memory, 0);
#else
    return lua_newstate(lua_alloc, memory);
#endif
}

/* ----- a call in a state of its own ----- */

static int open_harness(lua_State *L);

static void preload(lua_State *L)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, open_harness);
    lua_setfield(L, -2, "harness");
    lua_pop(L, 2);
}

/* Loads the script with the texts from first to last on the stack of from as
 * its arguments; false leaves a message. */
static bool run_script(lua_State *L, const char *script, lua_State *from,
                       int first, int last, int results)
{
    int i;

    luaL_openlibs(L);
    preload(L);
    if (luaL_loadfile(L, script) != 0)
        return false;
    for (i = first; i <= last; i++)
        lua_pushstring(L, lua_tostring(from, i));
    return lua_pcall(L, last - first + 1, results, 0) == 0;
}

/* What failed, in words; an error may be an object. */
static const char *message_of(lua_State *L)
{
    (void)luaL_callmeta(L, -1, "__tostring");
    return lua_tostring(L, -1);
}

/* A fatal error: the text tells the spec that reads it. */
static int die(const char *what, const char *message)
{
    (void)fprintf(stderr, "harness: %s: %s\n", what,
                  message ? message : "(no message)");
    exit(70);
}

/*
 * attempt(kind, first, last, script, argument...): makes a state, in which
 * the script returns a function and a judge; calls the function while
 * allocations fail, hands the judge what came of it, closes the state.
 * kind is "lua", or names libraries besides ninedig whose mallocs are to
 * fail, or is "".  Returns the judge's text, how many allocations failed,
 * what the state left: bytes of Lua's, blocks of ninedig's, and how many
 * allocations there were.  Nothing where that kind cannot be made to fail.
 */
static int harness_attempt(lua_State *from)
{
    const char *kind = luaL_checkstring(from, 1);
    long first = (long)luaL_checknumber(from, 2);
    long last = (long)luaL_checknumber(from, 3);
    const char *script = luaL_checkstring(from, 4);
    bool is_lua = strcmp(kind, "lua") == 0;
    struct memory memory;
    struct failure *failure = is_lua ? &memory.failure : &of_malloc;
    size_t blocks;
    lua_State *L;
    int status;

    blocks = own_count;
    if (!is_lua && !OWN_MALLOC)
        return 0;
    memset(&memory, 0, sizeof memory);
    L = is_lua ? new_state(&memory) : luaL_newstate();
    if (!L)
        return 0;
    if (!run_script(L, script, from, 5, lua_gettop(from), 2))
        return die(script, message_of(L)); /* call, judge */
    if (!find_libraries(kind))
        return die(script, "ninedig is not loaded");
    lua_insert(L, 1); /* judge, call */
    malloc_thread = pthread_self();
    arm(failure, first, last);
    status = lua_pcall(L, 0, LUA_MULTRET, 0);
    failure->armed = false;
    lua_pushboolean(L, status == 0); /* judge, results..., returned */
    lua_insert(L, 2);                /* judge, returned, results... */
    if (lua_pcall(L, lua_gettop(L) - 1, 1, 0) != 0)
        return die("judge", message_of(L));
    lua_pushstring(from, lua_tostring(L, -1));
    lua_close(L);
    lua_pushinteger(from, (lua_Integer)failure->failed);
    lua_pushinteger(from, (lua_Integer)memory.bytes);
    lua_pushinteger(from, (lua_Integer)own_count - (lua_Integer)blocks);
    lua_pushinteger(from, (lua_Integer)failure->number);
    return 5;
}

/* ----- states in threads ----- */

struct thread {
    pthread_t id;
    lua_State *L;
    lua_State *from;
    bool good;
};

/* The arguments are texts, which may be read by several threads. */
static void *run_thread(void *data)
{
    struct thread *thread = data;
    lua_State *from = thread->from;

    thread->good = run_script(thread->L, lua_tostring(from, 2), from, 3,
                              lua_gettop(from), 1);
    return NULL;
}

/* threads(count, script, argument...): runs the script in that many states
 * at once, each in a thread of its own, numbered by the global "thread";
 * returns what each returned. */
static int harness_threads(lua_State *from)
{
    struct thread threads[THREADS_MAX];
    int count = (int)luaL_checknumber(from, 1);
    int i;

    luaL_argcheck(from, count <= THREADS_MAX, 1, "too many");
    memset(threads, 0, sizeof threads);
    for (i = 0; i < count; i++) {
        threads[i].from = from;
        threads[i].L = luaL_newstate();
        lua_pushinteger(threads[i].L, i + 1);
        lua_setglobal(threads[i].L, "thread");
    }
    for (i = 0; i < count; i++) {
        if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i]))
            return die("threads", "cannot be started");
    }
    for (i = 0; i < count; i++)
        (void)pthread_join(threads[i].id, NULL);
    for (i = 0; i < count; i++) {
        if (!threads[i].good)
            return die("thread", message_of(threads[i].L));
        lua_pushstring(from, lua_tostring(threads[i].L, -1));
        lua_close(threads[i].L);
    }
    return count;
}

/* ----- the process ----- */

/* state(script, argument...): runs the script in a new state, and closes
 * it; returns what it returned. */
static int harness_state(lua_State *from)
{
    const char *script = luaL_checkstring(from, 1);
    lua_State *L = luaL_newstate();

    if (!L || !run_script(L, script, from, 2, lua_gettop(from), 1))
        return die(script, L ? message_of(L) : NULL);
    lua_pushstring(from, lua_tostring(L, -1));
    lua_close(L);
    return 1;
}

/* fork(): 0 in the child. */
static int harness_fork(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)fork());
    return 1;
}

/* wait(pid): how the child ended: its exit status, or 256 and the signal. */
static int harness_wait(lua_State *L)
{
    pid_t pid = (pid_t)luaL_checknumber(L, 1);
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status)
                                         : 256 + WTERMSIG(status));
    return 1;
}

/* Where an address is: "libcurl.so.4+31058 ". */
static void tell_place(void *address)
{
    Dl_info library;
    const char *base;

    if (dladdr(address, &library) == 0)
        return;
    base = strrchr(library.dli_fname, '/');
    (void)printf(
        "%s+%lx ", base ? base + 1 : library.dli_fname,
        (unsigned long)((uintptr_t)address - (uintptr_t)library.dli_fbase));
}

/* The process is lost, and not much can be: it may hang, but not for long. */
static void tell_crash(int signal)
{
    void *frames[FRAMES_MAX];
    int count, i;

    of_malloc.armed = false;
    (void)alarm(10);
    count = backtrace(frames, FRAMES_MAX);
    (void)printf("crash %d: ", signal);
    for (i = 0; i < count; i++)
        tell_place(frames[i]);
    (void)printf("\n");
    (void)fflush(stdout);
    _exit(128 + signal);
}

/* tell_crashes(): a crash of this process ends it with 128 and the signal,
 * and a line of where it was, from the innermost call outwards. */
static int harness_tell_crashes(lua_State *L)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};
    static char room[64 * 1024]; /* the stack may be what has run out */
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction action;
    void *frame;
    size_t i;

    (void)L;
    (void)sigaltstack(&stack, NULL);
    (void)backtrace(&frame, 1); /* which loads what it needs */
    memset(&action, 0, sizeof action);
    action.sa_handler = tell_crash;
    action.sa_flags = (int)SA_RESETHAND | SA_ONSTACK;
    for (i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaction(signals[i], &action, NULL);
    return 0;
}

/* files(): what each open file is, by its number. */
static int harness_files(lua_State *L)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    if (!folder)
        return die("/proc/self/fd", strerror(errno));
    lua_newtable(L);
    while ((entry = readdir(folder)) != NULL) {
        char path[300];
        char target[200];
        ssize_t length;

        (void)snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        length = readlink(path, target, sizeof target);
        if (length < 0 || atoi(entry->d_name) == dirfd(folder))
            continue;
        lua_pushlstring(L, target, (size_t)length);
        lua_rawseti(L, -2, atoi(entry->d_name));
    }
    (void)closedir(folder);
    return 1;
}

/* blocks(): how many blocks ninedig has of the C library; it must have been
 * loaded when this is first asked. */
static int harness_blocks(lua_State *L)
{
    if (!own.end && !find_libraries(""))
        return die("blocks", "ninedig is not loaded");
    lua_pushinteger(L, (lua_Integer)own_count);
    return 1;
}

static const luaL_Reg functions[] = {
    {"attempt", harness_attempt},
    {"threads", harness_threads},
    {"state", harness_state},
    {"fork", harness_fork},
    {"wait", harness_wait},
    {"files", harness_files},
    {"blocks", harness_blocks},
    {"tell_crashes", harness_tell_crashes},
    {NULL, NULL},
};

static int open_harness(lua_State *L)
{
    const luaL_Reg *function;

    lua_newtable(L);
    for (function = functions; function->name; function++) {
        lua_pushcfunction(L, function->func);
        lua_setfield(L, -2, function->name);
    }
    return 1;
}

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    int i;

    if (argc < 2 || !L)
        return die("usage", "harness SCRIPT ARGUMENT...");
    luaL_openlibs(L);
    preload(L);
    if (luaL_loadfile(L, argv[1]) != 0)
        return die(argv[1], message_of(L));
    for (i = 2; i < argc; i++)
        lua_pushstring(L, argv[i]);
    if (lua_pcall(L, argc - 2, 0, 0) != 0)
        return die(argv[1], message_of(L));
    lua_close(L);
    return 0;
}
