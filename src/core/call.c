#include "call.h"

#include <string.h>

#define ND_PARAM(key, type, where, fallback)                \
    {                                                       \
        {key, ND_TYPE_##type, 0, 0, false}, where, fallback \
    }
#define ND_COUNT_PARAM(key, min, max)                  \
    {                                                  \
        {key, ND_TYPE_COUNT, min, max, false}, 0, NULL \
    }
#define ND_RATE_PARAM(key, max)                      \
    {                                                \
        {key, ND_TYPE_NUMBER, 0, max, true}, 0, NULL \
    }
#define ND_CALL(id, name, method, path, effect, ...) \
    {name, method, path, effect, {__VA_ARGS__}},
#define ND_TASK(id, name, ...) {name, NULL, NULL, ND_READS, {__VA_ARGS__}},

const struct nd_call nd_calls[] = {
#include "calls.def"
};

#undef ND_CALL
#undef ND_TASK
#undef ND_PARAM
#undef ND_COUNT_PARAM
#undef ND_RATE_PARAM

static const struct {
    enum nd_call_id call;
    struct nd_reason reason;
} reasons[] = {
#define ND_REASON(call, code, name, message) \
    {ND_CALL_##call, {code, name, message, false}},
#define ND_ASSUMED_REASON(call, code, name, message) \
    {ND_CALL_##call, {code, name, message, true}},
#include "reasons.def"
#undef ND_REASON
#undef ND_ASSUMED_REASON
};

#define ND_REASONS (sizeof reasons / sizeof *reasons)

static const struct {
    enum nd_call_id call;
    struct nd_result result;
} results[] = {
#define ND_RESULT(call, where, key, form, needed) \
    {ND_CALL_##call, {key, ND_RESULT_##where, ND_RESULT_##form, needed}},
#include "results.def"
#undef ND_RESULT
};

#define ND_RESULTS (sizeof results / sizeof *results)

const struct nd_call *nd_find_call(const char *name)
{
    size_t i;

    for (i = 0; i < ND_CALLS; i++) {
        if (strcmp(nd_calls[i].name, name) == 0)
            return &nd_calls[i];
    }
    return NULL;
}

const struct nd_reason *nd_reason_at(const struct nd_call *call, size_t index)
{
    size_t i;

    for (i = 0; i < ND_REASONS; i++) {
        if (call == &nd_calls[reasons[i].call] && index-- == 0)
            return &reasons[i].reason;
    }
    return NULL;
}

const struct nd_result *nd_result_at(const struct nd_call *call, size_t index)
{
    size_t i;

    for (i = 0; i < ND_RESULTS; i++) {
        if (call == &nd_calls[results[i].call] && index-- == 0)
            return &results[i].result;
    }
    return NULL;
}

bool nd_call_brings_list(const struct nd_call *call)
{
    const struct nd_result *result;
    size_t i;

    for (i = 0; (result = nd_result_at(call, i)) != NULL; i++) {
        if (result->form == ND_RESULT_LIST)
            return true;
    }
    return false;
}

const struct nd_reason *nd_find_reason(const struct nd_call *call,
                                       int64_t code)
{
    const struct nd_reason *reason;
    size_t i;

    for (i = 0; (reason = nd_reason_at(call, i)) != NULL; i++) {
        if (reason->code == code)
            return reason;
    }
    return NULL;
}

/* Where what is missing could have come from. */
static const char *places(const struct nd_param *param)
{
    if (!(param->where & ND_FROM_CLIENT))
        return "";
    if (!(param->where & ND_BEARER))
        return ", from the call or the client";
    return ", from the call or the client; or give the client client_id and "
           "client_secret";
}

bool nd_complete_values(struct nd_values *values, const struct nd_call *call,
                        const struct nd_settings *settings,
                        struct nd_error *err)
{
    size_t i;

    for (i = 0; call->params[i].field.key; i++) {
        const struct nd_param *param = &call->params[i];
        const char *key = param->field.key;
        bool from_client = param->where & ND_FROM_CLIENT;
        struct nd_value *value = &values->of[i];

        if (value->set)
            continue;
        value->text =
            from_client ? nd_settings_text(settings, key) : param->fallback;
        value->set = value->text != NULL;
        value->length = value->set ? strlen(value->text) : 0;
        if (!value->set && (param->where & ND_NEEDED))
            return nd_fail(err, "MISSING_KEY", "%s is missing: %s needs it%s",
                           key, call->name, places(param));
    }
    return true;
}
