/* outcome.c: the table of kinds and outcomes of docs/internals/truth.md. */
#include "support.h"

#include <curl/curl.h>
#include <stdio.h>

#include "../../src/core/outcome.h"

#define CALL(id) (&nd_calls[ND_CALL_##id])

/* ----- the table, as data ----- */

enum { NO, YES, ANY };

/* Whether the status is one of these. */
enum statuses {
    S_ANY,
    S_429,
    S_OTHER_4XX, /* 4xx other than 408 */
    S_NOT_2XX,
    S_2XX
};

enum bodies {
    B_ANY,
    B_REFUSAL,
    B_CLEAR, /* nothing in it says that it may have been carried out */
    B_NOT_OK,
    B_SUCCESS
};

struct row {
    int sent;
    int complete;
    int too_large;
    enum bodies body;
    int documented; /* the reason of a refusal */
    enum statuses status;
    enum nd_kind kind;
    enum nd_outcome outcome;
};

/* The first row that fits counts.  An answer that was cut by the limit on
 * its size is not complete either, so the table's row of incomplete ones
 * is about the others. */
static const struct row rows[] = {
    {NO, ANY, ANY, B_ANY, ANY, S_ANY, ND_KIND_NETWORK, ND_NOT_SENT},
    {YES, NO, NO, B_ANY, ANY, S_ANY, ND_KIND_NETWORK, ND_UNKNOWN},
    {YES, ANY, YES, B_ANY, ANY, S_ANY, ND_KIND_PROTOCOL, ND_UNKNOWN},
    {YES, YES, NO, B_REFUSAL, YES, S_ANY, ND_KIND_API, ND_REJECTED},
    {YES, YES, NO, B_REFUSAL, NO, S_429, ND_KIND_API, ND_REJECTED},
    {YES, YES, NO, B_REFUSAL, NO, S_ANY, ND_KIND_API, ND_UNKNOWN},
    {YES, YES, NO, B_CLEAR, ANY, S_OTHER_4XX, ND_KIND_HTTP, ND_REJECTED},
    {YES, YES, NO, B_ANY, ANY, S_NOT_2XX, ND_KIND_HTTP, ND_UNKNOWN},
    {YES, YES, NO, B_NOT_OK, ANY, S_2XX, ND_KIND_PROTOCOL, ND_UNKNOWN},
};

/* One thing that can have happened. */
struct event {
    bool sent;
    bool whole;
    enum nd_fault fault;
    int curl_code; /* of ND_FAULT_CONNECT */
    long status;
    enum nd_says says;
    long reason;
    bool doubtful;
};

/* Every fault, and some of libcurl's codes for the one that has them. */
static const struct {
    enum nd_fault fault;
    int curl_code;
} faults[] = {
    {ND_FAULT_NONE, 0},
    {ND_FAULT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY},
    {ND_FAULT_CONNECT, CURLE_COULDNT_RESOLVE_HOST},
    {ND_FAULT_CONNECT, CURLE_COULDNT_CONNECT},
    {ND_FAULT_CONNECT, CURLE_OPERATION_TIMEDOUT},
    {ND_FAULT_CONNECT, CURLE_PEER_FAILED_VERIFICATION},
    {ND_FAULT_CONNECT, CURLE_OUT_OF_MEMORY},
    {ND_FAULT_CONNECT, 94}, /* CURLE_AUTH_ERROR, as one without a row */
    {ND_FAULT_UNASKED, 0},
    {ND_FAULT_TIMEOUT, 0},
    {ND_FAULT_LOST, 0},
    {ND_FAULT_CUT, 0},
    {ND_FAULT_EARLY, 0},
    {ND_FAULT_UNREADABLE, 0},
    {ND_FAULT_TOO_LARGE, 0},
    {ND_FAULT_CANCELLED, 0},
    {ND_FAULT_MEMORY, 0},
};

static const long statuses[] = {ND_UNSET, 200, 201, 204, 299, 300, 301, 302,
                                304,      307, 308, 399, 400, 401, 403, 404,
                                407,      408, 409, 417, 429, 499, 500, 501,
                                502,      503, 504, 599, 600, 999};

static const struct {
    enum nd_says says;
    long reason;
    bool doubtful;
} bodies[] = {
    {ND_SAYS_NOTHING, ND_UNSET, false},
    {ND_SAYS_NOTHING, ND_UNSET, true},
    {ND_SAYS_OK, ND_UNSET, true},
    {ND_SAYS_CONTRADICTION, ND_UNSET, false},
    {ND_SAYS_CONTRADICTION, ND_UNSET, true},
    {ND_SAYS_FAIL, 2, true},
    {ND_SAYS_FAIL, 2, false},
    {ND_SAYS_FAIL, 3, false},
    {ND_SAYS_FAIL, 13, false},
    {ND_SAYS_FAIL, 33, false},
    {ND_SAYS_FAIL, 34, false},
    {ND_SAYS_FAIL, 47, false},
    {ND_SAYS_FAIL, 4, false},
    {ND_SAYS_FAIL, 48, true},
    {ND_SAYS_FAIL, 999999999, false},
};

static bool is_documented(long reason)
{
    return reason == 2 || reason == 3 || reason == 13 || reason == 33 ||
           reason == 34 || reason == 47;
}

static bool status_fits(enum statuses wanted, long status)
{
    switch (wanted) {
    case S_429:
        return status == 429;
    case S_OTHER_4XX:
        return status >= 400 && status <= 499 && status != 408;
    case S_NOT_2XX:
        return status < 200 || status > 299;
    case S_2XX:
        return status >= 200 && status <= 299;
    default:
        return true;
    }
}

static bool body_fits(enum bodies wanted, const struct event *event)
{
    switch (wanted) {
    case B_REFUSAL:
        return event->says == ND_SAYS_FAIL;
    case B_CLEAR:
        return !event->doubtful;
    case B_NOT_OK:
        return event->says != ND_SAYS_OK;
    case B_SUCCESS:
        return event->says == ND_SAYS_OK;
    default:
        return true;
    }
}

static bool fits(int wanted, bool is)
{
    return wanted == ANY || wanted == (is ? YES : NO);
}

static bool is_complete(const struct event *event)
{
    return event->whole && event->fault == ND_FAULT_NONE;
}

/* NULL for a success. */
static const struct row *first_fit(const struct event *event)
{
    bool complete = is_complete(event);
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        if (fits(rows[i].sent, event->sent) &&
            fits(rows[i].complete, complete) &&
            fits(rows[i].too_large, event->fault == ND_FAULT_TOO_LARGE) &&
            body_fits(rows[i].body, event) &&
            fits(rows[i].documented, is_documented(event->reason)) &&
            status_fits(rows[i].status, event->status))
            return &rows[i];
    }
    return NULL;
}

/* As documented: kind network with outcome not_sent, or outcome
 * rejected under HTTP 429 without a reason of the call's table. */
static bool may_retry(const struct row *row, const struct event *event)
{
    return (row->kind == ND_KIND_NETWORK && row->outcome == ND_NOT_SENT) ||
           (row->outcome == ND_REJECTED && event->status == 429 &&
            !(row->kind == ND_KIND_API && is_documented(event->reason)));
}

static bool judge(const struct event *event, const struct nd_call *call,
                  struct nd_error *err)
{
    const struct nd_secrets secrets = {.count = 0};
    struct nd_verdict verdict = {.says = event->says,
                                 .reason = event->reason,
                                 .flaw = "a flaw",
                                 .doubtful = event->doubtful};
    struct nd_answer answer;
    bool success;

    nd_answer_init(&answer, 1024);
    answer.sent = event->sent;
    answer.fault = event->fault;
    answer.phase = event->whole ? ND_PHASE_WHOLE : ND_PHASE_BODY;
    answer.curl_code = event->curl_code;
    answer.http_status = event->status;
    answer.retry_after = 5;
    *err = junk_error();
    success = nd_outcome(err, call, &answer, &verdict, &secrets);
    nd_answer_free(&answer);
    return success;
}

static void fail_event(const struct event *event, const char *what)
{
    fail_msg("%s: sent %d, whole %d, fault %d, curl %d, status %ld, "
             "body says %d, reason %ld",
             what, event->sent, event->whole, (int)event->fault,
             event->curl_code, event->status, (int)event->says, event->reason);
}

static void check_event(const struct event *event)
{
    const struct row *row = first_fit(event);
    struct nd_error err;
    bool success = judge(event, CALL(DELETE_INBOX), &err);

    if (success != (row == NULL))
        fail_event(event, success ? "a success" : "no success");
    if (!row)
        return;
    if (err.kind != row->kind || err.outcome != row->outcome)
        fail_event(event, err.name);
    if (err.retryable != may_retry(row, event))
        fail_event(event, err.retryable ? "retryable" : "not retryable");
    if (err.reason != (row->kind == ND_KIND_API ? event->reason : ND_UNSET))
        fail_event(event, "another reason");
    if (err.http_status != event->status || err.retry_after != 5 ||
        err.curl_code != (event->curl_code ? event->curl_code : ND_UNSET))
        fail_event(event, "another fact");
    if (!*err.name || !*err.message || strpbrk(err.message, "\r\n"))
        fail_event(event, "no words");
}

/* Calls what for each thing that can happen. */
static void each_event(void (*what)(const struct event *event))
{
    struct event event;
    size_t fault;
    size_t status;
    size_t body;
    unsigned int flags;

    for (fault = 0; fault < COUNT(faults); fault++) {
        for (status = 0; status < COUNT(statuses); status++) {
            for (body = 0; body < COUNT(bodies); body++) {
                for (flags = 0; flags < 4; flags++) {
                    event.sent = flags & 1;
                    event.whole = (flags & 2) && statuses[status] != ND_UNSET;
                    event.fault = faults[fault].fault;
                    event.curl_code = faults[fault].curl_code;
                    event.status = statuses[status];
                    event.says = bodies[body].says;
                    event.reason = bodies[body].reason;
                    event.doubtful = bodies[body].doubtful;
                    what(&event);
                }
            }
        }
    }
}

static void judges_as_documented(void **state)
{
    (void)state;
    each_event(check_event);
}

/* ----- calls that change nothing ----- */

/* An error of theirs has no outcome.  It is worth another try where nothing
 * was sent, on time-outs, and under 429, 502, 503 and 504 unless the service
 * has said what is wrong. */
static void check_read(const struct event *event)
{
    static const enum nd_call_id reads[] = {ND_CALL_GET_ACCESS_TOKEN,
                                            ND_CALL_GET_INBOXES};
    bool too_large = event->fault == ND_FAULT_TOO_LARGE;
    bool cut = event->sent && !too_large && !is_complete(event);
    bool timed_out = event->fault == ND_FAULT_TIMEOUT ||
                     event->curl_code == CURLE_OPERATION_TIMEDOUT;
    bool busy = event->status == 429 || event->status == 502 ||
                event->status == 503 || event->status == 504;
    size_t i;

    for (i = 0; i < COUNT(reads); i++) {
        const struct nd_call *call = &nd_calls[reads[i]];
        const struct nd_reason *reason =
            event->says == ND_SAYS_FAIL ? nd_find_reason(call, event->reason)
                                        : NULL;
        bool again = !event->sent || (cut && timed_out) ||
                     (!cut && !too_large && busy && !reason);
        struct nd_error err;

        if (judge(event, call, &err)) {
            if (first_fit(event))
                fail_event(event, "a success");
            continue;
        }
        if (!first_fit(event))
            fail_event(event, "no success");
        if (err.outcome != ND_NONE)
            fail_event(event, nd_outcome_name(err.outcome));
        if (err.retryable != again)
            fail_event(event, again ? "not retryable" : "retryable");
        assert_lacks(err.message, "delet");
    }
}

static void gives_no_outcome_to_calls_that_change_nothing(void **state)
{
    (void)state;
    each_event(check_read);
}

/* ----- names ----- */

struct named {
    struct event event;
    const char *name;
    const char *words; /* in the message */
};

/* meaning: what each of the messages says of the deletion. */
static void expect_names(const struct named *named, size_t count,
                         const char *meaning)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct nd_error err;

        assert_false(judge(&named[i].event, CALL(DELETE_INBOX), &err));
        assert_string_equal(err.name, named[i].name);
        assert_contains(err.message, named[i].words);
        assert_contains(err.message, meaning);
    }
}

#define BEFORE(code)                                                       \
    {                                                                      \
        .fault = ND_FAULT_CONNECT, .curl_code = (code), .status = ND_UNSET \
    }
#define UNSENT(what)                        \
    {                                       \
        .fault = (what), .status = ND_UNSET \
    }
#define AFTER(what)                                       \
    {                                                     \
        .sent = true, .fault = (what), .status = ND_UNSET \
    }

static void names_what_failed_before_the_send(void **state)
{
    static const struct named named[] = {
        {BEFORE(CURLE_COULDNT_RESOLVE_PROXY), "PROXY_NOT_RESOLVED", "proxy"},
        {BEFORE(CURLE_COULDNT_RESOLVE_HOST), "HOST_NOT_RESOLVED", "name"},
        {BEFORE(CURLE_COULDNT_CONNECT), "CONNECT_FAILED", "connection"},
        {BEFORE(CURLE_OPERATION_TIMEDOUT), "TIMEOUT", "time-out"},
        {BEFORE(CURLE_PEER_FAILED_VERIFICATION), "TLS_UNTRUSTED",
         "certificate"},
        {BEFORE(CURLE_SSL_ISSUER_ERROR), "TLS_UNTRUSTED", "certificate"},
        {BEFORE(CURLE_SSL_CONNECT_ERROR), "TLS_FAILED", "TLS"},
        {BEFORE(CURLE_SSL_CERTPROBLEM), "TLS_FAILED", "TLS"},
        {BEFORE(CURLE_SSL_CIPHER), "TLS_FAILED", "TLS"},
        {BEFORE(CURLE_PROXY), "PROXY_FAILED", "proxy"},
        {BEFORE(CURLE_OUT_OF_MEMORY), "OUT_OF_MEMORY", "memory"},
        {BEFORE(CURLE_RECV_ERROR), "TLS_FAILED", "handshake"},
        {BEFORE(CURLE_SEND_ERROR), "TLS_FAILED", "handshake"},
        {BEFORE(94), "CONNECT_FAILED", "connection"},
        {UNSENT(ND_FAULT_UNASKED), "CONNECT_FAILED", "before it was asked"},
        {UNSENT(ND_FAULT_TIMEOUT), "TIMEOUT", "free within the time-out"},
        {UNSENT(ND_FAULT_CANCELLED), "CANCELLED", "given up"},
        {UNSENT(ND_FAULT_MEMORY), "OUT_OF_MEMORY", "memory"},
    };

    (void)state;
    expect_names(named, COUNT(named), "nothing was deleted");
}

static void names_what_failed_after_the_send(void **state)
{
    static const struct named named[] = {
        {AFTER(ND_FAULT_LOST), "CONNECTION_LOST", "lost"},
        {AFTER(ND_FAULT_CUT), "ANSWER_CUT", "cut"},
        {AFTER(ND_FAULT_TIMEOUT), "TIMEOUT", "time-out"},
        {AFTER(ND_FAULT_EARLY), "ANSWER_UNREADABLE", "before the request"},
        {AFTER(ND_FAULT_UNREADABLE), "ANSWER_UNREADABLE", "not HTTP"},
        {AFTER(ND_FAULT_CANCELLED), "CANCELLED", "given up"},
        {AFTER(ND_FAULT_MEMORY), "OUT_OF_MEMORY", "memory"},
    };

    (void)state;
    expect_names(named, COUNT(named), "may have been carried out");
}

/* A complete answer. */
#define ANSWERED(http, body_says, code)                                     \
    {                                                                       \
        .sent = true, .whole = true, .status = (http), .says = (body_says), \
        .reason = (code)                                                    \
    }

static void names_what_the_service_answered(void **state)
{
    static const struct named named[] = {
        {ANSWERED(200, ND_SAYS_FAIL, 2), "CREDENTIALS_OR_JSON_INVALID",
         "reason 2 "},
        {ANSWERED(401, ND_SAYS_FAIL, 3), "ACCESS_TOKEN_INVALID", "reason 3 "},
        {ANSWERED(405, ND_SAYS_FAIL, 13), "METHOD_NOT_DELETE", "reason 13 "},
        {ANSWERED(200, ND_SAYS_FAIL, 33), "ACCOUNT_ID_INVALID", "reason 33 "},
        {ANSWERED(200, ND_SAYS_FAIL, 34), "SERVER_INVALID", "reason 34 "},
        {ANSWERED(500, ND_SAYS_FAIL, 47), "INBOX_ID_INVALID", "reason 47 "},
        {ANSWERED(200, ND_SAYS_FAIL, 999), "UNDOCUMENTED_REASON",
         "reason 999"},
        {ANSWERED(302, ND_SAYS_NOTHING, ND_UNSET), "REDIRECTED", "HTTP 302"},
        {ANSWERED(401, ND_SAYS_NOTHING, ND_UNSET), "UNAUTHORIZED", "HTTP 401"},
        {ANSWERED(403, ND_SAYS_NOTHING, ND_UNSET), "FORBIDDEN", "HTTP 403"},
        {ANSWERED(404, ND_SAYS_NOTHING, ND_UNSET), "NOT_FOUND", "HTTP 404"},
        {ANSWERED(408, ND_SAYS_NOTHING, ND_UNSET), "REQUEST_TIMEOUT",
         "HTTP 408"},
        {ANSWERED(417, ND_SAYS_NOTHING, ND_UNSET), "HTTP_STATUS", "HTTP 417"},
        {ANSWERED(400, ND_SAYS_NOTHING, ND_UNSET), "HTTP_STATUS",
         "HTTP 400 without a verdict of the service; check base_url; "},
        {ANSWERED(501, ND_SAYS_NOTHING, ND_UNSET), "HTTP_STATUS",
         "HTTP 501 without a verdict of the service; check base_url; "},
        {ANSWERED(429, ND_SAYS_NOTHING, ND_UNSET), "TOO_MANY_REQUESTS",
         "HTTP 429: too many requests; the service asks to wait 5 s; "},
        {ANSWERED(500, ND_SAYS_NOTHING, ND_UNSET), "SERVER_ERROR", "HTTP 500"},
        {ANSWERED(502, ND_SAYS_NOTHING, ND_UNSET), "BAD_GATEWAY", "HTTP 502"},
        {ANSWERED(503, ND_SAYS_NOTHING, ND_UNSET), "SERVICE_UNAVAILABLE",
         "HTTP 503"},
        {ANSWERED(504, ND_SAYS_NOTHING, ND_UNSET), "GATEWAY_TIMEOUT",
         "HTTP 504"},
        {ANSWERED(500, ND_SAYS_OK, ND_UNSET), "SERVER_ERROR", "says OK"},
        {ANSWERED(200, ND_SAYS_NOTHING, ND_UNSET), "ANSWER_NOT_UNDERSTOOD",
         "a flaw"},
        {ANSWERED(200, ND_SAYS_CONTRADICTION, ND_UNSET),
         "ANSWER_CONTRADICTORY", "a flaw"},
        {{.sent = true, .fault = ND_FAULT_TOO_LARGE, .status = 200},
         "ANSWER_TOO_LARGE",
         "max_response_bytes (1024)"},
    };

    (void)state;
    expect_names(named, COUNT(named), "");
}

/* The certificates are read when a connection is first made. */
static void takes_an_unreadable_ca_file_for_a_bad_argument(void **state)
{
    static const struct event event = BEFORE(CURLE_SSL_CACERT_BADFILE);
    struct nd_error err;

    (void)state;
    assert_false(judge(&event, CALL(DELETE_INBOX), &err));
    assert_int_equal(err.kind, ND_KIND_ARGUMENT);
    assert_int_equal(err.outcome, ND_NOT_SENT);
    assert_string_equal(err.name, "CA_FILE_UNREADABLE");
    assert_false(err.retryable);
    assert_contains(err.message, "ca_file");
}

/* ----- messages ----- */

/* A failed transfer, of which libcurl says this. */
static void describe(const char *detail, bool sent, const char *secret,
                     struct nd_error *err)
{
    const struct nd_verdict verdict = {.says = ND_SAYS_NOTHING, .flaw = ""};
    struct nd_secrets secrets = {.count = 0};
    struct nd_answer answer;

    nd_secrets_add(&secrets, secret);
    nd_answer_init(&answer, 1024);
    answer.sent = sent;
    answer.fault = ND_FAULT_LOST;
    assert_true(nd_buffer_add_text(&answer.detail, detail));
    assert_false(
        nd_outcome(err, CALL(DELETE_INBOX), &answer, &verdict, &secrets));
    nd_answer_free(&answer);
}

static void tells_libcurls_words_in_one_line(void **state)
{
    struct nd_error err;

    (void)state;
    describe("Recv failure:\r\n\tConnection reset\x1b[1m\x7f", true, NULL,
             &err);
    assert_contains(err.message, "Connection reset");
    assert_null(strpbrk(err.message, "\r\n\t\x1b\x7f"));
    describe("", true, NULL, &err);
    assert_lacks(err.message, "()");
}

static void keeps_secrets_out_of_libcurls_words(void **state)
{
    static const char secret[] = "QZXJ9481KWVU";
    size_t before;

    (void)state;
    /* Wherever they are cut to be shown. */
    for (before = 200; before + sizeof secret <= ND_DETAIL_MAX; before++) {
        char detail[ND_DETAIL_MAX];
        struct nd_error err;

        memset(detail, '.', before);
        memcpy(detail + before, secret, sizeof secret);
        describe(detail, true, secret, &err);
        assert_lacks(err.message, "QZXJ");
        assert_lacks(err.message, "KWVU");
        assert_contains(err.message, "may have been carried out");
    }
}

/* However long the rest is, the advice is there, and whole. */
static void never_cuts_the_advice(void **state)
{
    char detail[ND_DETAIL_MAX];
    struct nd_verdict verdict = {.says = ND_SAYS_NOTHING, .flaw = ""};
    const struct nd_secrets secrets = {.count = 0};
    char flaw[2 * ND_MESSAGE_MAX];
    struct nd_answer answer;
    struct nd_error err;

    (void)state;
    memset(detail, '.', sizeof detail);
    detail[sizeof detail - 1] = '\0';
    describe(detail, true, NULL, &err);
    assert_contains(err.message, "before asking again");
    describe(detail, false, NULL, &err);
    assert_contains(err.message, "nothing was deleted");

    memset(flaw, '.', sizeof flaw);
    flaw[sizeof flaw - 1] = '\0';
    verdict.flaw = flaw;
    nd_answer_init(&answer, 1024);
    answer.sent = true;
    answer.phase = ND_PHASE_WHOLE;
    answer.http_status = 200;
    assert_false(
        nd_outcome(&err, CALL(DELETE_INBOX), &answer, &verdict, &secrets));
    assert_contains(err.message, "before asking again");
    assert_true(strlen(err.message) < ND_MESSAGE_MAX);
    nd_answer_free(&answer);
}

/* Every message of the tables fits without being cut. */
static void has_room_for_each_reason(void **state)
{
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < ND_CALLS; i++) {
        const struct nd_reason *reason;

        for (j = 0; (reason = nd_reason_at(&nd_calls[i], j)) != NULL; j++) {
            const struct event event =
                ANSWERED(200, ND_SAYS_FAIL, reason->code);
            struct nd_error err;

            assert_false(judge(&event, &nd_calls[i], &err));
            assert_contains(err.message, reason->message);
            assert_contains(err.message, reason->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_as_documented),
        cmocka_unit_test(gives_no_outcome_to_calls_that_change_nothing),
        cmocka_unit_test(names_what_failed_before_the_send),
        cmocka_unit_test(names_what_failed_after_the_send),
        cmocka_unit_test(names_what_the_service_answered),
        cmocka_unit_test(takes_an_unreadable_ca_file_for_a_bad_argument),
        cmocka_unit_test(tells_libcurls_words_in_one_line),
        cmocka_unit_test(keeps_secrets_out_of_libcurls_words),
        cmocka_unit_test(never_cuts_the_advice),
        cmocka_unit_test(has_room_for_each_reason),
    };

    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
