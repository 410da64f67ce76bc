#include "watch.h"

#include <poll.h>
#include <stdlib.h>

void nd_watch_free(struct nd_watch *watch)
{
    free(watch->sockets);
    free(watch->owners);
}

bool nd_watch_reserve(struct nd_watch *watch, size_t count)
{
    size_t room = watch->room ? watch->room : 8;
    struct nd_connection **owners;
    struct pollfd *sockets;

    if (count <= watch->room)
        return true;
    while (room < count)
        room *= 2;
    owners = realloc(watch->owners, room * sizeof(struct nd_connection *));
    if (!owners)
        return false;
    watch->owners = owners;
    sockets = realloc(watch->sockets, room * sizeof *sockets);
    if (!sockets)
        return false;
    watch->sockets = sockets;
    watch->room = room;
    return true;
}

bool nd_watch_set(struct nd_watch *watch, int fd, short events,
                  struct nd_connection *owner)
{
    size_t i = watch->count;

    /* The newest first: it is mostly the one. */
    while (i > 0 && watch->sockets[i - 1].fd != fd)
        i--;
    if (i == 0 && events) {
        if (!nd_watch_reserve(watch, watch->count + 1))
            return false;
        i = ++watch->count;
    }
    if (i == 0)
        return true;
    if (!events) {
        watch->count--;
        watch->sockets[i - 1] = watch->sockets[watch->count];
        watch->owners[i - 1] = watch->owners[watch->count];
        return true;
    }
    watch->sockets[i - 1].fd = fd;
    watch->sockets[i - 1].events = events;
    watch->sockets[i - 1].revents = 0;
    watch->owners[i - 1] = owner;
    return true;
}
