/* The calls of the service and what they take, from calls.def and
 * reasons.def. */
#ifndef ND_CALL_H
#define ND_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "value.h"

#define ND_PARAMS_MAX 6

enum nd_effect { ND_ERASES, ND_READS };

/* Where a param goes; see calls.def. */
#define ND_NEEDED 1u
#define ND_IN_BODY 2u
#define ND_ECHOED 4u
#define ND_BEARER 8u

struct nd_param {
    struct nd_field field;
    unsigned int where;
    const char *fallback;
};

struct nd_call {
    const char *name;
    const char *method;
    const char *path;
    enum nd_effect effect;
    struct nd_param params[ND_PARAMS_MAX + 1]; /* ends in a NULL key */
};

struct nd_reason {
    long code;
    const char *name;
    const char *message;
};

/* A field of an answer that is given another type; see results.def. */
struct nd_result {
    const char *key;
    enum { ND_RESULT_TOP, ND_RESULT_ROWS } where;
    enum { ND_RESULT_TEXT, ND_RESULT_NUMBER } form;
};

enum nd_call_id {
#define ND_CALL(id, ...) ND_CALL_##id,
#include "calls.def"
#undef ND_CALL
    ND_CALLS
};

/* Every call, in the order of calls.def; ND_CALLS of them. */
extern const struct nd_call nd_calls[];

/* The call of this name, or NULL. */
const struct nd_call *nd_find_call(const char *name);

/* What the code means on this call, or NULL where that is not documented. */
const struct nd_reason *nd_find_reason(const struct nd_call *call, long code);

/* The reasons of a call one by one: index from 0 up, NULL at the end. */
const struct nd_reason *nd_reason_at(const struct nd_call *call, size_t index);

/* The result fields of a call one by one, likewise. */
const struct nd_result *nd_result_at(const struct nd_call *call, size_t index);

/* The values of a call's params, in the order of its params. */
struct nd_values {
    struct nd_value of[ND_PARAMS_MAX];
};

/* Fills in what was not given, and checks that nothing needed is missing.
 * has_token: the client has a token of its own. */
bool nd_complete_values(struct nd_values *values, const struct nd_call *call,
                        bool has_token, struct nd_error *err);

#endif
