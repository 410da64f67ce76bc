/* Reads a table of params or options by the rules of its fields. */
#ifndef NDL_PARAMS_H
#define NDL_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "../core/call.h"
#include "../core/error.h"
#include "compat.h"

#define NDL_FIELDS_MAX 16

/*
 * Reads the table at index into values, one for each field; what is absent
 * or refused is not set.  Raw access: no metamethod is called, and nothing
 * is changed.  Keys that no field has are refused.  On failure err tells of
 * the first field, in their order, that is wrong.  what names the table.
 * Leaves on the stack what values point into.
 */
bool ndl_read_table(lua_State *L, int index, const char *what,
                    const struct nd_field *const *fields,
                    struct nd_value *values, struct nd_error *err);

#endif
