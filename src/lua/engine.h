/* The engine of a Lua state, and the functions that run it. */
#ifndef NDL_ENGINE_H
#define NDL_ENGINE_H

#include <stdbool.h>

#include "compat.h"
#include "objects.h"

/* Makes the engine where there is none that this process may use. */
bool ndl_need_engine(struct ndl_state *state, struct nd_error *err);

/* The engine if there is one that this process may use. */
struct nd_engine *ndl_usable_engine(lua_State *L);

extern const luaL_Reg ndl_engine_functions[];

#endif
