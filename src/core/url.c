#include "url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"

/* One part of url, to be freed by curl_free; NULL where it has none. */
static char *url_part(const char *url, CURLUPart part, unsigned int flags)
{
    CURLU *parsed = curl_url();
    char *text = NULL;

    if (!parsed)
        return NULL;
    if (curl_url_set(parsed, CURLUPART_URL, url, flags) == CURLUE_OK &&
        curl_url_get(parsed, part, &text, 0) != CURLUE_OK)
        text = NULL;
    curl_url_cleanup(parsed);
    return text;
}

/* As a proxy may be written: without its scheme. */
#define PROXY_FLAGS (CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME)

static bool part_is(const char *url, CURLUPart part, const char *wanted)
{
    char *text = url_part(url, part, 0);
    bool same = text && nd_is_word(text, strlen(text), wanted);

    curl_free(text);
    return same;
}

static bool is_loopback_host(const char *host)
{
    struct in_addr address;

    if (nd_is_word(host, strlen(host), "localhost") ||
        strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 &&
           ntohl(address.s_addr) >> 24 == 127;
}

/* The host of url, with its port unless that is the usual one. */
static char *host_and_port(const char *url, unsigned int flags,
                           const char *usual)
{
    char *host = url_part(url, CURLUPART_HOST, flags);
    char *port = url_part(url, CURLUPART_PORT, flags);
    bool shown = port && strcmp(port, usual) != 0;
    size_t size = host ? strlen(host) + (shown ? strlen(port) + 1 : 0) + 1 : 0;
    char *both = host ? malloc(size) : NULL;

    if (both)
        (void)snprintf(both, size, "%s%s%s", host, shown ? ":" : "",
                       shown ? port : "");
    curl_free(host);
    curl_free(port);
    return both;
}

char *nd_url_host(const char *url)
{
    return host_and_port(url, 0, nd_url_is_plain(url) ? "80" : "443");
}

char *nd_url_proxy_host(const char *url)
{
    return host_and_port(url, PROXY_FLAGS, "");
}

bool nd_url_copy_path(char **path, const char *url)
{
    char *text = url_part(url, CURLUPART_PATH, 0);
    size_t length = text ? strlen(text) : 0;

    while (length > 0 && text[length - 1] == '/')
        length--;
    *path = text ? strndup(text, length) : NULL;
    curl_free(text);
    return *path != NULL;
}

bool nd_url_is_plain(const char *url)
{
    return part_is(url, CURLUPART_SCHEME, "http");
}

bool nd_url_is_loopback(const char *url)
{
    char *host = url_part(url, CURLUPART_HOST, PROXY_FLAGS);
    bool loopback = host && is_loopback_host(host);

    curl_free(host);
    return loopback;
}

/* Printable ASCII without what parsers are known to read differently. */
static bool is_plain_text(const char *url)
{
    for (; *url; url++) {
        if (*url <= ' ' || *url > '~' || *url == '\\')
            return false;
    }
    return true;
}

bool nd_check_base_url(const char *key, const char *url, struct nd_error *err)
{
    const char *authority;
    char *host;

    if (!is_plain_text(url))
        return nd_fail(err, ND_BAD_VALUE,
                       "%s must be a URL of printable ASCII characters, "
                       "without space or backslash",
                       key);
    if (strpbrk(url, "@?#"))
        return nd_fail(err, ND_BAD_VALUE,
                       "%s must have no user, query or fragment, "
                       "and so none of @ ? #",
                       key);
    host = url_part(url, CURLUPART_HOST, 0);
    authority = strstr(url, "://");
    /* libcurl takes https:///api for the host "api". */
    if (!host || !authority || authority[3] == '/') {
        curl_free(host);
        return nd_fail(err, ND_BAD_VALUE,
                       "%s must be a whole URL, such as "
                       "https://partners.99digital.co.il/api",
                       key);
    }
    curl_free(host);
    if (part_is(url, CURLUPART_SCHEME, "https"))
        return true;
    if (!nd_url_is_plain(url))
        return nd_fail(err, ND_BAD_VALUE, "%s must begin with https://", key);
    if (!nd_url_is_loopback(url))
        return nd_fail(err, ND_BAD_VALUE,
                       "%s must begin with https://; plain http is "
                       "for loopback hosts only (127.0.0.0/8, ::1, "
                       "localhost), as it would show the token to the "
                       "network",
                       key);
    return true;
}

bool nd_check_proxy_url(const char *key, const char *url, struct nd_error *err)
{
    static const char *const schemes[] = {"http",    "https",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    char *scheme = is_plain_text(url)
                       ? url_part(url, CURLUPART_SCHEME, PROXY_FLAGS)
                       : NULL;
    bool known = false;
    size_t i;

    for (i = 0; scheme && i < sizeof schemes / sizeof *schemes; i++)
        known = known || nd_is_word(scheme, strlen(scheme), schemes[i]);
    curl_free(scheme);
    if (!known)
        return nd_fail(err, ND_BAD_VALUE,
                       "%s must be a URL of http, https, socks4, socks4a, "
                       "socks5 or socks5h, or \"\" for none",
                       key);
    return true;
}
