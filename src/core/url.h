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

bool nd_url_is_plain(const char *url);    /* http, not https */
bool nd_url_is_loopback(const char *url); /* its host is this machine */

#endif
