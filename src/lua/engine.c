#include "engine.h"

#include <poll.h>

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

bool ndl_need_engine(struct ndl_state *state, struct nd_error *err)
{
    leave_foreign_engine(state);
    if (!state->engine)
        state->engine = nd_engine_new(err);
    return state->engine != NULL;
}

struct nd_engine *ndl_usable_engine(lua_State *L)
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

/* Does a piece of work in the name of the caller that is the first
 * argument. */
static int work(lua_State *L, void (*piece)(struct nd_engine *))
{
    intptr_t caller = (intptr_t)luaL_optinteger(L, 1, 0);
    struct nd_engine *engine = ndl_usable_engine(L);

    if (engine) {
        nd_engine_set_caller(engine, caller);
        piece(engine);
        nd_engine_set_caller(engine, 0);
    }
    return push_counts(L, engine);
}

/***
Start what was submitted and may start. Less work than a step.
@function start
@tparam[opt=0] integer caller see `step`
@treturn integer how many transfers are queued or running
@treturn integer how many have ended so far
*/
static int core_start(lua_State *L)
{
    return work(L, nd_engine_start);
}

/***
Do what can be done without waiting.
@function step
@tparam[opt=0] integer caller whose own transfers may begin, too, beside those of nobody;
-1: those of all callers below zero
@treturn integer how many transfers are queued or running
@treturn integer how many have ended so far
*/
static int core_step(lua_State *L)
{
    return work(L, nd_engine_step);
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
    struct nd_engine *engine = ndl_usable_engine(L);
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

const luaL_Reg ndl_engine_functions[] = {
    {"start", core_start},
    {"step", core_step},
    {"wait", core_wait},
    {NULL, NULL},
};
