#include "yield.h"

#include <string.h>

#if LUA_VERSION_NUM >= 503

int ndl_push_can_yield(lua_State *L)
{
    lua_pushboolean(L, lua_isyieldable(L));
    return 1;
}

#elif LUA_VERSION_NUM == 502

/*
 * Where a coroutine can yield, an error in lua_pcallk unwinds the C stack
 * down to lua_resume, which goes on with the continuation; where it cannot,
 * lua_pcallk returns.
 */
static int unwound(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

static int raise(lua_State *L)
{
    lua_pushnil(L);
    return lua_error(L);
}

int ndl_push_can_yield(lua_State *L)
{
    lua_pushcfunction(L, raise);
    (void)lua_pcallk(L, 0, 0, 0, 0, unwound);
    lua_pushboolean(L, 0);
    return 1;
}

#else

#if defined(__GNUC__)
/* LuaJIT has them, also for what was built for Lua 5.1.  The first alone
 * could be that of another Lua in the process. */
int lua_isyieldable(lua_State *L) __attribute__((weak));
int luaJIT_setmode(lua_State *L, int index, int mode) __attribute__((weak));
#define IS_LUAJIT (luaJIT_setmode != NULL)
#define LUAJIT_SAYS_YES(L) (lua_isyieldable != NULL && lua_isyieldable(L))
#else
#define IS_LUAJIT false
#define LUAJIT_SAYS_YES(L) false
#endif

/*
 * The beginning of Lua 5.1's own struct lua_State.  It lets a coroutine
 * yield where its C calls are not more than at its lua_resume, and has no
 * function that tells.  Lua 5.1 will not change any more; whether this is
 * its layout is found out all the same, before it is relied on.
 */
struct state {
    void *next;
    unsigned char tt, marked, status;
    void *top, *base, *global, *ci;
    const void *savedpc;
    void *stack_last, *stack, *end_ci, *base_ci;
    int stack_size, ci_size;
    unsigned short c_calls, c_calls_at_resume;
};

static struct state look_at(lua_State *L)
{
    struct state state;

    memcpy(&state, (const void *)L, sizeof state);
    return state;
}

static int note_state(lua_State *L)
{
    *(struct state *)lua_touserdata(L, 1) = look_at(L);
    return 0;
}

/* Notes the state of a coroutine, and then that within one more C call. */
static int note_two_states(lua_State *L)
{
    struct state *seen = lua_touserdata(L, 1);

    seen[0] = look_at(L);
    lua_pushcfunction(L, note_state);
    lua_pushlightuserdata(L, &seen[1]);
    lua_call(L, 1, 0);
    return 0;
}

static bool knows_layout(lua_State *L)
{
    lua_State *fresh = lua_newthread(L);
    struct state before = look_at(fresh), seen[2];
    bool ended;

    lua_sethook(fresh, NULL, 0, 0); /* the program's would run there, too */
    lua_pushcfunction(fresh, note_two_states);
    lua_pushlightuserdata(fresh, seen);
    ended = lua_resume(fresh, 1) == 0;
    lua_pop(L, 1);
    return ended && before.c_calls == 0 && seen[0].c_calls == 1 &&
           seen[0].c_calls_at_resume == 1 && seen[1].c_calls == 2 &&
           seen[1].c_calls_at_resume == 1;
}

/* What cannot be told is no: a call that could not wait after all would have
 * been sent by then. */
int ndl_push_can_yield(lua_State *L)
{
    int in_main = lua_pushthread(L);
    bool can = false;

    if (IS_LUAJIT) {
        can = LUAJIT_SAYS_YES(L);
    } else if (!in_main && knows_layout(L)) {
        struct state state = look_at(L);

        can = state.c_calls <= state.c_calls_at_resume;
    }
    lua_pushboolean(L, can);
    return 1;
}

#endif
