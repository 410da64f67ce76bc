/* Keeps secrets out of what a person or a log is shown. */
#ifndef ND_REDACT_H
#define ND_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

/*
 * Adds text, which came from outside, to out, until out is full.  In place
 * of each secret stands "[redacted]": of secret itself, plain or in JSON's
 * escapes, and where the text ends within it; of the values of keys that
 * are named like a secret; of what follows "Bearer"; of a URL's user.
 * secret may be NULL.  False where memory is out.
 */
bool nd_redact(struct nd_buffer *out, const char *text, size_t length,
               const char *secret);

#endif
