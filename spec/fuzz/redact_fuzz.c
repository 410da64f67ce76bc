/* redact.c: the output shows no secret, however often and in whatever order
 * decoders of another kind, which go over the whole of it, decode it.
 *
 * The input is a secret, a line end, and a text in which the bytes 1 to 6
 * stand for the secret: as it is, in JSON's escapes, in JSON in JSON,
 * percent-encoded, HTML-escaped, and percent-encoded JSON. */
#include <ctype.h>

#include "../../src/core/redact.h"
#include "fuzz.h"

/* Longer inputs and texts say no more, and take long. */
#define INPUT_MAX 300
#define BUILT_MAX 300

/* ----- the text ----- */

typedef void encoder(struct nd_buffer *out, const char *text, size_t length);

static void add(struct nd_buffer *out, const char *bytes, size_t length)
{
    REQUIRE(nd_buffer_add(out, bytes, length));
}

static void as_it_is(struct nd_buffer *out, const char *text, size_t length)
{
    add(out, text, length);
}

/* Writes the escape of a character, as printf does. */
typedef int escaper(char *escape, size_t size, unsigned int c);

static int escape_json(char *escape, size_t size, unsigned int c)
{
    return snprintf(escape, size, "\\u%04x", c);
}

static int escape_url(char *escape, size_t size, unsigned int c)
{
    return snprintf(escape, size, "%%%02X", c);
}

static int escape_html(char *escape, size_t size, unsigned int c)
{
    return snprintf(escape, size, "&#x%x;", c);
}

/* Every other character is escaped, and those that must be. */
static void encode(struct nd_buffer *out, const char *text, size_t length,
                   escaper *write, const char *must)
{
    size_t i;

    for (i = 0; i < length; i++) {
        char escape[16];

        if (text[i] && !strchr(must, text[i]) && (i + length) % 2) {
            add(out, text + i, 1);
            continue;
        }
        (void)write(escape, sizeof escape, (unsigned char)text[i]);
        add(out, escape, strlen(escape));
    }
}

static void in_json(struct nd_buffer *out, const char *text, size_t length)
{
    encode(out, text, length, escape_json, "\"\\");
}

static void in_url(struct nd_buffer *out, const char *text, size_t length)
{
    encode(out, text, length, escape_url, "%\\&");
}

static void in_html(struct nd_buffer *out, const char *text, size_t length)
{
    encode(out, text, length, escape_html, "&");
}

static void add_secret(struct nd_buffer *out, const struct nd_buffer *secret,
                       char form)
{
    static encoder *const forms[][2] = {
        {as_it_is, as_it_is}, {in_json, as_it_is}, {in_json, in_json},
        {in_url, as_it_is},   {in_html, as_it_is}, {in_json, in_url}};
    struct nd_buffer once;

    nd_buffer_init(&once, (size_t)-1);
    add(&once, "", 0);
    forms[form - 1][0](&once, secret->data, secret->length);
    forms[form - 1][1](out, once.data, once.length);
    nd_buffer_free(&once);
}

/* The secret without what no token has, and without the characters of the
 * marker, which would be found in the marker itself. */
static size_t read_secret(struct nd_buffer *secret, const char *data,
                          size_t size)
{
    size_t i;

    for (i = 0; i < size && data[i] != '\n'; i++) {
        if (data[i] > ' ' && data[i] <= '~' && !strchr("[redacted]", data[i]))
            add(secret, data + i, 1);
    }
    return i < size ? i + 1 : size;
}

/* ----- other decoders ----- */

static int hex(const char *at, const char *end, int digits, unsigned *code)
{
    char text[8] = "";
    char *stop;

    if (end - at < digits)
        return 0;
    memcpy(text, at, (size_t)digits);
    if (strspn(text, "0123456789abcdefABCDEF") != (size_t)digits)
        return 0;
    *code = (unsigned)strtoul(text, &stop, 16);
    return 1;
}

/* How many bytes the escape at this place has, or 0; code: what it means. */
static size_t json_escape(const char *at, const char *end, unsigned *code)
{
    if (*at != '\\' || end - at < 2)
        return 0;
    if (at[1] == 'u')
        return hex(at + 2, end, 4, code) ? 6 : 0;
    *code = (unsigned char)at[1];
    return at[1] && strchr("\"\\/'", at[1]) ? 2 : 0;
}

static size_t url_escape(const char *at, const char *end, unsigned *code)
{
    return *at == '%' && hex(at + 1, end, 2, code) ? 3 : 0;
}

static size_t html_escape(const char *at, const char *end, unsigned *code)
{
    char text[9] = "";
    int length = 0;

    if (*at != '&')
        return 0;
    memcpy(text, at, (size_t)(end - at < 8 ? end - at : 8));
    if (sscanf(text, "&#x%5x;%n", code, &length) == 1 && length &&
        isxdigit((unsigned char)text[3]))
        return (size_t)length;
    if (sscanf(text, "&#%6u;%n", code, &length) == 1 && length &&
        isdigit((unsigned char)text[2]))
        return (size_t)length;
    *code = '&';
    return strncmp(text, "&amp;", 5) == 0 ? 5 : 0;
}

static size_t (*const escapes[])(const char *, const char *, unsigned *) = {
    json_escape, url_escape, html_escape};

/* The text ends within an escape, which says nothing. */
static int is_cut(const char *at, const char *end, size_t way)
{
    static const char *const begins[] = {"\\u", "%", "&#"};
    const char *begin = begins[way];
    size_t left = (size_t)(end - at);

    if (*at != *begin || left > 8)
        return 0;
    if (way == 2 && left < 5 && memcmp(at, "&amp;", left) == 0)
        return 1;
    while (at < end && *begin && *at == *begin) {
        at++;
        begin++;
    }
    if (way == 2 && at < end && *at == 'x')
        at++;
    while (at < end && !*begin && isxdigit((unsigned char)*at))
        at++;
    return at == end;
}

/* Decodes the whole text; 0 where that changes nothing. */
static int decode(struct nd_buffer *out, const struct nd_buffer *text,
                  size_t way)
{
    const char *at = text->data;
    const char *end = at + text->length;
    int changed = 0;

    REQUIRE(nd_buffer_reserve(out, text->length));
    while (at < end) {
        unsigned code = (unsigned char)*at;
        size_t length = escapes[way](at, end, &code);
        char c = (char)(code < 128 || !length ? code : 0x80);

        if (!length && is_cut(at, end, way))
            break;
        if (!length)
            c = *at;
        changed |= length > 0;
        out->data[out->length++] = c;
        at += length ? length : 1;
    }
    return changed;
}

/* ----- what must hold ----- */

static void check_lacks(const struct nd_buffer *text,
                        const struct nd_buffer *secret, int level)
{
    size_t i;

    for (i = 0; i + secret->length <= text->length; i++)
        REQUIRE(text->data[i] != *secret->data ||
                memcmp(text->data + i, secret->data, secret->length) != 0);
    for (i = 0; level < 3 && i < 3; i++) {
        struct nd_buffer decoded;

        nd_buffer_init(&decoded, (size_t)-1);
        if (decode(&decoded, text, i))
            check_lacks(&decoded, secret, level + 1);
        nd_buffer_free(&decoded);
    }
}

static void check_redact(const struct nd_buffer *text,
                         const struct nd_buffer *secret, size_t max)
{
    struct nd_secrets secrets = {.count = 0};
    char *copy = malloc(text->length ? text->length : 1);
    struct nd_buffer out;

    /* Of just its length, so that a look past its end is seen. */
    REQUIRE(copy != NULL);
    if (text->length)
        memcpy(copy, text->data, text->length);
    nd_secrets_add(&secrets, secret->data);
    nd_buffer_init(&out, max);
    REQUIRE(nd_redact(&out, copy, text->length, &secrets));
    REQUIRE(out.length <= max);
    if (secret->length && out.length)
        check_lacks(&out, secret, 0);
    nd_buffer_free(&out);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct nd_buffer secret;
    struct nd_buffer text;
    size_t i;

    if (size > INPUT_MAX)
        return 0;
    nd_buffer_init(&secret, size + 1);
    nd_buffer_init(&text, (size_t)-1);
    add(&secret, "", 0);
    add(&text, "", 0);
    i = read_secret(&secret, bytes, size);
    for (; i < size && text.length < BUILT_MAX; i++) {
        if (bytes[i] >= 1 && bytes[i] <= 6)
            add_secret(&text, &secret, bytes[i]);
        else
            add(&text, bytes + i, 1);
    }
    check_redact(&text, &secret, size % 2 ? size : 4096);
    nd_buffer_free(&text);
    nd_buffer_free(&secret);
    return 0;
}
