/* engine.c, pool.c, connection.c and exchange.c, against a server that the test itself plays: it
 * steps the engine and speaks for the service by turns, without threads. */
#include "support.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/core/clock.h"
#include "../../src/core/connection.h"
#include "../../src/core/engine.h"
#include "../../src/core/outcome.h"

/* Far longer than anything here takes, so that a test that hangs fails. */
#define PATIENCE_MS 20000

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static struct nd_engine *engine;
static int listener = -1;
static unsigned int port;
static int connections; /* accepted so far */

/* A forked child cannot report to cmocka: it exits. */
static bool in_child;

#define CHECK(condition)                \
    do {                                \
        if (!(condition)) {             \
            if (in_child)               \
                _exit(1);               \
            fail_msg("%s", #condition); \
        }                               \
    } while (0)

/* ----- the server ----- */

static void open_listener(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(fcntl(listener, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(bind(listener, (void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 100), 0);
    assert_int_equal(getsockname(listener, (void *)&address, &size), 0);
    port = ntohs(address.sin_port);
}

/* One turn of the engine; time does not matter to the server. */
static void turn(void)
{
    if (!engine)
        return;
    nd_engine_step(engine);
    nd_engine_wait(engine, 2);
}

/* -1 where nobody has connected. */
static int try_accept(void)
{
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        return -1;
    connections++;
    CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static int accept_one(void)
{
    int64_t end = nd_clock_ms() + PATIENCE_MS;
    int fd;

    while ((fd = try_accept()) < 0) {
        CHECK(nd_clock_ms() < end);
        turn();
    }
    return fd;
}

/* The whole request that comes next on fd; the text is static. */
static const char *read_request(int fd)
{
    static char text[8192];
    int64_t end = nd_clock_ms() + PATIENCE_MS;
    size_t length = 0;
    size_t wanted = sizeof text - 1;

    while (length < wanted) {
        const char *blank;
        const char *field;
        ssize_t got = recv(fd, text + length, wanted - length, 0);

        CHECK(nd_clock_ms() < end);
        CHECK(got > 0 || (got < 0 && errno == EAGAIN));
        if (got < 0) {
            turn();
            continue;
        }
        length += (size_t)got;
        text[length] = '\0';
        blank = strstr(text, "\r\n\r\n");
        field = strstr(text, "Content-Length: ");
        if (blank)
            wanted = (size_t)(blank + 4 - text) +
                     (field ? strtoul(field + 16, NULL, 10) : 0);
    }
    CHECK(length == wanted); /* and nothing after it */
    return text;
}

static const char *body_of(const char *request)
{
    return strstr(request, "\r\n\r\n") + 4;
}

/* The inboxID of the request that comes next on fd. */
static unsigned long read_inbox(int fd)
{
    const char *id = strstr(read_request(fd), "\"inboxID\":");

    CHECK(id != NULL);
    return strtoul(id + 10, NULL, 10);
}

static void answer_bytes(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);

        CHECK(sent > 0 || errno == EAGAIN);
        if (sent > 0) {
            text += sent;
            length -= (size_t)sent;
        } else {
            turn();
        }
    }
}

static void answer(int fd, const char *text)
{
    answer_bytes(fd, text, strlen(text));
}

/* The client has closed, and sent nothing before. */
static bool is_closed(int fd)
{
    int64_t end = nd_clock_ms() + PATIENCE_MS;
    ssize_t got;
    char byte;

    while ((got = recv(fd, &byte, 1, 0)) < 0 && errno == EAGAIN) {
        CHECK(nd_clock_ms() < end);
        turn();
    }
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* ----- the client ----- */

struct options {
    const char *token;
    double timeout;
    double max_idle; /* NEVER for 0, which leaves it as it is */
    double max_response_bytes;
    double max_in_flight;
};

/* What is 0 or NULL is left at its default. */
static struct nd_settings *client(const struct options *options)
{
    struct nd_value values[ND_OPTIONS];
    struct nd_settings *settings;
    struct nd_error err;
    char url[64];

    memset(values, 0, sizeof values);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/api", port);
    values[ND_OPTION_base_url] = text_value(url);
    values[ND_OPTION_access_token] =
        text_value(options->token ? options->token : "t0ken");
    if (options->timeout > 0)
        values[ND_OPTION_timeout] = number_value(options->timeout);
    if (options->max_idle < 0 || options->max_idle > 0)
        values[ND_OPTION_max_idle] =
            number_value(options->max_idle > 0 ? options->max_idle : 0);
    if (options->max_response_bytes > 0)
        values[ND_OPTION_max_response_bytes] =
            number_value(options->max_response_bytes);
    if (options->max_in_flight > 0)
        values[ND_OPTION_max_in_flight] = number_value(options->max_in_flight);
    settings = nd_settings_new(values, &err);
    CHECK(settings != NULL);
    return settings;
}

#define NEVER (-1)
#define CLIENT(...) client(&(struct options){__VA_ARGS__})

/* Hands over the deletion of this inbox. */
static void submit(struct nd_transfer *transfer, uint64_t inbox,
                   struct nd_settings *settings)
{
    const struct nd_call *call = &nd_calls[ND_CALL_DELETE_INBOX];
    struct nd_values values;
    struct nd_error err;
    size_t i;

    memset(&values, 0, sizeof values);
    for (i = 0; call->params[i].field.key; i++) {
        if (strcmp(call->params[i].field.key, "accountID") == 0)
            values.of[i] = id_value(1);
        if (strcmp(call->params[i].field.key, "inboxID") == 0)
            values.of[i] = id_value(inbox);
    }
    memset(transfer, 0, sizeof *transfer);
    CHECK(nd_complete_values(&values, call, settings, &err));
    CHECK(nd_transfer_init(transfer, call, &values, settings, &err));
    CHECK(transfer->state == ND_TRANSFER_READY);
    nd_engine_submit(engine, transfer);
    CHECK(transfer->state == ND_TRANSFER_QUEUED);
}

/* Hands over those of inbox 1 and so on. */
static void submit_many(struct nd_transfer *transfers, int count,
                        struct nd_settings *settings)
{
    int i;

    for (i = 0; i < count; i++)
        submit(&transfers[i], (uint64_t)i + 1, settings);
}

static void free_many(struct nd_transfer *transfers, int count)
{
    while (count > 0)
        nd_transfer_free(&transfers[--count]);
}

static void finish(struct nd_transfer *transfer)
{
    int64_t end = nd_clock_ms() + PATIENCE_MS;

    while (transfer->state != ND_TRANSFER_DONE) {
        CHECK(nd_clock_ms() < end);
        turn();
    }
    CHECK(transfer->engine == NULL);
    CHECK(transfer->connection == NULL);
}

static void assert_succeeded(const struct nd_transfer *transfer)
{
    CHECK(transfer->state == ND_TRANSFER_DONE);
    CHECK(transfer->answer.sent);
    CHECK(nd_answer_is_complete(&transfer->answer));
    CHECK(transfer->answer.http_status == 200);
    CHECK(strcmp(transfer->answer.body.data, "{}") == 0);
}

/* One deletion over a connection that is there, or over a new one where fd
 * is -1; the result is the connection. */
static int succeed(int fd, uint64_t inbox, struct nd_settings *settings)
{
    struct nd_transfer transfer;

    submit(&transfer, inbox, settings);
    if (fd < 0)
        fd = accept_one();
    CHECK(read_inbox(fd) == inbox);
    answer(fd, OK_ANSWER);
    finish(&transfer);
    assert_succeeded(&transfer);
    nd_transfer_free(&transfer);
    return fd;
}

/* The name and the outcome of the error that the transfer ended with. */
static void expect_error(const struct nd_transfer *transfer, const char *name,
                         enum nd_kind kind, enum nd_outcome outcome)
{
    const struct nd_verdict verdict = {.says = ND_SAYS_NOTHING, .flaw = ""};
    const struct nd_secrets secrets = {.count = 0};
    struct nd_error err = junk_error();

    assert_int_equal(transfer->state, ND_TRANSFER_DONE);
    assert_false(nd_outcome(&err, transfer->request.call, &transfer->answer,
                            &verdict, &secrets));
    assert_string_equal(err.name, name);
    assert_int_equal(err.kind, kind);
    assert_int_equal(err.outcome, outcome);
}

static int set_up(void **state)
{
    struct nd_error err;

    (void)state;
    connections = 0;
    open_listener();
    engine = nd_engine_new(&err);
    return engine ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    /* A test that failed has left transfers that were on its stack. */
    if (engine && nd_engine_in_flight(engine) == 0)
        nd_engine_free(engine);
    engine = NULL;
    if (listener >= 0)
        (void)close(listener);
    listener = -1;
    return 0;
}

/* ----- life ----- */

static void takes_this_libcurl(void **state)
{
    struct nd_error err;

    (void)state;
    assert_true(nd_connection_check_libcurl(&err));
}

static void does_nothing_where_nothing_is_to_do(void **state)
{
    (void)state;
    nd_engine_step(engine);
    nd_engine_wait(engine, 0);
    nd_engine_step(engine);
    assert_int_equal(nd_engine_in_flight(engine), 0);
    assert_int_equal(nd_engine_ended(engine), 0);
    assert_false(nd_engine_is_foreign(engine));
    nd_engine_free(NULL);
}

/* ----- one call ----- */

static void sends_the_documented_request(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    const char *request;
    char host[64];
    int fd;

    (void)state;
    submit(&transfer, 10, settings);
    assert_int_equal(nd_engine_in_flight(engine), 1);
    assert_true(try_accept() < 0); /* nothing before the first step */
    nd_engine_step(engine);
    assert_int_equal(transfer.state, ND_TRANSFER_RUNNING);
    fd = accept_one();
    request = read_request(fd);
    assert_ptr_equal(
        strstr(request, "DELETE /api/online/deleteInbox HTTP/1.1\r\n"),
        request);
    (void)snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", port);
    assert_contains(request, host);
    assert_contains(request, "\r\nAuthorization: Bearer t0ken\r\n");
    assert_contains(request, "\r\nContent-Type: application/json\r\n");
    assert_contains(request, "\r\nAccept: application/json\r\n");
    assert_contains(request, "\r\nUser-Agent: ninedig/");
    assert_contains(request, "\r\nContent-Length: 46\r\n");
    assert_lacks(request, "Expect");
    assert_lacks(request, "Accept-Encoding");
    assert_string_equal(body_of(request), "{\"accountID\":1,\"server\":"
                                          "\"online\",\"inboxID\":10}");
    assert_true(transfer.answer.sent);
    assert_int_equal(transfer.state, ND_TRANSFER_RUNNING);
    answer(fd, OK_ANSWER);
    finish(&transfer);
    assert_succeeded(&transfer);
    assert_int_equal(nd_engine_in_flight(engine), 0);
    assert_int_equal(nd_engine_ended(engine), 1);
    assert_true(try_accept() < 0);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(fd);
}

static void keeps_its_settings_while_a_call_is_under_way(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    int fd;

    (void)state;
    submit(&transfer, 10, settings);
    nd_settings_drop(settings);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 10);
    answer(fd, OK_ANSWER);
    finish(&transfer);
    assert_succeeded(&transfer);
    nd_transfer_free(&transfer);
    (void)close(fd);
}

static void passes_over_an_interim_answer(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    int fd;

    (void)state;
    submit(&transfer, 10, settings);
    fd = accept_one();
    (void)read_request(fd);
    answer(fd, "HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\n\r\n" OK_ANSWER);
    finish(&transfer);
    assert_succeeded(&transfer);
    assert_true(transfer.answer.retry_after == ND_UNSET);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(fd);
}

static void never_follows_a_redirect(void **state)
{
    static const char digest[] =
        "HTTP/1.1 401 x\r\nContent-Length: 0\r\n"
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n\r\n";
    static const char *const answers[] = {
        "HTTP/1.1 301 x\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 307 x\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 308 x\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
        digest,
        "HTTP/1.1 417 x\r\nContent-Length: 0\r\n\r\n",
    };
    struct nd_settings *settings = CLIENT(0);
    int fd = -1;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(answers); i++) {
        struct nd_transfer transfer;

        submit(&transfer, 10, settings);
        fd = fd < 0 ? accept_one() : fd;
        (void)read_request(fd);
        answer(fd, answers[i]);
        finish(&transfer);
        assert_true(nd_answer_is_complete(&transfer.answer));
        assert_int_equal(transfer.answer.http_status,
                         strtol(answers[i] + 9, NULL, 10));
        nd_transfer_free(&transfer);
    }
    /* The next request on that connection is the next call's. */
    (void)succeed(fd, 11, settings);
    assert_int_equal(connections, 1);
    nd_settings_drop(settings);
    (void)close(fd);
}

/* ----- answers that are not whole ----- */

/* Cut after each byte: never taken for an answer, always sent. */
static void knows_a_cut_answer_at_each_byte(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nA: b\r\n"
                                "Content-Length: 2\r\n\r\n{}";
    struct nd_settings *settings = CLIENT(0);
    size_t length;

    (void)state;
    for (length = 0; length < sizeof whole; length++) {
        struct nd_transfer transfer;
        int fd;

        submit(&transfer, 10, settings);
        fd = accept_one();
        assert_int_equal(read_inbox(fd), 10);
        answer_bytes(fd, whole, length);
        (void)close(fd);
        finish(&transfer);
        assert_true(transfer.answer.sent);
        assert_int_equal(nd_answer_is_complete(&transfer.answer),
                         length == sizeof whole - 1);
        nd_transfer_free(&transfer);
    }
    assert_int_equal(connections, sizeof whole);
    nd_settings_drop(settings);
}

static void stops_at_the_limit_on_the_body(void **state)
{
    static const struct {
        const char *head;
        size_t body;
        const char *tail;
        bool too_large;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n", 1024, "", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n", 1025, "", true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n", 1024,
         "\r\n0\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n", 1025,
         "\r\n0\r\n\r\n", true},
        {"HTTP/1.1 500 x\r\nContent-Length: 2000\r\n\r\n", 2000, "", true},
    };
    struct nd_settings *settings = CLIENT(.max_response_bytes = 1024);
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_transfer transfer;
        char body[2000];
        int fd;

        memset(body, ' ', sizeof body);
        submit(&transfer, 10, settings);
        fd = accept_one();
        (void)read_request(fd);
        answer(fd, rows[i].head);
        answer_bytes(fd, body, rows[i].body);
        answer(fd, rows[i].tail);
        (void)close(fd);
        finish(&transfer);
        assert_int_equal(transfer.answer.fault == ND_FAULT_TOO_LARGE,
                         rows[i].too_large);
        assert_int_equal(nd_answer_is_complete(&transfer.answer),
                         !rows[i].too_large);
        if (rows[i].too_large)
            expect_error(&transfer, "ANSWER_TOO_LARGE", ND_KIND_PROTOCOL,
                         ND_UNKNOWN);
        else
            assert_int_equal(transfer.answer.body.length, 1024);
        nd_transfer_free(&transfer);
    }
    nd_settings_drop(settings);
}

/* ----- connections ----- */

/* Sends as much as there is room for, over and over. */
static void flood(int fd, const char *text, size_t length)
{
    static size_t at;

    for (;;) {
        ssize_t sent = send(fd, text + at, length - at, MSG_NOSIGNAL);

        if (sent < 0)
            return;
        at = (at + (size_t)sent) % length;
    }
}

/* A peer that sends faster than its answer is read does not keep those out
 * who have their turn meanwhile. */
static void reads_only_so_much_at_once(void **state)
{
    /* A body of 1 byte in lines of this size, so that it counts them. */
    static char chunk[4096];
    const size_t most = (size_t)2 * 1024 * 1024 / sizeof chunk;
    struct nd_settings *settings = CLIENT(.max_idle = NEVER);
    struct nd_transfer transfer;
    int fd;

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "1;", 2);
    memcpy(chunk + sizeof chunk - 5, "\r\nx\r\n", 5);
    submit(&transfer, 1, settings);
    fd = accept_one();
    (void)read_request(fd);
    answer(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (transfer.answer.body.length < 8 * most) {
        size_t before = transfer.answer.body.length;

        flood(fd, chunk, sizeof chunk);
        nd_engine_step(engine);
        assert_int_equal(transfer.state, ND_TRANSFER_RUNNING);
        assert_true(transfer.answer.body.length - before < most);
    }
    nd_engine_cancel(&transfer);
    expect_error(&transfer, "CANCELLED", ND_KIND_NETWORK, ND_UNKNOWN);
    assert_int_equal(connections, 1);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(fd);
}

static void reuses_a_connection(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    int fd = succeed(-1, 1, settings);
    uint64_t inbox;

    (void)state;
    for (inbox = 2; inbox < 6; inbox++)
        (void)succeed(fd, inbox, settings);
    assert_int_equal(connections, 1);
    nd_settings_drop(settings);
    (void)close(fd);
}

static void reuses_none_where_max_idle_is_0(void **state)
{
    struct nd_settings *settings = CLIENT(.max_idle = NEVER);
    int first = succeed(-1, 1, settings);
    int second;

    (void)state;
    assert_true(is_closed(first));
    second = succeed(-1, 2, settings);
    assert_true(is_closed(second));
    assert_int_equal(connections, 2);
    nd_settings_drop(settings);
    (void)close(first);
    (void)close(second);
}

static void reuses_none_that_was_idle_for_longer(void **state)
{
    struct nd_settings *settings = CLIENT(.max_idle = 0.05);
    int first = succeed(-1, 1, settings);
    int second;

    (void)state;
    assert_int_equal(poll(NULL, 0, 100), 0);
    second = succeed(-1, 2, settings);
    assert_true(is_closed(first));
    assert_int_equal(connections, 2);
    assert_int_equal(succeed(second, 3, settings), second);
    nd_settings_drop(settings);
    (void)close(first);
    (void)close(second);
}

static void takes_no_answer_that_came_before_the_request(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    int first = succeed(-1, 1, settings);
    int second;

    (void)state;
    answer(first, OK_ANSWER);
    second = succeed(-1, 2, settings);
    assert_true(is_closed(first));
    assert_int_equal(connections, 2);
    nd_settings_drop(settings);
    (void)close(first);
    (void)close(second);
}

/* A handle is set up for one client; the next one's call must not go out
 * with what that left there. */
static void keeps_clients_apart_on_one_connection(void **state)
{
    struct nd_settings *left = CLIENT(.token = "left-token");
    struct nd_settings *right = CLIENT(.token = "right-token");
    int fd = -1;
    int i;

    (void)state;
    for (i = 0; i < 6; i++) {
        struct nd_transfer transfer;
        const char *request;

        submit(&transfer, 10, i % 3 ? left : right);
        fd = fd < 0 ? accept_one() : fd;
        request = read_request(fd);
        assert_contains(request, i % 3 ? "left-token" : "right-token");
        assert_lacks(request, i % 3 ? "right-token" : "left-token");
        answer(fd, OK_ANSWER);
        finish(&transfer);
        assert_succeeded(&transfer);
        nd_transfer_free(&transfer);
    }
    assert_int_equal(connections, 1);
    nd_settings_drop(left);
    nd_settings_drop(right);
    (void)close(fd);
}

/* A connection that was closed while it was idle is not used; as nothing
 * was sent on it, the call succeeds on another one. */
static void leaves_a_closed_connection_alone(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    int fd;

    (void)state;
    (void)close(succeed(-1, 1, settings));
    fd = succeed(-1, 2, settings);
    assert_int_equal(connections, 2);
    nd_settings_drop(settings);
    (void)close(fd);
}

/* ----- at most one send ----- */

/* And for an hour a call that erases is given no kept connection to it. */
static void never_sends_again_where_a_reused_connection_dies(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    int fd = succeed(-1, 1, settings);
    struct nd_transfer transfer;
    int second;
    int third;

    (void)state;
    submit(&transfer, 2, settings);
    assert_int_equal(read_inbox(fd), 2);
    (void)close(fd);
    finish(&transfer);
    assert_true(transfer.answer.sent);
    assert_true(transfer.answer.reused);
    expect_error(&transfer, "CONNECTION_LOST", ND_KIND_NETWORK, ND_UNKNOWN);
    assert_true(try_accept() < 0);
    nd_transfer_free(&transfer);

    second = succeed(-1, 3, settings);
    third = succeed(-1, 4, settings);
    assert_int_equal(connections, 3);
    nd_settings_drop(settings);
    (void)close(second);
    (void)close(third);
}

/* What comes behind a whole answer, be it at once or later, is never taken
 * for the next one. */
static void leaves_a_connection_that_is_out_of_step(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    int fd;

    (void)state;
    submit(&transfer, 1, settings);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 1);
    answer(fd, OK_ANSWER OK_ANSWER);
    finish(&transfer);
    assert_succeeded(&transfer);
    assert_true(is_closed(fd));
    nd_transfer_free(&transfer);
    (void)close(fd);
    (void)close(succeed(-1, 2, settings));
    assert_int_equal(connections, 2);
    nd_settings_drop(settings);
}

/* Nothing is sent to a service that speaks before it is asked. */
static void sends_nothing_to_one_that_speaks_first(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    char byte;
    int fd;

    (void)state;
    submit(&transfer, 1, settings);
    nd_engine_start(engine);
    while ((fd = try_accept()) < 0)
        ;
    if (transfer.answer.sent) { /* some libcurls were connected at once */
        nd_engine_cancel(&transfer);
        nd_transfer_free(&transfer);
        nd_settings_drop(settings);
        (void)close(fd);
        skip();
    }
    answer(fd, OK_ANSWER);
    finish(&transfer);
    assert_false(transfer.answer.sent);
    expect_error(&transfer, "CONNECT_FAILED", ND_KIND_NETWORK, ND_NOT_SENT);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(fd);
}

/* An answer that comes while the request is still being written is none. */
static void takes_no_answer_to_half_a_request(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    int fd;

    (void)state;
    submit(&transfer, 1, settings);
    fd = accept_one();
    while (!transfer.answer.sent)
        turn();
    transfer.request.bytes.length++; /* as if one byte were still to go */
    answer(fd, OK_ANSWER);
    finish(&transfer);
    expect_error(&transfer, "ANSWER_UNREADABLE", ND_KIND_NETWORK, ND_UNKNOWN);
    assert_true(transfer.written < transfer.request.bytes.length);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(fd);
}

static void tells_that_nothing_was_sent_where_nobody_listens(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;

    (void)state;
    (void)close(listener);
    listener = -1;
    submit(&transfer, 10, settings);
    finish(&transfer);
    assert_false(transfer.answer.sent);
    expect_error(&transfer, "CONNECT_FAILED", ND_KIND_NETWORK, ND_NOT_SENT);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
}

/* ----- the queue ----- */

static void starts_in_order_and_no_more_than_max_in_flight(void **state)
{
    struct nd_settings *settings = CLIENT(.max_in_flight = 2);
    struct nd_transfer transfers[6];
    int fds[2];
    int i;

    (void)state;
    submit_many(transfers, 6, settings);
    assert_int_equal(nd_engine_in_flight(engine), 6);
    fds[0] = accept_one();
    fds[1] = accept_one();
    for (i = 0; i < 6; i++) {
        /* The connection that was answered last takes the next one. */
        int fd = fds[i % 2];
        int later;

        assert_int_equal(read_inbox(fd), i + 1);
        for (later = i + 2; later < 6; later++)
            assert_int_equal(transfers[later].state, ND_TRANSFER_QUEUED);
        answer(fd, OK_ANSWER);
        finish(&transfers[i]);
        assert_succeeded(&transfers[i]);
        assert_int_equal(nd_engine_in_flight(engine), 5 - i);
    }
    assert_int_equal(connections, 2);
    assert_true(try_accept() < 0);
    assert_int_equal(nd_engine_ended(engine), 6);
    free_many(transfers, 6);
    nd_settings_drop(settings);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* One of a client with a higher limit does not overtake. */
static void lets_nobody_overtake(void **state)
{
    struct nd_settings *one = CLIENT(.max_in_flight = 1);
    struct nd_settings *many = CLIENT(.max_in_flight = 64);
    struct nd_transfer transfers[3];
    int fd;
    int i;

    (void)state;
    submit(&transfers[0], 1, many);
    submit(&transfers[1], 2, one);
    submit(&transfers[2], 3, many);
    fd = accept_one();
    for (i = 0; i < 2; i++) {
        assert_int_equal(read_inbox(fd), i + 1);
        assert_int_equal(transfers[2].state,
                         i == 0 ? ND_TRANSFER_QUEUED : ND_TRANSFER_RUNNING);
        if (i == 0)
            assert_int_equal(transfers[1].state, ND_TRANSFER_QUEUED);
        answer(fd, OK_ANSWER);
        finish(&transfers[i]);
        assert_succeeded(&transfers[i]);
    }
    (void)close(fd);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 3);
    answer(fd, OK_ANSWER);
    finish(&transfers[2]);
    assert_succeeded(&transfers[2]);
    free_many(transfers, 3);
    nd_settings_drop(one);
    nd_settings_drop(many);
    (void)close(fd);
}

/* ----- time-outs ----- */

/* Waiting counts; and one wait is enough, as it ends by the deadline. */
static void times_out_in_the_queue_without_a_send(void **state)
{
    struct nd_settings *first = CLIENT(.max_in_flight = 1);
    struct nd_settings *second = CLIENT(.max_in_flight = 1, .timeout = 0.05);
    struct nd_transfer running;
    struct nd_transfer waiting;
    int64_t begin;
    int fd;

    (void)state;
    submit(&running, 1, first);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 1);
    submit(&waiting, 2, second);
    begin = nd_clock_ms();
    while (waiting.state != ND_TRANSFER_DONE) {
        nd_engine_step(engine);
        nd_engine_wait(engine, PATIENCE_MS);
        assert_true(nd_clock_ms() - begin < PATIENCE_MS);
    }
    /* A tenth before its end, as no answer could come in time any more. */
    assert_true(nd_clock_ms() - begin >= 44);
    assert_false(waiting.answer.sent);
    expect_error(&waiting, "TIMEOUT", ND_KIND_NETWORK, ND_NOT_SENT);
    assert_int_equal(running.state, ND_TRANSFER_RUNNING);
    answer(fd, OK_ANSWER);
    finish(&running);
    assert_succeeded(&running);
    assert_int_equal(connections, 1);
    assert_true(try_accept() < 0);
    nd_transfer_free(&running);
    nd_transfer_free(&waiting);
    nd_settings_drop(first);
    nd_settings_drop(second);
    (void)close(fd);
}

static void times_out_after_the_send(void **state)
{
    struct nd_settings *settings = CLIENT(.timeout = 1);
    struct nd_transfer transfer;
    int fd;

    (void)state;
    submit(&transfer, 10, settings);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 10);
    answer(fd, "HTTP/1.1 200 OK\r\nContent-Le");
    finish(&transfer);
    assert_true(transfer.answer.sent);
    assert_int_equal(transfer.answer.http_status, 200);
    expect_error(&transfer, "TIMEOUT", ND_KIND_NETWORK, ND_UNKNOWN);
    assert_true(is_closed(fd));
    assert_true(try_accept() < 0);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(fd);
}

/* The time is over, and the answer has come all the same. */
static void reads_what_has_come_in_time(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfers[2];
    int fds[2];
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        submit(&transfers[i], (uint64_t)i + 1, settings);
        fds[i] = accept_one();
        assert_int_equal(read_inbox(fds[i]), i + 1);
    }
    answer(fds[0], OK_ANSWER);
    answer(fds[1], "HTTP/1.1 200 OK\r\n");
    for (i = 0; i < 2; i++)
        transfers[i].deadline_ms = nd_clock_ms() - 1000;
    nd_engine_start(engine);
    assert_succeeded(&transfers[0]);
    expect_error(&transfers[1], "TIMEOUT", ND_KIND_NETWORK, ND_UNKNOWN);
    for (i = 0; i < 2; i++) {
        nd_transfer_free(&transfers[i]);
        (void)close(fds[i]);
    }
    nd_settings_drop(settings);
}

/* ----- giving up ----- */

static void cancels_a_queued_transfer(void **state)
{
    struct nd_settings *settings = CLIENT(.max_in_flight = 1);
    struct nd_transfer transfers[3];
    int fd;

    (void)state;
    submit_many(transfers, 3, settings);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 1);
    nd_engine_cancel(&transfers[1]); /* from the middle of the queue */
    assert_int_equal(transfers[1].state, ND_TRANSFER_DONE);
    assert_int_equal(transfers[1].answer.fault, ND_FAULT_CANCELLED);
    assert_false(transfers[1].answer.sent);
    expect_error(&transfers[1], "CANCELLED", ND_KIND_NETWORK, ND_NOT_SENT);
    assert_int_equal(nd_engine_in_flight(engine), 2);
    nd_engine_cancel(&transfers[1]); /* once more does nothing */
    assert_int_equal(nd_engine_in_flight(engine), 2);
    answer(fd, OK_ANSWER);
    assert_int_equal(read_inbox(fd), 3);
    answer(fd, OK_ANSWER);
    finish(&transfers[0]);
    finish(&transfers[2]);
    assert_succeeded(&transfers[0]);
    assert_succeeded(&transfers[2]);
    nd_engine_cancel(&transfers[2]); /* nor of one that is done */
    assert_int_equal(transfers[2].answer.fault, ND_FAULT_NONE);
    free_many(transfers, 3);
    nd_settings_drop(settings);
    (void)close(fd);
}

static void cancels_a_running_transfer(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    int fd;

    (void)state;
    /* before the send */
    submit(&transfer, 1, settings);
    nd_engine_step(engine);
    assert_int_equal(transfer.state, ND_TRANSFER_RUNNING);
    if (!transfer.answer.sent) {
        nd_engine_cancel(&transfer);
        expect_error(&transfer, "CANCELLED", ND_KIND_NETWORK, ND_NOT_SENT);
    } else {
        nd_engine_cancel(&transfer);
    }
    nd_transfer_free(&transfer);
    fd = accept_one();
    (void)close(fd);

    /* after it */
    submit(&transfer, 2, settings);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 2);
    nd_engine_cancel(&transfer);
    assert_int_equal(transfer.state, ND_TRANSFER_DONE);
    assert_null(transfer.connection);
    assert_true(transfer.answer.sent);
    expect_error(&transfer, "CANCELLED", ND_KIND_NETWORK, ND_UNKNOWN);
    assert_int_equal(nd_engine_in_flight(engine), 0);
    assert_true(is_closed(fd));
    (void)close(fd);
    nd_transfer_free(&transfer);

    /* The engine goes on. */
    (void)close(succeed(-1, 3, settings));
    nd_settings_drop(settings);
}

static void ends_what_is_under_way_when_it_is_freed(void **state)
{
    struct nd_settings *settings = CLIENT(.max_in_flight = 2);
    struct nd_transfer transfers[4];
    int fds[2];
    int i;

    (void)state;
    submit_many(transfers, 4, settings);
    fds[0] = accept_one();
    fds[1] = accept_one();
    assert_int_equal(read_inbox(fds[0]), 1);
    assert_int_equal(read_inbox(fds[1]), 2);
    nd_engine_free(engine);
    engine = NULL;
    for (i = 0; i < 4; i++) {
        assert_int_equal(transfers[i].state, ND_TRANSFER_DONE);
        assert_null(transfers[i].engine);
        assert_null(transfers[i].connection);
        assert_int_equal(transfers[i].answer.fault, ND_FAULT_CANCELLED);
        assert_int_equal(transfers[i].answer.sent, i < 2);
        expect_error(&transfers[i], "CANCELLED", ND_KIND_NETWORK,
                     i < 2 ? ND_UNKNOWN : ND_NOT_SENT);
        nd_transfer_free(&transfers[i]);
    }
    for (i = 0; i < 2; i++) {
        assert_true(is_closed(fds[i]));
        (void)close(fds[i]);
    }
    nd_settings_drop(settings);
}

/* ----- processes ----- */

#define FDS_MAX 256

static void note_open_fds(bool open_fds[FDS_MAX])
{
    int fd;

    for (fd = 0; fd < FDS_MAX; fd++)
        open_fds[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* The server's own are close-on-exec too, so each one that is new counts. */
static void lets_children_inherit_no_socket(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    bool before[FDS_MAX];
    struct nd_error err;
    int added = 0;
    int kept;
    int fd;

    (void)state;
    nd_engine_free(engine);
    note_open_fds(before);
    engine = nd_engine_new(&err);
    assert_non_null(engine);
    kept = succeed(-1, 1, settings); /* a pooled connection */
    submit(&transfer, 2, settings);  /* one in use */
    assert_int_equal(read_inbox(kept), 2);
    for (fd = 0; fd < FDS_MAX; fd++) {
        int flags = fcntl(fd, F_GETFD);

        if (flags < 0 || before[fd])
            continue;
        added++;
        assert_true(flags & FD_CLOEXEC);
    }
    /* At least the two ends of the connection. */
    assert_true(added >= 2);
    nd_engine_cancel(&transfer);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(kept);
}

/* In the child: the parent's engine is given up, and another one works. */
static void use_foreign_engine(struct nd_transfer *running,
                               struct nd_transfer *queued,
                               struct nd_settings *settings)
{
    bool before[FDS_MAX];
    bool after[FDS_MAX];
    struct nd_error err;

    in_child = true;
    CHECK(nd_engine_is_foreign(engine));
    note_open_fds(before);
    nd_engine_free(engine);
    note_open_fds(after);
    CHECK(memcmp(before, after, sizeof before) == 0);
    CHECK(running->state == ND_TRANSFER_DONE &&
          running->answer.fault == ND_FAULT_CANCELLED);
    CHECK(queued->state == ND_TRANSFER_DONE &&
          queued->answer.fault == ND_FAULT_CANCELLED);
    CHECK(running->answer.sent && queued->answer.sent); /* by the parent */
    nd_transfer_free(running);
    nd_transfer_free(queued);
    engine = nd_engine_new(&err);
    CHECK(engine != NULL);
    CHECK(!nd_engine_is_foreign(engine));
    (void)succeed(-1, 3, settings);
    nd_engine_free(engine);
    nd_settings_drop(settings);
    /* What is libcurl's and the parent's is left as it is, which a search
     * for leaks at an exit would tell. */
    (void)execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}

static void leaves_the_parents_engine_alone(void **state)
{
    struct nd_settings *settings = CLIENT(.max_in_flight = 1);
    struct nd_transfer running;
    struct nd_transfer queued;
    int status;
    pid_t child;
    int fd;

    (void)state;
    submit(&running, 1, settings);
    submit(&queued, 2, settings);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 1);
    child = fork();
    if (child == 0)
        use_foreign_engine(&running, &queued, settings);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    /* The parent goes on over the same connection. */
    assert_false(nd_engine_is_foreign(engine));
    answer(fd, OK_ANSWER);
    finish(&running);
    assert_succeeded(&running);
    assert_int_equal(read_inbox(fd), 2);
    answer(fd, OK_ANSWER);
    finish(&queued);
    assert_succeeded(&queued);
    assert_int_equal(connections, 1);
    nd_transfer_free(&running);
    nd_transfer_free(&queued);
    nd_settings_drop(settings);
    (void)close(fd);
}

/* ----- the bell ----- */

static void ends_a_wait_by_its_bell(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    int64_t began = nd_clock_ms();
    int bells[2][2];
    int fd, i;

    (void)state;
    assert_int_equal(pipe(bells[0]), 0);
    assert_int_equal(pipe(bells[1]), 0);
    submit(&transfer, 10, settings);
    fd = accept_one();
    (void)read_request(fd);
    /* It rings before the wait, and until somebody reads it. */
    for (i = 0; i < 2; i++) {
        assert_true(nd_engine_set_bell(engine, bells[i][0]));
        assert_int_equal(write(bells[i][1], "", 1), 1);
        nd_engine_wait(engine, 2 * PATIENCE_MS);
        nd_engine_wait(engine, 2 * PATIENCE_MS);
        assert_true(nd_clock_ms() - began < PATIENCE_MS);
    }
    /* What is no bell any more rings in vain, and may be closed. */
    assert_true(nd_engine_set_bell(engine, -1));
    began = nd_clock_ms();
    nd_engine_wait(engine, 20);
    assert_true(nd_clock_ms() - began >= 20);
    for (i = 0; i < 4; i++)
        (void)close(bells[i / 2][i % 2]);
    assert_int_equal(nd_engine_in_flight(engine), 1);
    nd_engine_cancel(&transfer);
    nd_transfer_free(&transfer);
    (void)close(fd);
    nd_settings_drop(settings);
}

/* A close would leave the connection to a child that has it, too: it is
 * reset where its call ends without a whole answer. */
static void resets_what_a_forked_child_holds_too(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;
    int ends[2];
    pid_t child;
    char byte;
    int fd;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    submit(&transfer, 1, settings);
    fd = accept_one();
    assert_int_equal(read_inbox(fd), 1);
    child = fork();
    if (child == 0) {
        (void)close(ends[1]);
        (void)close(fd);
        (void)read(ends[0], &byte, 1); /* until the parent is done */
        (void)execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    assert_true(child > 0);
    nd_engine_cancel(&transfer);
    assert_true(is_closed(fd));
    expect_error(&transfer, "CANCELLED", ND_KIND_NETWORK, ND_UNKNOWN);
    (void)close(ends[1]);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    nd_transfer_free(&transfer);
    nd_settings_drop(settings);
    (void)close(fd);
}

/* ----- transfers alone ----- */

static void frees_a_transfer_at_any_stage(void **state)
{
    struct nd_settings *settings = CLIENT(0);
    struct nd_transfer transfer;

    (void)state;
    memset(&transfer, 0, sizeof transfer);
    nd_transfer_free(&transfer);
    submit(&transfer, 10, settings);
    nd_engine_cancel(&transfer);
    nd_transfer_free(&transfer);
    nd_transfer_free(&transfer);
    nd_connection_free(NULL);
    assert_true(try_accept() < 0);
    nd_settings_drop(settings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_this_libcurl),
        TEST(does_nothing_where_nothing_is_to_do),
        TEST(sends_the_documented_request),
        TEST(keeps_its_settings_while_a_call_is_under_way),
        TEST(passes_over_an_interim_answer),
        TEST(never_follows_a_redirect),
        TEST(knows_a_cut_answer_at_each_byte),
        TEST(stops_at_the_limit_on_the_body),
        TEST(reads_only_so_much_at_once),
        TEST(reuses_a_connection),
        TEST(reuses_none_where_max_idle_is_0),
        TEST(reuses_none_that_was_idle_for_longer),
        TEST(takes_no_answer_that_came_before_the_request),
        TEST(keeps_clients_apart_on_one_connection),
        TEST(leaves_a_closed_connection_alone),
        TEST(never_sends_again_where_a_reused_connection_dies),
        TEST(leaves_a_connection_that_is_out_of_step),
        TEST(sends_nothing_to_one_that_speaks_first),
        TEST(takes_no_answer_to_half_a_request),
        TEST(tells_that_nothing_was_sent_where_nobody_listens),
        TEST(starts_in_order_and_no_more_than_max_in_flight),
        TEST(lets_nobody_overtake),
        TEST(times_out_in_the_queue_without_a_send),
        TEST(times_out_after_the_send),
        TEST(reads_what_has_come_in_time),
        TEST(cancels_a_queued_transfer),
        TEST(cancels_a_running_transfer),
        TEST(ends_what_is_under_way_when_it_is_freed),
        TEST(lets_children_inherit_no_socket),
        TEST(leaves_the_parents_engine_alone),
        TEST(resets_what_a_forked_child_holds_too),
        TEST(ends_a_wait_by_its_bell),
        TEST(frees_a_transfer_at_any_stage),
    };

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
