/* redact.c: no secret in what is shown. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/json.h"
#include "../../src/core/redact.h"

/* What NDL_RESPONSE_MAX is to the Lua layer. */
#define RESPONSE_MAX 4096

/* None of its characters is in the marker, nor in the fillers below, so
 * that each one of them in an output is a piece of it. */
static const char secret[] = "S3CR/T-4711_\"K\\Y";
static const char pieces[] = "S3CR/T-4711_\"K\\Y";

static char *redact(const char *text, size_t length, const char *of_call,
                    size_t max)
{
    /* A copy of just that length, so that a look past its end is seen. */
    char *copy = malloc(length ? length : 1);
    struct nd_secrets secrets = {.count = 0};
    struct nd_buffer out;

    assert_non_null(copy);
    memcpy(copy, text, length);
    nd_secrets_add(&secrets, of_call);
    nd_buffer_init(&out, max);
    assert_true(nd_redact(&out, copy, length, &secrets));
    assert_true(out.length <= max);
    free(copy);
    return out.data ? out.data : calloc(1, 1);
}

static void expect_of(const char *text, const char *of_call,
                      const char *expected)
{
    char *shown = redact(text, strlen(text), of_call, RESPONSE_MAX);

    if (strcmp(shown, expected) != 0)
        fail_msg("%s\nbecame   %s\ninstead of %s", text, shown, expected);
    free(shown);
}

/* ----- the secret of the call ----- */

static void leaves_other_text_as_it_is(void **state)
{
    static const char *const texts[] = {
        "",
        "a",
        "{\"status\":\"FAIL\",\"reason\":47}",
        "S3CR/T-47 is the beginning of another one",
        "s3cr/t-4711_\"k\\y",
        "\\",
        "\\\\u",
        "\\u00",
        "\\u0053",
        "https://partners.99digital.co.il/api",
        "line\r\nline\ttab \x01 \xd7\x90 \x7f",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++) {
        expect_of(texts[i], secret, texts[i]);
        expect_of(texts[i], "", texts[i]);
        expect_of(texts[i], NULL, texts[i]);
    }
}

static void hides_the_secret_wherever_it_stands(void **state)
{
    char text[200];

    (void)state;
    expect_of(secret, secret, "[redacted]");
    (void)snprintf(text, sizeof text, "%s%s", secret, secret);
    expect_of(text, secret, "[redacted]");
    (void)snprintf(text, sizeof text, "<%s>, %s!", secret, secret);
    expect_of(text, secret, "<[redacted]>, [redacted]!");
    (void)snprintf(text, sizeof text, "S3C%s", secret);
    expect_of(text, secret, "S3C[redacted]");
}

static void hides_secrets_of_any_length(void **state)
{
    (void)state;
    expect_of("axbx", "x", "a[redacted]b[redacted]");
    expect_of("a12b1", "12", "a[redacted]b1");
    expect_of("a123b12", "123", "a[redacted]b12");
}

static void takes_a_nul_for_any_other_byte(void **state)
{
    static const char text[] = "a\0S3CR/T-4711_\"K\\Y\0b\\\0";
    char *shown = redact(text, sizeof text - 1, secret, RESPONSE_MAX);

    (void)state;
    /* Those before it are taken for a part of it, as in UTF-16. */
    assert_memory_equal(shown, "a[redacted]\0b\\\0", 16);
    free(shown);
}

/* Where the first secret goes, "%22" behind it is left as "22". */
static void looks_again_at_what_is_left(void **state)
{
    (void)state;
    expect_of("20%22%30%25 ", "20%", "[redacted]2[redacted] ");
}

/* Without the NUL, the first backslash would escape the second one. */
static void takes_a_nul_for_nothing_only_where_that_finds_more(void **state)
{
    static const char text[] = "\\\0\\u0053\\u0033CR\\/T-4711_\\\"K\\\\Y!";
    char *shown = redact(text, sizeof text - 1, secret, RESPONSE_MAX);

    (void)state;
    assert_string_equal(shown, "[redacted]!");
    free(shown);
}

/* Pieces that a repetition leaves are too short to tell anything. */
static void finds_a_secret_that_repeats_itself(void **state)
{
    (void)state;
    expect_of("1212121213", "12121213", "12[redacted]");
    expect_of("xabcabcabcabd", "abcabcabd", "xabc[redacted]");
}

/* ----- escapes ----- */

/* One character as it may stand in a JSON string, in one of three ways. */
static void escape_char(char escaped[8], char c, int way)
{
    bool must = c == '"' || c == '\\';

    if (way % 3 == 1)
        (void)snprintf(escaped, 8, "\\u%04x", (unsigned char)c);
    else if (way % 3 == 2)
        (void)snprintf(escaped, 8, "\\u%04X", (unsigned char)c);
    else
        (void)snprintf(escaped, 8, "%s%c",
                       must || (c == '/' && way % 2) ? "\\" : "", c);
}

/* The secret in a JSON string, each character in a way of its own. */
static void escape_secret(char *escaped, unsigned int seed)
{
    const char *c;

    for (c = secret; *c; c++) {
        seed = seed * 1103515245u + 12345u;
        escape_char(escaped, *c, (int)(seed >> 16 & 0x7f));
        escaped += strlen(escaped);
    }
}

/* As encoders do it. */
static void nest(char *nested, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *nested++ = '\\';
        *nested++ = *text;
    }
    *nested = '\0';
}

static void hides_any_spelling_in_json(void **state)
{
    unsigned int seed;

    (void)state;
    for (seed = 0; seed < 2000; seed++) {
        char escaped[200];
        char text[300];

        escape_secret(escaped, seed);
        (void)snprintf(text, sizeof text, "{\"a\":\"%s\"}", escaped);
        expect_of(text, secret, "{\"a\":\"[redacted]\"}");
    }
}

/* A token may look like an escape itself. */
static void hides_a_secret_with_escapes_of_its_own(void **state)
{
    static const char *const secrets[] = {
        "2\\u",  "XY\\u0041Z", "XY\\\\u00", "XY\\n\\/Z", "\\u005cXYZ",
        "XYZ%4", "X%41YZ",     "XY&amp;Z",  "XYZ&am"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(secrets); i++) {
        char once[50];
        char twice[100];
        char text[300];

        nest(once, secrets[i]);
        nest(twice, once);
        (void)snprintf(text, sizeof text, "<%s> <%s> <%s>", secrets[i], once,
                       twice);
        expect_of(text, secrets[i], "<[redacted]> <[redacted]> <[redacted]>");
        (void)snprintf(text, sizeof text, "<%su", once);
        expect_of(text, secrets[i], "<[redacted]u");
    }
}

/* A JSON text as a string in another one, and that one in a third. */
static void hides_it_in_json_within_json(void **state)
{
    unsigned int seed;

    (void)state;
    for (seed = 0; seed < 2000; seed++) {
        char once[200];
        char twice[400];
        char thrice[800];
        char text[1300];

        escape_secret(once, seed);
        nest(twice, once);
        nest(thrice, twice);
        (void)snprintf(text, sizeof text, "<%s> <%s>", twice, thrice);
        expect_of(text, secret, "<[redacted]> <[redacted]>");
    }
}

/* ----- other encodings ----- */

/* One character, as it may stand in a URL. */
static void percent_char(char encoded[8], char c, int way)
{
    bool must = strchr("/\"\\%", c) != NULL;

    (void)snprintf(encoded, 8,
                   way % 3 == 0 && !must ? "%c"
                   : way % 3 == 1        ? "%%%02x"
                                         : "%%%02X",
                   (unsigned char)c);
}

/* The same in a page. */
static void html_char(char encoded[8], char c, int way)
{
    bool must = strchr("<>&\"'", c) != NULL;

    if (way % 4 == 0 && c == '"')
        (void)snprintf(encoded, 8, "&quot;");
    else if (way % 4 == 0 && !must)
        (void)snprintf(encoded, 8, "%c", c);
    else if (way % 4 == 1)
        (void)snprintf(encoded, 8, "&#%d;", c);
    else
        (void)snprintf(encoded, 8, way % 4 == 2 ? "&#x%02x;" : "&#X%02X;",
                       (unsigned char)c);
}

typedef void encode_char(char encoded[8], char c, int way);

static void encode(char *encoded, const char *text, encode_char *one,
                   unsigned int seed)
{
    for (*encoded = '\0'; *text; text++) {
        seed = seed * 1103515245u + 12345u;
        one(encoded, *text, (int)(seed >> 16 & 0x7f));
        encoded += strlen(encoded);
    }
}

static void hides_it_in_each_encoding(void **state)
{
    static encode_char *const ways[] = {escape_char, percent_char, html_char};
    unsigned int seed;

    (void)state;
    for (seed = 0; seed < 900; seed++) {
        char once[200];
        char text[250];

        encode(once, secret, ways[seed % 3], seed);
        (void)snprintf(text, sizeof text, "<%s>", once);
        expect_of(text, secret, "<[redacted]>");
    }
}

/* Some are taken for something that goes on. */
static void hides_it_in_two_encodings(void **state)
{
    static encode_char *const ways[] = {escape_char, percent_char, html_char};
    unsigned int seed;

    (void)state;
    for (seed = 0; seed < 2700; seed++) {
        char once[200];
        char twice[2000];
        char text[2500];
        char *shown;

        encode(once, secret, ways[seed % 3], seed);
        encode(twice, once, ways[seed / 3 % 3], seed / 9);
        (void)snprintf(text, sizeof text, "<%s> !", twice);
        shown = redact(text, strlen(text), secret, RESPONSE_MAX);
        if (strcmp(shown, "[redacted]") != 0)
            assert_string_equal(shown, "<[redacted]> !");
        free(shown);
    }
}

static void hides_it_in_utf_16(void **state)
{
    char wide[2 * sizeof secret];
    size_t i;
    char *shown;

    (void)state;
    memset(wide, 0, sizeof wide);
    for (i = 0; secret[i]; i++)
        wide[2 * i] = secret[i];
    shown = redact(wide, sizeof wide, secret, RESPONSE_MAX);
    assert_string_equal(shown, "[redacted]");
    free(shown);
}

/* Who encodes so often shows nothing. */
static void shows_nothing_that_is_encoded_too_often(void **state)
{
    (void)state;
    expect_of("%252541 %25 &", secret, "%252541 %25 &");
    expect_of("hello %25252541", secret, "[redacted]");
    expect_of("hello &amp;amp;amp;lt;", NULL, "[redacted]");
    expect_of("%%%%%%%%%", secret, "%%%%%%%%%");
    expect_of("C:\\\\a\\\\\\\\b", secret, "C:\\\\a\\\\\\\\b");
}

/* ----- more than one secret ----- */

static void expect_of_secrets(const char *text,
                              const struct nd_secrets *secrets,
                              const char *expected)
{
    struct nd_buffer out;

    nd_buffer_init(&out, RESPONSE_MAX);
    assert_true(nd_redact(&out, text, strlen(text), secrets));
    assert_string_equal(out.data, expected);
    nd_buffer_free(&out);
}

static void hides_each_of_several_secrets(void **state)
{
    struct nd_secrets secrets = {.count = 0};
    int i;

    (void)state;
    nd_secrets_add(&secrets, "first/1");
    nd_secrets_add(&secrets, NULL);
    nd_secrets_add(&secrets, "");
    nd_secrets_add(&secrets, "second+2");
    assert_int_equal(secrets.count, 2);
    expect_of_secrets("<first/1> <first%2f1> <second&#43;2> <third>", &secrets,
                      "<[redacted]> <[redacted]> <[redacted]> <third>");
    for (i = 0; i < 2 * ND_SECRETS_MAX; i++)
        nd_secrets_add(&secrets, "more");
    assert_int_equal(secrets.count, ND_SECRETS_MAX);
}

static void hides_what_is_before_the_host_of_a_url(void **state)
{
    static const char *const rows[][3] = {
        {"http://user:pass@host:1", "user:pass", "[redacted]"},
        {"http://user:pass@host:1", "user or pass",
         "[redacted] or [redacted]"},
        {"http://us%40er:p%3Ass@host", "us@er:p:ss", "[redacted]"},
        {"http://us%40er:p%3Ass@host", "us%40er", "[redacted]"},
        {"user:pass@host", "user pass", "[redacted] [redacted]"},
        {"http://user:p@ss@host", "p@ss", "[redacted]"},
        {"http://user:p/ss@ho st:x", "bad URL http://user:p/ss@ho st:x",
         "bad URL http://[redacted]@ho st:x"},
        {"ht!tp://user:pass@", "pass", "[redacted]"},
        {"a@b:c://user:pass@host", "pass", "[redacted]"},
        {"http:/user:pass@host", "user:pass", "[redacted]"},
        {"http://u:p@host", "u:p is up", "[redacted] is up"},
        {"http://token@host", "token", "[redacted]"},
        {"http://us:p\xc3\xa4ss@host",
         "p\xc3\xa4ss p%C3%A4ss &#112;\xc3\xa4ss",
         "[redacted] [redacted] [redacted]"},
        {"http://us:p%C3%A4ss@host", "p\xc3\xa4ss p%c3%a4ss",
         "[redacted] [redacted]"},
        {"http://host/", "host", "host"},
        {"http://@host/", "host", "host"},
        {"", "x", "x"},
    };
    struct nd_secrets none = {.count = 0};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_secrets secrets = {.count = 0};

        nd_secrets_add_url(&secrets, rows[i][0]);
        expect_of_secrets(rows[i][1], &secrets, rows[i][2]);
    }
    nd_secrets_add_url(&none, NULL);
    assert_int_equal(none.count, 0);
}

/* ----- time ----- */

/* Whatever the secret, and however much of it comes again and again. */
static void takes_time_in_line_with_the_text(void **state)
{
    static const char *const units[] = {"a",     "\\",     "\\u0061",
                                        "%61",   "token:", "\\\"",
                                        "&#97;", "://",    "Bearer "};
    const size_t length = 1 << 20;
    char *of_call = malloc(8001);
    char *text = malloc(length);
    size_t i;
    size_t j;

    (void)state;
    assert_non_null(of_call);
    assert_non_null(text);
    memset(of_call, 'a', 8000);
    memcpy(of_call + 7998, "b\0", 2);
    for (i = 0; i < COUNT(units); i++) {
        for (j = 0; j < length; j++)
            text[j] = units[i][j % strlen(units[i])];
        free(redact(text, length, of_call, RESPONSE_MAX));
    }
    free(text);
    free(of_call);
}

/* ----- where the text is cut ----- */

static void hides_what_is_left_of_a_cut_secret(void **state)
{
    size_t length;

    (void)state;
    for (length = 0; length < sizeof secret; length++) {
        char text[100];
        char expected[100];

        (void)snprintf(text, sizeof text, "xx%.*s", (int)length, secret);
        (void)snprintf(expected, sizeof expected, "xx%s",
                       length < 4 ? text + 2 : "[redacted]");
        expect_of(text, secret, expected);
    }
}

/* How many characters of the secret the output's rest shows. */
static size_t shown_characters(const char *rest)
{
    struct nd_text text = {rest, rest + strlen(rest)};
    size_t count = 0;

    while (nd_json_char(&text) == (unsigned char)secret[count])
        count++;
    return count;
}

static void hides_what_is_left_of_a_cut_escape(void **state)
{
    unsigned int seed;

    (void)state;
    for (seed = 0; seed < 200; seed++) {
        char escaped[200];
        size_t length;

        escape_secret(escaped, seed);
        for (length = 0; length <= strlen(escaped); length++) {
            char text[300];
            char *shown;

            (void)snprintf(text, sizeof text, "xx%.*s", (int)length, escaped);
            shown = redact(text, strlen(text), secret, RESPONSE_MAX);
            assert_memory_equal(shown, "xx", 2);
            if (strcmp(shown + 2, "[redacted]") != 0 &&
                shown_characters(shown + 2) > 3)
                fail_msg("%s became %s", text, shown);
            free(shown);
        }
    }
}

/* The secret at each place around the end of what is shown. */
static void never_shows_a_piece_where_the_output_ends(void **state)
{
    size_t max;
    size_t before;

    (void)state;
    for (max = RESPONSE_MAX - 1; max <= RESPONSE_MAX; max++) {
        for (before = max - 40; before <= max + 2; before++) {
            static char text[RESPONSE_MAX + 100];
            size_t whole = before + strlen("[redacted] and more");
            char *shown;

            memset(text, '.', before);
            (void)snprintf(text + before, sizeof text - before, "%s and more",
                           secret);
            shown = redact(text, strlen(text), secret, max);
            assert_null(strpbrk(shown, pieces));
            assert_int_equal(strlen(shown), whole < max ? whole : max);
            free(shown);
        }
    }
}

static void shows_no_more_than_there_is_room_for(void **state)
{
    size_t max;

    (void)state;
    for (max = 0; max < 30; max++) {
        char expected[40] = "..[redacted]!![redacted]......";
        char *shown = redact(BYTES("..12345!!12345......"), "12345", max);

        expected[max] = '\0';
        assert_string_equal(shown, expected);
        free(shown);
    }
}

/* ----- names ----- */

static void hides_the_values_of_keys_named_like_a_secret(void **state)
{
    static const char *const rows[][2] = {
        {"{\"access_token\":\"abc\"}", "{\"access_token\":\"[redacted]\"}"},
        {"{\"client_secret\" : \"a b\" ,\"x\":1}",
         "{\"client_secret\" : \"[redacted]\" ,\"x\":1}"},
        {"{\"apiKey\":\"a\\\"b\",\"x\":1}",
         "{\"apiKey\":\"[redacted]\",\"x\":1}"},
        {"{\"apiKey\":\"a\\\\\",\"x\":1}",
         "{\"apiKey\":\"[redacted]\"x\":1}"}, /* more than it must be */
        {"{\"API_KEY\":12,\"x\":1}", "{\"API_KEY\":[redacted],\"x\":1}"},
        {"{\"api-key\":\"a\"}", "{\"api-key\":\"[redacted]\"}"},
        {"{\"Password\":\"a\"}", "{\"Password\":\"[redacted]\"}"},
        {"{\"to\\u006ben\":\"a\"}", "{\"to\\u006ben\":\"[redacted]\"}"},
        {"{\"api\\u005fkey\":\"a\"}", "{\"api\\u005fkey\":\"[redacted]\"}"},
        {"{\"access\\u005Ftoken\":\"a\"}",
         "{\"access\\u005Ftoken\":\"[redacted]\"}"},
        {"{\"api_keys\":[\"a\",\"b\"],\"x\":1}",
         "{\"api_keys\":[redacted],\"x\":1}"},
        {"{\"apikey2\":\"a\"}", "{\"apikey2\":\"[redacted]\"}"},
        {"{\"token\\u0073\":3}", "{\"token\\u0073\":[redacted]}"},
        {"{\"secret_01\":\"a\"}", "{\"secret_01\":\"[redacted]\"}"},
        {"{\"passwd\":\"a\"}", "{\"passwd\":\"[redacted]\"}"},
        {"{\"Authorization\":\"a b\"}", "{\"Authorization\":\"[redacted]\"}"},
        {"{\"token\":\"\",\"x\":\"a\"}", "{\"token\":\"\",\"x\":\"a\"}"},
        {"{\"token\":\n\t\"a\"}", "{\"token\":\n\t\"[redacted]\"}"},
        {"{'token': 'a, b\\'c', 'x': 1}", "{'token': '[redacted]', 'x': 1}"},
        {"token=abc&x=1", "token=[redacted]&x=1"},
        {"client_secret=abc; x", "client_secret=[redacted]; x"},
        {"access_token: abc\r\nx", "access_token: [redacted]\r\nx"},
        {"token: Bearer abc x", "token: [redacted] x"},
        {"\"token=ab\\/cd\\u0026e\\n\"", "\"token=[redacted]\\n\""},
        {"<token=a>", "<token=[redacted]"},
        {"token=a<br>", "token=[redacted]<br>"},
        {"{\"token\":\"cut", "{\"token\":\"[redacted]"},
        {"{\"token\":\"cut\\", "{\"token\":\"[redacted]"},
        {"{\"token\":", "{\"token\":"},
        {"{\"token", "{\"token"},
        /* not a value */
        {"the token is wrong", "the token is wrong"},
        {"{\"token_type\":\"x\"}", "{\"token_type\":\"x\"}"},
        {"[\"token\",\"x\"]", "[\"token\",\"x\"]"},
        {"secretary: x", "secretary: x"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        expect_of(rows[i][0], NULL, rows[i][1]);
}

static void hides_whole_arrays_and_objects(void **state)
{
    static const char *const rows[][2] = {
        {"{\"apiKey\":[\"a\",\"b]\"],\"x\":1}",
         "{\"apiKey\":[redacted],\"x\":1}"},
        {"{\"secret\":{\"a\":\"}\",\"b\":[1,{}]},\"x\":1}",
         "{\"secret\":[redacted],\"x\":1}"},
        {"{\"secret\":{\"a\":\"\\\"}\"},\"x\":1}",
         "{\"secret\":[redacted],\"x\":1}"},
        {"{\"secret\":[\"\",\"\"],\"x\":1}",
         "{\"secret\":[redacted],\"x\":1}"},
        {"\"{\\\"secret\\\":[\\\"a]\\\",\\\"b\\\"],\\\"x\\\":1}\"",
         "\"{\\\"secret\\\":[redacted],\\\"x\\\":1}\""},
        {"{\"secret\":[\"cut", "{\"secret\":[redacted]"},
        {"{\"secret\":[\\\"cut", "{\"secret\":[redacted]"},
        {"{\"secret\":[[[", "{\"secret\":[redacted]"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        expect_of(rows[i][0], NULL, rows[i][1]);
}

/* A JSON text as a string in another one. */
static void hides_values_in_json_within_json(void **state)
{
    static const char *const rows[][2] = {
        {"{\"a\":\"{\\\"token\\\":\\\"abc\\\",\\\"x\\\":1}\"}",
         "{\"a\":\"{\\\"token\\\":\\\"[redacted]\\\",\\\"x\\\":1}\"}"},
        {"{\"a\":\"{\\\"token\\\":\\\"a\\\\\\\"b\\\",\\\"x\\\":1}\"}",
         "{\"a\":\"{\\\"token\\\":\\\"[redacted]\\\",\\\"x\\\":1}\"}"},
        {"\\\\\\\"token\\\\\\\":\\\\\\\"a\\\\\\\",\\\\\\\"x\\\\\\\"",
         "\\\\\\\"token\\\\\\\":\\\\\\\"[redacted]\\\\\\\",\\\\\\\"x\\\\\\\""},
        {"\\\"token\\\":\\\"cut", "\\\"token\\\":\\\"[redacted]"},
        {"\\\"token\\\":\\\"cut\\", "\\\"token\\\":\\\"[redacted]"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        expect_of(rows[i][0], NULL, rows[i][1]);
}

static void hides_what_follows_bearer(void **state)
{
    static const char *const rows[][2] = {
        {"Authorization: Basic YTpi\r\nX: y",
         "Authorization: [redacted]\r\nX: y"},
        {"Authorization: Bearer a.b-c\r\nX: y",
         "Authorization: [redacted]\r\nX: y"},
        {"bearer   abc, x", "bearer   [redacted], x"},
        {"BEARER abc\"", "BEARER [redacted]\""},
        {"Bearer cut", "Bearer [redacted]"},
        {"Bearer ", "Bearer "},
        {"Bearer", "Bearer"},
        {"\"token_type\":\"Bearer\",\"x\":1",
         "\"token_type\":\"Bearer\",\"x\":1"},
        {"bearers of news", "bearers of news"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        expect_of(rows[i][0], NULL, rows[i][1]);
}

static void hides_the_user_of_a_url(void **state)
{
    static const char *const rows[][2] = {
        {"http://user:pw@host/x", "http://[redacted]@host/x"},
        {"socks5h://user@host", "socks5h://[redacted]@host"},
        {"http://host/a@b", "http://host/a@b"},
        {"http://host?a@b", "http://host?a@b"},
        {"http://host and a@b", "http://host and a@b"},
        {"http://@host", "http://@host"},
        {"http://", "http://"},
        {"://", "://"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        expect_of(rows[i][0], NULL, rows[i][1]);
}

/* ----- both at once ----- */

/* A token may have any printable character in it, and so those at which the
 * value of a key, of "Bearer" or of a URL's user ends. */
static void hides_a_secret_past_the_end_of_a_value(void **state)
{
    static const char ends[] = ",;&}]'<@/?#=:{[\"\\";
    static const char *const forms[][2] = {
        {"token=", ""},         {"{\"token\":\"", "\"}"}, {"Bearer ", ""},
        {"http://", "@host"},   {"{\"token\":", "}"},     {"token: 'a", "b'"},
        {"http://a", "b@host"}, {"token=a", ""},          {"Bearer b", "b"},
    };
    const char *end;
    size_t i;

    (void)state;
    for (end = ends; *end; end++) {
        char of_call[20];

        (void)snprintf(of_call, sizeof of_call, "ZQ%cXW%cVK", *end, *end);
        for (i = 0; i < COUNT(forms); i++) {
            char text[100];
            char *shown;

            (void)snprintf(text, sizeof text, "%s%s%s", forms[i][0], of_call,
                           forms[i][1]);
            shown = redact(text, strlen(text), of_call, RESPONSE_MAX);
            if (strpbrk(shown, "ZQXWVK"))
                fail_msg("%s became %s", text, shown);
            free(shown);
        }
    }
}

/* The secret begins in what stands before the value of a key. */
static void hides_a_secret_that_begins_in_a_name(void **state)
{
    (void)state;
    expect_of("token=ab,cd", "oken=ab,cd", "t[redacted]");
    expect_of("token=ab,cd", "n=a", "toke[redacted],cd");
    expect_of("token=ab,cd x", "=ab,cd", "token[redacted] x");
    expect_of("Bearer ab,cd x", "rab,cd", "Bearer [redacted],cd x");
    expect_of("a://b@c d", "//b@c", "a:[redacted] d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_other_text_as_it_is),
        cmocka_unit_test(hides_the_secret_wherever_it_stands),
        cmocka_unit_test(hides_secrets_of_any_length),
        cmocka_unit_test(takes_a_nul_for_any_other_byte),
        cmocka_unit_test(looks_again_at_what_is_left),
        cmocka_unit_test(takes_a_nul_for_nothing_only_where_that_finds_more),
        cmocka_unit_test(finds_a_secret_that_repeats_itself),
        cmocka_unit_test(hides_any_spelling_in_json),
        cmocka_unit_test(hides_a_secret_with_escapes_of_its_own),
        cmocka_unit_test(hides_it_in_json_within_json),
        cmocka_unit_test(hides_it_in_each_encoding),
        cmocka_unit_test(hides_it_in_two_encodings),
        cmocka_unit_test(hides_it_in_utf_16),
        cmocka_unit_test(shows_nothing_that_is_encoded_too_often),
        cmocka_unit_test(hides_each_of_several_secrets),
        cmocka_unit_test(hides_what_is_before_the_host_of_a_url),
        cmocka_unit_test(takes_time_in_line_with_the_text),
        cmocka_unit_test(hides_what_is_left_of_a_cut_secret),
        cmocka_unit_test(hides_what_is_left_of_a_cut_escape),
        cmocka_unit_test(never_shows_a_piece_where_the_output_ends),
        cmocka_unit_test(shows_no_more_than_there_is_room_for),
        cmocka_unit_test(hides_the_values_of_keys_named_like_a_secret),
        cmocka_unit_test(hides_whole_arrays_and_objects),
        cmocka_unit_test(hides_values_in_json_within_json),
        cmocka_unit_test(hides_what_follows_bearer),
        cmocka_unit_test(hides_the_user_of_a_url),
        cmocka_unit_test(hides_a_secret_past_the_end_of_a_value),
        cmocka_unit_test(hides_a_secret_that_begins_in_a_name),
    };

    return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
