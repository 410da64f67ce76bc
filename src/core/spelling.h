/* Text from outside that may be spelt in more than one way. */
#ifndef ND_SPELLING_H
#define ND_SPELLING_H

#include "json.h"

/* Encodings. */
/* As in a string of JSON. */
#define ND_SPELT_JSON 1u
/* As in JSON in a string of JSON, and so on: no backslash is left. */
#define ND_SPELT_NESTED 2u
/* As in a URL. */
#define ND_SPELT_PERCENT 4u
#define ND_SPELT_HTML 8u
/* As ASCII in UTF-16: NULs are nothing. */
#define ND_SPELT_WIDE 16u

/*
 * Reads one character and moves on: as it stands, or in one of the
 * encodings.  The result is a byte or a code point; negative at the end, be it
 * within an escape.
 */
long nd_spelt_char(struct nd_text *text, unsigned int encodings);

#endif
