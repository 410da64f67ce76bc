/* What must hold of any text from outside, for clang's libFuzzer:
 *
 *     make fuzz
 *
 * The input is a secret, a line end, and a text in which the bytes 1 to 3
 * stand for the secret: as it is, in JSON's escapes, and in JSON in JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/error.h"
#include "../../src/core/json.h"
#include "../../src/core/redact.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct nd_buffer *out, const char *bytes, size_t length)
{
    REQUIRE(nd_buffer_add(out, bytes, length));
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

static void add_secret(struct nd_buffer *out, const char *secret, char form)
{
    static const char digits[] = "0123456789abcdef";

    if (form == 1) {
        add(out, secret, strlen(secret));
        return;
    }
    for (; *secret; secret++) {
        unsigned char c = (unsigned char)*secret;
        char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};

        if (form == 2) {
            add(out, escape, sizeof escape);
            continue;
        }
        if (c == '"' || c == '\\')
            add(out, "\\\\\\", 3);
        add(out, secret, 1);
    }
}

/* ----- what must hold ----- */

static int spells(struct nd_text text, const char *secret)
{
    while (*secret && nd_json_char(&text) == (unsigned char)*secret)
        secret++;
    return !*secret;
}

/* The secret is nowhere in the output, raw or escaped. */
static void check_redact(struct nd_text text, const char *secret, size_t max)
{
    struct nd_buffer out;
    size_t i;

    nd_buffer_init(&out, max);
    REQUIRE(nd_redact(&out, text.at, (size_t)(text.end - text.at), secret));
    REQUIRE(out.length <= max);
    for (i = 0; *secret && i < out.length; i++) {
        struct nd_text rest = {out.data + i, out.data + out.length};

        REQUIRE(strncmp(rest.at, secret, strlen(secret)) != 0);
        REQUIRE(!spells(rest, secret));
    }
    nd_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct nd_buffer secret;
    struct nd_buffer built;
    struct nd_text text;
    size_t i;

    nd_buffer_init(&secret, size + 1);
    nd_buffer_init(&built, 8 * (size + 1) * (size + 1));
    add(&secret, "", 0);
    for (i = read_secret(&secret, bytes, size); i < size; i++) {
        if (bytes[i] >= 1 && bytes[i] <= 3)
            add_secret(&built, secret.data, bytes[i]);
        else
            add(&built, bytes + i, 1);
    }
    /* Of just its length, so that a look past its end is seen. */
    text.at = malloc(built.length ? built.length : 1);
    REQUIRE(text.at != NULL);
    if (built.length)
        memcpy((void *)(uintptr_t)text.at, built.data, built.length);
    text.end = text.at + built.length;
    check_redact(text, secret.data, 4096);
    check_redact(text, secret.data, size);
    free((void *)(uintptr_t)text.at);
    nd_buffer_free(&built);
    nd_buffer_free(&secret);
    return 0;
}
