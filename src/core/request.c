#include "request.h"

#include <stdlib.h>
#include <string.h>

/* The longest path, token and user agent, and two secrets of the longest
 * kind, each byte escaped as \uXXXX. */
#define ND_REQUEST_MAX ((size_t)16 * ND_TOKEN_MAX)

/* Most requests need no more. */
#define ND_USUAL 768

/* Copies the values' texts, so that nothing of the caller's is kept. */
static bool copy_values(struct nd_request *request,
                        const struct nd_values *values)
{
    size_t room = 0;
    char *next;
    size_t i;

    for (i = 0; i < ND_PARAMS_MAX; i++)
        room += values->of[i].set && values->of[i].text
                    ? values->of[i].length + 1
                    : 0;
    request->values = *values;
    request->texts = next = malloc(room ? room : 1);
    if (!next)
        return false;
    for (i = 0; i < ND_PARAMS_MAX; i++) {
        struct nd_value *value = &request->values.of[i];

        if (!value->set || !value->text)
            continue;
        memcpy(next, value->text, value->length);
        next[value->length] = '\0';
        value->text = next;
        next += value->length + 1;
    }
    return true;
}

/* As plain digits: a JSON library would write 1e+14 for some. */
static bool add_digits(struct nd_buffer *bytes, uint64_t number)
{
    char digits[20];
    char *end = digits + sizeof digits;
    char *first = end;

    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return nd_buffer_add(bytes, first, (size_t)(end - first));
}

static bool add_value(struct nd_buffer *body, const struct nd_param *param,
                      const struct nd_value *value)
{
    if (param->field.type == ND_TYPE_ID)
        return add_digits(body, value->id);
    return nd_buffer_add(body, "\"", 1) &&
           nd_buffer_add_json(body, value->text, value->length) &&
           nd_buffer_add(body, "\"", 1);
}

static bool render_body(const struct nd_request *request,
                        struct nd_buffer *body)
{
    const struct nd_param *param = request->call->params;
    const char *before = "{\"";
    size_t i;

    for (i = 0; param[i].field.key; i++) {
        if (!(param[i].where & ND_IN_BODY) || !request->values.of[i].set)
            continue;
        if (!nd_buffer_add_text(body, before) ||
            !nd_buffer_add_text(body, param[i].field.key) ||
            !nd_buffer_add(body, "\":", 2) ||
            !add_value(body, &param[i], &request->values.of[i]))
            return false;
        before = ",\"";
    }
    return *before == '{' || nd_buffer_add(body, "}", 1);
}

static bool add_token(struct nd_buffer *bytes, const char *token)
{
    return !token || (nd_buffer_add_text(bytes, "Authorization: Bearer ") &&
                      nd_buffer_add_text(bytes, token) &&
                      nd_buffer_add(bytes, "\r\n", 2));
}

static bool add_length(struct nd_buffer *bytes, size_t length)
{
    return !length ||
           (nd_buffer_add_text(bytes, "Content-Length: ") &&
            add_digits(bytes, length) && nd_buffer_add(bytes, "\r\n", 2));
}

static bool render_head(struct nd_request *request, size_t body_length)
{
    const struct nd_settings *settings = request->settings;
    struct nd_buffer *bytes = &request->bytes;

    return nd_buffer_reserve(bytes, ND_USUAL) &&
           nd_buffer_add_text(bytes, request->call->method) &&
           nd_buffer_add(bytes, " ", 1) &&
           nd_buffer_add_text(bytes, settings->path) &&
           nd_buffer_add_text(bytes, request->call->path) &&
           nd_buffer_add_text(bytes, " HTTP/1.1\r\n") &&
           nd_buffer_add_text(bytes, settings->common_head) &&
           (!body_length ||
            nd_buffer_add_text(bytes, "Content-Type: application/json\r\n")) &&
           add_token(bytes, request->token) &&
           add_length(bytes, body_length) && nd_buffer_add(bytes, "\r\n", 2);
}

static bool render(struct nd_request *request)
{
    struct nd_buffer body;
    bool good;

    nd_buffer_init(&body, ND_REQUEST_MAX);
    good = render_body(request, &body) && render_head(request, body.length);
    request->head_length = request->bytes.length;
    good = good && (!body.length ||
                    nd_buffer_add(&request->bytes, body.data, body.length));
    nd_buffer_free(&body);
    return good;
}

static const char *find_token(const struct nd_request *request)
{
    const struct nd_param *param = request->call->params;
    size_t i;

    for (i = 0; param[i].field.key; i++) {
        if (param[i].where & ND_BEARER)
            return request->values.of[i].text;
    }
    return NULL;
}

bool nd_request_render(struct nd_request *request, const struct nd_call *call,
                       const struct nd_values *values,
                       struct nd_settings *settings, struct nd_error *err)
{
    request->call = call;
    request->settings = nd_settings_hold(settings);
    request->token = NULL;
    request->texts = NULL;
    nd_buffer_init(&request->bytes, ND_REQUEST_MAX);
    if (!copy_values(request, values))
        return nd_fail_memory(err);
    request->token = find_token(request);
    return render(request) || nd_fail_memory(err);
}

void nd_request_free(struct nd_request *request)
{
    free(request->texts);
    nd_buffer_free(&request->bytes);
    nd_settings_drop(request->settings);
    request->token = NULL;
    request->texts = NULL;
    request->settings = NULL;
}

/* ----- for a person to look at ----- */

static bool show_line(struct nd_buffer *text, const char *line, size_t length)
{
    static const char secret[] = "Authorization: Bearer ";
    size_t name = sizeof secret - 1;

    if (length > name && memcmp(line, secret, name) == 0)
        return nd_buffer_add_text(text, secret) &&
               nd_buffer_add_text(text, "[redacted]\n");
    return nd_buffer_add(text, line, length) && nd_buffer_add(text, "\n", 1);
}

static bool show_lines(struct nd_buffer *text, const char *at, const char *end)
{
    while (at < end) {
        const char *feed = memchr(at, '\r', (size_t)(end - at));

        if (!show_line(text, at, (size_t)(feed - at)))
            return false;
        at = feed + 2;
    }
    return true;
}

bool nd_request_show(const struct nd_request *request, struct nd_buffer *text)
{
    const char *head = request->bytes.data;
    const char *body = head + request->head_length;
    const char *fields = strchr(head, '\n') + 1;

    return nd_buffer_add_text(text, request->call->method) &&
           nd_buffer_add(text, " ", 1) &&
           nd_buffer_add_text(text, request->settings->base_url) &&
           nd_buffer_add_text(text, request->call->path) &&
           nd_buffer_add(text, "\n", 1) && show_lines(text, fields, body) &&
           nd_buffer_add(text, body,
                         request->bytes.length - request->head_length);
}
