/* The calls of the service and what they take, from calls.def and
 * reasons.def. */
#ifndef ND_CALL_H
#define ND_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "settings.h"
#include "value.h"

#define ND_PARAMS_MAX 6
#define ND_RESULTS_MAX 12

enum nd_effect { ND_ERASES, ND_READS, ND_SIGNS_IN };

/* Where a param goes; see calls.def. */
#define ND_NEEDED 1u
#define ND_IN_BODY 2u
#define ND_ECHOED 4u
#define ND_BEARER 8u
#define ND_FROM_CLIENT 16u

struct nd_param {
    struct nd_field field;
    unsigned int where;
    const char *fallback;
};

struct nd_call {
    const char *name;
    const char *method; /* NULL for a task of the Lua layer */
    const char *path;
    enum nd_effect effect;
    struct nd_param params[ND_PARAMS_MAX + 1]; /* ends in a NULL key */
};

struct nd_reason {
    long code;
    const char *name;
    const char *message;
    bool assumed; /* by us; the others are documented */
};

/* A field of an answer that is given another type; see results.def. */
struct nd_result {
    const char *key;
    enum { ND_RESULT_TOP, ND_RESULT_ROWS } where;
    enum { ND_RESULT_TEXT, ND_RESULT_NUMBER, ND_RESULT_LIST } form;
    bool needed;
};

enum nd_call_id {
#define ND_CALL(id, ...) ND_CALL_##id,
#define ND_TASK(id, ...) ND_CALL_##id,
#include "calls.def"
#undef ND_CALL
#undef ND_TASK
    ND_CALLS
};

/* Every call and task, in the order of calls.def; ND_CALLS of them. */
extern const struct nd_call nd_calls[];

/* The call or task of this name, or NULL. */
const struct nd_call *nd_find_call(const char *name);

/* What the code means on this call, or NULL where that is not documented. */
const struct nd_reason *nd_find_reason(const struct nd_call *call,
                                       int64_t code);

/* The reasons of a call one by one: index from 0 up, NULL at the end. */
const struct nd_reason *nd_reason_at(const struct nd_call *call, size_t index);

/* The result fields of a call one by one, likewise. */
const struct nd_result *nd_result_at(const struct nd_call *call, size_t index);

/* A success of the call has a list. */
bool nd_call_brings_list(const struct nd_call *call);

/* The values of a call's params, in the order of its params. */
struct nd_values {
    struct nd_value of[ND_PARAMS_MAX];
};

/* Fills in what was not given, from the client's settings too, and checks
 * that nothing needed is missing.  The texts belong to the settings. */
bool nd_complete_values(struct nd_values *values, const struct nd_call *call,
                        const struct nd_settings *settings,
                        struct nd_error *err);

#endif
