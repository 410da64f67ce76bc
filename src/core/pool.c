#include "pool.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long a service that closes kept connections unasked is remembered. */
#define ND_DISTRUST_MS ((int64_t)3600 * 1000)

/* libcurl has a thread for each look-up of a name. */
#define ND_RESOLVER_THREADS 64

/* Options of newer libcurls; one that does not know them ignores them. */
#define ND_RESOLVE_THREADS_MAX ((CURLMoption)(CURLOPTTYPE_LONG + 20))
#define ND_QUICK_EXIT ((CURLMoption)(CURLOPTTYPE_LONG + 21))

struct nd_distrusted {
    struct nd_distrusted *next;
    int64_t till_ms;
    char origin[];
};

/* ----- life ----- */

/* What libcurl wakes itself by: a pair of local sockets, a pipe, or an
 * eventfd, which is of no type. */
static bool is_for_waking(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct stat facts;

    if (fd < 0 || fstat(fd, &facts) != 0)
        return false;
    if (S_ISSOCK(facts.st_mode))
        return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
               address.ss_family == AF_UNIX;
    return S_ISFIFO(facts.st_mode) || !(facts.st_mode & S_IFMT);
}

static void mark_for_waking(int fd)
{
    if (is_for_waking(fd))
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * A multi handle has a pair of descriptors to be woken by, which some
 * libcurls let children inherit, and none shows.  They take the lowest free
 * numbers, so these are looked up first.
 */
static CURLM *new_multi(void)
{
    int low = socket(AF_UNIX, SOCK_STREAM, 0);
    int high = socket(AF_UNIX, SOCK_STREAM, 0);
    CURLM *multi;

    if (low >= 0)
        (void)close(low);
    if (high >= 0)
        (void)close(high);
    multi = curl_multi_init();
    if (multi) {
        mark_for_waking(low);
        mark_for_waking(high);
    }
    return multi;
}

/* The sockets that libcurl waits for while it connects. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *data,
                        void *unused)
{
    struct nd_pool *pool = data;
    short events = 0;

    (void)easy;
    (void)unused;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= POLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= POLLOUT;
    return nd_watch_set(pool->watch, fd, events, NULL) ? 0 : -1;
}

static void set_up(struct nd_pool *pool)
{
    CURLM *multi = pool->multi;

    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, pool);
    (void)curl_multi_setopt(multi, ND_RESOLVE_THREADS_MAX,
                            (long)ND_RESOLVER_THREADS);
    /* Or the end of the engine waits for look-ups that hang. */
    (void)curl_multi_setopt(multi, ND_QUICK_EXIT, 1L);
}

bool nd_pool_init(struct nd_pool *pool, struct nd_watch *watch)
{
    memset(pool, 0, sizeof *pool);
    pool->watch = watch;
    pool->multi = new_multi();
    pool->share = curl_share_init();
    if (!pool->multi || !pool->share ||
        curl_share_setopt(pool->share, CURLSHOPT_SHARE,
                          CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
        nd_pool_free(pool);
        return false;
    }
    set_up(pool);
    return true;
}

void nd_pool_leave(struct nd_pool *pool)
{
    while (pool->distrusted) {
        struct nd_distrusted *next = pool->distrusted->next;

        free(pool->distrusted);
        pool->distrusted = next;
    }
}

void nd_pool_free(struct nd_pool *pool)
{
    struct nd_signals signals;

    while (pool->newest)
        nd_pool_close(pool, pool->newest);
    nd_pool_leave(pool);
    nd_signals_block(&signals);
    (void)curl_multi_cleanup(pool->multi);
    nd_signals_restore(&signals);
    (void)curl_share_cleanup(pool->share);
}

/* ----- connections that are idle ----- */

static void add_newest(struct nd_pool *pool, struct nd_connection *connection)
{
    connection->before = NULL;
    connection->after = pool->newest;
    if (pool->newest)
        pool->newest->before = connection;
    else
        pool->oldest = connection;
    pool->newest = connection;
}

static void take_off(struct nd_pool *pool, struct nd_connection *connection)
{
    if (connection->before)
        connection->before->after = connection->after;
    else
        pool->newest = connection->after;
    if (connection->after)
        connection->after->before = connection->before;
    else
        pool->oldest = connection->before;
    connection->before = connection->after = NULL;
}

static bool is_idle(const struct nd_pool *pool,
                    const struct nd_connection *connection)
{
    return connection->before || pool->newest == connection;
}

struct nd_connection *nd_pool_take(struct nd_pool *pool,
                                   const struct nd_settings *settings,
                                   int64_t now_ms)
{
    struct nd_connection *connection;

    for (connection = pool->newest; connection;
         connection = connection->after) {
        if (now_ms - connection->idle_since_ms > settings->max_idle_ms)
            return NULL; /* and so are those after it */
        if (!nd_settings_same_way(connection->settings, settings))
            continue;
        take_off(pool, connection);
        return connection;
    }
    return NULL;
}

/* The list is by age, so that the newest of one way comes first. */
void nd_pool_keep(struct nd_pool *pool, struct nd_connection *connection,
                  int64_t now_ms)
{
    connection->idle_since_ms = now_ms;
    connection->transfer = NULL;
    add_newest(pool, connection);
}

void nd_pool_expire(struct nd_pool *pool, int64_t now_ms)
{
    while (pool->oldest && now_ms - pool->oldest->idle_since_ms >
                               pool->oldest->settings->max_idle_ms)
        nd_pool_close(pool, pool->oldest);
}

/* ----- the end of a connection ----- */

static void end(struct nd_pool *pool, struct nd_connection *connection)
{
    struct nd_signals signals;

    if (is_idle(pool, connection))
        take_off(pool, connection);
    if (connection->fd < 0)
        pool->connecting--;
    pool->open--;
    nd_signals_block(&signals);
    nd_connection_unplug(connection, pool->multi);
    nd_connection_free(connection);
    nd_signals_restore(&signals);
}

void nd_pool_close(struct nd_pool *pool, struct nd_connection *connection)
{
    nd_connection_make_orderly(connection);
    end(pool, connection);
}

void nd_pool_drop(struct nd_pool *pool, struct nd_connection *connection)
{
    nd_connection_reset(connection);
    end(pool, connection);
}

/* ----- making connections ----- */

/* Sockets that one connection may wait for: two attempts to connect, by IPv6
 * and IPv4, and the resolver's. */
#define ND_SOCKETS 4

/* Idle connections make room for a new one. */
static void make_room(struct nd_pool *pool, size_t max_open)
{
    if (pool->max_open < max_open)
        pool->max_open = max_open;
    while (pool->oldest && pool->open >= pool->max_open)
        nd_pool_close(pool, pool->oldest);
}

struct nd_connection *nd_pool_connect(struct nd_pool *pool,
                                      struct nd_settings *settings,
                                      int64_t now_ms, int *code)
{
    struct nd_connection *connection;
    struct nd_signals signals;

    make_room(pool, (size_t)settings->max_in_flight);
    *code = CURLE_OUT_OF_MEMORY;
    if (!nd_watch_reserve(pool->watch, ND_SOCKETS * (pool->open + 1)))
        return NULL;
    connection = nd_connection_new(settings, pool->share, code);
    if (!connection)
        return NULL;
    nd_signals_block(&signals);
    if (curl_multi_add_handle(pool->multi, connection->easy) != CURLM_OK) {
        nd_connection_free(connection);
        connection = NULL;
        *code = CURLE_OUT_OF_MEMORY;
    }
    nd_signals_restore(&signals);
    if (!connection)
        return NULL;
    connection->began_ms = now_ms;
    pool->connecting++;
    pool->open++;
    return connection;
}

struct nd_connection *nd_pool_next_connected(struct nd_pool *pool, int *code)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
        struct nd_connection *connection;
        char *private = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        *code = (int)message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                                &private);
        connection = (struct nd_connection *)(void *)private;
        if (*code == CURLE_OK && !nd_connection_ready(connection))
            *code = CURLE_COULDNT_CONNECT;
        if (*code == CURLE_OK)
            pool->connecting--;
        return connection;
    }
    return NULL;
}

static void act(struct nd_pool *pool, curl_socket_t fd, int events)
{
    struct nd_signals signals;
    int running;

    nd_signals_block(&signals);
    if (curl_multi_socket_action(pool->multi, fd, events, &running) !=
        CURLM_OK)
        pool->failed = true;
    nd_signals_restore(&signals);
}

void nd_pool_act(struct nd_pool *pool, int fd, short events)
{
    int what = 0;

    if (events & (POLLIN | POLLHUP))
        what |= CURL_CSELECT_IN;
    if (events & POLLOUT)
        what |= CURL_CSELECT_OUT;
    if (events & (POLLERR | POLLNVAL))
        what |= CURL_CSELECT_ERR;
    act(pool, fd, what);
}

long nd_pool_due_ms(struct nd_pool *pool, long max)
{
    long due = -1;

    if (pool->connecting)
        (void)curl_multi_timeout(pool->multi, &due);
    return due < 0 || due > max ? max : due;
}

void nd_pool_act_on_time(struct nd_pool *pool)
{
    if (pool->connecting && nd_pool_due_ms(pool, 1) == 0)
        act(pool, CURL_SOCKET_TIMEOUT, 0);
}

/* ----- services that close kept connections unasked ----- */

static struct nd_distrusted *find_distrusted(const struct nd_pool *pool,
                                             const char *origin)
{
    struct nd_distrusted *one = pool->distrusted;

    while (one && strcmp(one->origin, origin) != 0)
        one = one->next;
    return one;
}

/* Where memory is out, it is learnt once more. */
void nd_pool_distrust(struct nd_pool *pool, const struct nd_settings *settings,
                      int64_t now_ms)
{
    struct nd_distrusted *one = find_distrusted(pool, settings->origin);
    size_t size = strlen(settings->origin) + 1;

    if (!one) {
        one = malloc(sizeof *one + size);
        if (!one)
            return;
        memcpy(one->origin, settings->origin, size);
        one->next = pool->distrusted;
        pool->distrusted = one;
    }
    one->till_ms = now_ms + ND_DISTRUST_MS;
}

bool nd_pool_is_distrusted(const struct nd_pool *pool,
                           const struct nd_settings *settings, int64_t now_ms)
{
    const struct nd_distrusted *one = find_distrusted(pool, settings->origin);

    return one && now_ms < one->till_ms;
}
