/* Which addresses ninedig may speak to.  libcurl's own parser reads them,
 * so that what is checked is what is connected to. */
#ifndef ND_URL_H
#define ND_URL_H

#include <stdbool.h>

#include "error.h"

/* https, or http to a loopback host; no user, query or fragment. */
bool nd_check_base_url(const char *key, const char *url, struct nd_error *err);

/* http, https, socks4, socks4a, socks5 or socks5h. */
bool nd_check_proxy_url(const char *key, const char *url,
                        struct nd_error *err);

/* The host as a request names it, with its port unless that is the usual
 * one, and the path without slashes at its end; both to be freed, even where
 * this fails.  False where memory is out. */
bool nd_url_split(const char *url, char **host, char **path);

/* The host of a proxy, with its port if that is written; to be freed.
 * NULL where it cannot be told, as it may be a password's beginning, or memory
 * is out. */
char *nd_url_proxy_host(const char *url);

/* Whether its host is this machine.  False where memory is out. */
bool nd_url_look_for_loopback(const char *url, bool *loopback);

bool nd_url_is_plain(const char *url); /* http, not https */

#endif
