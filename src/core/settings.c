#include "settings.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "url.h"
#include "version.h"

const struct nd_field nd_options[] = {
#define ND_OPTION(name, type, min, max, open, fallback) \
    {#name, ND_TYPE_##type, min, max, open},
#include "options.def"
#undef ND_OPTION
    {NULL, ND_TYPE_ID, 0, 0, false}};

static const double defaults[] = {
#define ND_OPTION(name, type, min, max, open, fallback) fallback,
#include "options.def"
#undef ND_OPTION
};

static double number_of(const struct nd_value *values, enum nd_option_id id)
{
    return values[id].set ? values[id].number : defaults[id];
}

/* Rounds up, as a time-out of 0 would mean none to libcurl. */
static long milliseconds(double seconds)
{
    volatile double exact = seconds * 1000; /* an x87 would keep more digits */
    long ms = (long)exact;

    return (double)ms < exact ? ms + 1 : ms;
}

/* False only where memory is out; NULL stays NULL. */
static bool copy_text(char **copy, const struct nd_value *value)
{
    if (!value->set)
        return true;
    *copy = malloc(value->length + 1);
    if (!*copy)
        return false;
    memcpy(*copy, value->text, value->length);
    (*copy)[value->length] = '\0';
    return true;
}

static bool copy_base_url(struct nd_settings *settings,
                          const struct nd_value *value)
{
    struct nd_value url = *value;

    if (!url.set) {
        url.set = true;
        url.text = ND_BASE_URL;
        url.length = strlen(ND_BASE_URL);
    }
    while (url.length > 0 && url.text[url.length - 1] == '/')
        url.length--;
    if (!copy_text(&settings->base_url, &url))
        return false;
    settings->plain_http = nd_url_is_plain(settings->base_url);
    return true;
}

/* Writes a text of its own into *text; false where memory is out. */
static bool render(char **text, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static bool render(char **text, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!*text)
        return false;
    va_start(args, format);
    (void)vsnprintf(*text, (size_t)length + 1, format, args);
    va_end(args);
    return true;
}

/* What every request of the client begins with, but for its first line. */
static bool render_common_head(struct nd_settings *settings, const char *host,
                               const struct nd_value *user_agent)
{
    const char *before = user_agent->set ? user_agent->text : "";

    return render(&settings->common_head,
                  "Host: %s\r\n"
                  "User-Agent: %s%sninedig/%s libcurl/%s\r\n"
                  "Accept: application/json\r\n",
                  host, before, *before ? " " : "", ND_VERSION,
                  curl_version_info(CURLVERSION_NOW)->version);
}

/* Names are the same in any case. */
static bool render_origin(struct nd_settings *settings, const char *host)
{
    char *c;

    if (!render(&settings->origin, "%s://%s",
                settings->plain_http ? "http" : "https", host))
        return false;
    for (c = settings->origin; *c; c++)
        *c = nd_to_lower(*c);
    return true;
}

static bool split_base_url(struct nd_settings *settings,
                           const struct nd_value *user_agent)
{
    char *host;
    bool done = nd_url_split(settings->base_url, &host, &settings->path) &&
                render_origin(settings, host) &&
                render_common_head(settings, host, user_agent);

    free(host);
    return done;
}

/* ----- the proxy ----- */

/* What a variable of the environment says, "" where it says nothing. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

/*
 * The environment is read here, as libcurl would for each connection: so
 * that what a client does is decided once, and connections are told apart by
 * the way that they took.
 */
static const char *proxy_of_environment(struct nd_settings *settings)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY",
                                        "all_proxy", "ALL_PROXY"};
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        if (*variable(names[i])) {
            settings->proxy_variable = names[i];
            return variable(names[i]);
        }
    }
    return "";
}

static bool copy_no_proxy(struct nd_settings *settings)
{
    const char *hosts = variable("no_proxy");

    if (!*hosts)
        hosts = variable("NO_PROXY");
    return render(&settings->no_proxy, "%s", *settings->proxy ? hosts : "");
}

/* The credentials that may be in its URL are left out. */
static bool name_proxy(struct nd_settings *settings)
{
    char *host;
    bool done;

    settings->proxy_is_plain = !*settings->proxy;
    if (!*settings->proxy)
        return render(&settings->proxy_name, "%s", "");
    host = nd_url_proxy_host(settings->proxy);
    /* One that cannot be read may be all password. */
    settings->proxy_is_plain = host && !strchr(settings->proxy, '@');
    done = render(&settings->proxy_name, "the proxy %s%sof %s",
                  host ? host : "", host ? " " : "",
                  settings->proxy_variable ? settings->proxy_variable
                                           : "the option proxy");
    free(host);
    return done;
}

/*
 * A loopback service over plain http is never behind a proxy: one named by
 * the environment would be sent the token in the clear.
 */
static bool copy_proxy(struct nd_settings *settings,
                       const struct nd_value *value, struct nd_error *err)
{
    const char *proxy = value->set ? value->text : "";
    bool loopback;

    if (!nd_url_look_for_loopback(proxy, &loopback))
        return nd_fail_memory(err);
    if (settings->plain_http && *proxy && !loopback)
        return nd_fail(err, "BAD_VALUE",
                       "proxy must be a loopback host where base_url is "
                       "plain http, as it would be sent the token in the "
                       "clear");
    if (!value->set && !settings->plain_http)
        proxy = proxy_of_environment(settings);
    return (render(&settings->proxy, "%s", proxy) && name_proxy(settings) &&
            copy_no_proxy(settings)) ||
           nd_fail_memory(err);
}

static bool render_way(struct nd_settings *settings)
{
    return render(&settings->way, "%s\n%s\n%s\n%s", settings->origin,
                  settings->proxy, settings->no_proxy,
                  settings->ca_file ? settings->ca_file : "");
}

/* ----- all of them ----- */

/* What a client is authorised by: one way or the other, or left to each
 * call. */
static bool check_credentials(const struct nd_value *values,
                              struct nd_error *err)
{
    bool id = values[ND_OPTION_client_id].set;
    bool secret = values[ND_OPTION_client_secret].set;

    if (id != secret)
        return nd_fail(err, "MISSING_KEY",
                       "%s is missing: client_id and client_secret are "
                       "given together",
                       id ? "client_secret" : "client_id");
    if (id && values[ND_OPTION_access_token].set)
        return nd_fail(err, "BAD_VALUE",
                       "access_token is given beside client_id and "
                       "client_secret, which replace it: give one or the "
                       "other");
    return true;
}

static bool fill_settings(struct nd_settings *settings,
                          const struct nd_value *values, struct nd_error *err)
{
    if (!check_credentials(values, err))
        return false;
    settings->timeout_ms = milliseconds(number_of(values, ND_OPTION_timeout));
    settings->connect_timeout_ms =
        milliseconds(number_of(values, ND_OPTION_connect_timeout));
    settings->max_idle_ms =
        milliseconds(number_of(values, ND_OPTION_max_idle));
    settings->max_response_bytes =
        (size_t)number_of(values, ND_OPTION_max_response_bytes);
    settings->max_in_flight = (int)number_of(values, ND_OPTION_max_in_flight);
    if (!copy_base_url(settings, &values[ND_OPTION_base_url]) ||
        !copy_text(&settings->access_token, &values[ND_OPTION_access_token]) ||
        !copy_text(&settings->client_id, &values[ND_OPTION_client_id]) ||
        !copy_text(&settings->client_secret,
                   &values[ND_OPTION_client_secret]) ||
        !copy_text(&settings->ca_file, &values[ND_OPTION_ca_file]) ||
        !split_base_url(settings, &values[ND_OPTION_user_agent]))
        return nd_fail_memory(err);
    return copy_proxy(settings, &values[ND_OPTION_proxy], err) &&
           (render_way(settings) || nd_fail_memory(err));
}

struct nd_settings *nd_settings_new(const struct nd_value *values,
                                    struct nd_error *err)
{
    struct nd_settings *settings = calloc(1, sizeof *settings);

    if (!settings) {
        nd_fail_memory(err);
        return NULL;
    }
    settings->references = 1;
    if (!fill_settings(settings, values, err)) {
        nd_settings_drop(settings);
        return NULL;
    }
    return settings;
}

const char *nd_settings_text(const struct nd_settings *settings,
                             const char *key)
{
    if (strcmp(key, "access_token") == 0)
        return settings->access_token;
    if (strcmp(key, "client_id") == 0)
        return settings->client_id;
    return strcmp(key, "client_secret") == 0 ? settings->client_secret : NULL;
}

bool nd_settings_same_way(const struct nd_settings *left,
                          const struct nd_settings *right)
{
    return left == right || strcmp(left->way, right->way) == 0;
}

struct nd_settings *nd_settings_hold(struct nd_settings *settings)
{
    settings->references++;
    return settings;
}

void nd_settings_drop(struct nd_settings *settings)
{
    if (!settings || --settings->references > 0)
        return;
    free(settings->base_url);
    free(settings->origin);
    free(settings->path);
    free(settings->way);
    free(settings->common_head);
    free(settings->access_token);
    free(settings->client_id);
    free(settings->client_secret);
    free(settings->ca_file);
    free(settings->proxy);
    free(settings->proxy_name);
    free(settings->no_proxy);
    free(settings);
}
