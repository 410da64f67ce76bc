#include "url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"

/* One part of url in *text, to be freed by curl_free; NULL where it has none.
 * False where memory is out. */
static bool url_part(char **text, const char *url, CURLUPart part,
                     unsigned int flags)
{
    CURLU *parsed = curl_url();
    CURLUcode code = CURLUE_OUT_OF_MEMORY;

    *text = NULL;
    if (parsed)
        code = curl_url_set(parsed, CURLUPART_URL, url, flags);
    if (code == CURLUE_OK)
        code = curl_url_get(parsed, part, text, 0);
    if (code != CURLUE_OK)
        *text = NULL;
    curl_url_cleanup(parsed);
    return code != CURLUE_OUT_OF_MEMORY;
}

/* As a proxy may be written: without its scheme. */
#define PROXY_FLAGS (CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME)

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
    char *host = NULL;
    char *port = NULL;
    char *both = NULL;

    if (url_part(&host, url, CURLUPART_HOST, flags) && host &&
        url_part(&port, url, CURLUPART_PORT, flags)) {
        bool shown = port && strcmp(port, usual) != 0;
        size_t size = strlen(host) + (shown ? strlen(port) + 1 : 0) + 1;

        both = malloc(size);
        if (both)
            (void)snprintf(both, size, "%s%s%s", host, shown ? ":" : "",
                           shown ? port : "");
    }
    curl_free(host);
    curl_free(port);
    return both;
}

char *nd_url_host(const char *url)
{
    return host_and_port(url, 0, nd_url_is_plain(url) ? "80" : "443");
}

/* Where what names the host and port ends, as libcurl reads it. */
static const char *authority_end(const char *url)
{
    static const char of_scheme[] = "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789+-.";
    const char *at = url + strspn(url, of_scheme);

    if (at == url || strncmp(at, "://", 3) != 0)
        at = url;
    else
        at += 3;
    return at + strcspn(at, "/?#");
}

char *nd_url_proxy_host(const char *url)
{
    const char *rest = authority_end(url);

    /* A password with one of /?# in it is not written as a URL has it: what
     * is read as the host and port is the user and what it begins with. */
    if (strchr(rest, '@') || strstr(rest, "%40"))
        return NULL;
    return host_and_port(url, PROXY_FLAGS, "");
}

bool nd_url_copy_path(char **path, const char *url)
{
    char *text;
    size_t length;

    (void)url_part(&text, url, CURLUPART_PATH, 0);
    length = text ? strlen(text) : 0;
    while (length > 0 && text[length - 1] == '/')
        length--;
    *path = text ? strndup(text, length) : NULL;
    curl_free(text);
    return *path != NULL;
}

bool nd_url_is_plain(const char *url)
{
    return nd_is_word(url, strcspn(url, ":"), "http");
}

bool nd_url_look_for_loopback(const char *url, bool *loopback)
{
    char *host;
    bool looked = url_part(&host, url, CURLUPART_HOST, PROXY_FLAGS);

    *loopback = host && is_loopback_host(host);
    curl_free(host);
    return looked;
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

static bool check_parts(const char *key, const char *url, const char *scheme,
                        const char *host, struct nd_error *err)
{
    const char *authority = strstr(url, "://");

    /* libcurl takes https:///api for the host "api". */
    if (!scheme || !host || !authority || authority[3] == '/')
        return nd_fail(err, "BAD_VALUE",
                       "%s must be a whole URL, such as "
                       "https://partners.99digital.co.il/api",
                       key);
    if (nd_is_word(scheme, strlen(scheme), "https"))
        return true;
    if (!nd_is_word(scheme, strlen(scheme), "http"))
        return nd_fail(err, "BAD_VALUE", "%s must begin with https://", key);
    if (!is_loopback_host(host))
        return nd_fail(err, "BAD_VALUE",
                       "%s must begin with https://; plain http is "
                       "for loopback hosts only (127.0.0.0/8, ::1, "
                       "localhost), as it would show the token to the "
                       "network",
                       key);
    return true;
}

bool nd_check_base_url(const char *key, const char *url, struct nd_error *err)
{
    char *scheme = NULL;
    char *host = NULL;
    bool good;

    if (!is_plain_text(url))
        return nd_fail(err, "BAD_VALUE",
                       "%s must be a URL of printable ASCII characters, "
                       "without space or backslash",
                       key);
    if (strpbrk(url, "@?#"))
        return nd_fail(err, "BAD_VALUE",
                       "%s must have no user, query or fragment, "
                       "and so none of @ ? #",
                       key);
    if (url_part(&scheme, url, CURLUPART_SCHEME, 0) &&
        url_part(&host, url, CURLUPART_HOST, 0))
        good = check_parts(key, url, scheme, host, err);
    else
        good = nd_fail_memory(err);
    curl_free(scheme);
    curl_free(host);
    return good;
}

bool nd_check_proxy_url(const char *key, const char *url, struct nd_error *err)
{
    static const char *const schemes[] = {"http",    "https",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    char *scheme = NULL;
    bool known = false;
    size_t i;

    if (is_plain_text(url) &&
        !url_part(&scheme, url, CURLUPART_SCHEME, PROXY_FLAGS))
        return nd_fail_memory(err);
    for (i = 0; scheme && i < sizeof schemes / sizeof *schemes; i++)
        known = known || nd_is_word(scheme, strlen(scheme), schemes[i]);
    curl_free(scheme);
    if (!known)
        return nd_fail(err, "BAD_VALUE",
                       "%s must be a URL of http, https, socks4, socks4a, "
                       "socks5 or socks5h, or \"\" for none",
                       key);
    return true;
}
