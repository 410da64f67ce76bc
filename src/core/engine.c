#include "engine.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Handles that are kept for later calls: each has buffers of some 20 kB. */
#define ND_SPARE_MAX 64

struct nd_list {
    struct nd_transfer *first;
    struct nd_transfer *last;
    size_t count;
};

struct nd_engine {
    CURLM *multi;
    unsigned int forks; /* what fork_count was when it was made */
    struct nd_list queue;
    struct nd_list running;
    struct nd_handle *spare;
    size_t spare_count;
    size_t ended;
    struct nd_sockets sockets;
    bool failed;   /* the multi is broken */
    int pool_size; /* connections that libcurl may keep */
};

/* Sockets that one transfer may wait for: two attempts to connect, by IPv6
 * and IPv4, and the resolver's. */
#define ND_SOCKETS 4

/* libcurl may look at a time-out a little before it is due, and then forget
 * it.  So much later the transfer is ended without it. */
#define ND_GRACE_MS 10

/* ----- once in a process ----- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_code;

/* Counts the forks between the first process and this one.  A getpid at
 * each call would tell the same, for a system call. */
static unsigned int fork_count;

static void count_fork(void)
{
    fork_count++;
}

/* Never undone: another library of the process may use libcurl too. */
static void init_process(void)
{
    global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (pthread_atfork(NULL, NULL, count_fork) != 0)
        global_code = CURLE_OUT_OF_MEMORY;
}

bool nd_engine_check_libcurl(struct nd_error *err)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (info->version_num < 0x075000)
        return nd_fail(err, "LIBCURL_TOO_OLD",
                       "libcurl %s is too old: ninedig needs 7.80.0 or "
                       "later, to be sure that a request is sent only once",
                       info->version);
    if (!(info->features & CURL_VERSION_SSL))
        return nd_fail(err, "LIBCURL_WITHOUT_TLS",
                       "libcurl %s was built without TLS, which the service "
                       "needs",
                       info->version);
    return true;
}

/* ----- lists of transfers ----- */

static void list_add(struct nd_list *list, struct nd_transfer *transfer)
{
    transfer->before = list->last;
    transfer->after = NULL;
    if (list->last)
        list->last->after = transfer;
    else
        list->first = transfer;
    list->last = transfer;
    list->count++;
}

static void list_add_first(struct nd_list *list, struct nd_transfer *transfer)
{
    transfer->before = NULL;
    transfer->after = list->first;
    if (list->first)
        list->first->before = transfer;
    else
        list->last = transfer;
    list->first = transfer;
    list->count++;
}

static void list_remove(struct nd_list *list, struct nd_transfer *transfer)
{
    if (transfer->before)
        transfer->before->after = transfer->after;
    else
        list->first = transfer->after;
    if (transfer->after)
        transfer->after->before = transfer->before;
    else
        list->last = transfer->before;
    list->count--;
}

/* ----- life ----- */

/* Marks fd close-on-exec if it is one of libcurl's: a local socket. */
static void mark_wakeup_socket(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;

    if (fd >= 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
        address.ss_family == AF_UNIX)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * A multi handle has a pair of sockets to be woken by, which libcurl lets
 * children inherit and does not show.  They take the lowest free numbers,
 * so these are looked up first.
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
        mark_wakeup_socket(low);
        mark_wakeup_socket(high);
    }
    return multi;
}

/* The sockets that libcurl waits for. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *data,
                        void *unused)
{
    struct nd_engine *engine = data;
    short events = 0;

    (void)easy;
    (void)unused;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= POLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= POLLOUT;
    return nd_sockets_watch(&engine->sockets, fd, events) ? 0 : -1;
}

struct nd_engine *nd_engine_new(struct nd_error *err)
{
    struct nd_engine *engine;

    if (pthread_once(&once, init_process) != 0 || global_code != CURLE_OK) {
        nd_fail(err, "LIBCURL_FAILED", "libcurl cannot be started: %s",
                curl_easy_strerror(global_code));
        return NULL;
    }
    engine = calloc(1, sizeof *engine);
    if (engine)
        engine->multi = new_multi();
    if (!engine || !engine->multi) {
        free(engine);
        nd_fail_memory(err);
        return NULL;
    }
    engine->forks = fork_count;
    (void)curl_multi_setopt(engine->multi, CURLMOPT_PIPELINING,
                            (long)CURLPIPE_NOTHING);
    (void)curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION,
                            watch_socket);
    (void)curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
    return engine;
}

bool nd_engine_is_foreign(const struct nd_engine *engine)
{
    return engine->forks != fork_count;
}

/* The transfer leaves the engine; its answer tells how it ended. */
static void settle(struct nd_engine *engine, struct nd_transfer *transfer)
{
    list_remove(transfer->state == ND_TRANSFER_RUNNING ? &engine->running
                                                       : &engine->queue,
                transfer);
    engine->ended++;
    transfer->engine = NULL;
    transfer->state = ND_TRANSFER_DONE;
}

static void keep_or_free(struct nd_engine *engine, struct nd_handle *handle,
                         bool keep)
{
    if (!keep || engine->spare_count >= ND_SPARE_MAX) {
        nd_handle_free(handle);
        return;
    }
    handle->next = engine->spare;
    engine->spare = handle;
    engine->spare_count++;
}

/* Takes a running transfer off libcurl.  A handle whose transfer failed is
 * not used again. */
static void finish(struct nd_engine *engine, struct nd_transfer *transfer,
                   CURLcode code)
{
    struct nd_handle *handle = transfer->handle;

    (void)curl_multi_remove_handle(engine->multi, handle->easy);
    nd_sockets_set_idle(&engine->sockets, handle->fd);
    nd_handle_unload(handle, (int)code);
    keep_or_free(engine, handle, code == CURLE_OK);
    settle(engine, transfer);
}

void nd_engine_cancel(struct nd_transfer *transfer)
{
    struct nd_engine *engine = transfer->engine;
    bool running = transfer->state == ND_TRANSFER_RUNNING;

    if (!engine)
        return;
    transfer->answer.cancelled = true;
    if (running && !nd_engine_is_foreign(engine)) {
        finish(engine, transfer, CURLE_ABORTED_BY_CALLBACK);
        return;
    }
    /* A foreign one's handle is left alone: it is the parent's, which goes
     * on to send what this process will not hear of. */
    if (nd_engine_is_foreign(engine))
        transfer->answer.sent = true;
    transfer->answer.curl_code = CURLE_ABORTED_BY_CALLBACK;
    settle(engine, transfer);
}

void nd_engine_free(struct nd_engine *engine)
{
    if (!engine)
        return;
    while (engine->queue.first)
        nd_engine_cancel(engine->queue.first);
    while (engine->running.first)
        nd_engine_cancel(engine->running.first);
    if (!nd_engine_is_foreign(engine)) {
        while (engine->spare) {
            struct nd_handle *next = engine->spare->next;

            nd_handle_free(engine->spare);
            engine->spare = next;
        }
        (void)curl_multi_cleanup(engine->multi);
    }
    nd_sockets_free(&engine->sockets);
    free(engine);
}

/* ----- running ----- */

void nd_engine_submit(struct nd_engine *engine, struct nd_transfer *transfer)
{
    transfer->deadline_ms = nd_monotonic_ms() + transfer->timeout_ms;
    transfer->engine = engine;
    transfer->state = ND_TRANSFER_QUEUED;
    list_add(&engine->queue, transfer);
}

/* Ends a queued transfer of which nothing was sent. */
static void fail_queued(struct nd_engine *engine, struct nd_transfer *transfer,
                        int curl_code)
{
    transfer->answer.curl_code = curl_code;
    settle(engine, transfer);
}

static struct nd_handle *take_handle(struct nd_engine *engine)
{
    struct nd_handle *handle = engine->spare;

    if (!handle)
        return nd_handle_new(&engine->sockets);
    engine->spare = handle->next;
    engine->spare_count--;
    return handle;
}

/* By itself libcurl keeps four connections per transfer under way, and so
 * closes most of those that a burst has opened. */
static void grow_pool(struct nd_engine *engine, int size)
{
    if (size <= engine->pool_size)
        return;
    engine->pool_size = size;
    (void)curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)size);
}

static void start(struct nd_engine *engine, struct nd_transfer *transfer,
                  int64_t now)
{
    struct nd_handle *handle = take_handle(engine);
    bool room = nd_sockets_reserve(&engine->sockets,
                                   ND_SOCKETS * (engine->running.count + 1));
    int code = CURLE_OUT_OF_MEMORY;

    grow_pool(engine, transfer->request.settings->max_in_flight);
    if (handle && room)
        code = nd_handle_load(handle, transfer,
                              (long)(transfer->deadline_ms - now));
    if (code == CURLE_OK &&
        curl_multi_add_handle(engine->multi, handle->easy) != CURLM_OK) {
        code = CURLE_OUT_OF_MEMORY;
        nd_handle_unload(handle, code);
    }
    if (code != CURLE_OK) {
        nd_handle_free(handle);
        fail_queued(engine, transfer, code);
        return;
    }
    list_remove(&engine->queue, transfer);
    list_add(&engine->running, transfer);
    transfer->state = ND_TRANSFER_RUNNING;
    transfer->connect_deadline_ms =
        now + transfer->request.settings->connect_timeout_ms;
}

/* The first in the queue finds room. */
static bool may_start(const struct nd_engine *engine)
{
    const struct nd_transfer *first = engine->queue.first;

    return engine->running.count <
           (size_t)first->request.settings->max_in_flight;
}

/* When the engine itself ends a transfer.  One that has waited in the queue
 * until no time is left for an answer is not sent any more: its outcome
 * could only be unknown. */
static int64_t end_of(const struct nd_transfer *transfer)
{
    int64_t end = transfer->deadline_ms;
    int64_t least = transfer->timeout_ms / 10;

    if (transfer->state == ND_TRANSFER_QUEUED)
        return end - (least < ND_GRACE_MS ? least : ND_GRACE_MS);
    if (!transfer->answer.sent && transfer->connect_deadline_ms < end)
        end = transfer->connect_deadline_ms;
    return end + ND_GRACE_MS;
}

static void end(struct nd_engine *engine, struct nd_transfer *transfer,
                CURLcode code)
{
    if (transfer->state == ND_TRANSFER_QUEUED)
        fail_queued(engine, transfer, (int)code);
    else
        finish(engine, transfer, code);
}

/* Ends what has taken too long in one of the lists. */
static void expire(struct nd_engine *engine, struct nd_transfer *transfer,
                   int64_t now)
{
    while (transfer) {
        struct nd_transfer *after = transfer->after;

        if (end_of(transfer) <= now)
            end(engine, transfer, CURLE_OPERATION_TIMEDOUT);
        transfer = after;
    }
}

/* Starts what may start, in order. */
static void serve_queue(struct nd_engine *engine, int64_t now)
{
    expire(engine, engine->queue.first, now);
    while (engine->queue.first && may_start(engine))
        start(engine, engine->queue.first, now);
}

/* The transfer was not sent, as its connection was unfit: it starts over, on
 * a new one. */
static void start_over(struct nd_engine *engine, struct nd_transfer *transfer)
{
    struct nd_handle *handle = transfer->handle;

    (void)curl_multi_remove_handle(engine->multi, handle->easy);
    nd_handle_unload(handle, CURLE_OK);
    keep_or_free(engine, handle, true);
    transfer->answer.detail[0] = '\0';
    list_remove(&engine->running, transfer);
    list_add_first(&engine->queue, transfer);
    transfer->state = ND_TRANSFER_QUEUED;
}

/* Takes off what libcurl has ended. */
static void collect(struct nd_engine *engine)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct nd_handle *handle;
        char *private = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                                &private);
        handle = (struct nd_handle *)(void *)private;
        if (handle->unfit)
            start_over(engine, handle->transfer);
        else
            finish(engine, handle->transfer, code);
    }
}

/* Lets libcurl act on a socket, or on what is due by its clock. */
static void act(struct nd_engine *engine, curl_socket_t fd, int events)
{
    int running;

    if (curl_multi_socket_action(engine->multi, fd, events, &running) !=
        CURLM_OK)
        engine->failed = true;
}

/* Milliseconds until libcurl has something due, or max. */
static long libcurl_due_ms(struct nd_engine *engine, long max)
{
    long due = -1;

    (void)curl_multi_timeout(engine->multi, &due);
    return due < 0 || due > max ? max : due;
}

static void act_on_time(struct nd_engine *engine)
{
    if (libcurl_due_ms(engine, 1) == 0)
        act(engine, CURL_SOCKET_TIMEOUT, 0);
}

/* Running out of memory can leave the multi broken: no transfer on it would
 * ever end.  With none on it, it works again. */
static void fail_running(struct nd_engine *engine)
{
    while (engine->running.first)
        finish(engine, engine->running.first, CURLE_OUT_OF_MEMORY);
    engine->failed = false;
}

/* Does what the queue and the clock ask for. */
static void act_on_queue_and_time(struct nd_engine *engine)
{
    do {
        int64_t now = nd_monotonic_ms();

        serve_queue(engine, now);
        act_on_time(engine);
        collect(engine);
        expire(engine, engine->running.first, now);
        if (engine->failed)
            fail_running(engine);
    } while (engine->queue.first && may_start(engine));
}

void nd_engine_start(struct nd_engine *engine)
{
    act_on_queue_and_time(engine);
}

/* Waits for the sockets, at most that long, and lets libcurl act on those
 * that are ready.  Acting on one may change which are watched. */
static void act_on_sockets(struct nd_engine *engine, long timeout_ms)
{
    struct nd_sockets *sockets = &engine->sockets;
    int ready = poll(sockets->watched, (nfds_t)sockets->watched_count,
                     (int)timeout_ms);
    size_t i = sockets->watched_count;

    while (ready > 0 && i-- > 0) {
        struct pollfd *watched = &sockets->watched[i];
        short revents = watched->revents;
        int events = 0;

        if (!revents)
            continue;
        ready--;
        watched->revents = 0;
        if (revents & (POLLIN | POLLHUP))
            events |= CURL_CSELECT_IN;
        if (revents & POLLOUT)
            events |= CURL_CSELECT_OUT;
        if (revents & (POLLERR | POLLNVAL))
            events |= CURL_CSELECT_ERR;
        act(engine, watched->fd, events);
        if (i > sockets->watched_count)
            i = sockets->watched_count;
    }
}

/* Milliseconds until one of a list has taken too long, or max. */
static long list_due_ms(const struct nd_list *list, int64_t now, long max)
{
    const struct nd_transfer *transfer;
    long due = max;

    for (transfer = list->first; transfer; transfer = transfer->after) {
        int64_t left = end_of(transfer) - now;

        if (left < due)
            due = left > 0 ? (long)left : 0;
    }
    return due;
}

void nd_engine_wait(struct nd_engine *engine, long timeout_ms)
{
    size_t ended = engine->ended;
    int64_t now;

    act_on_queue_and_time(engine);
    if (engine->ended != ended) /* there is something to tell */
        return;
    now = nd_monotonic_ms();
    timeout_ms = list_due_ms(&engine->queue, now, timeout_ms);
    timeout_ms = list_due_ms(&engine->running, now, timeout_ms);
    act_on_sockets(engine, libcurl_due_ms(engine, timeout_ms));
    act_on_queue_and_time(engine);
}

void nd_engine_step(struct nd_engine *engine)
{
    nd_engine_wait(engine, 0);
}

size_t nd_engine_in_flight(const struct nd_engine *engine)
{
    return engine->queue.count + engine->running.count;
}

size_t nd_engine_ended(const struct nd_engine *engine)
{
    return engine->ended;
}
