/* Lua tables from JSON text. */
#ifndef NDL_JSON_H
#define NDL_JSON_H

#include <stdbool.h>

#include "../core/buffer.h"
#include "../core/json.h"
#include "../core/verdict.h"
#include "compat.h"

/* Pushes the decode function of a lua-cjson instance of our own, which nobody
 * else's settings reach.  Raises where lua-cjson is not installed. */
void ndl_push_decoder(lua_State *L);

/***
Read a JSON object, strictly: a key twice, a number that JSON does not have, or
text behind it is a fault; and so is an object or array in it, unless they are
asked for.
@function read_object
@tparam string text
@tparam[opt=false] boolean nested objects and arrays may be in it
@treturn[1] table its values: strings, booleans, and numbers, which are
integers where the VM has them; from 2^53 up they are strings of digits where
it has not. What is null is left out.
@treturn[1] table by each of its keys true, also where the value is null
@treturn[2] nil
@treturn[2] string what is wrong, such as "it has the key \"inboxID\" twice"
*/
int ndl_read_object(lua_State *L);

/* Pushes what the inside of a JSON string says. */
void ndl_push_string(lua_State *L, struct nd_text string, bool escaped);

/*
 * Sets the fields that were noted while the answer was judged, in the table
 * on the top, which is fast: lua-cjson would read all of it again.  Where
 * there are others, or a number that not every VM holds as an integer,
 * returns false.
 */
bool ndl_set_extras(lua_State *L, const struct nd_verdict *verdict);

/* Pushes what lua-cjson makes of a text that is well-formed and not too
 * deep.  decoder: index of its function. */
void ndl_push_decoded(lua_State *L, int decoder, const struct nd_buffer *text);

#endif
