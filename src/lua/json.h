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

/*
 * Decodes the text of one object, with the missing commas supplied if it is
 * not well-formed without.  Pushes the table; or returns false and pushes
 * nothing.  decoder: index of the function.  text becomes the text that was
 * decoded, which scratch may hold.  Raises only where memory is out.
 */
bool ndl_decode_object(lua_State *L, int decoder, struct nd_text *text,
                       struct nd_buffer *scratch);

#endif
