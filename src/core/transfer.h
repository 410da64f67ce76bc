/* One request and what became of it: the way to libcurl's easy interface.
 * The rule that a request is sent at most once is kept here. */
#ifndef ND_TRANSFER_H
#define ND_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "request.h"
#include "sockets.h"

struct nd_engine;
struct nd_handle;

enum nd_transfer_state {
    ND_TRANSFER_READY,   /* rendered; no engine knows of it */
    ND_TRANSFER_QUEUED,  /* waits for a free connection */
    ND_TRANSFER_RUNNING, /* libcurl has it */
    ND_TRANSFER_DONE     /* its answer tells how it ended */
};

struct nd_transfer {
    enum nd_transfer_state state;
    struct nd_request request;
    struct nd_answer answer;
    long timeout_ms;             /* for the whole transfer */
    bool needs_new_connection;   /* a kept one was unfit for it */
    int64_t deadline_ms;         /* of the monotonic clock, once submitted */
    int64_t connect_deadline_ms; /* likewise, once it runs */
    struct nd_engine *engine;    /* NULL unless queued or running */
    struct nd_handle *handle;    /* NULL unless running */
    struct nd_transfer *before;  /* in the engine's list */
    struct nd_transfer *after;
};

/* An easy handle with what it was set up for.  It is reused for the next
 * call of the same kind, of which only the body differs. */
struct nd_handle {
    void *easy;                   /* CURL */
    void *url;                    /* CURLU: not parsed again at each call */
    struct curl_slist *headers;   /* what the easy handle points at */
    struct nd_settings *settings; /* held */
    const struct nd_call *call;
    char *token;
    struct nd_sockets *sockets;   /* the engine's */
    int fd;                       /* of the request, or -1 */
    bool unfit;                   /* that connection was unfit for it */
    struct nd_transfer *transfer; /* NULL while it is spare */
    struct nd_handle *next;       /* in the engine's list of spare ones */
    char error[ND_DETAIL_MAX];    /* libcurl's own words */
};

bool nd_transfer_init(struct nd_transfer *transfer, const struct nd_call *call,
                      const struct nd_values *values,
                      struct nd_settings *settings, struct nd_error *err);

/* Takes a zeroed or half-made one.  It must not be queued or running. */
void nd_transfer_free(struct nd_transfer *transfer);

/* NULL where memory is out. */
struct nd_handle *nd_handle_new(struct nd_sockets *sockets);
void nd_handle_free(struct nd_handle *handle);

/* Gives the handle this transfer to carry out within the time that is
 * left.  The result is 0 or a CURLcode; on failure nothing was sent. */
int nd_handle_load(struct nd_handle *handle, struct nd_transfer *transfer,
                   long timeout_ms);

/* Takes the transfer off the handle and notes how it ended. */
void nd_handle_unload(struct nd_handle *handle, int curl_code);

#endif
