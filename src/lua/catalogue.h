/* The service and its errors as data, for those who ask. */
#ifndef NDL_CATALOGUE_H
#define NDL_CATALOGUE_H

#include "compat.h"

/* Pushes the calls by name, each with its method, path, effect, params and
 * reasons. */
void ndl_push_calls(lua_State *L);

/* Pushes the names of errors, each with its kind and what it means. */
void ndl_push_names(lua_State *L);

#endif
