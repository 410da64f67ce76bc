/* json_text.c: what lua-cjson does not say of a JSON text. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/json_text.h"

/* A text of just its length in memory, so that a look past its end is
 * seen.  To be freed. */
static char *copy_of(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    return copy;
}

/* ----- trimming ----- */

static void expect_trimmed(const char *text, size_t length,
                           const char *expected, size_t expected_length)
{
    char *copy = copy_of(text, length);
    struct nd_text trimmed = nd_json_trim(copy, length);

    assert_int_equal(trimmed.end - trimmed.at, expected_length);
    assert_memory_equal(trimmed.at, expected, expected_length);
    free(copy);
}

static void trims_white_space_and_one_byte_order_mark(void **state)
{
    (void)state;
    expect_trimmed(BYTES(""), BYTES(""));
    expect_trimmed(BYTES(" \t\r\n"), BYTES(""));
    expect_trimmed(BYTES("{}"), BYTES("{}"));
    expect_trimmed(BYTES(" \t\r\n{ } \t\r\n"), BYTES("{ }"));
    expect_trimmed(BYTES("\xEF\xBB\xBF{}"), BYTES("{}"));
    expect_trimmed(BYTES("\xEF\xBB\xBF \n{}\n"), BYTES("{}"));
    expect_trimmed(BYTES("\xEF\xBB\xBF"), BYTES(""));
    expect_trimmed(BYTES("\xEF\xBB\xBF\xEF\xBB\xBF{}"),
                   BYTES("\xEF\xBB\xBF{}"));
    expect_trimmed(BYTES(" \xEF\xBB\xBF{}"), BYTES("\xEF\xBB\xBF{}"));
    expect_trimmed(BYTES("\xEF\xBB{}"), BYTES("\xEF\xBB{}"));
    expect_trimmed(BYTES("\xEF\xBB"), BYTES("\xEF\xBB"));
    expect_trimmed(BYTES("\xFE\xFF{}"), BYTES("\xFE\xFF{}"));
    expect_trimmed(BYTES("{}\xEF\xBB\xBF"), BYTES("{}\xEF\xBB\xBF"));
    expect_trimmed(BYTES("\v{}\f"), BYTES("\v{}\f"));
    expect_trimmed(BYTES("{}\0"), BYTES("{}\0"));
    expect_trimmed(BYTES("\xc2\xa0{}"), BYTES("\xc2\xa0{}"));
}

/* ----- keys that stand twice ----- */

enum { STATUS = 1, REASON = 2, INBOX = 4 };

/* Which keys stand twice, as the sum of the above. */
static unsigned int twice(const char *json)
{
    static const char *const keys[] = {"status", "reason", "inboxID", NULL};
    size_t length = strlen(json);
    char *copy = copy_of(json, length);
    struct nd_text text = {copy, copy + length};
    unsigned int found = nd_json_keys_twice(text, 1, keys);

    free(copy);
    return found;
}

static void finds_each_key_that_stands_twice(void **state)
{
    static const struct {
        const char *text;
        unsigned int keys;
    } rows[] = {
        {"{\"status\":\"OK\",\"status\":\"OK\"}", STATUS},
        {"{\"status\":1,\"status\":2,\"status\":3}", STATUS},
        {"{\"status\":\"OK\",\"reason\":1,\"status\":\"FAIL\"}", STATUS},
        {"{\"reason\":1,\"status\":\"OK\",\"reason\":47}", REASON},
        {"{\"inboxID\":1,\"x\":{},\"inboxID\":1}", INBOX},
        {"{\"inboxID\":1,\"status\":1,\"inboxID\":1,\"status\":1}",
         STATUS | INBOX},
        {"{ \"status\" : 1 , \"status\" \n\t\r : 1 }", STATUS},
        /* another spelling of the same key */
        {"{\"status\":\"OK\",\"\\u0073tatus\":\"FAIL\"}", STATUS},
        {"{\"\\u0073\\u0074\\u0061\\u0074\\u0075\\u0073\":1,\"status\":1}",
         STATUS},
        {"{\"inbox\\u0049D\":1,\"\\u0069nboxID\":2}", INBOX},
        /* behind what a simpler search would stumble over */
        {"{\"status\":\"a\\\"b\",\"status\":1}", STATUS},
        {"{\"status\":\"\\\\\",\"status\":1}", STATUS},
        {"{\"x\":\"}\",\"status\":1,\"status\":1}", STATUS},
        {"{\"status\":[{\"a\":\"]\"}],\"status\":1}", STATUS},
        {"{\"status\":{\"status\":1},\"status\":1}", STATUS},
        {"{\"status\":null,\"status\":null}", STATUS},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        if (twice(rows[i].text) != rows[i].keys)
            fail_msg("%u in %s", twice(rows[i].text), rows[i].text);
    }
}

static void finds_keys_twice_in_one_of_the_rows(void **state)
{
    static const char *const keys[] = {"id", NULL};
    static const struct {
        const char *text;
        unsigned int found;
    } rows[] = {
        {"{\"list\":[{\"id\":1,\"x\":[{\"id\":2}],\"id\":3}]}", 1},
        {"{\"list\":[{\"id\":1},{\"id\":2,\"\\u0069d\":2}]}", 1},
        {"{\"list\":[{\"id\":1},{\"id\":2},{\"id\":3}]}", 0},
        {"{\"list\":[{\"id\":1,\"x\":{\"id\":2,\"id\":3}}]}", 0},
        {"{\"id\":1,\"id\":2,\"list\":{\"id\":1,\"id\":2}}", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_text text = {rows[i].text,
                               rows[i].text + strlen(rows[i].text)};

        if (nd_json_keys_twice(text, 3, keys) != rows[i].found)
            fail_msg("not %u in %s", rows[i].found, rows[i].text);
    }
}

static void finds_no_key_twice_that_is_not(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"status\":\"OK\",\"reason\":1,\"inboxID\":10}",
        "{\"x\":1,\"x\":2}", /* not one that matters */
        "{\"status\":1,\"Status\":2,\"STATUS\":3}",
        "{\"status\":1,\"statu\":2,\"statuss\":3,\"\":4}",
        "{\"status\":1,\"status\\u0000\":2}",
        "{\"status\":1,\"\\\\u0073tatus\":2}",
        "{\"status\":\"status\",\"reason\":\"status\"}", /* values */
        "{\"status\":1,\"x\":{\"status\":2}}",           /* deeper */
        "{\"x\":{\"status\":1,\"status\":2}}",
        "{\"x\":[{\"status\":1},{\"status\":2}],\"status\":3}",
        "{\"status\":\"\\\"status\\\":1\"}", /* in a string */
        "{\"status\":\"{\",\"x\":\"\\\",\\\"status\\\":\"}",
        "[\"status\",\"status\"]",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++) {
        if (twice(texts[i]))
            fail_msg("found in %s", texts[i]);
    }
}

/* ----- the repair ----- */

/* NULL: nothing is repaired. */
static void expect_repair(const char *json, const char *expected)
{
    size_t length = strlen(json);
    char *copy = copy_of(json, length);
    struct nd_text text = {copy, copy + length};
    struct nd_buffer out;
    bool full = true;
    bool repaired;

    nd_buffer_init(&out, 2 * length);
    repaired = nd_json_add_commas(&out, text, &full);
    assert_false(full);
    if (repaired != (expected != NULL))
        fail_msg("%s was%s repaired", json, repaired ? "" : " not");
    if (repaired)
        assert_string_equal(out.data, expected);
    nd_buffer_free(&out);
    free(copy);
}

/* The document's own sample of a success, as it stands there. */
static void repairs_the_documents_sample(void **state)
{
    static const char lines[] = "{\n"
                                "\"status\": \"OK\",\n"
                                "\"reason\": 1@\n"
                                "\"accountID\": 1,\n"
                                "\"server\": \"online\",\n"
                                "\"inboxID\": 10,\n"
                                "\"whatsapp_number\": \"972501234567\"\n"
                                "}";
    int crlf;

    (void)state;
    for (crlf = 0; crlf < 2; crlf++) {
        struct nd_buffer broken;
        struct nd_buffer mended;
        const char *c;

        nd_buffer_init(&broken, 1000);
        nd_buffer_init(&mended, 1000);
        for (c = lines; *c; c++) {
            if (*c == '@') {
                assert_true(nd_buffer_add(&mended, ",", 1));
                continue;
            }
            if (*c == '\n' && crlf) {
                assert_true(nd_buffer_add(&broken, "\r", 1));
                assert_true(nd_buffer_add(&mended, "\r", 1));
            }
            assert_true(nd_buffer_add(&broken, c, 1));
            assert_true(nd_buffer_add(&mended, c, 1));
        }
        expect_repair(broken.data, mended.data);
        nd_buffer_free(&broken);
        nd_buffer_free(&mended);
    }
}

static void adds_the_comma_after_each_kind_of_value(void **state)
{
    static const char *const values[] = {
        "\"OK\"", "\"\"",  "\"a\\\"\"", "\"a\\\\\"", "1",
        "0",      "1.5e3", "true",      "false",     "null",
        "{}",     "[]",    "{\"x\":1}", "[1,\"x\"]", "9"};
    static const char *const ends[] = {"\n",  "\r\n",  " \t\r\n",
                                       " \n", "\n \t", "\r\n    "};
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < COUNT(values); i++) {
        for (j = 0; j < COUNT(ends); j++) {
            char broken[100];
            char mended[100];

            (void)snprintf(broken, sizeof broken, "{\"a\":%s%s\"b\" :2}",
                           values[i], ends[j]);
            (void)snprintf(mended, sizeof mended, "{\"a\":%s,%s\"b\" :2}",
                           values[i], ends[j]);
            expect_repair(broken, mended);
        }
    }
}

static void adds_each_comma_that_is_missing(void **state)
{
    (void)state;
    expect_repair("{\"a\":1\n\"b\":2\n\"c\":{\"d\":3\n\"e\":4}\n\"f\":5}",
                  "{\"a\":1,\n\"b\":2,\n\"c\":{\"d\":3,\n\"e\":4},\n\"f\":5}");
    expect_repair("{\"a\":1,\n\"b\":2\n\"\\u0063\":3}",
                  "{\"a\":1,\n\"b\":2,\n\"\\u0063\":3}");
}

static void repairs_nothing_else(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"a\":1,\n\"b\":2}", /* nothing is missing */
        "{\"a\":1 ,\n\"b\":2}",
        "{\"a\":1\n,\"b\":2}", /* the comma is on the next line */
        "{\"a\":1 \"b\":2}",   /* on one line */
        "{\"a\":1\"b\":2}",
        "{\"a\":1\r\"b\":2}",   /* a lone CR ends no line */
        "{\"a\":1\n\n\"b\":2}", /* not the very next line */
        "{\"a\":1\r\n\r\n\"b\":2}",
        "{\"a\":1\r\r\n\"b\":2}",
        "{\"a\":1\v\n\"b\":2}",
        "{\"a\":1\n\"b\"}", /* no key follows */
        "{\"a\":1\n\"b\",\"c\":2}",
        "{\"a\":1\n\"b",
        "{\"a\":1\n\"b\"",
        "{\"a\":1\n\"b\" ",
        "{\"a\":1\n",
        "{\"a\":1\nb:2}",
        "{\"a\":1\n'b':2}",
        "{\"a\":1\n}",
        "[1\n2]", /* between values of an array */
        "[\"a\"\n\"b\"]",
        "{\"a\":\n\"b\":2}", /* no value before */
        "{\"a\"\n:1}",
        "{\"a\":1,\n}", /* a comma too many */
        "{\"a\":1,\n,\"b\":2}",
        "{\"a\":1;\n\"b\":2}",
        "{\"a\":'x'\n\"b\":2}",
        "{\n\"a\":1}", /* an opening brace is no value */
        "[\n\"a\":1]",
        "{\"a\":\"1\\\"\n\\\"b\\\":2\"}", /* all in one string */
        "{\"a\":\"x\n\\\"b\\\":\"}",
        "{\"a\":1 // x\n\"b\":2}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++)
        expect_repair(texts[i], NULL);
}

/* Each beginning of a text that is mended: never a look past its end. */
static void stops_where_the_text_is_cut(void **state)
{
    static const char json[] = "{\"a\\u0062\":\"x\\\"\"\r\n\t\"c\\\\\" \t:2}";
    static const char *const keys[] = {"a", NULL};
    size_t length;

    (void)state;
    for (length = 0; length < sizeof json; length++) {
        char *copy = copy_of(json, length);
        struct nd_text text = {copy, copy + length};
        struct nd_buffer out;
        bool full;

        nd_buffer_init(&out, 100);
        assert_int_equal(nd_json_add_commas(&out, text, &full),
                         length >= sizeof json - 3);
        assert_int_equal(nd_json_keys_twice(text, 1, keys), 0);
        nd_buffer_free(&out);
        free(copy);
    }
}

static void fails_where_the_commas_have_no_room(void **state)
{
    static const char json[] = "{\"a\":1\n\"b\":2}";
    const struct nd_text text = {json, json + sizeof json - 1};
    size_t max;

    (void)state;
    for (max = 0; max <= sizeof json; max++) {
        struct nd_buffer out;
        bool full;

        nd_buffer_init(&out, max);
        assert_int_equal(nd_json_add_commas(&out, text, &full),
                         max >= sizeof json);
        assert_int_equal(full, max < sizeof json);
        nd_buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trims_white_space_and_one_byte_order_mark),
        cmocka_unit_test(finds_each_key_that_stands_twice),
        cmocka_unit_test(finds_keys_twice_in_one_of_the_rows),
        cmocka_unit_test(finds_no_key_twice_that_is_not),
        cmocka_unit_test(repairs_the_documents_sample),
        cmocka_unit_test(adds_the_comma_after_each_kind_of_value),
        cmocka_unit_test(adds_each_comma_that_is_missing),
        cmocka_unit_test(repairs_nothing_else),
        cmocka_unit_test(stops_where_the_text_is_cut),
        cmocka_unit_test(fails_where_the_commas_have_no_room),
    };

    return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
