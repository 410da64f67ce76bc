#include "catalogue.h"

#include "../core/call.h"
#include "values.h"

static const char *type_label(enum nd_type type)
{
    switch (type) {
    case ND_TYPE_ID:
        return "id";
    case ND_TYPE_LABEL:
        return "label";
    case ND_TYPE_TOKEN:
        return "secret";
    case ND_TYPE_WHATSAPP:
        return "number";
    case ND_TYPE_BOOLEAN:
        return "boolean";
    default:
        return "text";
    }
}

static const char *effect_label(enum nd_effect effect)
{
    static const char *const labels[] = {"erases", "reads", "signs_in"};

    return labels[effect];
}

/* Pushes the params of a call as a list. */
static void push_params(lua_State *L, const struct nd_call *call)
{
    int i;

    lua_newtable(L); /* params */
    for (i = 0; call->params[i].field.key; i++) {
        const struct nd_param *param = &call->params[i];

        lua_newtable(L); /* params, param */
        ndl_set_text(L, "name", param->field.key);
        ndl_set_text(L, "type", type_label(param->field.type));
        lua_pushboolean(L, (param->where & ND_NEEDED) != 0);
        lua_setfield(L, -2, "required");
        ndl_set_text(L, "default", param->fallback);
        lua_rawseti(L, -2, i + 1); /* params */
    }
}

/* Pushes the reasons of a call, by code and by name. */
static void push_reasons(lua_State *L, const struct nd_call *call)
{
    const struct nd_reason *reason;
    size_t i;

    lua_newtable(L); /* reasons */
    for (i = 0; (reason = nd_reason_at(call, i)) != NULL; i++) {
        lua_newtable(L); /* reasons, reason */
        lua_pushinteger(L, reason->code);
        lua_setfield(L, -2, "code");
        ndl_set_text(L, "name", reason->name);
        ndl_set_text(L, "message", reason->message);
        if (reason->assumed) {
            lua_pushboolean(L, true);
            lua_setfield(L, -2, "assumed");
        }
        lua_rawseti(L, -2, (int)reason->code); /* reasons */
        lua_pushinteger(L, reason->code);
        lua_setfield(L, -2, reason->name);
    }
}

void ndl_push_calls(lua_State *L)
{
    int i;

    lua_newtable(L); /* calls */
    for (i = 0; i < ND_CALLS; i++) {
        const struct nd_call *call = &nd_calls[i];

        if (!call->method)
            continue;
        lua_newtable(L); /* calls, call */
        ndl_set_text(L, "method", call->method);
        ndl_set_text(L, "path", call->path);
        ndl_set_text(L, "effect", effect_label(call->effect));
        push_params(L, call);
        lua_setfield(L, -2, "params");
        push_reasons(L, call);
        lua_setfield(L, -2, "reasons");
        lua_setfield(L, -2, call->name); /* calls */
    }
}

/* Sets what a name means in the table on the top, unless it is there. */
static void set_name(lua_State *L, const char *name, const char *kind,
                     const char *message)
{
    lua_getfield(L, -1, name);
    if (lua_isnil(L, -1)) {
        lua_createtable(L, 0, 2); /* names, nil, meaning */
        ndl_set_text(L, "kind", kind);
        ndl_set_text(L, "message", message);
        lua_setfield(L, -3, name);
    }
    lua_pop(L, 1); /* names */
}

void ndl_push_names(lua_State *L)
{
    const struct nd_reason *reason;
    size_t i;
    int call;

    lua_newtable(L); /* names */
#define ND_NAME(name, kind, means, advice) \
    set_name(L, #name, kind, means "; " advice);
#include "../core/names.def"
#undef ND_NAME
    for (call = 0; call < ND_CALLS; call++) {
        for (i = 0; (reason = nd_reason_at(&nd_calls[call], i)) != NULL; i++) {
            if (reason->code > 1)
                set_name(L, reason->name, nd_kind_name(ND_KIND_API),
                         reason->message);
        }
    }
}
