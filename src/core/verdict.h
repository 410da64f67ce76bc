/* What the body of an answer says about the request: from the bytes alone,
 * whatever the locale.  See docs/internals/truth.md. */
#ifndef ND_VERDICT_H
#define ND_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"
#include "json.h"

enum nd_says {
    ND_SAYS_NOTHING,       /* not an object, or one without a clear status */
    ND_SAYS_OK,            /* all that a success needs */
    ND_SAYS_CONTRADICTION, /* of itself, or of what was asked for */
    ND_SAYS_FAIL           /* a refusal */
};

/* A field that has a plain value, and is not known from the request: it is
 * passed on. */
struct nd_extra {
    struct nd_text key;
    struct nd_text value;
    bool key_escaped;
    bool value_escaped;
    enum nd_json_token token;
};

#define ND_EXTRAS_MAX 8

struct nd_verdict {
    enum nd_says says;
    int64_t reason;   /* of ND_SAYS_FAIL: above 1 */
    const char *flaw; /* why it is neither a success nor a refusal */
    bool doubtful;    /* under 4xx: it may yet have been carried out */
    int extras;       /* how many; -1 where there are others than these */
    struct nd_extra extra[ND_EXTRAS_MAX];
    struct nd_extra text; /* of a call that erases: the result that is one;
                             token is ND_JSON_NULL where there is none */
};

/* values: what was asked for, as it was sent. */
void nd_judge(struct nd_verdict *verdict, const struct nd_call *call,
              const struct nd_values *values, long http_status,
              const char *body, size_t length);

#endif
