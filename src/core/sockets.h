/* The sockets that libcurl has open for an engine: which of them it wants
 * watched, and whether a kept connection is still fit for a request. */
#ifndef ND_SOCKETS_H
#define ND_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pollfd;

/* Longer than any address that libcurl names. */
#define ND_IP_MAX 64

/* The ends of a connection, as libcurl names them.  A port of this side may
 * serve a connection to each of several services. */
struct nd_ends {
    int port;
    int remote_port; /* the proxy's where there is one */
    char remote_ip[ND_IP_MAX];
};

struct nd_connection {
    int fd;
    struct nd_ends ends; /* port is 0 until its first request */
    int64_t used_ms;     /* when its last answer was whole, monotonic */
};

struct nd_sockets {
    struct pollfd *watched;
    size_t watched_count;
    size_t watched_room;
    struct nd_connection *open;
    size_t open_count;
    size_t open_room;
};

void nd_sockets_free(struct nd_sockets *sockets);

/* Milliseconds of a clock that is never set back. */
int64_t nd_monotonic_ms(void);

/* Makes room for that many watched sockets; false where memory is out. */
bool nd_sockets_reserve(struct nd_sockets *sockets, size_t watched);

/* Watches fd for these events of poll(); for none, no longer.  False where
 * memory is out. */
bool nd_sockets_watch(struct nd_sockets *sockets, int fd, short events);

/* A new socket, which the processes that a script starts do not inherit; or
 * -1. */
int nd_sockets_open(struct nd_sockets *sockets, int family, int type,
                    int protocol);
int nd_sockets_close(struct nd_sockets *sockets, int fd);

/*
 * The connection that a request is about to be sent on, by its ends, is fit
 * for it: it is new; or its last answer came at most max_idle_ms ago, and
 * nothing has come since.  What has would be taken for the answer to a
 * request that the service has not read yet.  fd is set, or -1 where the
 * connection is not known.
 */
bool nd_sockets_is_fit(struct nd_sockets *sockets, const struct nd_ends *ends,
                       int64_t max_idle_ms, int *fd);

/* The connection's answer is whole: it is idle from now on. */
void nd_sockets_set_idle(struct nd_sockets *sockets, int fd);

#endif
