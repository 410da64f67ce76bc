#include "redact.h"

#include <string.h>
#include <strings.h>

#include "json.h"

static const char marker[] = "[redacted]";

/* A shorter beginning of a secret tells nothing. */
#define ND_TAIL_MIN 4

/* JSON in a JSON string, and so on: each level doubles the backslashes. */
#define ND_BACKSLASHES_MAX 64

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

/* The same in JSON's escapes. */
static size_t spells_escaped(struct nd_text text, const char *secret)
{
    const char *start = text.at;
    size_t matched;

    for (matched = 0; secret[matched]; matched++) {
        struct nd_text before = text;
        long c = nd_json_char(&text);
        /* An escape may be cut too: "\u00". */
        bool cut = c < 0 || (*before.at == '\\' && before.end - before.at < 6);

        if (c == (unsigned char)secret[matched])
            continue;
        return cut && matched >= ND_TAIL_MIN ? (size_t)(text.end - start) : 0;
    }
    return (size_t)(text.at - start);
}

/* Reads the character that is meant, and moves on; a negative number where
 * the text ends, be it within an escape.  escaped: a backslash is before. */
static long meant_char(struct nd_text *text, bool escaped)
{
    struct nd_text escape = {text->at - 1, text->end};
    long c;

    if (text->at >= text->end ||
        (escaped && *text->at == 'u' && text->end - text->at < 5))
        return -1;
    c = escaped ? nd_json_char(&escape) : -1;
    if (escaped && escape.at > text->at) {
        text->at = escape.at;
        return c;
    }
    return (unsigned char)*text->at++;
}

/* The same in the escapes of JSON that stands in a string of other JSON,
 * and so on. */
static size_t spells_nested(struct nd_text text, const char *secret)
{
    const char *start = text.at;
    size_t matched = 0;

    while (secret[matched]) {
        size_t own = strspn(secret + matched, "\\");
        size_t max = ND_BACKSLASHES_MAX * (own + 1);
        size_t backslashes = 0;
        struct nd_text next;
        bool own_next;
        long c;

        while (text.at < text.end && *text.at == '\\' && backslashes < max) {
            text.at++;
            backslashes++;
        }
        next = text;
        /* A "u" after backslashes of the secret's own may be its own too. */
        own_next = own && backslashes >= own && text.at < text.end &&
                   *text.at == secret[matched + own];
        c = meant_char(&next, backslashes > 0 && !own_next);
        if (own && c != '\\') {
            if (backslashes < own && c >= 0)
                return 0;
            matched += backslashes < own ? backslashes : own;
            if (!secret[matched])
                break;
        }
        if (c < 0)
            return matched < ND_TAIL_MIN ? 0 : (size_t)(text.end - start);
        if (c != (unsigned char)secret[matched++])
            return 0;
        text = next;
    }
    return (size_t)(text.at - start);
}

/* The longest of these.  They differ where the secret itself has what may
 * be an escape. */
static size_t spells(struct nd_text text, const char *secret)
{
    size_t length;
    size_t other;

    if (!secret || !*secret || (*text.at != *secret && *text.at != '\\'))
        return 0;
    length = spells_raw(text, secret);
    if (length && !strchr(secret, '\\'))
        return length;
    other = spells_escaped(text, secret);
    length = other > length ? other : length;
    other = spells_nested(text, secret);
    return other > length ? other : length;
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

/*
 * Moves to the end of a string's inside.  JSON may stand in a JSON string,
 * where each quote has a backslash before it, and so on for deeper ones: a
 * quote closes the string where its backslashes are those that the opening
 * one had, after any number of escaped backslashes.
 */
static void skip_inside(struct nd_text *text, size_t opening, char quote)
{
    while (text->at < text->end) {
        size_t backslashes = skip_backslashes(text);

        if (text->at >= text->end)
            return;
        if (*text->at == quote &&
            backslashes % (2 * (opening + 1)) == opening) {
            text->at -= opening;
            return;
        }
        text->at++;
    }
}

/* Moves past an object or array with all that is in it. */
static void skip_container(struct nd_text *text)
{
    size_t depth = 0;

    do {
        size_t backslashes = skip_backslashes(text);
        char c = '\0';

        if (text->at < text->end)
            c = *text->at++;
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        if (c != '"')
            continue;
        skip_inside(text, backslashes, '"');
        if (text->at < text->end)
            text->at += backslashes + 1;
    } while (depth > 0 && text->at < text->end);
}

/* Moves past a value without quotes. */
static void skip_bare(struct nd_text *text)
{
    struct nd_text escape;

    for (;;) {
        if (skip_name(text, "bearer"))
            skip_any(text, " ");
        skip_until(text, " \t\r\n,;&}]\"'\\<");
        escape = *text;
        /* "\/" and "\u0026" are parts of it, "\n" is not. */
        if (skip_backslashes(&escape) == 0 || escape.at >= escape.end ||
            !strchr("/u", *escape.at))
            return;
        *text = escape;
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
    if (i == names) /* soon, as this is asked of every character */
        return 0;
    skip_any(&at, "\\\"' \t\r\n");
    if (at.at >= at.end || (*at.at != ':' && *at.at != '='))
        return 0;
    at.at++;
    skip_any(&at, " \t\r\n");
    quote = at;
    opening = skip_backslashes(&quote);
    if (quote.at < quote.end && (*quote.at == '"' || *quote.at == '\'')) {
        text->at = at.at = quote.at + 1;
        skip_inside(&at, opening, *quote.at);
    } else {
        text->at = at.at;
        if (at.at < at.end && (*at.at == '{' || *at.at == '['))
            skip_container(&at);
        else
            skip_bare(&at);
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

/* The value that a name at text's first character announces as a secret;
 * it stands shortly after.  Empty where there is none. */
static struct nd_text announced(struct nd_text text)
{
    struct nd_text value = text;
    size_t length = secret_value(&value);

    if (!length)
        length = bearer_value(&value);
    if (!length)
        length = url_user(&value);
    value.end = value.at + length;
    return value;
}

/*
 * Where what must be hidden from text's first character on ends: there
 * itself where nothing must be.  value is the one that was announced last.
 * Secrets may touch and overlap: each character of what is hidden may be
 * the first one of the secret of the call, which a value's end could cut.
 */
static const char *hidden_end(struct nd_text text, struct nd_text *value,
                              const char *secret)
{
    const char *end = text.at;

    if (value->end <= text.at)
        *value = announced(text);
    do {
        size_t length = spells(text, secret);

        if (end - text.at < (ptrdiff_t)length)
            end = text.at + length;
        if (value->at == text.at && value->end > end)
            end = value->end;
        text.at++;
    } while (text.at < end && end < text.end);
    return end;
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
    struct nd_text value = {text, text};

    while (rest.at < rest.end && out->length < out->max) {
        const char *end = hidden_end(rest, &value, secret);

        if (end == rest.at) {
            if (!add_fitting(out, rest.at++, 1))
                return false;
            continue;
        }
        if (!add_fitting(out, marker, sizeof marker - 1))
            return false;
        rest.at = end;
    }
    return true;
}
