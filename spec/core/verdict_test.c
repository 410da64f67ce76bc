/* verdict.c: what a body says about the request. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/verdict.h"

#define CALL(id) (&nd_calls[ND_CALL_##id])

/* ----- judging ----- */

/* What was asked for: inbox 10 of account 1 on the server "online". */
static struct nd_values asked(const struct nd_call *call, uint64_t inbox)
{
    struct nd_values values;
    size_t i;

    memset(&values, 0, sizeof values);
    for (i = 0; call->params[i].field.key; i++) {
        const char *key = call->params[i].field.key;

        if (strcmp(key, "accountID") == 0)
            values.of[i] = id_value(1);
        else if (strcmp(key, "inboxID") == 0)
            values.of[i] = id_value(inbox);
        else if (strcmp(key, "server") == 0)
            values.of[i] = text_value("online");
    }
    return values;
}

/* A body of just its length in memory, so that a look past its end is
 * seen. */
static struct nd_verdict judge_bytes(const struct nd_call *call, long status,
                                     const char *body, size_t length)
{
    const struct nd_values values = asked(call, 10);
    char *copy = malloc(length ? length : 1);
    struct nd_verdict verdict;

    assert_non_null(copy);
    memcpy(copy, body, length);
    memset(&verdict, 0x5a, sizeof verdict);
    verdict.doubtful = false;
    nd_judge(&verdict, call, &values, status, copy, length);
    free(copy);
    assert_int_equal(verdict.reason > 1, verdict.says == ND_SAYS_FAIL);
    assert_int_equal(*verdict.flaw == '\0', verdict.says == ND_SAYS_OK ||
                                                verdict.says == ND_SAYS_FAIL);
    return verdict;
}

static struct nd_verdict judge(const struct nd_call *call, long status,
                               const char *body)
{
    return judge_bytes(call, status, body, strlen(body));
}

enum { N = ND_SAYS_NOTHING, OK = ND_SAYS_OK, C = ND_SAYS_CONTRADICTION };

struct row {
    int says; /* N, OK, C, or the reason of a refusal */
    const char *body;
};

static void expect_rows(const struct nd_call *call, const struct row *rows,
                        size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct nd_verdict verdict = judge(call, 200, rows[i].body);
        int says = verdict.says == ND_SAYS_FAIL ? (int)verdict.reason
                                                : (int)verdict.says;

        if (says != rows[i].says)
            fail_msg("%d and not %d: %s", says, rows[i].says, rows[i].body);
        assert_false(verdict.doubtful);
    }
}

static const struct row deletions[] = {
    {OK, "{\"status\":\"OK\"}"},
    {OK, "{\"status\":\"ok\",\"reason\":1}"},
    {OK, "{\"status\":\"oK\",\"reason\":\"1\"}"},
    {OK, "{\"status\":\"OK\",\"reason\":1.0}"},
    {OK, "{\"status\":\"OK\",\"reason\":null}"},
    {OK, "{\"st\\u0061tus\":\"\\u004fK\",\"reason\":10e-1}"},
    {OK, "\xEF\xBB\xBF\r\n {\"status\":\"OK\"} \n"},
    {OK, "{\n\"status\":\"OK\"\n\"reason\":1\n\"inboxID\":10\n}"},
    {OK, "{\"status\":\"OK\",\"accountID\":1,\"inboxID\":10,"
         "\"server\":\"online\"}"},
    {OK, "{\"status\":\"OK\",\"accountID\":\"1\",\"inboxID\":\"1\\u0030\","
         "\"server\":\"ONLINE\"}"},
    {OK, "{\"status\":\"OK\",\"accountID\":null,\"inboxID\":1e1,"
         "\"server\":null}"},
    {OK, "{\"status\":\"OK\",\"server\":1}"},
    {OK, "{\"status\":\"OK\",\"server\":{\"status\":\"FAIL\"}}"},
    {OK, "{\"status\":\"OK\",\"x\":\"\\ud83d\",\"y\":[1.5,null]}"},
    {OK, "{\"status\":\"OK\",\"x\":1,\"x\":2}"},
    {OK, "{\"status\":\"OK\",\"x\":{\"status\":1,\"status\":2}}"},
    {OK, "{\"status\":\"OK\",\"whatsapp_number\":[],"
         "\"whatsapp_number\":1}"},
    {OK, "{\"status\":\"OK\",\"STATUS\":\"FAIL\",\"Reason\":47}"},
    {47, "{\"status\":\"FAIL\",\"reason\":47}"},
    {47, "{\"status\":\"Fail\",\"reason\":\"47\"}"},
    {47, "{\"status\":\"FAIL\",\"reason\":47,\"inboxID\":10,"
         "\"accountID\":\"1\",\"server\":\"Online\"}"},
    {2, "{\"reason\":2.0,\"status\":\"fail\"}"},
    {999999999, "{\"status\":\"FAIL\",\"reason\":999999999}"},
    {47, "{\"status\":\"FAIL\",\"reason\":47,\"x\":1,\"x\":1}"},
    /* contradictions */
    {C, "{\"status\":\"OK\",\"reason\":47}"},
    {C, "{\"status\":\"OK\",\"reason\":0}"},
    {C, "{\"status\":\"OK\",\"reason\":-1}"},
    {C, "{\"status\":\"OK\",\"reason\":1.5}"},
    {C, "{\"status\":\"OK\",\"reason\":1.00000000000000000000001}"},
    {C, "{\"status\":\"OK\",\"reason\":\"01\"}"},
    {C, "{\"status\":\"OK\",\"reason\":\"1.0\"}"},
    {C, "{\"status\":\"OK\",\"reason\":\"\"}"},
    {C, "{\"status\":\"OK\",\"reason\":true}"},
    {C, "{\"status\":\"OK\",\"reason\":[1]}"},
    {C, "{\"status\":\"OK\",\"inboxID\":11}"},
    {C, "{\"status\":\"OK\",\"inboxID\":\"010\"}"},
    {C, "{\"status\":\"OK\",\"inboxID\":10.5}"},
    {C, "{\"status\":\"OK\",\"inboxID\":-10}"},
    {C, "{\"status\":\"OK\",\"inboxID\":10.00000000000000000000000001}"},
    {C, "{\"status\":\"OK\",\"inboxID\":true}"},
    {C, "{\"status\":\"OK\",\"inboxID\":[10]}"},
    {C, "{\"status\":\"OK\",\"inboxID\":{}}"},
    {C, "{\"status\":\"OK\",\"inboxID\":1e400}"},
    {C, "{\"status\":\"OK\",\"accountID\":2}"},
    {C, "{\"status\":\"OK\",\"server\":\"west\"}"},
    {C, "{\"status\":\"OK\",\"server\":\"\"}"},
    {C, "{\"status\":\"OK\",\"server\":\"online\\u0000\"}"},
    {C, "{\"status\":\"OK\",\"server\":\"onl\\u0131ne\"}"},
    {C, "{\"status\":\"FAIL\",\"reason\":47,\"inboxID\":11}"},
    {C, "{\"status\":\"FAIL\",\"reason\":3,\"accountID\":2}"},
    {C, "{\"status\":\"FAIL\",\"reason\":3,\"server\":\"west\"}"},
    {C, "{\"status\":\"FAIL\",\"reason\":3,\"inboxID\":false}"},
    /* keys twice */
    {C, "{\"status\":\"OK\",\"status\":\"OK\"}"},
    {C, "{\"status\":\"OK\",\"\\u0073tatus\":\"FAIL\",\"reason\":47}"},
    {C, "{\"status\":\"FAIL\",\"reason\":47,\"status\":\"OK\"}"},
    {C, "{\"status\":\"FAIL\",\"reason\":47,\"reason\":47}"},
    {C, "{\"status\":\"X\",\"reason\":1,\"reason\":null}"},
    {C, "{\"status\":null,\"status\":\"OK\"}"},
    {C, "{\"status\":\"OK\",\"inboxID\":10,\"inboxID\":10}"},
    {C, "{\"status\":\"OK\",\"inboxID\":null,\"inbox\\u0049D\":10}"},
    {C, "{\"status\":\"OK\",\"server\":1,\"x\":{},\"server\":2}"},
    {C, "{\"status\":\"FAIL\",\"reason\":47,\"inboxID\":10,"
        "\"inboxID\":10}"},
    {C, "{\"status\":\"FAIL\",\"reason\":47,\"inboxID\":11,"
        "\"inboxID\":10}"},
    {C, "{\"status\":\"FAIL\",\"reason\":47,\"server\":1,\"server\":1}"},
    /* neither */
    {N, ""},
    {N, "{}"},
    {N, "[]"},
    {N, "\"OK\""},
    {N, "[{\"status\":\"OK\"}]"},
    {N, "{\"status\":\"OK\"}x"},
    {N, "{\"status\":\"OK\"}{}"},
    {N, "{\"status\":\"OK\",}"},
    {N, "{\"status\":\"OK\" \"reason\":1}"},
    {N, "{\"status\":\"OK\",\"x\":01}"},
    {N, "{\"status\":\"OK\",\"x\":\"\t\"}"},
    {N, "{\"status\":\"OK\",\"inboxID\":10"},
    {N, "{\"reason\":1}"},
    {N, "{\"status\":null,\"reason\":1}"},
    {N, "{\"status\":true}"},
    {N, "{\"status\":[\"OK\"]}"},
    {N, "{\"status\":\"O\\u212a\"}"},
    {N, "{\"status\":\"OK \"}"},
    {N, "{\"status\":\"\\ud83d\"}"},
    {N, "{\"status\":\"FAIL\"}"},
    {N, "{\"status\":\"FAIL\",\"reason\":1}"},
    {N, "{\"status\":\"FAIL\",\"reason\":0}"},
    {N, "{\"status\":\"FAIL\",\"reason\":-47}"},
    {N, "{\"status\":\"FAIL\",\"reason\":47.5}"},
    {N, "{\"status\":\"FAIL\",\"reason\":\"047\"}"},
    {N, "{\"status\":\"FAIL\",\"reason\":9007199254740992}"},
    {N, "{\"status\":\"FAIL\",\"reason\":1e300}"},
    {N, "{\"status\":\"FAIL\",\"reason\":[47]}"},
    {N, "{\"status\":\"FA\\u0130L\",\"reason\":47}"},
    {N, "{\"x\":{\"status\":\"OK\"}}"},
};

static void judges_deletions(void **state)
{

    (void)state;
    expect_rows(CALL(DELETE_INBOX), deletions, COUNT(deletions));
}

/* Numbers of the service's from 2^53 up may have lost their last digits. */
static void compares_large_numbers_as_doubles(void **state)
{
    static const uint64_t low = UINT64_C(9007199254740993);
    static const uint64_t high = UINT64_C(999999999999999999);
    const struct {
        uint64_t asked;
        const char *echo;
        bool same;
    } rows[] = {
        {low, "9007199254740993", true},
        {low, "9007199254740992", true},
        {low, "9.007199254740992e15", true},
        {low, "\"9007199254740993\"", true},
        {low, "9007199254740994", false},
        {low, "9007199254740991", false},
        {low, "\"9007199254740992\"", false},
        {low, "\"9007199254740994\"", false},
        {low, "9007199254740992.5", false},
        {low, "1e18", false},
        {high, "999999999999999999", true},
        {high, "\"999999999999999999\"", true},
        {high, "1000000000000000000", true},
        {high, "1000000000000000000.0", true},
        {high, "1e18", true},
        {high, "1E+18", true},
        {high, "10.0e17", true},
        {high, "\"1000000000000000000\"", false},
        {high, "1000000000000000128", false},
        {high, "-1e18", false},
        {high, "1e19", false},
        {high, "999999999999999872", false},
        {UINT64_C(999999999999999872), "1e18", false},
        {10, "1e18", false},
    };
    const struct nd_call *call = CALL(DELETE_INBOX);
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const struct nd_values values = asked(call, rows[i].asked);
        struct nd_verdict verdict;
        char body[100];
        int length =
            snprintf(body, sizeof body, "{\"status\":\"OK\",\"inboxID\":%s}",
                     rows[i].echo);

        nd_judge(&verdict, call, &values, 200, body, (size_t)length);
        assert_int_equal(verdict.says,
                         rows[i].same ? ND_SAYS_OK : ND_SAYS_CONTRADICTION);
    }
}

/* No beginning of a success or a refusal is one, however it goes on. */
static void takes_nothing_that_was_cut(void **state)
{
    static const char *const bodies[] = {
        "\xEF\xBB\xBF {\n\"status\": \"O\\u004b\"\n\"reason\": 1,\r\n"
        "\"accountID\": \"1\", \"inboxID\": 1.0e1, \"x\": [{\"y\":null}]}",
        "{\"status\":\"FAIL\",\"reason\":47,\"inboxID\":10,"
        "\"x\":{\"y\":[true,\"\\\"\"]}}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(bodies); i++) {
        size_t length;

        for (length = 0; length < strlen(bodies[i]); length++)
            assert_int_equal(
                judge_bytes(CALL(DELETE_INBOX), 200, bodies[i], length).says,
                ND_SAYS_NOTHING);
        assert_int_equal(judge(CALL(DELETE_INBOX), 200, bodies[i]).says,
                         i ? ND_SAYS_FAIL : ND_SAYS_OK);
    }
}

static void takes_a_part_for_no_success(void **state)
{
    (void)state;
    assert_int_equal(
        judge(CALL(DELETE_INBOX), 206, "{\"status\":\"OK\"}").says,
        ND_SAYS_CONTRADICTION);
    assert_int_equal(
        judge(CALL(DELETE_INBOX), 206, "{\"status\":\"FAIL\",\"reason\":47}")
            .says,
        ND_SAYS_FAIL);
}

/* ----- calls that bring something ----- */

static void wants_of_a_read_what_it_is_for(void **state)
{
    static const struct row token[] = {
        {OK, "{\"reason\":1,\"access_token\":\"t\",\"expiration_time\":1}"},
        {OK, "{\"status\":\"OK\",\"access_token\":\"t\","
             "\"expiration_time\":\"1731842931\"}"},
        {OK, "{\"status\":\"OK\",\"access_token\":12,"
             "\"expiration_time\":\"0\"}"},
        {C, "{\"reason\":1,\"access_token\":\"t\"}"},
        {C, "{\"reason\":1,\"expiration_time\":1}"},
        {C, "{\"reason\":1,\"access_token\":null,\"expiration_time\":1}"},
        {C, "{\"reason\":1,\"access_token\":1.5,\"expiration_time\":1}"},
        {C, "{\"reason\":1,\"access_token\":\"t\","
            "\"expiration_time\":\"soon\"}"},
        {C, "{\"reason\":1,\"access_token\":\"t\",\"expiration_time\":{}}"},
        {C, "{\"reason\":1,\"access_token\":\"t\",\"access_token\":\"u\","
            "\"expiration_time\":1}"},
        {2, "{\"status\":\"FAIL\",\"reason\":2}"},
        {N, "{\"access_token\":\"t\",\"expiration_time\":1}"},
        {N, "{\"reason\":2,\"access_token\":\"t\",\"expiration_time\":1}"},
    };
    static const struct row inboxes[] = {
        {OK, "{\"status\":\"OK\",\"list\":[]}"},
        {OK, "{\"status\":\"OK\",\"list\":[{}],\"accountID\":1}"},
        {OK, "{\"status\":\"OK\",\"list\":[{\"id\":1,\"x\":[{\"id\":2}]},"
             "{\"id\":\"2\"}]}"},
        {OK, "{\"status\":\"OK\",\"list\":[{\"x\":1,\"x\":2}]}"},
        {OK, "{\"status\":\"OK\",\"list\":[{\"x\":{\"id\":1,\"id\":2}}]}"},
        {C, "{\"status\":\"OK\"}"},
        {C, "{\"status\":\"OK\",\"list\":null}"},
        {C, "{\"status\":\"OK\",\"list\":{}}"},
        {C, "{\"status\":\"OK\",\"list\":{\"a\":{},\"b\":[1]}}"},
        {C, "{\"status\":\"OK\",\"list\":{\"id\":1}}"},
        {C, "{\"status\":\"OK\",\"list\":\"[]\"}"},
        {C, "{\"status\":\"OK\",\"list\":[null]}"},
        {C, "{\"status\":\"OK\",\"list\":[{},null,{}]}"},
        {C, "{\"status\":\"OK\",\"list\":[{},1]}"},
        {C, "{\"status\":\"OK\",\"list\":[{},[]]}"},
        {C, "{\"status\":\"OK\",\"list\":[],\"list\":[]}"},
        {C, "{\"status\":\"OK\",\"list\":[],\"l\\u0069st\":[]}"},
        {C, "{\"status\":\"OK\",\"list\":[{\"id\":1},{\"id\":1,\"id\":2}]}"},
        {C, "{\"status\":\"OK\",\"list\":[],\"totalInboxes\":1,"
            "\"totalInboxes\":0}"},
        {C, "{\"status\":\"OK\",\"list\":[],\"accountID\":2}"},
        {N, "{\"status\":\"OK\",\"list\":[{}}"},
        {33, "{\"status\":\"FAIL\",\"reason\":33,\"list\":null}"},
    };

    (void)state;
    expect_rows(CALL(GET_ACCESS_TOKEN), token, COUNT(token));
    expect_rows(CALL(GET_INBOXES), inboxes, COUNT(inboxes));
}

static void has_a_place_for_each_result(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ND_CALLS; i++)
        assert_null(nd_result_at(&nd_calls[i], ND_RESULTS_MAX));
}

/* ----- what may be a success under 4xx ----- */

static bool is_doubtful(long status, const char *body, size_t length)
{
    return judge_bytes(CALL(DELETE_INBOX), status, body, length).doubtful;
}

/* As UTF-16, with a byte order mark. */
static size_t widen(char *to, const char *text, bool big_endian)
{
    size_t length = 0;

    to[length++] = big_endian ? '\xFE' : '\xFF';
    to[length++] = big_endian ? '\xFF' : '\xFE';
    for (; *text; text++) {
        to[length + big_endian] = *text;
        to[length + !big_endian] = '\0';
        length += 2;
    }
    return length;
}

static void doubts_each_ok_in_quotes(void **state)
{
    static const char *const bodies[] = {
        "\"OK\"",
        "{\"status\":\"OK\"}",
        "{\"status\":\"ok\",\"reason\":47",
        "cb({\"status\":\"Ok\"})",
        "{\"status\":\"OK\",}",
        "{\"status\":\"OK\"}<!-- -->",
        "\"\\u004f\\u004B\"",
        "\"O\\u004b\"",
        "\\\"OK\\\"",
        "{\"x\":\"{\\\"status\\\":\\\"OK\\\"}\"}",
        "{\\\\\\\"status\\\\\\\":\\\\\\\"\\\\\\u006fk\\\\\\\"}",
        "\\u0022OK\\u0022",
        "<p>{&quot;status&quot;:&quot;OK&quot;}</p>",
        "<p>&#34;OK&#x22;</p>",
        "%22%4f%4B%22",
        "\"\"OK\"",
        "\"o\"ok\"",
        "\"OKAY\" \"OK\"",
        "{\"ok\":false}",
    };
    static const char *const others[] = {
        "",
        "OK",
        "'OK'",
        "\"OK",
        "OK\"",
        "\" OK\"",
        "\"OKAY\"",
        "\"NOT OK\"",
        "\"O K\"",
        "<html>OK</html>",
        "{\"status\":\"FAIL\"}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(bodies); i++) {
        char wide[300];
        size_t length = strlen(bodies[i]);

        if (!is_doubtful(404, bodies[i], length))
            fail_msg("no doubt: %s", bodies[i]);
        assert_false(is_doubtful(200, bodies[i], length));
        assert_false(is_doubtful(500, bodies[i], length));
        assert_true(is_doubtful(404, wide, widen(wide, bodies[i], false)));
        assert_true(is_doubtful(404, wide, widen(wide, bodies[i], true)));
    }
    for (i = 0; i < COUNT(others); i++) {
        if (is_doubtful(404, others[i], strlen(others[i])))
            fail_msg("doubted: %s", others[i]);
    }
}

static void doubts_what_is_about_another_inbox(void **state)
{
    static const char *const bodies[] = {
        "{\"inboxID\":11}",
        "{\"status\":\"FAIL\",\"reason\":47,\"inboxID\":11}",
        "{\"status\":\"FAIL\",\"accountID\":\"2\"}",
        "{\"error\":{},\"server\":\"west\"}",
        "{\"inboxID\":11,\"inboxID\":10}",
    };
    static const char *const others[] = {
        "{\"inboxID\":10,\"accountID\":1,\"server\":\"online\"}",
        "{\"inboxID\":null,\"server\":1}",
        "{\"error\":{\"inboxID\":11}}",
        "[{\"inboxID\":11}]",
        "{\"inboxID\":11} x", /* no object */
        "{\"inboxID\":11",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(bodies); i++) {
        if (!is_doubtful(400, bodies[i], strlen(bodies[i])))
            fail_msg("no doubt: %s", bodies[i]);
        assert_false(is_doubtful(500, bodies[i], strlen(bodies[i])));
    }
    for (i = 0; i < COUNT(others); i++) {
        if (is_doubtful(400, others[i], strlen(others[i])))
            fail_msg("doubted: %s", others[i]);
    }
}

/* However long the runs of what is skipped are. */
static void takes_time_in_line_with_the_text(void **state)
{
    static const char *const units[] = {"\\", "\\u00", "%",   "&", "&quo",
                                        "\"", "&#x",   "\"O", "[", "{\"a\":"};
    const size_t length = 1000000;
    char *body = malloc(length);
    size_t i;
    size_t j;

    (void)state;
    assert_non_null(body);
    for (i = 0; i < COUNT(units); i++) {
        for (j = 0; j < length; j++)
            body[j] = units[i][j % strlen(units[i])];
        assert_false(is_doubtful(404, body, length));
    }
    memset(body, 0, length);
    assert_false(is_doubtful(404, body, length));
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_deletions),
        cmocka_unit_test(compares_large_numbers_as_doubles),
        cmocka_unit_test(takes_nothing_that_was_cut),
        cmocka_unit_test(takes_a_part_for_no_success),
        cmocka_unit_test(wants_of_a_read_what_it_is_for),
        cmocka_unit_test(has_a_place_for_each_result),
        cmocka_unit_test(doubts_each_ok_in_quotes),
        cmocka_unit_test(doubts_what_is_about_another_inbox),
        cmocka_unit_test(takes_time_in_line_with_the_text),
    };

    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
