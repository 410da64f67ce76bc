/* The values that a caller gives: what each type of key accepts.  Every
 * rule of the params and options in docs/reference.md is here. */
#ifndef ND_VALUE_H
#define ND_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define ND_ID_DIGITS 18
#define ND_LABEL_MAX 63
#define ND_TOKEN_MAX 8192
#define ND_TEXT_MAX 256
#define ND_URL_MAX 2048
#define ND_PATH_MAX 4096
#define ND_WHATSAPP_DIGITS 20

/* Doubles hold every integer below this one exactly. */
#define ND_EXACT_DOUBLE 9007199254740992.0

enum nd_type {
    ND_TYPE_ID,       /* 1 to 18 digits, above 0 */
    ND_TYPE_LABEL,    /* one DNS label */
    ND_TYPE_WHATSAPP, /* a WhatsApp number: digits */
    ND_TYPE_TOKEN,    /* a secret: printable ASCII without a space */
    ND_TYPE_URL,      /* where the service is */
    ND_TYPE_PROXY,    /* a proxy's URL, or "" */
    ND_TYPE_PATH,     /* a file that can be read */
    ND_TYPE_TEXT,     /* printable ASCII for a header */
    ND_TYPE_SECONDS,  /* a number in a range */
    ND_TYPE_NUMBER,   /* the same, of something else than seconds */
    ND_TYPE_COUNT,    /* an integer in a range */
    ND_TYPE_BOOLEAN,  /* true or false */
    ND_TYPE_FUNCTION  /* called by the Lua layer */
};

/* One key of a table of params or options. */
struct nd_field {
    const char *key;
    enum nd_type type;
    double min; /* SECONDS, NUMBER, COUNT; see open, too */
    double max;
    bool open; /* the value must be above min, not at it */
};

/* A value as the caller wrote it. */
struct nd_raw {
    enum {
        ND_RAW_NIL,
        ND_RAW_BOOLEAN,
        ND_RAW_INTEGER, /* of a VM that has integers */
        ND_RAW_FLOAT,
        ND_RAW_STRING,
        ND_RAW_FUNCTION,
        ND_RAW_OTHER
    } form;
    bool boolean;
    int64_t integer;
    double number;
    const char *text; /* belongs to the caller */
    size_t length;
    const char *type_name; /* of ND_RAW_OTHER, for the message */
};

/* A value that was found good.  text belongs to the caller. */
struct nd_value {
    bool set;
    bool boolean;
    uint64_t id;
    double number;
    const char *text;
    size_t length;
};

/* Checks raw against the field's rules.  On failure err names the key and
 * the rule, and never shows a secret. */
bool nd_value_check(struct nd_value *value, const struct nd_field *field,
                    const struct nd_raw *raw, struct nd_error *err);

/* Reads 1 to 18 digits without a leading zero, above 0. */
bool nd_parse_id(uint64_t *id, const char *text, size_t length);

/* The key that is nearest to what was written, and whether that is meant by
 * it as far as can be told; NULL where there are no keys. */
const char *nd_nearest_key(const char *written, const char *const *keys,
                           bool *is_near);

#endif
