/* What came back on the wire: the status, what the headers say, the body. */
#ifndef ND_ANSWER_H
#define ND_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define ND_DETAIL_MAX 256

struct nd_answer {
    bool sent;              /* the first byte of the request may have left */
    bool resend_prevented;  /* libcurl tried to send it once more */
    bool cancelled;         /* given up by the caller */
    bool too_large;         /* the body is over its maximum */
    bool out_of_memory;     /* the body could not be kept */
    bool in_headers;        /* a status line came, be it of a 1xx */
    bool headers_ended;     /* of the final answer, not of a 1xx */
    size_t header_bytes;    /* so far, with those of 1xx and trailers */
    int curl_code;          /* how the transfer ended */
    long http_status;       /* ND_UNSET until a final one came */
    double retry_after;     /* seconds, or ND_UNSET */
    int64_t date;           /* the service's own clock, unix; or ND_UNSET */
    bool reused;            /* it came on a connection that was kept */
    double connect_seconds; /* until a new one was ready, or ND_UNSET */
    struct nd_buffer body;
    char detail[ND_DETAIL_MAX]; /* libcurl's own words, or "" */
};

void nd_answer_init(struct nd_answer *answer, size_t max_body);
void nd_answer_free(struct nd_answer *answer);

/* Takes one header line as libcurl delivers it, with its line end; false
 * where there are too many. */
bool nd_answer_header(struct nd_answer *answer, const char *line,
                      size_t length);

/* Takes a piece of the body; false where it cannot be kept. */
bool nd_answer_body(struct nd_answer *answer, const char *bytes,
                    size_t length);

/* The whole answer came: all of its headers and all of its body. */
bool nd_answer_is_complete(const struct nd_answer *answer);

#endif
