#include "params.h"

#include <string.h>

#include "values.h"

/* The field that the value at index names: a string, which may hold a NUL. */
static int find_field(lua_State *L, int index,
                      const struct nd_field *const *fields)
{
    size_t length;
    const char *key;
    int i;

    if (lua_type(L, index) != LUA_TSTRING)
        return -1;
    key = lua_tolstring(L, index, &length);
    for (i = 0; fields[i]; i++) {
        if (*fields[i]->key == *key && strlen(fields[i]->key) == length &&
            memcmp(fields[i]->key, key, length) == 0)
            return i;
    }
    return -1;
}

static bool refuse_key(lua_State *L, int index, const char *what,
                       const struct nd_field *const *fields,
                       struct nd_error *err)
{
    const char *keys[NDL_FIELDS_MAX + 1] = {NULL};
    const char *written;
    const char *nearest;
    int i;

    if (lua_type(L, index) != LUA_TSTRING)
        return nd_fail(err, "UNKNOWN_KEY",
                       "%s must have names as its keys, got a %s", what,
                       luaL_typename(L, index));
    for (i = 0; fields[i]; i++)
        keys[i] = fields[i]->key;
    written = lua_tostring(L, index);
    nearest = nd_nearest_key(written, keys);
    return nd_fail(err, "UNKNOWN_KEY", "%s has no key \"%.64s\"%s%s%s", what,
                   written, nearest ? "; did you mean \"" : "",
                   nearest ? nearest : "", nearest ? "\"?" : "");
}

/* Finds what was written for each field, and leaves it on the stack: a
 * finalizer may take it out of the table before its text is copied. */
static bool read_raws(lua_State *L, int index, const char *what,
                      const struct nd_field *const *fields,
                      struct nd_raw *raws, struct nd_error *err)
{
    ndl_need_stack(L, NDL_FIELDS_MAX + 4);
    lua_pushnil(L);
    while (lua_next(L, index)) { /* key, value */
        int field = find_field(L, -2, fields);

        if (field < 0) {
            refuse_key(L, -2, what, fields, err);
            lua_pop(L, 2);
            return false;
        }
        raws[field] = ndl_to_raw(L, -1);
        lua_insert(L, -2); /* value, key */
    }
    return true;
}

bool ndl_read_table(lua_State *L, int index, const char *what,
                    const struct nd_field *const *fields,
                    struct nd_value *values, struct nd_error *err)
{
    struct nd_raw raws[NDL_FIELDS_MAX];
    struct nd_error later; /* the first error is the one that is told */
    bool good = true;
    int i;

    memset(raws, 0, sizeof raws); /* ND_RAW_NIL */
    if (!lua_istable(L, index))
        return nd_fail(err, "WRONG_TYPE", "%s takes a table, got %s", what,
                       luaL_typename(L, index));
    if (!read_raws(L, index, what, fields, raws, err))
        return false;
    for (i = 0; fields[i]; i++) {
        if (raws[i].form == ND_RAW_NIL ||
            nd_value_check(&values[i], fields[i], &raws[i],
                           good ? err : &later))
            continue;
        values[i].set = false;
        good = false;
    }
    return good;
}
