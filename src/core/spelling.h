/* Text from outside that may be spelt in more than one way. */
#ifndef ND_SPELLING_H
#define ND_SPELLING_H

#include "json.h"

/* How far JSON's escapes are undone. */
enum nd_depth {
    ND_ONE_LEVEL, /* as in a string of JSON */
    ND_ALL_LEVELS /* as in JSON in a string of JSON, and so on: no backslash
                     is left */
};

/*
 * Reads one character and moves on: as it stands, in JSON's escapes,
 * percent-encoded, or HTML-escaped.  NULs before it are skipped, so that
 * ASCII in UTF-16 is read, too.  The result is a byte or a code point;
 * negative at the end, be it within an escape.
 */
long nd_spelt_char(struct nd_text *text, enum nd_depth depth);

#endif
