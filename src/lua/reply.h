/* The table that a success becomes. */
#ifndef NDL_REPLY_H
#define NDL_REPLY_H

#include "../core/buffer.h"
#include "../core/redact.h"
#include "../core/transfer.h"
#include "../core/verdict.h"
#include "compat.h"

/*
 * Pushes the result of a transfer whose answer was judged to be a success.
 * decoder: index of the function of json.h.  secrets: what the number that
 * the service names does not show, as it goes into journals.  Raises only
 * where memory is out.
 */
void ndl_push_result(lua_State *L, int decoder,
                     const struct nd_transfer *transfer,
                     const struct nd_verdict *verdict,
                     const struct nd_secrets *secrets,
                     struct nd_buffer *scratch);

#endif
