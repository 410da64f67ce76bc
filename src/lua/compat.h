/* One source for Lua 5.1, LuaJIT, 5.2, 5.3 and 5.4: only what is used, and
 * only ndl_ names, so that nothing clashes with a VM's own shims. */
#ifndef NDL_COMPAT_H
#define NDL_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM >= 503
#define ndl_has_integers 1
#define ndl_is_integer(L, index) lua_isinteger(L, index)
#else
#define ndl_has_integers 0
#define ndl_is_integer(L, index) ((void)(L), (void)(index), 0)
#endif

#if LUA_VERSION_NUM >= 502
#define ndl_set_functions(L, functions, upvalues) \
    luaL_setfuncs(L, functions, upvalues)
#else
static inline void ndl_set_functions(lua_State *L, const luaL_Reg *functions,
                                     int upvalues)
{
    for (; functions->name; functions++) {
        int i;

        for (i = 0; i < upvalues; i++)
            lua_pushvalue(L, -upvalues);
        lua_pushcclosure(L, functions->func, upvalues);
        lua_setfield(L, -2 - upvalues, functions->name);
    }
    lua_pop(L, upvalues);
}
#endif

/* Raises just what Lua raises where memory is out: after a send the Lua layer
 * knows it by its text, and reports that the outcome is unknown. */
static inline int ndl_out_of_memory(lua_State *L)
{
    lua_pushliteral(L, "not enough memory"); /* luaL_error says where, too */
    return lua_error(L);
}

/* Makes room for that many values; raises where memory is out. */
static inline void ndl_need_stack(lua_State *L, int count)
{
    if (!lua_checkstack(L, count))
        (void)ndl_out_of_memory(L);
}

#endif
