/* The options of one client, checked once and then shared by its calls. */
#ifndef ND_SETTINGS_H
#define ND_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "value.h"

#define ND_BASE_URL "https://partners.99digital.co.il/api"

enum nd_option_id {
#define ND_OPTION(name, ...) ND_OPTION_##name,
#include "options.def"
#undef ND_OPTION
    ND_OPTIONS
};

/* Every option, in the order of options.def; ends in a NULL key. */
extern const struct nd_field nd_options[];

struct nd_settings {
    int references; /* of its owner and of each transfer under way */
    bool plain_http;
    bool proxy_is_plain; /* there is none, or all of its URL can be shown */
    char *base_url;      /* without a slash at its end */
    char *origin;        /* its scheme, host and port */
    char *path;          /* its path, "" for none */
    char *way;           /* all that decides how it is connected to */
    char *common_head;   /* header lines that all requests have */
    char *access_token;  /* or NULL */
    char *client_id;     /* or NULL; not without client_secret */
    char *client_secret; /* or NULL */
    char *ca_file;       /* or NULL: the system's store */
    char *proxy;         /* or "": none */
    char *proxy_name;    /* for a person: its host, and who named it; "" */
    char *no_proxy;      /* hosts that it is not for, or "" */
    /* Of the environment, that named the proxy; or NULL. */
    const char *proxy_variable;
    long timeout_ms;
    long connect_timeout_ms;
    long max_idle_ms; /* 0 never reuses */
    size_t max_response_bytes;
    int max_in_flight;
};

/* Settings from values that nd_value_check has found good, one for each
 * option.  NULL on failure. */
struct nd_settings *nd_settings_new(const struct nd_value *values,
                                    struct nd_error *err);

/* The access_token, client_id or client_secret, by that key; NULL where it
 * was not given. */
const char *nd_settings_text(const struct nd_settings *settings,
                             const char *key);

/* Both are connected to in the same way: a connection may serve both. */
bool nd_settings_same_way(const struct nd_settings *left,
                          const struct nd_settings *right);

struct nd_settings *nd_settings_hold(struct nd_settings *settings);
void nd_settings_drop(struct nd_settings *settings); /* takes NULL */

#endif
