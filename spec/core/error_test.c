/* error.c: what can go wrong, as data. */
#include "support.h"

static void names_kinds_and_outcomes(void **state)
{
    (void)state;
    assert_string_equal(nd_kind_name(ND_KIND_ARGUMENT), "argument");
    assert_string_equal(nd_kind_name(ND_KIND_NETWORK), "network");
    assert_string_equal(nd_kind_name(ND_KIND_HTTP), "http");
    assert_string_equal(nd_kind_name(ND_KIND_PROTOCOL), "protocol");
    assert_string_equal(nd_kind_name(ND_KIND_API), "api");
    assert_string_equal(nd_outcome_name(ND_NOT_SENT), "not_sent");
    assert_string_equal(nd_outcome_name(ND_REJECTED), "rejected");
    assert_string_equal(nd_outcome_name(ND_UNKNOWN), "unknown");
    assert_string_equal(nd_outcome_name(ND_NONE), "none");
}

static void sets_every_field_of_a_bad_argument(void **state)
{
    struct nd_error err = junk_error();

    (void)state;
    assert_false(nd_fail(&err, "BAD_VALUE", "%s is %d", "inboxID", 0));
    assert_bad_argument(&err, "BAD_VALUE", "inboxID");
    assert_string_equal(err.message, "inboxID is 0");
}

static void cuts_a_long_message(void **state)
{
    struct nd_error err = junk_error();
    char text[2 * ND_MESSAGE_MAX];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(nd_fail(&err, "BAD_VALUE", "%s", text));
    assert_int_equal(strlen(err.message), ND_MESSAGE_MAX - 1);
}

/* A key or a path may be written with any bytes; tostring is one line. */
static void keeps_a_message_on_one_line(void **state)
{
    struct nd_error err = junk_error();

    (void)state;
    assert_false(nd_fail(&err, "UNKNOWN_KEY", "no key \"%s\"",
                         "in\r\nbox\tID\x1b\x7f"));
    assert_string_equal(err.message, "no key \"in??box?ID??\"");
}

static void out_of_memory_is_worth_another_try(void **state)
{
    struct nd_error err = junk_error();

    (void)state;
    assert_false(nd_fail_memory(&err));
    assert_int_equal(err.kind, ND_KIND_NETWORK);
    assert_int_equal(err.outcome, ND_NOT_SENT);
    assert_string_equal(err.name, "OUT_OF_MEMORY");
    assert_true(err.retryable);
    assert_int_equal(err.reason, ND_UNSET);
    assert_int_equal(err.http_status, ND_UNSET);
    assert_int_equal(err.curl_code, ND_UNSET);
    assert_true(err.retry_after == ND_UNSET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_kinds_and_outcomes),
        cmocka_unit_test(sets_every_field_of_a_bad_argument),
        cmocka_unit_test(cuts_a_long_message),
        cmocka_unit_test(keeps_a_message_on_one_line),
        cmocka_unit_test(out_of_memory_is_worth_another_try),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
