/* The sockets that an engine waits for, in one poll(). */
#ifndef ND_WATCH_H
#define ND_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct pollfd;
struct nd_connection;

struct nd_watch {
    struct pollfd *sockets;
    struct nd_connection **owners; /* of each; NULL for one of libcurl's */
    size_t count;
    size_t room;
};

void nd_watch_free(struct nd_watch *watch);

/* Makes room for that many; false where memory is out. */
bool nd_watch_reserve(struct nd_watch *watch, size_t count);

/* Waits for these events of fd from now on; for none, no longer.  False
 * where memory is out. */
bool nd_watch_set(struct nd_watch *watch, int fd, short events,
                  struct nd_connection *owner);

#endif
