#include "url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"

/* What libcurl reads in a URL: all NULL where it is none. */
struct parts {
    char *scheme;
    char *host;
    char *port;
    char *path;
};

static bool get_part(CURLU *parsed, CURLUPart part, char **text)
{
    CURLUcode code = curl_url_get(parsed, part, text, 0);

    if (code != CURLUE_OK)
        *text = NULL;
    return code != CURLUE_OUT_OF_MEMORY;
}

/* To be freed, even where this fails.  False where memory is out. */
static bool read_parts(struct parts *parts, const char *url,
                       unsigned int flags)
{
    CURLU *parsed = curl_url();
    CURLUcode code = CURLUE_OUT_OF_MEMORY;
    bool read;

    memset(parts, 0, sizeof *parts);
    if (parsed)
        code = curl_url_set(parsed, CURLUPART_URL, url, flags);
    read = code != CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK)
        read = get_part(parsed, CURLUPART_SCHEME, &parts->scheme) &&
               get_part(parsed, CURLUPART_HOST, &parts->host) &&
               get_part(parsed, CURLUPART_PORT, &parts->port) &&
               get_part(parsed, CURLUPART_PATH, &parts->path);
    curl_url_cleanup(parsed);
    return read;
}

static void free_parts(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->path);
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

/* The host, with its port unless that is the usual one. */
static char *host_and_port(const struct parts *parts, const char *usual)
{
    bool shown = parts->port && strcmp(parts->port, usual) != 0;
    size_t size = strlen(parts->host) + 1;
    char *both;

    if (shown)
        size += strlen(parts->port) + 1;
    both = malloc(size);
    if (both)
        (void)snprintf(both, size, "%s%s%s", parts->host, shown ? ":" : "",
                       shown ? parts->port : "");
    return both;
}

/* Without slashes at its end. */
static char *copy_path(const struct parts *parts)
{
    size_t length = strlen(parts->path);

    while (length > 0 && parts->path[length - 1] == '/')
        length--;
    return strndup(parts->path, length);
}

bool nd_url_split(const char *url, char **host, char **path)
{
    struct parts parts;
    bool read = read_parts(&parts, url, 0) && parts.host && parts.path;

    *host = *path = NULL;
    if (read) {
        *host = host_and_port(&parts, nd_url_is_plain(url) ? "80" : "443");
        *path = copy_path(&parts);
    }
    free_parts(&parts);
    return *host && *path;
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
    struct parts parts;
    char *host = NULL;

    /* A password with one of /?# in it is not written as a URL has it: what
     * is read as the host and port is the user and what it begins with. */
    if (strchr(rest, '@') || strstr(rest, "%40"))
        return NULL;
    if (read_parts(&parts, url, PROXY_FLAGS) && parts.host)
        host = host_and_port(&parts, "");
    free_parts(&parts);
    return host;
}

bool nd_url_is_plain(const char *url)
{
    return nd_is_word(url, strcspn(url, ":"), "http");
}

bool nd_url_look_for_loopback(const char *url, bool *loopback)
{
    struct parts parts;
    bool read = read_parts(&parts, url, PROXY_FLAGS);

    *loopback = parts.host && is_loopback_host(parts.host);
    free_parts(&parts);
    return read;
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

static bool check_parts(const char *key, const char *url,
                        const struct parts *parts, struct nd_error *err)
{
    const char *scheme = parts->scheme;
    const char *authority = strstr(url, "://");

    /* libcurl takes https:///api for the host "api". */
    if (!scheme || !parts->host || !authority || authority[3] == '/')
        return nd_fail(err, "BAD_VALUE",
                       "%s must be a whole URL, such as "
                       "https://partners.99digital.co.il/api",
                       key);
    if (nd_is_word(scheme, strlen(scheme), "https"))
        return true;
    if (!nd_is_word(scheme, strlen(scheme), "http"))
        return nd_fail(err, "BAD_VALUE", "%s must begin with https://", key);
    if (!is_loopback_host(parts->host))
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
    struct parts parts;
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
    good = read_parts(&parts, url, 0) ? check_parts(key, url, &parts, err)
                                      : nd_fail_memory(err);
    free_parts(&parts);
    return good;
}

/* One that may be a proxy's. */
static bool is_known_scheme(const char *scheme)
{
    static const char *const known[] = {"http",    "https",  "socks4",
                                        "socks4a", "socks5", "socks5h"};
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        if (nd_is_word(scheme, strlen(scheme), known[i]))
            return true;
    }
    return false;
}

bool nd_check_proxy_url(const char *key, const char *url, struct nd_error *err)
{
    struct parts parts = {NULL, NULL, NULL, NULL};
    bool read = !is_plain_text(url) || read_parts(&parts, url, PROXY_FLAGS);
    bool known = read && parts.scheme && is_known_scheme(parts.scheme);

    free_parts(&parts);
    if (!read)
        return nd_fail_memory(err);
    return known || nd_fail(err, "BAD_VALUE",
                            "%s must be a URL of http, https, socks4, "
                            "socks4a, socks5 or socks5h, or \"\" for none",
                            key);
}
