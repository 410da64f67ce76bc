/* One request and its answer, over a connection that is there.  There is no
 * way here to send anything twice. */
#ifndef ND_EXCHANGE_H
#define ND_EXCHANGE_H

#include "connection.h"
#include "transfer.h"

enum nd_progress {
    ND_UNFIT,    /* of the connection; nothing was sent on it */
    ND_GOES_ON,  /* waits for its socket, see nd_exchange_events */
    ND_HAS_MORE, /* the same, but more may be there than the socket shows */
    ND_HAS_ENDED /* the transfer's answer tells how */
};

/* Looks whether anything is there to be read, which would be taken for the
 * answer to a request that nobody has seen; then sends. */
enum nd_progress nd_exchange_begin(struct nd_transfer *transfer);

/* Does what can be done, once the socket is ready. */
enum nd_progress nd_exchange_go_on(struct nd_transfer *transfer);

/* The request is written, and its answer waited for. */
bool nd_exchange_is_written(const struct nd_transfer *transfer);

/* The events of poll() that it waits for. */
short nd_exchange_events(const struct nd_transfer *transfer);

#endif
