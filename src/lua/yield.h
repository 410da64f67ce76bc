/* Whether a coroutine can yield where it is: what decides whether a call can
 * wait there for its answer. */
#ifndef NDL_YIELD_H
#define NDL_YIELD_H

#include <stdbool.h>

#include "compat.h"

/* Whether the function that called this C function could yield.  May raise
 * where memory is out, and goes on in a continuation on Lua 5.2: a C
 * function returns what this returns, the number of its results, of which
 * there is one, a boolean. */
int ndl_push_can_yield(lua_State *L);

#endif
