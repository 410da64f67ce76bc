/* json.c: what it hands out is the text itself, and what it spells anew says
 * the same. */
#include "../../src/core/json.h"
#include "fuzz.h"

/* ----- one pass over a text ----- */

struct pass {
    struct nd_buffer tokens; /* each with what it says */
    bool good;
};

static void add(struct nd_buffer *out, const char *bytes, size_t length)
{
    REQUIRE(nd_buffer_add(out, bytes, length));
}

static void add_kind(struct nd_buffer *out, enum nd_json_token token)
{
    char kind = (char)('A' + token);

    add(out, &kind, 1);
}

static void add_string(struct nd_buffer *out, struct nd_text string)
{
    size_t length = (size_t)(string.end - string.at);
    char *meant = malloc(length ? length : 1);
    size_t used;

    REQUIRE(meant != NULL);
    used = nd_json_unescape(meant, string);
    REQUIRE(used <= length);
    add(out, meant, used);
    free(meant);
}

static void add_number(struct nd_buffer *out, struct nd_text number)
{
    double value;
    uint64_t whole;

    REQUIRE(nd_json_double(number, &value));
    if (nd_json_whole(number, &whole))
        REQUIRE((double)whole == value &&
                whole < UINT64_C(1000000000000000000) &&
                !nd_json_seems_whole(number, value));
    if (nd_json_seems_whole(number, value)) { /* spelt anew it is a string */
        add_kind(out, ND_JSON_STRING);
        add_string(out, number);
    } else {
        add_kind(out, ND_JSON_NUMBER);
        add(out, (const char *)&value, sizeof value);
    }
}

/* Between tokens there is nothing but white space and what divides them. */
static void check_between(const char *from, const char *to)
{
    for (; from < to; from++)
        REQUIRE(strchr(" \t\r\n,:\"{}[]truefalsn", *from) != NULL && *from);
}

static void read_all(struct pass *pass, struct nd_text text, bool mends)
{
    struct nd_json json;
    enum nd_json_token token;
    int open = 0;

    nd_buffer_init(&pass->tokens, (size_t)-1);
    nd_json_start(&json, text, mends);
    REQUIRE(json.rest.at >= text.at && json.rest.at <= text.end);
    do {
        const char *before = json.rest.at;

        token = nd_json_next(&json);
        if (token != ND_JSON_NUMBER)
            add_kind(&pass->tokens, token);
        REQUIRE(json.rest.at >= before && json.rest.at <= text.end);
        open += token == ND_JSON_OBJECT || token == ND_JSON_ARRAY;
        open -= token == ND_JSON_OBJECT_END || token == ND_JSON_ARRAY_END;
        REQUIRE(open == json.depth && open <= ND_JSON_DEPTH_MAX);
        if (token == ND_JSON_KEY || token == ND_JSON_STRING) {
            REQUIRE(json.token.at > before && json.token.end < json.rest.at);
            check_between(before, json.token.at);
            add_string(&pass->tokens, json.token);
        } else if (token == ND_JSON_NUMBER) {
            REQUIRE(json.token.at < json.token.end);
            check_between(before, json.token.at);
            add_number(&pass->tokens, json.token);
        } else if (token != ND_JSON_ERROR) {
            check_between(before, json.rest.at);
        }
    } while (token != ND_JSON_ERROR && token != ND_JSON_END);
    pass->good = token == ND_JSON_END;
    REQUIRE(!pass->good || (open == 0 && json.rest.at == text.end));
    REQUIRE(nd_json_next(&json) == token);
}

static void free_pass(struct pass *pass)
{
    nd_buffer_free(&pass->tokens);
}

static bool is_same(const struct pass *one, const struct pass *other)
{
    return one->tokens.length == other->tokens.length &&
           memcmp(one->tokens.data, other->tokens.data, one->tokens.length) ==
               0;
}

/* ----- what must hold ----- */

static bool has_byte(struct nd_text text, char byte)
{
    return text.at < text.end &&
           memchr(text.at, byte, (size_t)(text.end - text.at)) != NULL;
}

/* Spelt anew, it is strict JSON of the same meaning, without what others may
 * read otherwise. */
static void check_respelt(struct nd_text text, const struct pass *mended)
{
    struct nd_buffer out;
    struct pass again;
    struct nd_text spelt;
    const char *c;

    nd_buffer_init(&out, (size_t)-1);
    REQUIRE(nd_json_respell(&out, text) == mended->good);
    if (mended->good) {
        spelt.at = out.data;
        spelt.end = out.data + out.length;
        read_all(&again, spelt, false);
        REQUIRE(is_same(mended, &again));
        free_pass(&again);
        for (c = out.data; c + 1 < spelt.end; c++)
            REQUIRE(!(*c >= '0' && *c <= '9' && c[1] == ',') ||
                    has_byte(spelt, '"'));
    }
    nd_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    struct nd_text text = {copy, copy + size};
    struct pass strict;
    struct pass mended;

    /* Of just its length, so that a look past its end is seen. */
    REQUIRE(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    read_all(&strict, text, false);
    read_all(&mended, text, true);
    if (strict.good)
        REQUIRE(is_same(&strict, &mended) && !has_byte(text, '\0'));
    if (mended.good && !strict.good)
        REQUIRE(has_byte(text, '\n'));
    check_respelt(text, &mended);
    free_pass(&strict);
    free_pass(&mended);
    free(copy);
    return 0;
}
