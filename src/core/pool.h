/* The connections of an engine: those that libcurl is making, and those that
 * are idle and may be used again.  No file knows libcurl's handles but this
 * one's, connection.c, trust.c and tls.c. */
#ifndef ND_POOL_H
#define ND_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"
#include "watch.h"

struct nd_pool {
    void *multi;       /* CURLM: every connection's easy handle is on it */
    void *share;       /* CURLSH: TLS sessions */
    size_t connecting; /* connections that libcurl is making */
    size_t open;       /* all connections */
    size_t max_open;   /* at most so many: the largest max_in_flight */
    struct nd_connection *newest; /* of the idle ones */
    struct nd_connection *oldest;
    struct nd_watch *watch;           /* the engine's */
    struct nd_distrusted *distrusted; /* a list */
    bool failed;                      /* the CURLM is broken */
};

/* False where memory is out. */
bool nd_pool_init(struct nd_pool *pool, struct nd_watch *watch);

/* Closes all connections.  Those with a transfer must have been dropped. */
void nd_pool_free(struct nd_pool *pool);

/* Frees what can be freed in a child of the process that made it: nothing
 * of libcurl's is touched. */
void nd_pool_leave(struct nd_pool *pool);

/* An idle connection for these settings that was used last, and was idle for
 * no longer than they allow; NULL where there is none.  It may have ended
 * meanwhile, or have something to read. */
struct nd_connection *nd_pool_take(struct nd_pool *pool,
                                   const struct nd_settings *settings,
                                   int64_t now_ms);

/* Begins to make a connection.  NULL where this fails, with code set to a
 * CURLcode. */
struct nd_connection *nd_pool_connect(struct nd_pool *pool,
                                      struct nd_settings *settings,
                                      int64_t now_ms, int *code);

/* The next connection that libcurl has come to an end with, or NULL; code is
 * 0 where it is ready. */
struct nd_connection *nd_pool_next_connected(struct nd_pool *pool, int *code);

/* The connection's answer was whole: it is idle from now on. */
void nd_pool_keep(struct nd_pool *pool, struct nd_connection *connection,
                  int64_t now_ms);

/* Closes a connection whose answer was whole. */
void nd_pool_close(struct nd_pool *pool, struct nd_connection *connection);

/* Ends a connection, so that nothing that was sent arrives later. */
void nd_pool_drop(struct nd_pool *pool, struct nd_connection *connection);

/* Closes those that nobody may use again. */
void nd_pool_expire(struct nd_pool *pool, int64_t now_ms);

/* Lets libcurl act on a socket, by events of poll(). */
void nd_pool_act(struct nd_pool *pool, int fd, short events);

/* Lets libcurl act on what is due. */
void nd_pool_act_on_time(struct nd_pool *pool);

/* Milliseconds until libcurl has something due, or max. */
long nd_pool_due_ms(struct nd_pool *pool, long max);

/* The service has closed a kept connection unasked.  For an hour a call that
 * erases is not given one to it. */
void nd_pool_distrust(struct nd_pool *pool, const struct nd_settings *settings,
                      int64_t now_ms);
bool nd_pool_is_distrusted(const struct nd_pool *pool,
                           const struct nd_settings *settings, int64_t now_ms);

#endif
