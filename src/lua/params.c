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

/* Bytes of a key that are shown. */
#define SHOWN_MAX 64

/* Copies the beginning of a key; a NUL in it would hide what follows. */
static void copy_key(char *shown, const char *key, size_t length)
{
    const char *end = shown + SHOWN_MAX - 2; /* room for one more, and NUL */

    for (; length > 0 && shown < end; length--, key++) {
        if (!*key)
            *shown++ = '\\';
        *shown++ = (char)(*key ? *key : '0');
    }
    *shown = '\0';
}

/* Refuses a key that is no string. */
static bool refuse_odd_key(lua_State *L, int index, const char *what,
                           const char *a_key, struct nd_error *err)
{
    const char *type = luaL_typename(L, index);
    const char *text = "";

    lua_pushvalue(L, index); /* as lua_next needs the key itself */
    if (lua_type(L, -1) == LUA_TNUMBER)
        text = lua_tostring(L, -1);
    else if (lua_type(L, -1) == LUA_TBOOLEAN)
        text = lua_toboolean(L, -1) ? "true" : "false";
    nd_fail(err, "UNKNOWN_KEY",
            "%s has no key that is a %s%s%s: its keys are names, such as "
            "\"%s\"",
            what, type, *text ? ", " : "", text, a_key);
    lua_pop(L, 1);
    return false;
}

static bool refuse_key(lua_State *L, int index, const char *what,
                       const struct nd_field *const *fields,
                       struct nd_error *err)
{
    const char *keys[NDL_FIELDS_MAX + 1] = {NULL};
    char shown[SHOWN_MAX];
    const char *written;
    const char *nearest;
    size_t length;
    bool is_near;
    int i;

    for (i = 0; fields[i]; i++)
        keys[i] = fields[i]->key;
    if (lua_type(L, index) != LUA_TSTRING)
        return refuse_odd_key(L, index, what, keys[0], err);
    written = lua_tolstring(L, index, &length);
    nearest = nd_nearest_key(written, keys, &is_near);
    copy_key(shown, written, length);
    return nd_fail(err, "UNKNOWN_KEY", "%s has no key \"%s\"; %s \"%s\"%s",
                   what, shown, is_near ? "did you mean" : "the nearest is",
                   nearest, is_near ? "?" : "");
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
