#include "json.h"

#include <string.h>

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
