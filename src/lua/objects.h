/* What is one in a Lua state, and the life of the native memory that its
 * objects have. */
#ifndef NDL_OBJECTS_H
#define NDL_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "../core/engine.h"
#include "../core/error.h"
#include "compat.h"

#define NDL_TYPES_MAX 2

/* The first upvalue of every function of the module. */
struct ndl_state {
    struct nd_engine *engine;   /* NULL until it is needed */
    size_t ended_before;        /* transfers of engines that were left */
    struct ndl_native *natives; /* a list */
    int alive;                  /* how many natives, for leak checks */
    bool closed;                /* the Lua state is being closed */
    struct {
        const char *name;
        const void *metatable; /* to know an object of it fast */
    } types[NDL_TYPES_MAX];
    int type_count;
};

/*
 * What an object has in native memory.  Not in its userdata: a VM that is
 * short of memory may be unable to call a finalizer, and then frees the
 * userdata all the same, while libcurl still works on the transfer.  The
 * state frees what was lost in this way.
 */
struct ndl_native {
    struct ndl_state *state;
    struct ndl_native *before;
    struct ndl_native *after;
    void (*clean)(struct ndl_native *native);
};

/* Pushes the state, which the registry keeps until the Lua state is closed:
 * objects point to it, and a second open of the module shares it. */
void ndl_push_state(lua_State *L);

/* The state, in a function that has it as its first upvalue. */
struct ndl_state *ndl_state_of(lua_State *L);

/* False once the state is being closed: other finalizers may run later. */
bool ndl_is_open(lua_State *L, struct nd_error *err);

/* Makes a type of objects, by the name of its metatable, which is a
 * literal. */
void ndl_new_type(lua_State *L, struct ndl_state *state, const char *type);

/* Pushes an object and gives it zeroed native memory, which begins with a
 * struct ndl_native; NULL where memory is out. */
void *ndl_new_native(lua_State *L, size_t size, const char *type,
                     void (*clean)(struct ndl_native *native));

/* The native memory of the object at index; raises where it has none, or is
 * of another type. */
void *ndl_check_native(lua_State *L, int index, const char *type);

/* Frees what the object at index has, once. */
void ndl_release(lua_State *L, int index);

#endif
