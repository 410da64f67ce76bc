#include "objects.h"

#include <stdlib.h>
#include <string.h>

#define NDL_STATE "ninedig.state" /* in the registry */
#define NDL_STATE_TYPE "ninedig.state.type"

/* The userdata itself. */
struct ndl_object {
    struct ndl_state *state;
    struct ndl_native *native; /* NULL before and after its life */
};

static void new_metatable(lua_State *L, const char *type, lua_CFunction gc)
{
    luaL_newmetatable(L, type);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "ninedig");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

/* The userdata first, zeroed and with its metatable: from then on an error
 * on any path frees what it has acquired. */
static void *new_object(lua_State *L, size_t size, const char *type)
{
    void *object = lua_newuserdata(L, size);

    memset(object, 0, size);
    luaL_getmetatable(L, type);
    lua_setmetatable(L, -2);
    return object;
}

/* ----- objects ----- */

void *ndl_new_native(lua_State *L, size_t size, const char *type,
                     void (*clean)(struct ndl_native *native))
{
    struct ndl_state *state = ndl_state_of(L);
    struct ndl_object *object = new_object(L, sizeof *object, type);
    struct ndl_native *native = calloc(1, size);

    if (!native)
        return NULL;
    native->state = state;
    native->clean = clean;
    native->after = state->natives;
    if (native->after)
        native->after->before = native;
    state->natives = native;
    state->alive++;
    object->state = state;
    object->native = native;
    return native;
}

static void free_native(struct ndl_native *native)
{
    struct ndl_state *state = native->state;

    native->clean(native);
    if (native->before)
        native->before->after = native->after;
    else
        state->natives = native->after;
    if (native->after)
        native->after->before = native->before;
    state->alive--;
    free(native);
}

/* luaL_checkudata asks the registry, by name, each time. */
static bool is_known(lua_State *L, int index, const char *type)
{
    const struct ndl_state *state = ndl_state_of(L);
    const void *metatable;
    int i;

    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return false;
    metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    for (i = 0; i < state->type_count; i++) {
        if (state->types[i].metatable == metatable)
            return state->types[i].name == type;
    }
    return false;
}

void *ndl_check_native(lua_State *L, int index, const char *type)
{
    struct ndl_object *object = is_known(L, index, type)
                                    ? lua_touserdata(L, index)
                                    : luaL_checkudata(L, index, type);

    luaL_argcheck(L, object->native && !object->state->closed, index,
                  "finished before");
    return object->native;
}

void ndl_release(lua_State *L, int index)
{
    struct ndl_object *object = lua_touserdata(L, index);

    if (object->native && !object->state->closed)
        free_native(object->native);
    object->native = NULL;
}

static int object_gc(lua_State *L)
{
    ndl_release(L, 1);
    return 0;
}

void ndl_new_type(lua_State *L, struct ndl_state *state, const char *type)
{
    int i = 0;

    new_metatable(L, type, object_gc);
    while (i < state->type_count && strcmp(state->types[i].name, type) != 0)
        i++;
    if (i == NDL_TYPES_MAX) /* it is found by its name alone */
        return;
    luaL_getmetatable(L, type);
    state->types[i].name = type;
    state->types[i].metatable = lua_topointer(L, -1);
    state->type_count = i < state->type_count ? state->type_count : i + 1;
    lua_pop(L, 1);
}

/* ----- the state ----- */

static int state_gc(lua_State *L)
{
    struct ndl_state *state = lua_touserdata(L, 1);
    struct ndl_native *native = state->natives;

    while (native) {
        struct ndl_native *after = native->after;

        free_native(native);
        native = after;
    }
    state->closed = true;
    nd_engine_free(state->engine);
    state->engine = NULL;
    return 0;
}

void ndl_push_state(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, NDL_STATE); /* state */
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    new_metatable(L, NDL_STATE_TYPE, state_gc);
    (void)new_object(L, sizeof(struct ndl_state), NDL_STATE_TYPE);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, NDL_STATE);
}

struct ndl_state *ndl_state_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

bool ndl_is_open(lua_State *L, struct nd_error *err)
{
    return !ndl_state_of(L)->closed ||
           nd_fail(err, "STATE_CLOSED", "the Lua state is being closed");
}
