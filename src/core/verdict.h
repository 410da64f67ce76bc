/* What the body of an answer says about the request: from the bytes alone,
 * whatever the locale.  The contract's words on results and refusals. */
#ifndef ND_VERDICT_H
#define ND_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "call.h"

enum nd_says {
    ND_SAYS_NOTHING,       /* not an object, or one without a clear status */
    ND_SAYS_OK,            /* all that a success needs */
    ND_SAYS_CONTRADICTION, /* of itself, or of what was asked for */
    ND_SAYS_FAIL           /* a refusal */
};

struct nd_verdict {
    enum nd_says says;
    long reason;      /* of ND_SAYS_FAIL: above 1 */
    const char *flaw; /* why it is neither a success nor a refusal */
    bool doubtful;    /* under 4xx: it may yet have been carried out */
};

/* values: what was asked for, as it was sent. */
void nd_judge(struct nd_verdict *verdict, const struct nd_call *call,
              const struct nd_values *values, long http_status,
              const char *body, size_t length);

#endif
