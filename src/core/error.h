/* What can go wrong with a call, as data.  Its kinds and outcomes are told
 * in docs/errors.md. */
#ifndef ND_ERROR_H
#define ND_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum nd_kind {
    ND_KIND_ARGUMENT,
    ND_KIND_NETWORK,
    ND_KIND_HTTP,
    ND_KIND_PROTOCOL,
    ND_KIND_API
};

enum nd_outcome {
    ND_NOT_SENT, /* no byte of the request left */
    ND_REJECTED, /* the service refused it: nothing changed */
    ND_UNKNOWN,  /* it may have been carried out */
    ND_NONE      /* the call changes nothing, whatever happened to it */
};

#define ND_MESSAGE_MAX 512

/* Marks a number of an error that is not set. */
#define ND_UNSET (-1)

struct nd_error {
    enum nd_kind kind;
    enum nd_outcome outcome;
    const char *name; /* a literal; see names.def and reasons.def */
    bool retryable;
    int64_t reason;     /* the service's code, or ND_UNSET */
    long http_status;   /* or ND_UNSET */
    int curl_code;      /* or ND_UNSET */
    double retry_after; /* seconds, or ND_UNSET */
    char message[ND_MESSAGE_MAX];
};

const char *nd_kind_name(enum nd_kind kind);
const char *nd_outcome_name(enum nd_outcome outcome);

/* Fills err as a bad argument, which is to say that nothing was sent.
 * Returns false, so that a check is one statement. */
bool nd_fail(struct nd_error *err, const char *name, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* The same for memory that ran out before anything was sent. */
bool nd_fail_memory(struct nd_error *err);

#endif
