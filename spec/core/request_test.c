/* request.c: the request of one call, byte by byte. */
#include "support.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/core/request.h"
#include "../../src/core/version.h"

enum { TOKEN, ACCOUNT, SERVER, INBOX };

static struct nd_settings *settings_with(const char *base_url,
                                         const char *token)
{
    struct nd_value options[ND_OPTIONS];
    struct nd_settings *settings;
    struct nd_error err;

    memset(options, 0, sizeof options);
    if (base_url)
        options[ND_OPTION_base_url] = text_value(base_url);
    if (token)
        options[ND_OPTION_access_token] = text_value(token);
    settings = nd_settings_new(options, &err);
    assert_non_null(settings);
    return settings;
}

static struct nd_values some_values(void)
{
    struct nd_values values;

    memset(&values, 0, sizeof values);
    values.of[TOKEN] = text_value("call-token");
    values.of[ACCOUNT] = id_value(1);
    values.of[SERVER] = text_value("online");
    values.of[INBOX] = id_value(10);
    return values;
}

/* Renders a deletion; the request then holds the settings alone. */
static void render(struct nd_request *request, const struct nd_values *values,
                   struct nd_settings *settings)
{
    struct nd_error err;

    assert_true(nd_request_render(request, &nd_calls[ND_CALL_DELETE_INBOX],
                                  values, settings, &err));
    nd_settings_drop(settings);
}

static const char *body_of(const struct nd_request *request)
{
    return request->bytes.data + request->head_length;
}

static size_t body_length(const struct nd_request *request)
{
    return request->bytes.length - request->head_length;
}

/* ----- the body ----- */

static void renders_the_documented_body(void **state)
{
    struct nd_values values = some_values();
    struct nd_request request;

    (void)state;
    render(&request, &values, settings_with(NULL, NULL));
    assert_string_equal(body_of(&request),
                        "{\"accountID\":1,\"server\":\"online\","
                        "\"inboxID\":10}");
    assert_int_equal(body_length(&request), strlen(body_of(&request)));
    nd_request_free(&request);
}

static void renders_ids_as_plain_digits(void **state)
{
    static const struct {
        uint64_t id;
        const char *digits;
    } rows[] = {
        {1, "1"},
        {UINT64_C(100000000000000), "100000000000000"},
        {UINT64_C(123456789012345), "123456789012345"},
        {UINT64_C(9007199254740993), "9007199254740993"},
        {UINT64_C(999999999999999999), "999999999999999999"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_values values = some_values();
        struct nd_request request;
        char body[200];

        values.of[ACCOUNT] = id_value(rows[i].id);
        values.of[INBOX] = id_value(rows[i].id);
        render(&request, &values, settings_with(NULL, NULL));
        (void)snprintf(body, sizeof body,
                       "{\"accountID\":%s,\"server\":\"online\","
                       "\"inboxID\":%s}",
                       rows[i].digits, rows[i].digits);
        assert_string_equal(body_of(&request), body);
        nd_request_free(&request);
    }
}

/* As it is given as a string, its digits are sent and nothing else. */
static void renders_ids_that_were_strings(void **state)
{
    struct nd_values values = some_values();
    struct nd_request request;

    (void)state;
    values.of[INBOX].text = "10";
    values.of[INBOX].length = 2;
    render(&request, &values, settings_with(NULL, NULL));
    assert_contains(body_of(&request), "\"inboxID\":10}");
    nd_request_free(&request);
}

static void keeps_the_server_as_it_is_spelt(void **state)
{
    struct nd_values values = some_values();
    struct nd_request request;

    (void)state;
    values.of[SERVER] = text_value("My-Server-2");
    render(&request, &values, settings_with(NULL, NULL));
    assert_contains(body_of(&request), "\"server\":\"My-Server-2\"");
    nd_request_free(&request);
}

/* A call may have texts of any bytes, such as a secret: they are escaped,
 * and the longest ones fit, at either maximum. */
static void escapes_texts_of_the_body(void **state)
{
    static const struct nd_call call = {
        "get",
        "POST",
        "/get",
        ND_READS,
        {{{"client_id", ND_TYPE_TOKEN, 0, 0, false}, ND_IN_BODY, NULL},
         {{"client_secret", ND_TYPE_TOKEN, 0, 0, false}, ND_IN_BODY, NULL}}};
    static char longest[ND_TOKEN_MAX + 1];
    struct nd_settings *settings = settings_with(NULL, NULL);
    struct nd_request request;
    struct nd_values values;
    struct nd_error err;

    (void)state;
    memset(&values, 0, sizeof values);
    values.of[0] = text_value("a\"b\\c");
    assert_true(nd_request_render(&request, &call, &values, settings, &err));
    assert_string_equal(body_of(&request), "{\"client_id\":\"a\\\"b\\\\c\"}");
    assert_null(request.token);
    nd_request_free(&request);

    memset(longest, '"', ND_TOKEN_MAX);
    values.of[0] = text_value(longest);
    values.of[1] = text_value(longest);
    assert_true(nd_request_render(&request, &call, &values, settings, &err));
    assert_int_equal(body_length(&request),
                     4 * ND_TOKEN_MAX + strlen("{\"client_id\":\"\","
                                               "\"client_secret\":\"\"}"));
    assert_string_equal(request.values.of[1].text, longest);
    nd_request_free(&request);
    nd_settings_drop(settings);
}

static void has_no_body_where_the_call_has_none(void **state)
{
    static const struct nd_call call = {
        "read",
        "GET",
        "/read",
        ND_READS,
        {{{"access_token", ND_TYPE_TOKEN, 0, 0, false}, ND_BEARER, NULL}}};
    struct nd_settings *settings = settings_with(NULL, NULL);
    struct nd_request request;
    struct nd_values values;
    struct nd_error err;

    (void)state;
    memset(&values, 0, sizeof values);
    values.of[0] = text_value("t0ken");
    assert_true(nd_request_render(&request, &call, &values, settings, &err));
    assert_int_equal(body_length(&request), 0);
    assert_contains(request.bytes.data, "GET /api/read HTTP/1.1\r\n");
    assert_contains(request.bytes.data, "Bearer t0ken\r\n\r\n");
    assert_lacks(request.bytes.data, "Content-");
    nd_request_free(&request);
    nd_settings_drop(settings);
}

/* ----- headers ----- */

/* All that is sent, to the byte. */
static void renders_the_documented_request(void **state)
{
    struct nd_values values = some_values();
    struct nd_settings *settings = settings_with("https://a.b:81/c", NULL);
    struct nd_request request;
    char wanted[512];

    (void)state;
    (void)snprintf(wanted, sizeof wanted,
                   "DELETE /c/online/deleteInbox HTTP/1.1\r\n"
                   "Host: a.b:81\r\n"
                   "User-Agent: ninedig/%s libcurl/%s\r\n"
                   "Accept: application/json\r\n"
                   "Content-Type: application/json\r\n"
                   "Authorization: Bearer call-token\r\n"
                   "Content-Length: 46\r\n\r\n"
                   "{\"accountID\":1,\"server\":\"online\",\"inboxID\":10}",
                   ND_VERSION, curl_version_info(CURLVERSION_NOW)->version);
    render(&request, &values, settings);
    assert_string_equal(request.bytes.data, wanted);
    assert_int_equal(request.bytes.length, strlen(wanted));
    nd_request_free(&request);
}

static void shows_the_request_without_its_token(void **state)
{
    struct nd_values values = some_values();
    struct nd_request request;
    struct nd_buffer text;

    (void)state;
    nd_buffer_init(&text, 4096);
    render(&request, &values, settings_with("https://a.b/c/", NULL));
    assert_true(nd_request_show(&request, &text));
    assert_ptr_equal(strstr(text.data,
                            "DELETE https://a.b/c/online/deleteInbox\n"
                            "Host: a.b\n"),
                     text.data);
    assert_contains(text.data, "\nAuthorization: Bearer [redacted]\n");
    assert_contains(text.data, "\nContent-Length: 46\n\n{\"accountID\":1,");
    assert_lacks(text.data, "call-token");
    assert_lacks(text.data, "\r");
    nd_buffer_free(&text);
    nd_request_free(&request);
}

static void prefers_the_token_of_the_call(void **state)
{
    struct nd_values values = some_values();
    struct nd_settings *settings;
    struct nd_request request;
    struct nd_error err;

    (void)state;
    render(&request, &values, settings_with(NULL, "client-token"));
    assert_string_equal(request.token, "call-token");
    assert_string_equal(request.token, "call-token");
    nd_request_free(&request);

    settings = settings_with(NULL, "client-token");
    values.of[TOKEN].set = false;
    assert_true(nd_complete_values(&values, &nd_calls[ND_CALL_DELETE_INBOX],
                                   settings, &err));
    render(&request, &values, settings);
    assert_string_equal(request.token, "client-token");
    assert_string_equal(request.token, "client-token");
    nd_request_free(&request);
}

/* ----- where it goes ----- */

static void goes_to_the_path_below_base_url(void **state)
{
    static const char *const rows[][3] = {
        {NULL, "DELETE /api/online/deleteInbox HTTP/1.1\r\n",
         "\r\nHost: partners.99digital.co.il\r\n"},
        {"https://host", "DELETE /online/deleteInbox HTTP/1.1\r\n",
         "\r\nHost: host\r\n"},
        {"https://host/", "DELETE /online/deleteInbox HTTP/1.1\r\n",
         "\r\nHost: host\r\n"},
        {"https://host:443/a/b/",
         "DELETE /a/b/online/deleteInbox HTTP/1.1\r\n", "\r\nHost: host\r\n"},
        {"http://127.0.0.1:81/api",
         "DELETE /api/online/deleteInbox HTTP/1.1\r\n",
         "\r\nHost: 127.0.0.1:81\r\n"},
        {"http://[::1]:80", "DELETE /online/deleteInbox HTTP/1.1\r\n",
         "\r\nHost: [::1]\r\n"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct nd_values values = some_values();
        struct nd_request request;

        render(&request, &values, settings_with(rows[i][0], NULL));
        assert_ptr_equal(strstr(request.bytes.data, rows[i][1]),
                         request.bytes.data);
        assert_contains(request.bytes.data, rows[i][2]);
        nd_request_free(&request);
    }
}

/* ----- life ----- */

static void keeps_nothing_of_the_callers(void **state)
{
    char token[] = "call-token";
    char server[] = "online";
    struct nd_values values = some_values();
    struct nd_request request;

    (void)state;
    values.of[TOKEN] = text_value(token);
    values.of[SERVER] = text_value(server);
    render(&request, &values, settings_with(NULL, NULL));
    memset(token, 'x', sizeof token - 1);
    memset(server, 'x', sizeof server - 1);
    memset(&values, 0, sizeof values);
    assert_string_equal(request.token, "call-token");
    assert_string_equal(request.values.of[SERVER].text, "online");
    assert_int_equal(request.values.of[INBOX].id, 10);
    nd_request_free(&request);
}

static void can_be_freed_twice(void **state)
{
    struct nd_values values = some_values();
    struct nd_request request;

    (void)state;
    render(&request, &values, settings_with(NULL, NULL));
    nd_request_free(&request);
    assert_null(request.token);
    assert_null(request.settings);
    nd_request_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_the_documented_body),
        cmocka_unit_test(renders_ids_as_plain_digits),
        cmocka_unit_test(renders_ids_that_were_strings),
        cmocka_unit_test(keeps_the_server_as_it_is_spelt),
        cmocka_unit_test(escapes_texts_of_the_body),
        cmocka_unit_test(has_no_body_where_the_call_has_none),
        cmocka_unit_test(renders_the_documented_request),
        cmocka_unit_test(shows_the_request_without_its_token),
        cmocka_unit_test(prefers_the_token_of_the_call),
        cmocka_unit_test(goes_to_the_path_below_base_url),
        cmocka_unit_test(keeps_nothing_of_the_callers),
        cmocka_unit_test(can_be_freed_twice),
    };

    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
