/*
 * spec.support.process: processes that the specs start, watch and end, on a
 * terminal or in a network of their own.  For the specs alone.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare */
#endif

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/lua/compat.h"

/* The exit status of a child that could not become what it should. */
#define NO_CHILD 127

static int fail(lua_State *L, const char *what)
{
    return luaL_error(L, "%s: %s", what, strerror(errno));
}

/* ----- starting ----- */

struct plan {
    const char *line;     /* for the shell */
    const char *paths[3]; /* of standard input, output, error; or NULL */
    const char *terminal; /* what stands for those that are NULL; or NULL */
    bool is_alone;        /* in a network with nothing but a loopback */
};

static bool bring_loopback_up(void)
{
    struct ifreq request;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_up;

    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", sizeof "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    is_up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    (void)close(fd);
    return is_up;
}

static bool leave_network(void)
{
    return (unshare(CLONE_NEWNET) == 0 ||
            unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) &&
           bring_loopback_up();
}

static bool open_as(const char *path, int fd, int flags)
{
    int opened = open(path, flags, S_IRUSR | S_IWUSR);

    return opened >= 0 && dup2(opened, fd) == fd &&
           (opened == fd || close(opened) == 0);
}

static bool open_standard(const struct plan *plan, int fd)
{
    int flags = fd == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;

    if (plan->paths[fd])
        return open_as(plan->paths[fd], fd, flags);
    return open_as(plan->terminal, fd, O_RDWR);
}

/* A shell ignores some for what it starts in the background, and Lua handles
 * one: none has come by now, see fork_alone. */
static void heed_signals(const sigset_t *mask)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    size_t i;

    for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
        (void)signal(numbers[i], SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
}

/* In the child.  The terminal that is opened first is then its own. */
static void become(const struct plan *plan)
{
    int fd;

    if (plan->terminal && setsid() < 0)
        _exit(NO_CHILD);
    for (fd = 0; fd < 3; fd++) {
        if (!open_standard(plan, fd))
            _exit(NO_CHILD);
    }
    if (!plan->is_alone || leave_network())
        (void)execl("/bin/sh", "sh", "-c", plan->line, (char *)NULL);
    _exit(NO_CHILD);
}

/* Opens the other side of a new terminal; the name of it is static memory. */
static int open_terminal(lua_State *L, int columns, const char **name)
{
    struct winsize size = {24, 0, 0, 0};
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    size.ws_col = (unsigned short)columns;
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 ||
        ioctl(fd, TIOCSWINSZ, &size) != 0 || !(*name = ptsname(fd)))
        return fail(L, "terminal");
    return fd;
}

/* Signals to the child wait until it would end by them. */
static pid_t fork_alone(void)
{
    sigset_t all, mask;
    pid_t pid;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &mask);
    pid = fork();
    if (pid == 0)
        heed_signals(&mask);
    else
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    return pid;
}

static const char *text_of(lua_State *L, const char *key)
{
    lua_getfield(L, 1, key); /* which the table keeps */
    return lua_tostring(L, -1);
}

/*
 * start { line =, stdin =, stdout =, stderr = (paths), columns =, alone = }:
 * the id of the process, and the other side of its terminal, which stands for
 * the paths that are left out.
 */
static int process_start(lua_State *L)
{
    struct plan plan = {0};
    int master = -1, held = -1;
    pid_t pid;

    plan.line = text_of(L, "line");
    plan.paths[0] = text_of(L, "stdin");
    plan.paths[1] = text_of(L, "stdout");
    plan.paths[2] = text_of(L, "stderr");
    lua_getfield(L, 1, "alone");
    plan.is_alone = lua_toboolean(L, -1);
    lua_getfield(L, 1, "columns");
    if (!lua_isnil(L, -1)) {
        master = open_terminal(L, (int)lua_tointeger(L, -1), &plan.terminal);
        /* While nobody has it open, reading from the other side fails. */
        held = open(plan.terminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    pid = fork_alone();
    if (pid == 0)
        become(&plan);
    if (held >= 0)
        (void)close(held);
    if (pid < 0)
        return fail(L, "fork");
    lua_pushinteger(L, pid);
    lua_pushinteger(L, master);
    return 2;
}

/* ----- terminals ----- */

/* read(fd, milliseconds): what it shows, "" where there is nothing, nil where
 * the process has ended. */
static int process_read(lua_State *L)
{
    struct pollfd watched = {(int)luaL_checkinteger(L, 1), POLLIN, 0};
    char bytes[4096];
    ssize_t count = 0;

    if (poll(&watched, 1, (int)luaL_checkinteger(L, 2)) > 0) {
        count = read(watched.fd, bytes, sizeof bytes);
        if (count <= 0)
            return 0;
    }
    lua_pushlstring(L, bytes, (size_t)count);
    return 1;
}

/* write(fd, text) */
static int process_write(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);

    if (write((int)luaL_checkinteger(L, 1), text, length) != (ssize_t)length)
        return fail(L, "write");
    return 0;
}

/* resize(fd, columns) */
static int process_resize(lua_State *L)
{
    struct winsize size = {24, 0, 0, 0};

    size.ws_col = (unsigned short)luaL_checkinteger(L, 2);
    if (ioctl((int)luaL_checkinteger(L, 1), TIOCSWINSZ, &size) != 0)
        return fail(L, "resize");
    return 0;
}

/* close(fd) */
static int process_close(lua_State *L)
{
    (void)close((int)luaL_checkinteger(L, 1));
    return 0;
}

/* ----- the end ----- */

/* kill(pid, signal): whether it is there. */
static int process_kill(lua_State *L)
{
    lua_pushboolean(L, kill((pid_t)luaL_checkinteger(L, 1),
                            (int)luaL_checkinteger(L, 2)) == 0);
    return 1;
}

/* wait(pid, whether it is waited for): false where it goes on, otherwise true,
 * and its exit status; or true, nil and the signal that ended it. */
static int process_wait(lua_State *L)
{
    pid_t pid = (pid_t)luaL_checkinteger(L, 1);
    int status = 0;
    pid_t ended = waitpid(pid, &status, lua_toboolean(L, 2) ? 0 : WNOHANG);

    if (ended < 0)
        return fail(L, "wait");
    lua_pushboolean(L, ended == pid);
    if (ended == 0)
        return 1;
    if (WIFEXITED(status)) {
        lua_pushinteger(L, WEXITSTATUS(status));
        return 2;
    }
    lua_pushnil(L);
    lua_pushinteger(L, WTERMSIG(status));
    return 3;
}

/* ----- this process ----- */

/* pause(seconds) */
static int process_pause(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    struct timespec left;

    left.tv_sec = (time_t)seconds;
    left.tv_nsec = (long)((seconds - (lua_Number)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    return 0;
}

/* unset(name): takes a variable out of the environment. */
static int process_unset(lua_State *L)
{
    (void)unsetenv(luaL_checkstring(L, 1));
    return 0;
}

static const luaL_Reg functions[] = {
    {"start", process_start}, {"read", process_read},
    {"write", process_write}, {"resize", process_resize},
    {"close", process_close}, {"kill", process_kill},
    {"wait", process_wait},   {"pause", process_pause},
    {"unset", process_unset}, {NULL, NULL},
};

__attribute__((visibility("default"))) int
luaopen_spec_support_process(lua_State *L);

int luaopen_spec_support_process(lua_State *L)
{
    lua_newtable(L);
    ndl_set_functions(L, functions, 0);
    return 1;
}
