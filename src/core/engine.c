#include "engine.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "exchange.h"
#include "pool.h"

struct nd_list {
    struct nd_transfer *first;
    struct nd_transfer *last;
    size_t count;
};

struct nd_engine {
    unsigned int forks; /* what fork_count was when it was made */
    struct nd_list queue;
    struct nd_list running;
    size_t ended;
    struct nd_watch watch;
    struct nd_pool pool;
    bool has_more; /* one of those that run may have more to read */
    int bell;      /* what ends a wait besides; -1 for nothing */
    intptr_t caller;
};

/* A queued transfer with less than this left is not sent any more: its
 * outcome could only be unknown. */
#define ND_LEAST_MS 10

/* A transfer whose caller has not come for so long keeps no others waiting:
 * neither those behind it in the queue, nor by what it holds. */
#define ND_ABSENT_MS 100

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

struct nd_engine *nd_engine_new(struct nd_error *err)
{
    struct nd_engine *engine;

    if (pthread_once(&once, init_process) != 0 || global_code != CURLE_OK) {
        nd_fail(err, "LIBCURL_FAILED", "libcurl cannot be started: %s",
                curl_easy_strerror(global_code));
        return NULL;
    }
    engine = calloc(1, sizeof *engine);
    if (!engine || !nd_pool_init(&engine->pool, &engine->watch)) {
        free(engine);
        nd_fail_memory(err);
        return NULL;
    }
    engine->forks = fork_count;
    engine->bell = -1;
    return engine;
}

bool nd_engine_is_foreign(const struct nd_engine *engine)
{
    return engine->forks != fork_count;
}

/* ----- the end of a transfer ----- */

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

/* Only where no_proxy has hosts, libcurl alone knows whether the proxy was
 * asked. */
static bool was_proxied(const struct nd_settings *settings, int code)
{
    return *settings->proxy && (!*settings->no_proxy || code == CURLE_PROXY ||
                                code == CURLE_COULDNT_RESOLVE_PROXY);
}

/* The proxy, and libcurl's words, which may show its URL with its password:
 * they are left out but where a host is all that it has. */
static void copy_detail(struct nd_answer *answer,
                        const struct nd_connection *connection, int code)
{
    const struct nd_settings *settings = connection->settings;
    const char *proxy =
        was_proxied(settings, code) ? settings->proxy_name : "";
    const char *words = settings->proxy_is_plain ? connection->detail : "";

    (void)(nd_buffer_add_text(&answer->detail, proxy) &&
           nd_buffer_add_text(&answer->detail, *proxy && *words ? ": " : "") &&
           nd_buffer_add_text(&answer->detail, words));
}

/* Takes the connection off the transfer: it is kept, closed or reset. */
static void detach(struct nd_engine *engine, struct nd_transfer *transfer)
{
    struct nd_connection *connection = transfer->connection;
    const struct nd_answer *answer = &transfer->answer;

    transfer->connection = NULL;
    if (!connection)
        return;
    if (connection->fd >= 0)
        (void)nd_watch_set(&engine->watch, connection->fd, 0, NULL);
    if (!nd_answer_is_complete(answer))
        nd_pool_drop(&engine->pool, connection);
    else if (answer->keeps && connection->settings->max_idle_ms > 0)
        nd_pool_keep(&engine->pool, connection, nd_clock_ms());
    else
        nd_pool_close(&engine->pool, connection);
}

/* The exchange has come to its end, good or bad. */
static void finish(struct nd_engine *engine, struct nd_transfer *transfer)
{
    const struct nd_answer *answer = &transfer->answer;

    if (answer->reused && answer->fault == ND_FAULT_LOST)
        nd_pool_distrust(&engine->pool, transfer->request.settings,
                         nd_clock_ms());
    detach(engine, transfer);
    settle(engine, transfer);
}

static void fail(struct nd_engine *engine, struct nd_transfer *transfer,
                 enum nd_fault fault)
{
    transfer->answer.fault = fault;
    finish(engine, transfer);
}

/* No connection could be made, by libcurl's own word. */
static void fail_to_connect(struct nd_engine *engine,
                            struct nd_transfer *transfer, int code)
{
    transfer->answer.curl_code = code;
    transfer->answer.proxied = was_proxied(transfer->request.settings, code);
    if (transfer->connection)
        copy_detail(&transfer->answer, transfer->connection, code);
    fail(engine, transfer, ND_FAULT_CONNECT);
}

void nd_engine_cancel(struct nd_transfer *transfer)
{
    struct nd_engine *engine = transfer->engine;

    if (!engine)
        return;
    if (!nd_engine_is_foreign(engine)) {
        fail(engine, transfer, ND_FAULT_CANCELLED);
        return;
    }
    /* Its connection is left alone: it is the parent's, which goes on to
     * send what this process will not hear of. */
    transfer->answer.sent = true;
    transfer->answer.fault = ND_FAULT_CANCELLED;
    transfer->connection = NULL;
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
    if (nd_engine_is_foreign(engine))
        nd_pool_leave(&engine->pool);
    else
        nd_pool_free(&engine->pool);
    nd_watch_free(&engine->watch);
    free(engine);
}

/* ----- the exchange ----- */

static void progressed(struct nd_engine *engine, struct nd_transfer *transfer,
                       enum nd_progress progress)
{
    struct nd_connection *connection = transfer->connection;

    if (progress == ND_HAS_ENDED) {
        finish(engine, transfer);
        return;
    }
    transfer->has_more = progress == ND_HAS_MORE;
    engine->has_more = engine->has_more || transfer->has_more;
    if (!nd_watch_set(&engine->watch, connection->fd,
                      nd_exchange_events(transfer), connection))
        fail(engine, transfer, ND_FAULT_MEMORY);
}

/* Whoever steps may have it sent. */
static bool may_begin(const struct nd_engine *engine,
                      const struct nd_transfer *transfer)
{
    return !transfer->caller || transfer->caller == engine->caller ||
           (engine->caller == ND_LEADER && transfer->caller < 0);
}

static void begin_on_new(struct nd_engine *engine,
                         struct nd_transfer *transfer)
{
    enum nd_progress progress = nd_exchange_begin(transfer);

    transfer->held = false;
    if (progress == ND_UNFIT)
        fail(engine, transfer, ND_FAULT_UNASKED);
    else
        progressed(engine, transfer, progress);
}

/* libcurl has made the connection. */
static void connected(struct nd_engine *engine, struct nd_transfer *transfer)
{
    int64_t now = nd_clock_ms();

    transfer->answer.connect_seconds =
        (double)(now - transfer->connection->began_ms) / 1000;
    if (may_begin(engine, transfer)) {
        begin_on_new(engine, transfer);
        return;
    }
    transfer->held = true;
    transfer->seen_ms = now;
}

/* Begins what is connected and has waited for its caller. */
static void begin_held(struct nd_engine *engine)
{
    struct nd_transfer *transfer = engine->running.first;

    while (transfer) {
        struct nd_transfer *after = transfer->after;

        if (transfer->held && may_begin(engine, transfer))
            begin_on_new(engine, transfer);
        transfer = after;
    }
}

static void attach(struct nd_transfer *transfer,
                   struct nd_connection *connection)
{
    transfer->connection = connection;
    connection->transfer = transfer;
}

/* Tries the connections that were kept; false where none is fit for it. */
static bool begin_on_kept(struct nd_engine *engine,
                          struct nd_transfer *transfer, int64_t now)
{
    const struct nd_settings *settings = transfer->request.settings;
    struct nd_connection *connection;

    if (!settings->max_idle_ms ||
        (transfer->request.call->effect == ND_ERASES &&
         nd_pool_is_distrusted(&engine->pool, settings, now)))
        return false;
    while ((connection = nd_pool_take(&engine->pool, settings, now)) != NULL) {
        enum nd_progress progress;

        attach(transfer, connection);
        progress = nd_exchange_begin(transfer);
        if (progress != ND_UNFIT) {
            transfer->answer.reused = true;
            progressed(engine, transfer, progress);
            return true;
        }
        transfer->connection = NULL;
        nd_pool_drop(&engine->pool, connection);
    }
    return false;
}

static void begin_to_connect(struct nd_engine *engine,
                             struct nd_transfer *transfer, int64_t now)
{
    struct nd_settings *settings = transfer->request.settings;
    int code;
    struct nd_connection *connection =
        nd_pool_connect(&engine->pool, settings, now, &code);

    transfer->connect_deadline_ms = now + settings->connect_timeout_ms;
    if (connection)
        attach(transfer, connection);
    else
        fail_to_connect(engine, transfer, code);
}

/* ----- the queue and the clock ----- */

void nd_engine_set_caller(struct nd_engine *engine, intptr_t caller)
{
    engine->caller = caller;
}

void nd_engine_submit(struct nd_engine *engine, struct nd_transfer *transfer)
{
    transfer->seen_ms = nd_clock_ms();
    transfer->deadline_ms = transfer->seen_ms + transfer->timeout_ms;
    transfer->engine = engine;
    transfer->state = ND_TRANSFER_QUEUED;
    list_add(&engine->queue, transfer);
}

static void start(struct nd_engine *engine, struct nd_transfer *transfer,
                  int64_t now)
{
    list_remove(&engine->queue, transfer);
    list_add(&engine->running, transfer);
    transfer->state = ND_TRANSFER_RUNNING;
    if (!begin_on_kept(engine, transfer, now))
        begin_to_connect(engine, transfer, now);
}

static bool is_absent(const struct nd_transfer *transfer, int64_t now)
{
    return now - transfer->seen_ms >= ND_ABSENT_MS;
}

/* A transfer that holds a connection for an absent caller goes back to the
 * queue: whoever is here has its place, and can have the connection.  False
 * where there is none. */
static bool make_place(struct nd_engine *engine, int64_t now)
{
    struct nd_transfer *transfer = engine->running.first;
    struct nd_connection *connection;

    while (transfer && !(transfer->held && is_absent(transfer, now)))
        transfer = transfer->after;
    if (!transfer)
        return false;
    connection = transfer->connection;
    transfer->connection = NULL;
    transfer->held = false;
    transfer->answer.connect_seconds = ND_UNSET;
    if (connection->settings->max_idle_ms > 0)
        nd_pool_keep(&engine->pool, connection, now);
    else
        nd_pool_close(&engine->pool, connection);
    list_remove(&engine->running, transfer);
    list_add_first(&engine->queue, transfer);
    transfer->state = ND_TRANSFER_QUEUED;
    return true;
}

/* The first in the queue whose caller is here, if it finds a place; or NULL.
 * Those before it keep a place each until their callers come, or are absent. */
static struct nd_transfer *next_to_start(struct nd_engine *engine, int64_t now)
{
    struct nd_transfer *next = engine->queue.first;
    size_t taken = engine->running.count;

    for (; next && !may_begin(engine, next); next = next->after)
        taken += !is_absent(next, now);
    for (; next && taken >= (size_t)next->request.settings->max_in_flight;
         taken--)
        if (!make_place(engine, now))
            return NULL;
    return next;
}

/* Notes whose caller is here. */
static void see_caller(struct nd_engine *engine, int64_t now)
{
    struct nd_transfer *transfer = engine->queue.first;

    for (; transfer; transfer = transfer->after) {
        if (may_begin(engine, transfer))
            transfer->seen_ms = now;
    }
}

static bool is_connecting(const struct nd_transfer *transfer)
{
    return transfer->connection && transfer->connection->fd < 0;
}

static int64_t end_of(const struct nd_transfer *transfer)
{
    int64_t end = transfer->deadline_ms;
    int64_t least = transfer->timeout_ms / 10;

    if (transfer->state == ND_TRANSFER_QUEUED)
        return end - (least < ND_LEAST_MS ? least : ND_LEAST_MS);
    if (is_connecting(transfer) && transfer->connect_deadline_ms < end)
        return transfer->connect_deadline_ms;
    return end;
}

/* What has come by now still counts: the caller may have been late itself,
 * or the machine suspended. */
static void time_out(struct nd_engine *engine, struct nd_transfer *transfer)
{
    if (is_connecting(transfer)) {
        fail_to_connect(engine, transfer, CURLE_OPERATION_TIMEDOUT);
        return;
    }
    if (transfer->connection && nd_exchange_is_written(transfer))
        progressed(engine, transfer, nd_exchange_go_on(transfer));
    if (transfer->engine)
        fail(engine, transfer, ND_FAULT_TIMEOUT);
}

/* Ends what has taken too long in one of the lists. */
static void expire(struct nd_engine *engine, struct nd_transfer *transfer,
                   int64_t now)
{
    while (transfer) {
        struct nd_transfer *after = transfer->after;

        if (end_of(transfer) <= now)
            time_out(engine, transfer);
        transfer = after;
    }
}

/* Milliseconds until one of a list has taken too long, or max. */
static long list_due_ms(const struct nd_list *list, int64_t now, long max)
{
    const struct nd_transfer *transfer;
    int64_t due = max;

    for (transfer = list->first; transfer; transfer = transfer->after) {
        int64_t left = end_of(transfer) - now;

        if (left < due)
            due = left;
    }
    return due < 0 ? 0 : (long)due;
}

/* ----- running ----- */

/* Goes on with what libcurl has come to an end with. */
static void collect(struct nd_engine *engine)
{
    struct nd_connection *connection;
    int code;

    while (engine->pool.connecting &&
           (connection = nd_pool_next_connected(&engine->pool, &code))) {
        if (code == CURLE_OK)
            connected(engine, connection->transfer);
        else
            fail_to_connect(engine, connection->transfer, code);
    }
}

/* Running out of memory can leave the CURLM broken: nothing would ever be
 * connected.  With none connecting, it works again. */
static void fail_connecting(struct nd_engine *engine)
{
    struct nd_transfer *transfer = engine->running.first;

    while (transfer) {
        struct nd_transfer *after = transfer->after;

        if (is_connecting(transfer))
            fail_to_connect(engine, transfer, CURLE_OUT_OF_MEMORY);
        transfer = after;
    }
    engine->pool.failed = false;
}

/* Does what the queue and the clock ask for. */
void nd_engine_start(struct nd_engine *engine)
{
    struct nd_transfer *next;
    int64_t now;

    if (engine->caller)
        begin_held(engine);
    do {
        now = nd_clock_ms();
        see_caller(engine, now);
        expire(engine, engine->queue.first, now);
        while ((next = next_to_start(engine, now)) != NULL)
            start(engine, next, now);
        nd_pool_act_on_time(&engine->pool);
        collect(engine);
        expire(engine, engine->running.first, now);
        nd_pool_expire(&engine->pool, now);
        if (engine->pool.failed)
            fail_connecting(engine);
    } while (next_to_start(engine, now));
}

/* What is connected begins at once: the handshakes of others take time. */
static void connect_on(struct nd_engine *engine, int fd, short events)
{
    nd_pool_act(&engine->pool, fd, events);
    collect(engine);
}

/* Waits for the sockets, at most that long, and acts on those that are
 * ready.  Acting on one may change which are watched. */
static void act_on_sockets(struct nd_engine *engine, long timeout_ms)
{
    struct nd_watch *watch = &engine->watch;
    bool has_more = engine->has_more;
    int ready = poll(watch->sockets, (nfds_t)watch->count,
                     has_more ? 0 : (int)timeout_ms);
    size_t i = watch->count;

    engine->has_more = false;
    while ((ready > 0 || has_more) && i-- > 0) {
        struct pollfd *socket = &watch->sockets[i];
        struct nd_connection *owner = watch->owners[i];
        short events = socket->revents;

        if (!events && !(owner && owner->transfer->has_more))
            continue;
        ready -= events != 0;
        socket->revents = 0;
        if (owner)
            progressed(engine, owner->transfer,
                       nd_exchange_go_on(owner->transfer));
        else if (socket->fd != engine->bell)
            connect_on(engine, socket->fd, events);
        if (i > watch->count)
            i = watch->count;
    }
}

bool nd_engine_set_bell(struct nd_engine *engine, int fd)
{
    if (fd == engine->bell)
        return true;
    if (fd >= 0 && !nd_watch_set(&engine->watch, fd, POLLIN, NULL))
        return false;
    if (engine->bell >= 0) /* to watch nothing needs no memory */
        (void)nd_watch_set(&engine->watch, engine->bell, 0, NULL);
    engine->bell = fd;
    return true;
}

void nd_engine_wait(struct nd_engine *engine, long timeout_ms)
{
    size_t ended = engine->ended;
    int64_t now;

    nd_engine_start(engine);
    if (engine->ended != ended) /* there is something to tell */
        return;
    now = nd_clock_ms();
    if (engine->queue.first && timeout_ms > ND_ABSENT_MS)
        timeout_ms = ND_ABSENT_MS;
    timeout_ms = list_due_ms(&engine->queue, now, timeout_ms);
    timeout_ms = list_due_ms(&engine->running, now, timeout_ms);
    act_on_sockets(engine, nd_pool_due_ms(&engine->pool, timeout_ms));
    nd_engine_start(engine);
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
