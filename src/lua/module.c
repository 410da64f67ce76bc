/*
 * ninedig.core: what the Lua layer is given of the C core.  A call is
 * prepare, carry_out (or submit, then steps until it is done), and finish.
 */
#include <string.h>

#include "../core/call.h"
#include "../core/clock.h"
#include "../core/connection.h"
#include "../core/redact.h"
#include "../core/settings.h"
#include "../core/stay.h"
#include "../core/version.h"
#include "catalogue.h"
#include "engine.h"
#include "json.h"
#include "objects.h"
#include "params.h"
#include "transfer.h"
#include "values.h"
#include "yield.h"

static const char settings_type[] = "ninedig.settings";

struct ndl_settings {
    struct ndl_native native;
    struct nd_settings *settings; /* NULL until it is filled */
};

/***
Settings and transfers that are not collected yet.
@function alive
@treturn integer
*/
static int core_alive(lua_State *L)
{
    lua_pushinteger(L, ndl_state_of(L)->alive);
    return 1;
}

/* ----- settings ----- */

static void clean_settings(struct ndl_native *native)
{
    nd_settings_drop(((struct ndl_settings *)native)->settings);
}

/***
Check a table of options.
@function settings
@tparam[opt] table options
@treturn[1] userdata settings
@treturn[1] number seconds that a call may take
@treturn[2] nil
@treturn[2] table an error
*/
static int core_settings(lua_State *L)
{
    const struct nd_field *fields[ND_OPTIONS + 1];
    struct nd_value values[ND_OPTIONS];
    struct ndl_settings *object;
    struct nd_error err;
    int i;

    for (i = 0; i <= ND_OPTIONS; i++)
        fields[i] = nd_options[i].key ? &nd_options[i] : NULL;
    memset(values, 0, sizeof values);
    if (!ndl_is_open(L, &err) ||
        (!lua_isnoneornil(L, 1) &&
         !ndl_read_table(L, 1, "options", fields, values, &err)))
        return ndl_push_error(L, &err, NULL, NULL, NULL);
    object = ndl_new_native(L, sizeof *object, settings_type, clean_settings);
    if (object) /* settings */
        object->settings = nd_settings_new(values, &err);
    else
        nd_fail_memory(&err);
    if (!object || !object->settings)
        return ndl_push_error(L, &err, NULL, NULL, NULL);
    lua_pushnumber(L, (lua_Number)object->settings->timeout_ms / 1000);
    return 2;
}

/* ----- calls ----- */

/* The token that a session has, where the caller gave none. */
static void set_token(struct nd_values *values, const struct nd_call *call,
                      const char *token, size_t length)
{
    size_t i;

    for (i = 0; call->params[i].field.key; i++) {
        struct nd_value *value = &values->of[i];

        if (!token || value->set || !(call->params[i].where & ND_BEARER))
            continue;
        value->set = true;
        value->text = token;
        value->length = length;
    }
}

/*
 * Reads the arguments that prepare and check have in common: settings, the
 * call's name, its params, and a token for a call that is given none.  The
 * texts of values stay Lua's, and on the stack.
 */
static bool read_call(lua_State *L, const struct ndl_settings **settings,
                      const struct nd_call **call, struct nd_values *values,
                      struct nd_error *err)
{
    const struct nd_field *fields[ND_PARAMS_MAX + 1];
    const char *token;
    size_t length;
    int i;

    lua_settop(L, 6); /* more is pushed above */
    *call = nd_find_call(luaL_checkstring(L, 2));
    memset(values, 0, sizeof *values);
    if (!ndl_is_open(L, err))
        return false;
    *settings = ndl_check_native(L, 1, settings_type);
    if (!*call)
        return nd_fail(err, "UNKNOWN_CALL", "there is no such call");
    token = luaL_optlstring(L, 4, NULL, &length);
    for (i = 0; i <= ND_PARAMS_MAX; i++)
        fields[i] =
            (*call)->params[i].field.key ? &(*call)->params[i].field : NULL;
    if (!ndl_read_table(L, 3, (*call)->name, fields, values->of, err))
        return false;
    set_token(values, *call, token, length);
    return nd_complete_values(values, *call, (*settings)->settings, err);
}

/* Writes what was asked for into the error that is kept in reserve, at
 * index: later there may be no memory to do so. */
static void fill_reserve(lua_State *L, int index,
                         const struct nd_request *request)
{
    lua_pushvalue(L, index);
    lua_pushstring(L, request->call->name);
    lua_setfield(L, -2, "call");
    ndl_set_asked(L, request->call, &request->values);
    lua_pop(L, 1);
}

/***
Check and render a call. Nothing is sent, and the engine does not know of it.
@function prepare
@tparam userdata settings
@tparam string name of the call, as in `calls`
@tparam table params
@tparam[opt] string token for a call that is given none
@tparam table reserve the error to be raised if memory runs out
@tparam[opt] number seconds for the transfer, in place of the client's
`timeout`
@treturn[1] userdata the transfer
@treturn[2] nil
@treturn[2] table an error
*/
static int core_prepare(lua_State *L)
{
    const struct ndl_settings *settings;
    struct nd_transfer *transfer;
    const struct nd_call *call;
    struct nd_values values;
    struct nd_error err;

    if (!read_call(L, &settings, &call, &values, &err) ||
        !ndl_need_engine(ndl_state_of(L), &err))
        return ndl_push_error(L, &err, call, &values, NULL);
    luaL_argcheck(L, call->method, 2, "not a call of the service");
    transfer = ndl_new_transfer(L);
    if (!transfer)
        nd_fail_memory(&err);
    if (!transfer ||
        !nd_transfer_init(transfer, call, &values, settings->settings, &err))
        return ndl_push_error(L, &err, call, &values, NULL);
    if (!lua_isnoneornil(L, 6))
        transfer->timeout_ms = (long)(luaL_checknumber(L, 6) * 1000);
    fill_reserve(L, 5, &transfer->request);
    return 1;
}

/***
Check a call without preparing it.
@function check
@tparam userdata settings
@tparam string name of the call or task
@tparam table params
@tparam[opt] string token as for `prepare`
@treturn[1] table the params as they were understood, but for secrets
@treturn[2] nil
@treturn[2] table an error
*/
static int core_check(lua_State *L)
{
    const struct ndl_settings *settings;
    const struct nd_call *call;
    struct nd_values values;
    struct nd_error err;

    if (!read_call(L, &settings, &call, &values, &err))
        return ndl_push_error(L, &err, call, &values, NULL);
    lua_createtable(L, 0, 4); /* most have no more params */
    ndl_set_values(L, call, &values);
    return 1;
}

/***
Seconds of a clock that is never set back.
@function monotonic
@treturn number
*/
static int core_monotonic(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)nd_clock_ms() / 1000);
    return 1;
}

/* Bytes of a text that is shown. */
#define NDL_SHOWN_MAX 1024

/* Copies what may be shown of a text; false where memory is out. */
static bool copy_shown(char *shown, const char *text, size_t length,
                       const struct nd_secrets *secrets)
{
    struct nd_buffer safe;
    bool good;

    nd_buffer_init(&safe, NDL_SHOWN_MAX);
    good = nd_redact(&safe, text, length, secrets) && safe.length;
    memcpy(shown, good ? safe.data : "", good ? safe.length + 1 : 1);
    nd_buffer_free(&safe);
    return good || !length;
}

/***
What may be shown of a text that has something from outside in it: at most
1024 bytes, without secrets.
@function redact
@tparam userdata settings whose secrets are hidden
@tparam string text
@tparam table tokens a list of what else is hidden
@treturn string
*/
static int core_redact(lua_State *L)
{
    const struct ndl_settings *settings =
        ndl_check_native(L, 1, settings_type);
    struct nd_secrets secrets = {.count = 0};
    char shown[NDL_SHOWN_MAX + 1];
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    int i;

    luaL_checktype(L, 3, LUA_TTABLE);
    ndl_need_stack(L, ND_SECRETS_MAX);
    nd_secrets_add_settings(&secrets, settings->settings);
    for (i = 1; secrets.count < ND_SECRETS_MAX; i++) {
        lua_rawgeti(L, 3, i); /* a token, and so on */
        if (lua_type(L, -1) != LUA_TSTRING)
            break;
        nd_secrets_add(&secrets, lua_tostring(L, -1));
    }
    if (!copy_shown(shown, text, length, &secrets))
        return ndl_out_of_memory(L);
    lua_pushstring(L, shown);
    return 1;
}

/***
Whether a key is named like a secret.
@function is_secret_name
@tparam string key
@treturn boolean
*/
static int core_is_secret_name(lua_State *L)
{
    size_t length;
    const char *key = luaL_checklstring(L, 1, &length);

    lua_pushboolean(L, nd_is_secret_name(key, length));
    return 1;
}

/***
Whether the caller could yield.
@function can_yield
@treturn boolean
*/
static int core_can_yield(lua_State *L)
{
    return ndl_push_can_yield(L);
}

/* ----- opening ----- */

static const luaL_Reg functions[] = {
    {"settings", core_settings},   {"check", core_check},
    {"prepare", core_prepare},     {"read_object", ndl_read_object},
    {"monotonic", core_monotonic}, {"alive", core_alive},
    {"can_yield", core_can_yield}, {"is_secret_name", core_is_secret_name},
    {"redact", core_redact},       {NULL, NULL},
};

/* Adds functions to the module, which is below their upvalues: the state and
 * the decoder of answers. */
static void add_functions(lua_State *L, const luaL_Reg *some)
{
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3); /* core, state, decoder, core, state, decoder */
    ndl_set_functions(L, some, 2);
    lua_pop(L, 1);
}

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int luaopen_ninedig_core(lua_State *L);

int luaopen_ninedig_core(lua_State *L)
{
    struct nd_error err;

    if (!nd_connection_check_libcurl(&err))
        return luaL_error(L, "ninedig: %s", err.message);
    nd_stay_loaded();
    lua_newtable(L); /* core */
    ndl_push_state(L);
    ndl_new_type(L, lua_touserdata(L, -1), settings_type);
    ndl_new_type(L, lua_touserdata(L, -1), ndl_transfer_type);
    ndl_push_decoder(L); /* core, state, decoder */
    add_functions(L, functions);
    add_functions(L, ndl_engine_functions);
    add_functions(L, ndl_transfer_functions);
    lua_pop(L, 2); /* core */
    lua_pushliteral(L, ND_VERSION);
    lua_setfield(L, -2, "version");
    luaL_newmetatable(L, NDL_ERROR);
    lua_setfield(L, -2, "error_metatable");
    ndl_push_calls(L);
    lua_setfield(L, -2, "calls");
    ndl_push_names(L);
    lua_setfield(L, -2, "names");
    return 1;
}
