#include "values.h"

#include <inttypes.h>
#include <stdio.h>

struct nd_raw ndl_to_raw(lua_State *L, int index)
{
    struct nd_raw raw = {.form = ND_RAW_OTHER};

    raw.type_name = luaL_typename(L, index);
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        raw.form = ND_RAW_NIL;
        break;
    case LUA_TBOOLEAN:
        raw.form = ND_RAW_BOOLEAN;
        raw.boolean = lua_toboolean(L, index);
        break;
    case LUA_TNUMBER:
        raw.form = ndl_is_integer(L, index) ? ND_RAW_INTEGER : ND_RAW_FLOAT;
        raw.integer = ndl_is_integer(L, index) ? lua_tointeger(L, index) : 0;
        raw.number = (double)lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        raw.form = ND_RAW_STRING;
        raw.text = lua_tolstring(L, index, &raw.length);
        break;
    case LUA_TFUNCTION:
        raw.form = ND_RAW_FUNCTION;
        break;
    default:
        break;
    }
    return raw;
}

bool ndl_to_whole(lua_State *L, int index, double *whole)
{
    *whole = (double)lua_tonumber(L, index);
    return *whole > -ND_EXACT_DOUBLE && *whole < ND_EXACT_DOUBLE &&
           (double)(int64_t)*whole == *whole;
}

void ndl_push_id(lua_State *L, uint64_t id)
{
    char digits[ND_ID_DIGITS + 3];

    if (ndl_has_integers) {
        lua_pushinteger(L, (lua_Integer)id);
    } else if ((double)id < ND_EXACT_DOUBLE) {
        lua_pushnumber(L, (lua_Number)id);
    } else {
        (void)snprintf(digits, sizeof digits, "%" PRIu64, id);
        lua_pushstring(L, digits);
    }
}

static void push_value(lua_State *L, enum nd_type type,
                       const struct nd_value *value)
{
    switch (type) {
    case ND_TYPE_ID:
        ndl_push_id(L, value->id);
        break;
    case ND_TYPE_NUMBER:
        lua_pushnumber(L, value->number);
        break;
    case ND_TYPE_COUNT:
        lua_pushinteger(L, (lua_Integer)value->number);
        break;
    case ND_TYPE_BOOLEAN:
        lua_pushboolean(L, value->boolean);
        break;
    case ND_TYPE_FUNCTION:
        lua_pushboolean(L, 1); /* there is one */
        break;
    default:
        lua_pushlstring(L, value->text, value->length);
    }
}

/* Sets the values of params that go to all of with and none of without. */
static void set_values(lua_State *L, const struct nd_call *call,
                       const struct nd_values *values, unsigned int without,
                       unsigned int with)
{
    size_t i;

    for (i = 0; call->params[i].field.key; i++) {
        const struct nd_field *field = &call->params[i].field;
        const struct nd_value *value = &values->of[i];
        unsigned int where = call->params[i].where;

        if (!value->set || (where & without) || (where & with) != with)
            continue;
        lua_pushstring(L, field->key);
        push_value(L, field->type, value);
        lua_rawset(L, -3);
    }
}

void ndl_set_values(lua_State *L, const struct nd_call *call,
                    const struct nd_values *values)
{
    set_values(L, call, values, ND_FROM_CLIENT, 0);
}

void ndl_set_asked(lua_State *L, const struct nd_call *call,
                   const struct nd_values *values)
{
    set_values(L, call, values, 0, ND_ECHOED);
}

void ndl_set_text(lua_State *L, const char *key, const char *text)
{
    lua_pushstring(L, text); /* value */
    lua_setfield(L, -2, key);
}

void ndl_push_number(lua_State *L, double number)
{
    if (number < 0) /* ND_UNSET */
        lua_pushnil(L);
    else if (number < ND_EXACT_DOUBLE && (double)(lua_Integer)number == number)
        lua_pushinteger(L, (lua_Integer)number);
    else
        lua_pushnumber(L, (lua_Number)number);
}

static void set_number(lua_State *L, const char *key, double number)
{
    ndl_push_number(L, number);
    lua_setfield(L, -2, key);
}

int ndl_push_error(lua_State *L, const struct nd_error *err,
                   const struct nd_call *call, const struct nd_values *values,
                   const struct nd_buffer *response)
{
    lua_pushnil(L);
    lua_createtable(L, 0, 14);
    luaL_getmetatable(L, NDL_ERROR);
    lua_setmetatable(L, -2);
    ndl_set_text(L, "kind", nd_kind_name(err->kind));
    ndl_set_text(L, "name", err->name);
    ndl_set_text(L, "outcome", nd_outcome_name(err->outcome));
    ndl_set_text(L, "message", err->message);
    lua_pushboolean(L, err->retryable);
    lua_setfield(L, -2, "retryable");
    set_number(L, "reason", (double)err->reason);
    set_number(L, "http_status", (double)err->http_status);
    set_number(L, "curl_code", (double)err->curl_code);
    set_number(L, "retry_after", err->retry_after);
    if (call)
        ndl_set_text(L, "call", call->name);
    if (call && values)
        ndl_set_asked(L, call, values);
    if (response && response->length) {
        lua_pushlstring(L, response->data, response->length);
        lua_setfield(L, -2, "response");
    }
    return 2;
}
