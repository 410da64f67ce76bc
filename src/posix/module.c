/* ninedig.posix: what the command needs of the system, and Lua lacks. */
#include "parts.h"

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int luaopen_ninedig_posix(lua_State *L);

int luaopen_ninedig_posix(lua_State *L)
{
    lua_newtable(L); /* posix */
    ndp_add_terminal(L);
    ndp_add_signals(L);
    ndp_add_files(L);
    return 1;
}
