/* What the parts have in common. */
#include <string.h>

#include "parts.h"

int ndp_push_errno(lua_State *L, const char *what, int number)
{
    lua_pushnil(L);
    if (what)
        lua_pushfstring(L, "%s: %s", what, strerror(number));
    else
        lua_pushstring(L, strerror(number));
    lua_pushinteger(L, number);
    return 3;
}

void ndp_new_type(lua_State *L, const char *type, const luaL_Reg *methods)
{
    luaL_newmetatable(L, type); /* metatable */
    ndl_set_functions(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_getfield(L, -1, "close"); /* metatable close */
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
