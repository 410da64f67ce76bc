#include "json_text.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct nd_text nd_json_trim(const char *text, size_t length)
{
    struct nd_text trimmed = {text, text + length};

    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        trimmed.at += 3;
    while (trimmed.at < trimmed.end && is_space(*trimmed.at))
        trimmed.at++;
    while (trimmed.at < trimmed.end && is_space(trimmed.end[-1]))
        trimmed.end--;
    return trimmed;
}

/* Moves from after an opening quote to after the closing one. */
static void skip_string(struct nd_text *text)
{
    const char *at = text->at;
    const char *end = text->end;

    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    text->at = at < end ? at + 1 : end;
}

/* ----- keys ----- */

/* string begins after its opening quote. */
static bool string_is(struct nd_text string, const char *plain)
{
    for (; *plain; plain++) {
        if (string.at < string.end && *string.at == '"')
            return false;
        if (nd_json_char(&string) != (unsigned char)*plain)
            return false;
    }
    return string.at < string.end && *string.at == '"';
}

static bool is_key(struct nd_text after_string)
{
    while (after_string.at < after_string.end && is_space(*after_string.at))
        after_string.at++;
    return after_string.at < after_string.end && *after_string.at == ':';
}

/* The bit of the key that a string is; 0 where it is none of them. */
static unsigned int key_bit(struct nd_text string, const char *const *keys)
{
    unsigned int bit = 1;

    for (; *keys; keys++, bit <<= 1) {
        if (string_is(string, *keys))
            return bit;
    }
    return 0;
}

unsigned int nd_json_keys_twice(struct nd_text text, int depth,
                                const char *const *keys)
{
    unsigned int seen = 0;
    unsigned int twice = 0;
    int level = 0;

    while (text.at < text.end) {
        char c = *text.at++;
        struct nd_text string;
        unsigned int bit;

        if (c == '{' || c == '[')
            level++;
        else if (c == '}' || c == ']')
            level--;
        if (c == '{' && level == depth)
            seen = 0;
        if (c != '"')
            continue;
        string = text;
        skip_string(&text);
        if (level != depth || !is_key(text))
            continue;
        bit = key_bit(string, keys);
        twice |= seen & bit;
        seen |= bit;
    }
    return twice;
}

/* ----- the repair ----- */

/* The last character of a string, number, literal, object or array. */
static bool ends_value(char c)
{
    return c == '"' || c == '}' || c == ']' || (c >= '0' && c <= '9') ||
           c == 'e' || c == 'l';
}

static void skip_blanks(struct nd_text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t'))
        text->at++;
}

/* text begins at a line's end; what follows is a key at the start of the
 * very next line. */
static bool key_on_next_line(struct nd_text text)
{
    skip_blanks(&text);
    if (text.at < text.end && *text.at == '\r')
        text.at++;
    if (text.at >= text.end || *text.at++ != '\n')
        return false;
    skip_blanks(&text);
    if (text.at >= text.end || *text.at++ != '"')
        return false;
    skip_string(&text);
    return is_key(text);
}

bool nd_json_add_commas(struct nd_buffer *out, struct nd_text text, bool *full)
{
    bool added = false;
    const char *kept = text.at; /* what is not in out yet begins here */

    while (text.at < text.end) {
        char c = *text.at++;

        if (c == '"')
            skip_string(&text);
        if (!ends_value(c) || !key_on_next_line(text))
            continue;
        *full = !nd_buffer_add(out, kept, (size_t)(text.at - kept)) ||
                !nd_buffer_add(out, ",", 1);
        if (*full)
            return false;
        kept = text.at;
        added = true;
    }
    *full = added && !nd_buffer_add(out, kept, (size_t)(text.end - kept));
    return added && !*full;
}
