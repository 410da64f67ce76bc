#include "call.h"

#include <string.h>

#define ND_PARAM(key, type, where, fallback)                \
    {                                                       \
        {key, ND_TYPE_##type, 0, 0, false}, where, fallback \
    }
#define ND_CALL(id, name, method, path, effect, ...) \
    {name, method, path, effect, {__VA_ARGS__}},

const struct nd_call nd_calls[] = {
#include "calls.def"
};

#undef ND_CALL
#undef ND_PARAM

static const struct {
    enum nd_call_id call;
    struct nd_reason reason;
} reasons[] = {
#define ND_REASON(call, code, name, message) \
    {ND_CALL_##call, {code, name, message}},
#include "reasons.def"
#undef ND_REASON
};

#define ND_REASONS (sizeof reasons / sizeof *reasons)

static const struct {
    enum nd_call_id call;
    struct nd_result result;
} results[] = {
#define ND_RESULT(call, where, key, form) \
    {ND_CALL_##call, {key, ND_RESULT_##where, ND_RESULT_##form}},
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

const struct nd_reason *nd_find_reason(const struct nd_call *call, long code)
{
    const struct nd_reason *reason;
    size_t i;

    for (i = 0; (reason = nd_reason_at(call, i)) != NULL; i++) {
        if (reason->code == code)
            return reason;
    }
    return NULL;
}

bool nd_complete_values(struct nd_values *values, const struct nd_call *call,
                        bool has_token, struct nd_error *err)
{
    size_t i;

    for (i = 0; call->params[i].field.key; i++) {
        const struct nd_param *param = &call->params[i];
        struct nd_value *value = &values->of[i];

        if (value->set)
            continue;
        if ((param->where & ND_BEARER) && !has_token)
            return nd_fail(err, ND_MISSING_KEY,
                           "%s is missing: give it with the call or to the "
                           "client",
                           param->field.key);
        if (param->where & ND_NEEDED)
            return nd_fail(err, ND_MISSING_KEY, "%s is missing: %s needs it",
                           param->field.key, call->name);
        if (param->fallback) {
            value->set = true;
            value->text = param->fallback;
            value->length = strlen(param->fallback);
        }
    }
    return true;
}
