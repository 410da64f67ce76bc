/* Keeps secrets out of what a person or a log is shown. */
#ifndef ND_REDACT_H
#define ND_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "json.h"
#include "request.h"

/* What must not be shown.  The texts stay their owners'. */
#define ND_SECRETS_MAX 8

struct nd_secrets {
    struct nd_text of[ND_SECRETS_MAX];
    size_t count;
};

/* Adds one; an empty text or NULL is none. */
void nd_secrets_add(struct nd_secrets *secrets, const char *text);

/* Adds the user and password of a URL, well-formed or not: what is before its
 * last "@", together and one by one.  url may be NULL. */
void nd_secrets_add_url(struct nd_secrets *secrets, const char *url);

/* Adds all that the settings have. */
void nd_secrets_add_settings(struct nd_secrets *secrets,
                             const struct nd_settings *settings);

/* Adds all that a request, or its settings, have. */
void nd_secrets_add_request(struct nd_secrets *secrets,
                            const struct nd_request *request);

/*
 * Adds the beginning of text, which came from outside, to out, until out is
 * full.  In place of each secret stands "[redacted]": of the secrets given,
 * plain, in JSON's escapes, percent-encoded, HTML-escaped, as ASCII in
 * UTF-16, and in up to three of these in one another, and where the text ends
 * within one; of the values of keys that are named like a secret; of what
 * follows "Bearer"; of a URL's user.  Nothing is shown of a text that is
 * encoded more often.  Takes time in line with the text.  False where memory
 * is out.
 */
bool nd_redact(struct nd_buffer *out, const char *text, size_t length,
               const struct nd_secrets *secrets);

/* Whether a key is named like a secret: any of the names after which
 * nd_redact hides a value stands in it, in any case. */
bool nd_is_secret_name(const char *key, size_t length);

#endif
