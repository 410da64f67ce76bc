/* call.c: the service as data. */
#include "support.h"

#include <ctype.h>

#include "../../src/core/call.h"

static const struct nd_call *delete_inbox(void)
{
    return &nd_calls[ND_CALL_DELETE_INBOX];
}

/* ----- the tables ----- */

/* What is not sent is a matter of the Lua layer, and not looked at here. */
static void describes_the_deletion_as_the_document_does(void **state)
{
    static const struct {
        const char *key;
        enum nd_type type;
        unsigned int where;
        const char *fallback;
    } body[] = {
        {"accountID", ND_TYPE_ID, ND_NEEDED | ND_IN_BODY | ND_ECHOED, NULL},
        {"server", ND_TYPE_LABEL, ND_IN_BODY | ND_ECHOED, "online"},
        {"inboxID", ND_TYPE_ID, ND_NEEDED | ND_IN_BODY | ND_ECHOED, NULL},
    };
    const struct nd_call *call = delete_inbox();
    size_t next = 0;
    size_t i;

    (void)state;
    assert_string_equal(call->name, "delete_inbox");
    assert_string_equal(call->method, "DELETE");
    assert_string_equal(call->path, "/online/deleteInbox");
    assert_int_equal(call->effect, ND_ERASES);
    assert_string_equal(call->params[0].field.key, "access_token");
    assert_int_equal(call->params[0].field.type, ND_TYPE_TOKEN);
    assert_true(call->params[0].where & ND_BEARER);
    for (i = 0; call->params[i].field.key; i++) {
        const struct nd_param *param = &call->params[i];

        if (!(param->where & ND_IN_BODY))
            continue;
        assert_true(next < COUNT(body));
        assert_string_equal(param->field.key, body[next].key);
        assert_int_equal(param->field.type, body[next].type);
        assert_int_equal(param->where, body[next].where);
        if (body[next].fallback)
            assert_string_equal(param->fallback, body[next].fallback);
        else
            assert_null(param->fallback);
        next++;
    }
    assert_int_equal(next, COUNT(body));
}

static void names_the_reasons_as_documented(void **state)
{
    static const struct {
        long code;
        const char *name;
    } rows[] = {
        {1, "OK"},
        {2, "CREDENTIALS_OR_JSON_INVALID"},
        {3, "ACCESS_TOKEN_INVALID"},
        {13, "METHOD_NOT_DELETE"},
        {33, "ACCOUNT_ID_INVALID"},
        {34, "SERVER_INVALID"},
        {47, "INBOX_ID_INVALID"},
    };
    static const long undocumented[] = {-1, 0,  4,  12, 14,
                                        32, 35, 46, 48, 1000};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const struct nd_reason *reason =
            nd_find_reason(delete_inbox(), rows[i].code);

        assert_non_null(reason);
        assert_int_equal(reason->code, rows[i].code);
        assert_string_equal(reason->name, rows[i].name);
        assert_ptr_equal(nd_reason_at(delete_inbox(), i), reason);
    }
    assert_null(nd_reason_at(delete_inbox(), COUNT(rows)));
    for (i = 0; i < COUNT(undocumented); i++)
        assert_null(nd_find_reason(delete_inbox(), undocumented[i]));
}

static void finds_each_call_by_its_name(void **state)
{
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < ND_CALLS; i++) {
        assert_ptr_equal(nd_find_call(nd_calls[i].name), &nd_calls[i]);
        for (j = 0; j < i; j++)
            assert_string_not_equal(nd_calls[i].name, nd_calls[j].name);
    }
    assert_null(nd_find_call(""));
    assert_null(nd_find_call("DELETE_INBOX"));
    assert_null(nd_find_call("delete_inbox_"));
}

static void is_method(const char *method)
{
    assert_true(*method != '\0');
    for (; *method; method++)
        assert_true(isupper((unsigned char)*method));
}

/* A path begins with a slash, ends without one and needs no escapes. */
static void is_path(const char *path)
{
    const char *c;

    assert_int_equal(path[0], '/');
    assert_int_not_equal(path[strlen(path) - 1], '/');
    for (c = path; *c; c++)
        assert_true(isalnum((unsigned char)*c) || *c == '/' || *c == '-' ||
                    *c == '_');
}

static void has_no_row_that_contradicts_another(void **state)
{
    size_t i;
    size_t j;
    size_t k;

    (void)state;
    for (i = 0; i < ND_CALLS; i++) {
        const struct nd_call *call = &nd_calls[i];
        const struct nd_reason *reason;

        if (call->method) { /* else the Lua layer makes it of others */
            is_method(call->method);
            is_path(call->path);
            assert_string_equal(nd_find_reason(call, 1)->name, "OK");
        }
        for (j = 0; call->params[j].field.key; j++) {
            const struct nd_param *param = &call->params[j];

            assert_true(j < ND_PARAMS_MAX);
            /* What is needed has no need of a fallback. */
            assert_false((param->where & ND_NEEDED) && param->fallback);
            for (k = 0; k < j; k++)
                assert_string_not_equal(param->field.key,
                                        call->params[k].field.key);
        }
        for (j = 0; (reason = nd_reason_at(call, j)) != NULL; j++) {
            assert_ptr_equal(nd_find_reason(call, reason->code), reason);
            assert_true(reason->code > 0);
            assert_true(strlen(reason->message) > 0);
            for (k = 0; k < j; k++)
                assert_string_not_equal(reason->name,
                                        nd_reason_at(call, k)->name);
        }
    }
}

/* A fallback is checked by nobody, so it must be good as it stands. */
static void has_good_fallbacks(void **state)
{
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < ND_CALLS; i++) {
        for (j = 0; nd_calls[i].params[j].field.key; j++) {
            const struct nd_param *param = &nd_calls[i].params[j];
            struct nd_value value;
            struct nd_error err;
            struct nd_raw raw;

            if (!param->fallback)
                continue;
            raw = raw_text(param->fallback);
            assert_true(nd_value_check(&value, &param->field, &raw, &err));
        }
    }
}

static void lists_the_results_of_the_deletion(void **state)
{
    const struct nd_result *result = nd_result_at(delete_inbox(), 0);

    (void)state;
    assert_non_null(result);
    assert_string_equal(result->key, "whatsapp_number");
    assert_int_equal(result->where, ND_RESULT_TOP);
    assert_int_equal(result->form, ND_RESULT_TEXT);
    assert_null(nd_result_at(delete_inbox(), 1));
}

/* ----- completing what was given ----- */

enum { TOKEN, ACCOUNT, SERVER, INBOX };

/* A client with this token, or with none. */
static struct nd_settings *client(const char *token)
{
    struct nd_value options[ND_OPTIONS];
    struct nd_settings *settings;
    struct nd_error err;

    memset(options, 0, sizeof options);
    if (token)
        options[ND_OPTION_access_token] = text_value(token);
    settings = nd_settings_new(options, &err);
    assert_non_null(settings);
    return settings;
}

static struct nd_values all_values(void)
{
    struct nd_values values;

    memset(&values, 0, sizeof values);
    values.of[TOKEN] = text_value("token");
    values.of[ACCOUNT] = id_value(1);
    values.of[SERVER] = text_value("other");
    values.of[INBOX] = id_value(10);
    return values;
}

static void keeps_what_was_given(void **state)
{
    struct nd_settings *settings = client("of-the-client");
    struct nd_values values = all_values();
    struct nd_error err;

    (void)state;
    assert_true(nd_complete_values(&values, delete_inbox(), settings, &err));
    assert_string_equal(values.of[TOKEN].text, "token");
    assert_int_equal(values.of[ACCOUNT].id, 1);
    assert_string_equal(values.of[SERVER].text, "other");
    assert_int_equal(values.of[INBOX].id, 10);
    nd_settings_drop(settings);
}

static void fills_in_the_server(void **state)
{
    struct nd_settings *settings = client(NULL);
    struct nd_values values = all_values();
    struct nd_error err;

    (void)state;
    values.of[SERVER].set = false;
    assert_true(nd_complete_values(&values, delete_inbox(), settings, &err));
    assert_true(values.of[SERVER].set);
    assert_string_equal(values.of[SERVER].text, "online");
    assert_int_equal(values.of[SERVER].length, 6);
    nd_settings_drop(settings);
}

static void misses_what_is_needed(void **state)
{
    static const int needed[] = {TOKEN, ACCOUNT, INBOX};
    struct nd_settings *settings = client(NULL);
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(needed); i++) {
        struct nd_values values = all_values();
        struct nd_error err = junk_error();

        values.of[needed[i]].set = false;
        assert_false(
            nd_complete_values(&values, delete_inbox(), settings, &err));
        assert_bad_argument(&err, "MISSING_KEY",
                            delete_inbox()->params[needed[i]].field.key);
    }
    nd_settings_drop(settings);
}

static void takes_the_token_of_the_client(void **state)
{
    struct nd_settings *settings = client("of-the-client");
    struct nd_values values = all_values();
    struct nd_error err;

    (void)state;
    values.of[TOKEN].set = false;
    assert_true(nd_complete_values(&values, delete_inbox(), settings, &err));
    assert_true(values.of[TOKEN].set);
    assert_string_equal(values.of[TOKEN].text, "of-the-client");
    assert_int_equal(values.of[TOKEN].length, 13);
    nd_settings_drop(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_the_deletion_as_the_document_does),
        cmocka_unit_test(names_the_reasons_as_documented),
        cmocka_unit_test(finds_each_call_by_its_name),
        cmocka_unit_test(has_no_row_that_contradicts_another),
        cmocka_unit_test(has_good_fallbacks),
        cmocka_unit_test(lists_the_results_of_the_deletion),
        cmocka_unit_test(keeps_what_was_given),
        cmocka_unit_test(fills_in_the_server),
        cmocka_unit_test(misses_what_is_needed),
        cmocka_unit_test(takes_the_token_of_the_client),
    };

    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
