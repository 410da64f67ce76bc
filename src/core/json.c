#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "value.h"

/* ----- the text ----- */

void nd_json_start(struct nd_json *json, struct nd_text text, bool mends)
{
    if (text.end - text.at >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0)
        text.at += 3;
    json->rest = text;
    json->token.at = json->token.end = text.at;
    json->escaped = false;
    json->mends = mends;
    json->flaw = "";
    json->depth = 0;
    json->arrays = 0;
    json->wants = ND_JSON_WANTS_VALUE;
}

/* The next character, or a NUL at the end, which is no JSON either. */
static char peek(const struct nd_json *json)
{
    return (char)(json->rest.at < json->rest.end ? *json->rest.at : '\0');
}

static void skip_space(struct nd_json *json)
{
    const char *at = json->rest.at;

    while (at < json->rest.end &&
           (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    json->rest.at = at;
}

/* Nothing more is read.  flaw: what is wrong where the text goes on. */
static enum nd_json_token fail(struct nd_json *json, const char *flaw)
{
    json->flaw = json->rest.at == json->rest.end ? "it ends too early"
                 : !*json->rest.at               ? "it has a NUL"
                                                 : flaw;
    json->wants = ND_JSON_FAILED;
    return ND_JSON_ERROR;
}

static bool in_array(const struct nd_json *json)
{
    return json->depth && (json->arrays >> (json->depth - 1) & 1);
}

/* ----- values ----- */

static enum nd_json_token open_container(struct nd_json *json,
                                         enum nd_json_token token)
{
    uint32_t bit;

    if (json->depth == ND_JSON_DEPTH_MAX)
        return fail(json, "it is nested too deep");
    bit = UINT32_C(1) << json->depth++;
    if (token == ND_JSON_ARRAY)
        json->arrays |= bit;
    else
        json->arrays &= ~bit;
    json->rest.at++;
    json->wants = ND_JSON_WANTS_FIRST;
    return token;
}

static enum nd_json_token close_container(struct nd_json *json)
{
    bool array = in_array(json);

    if (peek(json) != (array ? ']' : '}'))
        return fail(json, "a comma or its end is missing");
    json->rest.at++;
    json->depth--;
    json->wants = ND_JSON_WANTS_NEXT;
    return array ? ND_JSON_ARRAY_END : ND_JSON_OBJECT_END;
}

/* Moves past an escape, whose backslash is next. */
static bool skip_escape(struct nd_json *json)
{
    int digits = 0;

    json->rest.at++;
    if (peek(json) != 'u') {
        if (!peek(json) || !strchr("\"\\/bfnrt", peek(json)))
            return false;
        json->rest.at++;
        return true;
    }
    do {
        json->rest.at++;
    } while (nd_hex_value(peek(json)) >= 0 && ++digits < 4);
    if (digits < 4)
        return false;
    json->rest.at++;
    return true;
}

/* Moves past what a string has as it is. */
static void skip_plain(struct nd_json *json)
{
    const char *end = json->rest.end;
    const char *at = json->rest.at;

    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' ')
        at++;
    json->rest.at = at;
}

/* Reads a string, whose opening quote is next. */
static bool read_string(struct nd_json *json)
{
    json->token.at = ++json->rest.at;
    json->escaped = false;
    for (;;) {
        skip_plain(json);
        if (peek(json) == '"')
            break;
        if (peek(json) != '\\')
            return fail(json, "a string has a control character");
        json->escaped = true;
        if (!skip_escape(json))
            return fail(json, "a string has a bad escape");
    }
    json->token.end = json->rest.at++;
    return true;
}

static enum nd_json_token read_key(struct nd_json *json)
{
    if (peek(json) != '"')
        return fail(json, "a key is missing");
    if (!read_string(json))
        return ND_JSON_ERROR;
    skip_space(json);
    if (peek(json) != ':')
        return fail(json, "a colon is missing");
    json->rest.at++;
    json->wants = ND_JSON_WANTS_VALUE;
    return ND_JSON_KEY;
}

static bool skip_digits(struct nd_json *json)
{
    const char *first = json->rest.at;

    while (nd_is_digit(peek(json)))
        json->rest.at++;
    return json->rest.at > first;
}

/* What numbers have, of JSON or of other languages. */
static bool is_of_number(char c)
{
    return nd_is_digit(c) || c == '.' || c == '+' || c == '-';
}

static bool skip_number(struct nd_json *json)
{
    if (peek(json) == '-')
        json->rest.at++;
    if (peek(json) == '0')
        json->rest.at++;
    else if (!skip_digits(json))
        return false;
    if (peek(json) == '.') {
        json->rest.at++;
        if (!skip_digits(json))
            return false;
    }
    if (nd_to_lower(peek(json)) == 'e') {
        json->rest.at++;
        if (peek(json) == '+' || peek(json) == '-')
            json->rest.at++;
        if (!skip_digits(json))
            return false;
    }
    return !is_of_number(peek(json)) && !nd_is_letter(peek(json));
}

static enum nd_json_token read_number(struct nd_json *json)
{
    json->token.at = json->rest.at;
    if (!skip_number(json))
        return fail(json, "a number is not written as in JSON");
    json->token.end = json->rest.at;
    json->wants = ND_JSON_WANTS_NEXT;
    return ND_JSON_NUMBER;
}

static enum nd_json_token read_literal(struct nd_json *json, const char *word,
                                       enum nd_json_token token)
{
    size_t length = strlen(word);

    if ((size_t)(json->rest.end - json->rest.at) < length ||
        memcmp(json->rest.at, word, length) != 0)
        return fail(json, "a value is not written as in JSON");
    json->rest.at += length;
    json->wants = ND_JSON_WANTS_NEXT;
    return token;
}

static enum nd_json_token read_value(struct nd_json *json)
{
    switch (peek(json)) {
    case '"':
        if (!read_string(json))
            return ND_JSON_ERROR;
        json->wants = ND_JSON_WANTS_NEXT;
        return ND_JSON_STRING;
    case '{':
        return open_container(json, ND_JSON_OBJECT);
    case '[':
        return open_container(json, ND_JSON_ARRAY);
    case 't':
        return read_literal(json, "true", ND_JSON_TRUE);
    case 'f':
        return read_literal(json, "false", ND_JSON_FALSE);
    case 'n':
        return read_literal(json, "null", ND_JSON_NULL);
    default:
        if (is_of_number(peek(json)))
            return read_number(json);
        return fail(json, nd_is_letter(peek(json))
                              ? "a value is not written as in JSON"
                              : "a value is missing");
    }
}

/* ----- what is between them ----- */

/* The white space is the end of one line and the beginning of the next. */
static bool is_line_end(const char *at, const char *end)
{
    while (at < end && nd_is_blank(*at))
        at++;
    if (at < end && *at == '\r')
        at++;
    if (at == end || *at++ != '\n')
        return false;
    while (at < end && nd_is_blank(*at))
        at++;
    return at == end;
}

/* behind: where the value ends. */
static enum nd_json_token read_next(struct nd_json *json, const char *behind)
{
    if (json->depth == 0) {
        if (json->rest.at == json->rest.end)
            return ND_JSON_END;
        return fail(json, "there is text behind it");
    }
    if (peek(json) == ',') {
        json->rest.at++;
        skip_space(json);
        return in_array(json) ? read_value(json) : read_key(json);
    }
    if (json->mends && peek(json) == '"' && !in_array(json) &&
        is_line_end(behind, json->rest.at))
        return read_key(json);
    return close_container(json);
}

enum nd_json_token nd_json_next(struct nd_json *json)
{
    const char *behind = json->rest.at;

    skip_space(json);
    switch (json->wants) {
    case ND_JSON_WANTS_VALUE:
        return read_value(json);
    case ND_JSON_WANTS_FIRST:
        if (peek(json) == (in_array(json) ? ']' : '}'))
            return close_container(json);
        return in_array(json) ? read_value(json) : read_key(json);
    case ND_JSON_WANTS_NEXT:
        return read_next(json, behind);
    default:
        return ND_JSON_ERROR;
    }
}

bool nd_json_skip(struct nd_json *json, enum nd_json_token first)
{
    enum nd_json_token token = first;
    int depth = json->depth;

    if (first == ND_JSON_OBJECT || first == ND_JSON_ARRAY) {
        while (token != ND_JSON_ERROR && json->depth >= depth)
            token = nd_json_next(json);
    }
    return token != ND_JSON_ERROR;
}

/* ----- strings ----- */

/* The four digits of \uXXXX, or a negative number. */
static long hex_code(const char *digits)
{
    long code = 0;
    int i;

    for (i = 0; i < 4; i++) {
        int value = nd_hex_value(digits[i]);

        if (value < 0)
            return -1;
        code = code * 16 + value;
    }
    return code;
}

long nd_json_char(struct nd_text *text)
{
    static const char escapes[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (text->at >= text->end)
        return -1;
    if (*text->at != '\\' || text->end - text->at < 2)
        return (unsigned char)*text->at++;
    if (text->at[1] == 'u' && text->end - text->at >= 6 &&
        hex_code(text->at + 2) >= 0) {
        text->at += 6;
        return hex_code(text->at - 4);
    }
    found = text->at[1] ? strchr(escapes, text->at[1]) : NULL;
    if (!found)
        return (unsigned char)*text->at++;
    text->at += 2;
    return meant[found - escapes];
}

bool nd_json_spells(struct nd_text string, const char *plain)
{
    while (*plain && nd_json_char(&string) == (unsigned char)*plain)
        plain++;
    return !*plain && string.at == string.end;
}

bool nd_json_is_word(struct nd_text string, const char *plain)
{
    for (; *plain; plain++) {
        long c = nd_json_char(&string);

        if (c < 0 || c > 127 || nd_to_lower((char)c) != nd_to_lower(*plain))
            return false;
    }
    return string.at == string.end;
}

#define REPLACEMENT 0xFFFD

/* Reads an escape: what it stands for, together with the escape behind it
 * where those are a pair. */
static unsigned long read_escape(struct nd_text *text)
{
    unsigned long high = (unsigned long)nd_json_char(text);
    struct nd_text next = *text;
    long low =
        next.at < next.end && *next.at == '\\' ? nd_json_char(&next) : 0;

    if (high < 0xD800 || high > 0xDFFF)
        return high;
    if (high > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
        return REPLACEMENT;
    *text = next;
    return 0x10000 + ((high - 0xD800) << 10) + ((unsigned long)low - 0xDC00);
}

static char *put_utf8(char *to, unsigned long point)
{
    size_t more = point < 0x80      ? 0
                  : point < 0x800   ? 1
                  : point < 0x10000 ? 2
                                    : 3;
    size_t i;

    for (i = more; i > 0; i--, point >>= 6)
        to[i] = (char)(0x80 | (point & 0x3F));
    *to = (char)(more ? (0xFF00u >> (more + 1) & 0xFF) | point : point);
    return to + more + 1;
}

size_t nd_json_unescape(char *to, struct nd_text string)
{
    char *end = to;

    while (string.at < string.end) {
        if (*string.at == '\\')
            end = put_utf8(end, read_escape(&string));
        else
            *end++ = *string.at++;
    }
    return (size_t)(end - to);
}

/* ----- numbers ----- */

/* Larger than any length of a text; so much smaller than an int64_t can be
 * that such can be added. */
#define EXPONENT_MAX (INT64_C(1) << 40)

/* What is behind the digits: "", or "e" and a number. */
static int64_t read_exponent(struct nd_text text)
{
    int64_t exponent = 0;
    bool negative;

    if (text.at == text.end)
        return 0;
    negative = *++text.at == '-';
    for (text.at += !nd_is_digit(*text.at); text.at < text.end; text.at++) {
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*text.at - '0');
    }
    return negative ? -exponent : exponent;
}

/* Where the digits and the point of a number without a sign end. */
static const char *digits_end(struct nd_text number)
{
    while (number.at < number.end &&
           (nd_is_digit(*number.at) || *number.at == '.'))
        number.at++;
    return number.at;
}

/* The power of ten that the digits, read without their point, are
 * multiplied with. */
static int64_t scale_of(struct nd_text number, const char *end)
{
    struct nd_text exponent = {end, number.end};
    const char *point = memchr(number.at, '.', (size_t)(end - number.at));

    return read_exponent(exponent) - (point ? end - point - 1 : 0);
}

/* The same of a number without sign, point and exponent. */
static bool plain_whole(struct nd_text number, uint64_t *whole)
{
    *whole = 0;
    if (number.end - number.at > ND_ID_DIGITS)
        return false;
    while (number.at < number.end && nd_is_digit(*number.at))
        *whole = *whole * 10 + (uint64_t)(*number.at++ - '0');
    return number.at == number.end;
}

/* Adds zeros to the digits of a number, as long as it can be an id; returns
 * how many are left. */
static int64_t add_zeros(uint64_t *whole, int *digits, int64_t zeros)
{
    for (; zeros > 0 && *digits < ND_ID_DIGITS; zeros--, ++*digits)
        *whole *= 10;
    return zeros;
}

/* Reads digits, passing over a point; the zeros that end them are counted
 * only.  False where they are too many for an id. */
static bool read_digits(struct nd_text text, uint64_t *whole, int *digits,
                        int64_t *zeros)
{
    for (; text.at < text.end; text.at++) {
        if (*text.at == '.')
            continue;
        if (*text.at == '0') {
            *zeros += *digits > 0;
            continue;
        }
        if (add_zeros(whole, digits, *zeros + 1) > 0)
            return false;
        *zeros = 0;
        *whole += (uint64_t)(*text.at - '0');
    }
    return true;
}

bool nd_json_whole(struct nd_text number, uint64_t *whole)
{
    struct nd_text text = {number.at, digits_end(number)};
    int64_t zeros = 0;
    int digits = 0;

    if (plain_whole(number, whole))
        return true;
    *whole = 0;
    if (*number.at == '-' || !read_digits(text, whole, &digits, &zeros))
        return false;
    return !digits ||
           add_zeros(whole, &digits, scale_of(number, text.end) + zeros) == 0;
}

/* Adds the number without a decimal point, 15e-1 for 1.5: strtod looks for
 * the locale's own point. */
static bool add_number(struct nd_buffer *out, struct nd_text number)
{
    const char *end;
    char exponent[32];

    if (!memchr(number.at, '.', (size_t)(number.end - number.at)))
        return nd_buffer_add(out, number.at, (size_t)(number.end - number.at));
    if (*number.at == '-' && !nd_buffer_add(out, number.at++, 1))
        return false;
    end = digits_end(number);
    (void)snprintf(exponent, sizeof exponent, "e%lld",
                   (long long)scale_of(number, end));
    /* JSON has no leading zeros. */
    while (number.at < end - 1 && (*number.at == '0' || *number.at == '.'))
        number.at++;
    for (; number.at < end; number.at++) {
        if (*number.at != '.' && !nd_buffer_add(out, number.at, 1))
            return false;
    }
    return nd_buffer_add_text(out, exponent);
}

bool nd_json_double(struct nd_text number, double *value)
{
    struct nd_buffer spelt;
    bool added;

    nd_buffer_init(&spelt, (size_t)-1);
    added = add_number(&spelt, number);
    if (added)
        *value = strtod(spelt.data, NULL);
    nd_buffer_free(&spelt);
    return added;
}

/* The number is a whole one as it is written, however large. */
static bool is_written_whole(struct nd_text number)
{
    const char *start = number.at + (*number.at == '-');
    const char *end = digits_end((struct nd_text){start, number.end});
    int64_t scale = scale_of((struct nd_text){start, number.end}, end);

    for (; end > start && (end[-1] == '0' || end[-1] == '.'); end--)
        scale += end[-1] == '0';
    return end == start || scale >= 0;
}

/* From 2^53 up all doubles are. */
static bool is_whole_double(double value)
{
    return value <= -ND_EXACT_DOUBLE || value >= ND_EXACT_DOUBLE ||
           (double)(int64_t)value == value;
}

bool nd_json_seems_whole(struct nd_text number, double value)
{
    return is_whole_double(value) && !is_written_whole(number);
}

/* ----- for other readers ----- */

/* Adds up to the next escape. */
static bool add_raw(struct nd_buffer *out, struct nd_text *text)
{
    const char *start = text->at;
    size_t left = (size_t)(text->end - start);
    const char *escape = memchr(start, '\\', left);

    text->at = escape ? escape : text->end;
    return nd_buffer_add(out, start, (size_t)(text->at - start));
}

/* Adds the string as it is spelt, but \ufffd for a lone surrogate. */
static bool add_string(struct nd_buffer *out, struct nd_text string)
{
    bool added = add_raw(out, &string);

    while (added && string.at < string.end) {
        const char *start = string.at;

        added = read_escape(&string) == REPLACEMENT
                    ? nd_buffer_add(out, "\\ufffd", 6)
                    : nd_buffer_add(out, start, (size_t)(string.at - start));
        added = added && add_raw(out, &string);
    }
    return added;
}

static bool add_quoted(struct nd_buffer *out, struct nd_text string)
{
    return nd_buffer_add(out, "\"", 1) && add_string(out, string) &&
           nd_buffer_add(out, "\"", 1);
}

/* Adds the number as what each reader takes for the same one. */
static bool add_exact(struct nd_buffer *out, struct nd_text number)
{
    double value;

    if (is_written_whole(number))
        return add_number(out, number);
    if (!nd_json_double(number, &value))
        return false;
    return nd_json_seems_whole(number, value) ? add_quoted(out, number)
                                              : add_number(out, number);
}

static bool add_token(struct nd_buffer *out, const struct nd_json *json,
                      enum nd_json_token token)
{
    static const char *const words[] = {
        [ND_JSON_OBJECT] = "{",  [ND_JSON_OBJECT_END] = "}",
        [ND_JSON_ARRAY] = "[",   [ND_JSON_ARRAY_END] = "]",
        [ND_JSON_TRUE] = "true", [ND_JSON_FALSE] = "false",
        [ND_JSON_NULL] = "null"};

    switch (token) {
    case ND_JSON_KEY:
        return add_quoted(out, json->token) && nd_buffer_add(out, ":", 1);
    case ND_JSON_STRING:
        return add_quoted(out, json->token);
    case ND_JSON_NUMBER:
        return add_exact(out, json->token);
    default:
        return nd_buffer_add_text(out, words[token]);
    }
}

bool nd_json_respell(struct nd_buffer *out, struct nd_text text)
{
    struct nd_json json;
    enum nd_json_token token;
    bool follows = false; /* a value that a comma divides from the next */

    nd_json_start(&json, text, true);
    while ((token = nd_json_next(&json)) > ND_JSON_END) {
        bool ends = token == ND_JSON_OBJECT_END || token == ND_JSON_ARRAY_END;

        /* strtod may take a comma right behind a number for its point. */
        if ((follows && !ends && !nd_buffer_add(out, " ,", 2)) ||
            !add_token(out, &json, token))
            return false;
        follows = token != ND_JSON_KEY && token != ND_JSON_OBJECT &&
                  token != ND_JSON_ARRAY;
    }
    return token == ND_JSON_END;
}
