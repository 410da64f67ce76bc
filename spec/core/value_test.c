/* value.c: what each type of key accepts. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct nd_field id = {"inboxID", ND_TYPE_ID, 0, 0, false};
static const struct nd_field label = {"server", ND_TYPE_LABEL, 0, 0, false};
static const struct nd_field whatsapp = {"whatsapp_number", ND_TYPE_WHATSAPP,
                                         0, 0, false};
static const struct nd_field token = {"access_token", ND_TYPE_TOKEN, 0, 0,
                                      false};
static const struct nd_field text = {"user_agent", ND_TYPE_TEXT, 0, 0, false};
static const struct nd_field path = {"ca_file", ND_TYPE_PATH, 0, 0, false};
static const struct nd_field url = {"base_url", ND_TYPE_URL, 0, 0, false};
static const struct nd_field proxy = {"proxy", ND_TYPE_PROXY, 0, 0, false};
static const struct nd_field flag = {"verify", ND_TYPE_BOOLEAN, 0, 0, false};
static const struct nd_field function = {"sleep", ND_TYPE_FUNCTION, 0, 0,
                                         false};
static const struct nd_field timeout = {"timeout", ND_TYPE_SECONDS, 0, 86400,
                                        true};
static const struct nd_field idle = {"max_idle", ND_TYPE_SECONDS, 0, 3600,
                                     false};
static const struct nd_field bytes = {"max_response_bytes", ND_TYPE_COUNT,
                                      1024, 1073741824, false};

static struct nd_value accept_value(const struct nd_field *field,
                                    struct nd_raw raw)
{
    struct nd_error err = junk_error();
    struct nd_value value;

    memset(&value, 0, sizeof value);
    if (!nd_value_check(&value, field, &raw, &err))
        fail_msg("%s", err.message);
    assert_true(value.set);
    return value;
}

/* Gives the message. */
static const char *refuse(const struct nd_field *field, struct nd_raw raw,
                          const char *name)
{
    static struct nd_error err;
    struct nd_value value;

    err = junk_error();
    memset(&value, 0, sizeof value);
    if (nd_value_check(&value, field, &raw, &err))
        fail_msg("%s was accepted: %.*s%.17g", field->key, (int)raw.length,
                 raw.text ? raw.text : "", raw.number);
    assert_bad_argument(&err, name, field->key);
    return err.message;
}

/* ----- ids ----- */

static void reads_ids_of_each_form(void **state)
{
    (void)state;
    assert_int_equal(accept_value(&id, raw_text("1")).id, 1);
    assert_int_equal(accept_value(&id, raw_text("10")).id, 10);
    assert_true(accept_value(&id, raw_text("123456789012345")).id ==
                UINT64_C(123456789012345));
    assert_true(accept_value(&id, raw_text("999999999999999999")).id ==
                UINT64_C(999999999999999999));
    assert_int_equal(accept_value(&id, raw_integer(1)).id, 1);
    assert_true(accept_value(&id, raw_integer(INT64_C(9007199254740993))).id ==
                UINT64_C(9007199254740993));
    assert_true(
        accept_value(&id, raw_integer(INT64_C(999999999999999999))).id ==
        UINT64_C(999999999999999999));
    assert_int_equal(accept_value(&id, raw_float(10.0)).id, 10);
    assert_true(accept_value(&id, raw_float(9007199254740991.0)).id ==
                UINT64_C(9007199254740991));
}

static void refuses_other_strings_as_ids(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } wrong[] = {
        {BYTES("")},
        {BYTES("0")},
        {BYTES("00")},
        {BYTES("007")},
        {BYTES(" 1")},
        {BYTES("1 ")},
        {BYTES("1\n")},
        {BYTES("+1")},
        {BYTES("-1")},
        {BYTES("0x10")},
        {BYTES("1e3")},
        {BYTES("1.0")},
        {BYTES("1,000")},
        {BYTES("1_0")},
        {BYTES("1\0")},
        {BYTES("1\0002")},
        {BYTES("\0")},
        {BYTES("abc")},
        {BYTES("nan")},
        {BYTES("inf")},
        {BYTES("1000000000000000000")},   /* 19 digits */
        {BYTES("9999999999999999999")},   /* 19 digits */
        {BYTES("18446744073709551617")},  /* 2^64 + 1 */
        {BYTES("\xd9\xa1")},              /* an Arabic digit */
        {BYTES("0000000000000000000001")} /* many zeros */
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(wrong); i++)
        refuse(&id, raw_bytes(wrong[i].text, wrong[i].length), "BAD_VALUE");
}

static void refuses_other_numbers_as_ids(void **state)
{
    static const int64_t integers[] = {
        0, -1, -10, INT64_C(1000000000000000000), INT64_MAX, INT64_MIN};
    static const double floats[] = {0.0,
                                    -0.0,
                                    -1.0,
                                    0.5,
                                    1.5,
                                    1e-300,
                                    NAN,
                                    INFINITY,
                                    -INFINITY,
                                    9007199254740992.0,
                                    9007199254740994.0,
                                    1e17,
                                    1e300};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(integers); i++)
        refuse(&id, raw_integer(integers[i]), "BAD_VALUE");
    for (i = 0; i < COUNT(floats); i++)
        refuse(&id, raw_float(floats[i]), "BAD_VALUE");
    /* The way out is named. */
    assert_contains(refuse(&id, raw_float(9007199254740992.0), "BAD_VALUE"),
                    "string");
}

static void refuses_other_types(void **state)
{
    static const struct nd_field *const fields[] = {
        &id,   &label, &whatsapp, &token,    &text,    &path, &url,
        &idle, &proxy, &flag,     &function, &timeout, &bytes};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(fields); i++) {
        enum nd_type type = fields[i]->type;
        bool number = type == ND_TYPE_SECONDS || type == ND_TYPE_COUNT;

        assert_contains(refuse(fields[i], raw_of("table"), "WRONG_TYPE"),
                        "table");
        refuse(fields[i], raw_of("userdata"), "WRONG_TYPE");
        if (type != ND_TYPE_FUNCTION)
            refuse(fields[i], raw_function(), "WRONG_TYPE");
        if (type != ND_TYPE_BOOLEAN) {
            refuse(fields[i], raw_boolean(true), "WRONG_TYPE");
            refuse(fields[i], raw_boolean(false), "WRONG_TYPE");
        }
        if (!number && type != ND_TYPE_ID) {
            refuse(fields[i], raw_integer(5), "WRONG_TYPE");
            refuse(fields[i], raw_float(5), "WRONG_TYPE");
        }
        if (number || type == ND_TYPE_BOOLEAN || type == ND_TYPE_FUNCTION)
            refuse(fields[i], raw_text("5"), "WRONG_TYPE");
    }
}

/* ----- labels and numbers ----- */

static void reads_labels(void **state)
{
    static const char *const good[] = {"online", "a",    "0",
                                       "A-b",    "x--y", "ONLINE2"};
    char longest[ND_LABEL_MAX + 1];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++) {
        struct nd_value value = accept_value(&label, raw_text(good[i]));

        assert_string_equal(value.text, good[i]);
        assert_int_equal(value.length, strlen(good[i]));
    }
    memset(longest, 'a', sizeof longest);
    assert_int_equal(
        accept_value(&label, raw_bytes(longest, ND_LABEL_MAX)).length, 63);
    refuse(&label, raw_bytes(longest, ND_LABEL_MAX + 1), "BAD_VALUE");
}

static void refuses_what_is_not_one_label(void **state)
{
    static const char *const wrong[] = {
        "",         "-",     "-a",    "a-",      "a.b", "a.",
        "a b",      " a",    "a\n",   "a_b",     "a/b", "a\"b",
        "\xd7\x90", "a\x7f", "a\x80", "online/", "*",   "a:1"};
    int c;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(wrong); i++)
        refuse(&label, raw_text(wrong[i]), "BAD_VALUE");
    refuse(&label, raw_bytes(BYTES("on\0line")), "BAD_VALUE");
    for (c = 0; c < 256; c++) {
        char byte = (char)c;

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
            (c >= 'A' && c <= 'Z'))
            accept_value(&label, raw_bytes(&byte, 1));
        else
            refuse(&label, raw_bytes(&byte, 1), "BAD_VALUE");
    }
}

static void reads_whatsapp_numbers(void **state)
{
    (void)state;
    accept_value(&whatsapp, raw_text("972501234567"));
    accept_value(&whatsapp, raw_text("1"));
    accept_value(&whatsapp, raw_text("12345678901234567890"));
    refuse(&whatsapp, raw_text("123456789012345678901"), "BAD_VALUE");
    refuse(&whatsapp, raw_text(""), "BAD_VALUE");
    refuse(&whatsapp, raw_text("+972501234567"), "BAD_VALUE");
    refuse(&whatsapp, raw_text("0501234567"), "BAD_VALUE");
    refuse(&whatsapp, raw_text("972-50"), "BAD_VALUE");
    refuse(&whatsapp, raw_bytes(BYTES("972\0")), "BAD_VALUE");
}

/* ----- tokens ----- */

static void reads_tokens(void **state)
{
    static char longest[ND_TOKEN_MAX + 1];
    char all['~' - '!' + 1];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof all; i++)
        all[i] = (char)('!' + i);
    assert_int_equal(accept_value(&token, raw_bytes(all, sizeof all)).length,
                     sizeof all);
    accept_value(&token, raw_text("x"));
    memset(longest, 't', sizeof longest);
    accept_value(&token, raw_bytes(longest, ND_TOKEN_MAX));
    assert_lacks(
        refuse(&token, raw_bytes(longest, ND_TOKEN_MAX + 1), "BAD_VALUE"),
        "tttt");
    refuse(&token, raw_text(""), "BAD_VALUE");
}

/* A bad byte at any place: the message says where, and shows none of it. */
static void never_shows_a_token(void **state)
{
    static const char secret[] = "QZXJ9481KWVU7730";
    int c;
    size_t place;

    (void)state;
    for (c = 0; c < 256; c++) {
        if (c > ' ' && c <= '~')
            continue;
        for (place = 0; place < sizeof secret - 1; place++) {
            char bad[sizeof secret];
            char position[32];
            const char *message;

            memcpy(bad, secret, sizeof bad);
            bad[place] = (char)c;
            message =
                refuse(&token, raw_bytes(bad, sizeof bad - 1), "BAD_VALUE");
            (void)snprintf(position, sizeof position, " %zu", place + 1);
            assert_contains(message, position);
            assert_lacks(message, "QZ");
            assert_lacks(message, "XJ");
            assert_lacks(message, "94");
            assert_lacks(message, "KW");
            assert_lacks(message, "VU");
            assert_lacks(message, "77");
            assert_lacks(message, "30");
        }
    }
}

static void hints_at_the_newline_of_a_file(void **state)
{
    (void)state;
    assert_contains(refuse(&token, raw_text("abc\n"), "BAD_VALUE"), "newline");
    assert_contains(refuse(&token, raw_text("abc\r\n"), "BAD_VALUE"),
                    "newline");
}

/* ----- other texts ----- */

static void reads_header_texts(void **state)
{
    char longest[ND_TEXT_MAX + 1];

    (void)state;
    memset(longest, 'a', sizeof longest);
    accept_value(&text, raw_text("my script/1.0 (x; y)"));
    accept_value(&text, raw_bytes(longest, ND_TEXT_MAX));
    refuse(&text, raw_bytes(longest, ND_TEXT_MAX + 1), "BAD_VALUE");
    refuse(&text, raw_text(""), "BAD_VALUE");
    refuse(&text, raw_text("a\r\nX-Evil: 1"), "BAD_VALUE");
    refuse(&text, raw_text("a\tb"), "BAD_VALUE");
    refuse(&text, raw_text("\xd7\x90"), "BAD_VALUE");
    refuse(&text, raw_text("\x7f"), "BAD_VALUE");
    refuse(&text, raw_bytes(BYTES("a\0b")), "BAD_VALUE");
}

static void reads_urls_whole(void **state)
{
    static char longest[ND_URL_MAX + 2] = "https://h/";

    (void)state;
    accept_value(&url, raw_text("https://host/api"));
    refuse(&url, raw_text("host"), "BAD_VALUE");
    refuse(&url, raw_text(""), "BAD_VALUE");
    refuse(&url, raw_bytes(BYTES("https://host\0.evil.com")), "BAD_VALUE");
    memset(longest + 10, 'a', sizeof longest - 11);
    refuse(&url, raw_text(longest), "BAD_VALUE");
    longest[ND_URL_MAX] = '\0';
    accept_value(&url, raw_text(longest));
}

static void reads_proxies(void **state)
{
    (void)state;
    assert_int_equal(accept_value(&proxy, raw_text("")).length, 0);
    accept_value(&proxy, raw_text("http://127.0.0.1:3128"));
    refuse(&proxy, raw_text("ftp://host"), "BAD_VALUE");
    refuse(&proxy, raw_bytes(BYTES("http://host\0")), "BAD_VALUE");
}

/* Makes the file anew with this text in it, after so many other bytes. */
static void fill(const char *file, size_t before, const char *text_after)
{
    FILE *out = fopen(file, "wb");

    assert_non_null(out);
    while (before-- > 0)
        assert_int_equal(fputc('#', out), '#');
    assert_true(fputs(text_after, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void reads_paths_of_pem_files(void **state)
{
    static const char *const wrong[] = {"",
                                        "-",
                                        "-----",
                                        "----BEGIN X",
                                        "-----BEGINX",
                                        "-----begin x",
                                        "-----BEGI\n-----BEGI",
                                        "no certificate"};
    static const char *const good[] = {"-----BEGIN CERTIFICATE-----\n",
                                       "------BEGIN X", "-- -----BEGIN X",
                                       "-----BEG-----BEGIN X"};
    char folder[] = "/tmp/ninedig-value-XXXXXX";
    char file[64];
    size_t i;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/ca.pem", folder);
    assert_contains(refuse(&path, raw_text(file), "CA_FILE_UNREADABLE"), file);
    assert_contains(refuse(&path, raw_text(folder), "CA_FILE_UNREADABLE"),
                    folder);
    refuse(&path, raw_text(""), "CA_FILE_UNREADABLE");
    refuse(&path, raw_text("/tmp/no\nsuch\nfile"), "CA_FILE_UNREADABLE");
    refuse(&path, raw_bytes(BYTES("/tmp\0")), "BAD_VALUE");
    for (i = 0; i < COUNT(wrong); i++) {
        fill(file, 0, wrong[i]);
        refuse(&path, raw_text(file), "CA_FILE_UNREADABLE");
    }
    for (i = 0; i < COUNT(good); i++) {
        fill(file, 0, good[i]);
        assert_string_equal(accept_value(&path, raw_text(file)).text, file);
    }
    /* Wherever the pieces end in which the file is read. */
    for (i = 4096 - 12; i <= 4096; i++) {
        fill(file, i, good[0]);
        accept_value(&path, raw_text(file));
    }
    /* Nobody writes to it: the check must not wait for that. */
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    refuse(&path, raw_text(file), "CA_FILE_UNREADABLE");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void reads_booleans_and_functions(void **state)
{
    (void)state;
    assert_true(accept_value(&flag, raw_boolean(true)).boolean);
    assert_false(accept_value(&flag, raw_boolean(false)).boolean);
    accept_value(&function, raw_function());
}

/* ----- ranges ----- */

static void reads_seconds_in_their_range(void **state)
{
    const double least = 1e-9; /* the literal itself may be more exact */

    (void)state;
    assert_true(accept_value(&timeout, raw_float(0.25)).number == 0.25);
    assert_true(accept_value(&timeout, raw_float(least)).number == least);
    assert_true(accept_value(&timeout, raw_integer(86400)).number == 86400);
    assert_true(accept_value(&idle, raw_integer(0)).number == 0);
    assert_true(accept_value(&idle, raw_float(3600)).number == 3600);
    refuse(&timeout, raw_integer(0), "BAD_VALUE");
    refuse(&timeout, raw_float(-0.0), "BAD_VALUE");
    refuse(&timeout, raw_float(-1), "BAD_VALUE");
    refuse(&timeout, raw_float(86400.001), "BAD_VALUE");
    refuse(&timeout, raw_float(NAN), "BAD_VALUE");
    refuse(&timeout, raw_float(INFINITY), "BAD_VALUE");
    refuse(&idle, raw_float(-0.001), "BAD_VALUE");
    refuse(&idle, raw_integer(3601), "BAD_VALUE");
    refuse(&idle, raw_integer(INT64_MAX), "BAD_VALUE");
    refuse(&idle, raw_integer(INT64_MIN), "BAD_VALUE");
}

static void states_the_range_in_the_message(void **state)
{
    const char *message = refuse(&bytes, raw_integer(10), "BAD_VALUE");

    (void)state;
    assert_contains(message, "1024");
    assert_contains(message, "1073741824");
    assert_contains(message, "10");
    assert_contains(refuse(&timeout, raw_integer(0), "BAD_VALUE"), "above 0");
    assert_contains(refuse(&timeout, raw_integer(0), "BAD_VALUE"), "86400");
}

static void reads_counts_in_their_range(void **state)
{
    (void)state;
    assert_true(accept_value(&bytes, raw_integer(1024)).number == 1024);
    assert_true(accept_value(&bytes, raw_float(2048.0)).number == 2048);
    assert_true(accept_value(&bytes, raw_integer(1073741824)).number ==
                1073741824);
    refuse(&bytes, raw_integer(1023), "BAD_VALUE");
    refuse(&bytes, raw_integer(1073741825), "BAD_VALUE");
    refuse(&bytes, raw_float(2048.5), "BAD_VALUE");
    refuse(&bytes, raw_float(NAN), "BAD_VALUE");
    refuse(&bytes, raw_float(INFINITY), "BAD_VALUE");
    refuse(&bytes, raw_float(-INFINITY), "BAD_VALUE");
    refuse(&bytes, raw_float(1e300), "BAD_VALUE");
}

/* ----- the nearest key ----- */

static void names_the_nearest_key(void **state)
{
    static const char *const keys[] = {"access_token",    "accountID",
                                       "server",          "inboxID",
                                       "whatsapp_number", NULL};
    static const struct {
        const char *written;
        const char *nearest;
    } rows[] = {
        {"account_id", "accountID"},
        {"accountId", "accountID"},
        {"ACCOUNTID", "accountID"},
        {"acountID", "accountID"},
        {"inbox_id", "inboxID"},
        {"inboxid", "inboxID"},
        {"inbox", "inboxID"},
        {"inboxIDs", "inboxID"},
        {"sever", "server"},
        {"Server", "server"},
        {"accessToken", "access_token"},
        {"acess_token", "access_token"},
        {"whatsappNumber", "whatsapp_number"},
        {"colour", NULL},
        {"", NULL},
        {"---", NULL},
        {"\xd7\x90", NULL},
        {"a_key_that_is_longer_than_any_other_one_by_far", NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        bool is_near;
        const char *nearest = nd_nearest_key(rows[i].written, keys, &is_near);

        assert_non_null(nearest);
        assert_int_equal(is_near, rows[i].nearest != NULL);
        if (is_near)
            assert_string_equal(nearest, rows[i].nearest);
    }
}

static void has_no_nearest_key_among_none(void **state)
{
    static const char *const none[] = {NULL};

    bool is_near;

    (void)state;
    assert_null(nd_nearest_key("accountID", none, &is_near));
    assert_false(is_near);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ids_of_each_form),
        cmocka_unit_test(refuses_other_strings_as_ids),
        cmocka_unit_test(refuses_other_numbers_as_ids),
        cmocka_unit_test(refuses_other_types),
        cmocka_unit_test(reads_labels),
        cmocka_unit_test(refuses_what_is_not_one_label),
        cmocka_unit_test(reads_whatsapp_numbers),
        cmocka_unit_test(reads_tokens),
        cmocka_unit_test(never_shows_a_token),
        cmocka_unit_test(hints_at_the_newline_of_a_file),
        cmocka_unit_test(reads_header_texts),
        cmocka_unit_test(reads_urls_whole),
        cmocka_unit_test(reads_proxies),
        cmocka_unit_test(reads_paths_of_pem_files),
        cmocka_unit_test(reads_booleans_and_functions),
        cmocka_unit_test(reads_seconds_in_their_range),
        cmocka_unit_test(states_the_range_in_the_message),
        cmocka_unit_test(reads_counts_in_their_range),
        cmocka_unit_test(names_the_nearest_key),
        cmocka_unit_test(has_no_nearest_key_among_none),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
