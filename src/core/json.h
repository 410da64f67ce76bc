/* The one reader of JSON text, strict as RFC 8259: it hands out one token
 * after the other, and keeps nothing but its place in the text. */
#ifndef ND_JSON_H
#define ND_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buffer.h"

/* Deeper texts are not the service's. */
#define ND_JSON_DEPTH_MAX 32

struct nd_text {
    const char *at;
    const char *end;
};

enum nd_json_token {
    ND_JSON_ERROR, /* and from then on, always */
    ND_JSON_END,   /* of the text, with one value in it */
    ND_JSON_OBJECT,
    ND_JSON_OBJECT_END,
    ND_JSON_ARRAY,
    ND_JSON_ARRAY_END,
    ND_JSON_KEY,
    ND_JSON_STRING,
    ND_JSON_NUMBER,
    ND_JSON_TRUE,
    ND_JSON_FALSE,
    ND_JSON_NULL
};

struct nd_json {
    struct nd_text rest;  /* what is not read yet */
    struct nd_text token; /* a key or string without its quotes, a number */
    bool escaped;         /* the key or string has escapes */
    bool mends;           /* see nd_json_start */
    const char *flaw;     /* of ND_JSON_ERROR: what there is, in words */
    int depth;            /* how many objects and arrays are open */
    uint32_t arrays;      /* bit n: the one at depth n + 1 is an array */
    enum {
        ND_JSON_WANTS_VALUE,
        ND_JSON_WANTS_FIRST, /* the first key or value, or the end */
        ND_JSON_WANTS_NEXT,  /* a comma, or the end */
        ND_JSON_FAILED
    } wants;
};

/*
 * Begins to read.  A UTF-8 byte order mark and white space may be around the
 * value.  mends: where a comma is missing between a value at a line's end
 * and a key at the start of the next line, it is taken to be there; the
 * service's own document has such a sample.
 */
void nd_json_start(struct nd_json *json, struct nd_text text, bool mends);

enum nd_json_token nd_json_next(struct nd_json *json);

/* Moves behind the value whose first token this is; false where it is
 * none. */
bool nd_json_skip(struct nd_json *json, enum nd_json_token first);

/* ----- strings: the insides of well-formed ones ----- */

/* Reads one character, raw or escaped, and moves on.  The result is the byte
 * or the escaped code unit, or a negative number at the end.  What is no
 * escape is taken as it stands. */
long nd_json_char(struct nd_text *text);

/* What the string says is plain, in any spelling. */
bool nd_json_spells(struct nd_text string, const char *plain);

/* The same, fast where it begins otherwise: this is asked of every key, for
 * many words. */
static inline bool nd_json_is(struct nd_text string, const char *plain)
{
    size_t length = (size_t)(string.end - string.at);

    if (length && *string.at != *plain && *string.at != '\\')
        return false;
    return (strlen(plain) == length &&
            memcmp(string.at, plain, length) == 0) ||
           nd_json_spells(string, plain);
}

/* The same in upper or lower case. */
bool nd_json_is_word(struct nd_text string, const char *plain);

/* Writes what the string says, in UTF-8, with U+FFFD for a lone surrogate.
 * Needs at most the string's own length, and returns what it has used. */
size_t nd_json_unescape(char *to, struct nd_text string);

/* ----- numbers: well-formed ones, whatever the locale ----- */

/* The number is a whole one, from 0 up, of at most 18 digits. */
bool nd_json_whole(struct nd_text number, uint64_t *whole);

/* The double that is nearest to the number; false where memory is out. */
bool nd_json_double(struct nd_text number, double *value);

/* The number is no whole one, but its double is, as of 9.9999999999999999999:
 * whoever reads the double would take it for another number. */
bool nd_json_seems_whole(struct nd_text number, double value);

/* ----- for other readers ----- */

/*
 * Adds the text, spelt so that any reader of JSON reads it alike, in any
 * locale: with the commas that are missing, without lone surrogates, and
 * without decimal points; a number that seems whole becomes a string.  False
 * where out has no room, memory is out, or the text is not well-formed.
 */
bool nd_json_respell(struct nd_buffer *out, struct nd_text text);

#endif
