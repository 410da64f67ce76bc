/* Terminals, and the time of day. */
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

/***
Whether a file descriptor is a terminal.
@function is_terminal
@tparam integer fd
@treturn boolean
*/
static int posix_is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/***
How wide the window of a terminal is.
@function columns
@tparam integer fd
@treturn ?integer nil where that is not known
*/
static int posix_columns(lua_State *L)
{
    int fd = (int)luaL_checkinteger(L, 1);
    struct winsize size = {0};

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, size.ws_col);
    return 1;
}

/***
Seconds since 1970, with what is below a second.
@function now
@treturn number
*/
static int posix_now(lua_State *L)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
    return 1;
}

static const luaL_Reg functions[] = {
    {"is_terminal", posix_is_terminal},
    {"columns", posix_columns},
    {"now", posix_now},
    {NULL, NULL},
};

void ndp_add_terminal(lua_State *L)
{
    ndl_set_functions(L, functions, 0);
}
