/* The parts of ninedig.posix: each adds its functions to the module, which is
 * at the top of the stack. */
#ifndef NDP_PARTS_H
#define NDP_PARTS_H

#include "../lua/compat.h"

void ndp_add_terminal(lua_State *L);
void ndp_add_signals(lua_State *L);
void ndp_add_files(lua_State *L);

/* Pushes nil, why the system refused, and its number; returns 3. */
int ndp_push_errno(lua_State *L, const char *what, int number);

/* Makes a type of objects, whose finalizer is `close`, too. */
void ndp_new_type(lua_State *L, const char *type, const luaL_Reg *methods);

#endif
