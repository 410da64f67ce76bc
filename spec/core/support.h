/* What the unit tests of the core share. */
#ifndef ND_SPEC_SUPPORT_H
#define ND_SPEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "../../src/core/error.h"
#include "../../src/core/value.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A string with its length, which may hold a NUL. */
#define BYTES(literal) literal, sizeof(literal) - 1

/* ----- values as a caller writes them ----- */

static inline struct nd_raw raw_of(const char *type_name)
{
    struct nd_raw raw = {.form = ND_RAW_OTHER};

    raw.type_name = type_name;
    return raw;
}

static inline struct nd_raw raw_bytes(const char *text, size_t length)
{
    struct nd_raw raw = raw_of("string");

    raw.form = ND_RAW_STRING;
    raw.text = text;
    raw.length = length;
    return raw;
}

static inline struct nd_raw raw_text(const char *text)
{
    return raw_bytes(text, strlen(text));
}

static inline struct nd_raw raw_integer(int64_t integer)
{
    struct nd_raw raw = raw_of("number");

    raw.form = ND_RAW_INTEGER;
    raw.integer = integer;
    raw.number = (double)integer;
    return raw;
}

static inline struct nd_raw raw_float(double number)
{
    struct nd_raw raw = raw_of("number");

    raw.form = ND_RAW_FLOAT;
    raw.number = number;
    return raw;
}

static inline struct nd_raw raw_boolean(bool boolean)
{
    struct nd_raw raw = raw_of("boolean");

    raw.form = ND_RAW_BOOLEAN;
    raw.boolean = boolean;
    return raw;
}

static inline struct nd_raw raw_function(void)
{
    struct nd_raw raw = raw_of("function");

    raw.form = ND_RAW_FUNCTION;
    return raw;
}

/* ----- values as they were found good ----- */

static inline struct nd_value text_value(const char *text)
{
    struct nd_value value = {.set = true};

    value.text = text;
    value.length = strlen(text);
    return value;
}

static inline struct nd_value number_value(double number)
{
    struct nd_value value = {.set = true};

    value.number = number;
    return value;
}

static inline struct nd_value id_value(uint64_t id)
{
    struct nd_value value = {.set = true};

    value.id = id;
    return value;
}

/* ----- errors ----- */

/* Anything but a sensible error, so that each field must be set. */
static inline struct nd_error junk_error(void)
{
    struct nd_error err;

    memset(&err, 0x5a, sizeof err);
    return err;
}

static inline void assert_contains(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("\"%s\" does not contain \"%s\"", text, wanted);
}

static inline void assert_lacks(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted))
        fail_msg("\"%s\" contains \"%s\"", text, unwanted);
}

/* A bad argument of this name, whose message is one line and names key. */
static inline void assert_bad_argument(const struct nd_error *err,
                                       const char *name, const char *key)
{
    assert_int_equal(err->kind, ND_KIND_ARGUMENT);
    assert_int_equal(err->outcome, ND_NOT_SENT);
    assert_string_equal(err->name, name);
    assert_false(err->retryable);
    assert_int_equal(err->reason, ND_UNSET);
    assert_int_equal(err->http_status, ND_UNSET);
    assert_int_equal(err->curl_code, ND_UNSET);
    assert_true(err->retry_after == ND_UNSET);
    assert_contains(err->message, key);
    assert_lacks(err->message, "\n");
    assert_lacks(err->message, "\r");
}

#endif
