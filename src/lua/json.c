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

/* ----- plain values ----- */

static void push_string(lua_State *L, const struct nd_json *json)
{
    struct nd_text string = json->token;
    size_t length = (size_t)(string.end - string.at);
    char *meant;

    if (!json->escaped) {
        lua_pushlstring(L, string.at, length);
        return;
    }
    meant = lua_newuserdata(L, length); /* for Lua to free: meant */
    lua_pushlstring(L, meant, nd_json_unescape(meant, string));
    lua_replace(L, -2);
}

static void push_number(lua_State *L, struct nd_text number)
{
    uint64_t id;
    double value;

    if (nd_json_whole(number, &id)) {
        ndl_push_id(L, id);
        return;
    }
    if (!nd_json_double(number, &value))
        (void)ndl_out_of_memory(L);
    lua_pushnumber(L, (lua_Number)value);
    if (ndl_has_integers && ndl_to_whole(L, -1, &value)) {
        lua_pop(L, 1);
        lua_pushinteger(L, (lua_Integer)value);
    }
}

/* Pushes the value that the token is; false where it is none, or an object
 * or array. */
static bool push_plain(lua_State *L, const struct nd_json *json,
                       enum nd_json_token token)
{
    switch (token) {
    case ND_JSON_STRING:
        push_string(L, json);
        return true;
    case ND_JSON_NUMBER:
        push_number(L, json->token);
        return true;
    case ND_JSON_TRUE:
    case ND_JSON_FALSE:
        lua_pushboolean(L, token == ND_JSON_TRUE);
        return true;
    case ND_JSON_NULL:
        lua_pushnil(L);
        return true;
    default:
        return false;
    }
}

/* Pushes nil and the words, and returns 2. */
static int push_flaw(lua_State *L, const struct nd_json *json,
                     const char *flaw)
{
    lua_pushnil(L);
    lua_pushstring(L, *json->flaw ? json->flaw : flaw);
    return 2;
}

/* The table below has the key on the top: as a set of keys, as the value of
 * one may be nil. */
static bool is_in_set(lua_State *L, int set)
{
    bool is_in;

    lua_pushvalue(L, -1);
    lua_rawget(L, set);
    is_in = lua_toboolean(L, -1);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, set);
    return is_in;
}

int ndl_read_object(lua_State *L)
{
    struct nd_json json;
    struct nd_text text;
    enum nd_json_token token;
    size_t length;

    text.at = luaL_checklstring(L, 1, &length);
    text.end = text.at + length;
    lua_settop(L, 1);
    lua_newtable(L);
    lua_newtable(L); /* text, object, keys */
    nd_json_start(&json, text, false);
    if (nd_json_next(&json) != ND_JSON_OBJECT)
        return push_flaw(L, &json, "it is no object");
    while ((token = nd_json_next(&json)) == ND_JSON_KEY) {
        push_string(L, &json); /* text, object, keys, key */
        if (is_in_set(L, 3)) {
            lua_pushnil(L);
            lua_pushfstring(L, "it has the key \"%s\" twice",
                            lua_tostring(L, -2));
            return 2;
        }
        if (!push_plain(L, &json, nd_json_next(&json)))
            return push_flaw(L, &json, "a value in it is no plain one");
        lua_rawset(L, 2);
    }
    if (token != ND_JSON_OBJECT_END || nd_json_next(&json) != ND_JSON_END)
        return push_flaw(L, &json, "");
    lua_settop(L, 2);
    return 1;
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
