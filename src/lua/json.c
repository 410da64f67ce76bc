#include "json.h"

#include <string.h>

#include "values.h"

/* Deeper answers are not the service's. */
#define NDL_DEPTH_MAX 32

/* What lua-cjson needs for that.  It takes a stack that cannot grow for an
 * answer that is too deep. */
#define NDL_STACK (4 * NDL_DEPTH_MAX)

void ndl_push_decoder(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cjson");
    lua_call(L, 1, 1); /* cjson */
    lua_getfield(L, -1, "new");
    lua_call(L, 0, 1); /* cjson, json */
    lua_getfield(L, -1, "decode_max_depth");
    lua_pushinteger(L, NDL_DEPTH_MAX);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode_invalid_numbers");
    lua_pushboolean(L, 0);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode"); /* cjson, json, decode */
    lua_replace(L, -3);
    lua_pop(L, 1); /* decode */
}

/* ----- flat objects ----- */

/* So many digits are exact on every VM. */
#define NDL_PLAIN_DIGITS 15

/* Moves past white space, and past c if that is next. */
static bool skip(struct nd_text *text, char c)
{
    const char *at = text->at;

    while (at < text->end &&
           (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    text->at = at;
    if (at >= text->end || *at != c)
        return false;
    text->at++;
    return true;
}

/* Pushes a string whose opening quote is behind. */
static bool push_plain_string(lua_State *L, struct nd_text *text)
{
    const char *start = text->at;
    const char *at = start;

    while (at < text->end && *at != '"' && *at != '\\' &&
           (unsigned char)*at >= ' ')
        at++;
    if (at >= text->end || *at != '"')
        return false;
    lua_pushlstring(L, start, (size_t)(at - start));
    text->at = at + 1;
    return true;
}

/* Pushes a number of digits alone.  What follows it is the caller's to
 * look at. */
static bool push_plain_number(lua_State *L, struct nd_text *text)
{
    const char *start = text->at;
    const char *at = start;
    uint64_t number = 0;

    while (at < text->end && *at >= '0' && *at <= '9' &&
           at - start < NDL_PLAIN_DIGITS)
        number = number * 10 + (uint64_t)(*at++ - '0');
    if (at == start || (*start == '0' && at - start > 1))
        return false;
    ndl_push_id(L, number);
    text->at = at;
    return true;
}

/* The table below has no value for the key on the top yet. */
static bool is_new_key(lua_State *L)
{
    bool is_new;

    lua_pushvalue(L, -1);
    lua_rawget(L, -3); /* key, value */
    is_new = lua_isnil(L, -1);
    lua_pop(L, 1); /* key */
    return is_new;
}

bool ndl_read_flat_object(lua_State *L, struct nd_text text)
{
    int top = lua_gettop(L);
    bool more = skip(&text, '{');

    ndl_need_stack(L, 4);
    lua_createtable(L, 0, 8); /* object */
    while (more && skip(&text, '"') && push_plain_string(L, &text) &&
           is_new_key(L) && skip(&text, ':')) {
        if (!(skip(&text, '"') ? push_plain_string(L, &text)
                               : push_plain_number(L, &text)))
            break;
        lua_rawset(L, -3); /* object */
        more = skip(&text, ',');
        if (!more && skip(&text, '}') && text.at == text.end)
            return true;
    }
    lua_settop(L, top);
    return false;
}

/* ----- all objects ----- */

/* Pushes the table; false where the text is not well-formed. */
static bool decode(lua_State *L, int decoder, struct nd_text text)
{
    int status;

    lua_pushvalue(L, decoder);
    lua_pushlstring(L, text.at, (size_t)(text.end - text.at));
    status = lua_pcall(L, 1, 1, 0); /* value, or message */
    if (status == LUA_ERRMEM)
        lua_error(L);
    if (status == 0 && lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

bool ndl_decode_object(lua_State *L, int decoder, struct nd_text *text,
                       struct nd_buffer *scratch)
{
    bool full = false;
    size_t length = (size_t)(text->end - text->at);

    /* lua-cjson takes a NUL for the end. */
    if (length < 2 || *text->at != '{' || memchr(text->at, '\0', length))
        return false;
    ndl_need_stack(L, NDL_STACK);
    if (decode(L, decoder, *text))
        return true;
    nd_buffer_free(scratch);
    nd_buffer_init(scratch, 2 * length);
    if (!nd_json_add_commas(scratch, *text, &full)) {
        if (full)
            (void)ndl_out_of_memory(L);
        return false;
    }
    text->at = scratch->data;
    text->end = scratch->data + scratch->length;
    return decode(L, decoder, *text);
}
