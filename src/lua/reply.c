#include "reply.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "values.h"

/* ----- reading fields of the object on the top ----- */

/* Pushes the field; null counts as absent. */
static int push_field(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, -2); /* value */
    if (lua_islightuserdata(L, -1)) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    return lua_type(L, -1);
}

static bool text_is(lua_State *L, const char *wanted)
{
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);

    return length == strlen(wanted) && strcasecmp(text, wanted) == 0;
}

enum status { STATUS_NONE, STATUS_OK, STATUS_FAIL, STATUS_OTHER };

static enum status read_status(lua_State *L)
{
    enum status status = STATUS_NONE;

    if (push_field(L, "status") == LUA_TSTRING)
        status = text_is(L, "OK")     ? STATUS_OK
                 : text_is(L, "FAIL") ? STATUS_FAIL
                                      : STATUS_OTHER;
    lua_pop(L, 1);
    return status;
}

#define REASON_ABSENT (-1)
#define REASON_INVALID (-2)

/* A larger number would not be exact on every VM, and is no code. */
static bool is_code(double whole)
{
    return whole >= 0 && whole < ND_EXACT_DOUBLE && whole <= (double)LONG_MAX;
}

/* A whole number from 0 up, or a string of its digits. */
static long read_reason(lua_State *L)
{
    long reason = REASON_INVALID;
    size_t length;
    const char *text;
    uint64_t id;
    double whole;

    switch (push_field(L, "reason")) {
    case LUA_TNIL:
        reason = REASON_ABSENT;
        break;
    case LUA_TNUMBER:
        if (ndl_to_whole(L, -1, &whole) && is_code(whole))
            reason = (long)whole;
        break;
    case LUA_TSTRING:
        text = lua_tolstring(L, -1, &length);
        if (nd_parse_id(&id, text, length) && is_code((double)id))
            reason = (long)id;
        break;
    default:
        break;
    }
    lua_pop(L, 1);
    return reason;
}

/* The value on the top is the id that was asked for.  From 2^53 up a number
 * has lost its last digits: then the doubles are compared. */
static bool is_same_id(lua_State *L, uint64_t asked)
{
    size_t length;
    const char *text;
    uint64_t id;

    if (lua_type(L, -1) == LUA_TSTRING) {
        text = lua_tolstring(L, -1, &length);
        return nd_parse_id(&id, text, length) && id == asked;
    }
    return lua_type(L, -1) == LUA_TNUMBER &&
           (double)lua_tonumber(L, -1) == (double)asked;
}

/* No echo names another value than was asked for. */
static bool echoes_agree(lua_State *L, const struct nd_request *request)
{
    const struct nd_param *param = request->call->params;
    bool agree = true;
    size_t i;

    for (i = 0; agree && param[i].field.key; i++) {
        const struct nd_value *asked = &request->values.of[i];
        int type;

        if (!(param[i].where & ND_ECHOED) || !asked->set)
            continue;
        type = push_field(L, param[i].field.key); /* echo */
        if (param[i].field.type == ND_TYPE_ID)
            agree = type == LUA_TNIL || is_same_id(L, asked->id);
        else
            agree = type != LUA_TSTRING || text_is(L, asked->text);
        lua_pop(L, 1);
    }
    return agree;
}

/* ----- the verdict ----- */

#define STATUS_OR_REASON 3u /* the bits of the first two keys */
#define IN_A_ROW 4u         /* another one */

/* Where keys stand: in the object itself, and in the objects of a list. */
#define DEPTH_TOP 1
#define DEPTH_ROWS 3

/* No call has more rows in results.def for one place. */
#define RESULTS_MAX 8

/* Adds the keys that are read of that place. */
static void add_read_keys(const char **keys, int count,
                          const struct nd_call *call, int where)
{
    const struct nd_result *result;
    int room = RESULTS_MAX;
    size_t i;

    for (i = 0; (result = nd_result_at(call, i)) != NULL; i++) {
        if ((int)result->where == where && room-- > 0)
            keys[count++] = result->key;
    }
}

/* Which of the keys that matter stand twice.  What a deletion only passes on
 * does not matter; on what the other calls read, deletions may depend. */
static unsigned int find_twice(struct nd_text text, const struct nd_call *call)
{
    const char *keys[2 + ND_PARAMS_MAX + RESULTS_MAX + 1] = {"status",
                                                             "reason"};
    const char *row_keys[RESULTS_MAX + 1] = {NULL};
    unsigned int twice;
    int count = 2;
    size_t i;

    for (i = 0; call->params[i].field.key; i++) {
        if (call->params[i].where & ND_ECHOED)
            keys[count++] = call->params[i].field.key;
    }
    if (call->effect == ND_ERASES)
        return nd_json_keys_twice(text, DEPTH_TOP, keys);
    add_read_keys(keys, count, call, ND_RESULT_TOP);
    add_read_keys(row_keys, 0, call, ND_RESULT_ROWS);
    twice = nd_json_keys_twice(text, DEPTH_TOP, keys);
    return nd_json_keys_twice(text, DEPTH_ROWS, row_keys) ? twice | IN_A_ROW
                                                          : twice;
}

static void not_a_success(struct nd_verdict *verdict, enum nd_says says,
                          const char *flaw)
{
    verdict->says = says;
    verdict->flaw = flaw;
}

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

/* The list on the top has an object in each place.  A null would leave a
 * hole, behind which rows could be missed. */
static bool is_list_of_objects(lua_State *L)
{
    bool good = lua_istable(L, -1);

    if (!good)
        return false;
    lua_pushnil(L);
    while (good && lua_next(L, -2)) { /* key, row */
        good = lua_type(L, -2) == LUA_TNUMBER && lua_istable(L, -1);
        lua_pop(L, 1);
    }
    if (!good)
        lua_pop(L, 1);
    return good;
}

/* The value on the top has, or can be given, the form. */
static bool has_form(lua_State *L, const struct nd_result *result)
{
    int type = lua_type(L, -1);

    if (result->form == ND_RESULT_LIST)
        return is_list_of_objects(L);
    if (type == LUA_TNUMBER)
        return true;
    return type == LUA_TSTRING &&
           (result->form == ND_RESULT_TEXT || push_converted(L, result));
}

/* Each field that a success of this call needs is there. */
static bool has_needed_fields(lua_State *L, const struct nd_call *call)
{
    const struct nd_result *result;
    bool has = true;
    size_t i;

    for (i = 0; has && (result = nd_result_at(call, i)) != NULL; i++) {
        int top = lua_gettop(L);

        if (!result->needed)
            continue;
        (void)push_field(L, result->key);
        has = has_form(L, result);
        lua_settop(L, top);
    }
    return has;
}

static void judge_ok(lua_State *L, const struct nd_request *request,
                     unsigned int twice, long reason,
                     struct nd_verdict *verdict)
{
    if (reason != REASON_ABSENT && reason != 1)
        not_a_success(verdict, ND_SAYS_OK_BUT,
                      "its body says OK with a reason other than 1");
    else if (!echoes_agree(L, request))
        not_a_success(verdict, ND_SAYS_OK_BUT,
                      "its body says OK about another account, server or "
                      "inbox than was asked for");
    else if (twice)
        not_a_success(verdict, ND_SAYS_OK_BUT,
                      "its body has one of the keys that matter twice");
    else if (!has_needed_fields(L, request->call))
        not_a_success(verdict, ND_SAYS_OK_BUT,
                      "its body says OK without what was asked for");
    else
        verdict->says = ND_SAYS_OK;
}

static void judge_object(lua_State *L, const struct nd_request *request,
                         unsigned int twice, struct nd_verdict *verdict)
{
    enum status status = read_status(L);
    long reason = read_reason(L);

    /* The token call's own sample has a reason only. */
    if (status == STATUS_NONE && reason == 1 &&
        request->call->effect == ND_SIGNS_IN)
        status = STATUS_OK;
    if (twice & STATUS_OR_REASON) {
        not_a_success(verdict, ND_SAYS_OK_BUT,
                      "its body has status or reason twice");
    } else if (status == STATUS_OK) {
        judge_ok(L, request, twice, reason, verdict);
    } else if (status == STATUS_FAIL && reason > 1) {
        verdict->says = ND_SAYS_FAIL;
        verdict->reason = reason;
    } else {
        not_a_success(verdict, ND_SAYS_NOTHING,
                      status == STATUS_FAIL
                          ? "its body says FAIL without a reason above 1"
                      : status == STATUS_NONE
                          ? "its body has no status"
                          : "its body's status is neither OK nor FAIL");
    }
}

void ndl_judge_reply(lua_State *L, int decoder,
                     const struct nd_transfer *transfer,
                     struct nd_buffer *scratch, struct nd_verdict *verdict)
{
    const struct nd_request *request = &transfer->request;
    const struct nd_buffer *body = &transfer->answer.body;
    struct nd_text text =
        nd_json_trim(body->data ? body->data : "", body->length);

    verdict->reason = ND_UNSET;
    verdict->flaw = "";
    if (ndl_read_flat_object(L, text)) { /* object */
        judge_object(L, request, 0, verdict);
    } else if (ndl_decode_object(L, decoder, &text, scratch)) { /* object */
        judge_object(L, request, find_twice(text, request->call), verdict);
    } else {
        not_a_success(verdict, ND_SAYS_NOTHING,
                      "its body is not one JSON object and nothing else");
        lua_pushnil(L);
    }
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
    if (push_field(L, "list") == LUA_TTABLE) { /* list */
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
    bool kept = push_field(L, "server") == LUA_TSTRING; /* server */

    lua_insert(L, -2); /* server, result */
    ndl_set_asked(L, request->call, &request->values);
    lua_insert(L, -2); /* result, server */
    if (kept)
        lua_setfield(L, -2, "server");
    else
        lua_pop(L, 1);
}

void ndl_make_result(lua_State *L, const struct nd_transfer *transfer)
{
    const struct nd_call *call = transfer->request.call;
    const struct nd_result *result;
    size_t i;

    tidy_values(L);
    for (i = 0; (result = nd_result_at(call, i)) != NULL; i++) {
        if (result->where == ND_RESULT_TOP)
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
