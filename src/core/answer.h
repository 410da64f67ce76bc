/* HTTP/1.1 answers, read strictly: bytes in, an answer out, or word that it
 * is none.  Pure but for dates, which libcurl reads and which may need the
 * time; resumable at each byte. */
#ifndef ND_ANSWER_H
#define ND_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define ND_DETAIL_MAX 512

/* Bytes that are kept of a line: more than any that is read has. */
#define ND_LINE_KEPT 256

/* More than a date has, "Sun, 06 Nov 1994 08:49:37 GMT". */
#define ND_DATE_MAX 40

/* Where the reader is. */
enum nd_phase {
    ND_PHASE_STATUS_LINE,
    ND_PHASE_HEADERS,
    ND_PHASE_BODY,       /* of a known length, or until the end */
    ND_PHASE_CHUNK_SIZE, /* in the line that has it */
    ND_PHASE_CHUNK,
    ND_PHASE_AFTER_CHUNK, /* in the line end behind it */
    ND_PHASE_TRAILERS,
    ND_PHASE_WHOLE /* the answer came to its end */
};

/* How an exchange failed; the words are in outcome.c. */
enum nd_fault {
    ND_FAULT_NONE,
    ND_FAULT_CONNECT, /* no connection could be made: see curl_code */
    ND_FAULT_UNASKED, /* a new connection spoke or ended unasked */
    ND_FAULT_TIMEOUT,
    ND_FAULT_LOST,       /* no byte of an answer, or half a status line */
    ND_FAULT_CUT,        /* inside of its headers or body */
    ND_FAULT_EARLY,      /* it came before the request was written whole */
    ND_FAULT_UNREADABLE, /* it is not HTTP/1.1, or of an unsafe kind */
    ND_FAULT_TOO_LARGE,  /* its body */
    ND_FAULT_CANCELLED,
    ND_FAULT_MEMORY
};

/* Marks a body whose length is known by its end alone. */
#define ND_UNTIL_END UINT64_MAX

struct nd_answer {
    /* what happened, as the engine noted it */
    bool sent;    /* a byte of the request may have left */
    bool reused;  /* on a connection that was kept */
    bool proxied; /* of ND_FAULT_CONNECT: there was a proxy in the way */
    enum nd_fault fault;
    int curl_code;           /* of ND_FAULT_CONNECT, or 0 */
    double connect_seconds;  /* of a new connection, or ND_UNSET */
    struct nd_buffer detail; /* the proxy, libcurl's words */

    /* what the answer says */
    long http_status;   /* ND_UNSET until a final one came */
    double retry_after; /* seconds, or ND_UNSET */
    bool keeps;         /* whole, and its connection may be used again */
    struct nd_buffer body;

    /* the reader's own */
    enum nd_phase phase;
    bool is_http11;         /* or later: the connection stays by itself */
    bool closes;            /* a Connection header says more than keep-alive */
    bool chunked;           /* Transfer-Encoding: chunked */
    bool has_length;        /* Content-Length */
    bool line_has_cr;       /* the last byte of the line was a CR */
    bool in_ours;           /* the last header is one of those that are read */
    uint64_t left;          /* bytes of the body or chunk; or ND_UNTIL_END */
    char date[ND_DATE_MAX]; /* of Date, or "": to read it takes long */
    char retry_date[ND_DATE_MAX]; /* of Retry-After, likewise */
    unsigned int interim;         /* answers that were skipped */
    size_t header_bytes;          /* of all lines so far */
    size_t line_length;           /* of this line, without its end */
    char line[ND_LINE_KEPT];
};

void nd_answer_init(struct nd_answer *answer, size_t max_body);
void nd_answer_free(struct nd_answer *answer);

/* Takes bytes, as many as belong to the answer: the result says how many
 * that were.  fault is set where they are not, or no longer, an answer. */
size_t nd_answer_take(struct nd_answer *answer, const char *bytes,
                      size_t length);

/* Takes the orderly end of the connection, which may be that of the
 * answer, too; else fault is set. */
void nd_answer_end(struct nd_answer *answer);

/* The service's own time, in seconds since 1970; ND_UNSET where it did not
 * say. */
int64_t nd_answer_date(const struct nd_answer *answer);

/* The fault of an answer that ends where the reader is. */
enum nd_fault nd_answer_cut(const struct nd_answer *answer);

/* The whole answer came: all of its headers and all of its body. */
bool nd_answer_is_complete(const struct nd_answer *answer);

#endif
