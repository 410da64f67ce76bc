#include "json.h"

#include <string.h>

#include "values.h"

/* What lua-cjson needs, which takes a stack that cannot grow for a text that is
 * too deep; and what we do. */
#define NDL_STACK (4 * ND_JSON_DEPTH_MAX)

void ndl_push_decoder(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cjson");
    lua_call(L, 1, 1); /* cjson */
    lua_getfield(L, -1, "new");
    lua_call(L, 0, 1); /* cjson, json */
    lua_getfield(L, -1, "decode_max_depth");
    lua_pushinteger(L, ND_JSON_DEPTH_MAX);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode_invalid_numbers");
    lua_pushboolean(L, 0);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode"); /* cjson, json, decode */
    lua_replace(L, -3);
    lua_pop(L, 1); /* decode */
}

/* ----- plain values ----- */

void ndl_push_string(lua_State *L, struct nd_text string, bool escaped)
{
    size_t length = (size_t)(string.end - string.at);
    char *meant;

    if (!escaped) {
        lua_pushlstring(L, string.at, length);
        return;
    }
    meant = lua_newuserdata(L, length); /* for Lua to free: meant */
    lua_pushlstring(L, meant, nd_json_unescape(meant, string));
    lua_replace(L, -2);
}

/* What a number of Lua's would make a whole one of stays as it was written. */
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
    if (nd_json_seems_whole(number, value)) {
        lua_pushlstring(L, number.at, (size_t)(number.end - number.at));
        return;
    }
    lua_pushnumber(L, (lua_Number)value);
    if (ndl_has_integers && ndl_to_whole(L, -1, &value)) {
        lua_pop(L, 1);
        lua_pushinteger(L, (lua_Integer)value);
    }
}

/* Pushes the value that the token is; false where it is none, or an object
 * or array. */
static bool push_plain(lua_State *L, enum nd_json_token token,
                       struct nd_text text, bool escaped)
{
    switch (token) {
    case ND_JSON_STRING:
        ndl_push_string(L, text, escaped);
        return true;
    case ND_JSON_NUMBER:
        push_number(L, text);
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

/* ----- whole texts ----- */

static bool push_value(lua_State *L, struct nd_json *json,
                       enum nd_json_token token, bool nested);

/* Pushes what is wrong in words, and is false. */
static bool push_flaw(lua_State *L, const struct nd_json *json,
                      const char *flaw)
{
    lua_pushstring(L, *json->flaw ? json->flaw : flaw);
    return false;
}

/* The table has the key on the top: as a set of keys, as the value of one
 * may be nil. */
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

/* Pushes the object that was begun, and the set of its keys; or what is
 * wrong, and is false. */
static bool push_object(lua_State *L, struct nd_json *json, bool nested)
{
    enum nd_json_token token;
    int keys;

    lua_newtable(L);
    lua_newtable(L); /* object, keys */
    keys = lua_gettop(L);
    while ((token = nd_json_next(json)) == ND_JSON_KEY) {
        ndl_push_string(L, json->token, json->escaped);
        if (is_in_set(L, keys)) { /* object, keys, key */
            lua_pushfstring(L, "it has the key \"%s\" twice",
                            lua_tostring(L, -1));
            return false;
        }
        if (!push_value(L, json, nd_json_next(json), nested))
            return false;
        lua_rawset(L, keys - 1);
    }
    return token == ND_JSON_OBJECT_END || push_flaw(L, json, "");
}

/* The same of an array; a null leaves a hole. */
static bool push_array(lua_State *L, struct nd_json *json)
{
    enum nd_json_token token;
    int count = 0;

    lua_newtable(L); /* array */
    while ((token = nd_json_next(json)) > ND_JSON_END &&
           token != ND_JSON_ARRAY_END) {
        if (!push_value(L, json, token, true))
            return false;
        lua_rawseti(L, -2, ++count);
    }
    return token == ND_JSON_ARRAY_END || push_flaw(L, json, "");
}

/* The same of the value that begins with the token.  Its depth is bounded by
 * the reader. */
static bool push_value(lua_State *L, struct nd_json *json,
                       enum nd_json_token token, bool nested)
{
    if (nested && token == ND_JSON_OBJECT) {
        if (!push_object(L, json, true))
            return false;
        lua_pop(L, 1); /* object */
        return true;
    }
    if (nested && token == ND_JSON_ARRAY)
        return push_array(L, json);
    return push_plain(L, token, json->token, json->escaped) ||
           push_flaw(L, json, "a value in it is no plain one");
}

/* The same of a text that is one object, and nothing else. */
static bool push_text(lua_State *L, struct nd_text text, bool nested)
{
    struct nd_json json;

    nd_json_start(&json, text, false);
    if (nd_json_next(&json) != ND_JSON_OBJECT)
        return push_flaw(L, &json, "it is no object");
    return push_object(L, &json, nested) &&
           (nd_json_next(&json) == ND_JSON_END || push_flaw(L, &json, ""));
}

int ndl_read_object(lua_State *L)
{
    struct nd_text text;
    size_t length;

    text.at = luaL_checklstring(L, 1, &length);
    text.end = text.at + length;
    ndl_need_stack(L, NDL_STACK);
    if (push_text(L, text, lua_toboolean(L, 2))) /* object, keys */
        return 2;
    lua_pushnil(L);
    lua_insert(L, -2); /* nil, what is wrong */
    return 2;
}

/* ----- answers ----- */

/* Every VM holds it as it is. */
static bool is_exact(struct nd_text number)
{
    uint64_t whole;

    return nd_json_whole(number, &whole) && (double)whole < ND_EXACT_DOUBLE;
}

bool ndl_set_extras(lua_State *L, const struct nd_verdict *verdict)
{
    int i;

    if (verdict->extras < 0)
        return false;
    for (i = 0; i < verdict->extras; i++) {
        const struct nd_extra *extra = &verdict->extra[i];

        if (extra->token == ND_JSON_NUMBER && !is_exact(extra->value))
            return false;
        ndl_push_string(L, extra->key, extra->key_escaped); /* key */
        (void)push_plain(L, extra->token, extra->value, extra->value_escaped);
        lua_rawset(L, -3);
    }
    return true;
}

void ndl_push_decoded(lua_State *L, int decoder, const struct nd_buffer *text)
{
    ndl_need_stack(L, NDL_STACK);
    lua_pushvalue(L, decoder);
    lua_pushlstring(L, text->data, text->length);
    if (lua_pcall(L, 1, 1, 0) != 0) /* table */
        (void)ndl_out_of_memory(L);
}
