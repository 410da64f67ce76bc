/* What an answer's body says about the request. */
#ifndef NDL_REPLY_H
#define NDL_REPLY_H

#include "../core/outcome.h"
#include "../core/transfer.h"
#include "compat.h"

/*
 * Judges the body of a complete answer.  Pushes the decoded object, or nil
 * where it is none.  decoder: index of the function of json.h.  Raises only
 * where memory is out.
 */
void ndl_judge_reply(lua_State *L, int decoder,
                     const struct nd_transfer *transfer,
                     struct nd_buffer *scratch, struct nd_verdict *verdict);

/* Turns the object of a success, on the top, into the result. */
void ndl_make_result(lua_State *L, const struct nd_transfer *transfer);

#endif
