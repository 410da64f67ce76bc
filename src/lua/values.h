/* Lua values and the core's: numbers that must stay exact, errors. */
#ifndef NDL_VALUES_H
#define NDL_VALUES_H

#include <stdbool.h>

#include "../core/answer.h"
#include "../core/error.h"
#include "../core/request.h"
#include "../core/value.h"
#include "compat.h"

/* The metatable of the error class, in the registry. */
#define NDL_ERROR "ninedig.error"

/* The value at index as the core sees it.  Its text stays Lua's. */
struct nd_raw ndl_to_raw(lua_State *L, int index);

/* The number at index is a whole one that a double holds exactly: sets
 * whole. */
bool ndl_to_whole(lua_State *L, int index, double *whole);

/* An integer where the VM has them; elsewhere a number, or a string of
 * digits from 2^53 up. */
void ndl_push_id(lua_State *L, uint64_t id);

/* A number from 0 up, as an integer where it is a whole one; nil for
 * ND_UNSET. */
void ndl_push_number(lua_State *L, double number);

/* Sets a text, or nil for NULL, in the table on the top. */
void ndl_set_text(lua_State *L, const char *key, const char *text);

/* Sets the values of a call's params, key by key, in the table on the top,
 * without those that may be secrets. */
void ndl_set_values(lua_State *L, const struct nd_call *call,
                    const struct nd_values *values);

/* The same for what an answer echoes only: what was asked for. */
void ndl_set_asked(lua_State *L, const struct nd_call *call,
                   const struct nd_values *values);

/* Pushes nil and the error as an object of the class, and returns 2.
 * call, values and response may be NULL. */
int ndl_push_error(lua_State *L, const struct nd_error *err,
                   const struct nd_call *call, const struct nd_values *values,
                   const struct nd_buffer *response);

#endif
