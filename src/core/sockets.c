#include "sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t nd_monotonic_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void nd_sockets_free(struct nd_sockets *sockets)
{
    free(sockets->watched);
    free(sockets->open);
}

/* Room for count elements of that size, doubling; false where memory is
 * out. */
static bool grow(void **array, size_t *room, size_t count, size_t size)
{
    size_t larger = *room ? *room : 8;
    void *moved;

    if (count <= *room)
        return true;
    while (larger < count)
        larger *= 2;
    moved = realloc(*array, larger * size);
    if (!moved)
        return false;
    *array = moved;
    *room = larger;
    return true;
}

/* ----- watching ----- */

bool nd_sockets_reserve(struct nd_sockets *sockets, size_t watched)
{
    return grow((void **)&sockets->watched, &sockets->watched_room, watched,
                sizeof *sockets->watched);
}

static bool watch_new(struct nd_sockets *sockets, int fd, short events)
{
    struct pollfd *place;

    if (!nd_sockets_reserve(sockets, sockets->watched_count + 1))
        return false;
    place = &sockets->watched[sockets->watched_count++];
    place->fd = fd;
    place->events = events;
    place->revents = 0;
    return true;
}

bool nd_sockets_watch(struct nd_sockets *sockets, int fd, short events)
{
    struct pollfd *watched = sockets->watched;
    size_t i = 0;

    while (i < sockets->watched_count && watched[i].fd != fd)
        i++;
    if (i == sockets->watched_count)
        return !events || watch_new(sockets, fd, events);
    if (events)
        watched[i].events = events;
    else
        watched[i] = watched[--sockets->watched_count];
    return true;
}

/* ----- connections ----- */

int nd_sockets_open(struct nd_sockets *sockets, int family, int type,
                    int protocol)
{
    struct nd_connection *connection;
    int fd;

    if (!grow((void **)&sockets->open, &sockets->open_room,
              sockets->open_count + 1, sizeof *sockets->open))
        return -1;
    fd = socket(family, type, protocol);
    if (fd < 0)
        return -1;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    connection = &sockets->open[sockets->open_count++];
    connection->fd = fd;
    connection->ends.port = 0;
    connection->used_ms = INT64_MIN / 2; /* long ago, until its first answer */
    return fd;
}

static struct nd_connection *find_fd(struct nd_sockets *sockets, int fd)
{
    size_t i;

    for (i = 0; i < sockets->open_count; i++) {
        if (sockets->open[i].fd == fd)
            return &sockets->open[i];
    }
    return NULL;
}

int nd_sockets_close(struct nd_sockets *sockets, int fd)
{
    struct nd_connection *connection = find_fd(sockets, fd);

    if (connection)
        *connection = sockets->open[--sockets->open_count];
    return close(fd);
}

/* The local port of a socket, or 0. */
static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t size = sizeof address;

    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    if (address.any.sa_family == AF_INET)
        return ntohs(address.v4.sin_port);
    return address.any.sa_family == AF_INET6 ? ntohs(address.v6.sin6_port) : 0;
}

static struct nd_connection *find_used(struct nd_sockets *sockets,
                                       const struct nd_ends *ends)
{
    size_t i;

    for (i = 0; i < sockets->open_count; i++) {
        const struct nd_ends *own = &sockets->open[i].ends;

        if (own->port == ends->port && own->remote_port == ends->remote_port &&
            strcmp(own->remote_ip, ends->remote_ip) == 0)
            return &sockets->open[i];
    }
    return NULL;
}

/* The same among those that had no request yet. */
static struct nd_connection *find_new(struct nd_sockets *sockets, int port)
{
    size_t i;

    for (i = 0; i < sockets->open_count; i++) {
        if (sockets->open[i].ends.port == 0 &&
            port_of(sockets->open[i].fd) == port)
            return &sockets->open[i];
    }
    return NULL;
}

/* Neither bytes nor the end are waiting to be read. */
static bool is_silent(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

bool nd_sockets_is_fit(struct nd_sockets *sockets, const struct nd_ends *ends,
                       int64_t max_idle_ms, int *fd)
{
    struct nd_connection *connection = find_used(sockets, ends);

    *fd = -1;
    if (connection) {
        *fd = connection->fd;
        return nd_monotonic_ms() - connection->used_ms <= max_idle_ms &&
               is_silent(connection->fd);
    }
    connection = find_new(sockets, ends->port);
    if (connection) {
        *fd = connection->fd;
        connection->ends = *ends;
    }
    return true;
}

void nd_sockets_set_idle(struct nd_sockets *sockets, int fd)
{
    struct nd_connection *connection = find_fd(sockets, fd);

    if (connection)
        connection->used_ms = nd_monotonic_ms();
}
