/* The bytes of one request, rendered from checked values. */
#ifndef ND_REQUEST_H
#define ND_REQUEST_H

#include <stdbool.h>

#include "buffer.h"
#include "call.h"
#include "settings.h"

struct nd_request {
    const struct nd_call *call;
    struct nd_settings *settings; /* held */
    struct nd_values values;      /* texts belong to the request */
    const char *token;            /* one of the values, or NULL */
    char *texts;                  /* what the values point into */
    struct nd_buffer bytes;       /* what is sent: head and body */
    size_t head_length;           /* with the empty line */
};

/* Renders the call.  Nothing is sent.  The request is to be freed even
 * where this fails. */
bool nd_request_render(struct nd_request *request, const struct nd_call *call,
                       const struct nd_values *values,
                       struct nd_settings *settings, struct nd_error *err);

void nd_request_free(struct nd_request *request);

/* Adds the request as it is sent, but for the line ends, a method that is
 * followed by the whole URL, and the token.  False where memory is out or the
 * buffer is full. */
bool nd_request_show(const struct nd_request *request, struct nd_buffer *text);

#endif
