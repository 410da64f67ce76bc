/* A JSON decoder that nobody else's settings reach. */
#ifndef NDL_JSON_H
#define NDL_JSON_H

#include <stdbool.h>

#include "../core/buffer.h"
#include "../core/json_text.h"
#include "compat.h"

/* Pushes the decode function of a lua-cjson instance of our own.  Raises
 * where lua-cjson is not installed. */
void ndl_push_decoder(lua_State *L);

/***
Read a JSON object of plain values, strictly: a key twice, a number that JSON
does not have, an object or array in it, or text behind it is a fault.
@function read_object
@tparam string text
@treturn[1] table its values: strings, booleans, and numbers, which are
integers where the VM has them; from 2^53 up they are strings of digits where
it has not. What is null is left out.
@treturn[2] nil
@treturn[2] string what is wrong, such as "it has the key \"inboxID\" twice"
*/
int ndl_read_object(lua_State *L);

/*
 * Reads the text of an object of plain strings and whole numbers without a
 * key twice, which nearly every answer is: lua-cjson takes several times as
 * long, a tenth of what a whole call costs.  Pushes the table.  For any
 * other text, such as one with a nested value, an escape or a fraction,
 * returns false and pushes nothing: ndl_decode_object alone decides what is
 * well-formed, and nothing is read here that it would not read alike.
 */
bool ndl_read_flat_object(lua_State *L, struct nd_text text);

/*
 * Decodes the text of one object, with the missing commas supplied if it is
 * not well-formed without.  Pushes the table; or returns false and pushes
 * nothing.  decoder: index of the function.  text becomes the text that was
 * decoded, which scratch may hold.  Raises only where memory is out.
 */
bool ndl_decode_object(lua_State *L, int decoder, struct nd_text *text,
                       struct nd_buffer *scratch);

#endif
