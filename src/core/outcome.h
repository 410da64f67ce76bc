/* What became of a call: a pure function of what happened on the wire and
 * of what the answer says.  The contract's table of kinds and outcomes. */
#ifndef ND_OUTCOME_H
#define ND_OUTCOME_H

#include <stdbool.h>

#include "answer.h"
#include "call.h"
#include "error.h"

/* What the body of an answer says, whatever its HTTP status is. */
enum nd_says {
    ND_SAYS_NOTHING, /* not an object, or one without a clear status */
    ND_SAYS_OK,      /* all that a success needs */
    ND_SAYS_OK_BUT,  /* its status is, or may be, "OK"; not a success */
    ND_SAYS_FAIL     /* a refusal */
};

struct nd_verdict {
    enum nd_says says;
    long reason;      /* of ND_SAYS_FAIL: above 1 */
    const char *flaw; /* why it is neither a success nor a refusal */
};

/* True for a success.  Otherwise fills err, with secret kept out of it.
 * verdict is looked at only where the answer is complete. */
bool nd_outcome(struct nd_error *err, const struct nd_call *call,
                const struct nd_answer *answer,
                const struct nd_verdict *verdict, const char *secret);

#endif
