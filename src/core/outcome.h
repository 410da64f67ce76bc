/* What became of a call: a pure function of what happened on the wire and
 * of what the answer says.  The table of docs/internals/truth.md. */
#ifndef ND_OUTCOME_H
#define ND_OUTCOME_H

#include <stdbool.h>

#include "answer.h"
#include "call.h"
#include "error.h"
#include "redact.h"
#include "verdict.h"

/* True for a success.  Otherwise fills err, with the secrets kept out of it.
 * verdict is looked at only where the answer is complete. */
bool nd_outcome(struct nd_error *err, const struct nd_call *call,
                const struct nd_answer *answer,
                const struct nd_verdict *verdict,
                const struct nd_secrets *secrets);

#endif
