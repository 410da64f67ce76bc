/* One connection to the service: libcurl looks up the name, goes through
 * the proxy, connects, and does TLS; what is sent and received over it is
 * ninedig's own business.  See also pool.h. */
#ifndef ND_CONNECTION_H
#define ND_CONNECTION_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "settings.h"

struct nd_transfer;

#define ND_CONNECTION_DETAIL_MAX 256

struct nd_connection {
    void *easy;                   /* CURL; in the pool's CURLM */
    struct nd_settings *settings; /* held: what it was made for */
    int fd;                       /* -1 until it is connected */
    int64_t began_ms;             /* when it began to connect */
    int64_t idle_since_ms;        /* when its last answer was whole */
    struct nd_transfer *transfer; /* NULL while it is idle */
    struct nd_connection *before; /* in the pool's list of idle ones */
    struct nd_connection *after;
    char detail[ND_CONNECTION_DETAIL_MAX]; /* libcurl's own words */
};

enum nd_io {
    ND_IO_DONE,  /* some bytes went or came */
    ND_IO_AGAIN, /* not now; TLS may hold what was to be sent */
    ND_IO_END,   /* the other side has ended it, in order */
    ND_IO_FAILED
};

/* Checks the libcurl that is loaded. */
bool nd_connection_check_libcurl(struct nd_error *err);

/* A connection that has not begun yet.  share is a CURLSH.  NULL where this
 * fails, with code set to a CURLcode. */
struct nd_connection *nd_connection_new(struct nd_settings *settings,
                                        void *share, int *code);

/* Takes it off its CURLM, which closes it.  Its socket is closed then. */
void nd_connection_unplug(struct nd_connection *connection, void *multi);

/* Takes NULL. */
void nd_connection_free(struct nd_connection *connection);

/* libcurl has connected it; false where it has no socket all the same. */
bool nd_connection_ready(struct nd_connection *connection);

enum nd_io nd_connection_send(struct nd_connection *connection,
                              const char *bytes, size_t length, size_t *sent);
enum nd_io nd_connection_receive(struct nd_connection *connection, char *bytes,
                                 size_t size, size_t *received);

/* What was not delivered is dropped here and now, so that nothing of it
 * arrives later.  The connection is then good for nothing but to be freed. */
void nd_connection_reset(struct nd_connection *connection);

/* Lets a connection whose answer was whole be closed in order. */
void nd_connection_make_orderly(struct nd_connection *connection);

/* A write to a connection that is gone raises SIGPIPE in OpenSSL, below
 * libcurl 7.87.  Each call of libcurl that may write stands between these
 * two. */
struct nd_signals {
    bool blocked; /* below 7.87 only */
    bool pending; /* one was there before, and is not ours to take */
    sigset_t old;
};
void nd_signals_block(struct nd_signals *signals);
void nd_signals_restore(const struct nd_signals *signals);

#endif
