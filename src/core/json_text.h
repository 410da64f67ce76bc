/* What lua-cjson does not say of a JSON text: what is around the value,
 * which keys stand twice, and the one repair that the service's own
 * document needs. */
#ifndef ND_JSON_TEXT_H
#define ND_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

/* The text without a byte order mark and the white space around it. */
struct nd_text nd_json_trim(const char *text, size_t length);

/* Which of the keys stand twice in one object of that depth, however they
 * are spelt: bit n is that of keys[n].  The outermost object has depth 1.
 * The text must be well-formed.  keys ends in NULL. */
unsigned int nd_json_keys_twice(struct nd_text text, int depth,
                                const char *const *keys);

/* Adds the text to out, with the comma that is missing between a value at
 * the end of a line and a key at the start of the next one.  False where no
 * comma is missing there, or out has no room, which full tells. */
bool nd_json_add_commas(struct nd_buffer *out, struct nd_text text,
                        bool *full);

#endif
