#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "values.h"

/* ----- fields of the table on the top ----- */

/* Pushes the value on the top in another form, and returns true; pushes
 * nothing where it has that form, or cannot have it. */
static bool push_converted(lua_State *L, const struct nd_result *result)
{
    int type = lua_type(L, -1);
    char digits[32];
    const char *text;
    size_t length;
    uint64_t id;
    double whole;

    if (result->form == ND_RESULT_TEXT && type == LUA_TNUMBER &&
        ndl_to_whole(L, -1, &whole)) {
        (void)snprintf(digits, sizeof digits, "%.0f", whole);
        lua_pushstring(L, digits);
        return true;
    }
    if (result->form == ND_RESULT_NUMBER && type == LUA_TSTRING) {
        text = lua_tolstring(L, -1, &length);
        if (length == 1 && *text == '0')
            lua_pushinteger(L, 0);
        else if (nd_parse_id(&id, text, length))
            ndl_push_id(L, id);
        else
            return false;
        return true;
    }
    return false;
}

static bool is_digits(struct nd_text text)
{
    while (text.at < text.end && *text.at >= '0' && *text.at <= '9')
        text.at++;
    return text.at == text.end;
}

/* Pushes a value as a text: a whole number as the digits that it was written
 * with, however many, and nil for what is neither. */
static void push_text(lua_State *L, const struct nd_extra *field)
{
    char digits[32];
    uint64_t whole;

    if (field->token == ND_JSON_STRING ||
        (field->token == ND_JSON_NUMBER && is_digits(field->value))) {
        ndl_push_string(L, field->value, field->value_escaped);
    } else if (field->token == ND_JSON_NUMBER &&
               nd_json_whole(field->value, &whole)) {
        (void)snprintf(digits, sizeof digits, "%" PRIu64, whole);
        lua_pushstring(L, digits);
    } else {
        lua_pushnil(L);
    }
}

/* Digits of a number with a country's code, and some to spare. */
#define NDL_NUMBER_MAX 20

/* A phone number as any other, in which a secret of a few digits is chance,
 * but for one that is all of it. */
static bool is_harmless(const struct nd_secrets *secrets, struct nd_text text)
{
    size_t length;
    size_t i;

    if (text.at < text.end && *text.at == '+')
        text.at++;
    length = (size_t)(text.end - text.at);
    if (length > NDL_NUMBER_MAX || !is_digits(text))
        return false;
    for (i = 0; i < secrets->count; i++) {
        if ((size_t)(secrets->of[i].end - secrets->of[i].at) == length &&
            memcmp(secrets->of[i].at, text.at, length) == 0)
            return false;
    }
    return true;
}

/* Hides secrets in the string on the top. */
static void redact_top(lua_State *L, const struct nd_secrets *secrets,
                       struct nd_buffer *scratch)
{
    size_t length;
    const char *at = lua_tolstring(L, -1, &length);
    struct nd_text text = {at, at + length};

    if (is_harmless(secrets, text))
        return;
    nd_buffer_free(scratch);
    nd_buffer_init(scratch, (size_t)-1);
    if (!nd_redact(scratch, at, length, secrets))
        (void)ndl_out_of_memory(L);
    lua_pushlstring(L, scratch->data ? scratch->data : "", scratch->length);
    lua_replace(L, -2);
}

/* Sets the text that a call which erases has as a result, in the table on the
 * top: what it is goes into journals. */
static void set_text(lua_State *L, const char *key,
                     const struct nd_extra *field,
                     const struct nd_secrets *secrets,
                     struct nd_buffer *scratch)
{
    lua_pushstring(L, key);
    push_text(L, field); /* key, text */
    if (lua_isstring(L, -1))
        redact_top(L, secrets, scratch);
    lua_rawset(L, -3);
}

/* Converts one field of the table on the top. */
static void convert_field(lua_State *L, const struct nd_result *result)
{
    lua_pushstring(L, result->key);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3); /* key, value */
    if (push_converted(L, result)) {
        lua_remove(L, -2);
        lua_rawset(L, -3);
    } else {
        lua_pop(L, 2);
    }
}

/* The same in each table of the list in the table on the top. */
static void convert_rows(lua_State *L, const struct nd_result *result)
{
    lua_getfield(L, -1, "list");
    if (lua_istable(L, -1)) { /* list */
        lua_pushnil(L);
        while (lua_next(L, -2)) { /* list, key, row */
            if (lua_istable(L, -1))
                convert_field(L, result);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* A server that is echoed as a string is kept as it was spelt. */
static void set_echoes(lua_State *L, const struct nd_request *request)
{
    bool kept;

    lua_getfield(L, -1, "server");
    kept = lua_type(L, -1) == LUA_TSTRING; /* server */
    lua_insert(L, -2);                     /* server, result */
    ndl_set_asked(L, request->call, &request->values);
    lua_insert(L, -2); /* result, server */
    if (kept)
        lua_setfield(L, -2, "server");
    else
        lua_pop(L, 1);
}

/* ----- the result ----- */

/* null becomes nil, and whole floats integers where the VM has them, in the
 * table on the top and below.  Its depth is bounded by the decoder. */
static void tidy_values(lua_State *L)
{
    double whole;

    ndl_need_stack(L, 6);
    lua_pushnil(L);
    while (lua_next(L, -2)) { /* key, value */
        switch (lua_type(L, -1)) {
        case LUA_TTABLE:
            tidy_values(L);
            break;
        case LUA_TLIGHTUSERDATA:
            lua_pushvalue(L, -2);
            lua_pushnil(L);
            lua_rawset(L, -5);
            break;
        case LUA_TNUMBER:
            if (!ndl_has_integers || ndl_is_integer(L, -1) ||
                !ndl_to_whole(L, -1, &whole))
                break;
            lua_pushvalue(L, -2);
            lua_pushinteger(L, (lua_Integer)whole);
            lua_rawset(L, -5);
            break;
        default:
            break;
        }
        lua_pop(L, 1); /* key */
    }
}

/* Pushes the table of an object that was judged.  What the request tells is
 * set later. */
static void push_object(lua_State *L, int decoder,
                        const struct nd_transfer *transfer,
                        const struct nd_verdict *verdict,
                        struct nd_buffer *scratch)
{
    const struct nd_buffer *body = &transfer->answer.body;
    struct nd_text text = {body->data, body->data + body->length};

    lua_createtable(L, 0, 8); /* object */
    if (ndl_set_extras(L, verdict))
        return;
    lua_pop(L, 1);
    nd_buffer_free(scratch);
    nd_buffer_init(scratch, (size_t)-1);
    if (!nd_json_respell(scratch, text))
        (void)ndl_out_of_memory(L);
    ndl_push_decoded(L, decoder, scratch); /* object */
    tidy_values(L);
}

void ndl_push_result(lua_State *L, int decoder,
                     const struct nd_transfer *transfer,
                     const struct nd_verdict *verdict,
                     const struct nd_secrets *secrets,
                     struct nd_buffer *scratch)
{
    const struct nd_call *call = transfer->request.call;
    const struct nd_result *result;
    size_t i;

    ndl_need_stack(L, 6);
    push_object(L, decoder, transfer, verdict, scratch);
    for (i = 0; (result = nd_result_at(call, i)) != NULL; i++) {
        if (call->effect == ND_ERASES)
            set_text(L, result->key, &verdict->text, secrets, scratch);
        else if (result->where == ND_RESULT_TOP)
            convert_field(L, result);
        else
            convert_rows(L, result);
    }
    set_echoes(L, &transfer->request);
    lua_pushliteral(L, "OK");
    lua_setfield(L, -2, "status");
    lua_pushinteger(L, 1);
    lua_setfield(L, -2, "reason");
}
