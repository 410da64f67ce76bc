#include "redact.h"

#include <string.h>
#include <strings.h>

#include "json_text.h"

static const char marker[] = "[redacted]";

/* A shorter beginning of a secret tells nothing. */
#define ND_TAIL_MIN 4

/* ----- the secret of the call ----- */

/* How much of text spells secret, or 0.  A text that ends within the
 * secret counts, as an answer may be cut there. */
static size_t spells_raw(struct nd_text text, const char *secret)
{
    size_t room = (size_t)(text.end - text.at);
    size_t length = strlen(secret);
    size_t shared = room < length ? room : length;

    if (shared < length && shared < ND_TAIL_MIN)
        return 0;
    return memcmp(text.at, secret, shared) == 0 ? shared : 0;
}

/* Reads one character of a text that is in JSON strings, however many are
 * in one another: each adds backslashes before what is escaped. */
static long nested_char(struct nd_text *text)
{
    struct nd_text at = *text;

    while (at.end - at.at >= 2 && at.at[0] == '\\' && at.at[1] == '\\')
        at.at++;
    if (at.at == text->at || at.end - at.at < 2)
        return nd_json_char(text);
    *text = at;
    return nd_json_char(text);
}

static size_t spells_escaped(struct nd_text text, const char *secret)
{
    const char *start = text.at;
    size_t matched;

    for (matched = 0; secret[matched]; matched++) {
        struct nd_text before = text;
        long c = nd_json_char(&text);

        if (c == (unsigned char)secret[matched])
            continue;
        /* An escape may be cut too: "\u00". */
        if (matched >= ND_TAIL_MIN && before.at < before.end &&
            *before.at == '\\' && before.end - before.at < 6)
            return (size_t)(text.end - start);
        if (c >= 0 || matched < ND_TAIL_MIN)
            return 0;
        break;
    }
    return (size_t)(text.at - start);
}

static size_t spells(struct nd_text text, const char *secret)
{
    size_t length;

    if (!secret || !*secret)
        return 0;
    length = spells_raw(text, secret);
    return length ? length : spells_escaped(text, secret);
}

/* ----- keys that are named like a secret ----- */

/* Any key that ends in one of these. */
static const char *const secret_names[] = {
    "token", "secret", "apikey", "api_key", "api-key", "password",
};

/* Moves past name in any case, raw or escaped; false where it is not
 * there. */
static bool skip_name(struct nd_text *text, const char *name)
{
    struct nd_text at = *text;

    for (; *name; name++) {
        long c = nd_json_char(&at);

        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        if (c != *name)
            return false;
    }
    *text = at;
    return true;
}

static void skip_any(struct nd_text *text, const char *set)
{
    while (text->at < text->end && *text->at && strchr(set, *text->at))
        text->at++;
}

static void skip_until(struct nd_text *text, const char *set)
{
    while (text->at < text->end && (!*text->at || !strchr(set, *text->at)))
        text->at++;
}

/* How many backslashes stand at text, which moves past them. */
static size_t skip_backslashes(struct nd_text *text)
{
    const char *start = text->at;

    skip_any(text, "\\");
    return (size_t)(text->at - start);
}

/*
 * Moves to the end of a string's inside.  JSON may stand in a JSON string,
 * where each quote has a backslash before it, and so on for deeper ones: a
 * quote closes the string where its backslashes are those that the opening
 * one had, after any number of escaped backslashes.
 */
static void skip_inside(struct nd_text *text, size_t opening)
{
    while (text->at < text->end) {
        size_t backslashes = skip_backslashes(text);

        if (text->at >= text->end)
            return;
        if (*text->at == '"' && backslashes % (2 * (opening + 1)) == opening) {
            text->at -= opening;
            return;
        }
        text->at++;
    }
}

/* Where a key named like a secret has its value: moves to the value's
 * first character and says how long it is; 0 where this is no such key. */
static size_t secret_value(struct nd_text *text)
{
    const size_t names = sizeof secret_names / sizeof *secret_names;
    struct nd_text at = *text;
    struct nd_text quote;
    size_t opening;
    size_t i = 0;

    while (i < names && !skip_name(&at, secret_names[i]))
        i++;
    skip_any(&at, "\\\"' \t\r\n");
    if (i == names || at.at >= at.end || (*at.at != ':' && *at.at != '='))
        return 0;
    at.at++;
    skip_any(&at, " \t\r\n");
    quote = at;
    opening = skip_backslashes(&quote);
    if (quote.at < quote.end && *quote.at == '"') {
        text->at = at.at = quote.at + 1;
        skip_inside(&at, opening);
    } else if (at.at < at.end && *at.at != '{' && *at.at != '[') {
        text->at = at.at;
        skip_until(&at, " \t\r\n,;&}]\"'\\<");
    } else {
        return 0;
    }
    return (size_t)(at.at - text->at);
}

/* ----- headers and URLs ----- */

/* The same for what follows "Bearer ". */
static size_t bearer_value(struct nd_text *text)
{
    struct nd_text at = *text;
    const char *value;

    if (!skip_name(&at, "bearer") || at.at >= at.end || *at.at != ' ')
        return 0;
    skip_any(&at, " ");
    value = at.at;
    skip_until(&at, " \t\r\n,;\"'<");
    text->at = value;
    return (size_t)(at.at - value);
}

/* The same for the user of a URL, "://user:password@". */
static size_t url_user(struct nd_text *text)
{
    struct nd_text at = *text;
    const char *value;

    if (at.end - at.at < 3 || memcmp(at.at, "://", 3) != 0)
        return 0;
    at.at += 3;
    value = at.at;
    skip_until(&at, "@/?# \t\r\n\"'<");
    if (at.at >= at.end || *at.at != '@')
        return 0;
    text->at = value;
    return (size_t)(at.at - value);
}

/* ----- the whole text ----- */

/* Where a secret begins at or shortly after text: moves to it, and says how
 * long it is. */
static size_t secret_length(struct nd_text *text, const char *secret)
{
    size_t length = spells(*text, secret);

    if (!length)
        length = secret_value(text);
    if (!length)
        length = bearer_value(text);
    if (!length)
        length = url_user(text);
    return length;
}

/* Adds as much as fits; false where memory is out. */
static bool add_fitting(struct nd_buffer *out, const char *bytes,
                        size_t length)
{
    size_t room = out->max - out->length;

    return nd_buffer_add(out, bytes, length < room ? length : room);
}

bool nd_redact(struct nd_buffer *out, const char *text, size_t length,
               const char *secret)
{
    struct nd_text rest = {text, text + length};

    while (rest.at < rest.end && out->length < out->max) {
        struct nd_text found = rest;
        size_t hidden = secret_length(&found, secret);

        if (!hidden) {
            if (!add_fitting(out, rest.at++, 1))
                return false;
            continue;
        }
        if (!add_fitting(out, rest.at, (size_t)(found.at - rest.at)) ||
            !add_fitting(out, marker, sizeof marker - 1))
            return false;
        rest.at = found.at + hidden;
    }
    return true;
}
