#include "redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "spelling.h"

static const char marker[] = "[redacted]";

/* So much of a text is looked at: several times what is shown of one. */
#define ND_LOOKED_AT ((size_t)16 * 1024)

/* Encodings in one another that are followed. */
#define ND_LEVELS 3

/* So often a text is gone over before nothing of it is shown. */
#define ND_TURNS 4

/* A shorter beginning of a secret tells nothing. */
#define ND_TAIL_MIN 4

/* ----- the secrets ----- */

static void add_piece(struct nd_secrets *secrets, const char *at,
                      const char *end)
{
    struct nd_text piece = {at, end};

    if (at < end && secrets->count < ND_SECRETS_MAX)
        secrets->of[secrets->count++] = piece;
}

void nd_secrets_add(struct nd_secrets *secrets, const char *text)
{
    if (text)
        add_piece(secrets, text, text + strlen(text));
}

/* A shorter name or password is hidden together with the other only. */
#define ND_PIECE_MIN 3

void nd_secrets_add_url(struct nd_secrets *secrets, const char *url)
{
    const char *end = url ? strrchr(url, '@') : NULL;
    const char *scheme = end ? strstr(url, ":/") : NULL;
    const char *at = url;
    const char *colon;

    if (!end)
        return;
    if (scheme && scheme < end)
        at = scheme + 1 + strspn(scheme + 1, "/");
    add_piece(secrets, at, end);
    colon = memchr(at, ':', (size_t)(end - at));
    if (colon && colon - at >= ND_PIECE_MIN)
        add_piece(secrets, at, colon);
    if (colon && end - colon > ND_PIECE_MIN)
        add_piece(secrets, colon + 1, end);
}

void nd_secrets_add_settings(struct nd_secrets *secrets,
                             const struct nd_settings *settings)
{
    nd_secrets_add(secrets, settings->access_token);
    nd_secrets_add(secrets, settings->client_secret);
    nd_secrets_add_url(secrets, settings->proxy);
}

void nd_secrets_add_request(struct nd_secrets *secrets,
                            const struct nd_request *request)
{
    const struct nd_param *param = request->call->params;
    size_t i;

    for (i = 0; param[i].field.key; i++) {
        if (param[i].field.type == ND_TYPE_TOKEN)
            nd_secrets_add(secrets, request->values.of[i].text);
    }
    nd_secrets_add_settings(secrets, request->settings);
}

/* ----- a text, with encodings undone ----- */

struct view {
    char *bytes;
    uint32_t *places; /* of each in the text, and where the last one ends */
    size_t length;
    size_t tail; /* where an escape begins that the text's end has cut */
};

/* Room for so many bytes; false where memory is out. */
static bool open_view(struct view *view, size_t room)
{
    view->length = view->tail = room;
    view->bytes = malloc(room + 1);
    view->places = malloc((room + 1) * sizeof *view->places);
    return view->bytes && view->places;
}

static void close_view(struct view *view)
{
    free(view->bytes);
    free(view->places);
}

static void put(struct view *view, long c, uint32_t place)
{
    view->bytes[view->length] = (char)(c < 256 ? c : '?');
    view->places[view->length++] = place;
}

/* Fills the view with what another one shows when an encoding is undone,
 * which takes no more room.  False where that is the same. */
static bool undo(struct view *view, const struct view *from,
                 unsigned int encoding)
{
    struct nd_text rest = {from->bytes, from->bytes + from->length};
    size_t at = 0;
    bool changed = false;
    long c;

    view->length = 0;
    view->tail = from->length;
    while ((c = nd_spelt_char(&rest, encoding)) >= 0) {
        size_t next = (size_t)(rest.at - from->bytes);

        if (at >= from->tail && view->tail > view->length)
            view->tail = view->length;
        changed = changed || next > at + 1;
        put(view, c, from->places[at]);
        at = next;
    }
    if (view->tail > view->length)
        view->tail = view->length;
    changed = changed || (at < from->length && from->tail == from->length);
    for (; at < from->length; at++)
        put(view, from->bytes[at], from->places[at]);
    view->places[view->length] = from->places[at];
    return changed;
}

/* ----- what is hidden of the text ----- */

struct mask {
    char *hidden; /* of each byte of the text, whether it is */
    size_t length;
};

static void hide(struct mask *mask, size_t from, size_t to)
{
    memset(mask->hidden + from, 1, to - from);
}

/* The text ends, or is cut, where so much of a secret has been seen. */
static void hide_tail(struct mask *mask, const struct view *view, size_t end,
                      size_t matched)
{
    if (matched >= ND_TAIL_MIN)
        hide(mask, view->places[end - matched], mask->length);
}

/* How much of the secret is seen with one more byte, after matched of it
 * were (Knuth, Morris, Pratt).  borders: see below. */
static size_t advance(struct nd_text secret, const uint32_t *borders,
                      size_t matched, char byte)
{
    size_t length = (size_t)(secret.end - secret.at);

    while (matched && (matched == length || byte != secret.at[matched]))
        matched = borders[matched - 1];
    return matched + (byte == secret.at[matched]);
}

/* Of each beginning of the secret, the longest shorter one that it ends
 * with. */
static uint32_t *find_borders(struct nd_text secret)
{
    size_t length = (size_t)(secret.end - secret.at);
    uint32_t *borders = calloc(length, sizeof *borders);
    size_t i;

    for (i = 1; borders && i < length; i++)
        borders[i] =
            (uint32_t)advance(secret, borders, borders[i - 1], secret.at[i]);
    return borders;
}

static bool hide_secret(struct mask *mask, const struct view *view,
                        struct nd_text secret)
{
    size_t length = (size_t)(secret.end - secret.at);
    uint32_t *borders = find_borders(secret);
    size_t matched = 0;
    size_t done = 0; /* up to here it is hidden already */
    size_t i;

    if (!borders)
        return false;
    for (i = 0; i < view->length; i++) {
        if (i == view->tail)
            hide_tail(mask, view, i, matched);
        matched = advance(secret, borders, matched, view->bytes[i]);
        if (matched < length)
            continue;
        if (i + 1 - matched > done)
            done = i + 1 - matched;
        hide(mask, view->places[done], view->places[i + 1]);
        done = i + 1;
    }
    if (matched < length)
        hide_tail(mask, view, i, matched);
    free(borders);
    return true;
}

/* The same as a URL means it, as the user and password of a proxy's are
 * written: that is how they are used. */
static bool hide_decoded(struct mask *mask, const struct view *view,
                         struct nd_text secret)
{
    char *bytes = malloc((size_t)(secret.end - secret.at));
    struct nd_text decoded = {bytes, bytes};
    bool good = bytes != NULL;
    long c;

    while (good && (c = nd_spelt_char(&secret, ND_SPELT_PERCENT)) >= 0) {
        bytes[decoded.end - bytes] = (char)c;
        decoded.end++;
    }
    if (good && decoded.end > decoded.at)
        good = hide_secret(mask, view, decoded);
    free(bytes);
    return good;
}

/* ----- moving on ----- */

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

/* ----- keys that are named like a secret ----- */

/* Of a key that is named like a secret.  What they begin with stands in
 * announced(), too. */
static const char *const secret_names[] = {
    "token",   "secret",   "apikey", "api_key",
    "api-key", "password", "passwd", "authorization",
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

/* Moves past any of the names. */
static bool skip_secret_name(struct nd_text *text)
{
    const size_t names = sizeof secret_names / sizeof *secret_names;
    size_t i = 0;

    while (i < names && !skip_name(text, secret_names[i]))
        i++;
    return i < names;
}

bool nd_is_secret_name(const char *key, size_t length)
{
    struct nd_text rest = {key, key + length};

    for (; rest.at < rest.end; rest.at++) {
        struct nd_text at = rest;

        if (skip_secret_name(&at))
            return true;
    }
    return false;
}

/* "tokens" and "api_key_2" are such keys, and "token_type" is none.  So much
 * may follow the name. */
#define ND_NUMBERED_MAX 4

/* Moves past what makes many of one, or numbers it. */
static void skip_numbered(struct nd_text *text)
{
    struct nd_text at = *text;
    int i;

    for (i = 0; i < ND_NUMBERED_MAX; i++) {
        long c = nd_json_char(&at);

        if (c <= 0 || c > 127 || !strchr("sS0123456789_-", (int)c))
            return;
        *text = at;
    }
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
        if (skip_name(text, "bearer") || skip_name(text, "basic"))
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

/* Moves from behind a key's name to its value; false where there is none. */
static bool skip_to_value(struct nd_text *text)
{
    skip_numbered(text);
    skip_any(text, "\\\"' \t\r\n");
    if (text->at >= text->end || (*text->at != ':' && *text->at != '='))
        return false;
    text->at++;
    skip_any(text, " \t\r\n");
    return true;
}

/* How long a value is; moves into its quotes where it has some. */
static size_t value_length(struct nd_text *text)
{
    struct nd_text at = *text;
    size_t opening = skip_backslashes(&at);

    if (at.at < at.end && (*at.at == '"' || *at.at == '\'')) {
        char quote = *at.at++;

        text->at = at.at;
        skip_inside(&at, opening, quote);
        return (size_t)(at.at - text->at);
    }
    at = *text;
    if (at.at < at.end && (*at.at == '{' || *at.at == '['))
        skip_container(&at);
    else
        skip_bare(&at);
    return (size_t)(at.at - text->at);
}

/* Where a key named like a secret has its value: moves to the value's
 * first character and says how long it is; 0 where this is no such key. */
static size_t secret_value(struct nd_text *text)
{
    struct nd_text at = *text;

    /* First the name, as that is fast. */
    if (!skip_secret_name(&at) || !skip_to_value(&at))
        return 0;
    *text = at;
    return value_length(text);
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

/* The value that a name at text's first character announces as a secret;
 * it stands shortly after.  Empty where there is none. */
static struct nd_text announced(struct nd_text text)
{
    struct nd_text value = text;
    /* What the names begin with, raw or escaped: most text does not. */
    bool may_be = *text.at && strchr(":\\abpst", nd_to_lower(*text.at));
    size_t length = may_be ? secret_value(&value) : 0;

    if (may_be && !length)
        length = bearer_value(&value);
    if (may_be && !length)
        length = url_user(&value);
    value.end = value.at + length;
    return value;
}

/* ----- the whole text ----- */

static void hide_announced(struct mask *mask, const struct view *view)
{
    struct nd_text rest = {view->bytes, view->bytes + view->length};

    while (rest.at < rest.end) {
        struct nd_text value = announced(rest);

        if (value.at == value.end) {
            rest.at++;
            continue;
        }
        hide(mask, view->places[value.at - view->bytes],
             view->places[value.end - view->bytes]);
        rest.at = value.end;
    }
}

static bool look(struct mask *mask, const struct view *view,
                 const struct nd_secrets *secrets)
{
    size_t i;

    hide_announced(mask, view);
    for (i = 0; i < secrets->count; i++) {
        struct nd_text secret = secrets->of[i];
        size_t length = (size_t)(secret.end - secret.at);

        if (!hide_secret(mask, view, secret) ||
            (memchr(secret.at, '%', length) &&
             !hide_decoded(mask, view, secret)))
            return false;
    }
    return true;
}

/* Looks at the text, and at what each encoding may hide.  Where that goes on
 * and on, nothing is shown. */
static bool look_deep(struct mask *mask, const struct view *view,
                      const struct nd_secrets *secrets, int level)
{
    static const unsigned int encodings[] = {ND_SPELT_JSON, ND_SPELT_PERCENT,
                                             ND_SPELT_HTML, ND_SPELT_WIDE};
    struct view deeper;
    bool good = open_view(&deeper, view->length) && look(mask, view, secrets);
    size_t i;

    for (i = 0; good && i < sizeof encodings / sizeof *encodings; i++) {
        if (!undo(&deeper, view, encodings[i]))
            continue;
        if (deeper.length == view->length) /* only its tail is another */
            good = look(mask, &deeper, secrets);
        else if (level < ND_LEVELS)
            good = look_deep(mask, &deeper, secrets, level + 1);
        else
            hide(mask, 0, mask->length);
    }
    close_view(&deeper);
    return good;
}

/* Marks what is to be hidden. */
static bool fill_mask(struct mask *mask, const char *text,
                      const struct nd_secrets *secrets)
{
    struct view view;
    bool good = open_view(&view, mask->length);
    size_t i;

    for (i = 0; good && i <= view.length; i++)
        view.places[i] = (uint32_t)i;
    if (good)
        memcpy(view.bytes, text, view.length);
    good = good && look_deep(mask, &view, secrets, 0);
    close_view(&view);
    return good;
}

/* Adds as much as fits; false where memory is out. */
static bool add_fitting(struct nd_buffer *out, const char *bytes,
                        size_t length)
{
    size_t room = out->max - out->length;

    return nd_buffer_add(out, bytes, length < room ? length : room);
}

/* Adds what is not hidden, and the marker for each piece that is. */
static bool add_shown(struct nd_buffer *out, const char *text,
                      const struct mask *mask)
{
    size_t from = 0;
    size_t to;

    for (; from < mask->length && out->length < out->max; from = to) {
        bool hidden = mask->hidden[from];

        for (to = from; to < mask->length && mask->hidden[to] == hidden;)
            to++;
        if (!(hidden ? add_fitting(out, marker, sizeof marker - 1)
                     : add_fitting(out, text + from, to - from)))
            return false;
    }
    return true;
}

/* Adds text without its secrets to out. */
static bool redact_once(struct nd_buffer *out, struct nd_text text,
                        const struct nd_secrets *secrets)
{
    struct mask mask;
    bool good;

    mask.length = (size_t)(text.end - text.at);
    if (!mask.length)
        return true;
    mask.hidden = calloc(mask.length, 1);
    good = mask.hidden && fill_mask(&mask, text.at, secrets) &&
           add_shown(out, text.at, &mask);
    free(mask.hidden);
    return good;
}

static bool is_same(const struct nd_buffer *shown, struct nd_text text)
{
    size_t length = (size_t)(text.end - text.at);

    return shown->length == length &&
           (!length || memcmp(shown->data, text.at, length) == 0);
}

/* Where something is hidden, what is left may read otherwise: an escape may
 * have lost its beginning.  So it is gone over until nothing changes. */
static bool redact_all(struct nd_buffer turns[2], struct nd_text text,
                       const struct nd_secrets *secrets)
{
    size_t turn;

    for (turn = 0; turn < ND_TURNS; turn++) {
        struct nd_buffer *shown = &turns[turn % 2];

        shown->length = 0;
        if (!redact_once(shown, text, secrets))
            return false;
        if (is_same(shown, text))
            return true;
        text.at = shown->data;
        text.end = shown->data + shown->length;
    }
    turns[0].length = turns[1].length = 0;
    return add_fitting(&turns[0], marker, sizeof marker - 1) &&
           add_fitting(&turns[1], marker, sizeof marker - 1);
}

bool nd_redact(struct nd_buffer *out, const char *text, size_t length,
               const struct nd_secrets *secrets)
{
    struct nd_text seen = {text, text};
    struct nd_buffer turns[2];
    bool good;

    seen.end += length < ND_LOOKED_AT ? length : ND_LOOKED_AT;
    nd_buffer_init(&turns[0], ND_LOOKED_AT);
    nd_buffer_init(&turns[1], ND_LOOKED_AT);
    good =
        redact_all(turns, seen, secrets) &&
        (!turns[0].length || add_fitting(out, turns[0].data, turns[0].length));
    nd_buffer_free(&turns[0]);
    nd_buffer_free(&turns[1]);
    return good;
}
