/*
 * The signals that ask the process to end, as a count and a pipe.
 *
 * A handler may do next to nothing: it counts, and writes a byte.  Whoever
 * waits has the pipe among what it polls, so that a signal which comes just
 * before the poll ends it, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "parts.h"

#define NDP_SIGNALS "ninedig.posix.signals"

/* Bytes that are read at a time, at most. */
#define CHUNK 65536

/* The first ones are counted; the last one is ignored: nobody reading what we
 * write is no reason to end. */
static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
enum { COUNTED = 3, TAKEN = 4 };

struct ndp_signals {
    bool is_installed;
    int ends[2]; /* of the pipe */
    struct sigaction before[TAKEN];
};

/* What the handler needs: there is one for the process. */
static volatile sig_atomic_t caught;
static volatile sig_atomic_t wake_end = -1;

static void note(int number)
{
    int saved = errno;

    (void)number;
    if (caught < SIG_ATOMIC_MAX)
        caught = caught + 1;
    /* A pipe that is full wakes as well. */
    if (write(wake_end, "", 1) < 0)
        errno = 0;
    errno = saved;
}

static struct ndp_signals *check_signals(lua_State *L)
{
    return luaL_checkudata(L, 1, NDP_SIGNALS);
}

/* ----- installing and restoring ----- */

static bool set_flags(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static bool make_pipe(struct ndp_signals *signals)
{
    if (pipe(signals->ends) != 0) {
        signals->ends[0] = signals->ends[1] = -1;
        return false;
    }
    return set_flags(signals->ends[0]) && set_flags(signals->ends[1]);
}

/* What was ignored before, as under nohup, stays ignored. */
static void install(struct ndp_signals *signals)
{
    struct sigaction counts = {0}, ignores = {0};
    int i;

    counts.sa_handler = note;
    ignores.sa_handler = SIG_IGN;
    (void)sigemptyset(&ignores.sa_mask);
    (void)sigemptyset(&counts.sa_mask);
    for (i = 0; i < COUNTED; i++)
        (void)sigaddset(&counts.sa_mask, numbers[i]);
    for (i = 0; i < TAKEN; i++) {
        (void)sigaction(numbers[i], NULL, &signals->before[i]);
        if (signals->before[i].sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], i < COUNTED ? &counts : &ignores,
                            NULL);
    }
    signals->is_installed = true;
}

static void restore(struct ndp_signals *signals)
{
    int i;

    for (i = 0; i < TAKEN; i++)
        (void)sigaction(numbers[i], &signals->before[i], NULL);
    wake_end = -1;
    signals->is_installed = false;
}

/***
End it: signals do again what they did before.
@function signals:close
*/
static int signals_close(lua_State *L)
{
    struct ndp_signals *signals = check_signals(L);
    int i;

    if (signals->is_installed)
        restore(signals);
    for (i = 0; i < 2; i++) {
        if (signals->ends[i] >= 0)
            (void)close(signals->ends[i]);
        signals->ends[i] = -1;
    }
    return 0;
}

/***
Count SIGINT, SIGTERM and SIGHUP from now on, and ignore SIGPIPE; a call of the
system that waits is ended by them. One at a time in a process.
@function catch_signals
@treturn[1] userdata signals
@treturn[2] nil
@treturn[2] string why not
@treturn[2] integer error number
*/
static int posix_catch_signals(lua_State *L)
{
    struct ndp_signals *signals = lua_newuserdata(L, sizeof *signals);

    signals->is_installed = false;
    signals->ends[0] = signals->ends[1] = -1;
    luaL_getmetatable(L, NDP_SIGNALS); /* signals metatable */
    lua_setmetatable(L, -2);
    if (wake_end != -1)
        return ndp_push_errno(L, "signals", EBUSY);
    if (!make_pipe(signals))
        return ndp_push_errno(L, "pipe", errno);
    caught = 0;
    wake_end = signals->ends[1];
    install(signals);
    return 1;
}

/* ----- asking ----- */

/***
How many have come so far. After it `signals:fd` is readable only where one
has come meanwhile.
@function signals:count
@treturn integer
*/
static int signals_count(lua_State *L)
{
    const struct ndp_signals *signals = check_signals(L);
    char bytes[64];

    while (read(signals->ends[0], bytes, sizeof bytes) > 0) {
    }
    lua_pushinteger(L, caught);
    return 1;
}

/***
A file descriptor that is readable once a signal has come, for a poll.
@function signals:fd
@treturn integer
*/
static int signals_fd(lua_State *L)
{
    lua_pushinteger(L, check_signals(L)->ends[0]);
    return 1;
}

/* Waits for what may be read, -1 for nothing, and for a signal; true where the
 * former is there and the latter is not. */
static bool wait_for(const struct ndp_signals *signals, int fd, int timeout_ms)
{
    struct pollfd watched[2] = {{0}};

    watched[0].fd = signals->ends[0];
    watched[1].fd = fd;
    watched[0].events = watched[1].events = POLLIN;
    /* A signal that comes meanwhile is in the pipe afterwards. */
    while (poll(watched, 2, timeout_ms) < 0 && errno == EINTR) {
    }
    return watched[0].revents == 0 && watched[1].revents != 0;
}

/***
Wait for a signal.
@function signals:wait
@tparam number seconds at most
*/
static int signals_wait(lua_State *L)
{
    const struct ndp_signals *signals = check_signals(L);
    lua_Number most_ms = luaL_checknumber(L, 2) * 1000;

    if (most_ms > 0)
        (void)wait_for(signals, -1,
                       most_ms < INT_MAX ? (int)most_ms + 1 : INT_MAX);
    return 0;
}

/***
Wait until there is something to read, and read it, unless a signal comes.
@function signals:read
@tparam integer fd
@treturn[1] string empty at its end
@treturn[2] nil where a signal has come
@treturn[3] nil
@treturn[3] string why it could not be read
@treturn[3] integer error number
*/
static int signals_read(lua_State *L)
{
    const struct ndp_signals *signals = check_signals(L);
    int fd = (int)luaL_checkinteger(L, 2);
    char chunk[CHUNK];
    ssize_t count = -1;

    if (wait_for(signals, fd, -1)) {
        count = read(fd, chunk, sizeof chunk);
        if (count < 0 && errno != EINTR)
            return ndp_push_errno(L, NULL, errno);
    }
    if (count < 0)
        lua_pushnil(L);
    else
        lua_pushlstring(L, chunk, (size_t)count);
    return 1;
}

static const luaL_Reg methods[] = {
    {"count", signals_count}, {"fd", signals_fd},       {"wait", signals_wait},
    {"read", signals_read},   {"close", signals_close}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"catch_signals", posix_catch_signals},
    {NULL, NULL},
};

void ndp_add_signals(lua_State *L)
{
    ndp_new_type(L, NDP_SIGNALS, methods);
    ndl_set_functions(L, functions, 0);
}
