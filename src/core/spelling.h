/* Text from outside that may be spelt in more than one way. */
#ifndef ND_SPELLING_H
#define ND_SPELLING_H

#include "json.h"

/*
 * Reads one character and moves on: as it stands, in JSON's escapes with any
 * number of backslashes, percent-encoded, or HTML-escaped.  Backslashes and
 * NULs before it are skipped, so that JSON in JSON and UTF-16 are read, too.
 * The result is a byte or a code point; negative at the end, be it within an
 * escape.
 */
long nd_spelt_char(struct nd_text *text);

#endif
