/*
 * ninedig.core: what the Lua layer is given of the C core.  A call is
 * prepare, carry_out (or submit, then steps until it is done), and finish.
 */
#include <poll.h>
#include <string.h>

#include "../core/call.h"
#include "../core/clock.h"
#include "../core/connection.h"
#include "../core/engine.h"
#include "../core/outcome.h"
#include "../core/redact.h"
#include "../core/settings.h"
#include "../core/stay.h"
#include "../core/verdict.h"
#include "../core/version.h"
#include "catalogue.h"
#include "json.h"
#include "objects.h"
#include "params.h"
#include "reply.h"
#include "values.h"
#include "yield.h"

static const char settings_type[] = "ninedig.settings";
static const char transfer_type[] = "ninedig.transfer";

/* Bytes of a body that an error shows. */
#define NDL_RESPONSE_MAX 4096

/* Bytes of a request that is shown. */
#define NDL_SHOWN_MAX 65536

struct ndl_settings {
    struct ndl_native native;
    struct nd_settings *settings; /* NULL until it is filled */
};

struct ndl_transfer {
    struct ndl_native native;
    struct nd_transfer transfer;
    struct nd_buffer scratch; /* here, so that no Lua error leaks it */
};

#define DECODER lua_upvalueindex(2)

/* ----- the engine ----- */

/* In a child of the process that made it, the engine is left, and what was
 * under way ends for this process. */
static void leave_foreign_engine(struct ndl_state *state)
{
    struct nd_engine *engine = state->engine;

    if (!engine || !nd_engine_is_foreign(engine))
        return;
    state->ended_before +=
        nd_engine_ended(engine) + nd_engine_in_flight(engine);
    nd_engine_free(engine);
    state->engine = NULL;
}

static bool need_engine(struct ndl_state *state, struct nd_error *err)
{
    leave_foreign_engine(state);
    if (!state->engine)
        state->engine = nd_engine_new(err);
    return state->engine != NULL;
}

/* The engine if there is one that this process may use. */
static struct nd_engine *usable_engine(lua_State *L)
{
    leave_foreign_engine(ndl_state_of(L));
    return ndl_state_of(L)->engine;
}

/* Pushes how many transfers are under way and how many have ended. */
static int push_counts(lua_State *L, const struct nd_engine *engine)
{
    size_t in_flight = engine ? nd_engine_in_flight(engine) : 0;
    size_t ended = ndl_state_of(L)->ended_before;

    if (engine)
        ended += nd_engine_ended(engine);
    lua_pushinteger(L, (lua_Integer)in_flight);
    lua_pushinteger(L, (lua_Integer)ended);
    return 2;
}

/***
Start what was submitted and may start. Less work than a step.
@function start
@treturn integer how many transfers are queued or running
@treturn integer how many have ended so far
*/
static int core_start(lua_State *L)
{
    struct nd_engine *engine = usable_engine(L);

    if (engine)
        nd_engine_start(engine);
    return push_counts(L, engine);
}

/***
Do what can be done without waiting.
@function step
@treturn integer how many transfers are queued or running
@treturn integer how many have ended so far
*/
static int core_step(lua_State *L)
{
    struct nd_engine *engine = usable_engine(L);

    if (engine)
        nd_engine_step(engine);
    return push_counts(L, engine);
}

/***
Block until there is something to do, and do it. Without an engine, which a
child of the process that made it has not yet, there never is.
@function wait
@tparam number seconds at most
@tparam[opt] integer fd something to read there ends it, too
@treturn integer how many transfers are queued or running
@treturn integer how many have ended so far
*/
static int core_wait(lua_State *L)
{
    struct nd_engine *engine = usable_engine(L);
    long ms = (long)(luaL_checknumber(L, 1) * 1000 + 0.999);
    struct pollfd bell = {(int)luaL_optinteger(L, 2, -1), POLLIN, 0};

    if (engine && !nd_engine_set_bell(engine, bell.fd))
        return ndl_out_of_memory(L);
    if (engine)
        nd_engine_wait(engine, ms);
    else
        (void)poll(&bell, 1, (int)ms);
    return push_counts(L, engine);
}

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

/* ----- transfers ----- */

static struct ndl_transfer *check_transfer(lua_State *L)
{
    return ndl_check_native(L, 1, transfer_type);
}

static void clean_transfer(struct ndl_native *native)
{
    struct ndl_transfer *object = (struct ndl_transfer *)native;

    nd_engine_cancel(&object->transfer);
    nd_transfer_free(&object->transfer);
    nd_buffer_free(&object->scratch);
}

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
 * call's name, its params, and as the fifth a token for a call that is given
 * none.  The texts of values stay Lua's, and on the stack.
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
    token = luaL_optlstring(L, 5, NULL, &length);
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
@tparam table reserve the error to be raised if memory runs out
@tparam[opt] string token for a call that is given none
@tparam[opt] number seconds for the transfer, in place of the client's
`timeout`
@treturn[1] userdata the transfer
@treturn[2] nil
@treturn[2] table an error
*/
static int core_prepare(lua_State *L)
{
    const struct ndl_settings *settings;
    struct ndl_transfer *object;
    const struct nd_call *call;
    struct nd_values values;
    struct nd_error err;

    if (!read_call(L, &settings, &call, &values, &err) ||
        !need_engine(ndl_state_of(L), &err))
        return ndl_push_error(L, &err, call, &values, NULL);
    luaL_argcheck(L, call->method, 2, "not a call of the service");
    object = ndl_new_native(L, sizeof *object, transfer_type, clean_transfer);
    if (!object) /* transfer */
        nd_fail_memory(&err);
    if (!object || !nd_transfer_init(&object->transfer, call, &values,
                                     settings->settings, &err))
        return ndl_push_error(L, &err, call, &values, NULL);
    if (!lua_isnoneornil(L, 6))
        object->transfer.timeout_ms = (long)(luaL_checknumber(L, 6) * 1000);
    fill_reserve(L, 4, &object->transfer.request);
    return 1;
}

/***
Check a call without preparing it.
@function check
@tparam userdata settings
@tparam string name of the call or task
@tparam table params
@param unused
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
    lua_newtable(L);
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

/***
What a prepared transfer would send, for a person to look at.
@function show
@tparam userdata transfer
@treturn string method and URL, header lines, an empty line, the body; the
token is redacted
*/
static int core_show(lua_State *L)
{
    struct ndl_transfer *object = check_transfer(L);
    struct nd_buffer *text = &object->scratch;

    nd_buffer_free(text);
    nd_buffer_init(text, NDL_SHOWN_MAX);
    if (!nd_request_show(&object->transfer.request, text))
        return ndl_out_of_memory(L);
    lua_pushlstring(L, text->data, text->length);
    return 1;
}

/* Hands the transfer at the bottom to the engine. */
static struct nd_transfer *submit(lua_State *L)
{
    struct nd_transfer *transfer = &check_transfer(L)->transfer;
    struct nd_engine *engine = usable_engine(L);

    luaL_argcheck(L, transfer->state == ND_TRANSFER_READY && engine, 1,
                  "not ready");
    nd_engine_submit(engine, transfer);
    return transfer;
}

/***
Seconds within which a prepared transfer has to have begun.
@function patience
@tparam userdata transfer
@treturn number
*/
static int core_patience(lua_State *L)
{
    const struct nd_transfer *transfer = &check_transfer(L)->transfer;
    long ms = transfer->request.settings->connect_timeout_ms;

    if (transfer->timeout_ms < ms)
        ms = transfer->timeout_ms;
    lua_pushnumber(L, (lua_Number)ms / 1000);
    return 1;
}

/***
Hand a prepared transfer to the engine. From then on it may be sent.
@function submit
@tparam userdata transfer
@tparam[opt=0] number waited seconds of its time that are over
*/
static int core_submit(lua_State *L)
{
    lua_Number waited = luaL_optnumber(L, 2, 0);

    check_transfer(L)->transfer.timeout_ms -= (long)(waited * 1000);
    (void)submit(L);
    return 0;
}

/***
The same, and block until it has ended; others go on meanwhile.
@function carry_out
@tparam userdata transfer
*/
static int core_carry_out(lua_State *L)
{
    const struct nd_transfer *transfer = submit(L);

    while (transfer->engine)
        nd_engine_wait(transfer->engine, 1000);
    return 0;
}

/***
Whether a transfer has ended.
@function is_done
@tparam userdata transfer
@treturn boolean
*/
static int core_is_done(lua_State *L)
{
    struct ndl_transfer *object = check_transfer(L);

    lua_pushboolean(L, object->transfer.state == ND_TRANSFER_DONE);
    return 1;
}

/***
Give a transfer up. It is then done; the service may still carry it out.
@function cancel
@tparam userdata transfer
@treturn boolean the request may have been sent
*/
static int core_cancel(lua_State *L)
{
    struct ndl_transfer *object = check_transfer(L);

    if (object->transfer.state == ND_TRANSFER_READY)
        object->transfer.state = ND_TRANSFER_DONE;
    nd_engine_cancel(&object->transfer);
    lua_pushboolean(L, object->transfer.answer.sent);
    return 1;
}

/***
What is known of a transfer that has ended, besides its result.
@function facts
@tparam userdata transfer
@treturn ?integer HTTP status
@treturn ?integer the service's own time, in seconds since 1970
@treturn ?number seconds until a new connection was ready
@treturn boolean it went on a connection that was kept
*/
static int core_facts(lua_State *L)
{
    const struct nd_answer *answer = &check_transfer(L)->transfer.answer;

    lua_settop(L, 0);
    ndl_push_number(L, (double)answer->http_status);
    ndl_push_number(L, (double)nd_answer_date(answer));
    ndl_push_number(L, answer->connect_seconds);
    lua_pushboolean(L, answer->reused);
    return 4;
}

/* Pushes the error of a transfer, and returns 2. */
static int push_failure(lua_State *L, struct ndl_transfer *object,
                        const struct nd_error *err,
                        const struct nd_secrets *secrets)
{
    const struct nd_request *request = &object->transfer.request;
    const struct nd_buffer *body = &object->transfer.answer.body;
    struct nd_buffer *response = &object->scratch;

    nd_buffer_free(response);
    nd_buffer_init(response, NDL_RESPONSE_MAX);
    if (body->length &&
        !nd_redact(response, body->data, body->length, secrets))
        return ndl_out_of_memory(L);
    return ndl_push_error(L, err, request->call, &request->values, response);
}

/***
The result of a transfer that has ended, which is freed.
@function finish
@tparam userdata transfer
@treturn[1] table the result
@treturn[1] nil
@treturn[1] integer HTTP status
@treturn[2] nil
@treturn[2] table an error
@raise where memory is out; the transfer is then as it was
*/
static int core_finish(lua_State *L)
{
    struct ndl_transfer *object = check_transfer(L);
    const struct nd_transfer *transfer = &object->transfer;
    const struct nd_request *request = &transfer->request;
    const struct nd_answer *answer = &transfer->answer;
    struct nd_secrets secrets = {.count = 0};
    struct nd_verdict verdict;
    struct nd_error err;
    int results;

    luaL_argcheck(L, transfer->state == ND_TRANSFER_DONE, 1, "not done");
    nd_judge(&verdict, request->call, &request->values, answer->http_status,
             answer->body.data, answer->body.length);
    nd_secrets_add_request(&secrets, request);
    if (nd_outcome(&err, request->call, answer, &verdict, &secrets)) {
        ndl_push_result(L, DECODER, transfer, &verdict, &object->scratch);
        lua_pushnil(L);
        lua_pushinteger(L, (lua_Integer)answer->http_status);
        results = 3;
    } else {
        results = push_failure(L, object, &err, &secrets);
    }
    ndl_release(L, 1);
    return results;
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
    {"settings", core_settings},
    {"check", core_check},
    {"prepare", core_prepare},
    {"show", core_show},
    {"patience", core_patience},
    {"submit", core_submit},
    {"start", core_start},
    {"step", core_step},
    {"wait", core_wait},
    {"carry_out", core_carry_out},
    {"is_done", core_is_done},
    {"cancel", core_cancel},
    {"facts", core_facts},
    {"finish", core_finish},
    {"read_object", ndl_read_object},
    {"monotonic", core_monotonic},
    {"alive", core_alive},
    {"can_yield", core_can_yield},
    {NULL, NULL},
};

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
    ndl_new_type(L, lua_touserdata(L, -1), transfer_type);
    ndl_push_decoder(L);
    ndl_set_functions(L, functions, 2); /* core */
    lua_pushliteral(L, ND_VERSION);
    lua_setfield(L, -2, "version");
    luaL_newmetatable(L, NDL_ERROR);
    lua_setfield(L, -2, "error_metatable");
    ndl_push_calls(L);
    lua_setfield(L, -2, "calls");
    ndl_push_names(L);
    lua_setfield(L, -2, "names");
    ndl_push_options(L);
    lua_setfield(L, -2, "options");
    return 1;
}
