#include "error.h"

#include <stdarg.h>
#include <stdio.h>

const char *nd_kind_name(enum nd_kind kind)
{
    static const char *const names[] = {"argument", "network", "http",
                                        "protocol", "api"};
    return names[kind];
}

const char *nd_outcome_name(enum nd_outcome outcome)
{
    static const char *const names[] = {"not_sent", "rejected", "unknown",
                                        "none"};
    return names[outcome];
}

/* A message is one line, whatever the caller's keys and paths have in them. */
static void make_one_line(char *message)
{
    for (; *message; message++) {
        if ((unsigned char)*message < ' ' || *message == 127)
            *message = '?';
    }
}

bool nd_fail(struct nd_error *err, const char *name, const char *format, ...)
{
    va_list args;

    err->kind = ND_KIND_ARGUMENT;
    err->outcome = ND_NOT_SENT;
    err->name = name;
    err->retryable = false;
    err->reason = ND_UNSET;
    err->http_status = ND_UNSET;
    err->curl_code = ND_UNSET;
    err->retry_after = ND_UNSET;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    make_one_line(err->message);
    return false;
}

bool nd_fail_memory(struct nd_error *err)
{
    nd_fail(err, "OUT_OF_MEMORY",
            "not enough memory to prepare the call; nothing was sent");
    err->kind = ND_KIND_NETWORK;
    err->retryable = true;
    return false;
}
