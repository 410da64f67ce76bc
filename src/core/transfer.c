#include "transfer.h"

/* Of the answer to a call that brings no list. */
#define ND_SHORT_ANSWER_MAX 65536

static size_t max_body(const struct nd_call *call,
                       const struct nd_settings *settings)
{
    size_t max = settings->max_response_bytes;

    return nd_call_brings_list(call) || max < ND_SHORT_ANSWER_MAX
               ? max
               : ND_SHORT_ANSWER_MAX;
}

bool nd_transfer_init(struct nd_transfer *transfer, const struct nd_call *call,
                      const struct nd_values *values,
                      struct nd_settings *settings, struct nd_error *err)
{
    transfer->state = ND_TRANSFER_READY;
    transfer->engine = NULL;
    transfer->connection = NULL;
    transfer->written = 0;
    transfer->has_more = false;
    transfer->timeout_ms = settings->timeout_ms;
    nd_answer_init(&transfer->answer, max_body(call, settings));
    return nd_request_render(&transfer->request, call, values, settings, err);
}

void nd_transfer_free(struct nd_transfer *transfer)
{
    nd_request_free(&transfer->request);
    nd_answer_free(&transfer->answer);
}
