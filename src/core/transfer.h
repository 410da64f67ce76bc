/* One request and what became of it. */
#ifndef ND_TRANSFER_H
#define ND_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "request.h"

struct nd_connection;
struct nd_engine;

enum nd_transfer_state {
    ND_TRANSFER_READY,   /* rendered; no engine knows of it */
    ND_TRANSFER_QUEUED,  /* waits for a free connection */
    ND_TRANSFER_RUNNING, /* has one, or one is being made for it */
    ND_TRANSFER_DONE     /* its answer tells how it ended */
};

struct nd_transfer {
    enum nd_transfer_state state;
    struct nd_request request;
    struct nd_answer answer;
    intptr_t caller;                  /* who alone may begin it; 0: anybody */
    int64_t seen_ms;                  /* when its caller came last */
    bool held;                        /* connected, until its caller comes */
    size_t written;                   /* bytes of the request that went */
    bool has_more;                    /* to read, whatever poll() says */
    long timeout_ms;                  /* for the whole transfer */
    int64_t deadline_ms;              /* of nd_clock_ms, once submitted */
    int64_t connect_deadline_ms;      /* likewise, once it runs */
    struct nd_engine *engine;         /* NULL unless queued or running */
    struct nd_connection *connection; /* NULL unless running */
    struct nd_transfer *before;       /* in the engine's list */
    struct nd_transfer *after;
};

bool nd_transfer_init(struct nd_transfer *transfer, const struct nd_call *call,
                      const struct nd_values *values,
                      struct nd_settings *settings, struct nd_error *err);

/* Takes a zeroed or half-made one.  It must not be queued or running. */
void nd_transfer_free(struct nd_transfer *transfer);

#endif
