#include "transfer.h"

#include "../core/outcome.h"
#include "../core/redact.h"
#include "../core/verdict.h"
#include "engine.h"
#include "reply.h"
#include "values.h"

const char ndl_transfer_type[] = "ninedig.transfer";

/* Bytes of a body that an error shows. */
#define NDL_RESPONSE_MAX 4096

/* Bytes of a request that is shown. */
#define NDL_SHOWN_MAX 65536

struct ndl_transfer {
    struct ndl_native native;
    struct nd_transfer transfer;
    struct nd_buffer scratch; /* here, so that no Lua error leaks it */
};

#define DECODER lua_upvalueindex(2)

static struct ndl_transfer *check_transfer(lua_State *L)
{
    return ndl_check_native(L, 1, ndl_transfer_type);
}

static void clean_transfer(struct ndl_native *native)
{
    struct ndl_transfer *object = (struct ndl_transfer *)native;

    nd_engine_cancel(&object->transfer);
    nd_transfer_free(&object->transfer);
    nd_buffer_free(&object->scratch);
}

struct nd_transfer *ndl_new_transfer(lua_State *L)
{
    struct ndl_transfer *object =
        ndl_new_native(L, sizeof *object, ndl_transfer_type, clean_transfer);

    return object ? &object->transfer : NULL;
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
    struct nd_engine *engine = ndl_usable_engine(L);

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
@tparam[opt=0] integer caller who alone may begin it, see `step`; 0: anybody
*/
static int core_submit(lua_State *L)
{
    lua_Number waited = luaL_optnumber(L, 2, 0);
    lua_Integer caller = luaL_optinteger(L, 3, 0);
    struct nd_transfer *transfer = &check_transfer(L)->transfer;

    transfer->timeout_ms -= (long)(waited * 1000);
    transfer->caller = (intptr_t)caller;
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
Whether the service may have a transfer's request.
@function is_sent
@tparam userdata transfer
@treturn boolean
*/
static int core_is_sent(lua_State *L)
{
    lua_pushboolean(L, check_transfer(L)->transfer.answer.sent);
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

    if (object->transfer.state == ND_TRANSFER_READY) {
        object->transfer.state = ND_TRANSFER_DONE;
        object->transfer.answer.fault = ND_FAULT_CANCELLED;
    }
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
        ndl_push_result(L, DECODER, transfer, &verdict, &secrets,
                        &object->scratch);
        lua_pushnil(L);
        lua_pushinteger(L, (lua_Integer)answer->http_status);
        results = 3;
    } else {
        results = push_failure(L, object, &err, &secrets);
    }
    ndl_release(L, 1);
    return results;
}

const luaL_Reg ndl_transfer_functions[] = {
    {"show", core_show},       {"patience", core_patience},
    {"submit", core_submit},   {"carry_out", core_carry_out},
    {"is_done", core_is_done}, {"is_sent", core_is_sent},
    {"cancel", core_cancel},   {"facts", core_facts},
    {"finish", core_finish},   {NULL, NULL},
};
