/* settings.c: the options of one client. */
#include "support.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/settings.h"
#include "../../src/core/version.h"

static struct nd_value values[ND_OPTIONS];

static int clear_values(void **state)
{
    (void)state;
    memset(values, 0, sizeof values);
    return 0;
}

static struct nd_settings *make(void)
{
    struct nd_error err = junk_error();
    struct nd_settings *settings = nd_settings_new(values, &err);

    if (!settings)
        fail_msg("%s", err.message);
    return settings;
}

/* ----- the table ----- */

static void lists_the_documented_options(void **state)
{
    static const struct nd_field rows[] = {
        {"base_url", ND_TYPE_URL, 0, 0, false},
        {"access_token", ND_TYPE_TOKEN, 0, 0, false},
        {"client_id", ND_TYPE_TEXT, 0, 0, false},
        {"client_secret", ND_TYPE_TOKEN, 0, 0, false},
        {"timeout", ND_TYPE_SECONDS, 0, 86400, true},
        {"connect_timeout", ND_TYPE_SECONDS, 0, 86400, true},
        {"max_idle", ND_TYPE_SECONDS, 0, 3600, false},
        {"max_response_bytes", ND_TYPE_COUNT, 1024, 1073741824, false},
        {"ca_file", ND_TYPE_PATH, 0, 0, false},
        {"proxy", ND_TYPE_PROXY, 0, 0, false},
        {"user_agent", ND_TYPE_TEXT, 0, 0, false},
        {"max_in_flight", ND_TYPE_COUNT, 1, 1024, false},
        {"sleep", ND_TYPE_FUNCTION, 0, 0, false},
        {"on_event", ND_TYPE_FUNCTION, 0, 0, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        size_t j = 0;

        while (nd_options[j].key && strcmp(nd_options[j].key, rows[i].key))
            j++;
        assert_non_null(nd_options[j].key);
        assert_int_equal(nd_options[j].type, rows[i].type);
        assert_true(nd_options[j].min == rows[i].min);
        assert_true(nd_options[j].max == rows[i].max);
        assert_int_equal(nd_options[j].open, rows[i].open);
    }
    assert_int_equal(ND_OPTIONS, COUNT(rows));
    assert_null(nd_options[ND_OPTIONS].key);
}

/* ----- defaults ----- */

static void has_the_documented_defaults(void **state)
{
    struct nd_settings *settings = make();
    char head[300];

    (void)state;
    assert_string_equal(settings->base_url,
                        "https://partners.99digital.co.il/api");
    assert_false(settings->plain_http);
    assert_null(settings->access_token);
    assert_null(settings->ca_file);
    assert_string_equal(settings->proxy, "");
    assert_string_equal(settings->origin, "https://partners.99digital.co.il");
    assert_string_equal(settings->path, "/api");
    assert_int_equal(settings->timeout_ms, 30000);
    assert_int_equal(settings->connect_timeout_ms, 10000);
    assert_int_equal(settings->max_response_bytes, 16777216);
    assert_int_equal(settings->max_in_flight, 64);
    (void)snprintf(head, sizeof head,
                   "Host: partners.99digital.co.il\r\n"
                   "User-Agent: ninedig/" ND_VERSION " libcurl/%s\r\n"
                   "Accept: application/json\r\n",
                   curl_version_info(CURLVERSION_NOW)->version);
    assert_string_equal(settings->common_head, head);
    nd_settings_drop(settings);
}

static void copies_what_it_is_given(void **state)
{
    char url[] = "https://host/api";
    char token[] = "abc";
    char file[] = "/ca.pem";
    char proxy[] = "http://proxy:3128";
    char agent[] = "script/2";
    struct nd_settings *settings;

    (void)state;
    values[ND_OPTION_base_url] = text_value(url);
    values[ND_OPTION_access_token] = text_value(token);
    values[ND_OPTION_ca_file] = text_value(file);
    values[ND_OPTION_proxy] = text_value(proxy);
    values[ND_OPTION_user_agent] = text_value(agent);
    values[ND_OPTION_timeout] = number_value(2);
    values[ND_OPTION_connect_timeout] = number_value(0.5);
    values[ND_OPTION_max_response_bytes] = number_value(4096);
    values[ND_OPTION_max_in_flight] = number_value(1024);
    settings = make();
    memset(url, 'x', sizeof url - 1);
    memset(token, 'x', sizeof token - 1);
    memset(file, 'x', sizeof file - 1);
    memset(proxy, 'x', sizeof proxy - 1);
    memset(agent, 'x', sizeof agent - 1);
    assert_string_equal(settings->base_url, "https://host/api");
    assert_string_equal(settings->access_token, "abc");
    assert_string_equal(settings->ca_file, "/ca.pem");
    assert_string_equal(settings->proxy, "http://proxy:3128");
    assert_contains(settings->common_head,
                    "\r\nUser-Agent: script/2 ninedig/");
    assert_int_equal(settings->timeout_ms, 2000);
    assert_int_equal(settings->connect_timeout_ms, 500);
    assert_int_equal(settings->max_response_bytes, 4096);
    assert_int_equal(settings->max_in_flight, 1024);
    nd_settings_drop(settings);
}

static void holds_the_longest_user_agent(void **state)
{
    char longest[ND_TEXT_MAX + 1];
    struct nd_settings *settings;

    (void)state;
    memset(longest, 'a', ND_TEXT_MAX);
    longest[ND_TEXT_MAX] = '\0';
    values[ND_OPTION_user_agent] = text_value(longest);
    settings = make();
    assert_contains(settings->common_head, longest);
    assert_contains(settings->common_head,
                    "a ninedig/" ND_VERSION " libcurl/");
    assert_contains(settings->common_head,
                    curl_version_info(CURLVERSION_NOW)->version);
    nd_settings_drop(settings);
}

/* ----- the way ----- */

static struct nd_settings *make_with(const char *url, const char *proxy,
                                     const char *ca_file)
{
    memset(values, 0, sizeof values);
    values[ND_OPTION_base_url] = text_value(url);
    if (proxy)
        values[ND_OPTION_proxy] = text_value(proxy);
    if (ca_file)
        values[ND_OPTION_ca_file] = text_value(ca_file);
    return make();
}

/* A connection serves both of two clients where nothing that decides how it
 * is made differs. */
static void tells_ways_apart(void **state)
{
    static const struct {
        const char *url;
        const char *proxy;
        const char *ca_file;
        bool same;
    } rows[] = {
        {"https://host/api", NULL, NULL, true},
        {"https://host/other", NULL, NULL, true},
        {"https://HOST:443/", NULL, NULL, true},
        {"https://host/api", "", NULL, true},
        {"https://host:444/api", NULL, NULL, false},
        {"https://other/api", NULL, NULL, false},
        {"https://host/api", "http://proxy:1", NULL, false},
        {"https://host/api", NULL, "/ca.pem", false},
    };
    struct nd_settings *first;
    size_t i;

    (void)state;
    first = make_with("https://host/api", NULL, NULL);
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_settings *other =
            make_with(rows[i].url, rows[i].proxy, rows[i].ca_file);

        assert_int_equal(nd_settings_same_way(first, other), rows[i].same);
        nd_settings_drop(other);
    }
    nd_settings_drop(first);
}

/* The environment's proxy is read once, and with it the variable. */
static void reads_the_proxy_of_the_environment(void **state)
{
    struct nd_settings *none;
    struct nd_settings *from_environment;
    struct nd_settings *plain;

    (void)state;
    assert_int_equal(setenv("ALL_PROXY", "http://user:pass@one:1", 1), 0);
    assert_int_equal(setenv("https_proxy", "http://two:2", 1), 0);
    assert_int_equal(setenv("no_proxy", "a,b", 1), 0);
    from_environment = make_with("https://host/api", NULL, NULL);
    none = make_with("https://host/api", "", NULL);
    plain = make_with("http://127.0.0.1:1/", NULL, NULL);
    assert_int_equal(unsetenv("ALL_PROXY"), 0);
    assert_int_equal(unsetenv("https_proxy"), 0);
    assert_int_equal(unsetenv("no_proxy"), 0);
    assert_string_equal(from_environment->proxy, "http://two:2");
    assert_string_equal(from_environment->proxy_variable, "https_proxy");
    assert_string_equal(from_environment->proxy_name,
                        "the proxy two:2 of https_proxy");
    assert_string_equal(from_environment->no_proxy, "a,b");
    assert_string_equal(none->proxy, "");
    assert_string_equal(none->proxy_name, "");
    assert_null(none->proxy_variable);
    assert_string_equal(plain->proxy, "");
    assert_false(nd_settings_same_way(from_environment, none));
    nd_settings_drop(from_environment);
    nd_settings_drop(none);
    nd_settings_drop(plain);
}

/* ----- credentials ----- */

static void takes_client_id_and_secret_together(void **state)
{
    struct nd_error err = junk_error();
    struct nd_settings *settings;

    (void)state;
    values[ND_OPTION_client_id] = text_value("partner");
    assert_null(nd_settings_new(values, &err));
    assert_bad_argument(&err, "MISSING_KEY", "client_secret");
    values[ND_OPTION_client_secret] = text_value("s3cret-s3cret");
    settings = make();
    assert_string_equal(nd_settings_text(settings, "client_id"), "partner");
    assert_string_equal(nd_settings_text(settings, "client_secret"),
                        "s3cret-s3cret");
    assert_null(nd_settings_text(settings, "access_token"));
    assert_null(nd_settings_text(settings, "base_url"));
    nd_settings_drop(settings);

    values[ND_OPTION_access_token] = text_value("t0ken-t0ken");
    err = junk_error();
    assert_null(nd_settings_new(values, &err));
    assert_bad_argument(&err, "BAD_VALUE", "access_token");
    assert_lacks(err.message, "s3cret");
    assert_lacks(err.message, "t0ken");

    values[ND_OPTION_access_token].set = false;
    values[ND_OPTION_client_id].set = false;
    err = junk_error();
    assert_null(nd_settings_new(values, &err));
    assert_bad_argument(&err, "MISSING_KEY", "client_id");
    assert_lacks(err.message, "s3cret");
}

/* ----- base_url ----- */

static void drops_the_slashes_at_the_end(void **state)
{
    static const char *const rows[][2] = {
        {"https://host", "https://host"},
        {"https://host/", "https://host"},
        {"https://host///", "https://host"},
        {"https://host/api", "https://host/api"},
        {"https://host/a/b//", "https://host/a/b"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_settings *settings;

        values[ND_OPTION_base_url] = text_value(rows[i][0]);
        settings = make();
        assert_string_equal(settings->base_url, rows[i][1]);
        assert_false(settings->plain_http);
        nd_settings_drop(settings);
    }
}

/* ----- time ----- */

/* 0 would mean no time-out at all to libcurl. */
static void rounds_time_outs_up_to_milliseconds(void **state)
{
    static const struct {
        double seconds;
        long ms;
    } rows[] = {
        {1e-300, 1}, {1e-9, 1},   {0.0001, 1},       {0.001, 1},
        {0.0011, 2}, {0.25, 250}, {0.9999, 1000},    {1, 1000},
        {1.5, 1500}, {30, 30000}, {86400, 86400000}, {2.0001, 2001},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_settings *settings;

        values[ND_OPTION_timeout] = number_value(rows[i].seconds);
        values[ND_OPTION_connect_timeout] = number_value(rows[i].seconds);
        settings = make();
        assert_int_equal(settings->timeout_ms, rows[i].ms);
        assert_int_equal(settings->connect_timeout_ms, rows[i].ms);
        nd_settings_drop(settings);
    }
}

static void keeps_max_idle_in_milliseconds(void **state)
{
    static const struct {
        double max_idle;
        long ms;
    } rows[] = {
        {0, 0}, {0.5, 500}, {1, 1000}, {2.5, 2500}, {3600, 3600000},
    };
    struct nd_settings *settings = make();
    size_t i;

    (void)state;
    assert_int_equal(settings->max_idle_ms, 4000); /* the default */
    nd_settings_drop(settings);
    for (i = 0; i < COUNT(rows); i++) {
        values[ND_OPTION_max_idle] = number_value(rows[i].max_idle);
        settings = make();
        assert_int_equal(settings->max_idle_ms, rows[i].ms);
        nd_settings_drop(settings);
    }
}

/* ----- plain http ----- */

static void keeps_a_plain_service_from_proxies(void **state)
{
    static const char *const loopback[] = {"", "http://127.0.0.1:3128",
                                           "localhost:3128", "socks5://[::1]"};
    struct nd_error err = junk_error();
    struct nd_settings *settings;
    size_t i;

    (void)state;
    values[ND_OPTION_base_url] = text_value("http://127.0.0.1:8080/api");
    settings = make();
    assert_true(settings->plain_http);
    assert_string_equal(settings->proxy, ""); /* not the environment's */
    nd_settings_drop(settings);
    for (i = 0; i < COUNT(loopback); i++) {
        values[ND_OPTION_proxy] = text_value(loopback[i]);
        settings = make();
        assert_string_equal(settings->proxy, loopback[i]);
        nd_settings_drop(settings);
    }
    values[ND_OPTION_proxy] = text_value("http://10.0.0.1:3128");
    assert_null(nd_settings_new(values, &err));
    assert_bad_argument(&err, "BAD_VALUE", "proxy");
}

/* ----- life ----- */

static void lives_as_long_as_somebody_holds_it(void **state)
{
    struct nd_settings *settings = make();

    (void)state;
    assert_ptr_equal(nd_settings_hold(settings), settings);
    nd_settings_drop(settings);
    assert_string_equal(settings->base_url, ND_BASE_URL);
    nd_settings_drop(settings);
    nd_settings_drop(NULL);
}

#define TEST(name) cmocka_unit_test_setup(name, clear_values)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_the_documented_options),
        TEST(has_the_documented_defaults),
        TEST(copies_what_it_is_given),
        TEST(holds_the_longest_user_agent),
        TEST(tells_ways_apart),
        TEST(reads_the_proxy_of_the_environment),
        TEST(takes_client_id_and_secret_together),
        TEST(drops_the_slashes_at_the_end),
        TEST(rounds_time_outs_up_to_milliseconds),
        TEST(keeps_max_idle_in_milliseconds),
        TEST(keeps_a_plain_service_from_proxies),
        TEST(lives_as_long_as_somebody_holds_it),
    };

    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
