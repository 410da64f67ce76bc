/* answer.c: which bytes are an answer, and how long it is. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/core/answer.h"

#define BODY_MAX 1024

/* What bytes come to, with the end of the connection behind them. */
struct row {
    const char *bytes;
    size_t length;
    enum nd_fault fault;
    long status;      /* ND_UNSET where none came */
    const char *body; /* of a whole answer */
    bool keeps;       /* the connection; where it did not end */
    size_t left;      /* bytes behind the answer */
};

#define WHOLE(text, status, body, keeps)                   \
    {                                                      \
        BYTES(text), ND_FAULT_NONE, status, body, keeps, 0 \
    }
#define LEAVES(text, status, body, left)                     \
    {                                                        \
        BYTES(text), ND_FAULT_NONE, status, body, true, left \
    }
#define FAULTY(text, fault, status)                \
    {                                              \
        BYTES(text), fault, status, NULL, false, 0 \
    }
#define BAD(text) FAULTY(text, ND_FAULT_UNREADABLE, ND_UNSET)
#define BAD_200(text) \
    FAULTY("HTTP/1.1 200 OK\r\n" text, ND_FAULT_UNREADABLE, 200)
#define CUT_200(text) FAULTY("HTTP/1.1 200 OK\r\n" text, ND_FAULT_CUT, 200)
#define OK_200(text, body, keeps) \
    WHOLE("HTTP/1.1 200 OK\r\n" text, 200, body, keeps)

static const struct row rows[] = {
    /* lengths */
    OK_200("Content-Length: 2\r\n\r\n{}", "{}", true),
    OK_200("Content-Length: 0\r\n\r\n", "", true),
    OK_200("content-LENGTH:2\r\n\r\n{}", "{}", true),
    OK_200("Content-Length: \t 2 \t\r\n\r\n{}", "{}", true),
    OK_200("Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "{}", true),
    OK_200("Content-Length: 000000000000000002\r\n\r\n{}", "{}", true),
    BAD_200("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    BAD_200("Content-Length: 2, 2\r\n\r\n{}"),
    BAD_200("Content-Length: -2\r\n\r\n{}"),
    BAD_200("Content-Length: +2\r\n\r\n{}"),
    BAD_200("Content-Length: 0x2\r\n\r\n{}"),
    BAD_200("Content-Length: 2.0\r\n\r\n{}"),
    BAD_200("Content-Length:\r\n\r\n{}"),
    BAD_200("Content-Length: 2 2\r\n\r\n{}"),
    BAD_200("Content-Length: 0000000000000000002\r\n\r\n{}"),
    BAD_200("Content-Length: 18446744073709551618\r\n\r\n{}"),
    FAULTY("HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n",
           ND_FAULT_TOO_LARGE, 200),
    FAULTY("HTTP/1.1 500 x\r\nContent-Length: 999999999999999999\r\n\r\n",
           ND_FAULT_TOO_LARGE, 500),
    CUT_200("Content-Length: 2\r\n\r\n{"),
    CUT_200("Content-Length: 2\r\n\r\n"),
    CUT_200("Content-Length: 2\r\n\r"),
    CUT_200("Content-Length: 2"),
    CUT_200(""),

    /* chunks */
    OK_200("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "{}",
           true),
    OK_200("transfer-encoding: CHUNKED\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
           "{}", true),
    OK_200("Transfer-Encoding: chunked\r\n\r\n0002 ; a=\"b;c\"\r\n{}\r\n"
           "0;x\r\n\r\n",
           "{}", true),
    OK_200("Transfer-Encoding: chunked\r\n\r\n0a\r\n{\"a\": 123}\r\n00\r\n"
           "A: b\r\n c\r\nContent-Length: 7\r\nno header\r\n\r\n",
           "{\"a\": 123}", true),
    OK_200("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", true),
    BAD_200("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
            "\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: gzip\r\n\r\n"),
    BAD_200("Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"),
    FAULTY("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           ND_FAULT_UNREADABLE, 200),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n2 x\r\n{}\r\n0\r\n\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\ng\r\n"),
    BAD_200("Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}"),
    FAULTY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n",
           ND_FAULT_TOO_LARGE, 200),
    FAULTY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "fffffffffffffff\r\n",
           ND_FAULT_TOO_LARGE, 200),
    CUT_200("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r"),
    CUT_200("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n"),
    CUT_200("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    CUT_200("Transfer-Encoding: chunked\r\n\r\n2\r\n{}"),
    CUT_200("Transfer-Encoding: chunked\r\n\r\n"),

    /* neither: until the end */
    OK_200("\r\n{}", "{}", false),
    OK_200("\r\n", "", false),
    OK_200("Content-Type: text/html\r\n\r\n<p>", "<p>", false),

    /* no body at all */
    WHOLE("HTTP/1.1 204 x\r\n\r\n", 204, "", true),
    WHOLE("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", 304, "", true),
    WHOLE("HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n", 205, "", true),
    LEAVES("HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\n{}", 204, "", 2),
    LEAVES("HTTP/1.1 205 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           205, "", 5),

    /* what stands behind a whole answer */
    LEAVES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{", 200, "{}", 1),
    LEAVES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}\r\n", 200, "{}", 2),

    /* whether the connection may be used again */
    OK_200("Connection: keep-alive\r\nContent-Length: 0\r\n\r\n", "", true),
    OK_200("Connection:Keep-Alive\r\nContent-Length: 0\r\n\r\n", "", true),
    OK_200("Connection: close\r\nContent-Length: 0\r\n\r\n", "", false),
    OK_200("Connection: keep-alive, x\r\nContent-Length: 0\r\n\r\n", "",
           false),
    OK_200("Connection: keep-alive\r\nConnection: close\r\n"
           "Content-Length: 0\r\n\r\n",
           "", false),
    OK_200("Connection:\r\nContent-Length: 0\r\n\r\n", "", false),
    WHOLE("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false),
    WHOLE("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
          "Content-Length: 2\r\n\r\n{}",
          200, "{}", false),
    WHOLE("HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", true),

    /* the status line */
    WHOLE("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, "", true),
    WHOLE("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, "", true),
    WHOLE("HTTP/1.1 404 No\nContent-Length: 0\n\n", 404, "", true),
    WHOLE("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", 999, "", true),
    BAD("HTTP/1.1 000 x\r\n\r\n"),
    BAD("HTTP/1.1 099 x\r\n\r\n"),
    BAD("HTTP/1.1 20 x\r\n\r\n"),
    BAD("HTTP/1.1 2000\r\n\r\n"),
    BAD("HTTP/1.1 20x OK\r\n\r\n"),
    BAD("HTTP/1.1  200 OK\r\n\r\n"),
    BAD("HTTP/1.1\t200 OK\r\n\r\n"),
    BAD("HTTP/1.1 -20 OK\r\n\r\n"),
    BAD("HTTP/1.10 200 OK\r\n\r\n"),
    BAD("HTTP/1. 200 OK\r\n\r\n"),
    BAD("HTTP/2 200 OK\r\n\r\n"),
    BAD("HTTP/0.9 200 OK\r\n\r\n"),
    BAD("http/1.1 200 OK\r\n\r\n"),
    BAD(" HTTP/1.1 200 OK\r\n\r\n"),
    BAD("\r\nHTTP/1.1 200 OK\r\n\r\n"),
    BAD("ICY 200 OK\r\n\r\n"),
    BAD("{\"status\":\"OK\"}"),
    BAD("<html>\n"),
    BAD("\0\1\2"),
    FAULTY("", ND_FAULT_LOST, ND_UNSET),
    FAULTY("HTTP/1.1 200 OK\r", ND_FAULT_LOST, ND_UNSET),
    FAULTY("HTT", ND_FAULT_LOST, ND_UNSET),
    BAD("HTTX"),

    /* interim answers */
    WHOLE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
          200, "{}", true),
    WHOLE("HTTP/1.1 102 x\r\nConnection: close\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
          200, "{}", true),
    BAD("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    BAD("HTTP/1.1 100 x\r\nContent-Length: 2\r\n\r\n{}"),
    FAULTY("HTTP/1.1 100 x\r\n\r\n", ND_FAULT_CUT, ND_UNSET),
    FAULTY("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200", ND_FAULT_CUT, ND_UNSET),

    /* header lines */
    OK_200("A:b\nContent-Length: 2\n\n{}", "{}", true),
    OK_200("A: b\r\n c\r\n\td\r\nContent-Length: 2\r\n\r\n{}", "{}", true),
    OK_200("A(b): \1\x80\r\nContent-Length: 2\r\n\r\n{}", "{}", true),
    OK_200("HTTP/1.1: 404\r\nContent-Length: 2\r\n\r\n{}", "{}", true),
    BAD_200(" A: b\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("Content-Length: 2\r\n 2\r\n\r\n{}"),
    BAD_200("Content-Length:\r\n 2\r\n\r\n{}"),
    BAD_200("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    BAD_200("Content-Length : 2\r\n\r\n{}"),
    BAD_200("A b: c\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("A\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200(": b\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("A: b\rContent-Length: 3\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("A: b\r\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("A: \0\r\nContent-Length: 2\r\n\r\n{}"),
    BAD_200("A\0: b\r\nContent-Length: 2\r\n\r\n{}"),
};

/* Takes the bytes, of which cut come first; then the end, unless the answer
 * was whole before. */
static size_t take(struct nd_answer *answer, const char *bytes, size_t length,
                   size_t cut)
{
    size_t taken = nd_answer_take(answer, bytes, cut);

    if (taken == cut)
        taken += nd_answer_take(answer, bytes + cut, length - cut);
    if (!nd_answer_is_complete(answer) && answer->fault == ND_FAULT_NONE)
        nd_answer_end(answer);
    return taken;
}

static void check(const struct row *row, size_t cut)
{
    struct nd_answer answer;
    size_t taken;
    const char *body;

    nd_answer_init(&answer, BODY_MAX);
    taken = take(&answer, row->bytes, row->length, cut);
    body = answer.body.data ? answer.body.data : "";
    if (answer.fault != row->fault || answer.http_status != row->status)
        fail_msg("fault %d, status %ld, cut at %zu: %s", (int)answer.fault,
                 answer.http_status, cut, row->bytes);
    assert_int_equal(nd_answer_is_complete(&answer),
                     row->fault == ND_FAULT_NONE);
    if (row->body) {
        assert_string_equal(body, row->body);
        assert_int_equal(taken, row->length - row->left);
        if (answer.keeps != row->keeps)
            fail_msg("keeps %d, cut at %zu: %s", answer.keeps, cut,
                     row->bytes);
    }
    nd_answer_free(&answer);
}

static void reads_the_same_wherever_it_is_cut(void **state)
{
    size_t i;
    size_t cut;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        for (cut = 0; cut <= rows[i].length; cut++)
            check(&rows[i], cut);
    }
}

static void reads_the_same_byte_by_byte(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_answer answer;
        size_t at = 0;

        nd_answer_init(&answer, BODY_MAX);
        while (at < rows[i].length &&
               nd_answer_take(&answer, rows[i].bytes + at, 1) == 1)
            at++;
        if (!nd_answer_is_complete(&answer) && answer.fault == ND_FAULT_NONE)
            nd_answer_end(&answer);
        if (answer.fault != rows[i].fault)
            fail_msg("fault %d: %s", (int)answer.fault, rows[i].bytes);
        nd_answer_free(&answer);
    }
}

/* No beginning of an answer with a length is whole, or says that it is. */
static void is_not_whole_before_its_end(void **state)
{
    size_t i;
    size_t length;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        if (rows[i].fault != ND_FAULT_NONE || !rows[i].keeps)
            continue;
        for (length = 0; length < rows[i].length - rows[i].left; length++) {
            struct nd_answer answer;

            nd_answer_init(&answer, BODY_MAX);
            (void)nd_answer_take(&answer, rows[i].bytes, length);
            nd_answer_end(&answer);
            assert_false(nd_answer_is_complete(&answer));
            assert_true(answer.fault == ND_FAULT_CUT ||
                        answer.fault == ND_FAULT_LOST);
            nd_answer_free(&answer);
        }
    }
}

/* ----- bounds ----- */

/* Feeds head, then text so many times; the fault that this comes to. */
static enum nd_fault flood(const char *head, const char *text, size_t times,
                           size_t *header_bytes)
{
    struct nd_answer answer;
    enum nd_fault fault;
    size_t i;

    nd_answer_init(&answer, BODY_MAX);
    (void)nd_answer_take(&answer, head, strlen(head));
    for (i = 0; i < times && answer.fault == ND_FAULT_NONE; i++)
        (void)nd_answer_take(&answer, text, strlen(text));
    fault = answer.fault;
    *header_bytes = answer.header_bytes;
    nd_answer_free(&answer);
    return fault;
}

static void bounds_what_it_reads(void **state)
{
    static const struct {
        const char *head;
        const char *text;
        size_t times;
        enum nd_fault fault;
    } floods[] = {
        {"HTTP/1.1 200 OK\r\n", "A: bcdefghij\r\n", 10000, ND_FAULT_NONE},
        {"HTTP/1.1 200 OK\r\n", "A: bcdefghij\r\n", 100000,
         ND_FAULT_UNREADABLE},
        {"HTTP/1.1 200 OK\r\nA: ", "bcdefghij", 100000, ND_FAULT_UNREADABLE},
        {"HTTP/1.1 200 OK", " bcdefghij", 100000, ND_FAULT_UNREADABLE},
        {"HTTP/1.1 200 OK\r\nA: b\r\n", " c\r\n", 200000, ND_FAULT_UNREADABLE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
         "A: b\r\n", 200000, ND_FAULT_UNREADABLE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "abcdefgh",
         10000, ND_FAULT_UNREADABLE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n",
         1024, ND_FAULT_NONE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n",
         1025, ND_FAULT_TOO_LARGE},
        {"HTTP/1.1 200 OK\r\n\r\n", "x", 1024, ND_FAULT_NONE},
        {"HTTP/1.1 200 OK\r\n\r\n", "x", 1025, ND_FAULT_TOO_LARGE},
        {"", "HTTP/1.1 100 x\r\n\r\n", 16, ND_FAULT_NONE},
        {"", "HTTP/1.1 100 x\r\n\r\n", 17, ND_FAULT_UNREADABLE},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(floods); i++) {
        size_t header_bytes;
        enum nd_fault fault = flood(floods[i].head, floods[i].text,
                                    floods[i].times, &header_bytes);

        if (fault != floods[i].fault)
            fail_msg("fault %d: %s%s", (int)fault, floods[i].head,
                     floods[i].text);
        assert_true(header_bytes <= 256 * 1024);
    }
}

/* ----- what else is read ----- */

static void init_with(struct nd_answer *answer, const char *headers)
{
    char text[1024];

    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 429 x\r\n%sContent-Length: 0\r\n\r\n", headers);
    nd_answer_init(answer, BODY_MAX);
    assert_int_equal(nd_answer_take(answer, text, strlen(text)), strlen(text));
    assert_true(nd_answer_is_complete(answer));
}

static void reads_how_long_to_wait(void **state)
{
    static const struct {
        const char *headers;
        double seconds;
    } waits[] = {
        {"", ND_UNSET},
        {"Retry-After: 120\r\n", 120},
        {"Retry-After: 0\r\n", 0},
        {"retry-after:\t7 \r\n", 7},
        {"Retry-After: 7\r\nRetry-After: 8\r\n", 8},
        {"Retry-After: -1\r\n", ND_UNSET},
        {"Retry-After: soon\r\n", ND_UNSET},
        {"Retry-After:\r\n", ND_UNSET},
        /* A date counts from the service's own time, in either order. */
        {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
         "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n",
         30},
        {"Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n"
         "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
         30},
        {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
         "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n",
         0},
        {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(waits); i++) {
        struct nd_answer answer;

        init_with(&answer, waits[i].headers);
        assert_true(answer.retry_after == waits[i].seconds);
        nd_answer_free(&answer);
    }
}

static void reads_the_services_time(void **state)
{
    struct nd_answer answer;

    (void)state;
    init_with(&answer, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    assert_true(nd_answer_date(&answer) == 784111777);
    nd_answer_free(&answer);
    init_with(&answer, "");
    assert_true(nd_answer_date(&answer) == ND_UNSET);
    nd_answer_free(&answer);
    init_with(&answer, "Date: today\r\n");
    assert_true(nd_answer_date(&answer) == ND_UNSET);
    nd_answer_free(&answer);
}

/* What an interim answer or a trailer says is not the answer's word. */
static void reads_the_final_headers_alone(void **state)
{
    static const char text[] =
        "HTTP/1.1 103 x\r\nRetry-After: 7\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
        "HTTP/1.1 429 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        "Retry-After: 8\r\nConnection: close\r\n\r\n";
    struct nd_answer answer;

    (void)state;
    nd_answer_init(&answer, BODY_MAX);
    (void)nd_answer_take(&answer, text, sizeof text - 1);
    assert_true(nd_answer_is_complete(&answer));
    assert_true(answer.retry_after == ND_UNSET);
    assert_true(nd_answer_date(&answer) == ND_UNSET);
    assert_true(answer.keeps);
    nd_answer_free(&answer);
}

/* A header that is longer than what is kept of a line decides nothing, or
 * is refused where it would. */
static void takes_no_half_of_a_long_header(void **state)
{
    char text[1024];
    struct nd_answer answer;

    (void)state;
    (void)snprintf(text, sizeof text, "Connection: keep-alive%*s\r\n",
                   ND_LINE_KEPT, "x");
    init_with(&answer, text);
    assert_false(answer.keeps);
    nd_answer_free(&answer);
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 200 OK\r\nContent-Length: 2%*s\r\n\r\n{}",
                   ND_LINE_KEPT, "x");
    nd_answer_init(&answer, BODY_MAX);
    (void)nd_answer_take(&answer, text, strlen(text));
    assert_int_equal(answer.fault, ND_FAULT_UNREADABLE);
    nd_answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_same_wherever_it_is_cut),
        cmocka_unit_test(reads_the_same_byte_by_byte),
        cmocka_unit_test(is_not_whole_before_its_end),
        cmocka_unit_test(bounds_what_it_reads),
        cmocka_unit_test(reads_how_long_to_wait),
        cmocka_unit_test(reads_the_services_time),
        cmocka_unit_test(reads_the_final_headers_alone),
        cmocka_unit_test(takes_no_half_of_a_long_header),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
