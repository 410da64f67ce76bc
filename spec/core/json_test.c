/* json.c: the one reader of JSON. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/json.h"

/* A text of just its length in memory, so that a look past its end is
 * seen.  To be freed. */
static char *copy_of(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    return copy;
}

static struct nd_text text_of(const char *text)
{
    struct nd_text all = {text, text + strlen(text)};

    return all;
}

/* ----- tokens ----- */

/* Each token as a word, with what it holds. */
static void read_all(struct nd_buffer *out, const char *bytes, size_t length,
                     bool mends)
{
    static const char *const words[] = {"error", "end", "{", "}", "[", "]",
                                        "k",     "s",   "n", "t", "f", "null"};
    char *copy = copy_of(bytes, length);
    struct nd_text text = {copy, copy + length};
    struct nd_json json;
    enum nd_json_token token;

    nd_json_start(&json, text, mends);
    do {
        token = nd_json_next(&json);
        assert_true(nd_buffer_add_text(out, words[token]));
        if (token == ND_JSON_KEY || token == ND_JSON_STRING ||
            token == ND_JSON_NUMBER) {
            assert_true(nd_buffer_add(out, ":", 1));
            assert_true(nd_buffer_add(
                out, json.token.at, (size_t)(json.token.end - json.token.at)));
        }
        assert_true(nd_buffer_add(out, " ", 1));
        assert_true(json.depth >= 0 && json.depth <= ND_JSON_DEPTH_MAX);
        assert_true(json.rest.at <= json.rest.end);
        assert_int_equal(token == ND_JSON_ERROR, *json.flaw != '\0');
    } while (token != ND_JSON_ERROR && token != ND_JSON_END);
    assert_int_equal(nd_json_next(&json), token);
    free(copy);
}

static void expect_tokens(const char *bytes, size_t length, bool mends,
                          const char *expected)
{
    struct nd_buffer seen;

    nd_buffer_init(&seen, 1 << 20);
    read_all(&seen, bytes, length, mends);
    if (strcmp(seen.data, expected) != 0)
        fail_msg("%s\ngave       %s\ninstead of %s", bytes, seen.data,
                 expected);
    nd_buffer_free(&seen);
}

static bool is_json(const char *bytes, size_t length, bool mends)
{
    struct nd_buffer seen;
    bool good;

    nd_buffer_init(&seen, 1 << 20);
    read_all(&seen, bytes, length, mends);
    good = strstr(seen.data, "error") == NULL;
    nd_buffer_free(&seen);
    return good;
}

static void hands_out_each_token(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *tokens;
    } rows[] = {
        {BYTES("{}"), "{ } end "},
        {BYTES("[]"), "[ ] end "},
        {BYTES(" {\t} \r\n"), "{ } end "},
        {BYTES("\xEF\xBB\xBF {}"), "{ } end "},
        {BYTES("\"\""), "s: end "},
        {BYTES("-0"), "n:-0 end "},
        {BYTES("true"), "t end "},
        {BYTES("{\"a\":1,\"b\":[true,false,null,{}],\"\":\"x\"}"),
         "{ k:a n:1 k:b [ t f null { } ] k: s:x } end "},
        {BYTES("{\"a\\\"\\u0041\" : \"\\\\\" , \"b\":\"\\/\\b\\f\\n\\r\\t\"}"),
         "{ k:a\\\"\\u0041 s:\\\\ k:b s:\\/\\b\\f\\n\\r\\t } end "},
        {BYTES("[0,-1,1.5,1e3,1E+3,1.25e-10,[[]]]"),
         "[ n:0 n:-1 n:1.5 n:1e3 n:1E+3 n:1.25e-10 [ [ ] ] ] end "},
        {BYTES("[\"\xff\x7f\",\"\\ud83d\"]"), "[ s:\xff\x7f s:\\ud83d ] end "},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        expect_tokens(rows[i].text, rows[i].length, false, rows[i].tokens);
        expect_tokens(rows[i].text, rows[i].length, true, rows[i].tokens);
    }
}

static const struct {
    const char *text;
    size_t length;
} no_json[] = {
    {BYTES("")},
    {BYTES(" ")},
    {BYTES("\xEF\xBB\xBF")},
    {BYTES("\xEF\xBB\xBF\xEF\xBB\xBF{}")},
    {BYTES(" \xEF\xBB\xBF{}")},
    {BYTES("\xFE\xFF{}")},
    {BYTES("\v{}")},
    {BYTES("{}\f")},
    {BYTES("{}\xc2\xa0")},
    {BYTES("{}\0")},
    {BYTES("\0{}")},
    {BYTES("{\0}")},
    {BYTES("{\"a\0\":1}")},
    {BYTES("{\"a\":\"\0\"}")},
    {BYTES("{\"a\":1\0}")},
    {BYTES("{}{}")},
    {BYTES("{},")},
    {BYTES("{}}")},
    {BYTES("{} // x")},
    {BYTES("[1]2")},
    {BYTES("{")},
    {BYTES("[1")},
    {BYTES("}")},
    {BYTES("]")},
    {BYTES("[}")},
    {BYTES("{]")},
    {BYTES("{\"a\":1]")},
    {BYTES("[1}")},
    {BYTES("{,}")},
    {BYTES("{\"a\":1,}")},
    {BYTES("{\"a\":1,,\"b\":2}")},
    {BYTES("[1,]")},
    {BYTES("[,1]")},
    {BYTES("[1 2]")},
    {BYTES("[1:2]")},
    {BYTES("{\"a\"}")},
    {BYTES("{\"a\",1}")},
    {BYTES("{\"a\":}")},
    {BYTES("{\"a\"::1}")},
    {BYTES("{\"a\" 1}")},
    {BYTES("{\"a\":1 \"b\":2}")},
    {BYTES("{a:1}")},
    {BYTES("{'a':1}")},
    {BYTES("{1:1}")},
    {BYTES("{true:1}")},
    {BYTES("[True]")},
    {BYTES("[tru]")},
    {BYTES("[truee]")},
    {BYTES("[nul]")},
    {BYTES("[nil]")},
    {BYTES("[NaN]")},
    {BYTES("[nan]")},
    {BYTES("[Infinity]")},
    {BYTES("[-inf]")},
    {BYTES("[-Infinity]")},
    {BYTES("[01]")},
    {BYTES("[00]")},
    {BYTES("[-01]")},
    {BYTES("[+1]")},
    {BYTES("[-]")},
    {BYTES("[--1]")},
    {BYTES("[.5]")},
    {BYTES("[1.]")},
    {BYTES("[1.e3]")},
    {BYTES("[1e]")},
    {BYTES("[1e+]")},
    {BYTES("[1e1.5]")},
    {BYTES("[1.5.5]")},
    {BYTES("[1,5.]")},
    {BYTES("[0x10]")},
    {BYTES("[1f]")},
    {BYTES("[1_000]")},
    {BYTES("[\"a]")},
    {BYTES("[\"\\\"]")},
    {BYTES("[\"\\x41\"]")},
    {BYTES("[\"\\U0041\"]")},
    {BYTES("[\"\\'\"]")},
    {BYTES("[\"\\\0\"]")},
    {BYTES("[\"\\u\"]")},
    {BYTES("[\"\\u004\"]")},
    {BYTES("[\"\\u00g1\"]")},
    {BYTES("[\"\\u+041\"]")},
    {BYTES("[\"\t\"]")},
    {BYTES("[\"\n\"]")},
    {BYTES("[\"\x1f\"]")},
};

static void takes_nothing_that_is_no_json(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(no_json); i++) {
        if (is_json(no_json[i].text, no_json[i].length, false) ||
            is_json(no_json[i].text, no_json[i].length, true))
            fail_msg("taken: %s", no_json[i].text);
    }
}

static void goes_32_deep(void **state)
{
    size_t depth;

    (void)state;
    for (depth = 30; depth < 40; depth++) {
        char lists[100];
        char objects[300] = "";
        size_t i;

        memset(lists, '[', depth);
        memset(lists + depth, ']', depth);
        for (i = 0; i < depth; i++)
            memcpy(objects + 5 * i, "{\"a\":", 6);
        objects[5 * depth] = '1';
        memset(objects + 5 * depth + 1, '}', depth);
        assert_int_equal(is_json(lists, 2 * depth, false), depth <= 32);
        assert_int_equal(is_json(objects, 6 * depth + 1, false), depth <= 32);
    }
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *flaw;
    } rows[] = {
        {BYTES("{\"a\":1"), "it ends too early"},
        {BYTES("{\"a\":1\0}"), "it has a NUL"},
        {BYTES("{} x"), "there is text behind it"},
        {BYTES("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), "it is nested too deep"},
        {BYTES("{\"a\":012}"), "a number is not written as in JSON"},
        {BYTES("{\"a\":NaN}"), "a value is not written as in JSON"},
        {BYTES("{\"a\":,}"), "a value is missing"},
        {BYTES("{1}"), "a key is missing"},
        {BYTES("{\"a\"=1}"), "a colon is missing"},
        {BYTES("{\"a\":1;"), "a comma or its end is missing"},
        {BYTES("[\"\\q\"]"), "a string has a bad escape"},
        {BYTES("[\"\n\"]"), "a string has a control character"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_text text = {rows[i].text, rows[i].text + rows[i].length};
        struct nd_json json;

        nd_json_start(&json, text, false);
        while (nd_json_next(&json) != ND_JSON_ERROR)
            ;
        assert_string_equal(json.flaw, rows[i].flaw);
    }
}

/* Each beginning of a text: an error, and never a look past its end. */
static void stops_where_the_text_is_cut(void **state)
{
    static const char json[] =
        "\xEF\xBB\xBF { \"a\\u0062\" : [-1.5e+10, true,false , null],"
        "\"x\\\"\":\"\\\\\"\r\n\t\"c\" \t: {} } \n";
    size_t length;

    (void)state;
    for (length = 0; length < sizeof json; length++)
        assert_int_equal(is_json(json, length, true),
                         length >= sizeof json - 3);
}

static void skips_whole_values(void **state)
{
    static const char *const values[] = {
        "1", "\"}\"", "null", "{}", "[]", "[[],{}]", "{\"a\":{\"b\":[1]}}"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(values); i++) {
        char text[100];
        struct nd_json json;

        (void)snprintf(text, sizeof text, "[%s,true]", values[i]);
        nd_json_start(&json, text_of(text), false);
        assert_int_equal(nd_json_next(&json), ND_JSON_ARRAY);
        assert_true(nd_json_skip(&json, nd_json_next(&json)));
        assert_int_equal(nd_json_next(&json), ND_JSON_TRUE);
        nd_json_start(&json, text_of("[[[1,2"), false);
        assert_false(nd_json_skip(&json, nd_json_next(&json)));
        assert_false(nd_json_skip(&json, ND_JSON_ERROR));
    }
}

/* ----- the repair ----- */

/* The document's own sample of a success, as it stands there. */
static void mends_the_documents_sample(void **state)
{
    static const char tokens[] =
        "{ k:status s:OK k:reason n:1 k:accountID n:1 k:server s:online "
        "k:inboxID n:10 k:whatsapp_number s:972501234567 } end ";

    (void)state;
    expect_tokens(BYTES("{\n"
                        "\"status\": \"OK\",\n"
                        "\"reason\": 1\n"
                        "\"accountID\": 1,\n"
                        "\"server\": \"online\",\n"
                        "\"inboxID\": 10,\n"
                        "\"whatsapp_number\": \"972501234567\"\n"
                        "}"),
                  true, tokens);
    expect_tokens(BYTES("{\r\n"
                        "\"status\": \"OK\"\r\n"
                        "\"reason\": 1 \t\r\n"
                        " \"accountID\": 1,\r\n"
                        "\"server\": \"online\"\r\n"
                        "\t\"inboxID\" : 10,\r\n"
                        "\"whatsapp_number\"\n:\n\"972501234567\"\r\n"
                        "}"),
                  true, tokens);
}

static void supplies_the_comma_after_each_kind_of_value(void **state)
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
            char text[100];
            size_t length = (size_t)snprintf(
                text, sizeof text, "{\"a\":%s%s\"b\" :2}", values[i], ends[j]);

            assert_true(is_json(text, length, true));
            assert_false(is_json(text, length, false));
        }
    }
}

static void mends_nothing_else(void **state)
{
    static const char *const texts[] = {
        "{\"a\":1 \"b\":2}", /* on one line */
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
        "[1\n2]", /* between values of an array */
        "[\"a\"\n\"b\"]",
        "[\"a\"\n\"b\":1]",
        "[{}\n\"b\":1]",
        "{\"a\":\n\"b\":2}", /* no value before */
        "{\"a\":1,\n}",      /* a comma too many */
        "{\"a\":1,\n,\"b\":2}",
        "{\"a\":1;\n\"b\":2}",
        "{\"a\":'x'\n\"b\":2}",
        "{\"a\":\"x\n\\\"b\\\":\"}", /* within a string */
        "{\"a\":1 // x\n\"b\":2}",
        "{}\n\"b\":1", /* outside of the object */
        "1\n\"b\":1",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++) {
        if (is_json(texts[i], strlen(texts[i]), true))
            fail_msg("mended: %s", texts[i]);
    }
}

/* ----- strings ----- */

static void reads_each_character_of_a_string(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        long codes[8]; /* up to -1 */
    } rows[] = {
        {BYTES(""), {-1}},
        {BYTES("aZ \xff\x7f"), {'a', 'Z', ' ', 0xff, 0x7f, -1}},
        {BYTES("\0"), {0, -1}},
        {BYTES("\\\"\\\\\\/"), {'"', '\\', '/', -1}},
        {BYTES("\\b\\f\\n\\r\\t"), {'\b', '\f', '\n', '\r', '\t', -1}},
        {BYTES("\\u0041\\u005c\\u00fF"), {'A', '\\', 0xff, -1}},
        {BYTES("\\u20ACx"), {0x20ac, 'x', -1}},
        {BYTES("\\u0000"), {0, -1}},
        /* What is no escape is taken as it stands. */
        {BYTES("\\"), {'\\', -1}},
        {BYTES("\\x"), {'\\', 'x', -1}},
        {BYTES("\\\0"), {'\\', 0, -1}},
        {BYTES("\\u"), {'\\', 'u', -1}},
        {BYTES("\\u004"), {'\\', 'u', '0', '0', '4', -1}},
        {BYTES("\\u00g1"), {'\\', 'u', '0', '0', 'g', '1', -1}},
        {BYTES("\\u+041"), {'\\', 'u', '+', '0', '4', '1', -1}},
        {BYTES("\\U0041"), {'\\', 'U', '0', '0', '4', '1', -1}},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        char *copy = copy_of(rows[i].text, rows[i].length);
        struct nd_text text = {copy, copy + rows[i].length};
        const long *code = rows[i].codes;

        for (; *code >= 0; code++)
            assert_int_equal(nd_json_char(&text), *code);
        assert_true(nd_json_char(&text) < 0);
        assert_true(nd_json_char(&text) < 0);
        assert_ptr_equal(text.at, text.end);
        free(copy);
    }
}

static void compares_what_strings_say(void **state)
{
    static const char *const same[] = {
        "status", "\\u0073tatus", "statu\\u0073",
        "\\u0073\\u0074\\u0061\\u0074\\u0075\\u0073"};
    static const char *const other[] = {
        "",          "statu",          "statuss",       "\\u0073tatu",
        "status\\n", "\\\\u0073tatus", "status\\u0000", "\\u0173tatus"};
    static const char *const cases[] = {"STATUS", "Status", "\\u0053tatus"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(same); i++) {
        assert_true(nd_json_is(text_of(same[i]), "status"));
        assert_true(nd_json_is_word(text_of(same[i]), "status"));
    }
    for (i = 0; i < COUNT(other); i++) {
        assert_false(nd_json_is(text_of(other[i]), "status"));
        assert_false(nd_json_is_word(text_of(other[i]), "status"));
    }
    for (i = 0; i < COUNT(cases); i++) {
        assert_false(nd_json_is(text_of(cases[i]), "status"));
        assert_true(nd_json_is_word(text_of(cases[i]), "StAtUs"));
    }
    /* U+0130 and U+212A, which some languages take for an I and a K. */
    assert_false(nd_json_is_word(text_of("\\u0130"), "i"));
    assert_false(nd_json_is_word(text_of("O\\u212a"), "ok"));
    assert_false(nd_json_is_word(text_of("O\xe2\x84\xaa"), "ok"));
}

static void says_what_strings_mean_in_utf_8(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"plain \xd7\x90 \xff", "plain \xd7\x90 \xff"},
        {"\\\"\\\\\\/\\n", "\"\\/\n"},
        {"\\u0041\\u00e9\\u05d0\\u20ac", "A\xc3\xa9\xd7\x90\xe2\x82\xac"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\\udbff\\udfff\\ud800\\udc00", "\xf4\x8f\xbf\xbf\xf0\x90\x80\x80"},
        /* lone surrogates */
        {"\\ud83d", "\xef\xbf\xbd"},
        {"\\ude00x", "\xef\xbf\xbdx"},
        {"\\ud83dx\\ude00", "\xef\xbf\xbdx\xef\xbf\xbd"},
        {"\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\\ud83d\\n", "\xef\xbf\xbd\n"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        size_t length = strlen(rows[i][0]);
        char *copy = copy_of(rows[i][0], length);
        char *meant = copy_of(rows[i][0], length);
        struct nd_text text = {copy, copy + length};
        size_t size = nd_json_unescape(meant, text);

        assert_int_equal(size, strlen(rows[i][1]));
        assert_memory_equal(meant, rows[i][1], size);
        free(meant);
        free(copy);
    }
}

/* ----- numbers ----- */

static void tells_whole_numbers_exactly(void **state)
{
    static const struct {
        const char *text;
        uint64_t whole;
    } rows[] = {
        {"0", 0},
        {"0.0", 0},
        {"0e999999999999999999999", 0},
        {"1", 1},
        {"10", 10},
        {"1e1", 10},
        {"1E+1", 10},
        {"10.0", 10},
        {"100e-1", 10},
        {"1000.00e-2", 10},
        {"0.1e2", 10},
        {"0.0000000000000000000000001e26", 10},
        {"9007199254740993", 9007199254740993},
        {"9007199254740993.0", 9007199254740993},
        {"9.007199254740993e15", 9007199254740993},
        {"999999999999999999", 999999999999999999},
        {"99999999999999999.9e1", 999999999999999999},
        {"1e17", 100000000000000000},
    };
    static const char *const others[] = {
        "-1",
        "-0",
        "1.5",
        "10.5",
        "1e-1",
        "15e-1",
        "10.00000000000000000000000000001",
        "1e18",
        "1000000000000000000",
        "9999999999999999999999",
        "1e999999999999999999999",
        "1e-999999999999999999999",
        "1000000000000000000.0",
        "100000000000000000000e-1",
    };
    uint64_t whole;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        if (!nd_json_whole(text_of(rows[i].text), &whole) ||
            whole != rows[i].whole)
            fail_msg("%s is not %llu", rows[i].text,
                     (unsigned long long)whole);
    }
    for (i = 0; i < COUNT(others); i++) {
        if (nd_json_whole(text_of(others[i]), &whole))
            fail_msg("%s is %llu", others[i], (unsigned long long)whole);
    }
}

static void reads_numbers_as_strtod_does_in_the_c_locale(void **state)
{
    static const char *const numbers[] = {
        "1",
        "-1e5",
        "1.5",
        "0.5",
        "-0.05",
        "0.0",
        "-0.0",
        "10.50",
        "1e23",
        "1.5e3",
        "0.1",
        "1.25e-3",
        "0.50e1",
        "100.1",
        "1e999",
        "4.9e-324",
        "123456789012345678901234567890.123456789012345678901234567890e-7",
        "179769313486231570000000000000000000000.0e270"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(numbers); i++) {
        double value;

        assert_true(nd_json_double(text_of(numbers[i]), &value));
        assert_true(value == strtod(numbers[i], NULL));
    }
}

static void tells_what_only_seems_whole(void **state)
{
    static const struct {
        const char *text;
        bool seems_whole;
    } rows[] = {
        {"10", false},
        {"10.0", false},
        {"1e1", false},
        {"100e-1", false},
        {"-10", false},
        {"-0.0", false},
        {"0.00e-7", false},
        {"1e999", false},
        {"123456789012345678901234567890", false},
        {"1.5e1", false},
        {"1.5", false},
        {"0.1", false},
        {"4.9e-324", false},
        {"2251799813685248.5", false},
        {"9.99999999999999999999", true},
        {"10.0000000000000001", true},
        {"-10.0000000000000001", true},
        {"999999999999999999999e-20", true},
        {"1e-400", true},
        {"9007199254740992.5", true},
        {"100000000000000000000.1", true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_text text = text_of(rows[i].text);
        double value;

        assert_true(nd_json_double(text, &value));
        if (nd_json_seems_whole(text, value) != rows[i].seems_whole)
            fail_msg("%s", rows[i].text);
    }
}

/* ----- for other readers ----- */

static void respells_what_others_read_otherwise(void **state)
{
    static const char *const rows[][2] = {
        {"\xEF\xBB\xBF { } ", "{}"},
        {"[1,2,[],{}]", "[1 ,2 ,[] ,{}]"},
        {"{\"a\":1\n\"b\":[true,false,null]}",
         "{\"a\":1 ,\"b\":[true ,false ,null]}"},
        {"[1.5,0.5,-0.05,0.0,-0.0]", "[15e-1 ,5e-1 ,-5e-2 ,0e-1 ,-0e-1]"},
        {"[1.5e3,1.5E+3,1.25e-3,10.50]", "[15e2 ,15e2 ,125e-5 ,1050e-2]"},
        {"[-1e5,100,0.00e-7]", "[-1e5 ,100 ,0e-9]"},
        {"[9.99999999999999999999]", "[\"9.99999999999999999999\"]"},
        {"[\"a\\\"\\u0041\xff\"]", "[\"a\\\"\\u0041\xff\"]"},
        {"[\"\\ud83d\\ude00\"]", "[\"\\ud83d\\ude00\"]"},
        {"[\"x\\ud83dx\"]", "[\"x\\ufffdx\"]"},
        {"[\"\\ude00\\ud83d\\ude00\"]", "[\"\\ufffd\\ud83d\\ude00\"]"},
        {"[\"\\uD83D\\u0041\"]", "[\"\\ufffd\\u0041\"]"},
        {"[\"\\\\ud83d\"]", "[\"\\\\ud83d\"]"},
        {"{\"\\ud83d\":\"\\\\\"}", "{\"\\ufffd\":\"\\\\\"}"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        size_t max;

        for (max = 0; max <= strlen(rows[i][1]); max++) {
            struct nd_buffer out;

            nd_buffer_init(&out, max);
            assert_int_equal(nd_json_respell(&out, text_of(rows[i][0])),
                             max == strlen(rows[i][1]));
            if (max == strlen(rows[i][1]))
                assert_string_equal(out.data, rows[i][1]);
            nd_buffer_free(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_each_token),
        cmocka_unit_test(takes_nothing_that_is_no_json),
        cmocka_unit_test(goes_32_deep),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(stops_where_the_text_is_cut),
        cmocka_unit_test(skips_whole_values),
        cmocka_unit_test(mends_the_documents_sample),
        cmocka_unit_test(supplies_the_comma_after_each_kind_of_value),
        cmocka_unit_test(mends_nothing_else),
        cmocka_unit_test(reads_each_character_of_a_string),
        cmocka_unit_test(compares_what_strings_say),
        cmocka_unit_test(says_what_strings_mean_in_utf_8),
        cmocka_unit_test(tells_whole_numbers_exactly),
        cmocka_unit_test(reads_numbers_as_strtod_does_in_the_c_locale),
        cmocka_unit_test(tells_what_only_seems_whole),
        cmocka_unit_test(respells_what_others_read_otherwise),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
