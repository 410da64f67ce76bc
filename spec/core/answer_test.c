/* answer.c: what came back on the wire. */
#include "support.h"

#include <curl/curl.h>
#include <time.h>

#include "../../src/core/answer.h"

static void take_lines(struct nd_answer *answer, const char *const *lines)
{
    for (; *lines; lines++)
        nd_answer_header(answer, *lines, strlen(*lines));
}

/* The answer that these header lines make; it has no body to be freed. */
#define ANSWER(...) answer_of((const char *const[]){__VA_ARGS__, NULL})

static struct nd_answer answer_of(const char *const *lines)
{
    struct nd_answer answer;

    nd_answer_init(&answer, 1024);
    take_lines(&answer, lines);
    return answer;
}

static void knows_nothing_at_first(void **state)
{
    struct nd_answer answer;

    (void)state;
    memset(&answer, 0x5a, sizeof answer);
    nd_answer_init(&answer, 1024);
    assert_false(answer.sent);
    assert_false(answer.resend_prevented);
    assert_false(answer.cancelled);
    assert_false(answer.too_large);
    assert_false(answer.out_of_memory);
    assert_false(answer.headers_ended);
    assert_int_equal(answer.curl_code, 0);
    assert_int_equal(answer.http_status, ND_UNSET);
    assert_true(answer.retry_after == ND_UNSET);
    assert_int_equal(answer.body.length, 0);
    assert_int_equal(answer.body.max, 1024);
    assert_string_equal(answer.detail, "");
    /* Without an answer libcurl may still say that all went well. */
    assert_false(nd_answer_is_complete(&answer));
    nd_answer_free(&answer);
}

/* ----- status lines ----- */

static void reads_the_status(void **state)
{
    static const struct {
        const char *line;
        long status;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n", 200},
        {"HTTP/1.1 200\r\n", 200},
        {"HTTP/1.1 200", 200},
        {"HTTP/1.0 404 Not Found\n", 404},
        {"http/1.1 503 x\r\n", 503},
        {"HTTP/2 204\r\n", 204},
        {"HTTP/1.1 599 x\r\n", 599},
        {"HTTP/1.1 999 x\r\n", 999},
        {"HTTP/1.1 100 Continue\r\n", ND_UNSET},
        {"HTTP/1.1 199 x\r\n", ND_UNSET},
        {"HTTP/1.1 000 x\r\n", ND_UNSET},
        {"HTTP/1.1 20\r\n", ND_UNSET},
        {"HTTP/1.1 20", ND_UNSET},
        {"HTTP/1.1 2x0 OK\r\n", ND_UNSET},
        {"HTTP/1.1 -20 OK\r\n", ND_UNSET},
        {"HTTP/1.1", ND_UNSET},
        {"HTTP/1.1 ", ND_UNSET},
        {"HTTP/", ND_UNSET},
        {"HTTP", ND_UNSET},
        {"H", ND_UNSET},
        {"", ND_UNSET},
        {"XTTP/1.1 200 OK\r\n", ND_UNSET},
        {"X-Status: HTTP/1.1 200 OK\r\n", ND_UNSET},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        assert_int_equal(ANSWER(rows[i].line).http_status, rows[i].status);
}

/* libcurl gives the length; nothing after it may be looked at. */
static void looks_at_no_byte_after_the_line(void **state)
{
    static const char line[] = "HTTP/1.1 200";
    struct nd_answer answer;
    size_t length;

    (void)state;
    for (length = 0; length < sizeof line; length++) {
        nd_answer_init(&answer, 0);
        nd_answer_header(&answer, line, length);
        assert_int_equal(answer.http_status,
                         length == sizeof line - 1 ? 200 : ND_UNSET);
    }
    nd_answer_init(&answer, 0);
    nd_answer_header(&answer, "Retry-After: 123", 14);
    assert_true(answer.retry_after == ND_UNSET); /* no status line */
    nd_answer_header(&answer, "Retry-After: 123", 14);
    assert_true(answer.retry_after == 1);
}

static void takes_the_first_line_alone_for_the_status(void **state)
{
    (void)state;
    assert_int_equal(
        ANSWER("HTTP/1.1 500 x\r\n", "HTTP/foo: 204 x\r\n").http_status, 500);
    assert_int_equal(
        ANSWER("HTTP/1.1 500 x\r\n", "HTTP/1.1 200 OK\r\n").http_status, 500);
    assert_int_equal(
        ANSWER("HTTP/1.1 100 x\r\n", "HTTP/1.1 200 OK\r\n").http_status,
        ND_UNSET);
    assert_int_equal(ANSWER("A: b\r\n", "HTTP/1.1 200 OK\r\n").http_status,
                     ND_UNSET);
}

/* ----- the end of the headers ----- */

static void knows_where_the_headers_end(void **state)
{
    (void)state;
    assert_false(ANSWER("HTTP/1.1 200 OK\r\n").headers_ended);
    assert_false(ANSWER("HTTP/1.1 200 OK\r\n", "A: b\r\n").headers_ended);
    assert_true(ANSWER("HTTP/1.1 200 OK\r\n", "\r\n").headers_ended);
    assert_true(ANSWER("HTTP/1.1 200 OK\n", "\n").headers_ended);
    assert_true(
        ANSWER("HTTP/1.1 200 OK\r\n", "A: b\r\n", "\r\n").headers_ended);
    assert_false(ANSWER("\r\n").headers_ended);
    assert_false(ANSWER("junk\r\n", "\r\n").headers_ended);
}

static void passes_over_interim_answers(void **state)
{
    struct nd_answer answer =
        ANSWER("HTTP/1.1 100 Continue\r\n", "\r\n",
               "HTTP/1.1 103 Early Hints\r\n", "Retry-After: 9\r\n", "\r\n");

    (void)state;
    assert_int_equal(answer.http_status, ND_UNSET);
    assert_false(answer.headers_ended);
    assert_false(nd_answer_is_complete(&answer));
    nd_answer_header(&answer, BYTES("HTTP/1.1 503 Busy\r\n"));
    assert_int_equal(answer.http_status, 503);
    assert_false(answer.headers_ended);
    nd_answer_header(&answer, BYTES("\r\n"));
    assert_true(answer.headers_ended);
    assert_true(nd_answer_is_complete(&answer));
    /* What the interim one said is not about this one. */
    assert_true(answer.retry_after == ND_UNSET);
}

static void does_not_believe_trailers(void **state)
{
    struct nd_answer answer =
        ANSWER("HTTP/1.1 503 Busy\r\n", "\r\n", "HTTP/1.1 200 OK\r\n",
               "Retry-After: 5\r\n", "\r\n");

    (void)state;
    assert_int_equal(answer.http_status, 503);
    assert_true(answer.retry_after == ND_UNSET);
}

/* libcurl would keep them all. */
static void takes_no_headers_without_end(void **state)
{
    static char line[1024] = "A: ";
    struct nd_answer answer = ANSWER("HTTP/1.1 200 OK\r\n", "\r\n");
    size_t taken = 0;

    (void)state;
    memset(line + 3, 'x', sizeof line - 3);
    while (nd_answer_header(&answer, line, sizeof line))
        taken += sizeof line;
    assert_in_range(taken, 400 * 1024, 512 * 1024);
    assert_false(nd_answer_header(&answer, line, SIZE_MAX));
    assert_false(nd_answer_header(&answer, line, sizeof line));
}

static void is_complete_only_where_the_transfer_succeeded(void **state)
{
    struct nd_answer answer = ANSWER("HTTP/1.1 200 OK\r\n", "\r\n");

    (void)state;
    assert_true(nd_answer_is_complete(&answer));
    answer.curl_code = CURLE_PARTIAL_FILE;
    assert_false(nd_answer_is_complete(&answer));
    answer.curl_code = CURLE_OK;
    answer.headers_ended = false;
    assert_false(nd_answer_is_complete(&answer));
}

/* ----- Retry-After ----- */

static double retry_after(const char *line)
{
    return ANSWER("HTTP/1.1 429 x\r\n", line).retry_after;
}

static void reads_retry_after_as_seconds(void **state)
{
    (void)state;
    assert_true(retry_after("Retry-After: 120\r\n") == 120);
    assert_true(retry_after("retry-after:0\r\n") == 0);
    assert_true(retry_after("RETRY-AFTER: \t 7 \t\r\n") == 7);
    assert_true(retry_after("Retry-After: 007\n") == 7);
    assert_true(retry_after("Retry-After: 5") == 5);
    assert_true(retry_after("Retry-After: 99999999999999999999\r\n") >= 1e19);
}

/* The two forms of a date, this many seconds from now; what they give is
 * between least and most. */
static void expect_date(double from_now, double least, double most)
{
    time_t when = time(NULL) + (time_t)from_now;
    struct tm utc;
    char lines[2][100];
    size_t i;

    assert_non_null(gmtime_r(&when, &utc));
    assert_true(strftime(lines[0], sizeof lines[0],
                         "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n",
                         &utc) > 0);
    assert_true(strftime(lines[1], sizeof lines[1],
                         "Retry-After: %a %b %e %H:%M:%S %Y\r\n", &utc) > 0);
    for (i = 0; i < 2; i++) {
        double seconds = retry_after(lines[i]);

        if (!(seconds >= least && seconds <= most))
            fail_msg("%s gave %.17g", lines[i], seconds);
    }
}

static void reads_retry_after_as_a_date(void **state)
{
    (void)state;
    expect_date(3600, 3500, 3600);
    expect_date(-3600, 0, 0);
    expect_date(-1e9, 0, 0);
    assert_true(
        retry_after("Retry-After: Thu, 01 Jan 1970 00:00:01 GMT\r\n") == 0);
}

static void takes_no_other_retry_after(void **state)
{
    /* Longer than any date. */
    static const char too_long[] = "Retry-After: 00000000000000000000000000"
                                   "00000000000000000000000000000000000001";
    static const char *const lines[] = {
        "Retry-After:\r\n",
        "Retry-After: \r\n",
        "Retry-After",
        "Retry-After: soon\r\n",
        "Retry-After: -1\r\n",
        "Retry-After: 1.5\r\n",
        "Retry-After: 1e3\r\n",
        "Retry-After: 0x10\r\n",
        "Retry-After: 5 seconds\r\n",
        "Retry-After: \xd9\xa1\r\n",
        "Retry-After: inf\r\n",
        "Retry-After: nan\r\n",
        too_long,
        "Retry-Afterwards: 5\r\n",
        "X-Retry-After: 5\r\n",
        "Retry-After-X: 5\r\n",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(lines); i++) {
        if (retry_after(lines[i]) != ND_UNSET)
            fail_msg("%s gave %.17g", lines[i], retry_after(lines[i]));
    }
}

/* ----- the body ----- */

static void keeps_a_body_up_to_its_maximum(void **state)
{
    struct nd_answer answer;

    (void)state;
    nd_answer_init(&answer, 8);
    assert_true(nd_answer_body(&answer, BYTES("abc")));
    assert_true(nd_answer_body(&answer, BYTES("")));
    assert_true(nd_answer_body(&answer, BYTES("d\0fgh")));
    assert_false(answer.too_large);
    assert_int_equal(answer.body.length, 8);
    assert_memory_equal(answer.body.data, "abcd\0fgh", 9);
    assert_false(nd_answer_body(&answer, BYTES("i")));
    assert_true(answer.too_large);
    assert_false(answer.out_of_memory);
    assert_int_equal(answer.body.length, 8);
    nd_answer_free(&answer);
}

static void tells_memory_that_is_out_from_a_body_too_large(void **state)
{
    struct nd_answer answer;

    (void)state;
    nd_answer_init(&answer, SIZE_MAX);
    assert_false(nd_answer_body(&answer, "x", SIZE_MAX - 1));
    assert_true(answer.out_of_memory);
    assert_false(answer.too_large);
    nd_answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_nothing_at_first),
        cmocka_unit_test(reads_the_status),
        cmocka_unit_test(looks_at_no_byte_after_the_line),
        cmocka_unit_test(takes_the_first_line_alone_for_the_status),
        cmocka_unit_test(knows_where_the_headers_end),
        cmocka_unit_test(passes_over_interim_answers),
        cmocka_unit_test(does_not_believe_trailers),
        cmocka_unit_test(takes_no_headers_without_end),
        cmocka_unit_test(is_complete_only_where_the_transfer_succeeded),
        cmocka_unit_test(reads_retry_after_as_seconds),
        cmocka_unit_test(reads_retry_after_as_a_date),
        cmocka_unit_test(takes_no_other_retry_after),
        cmocka_unit_test(keeps_a_body_up_to_its_maximum),
        cmocka_unit_test(tells_memory_that_is_out_from_a_body_too_large),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
