#include "request.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two secrets of the longest kind, each byte escaped as \uXXXX. */
#define ND_BODY_MAX ((size_t)2 * 6 * ND_TOKEN_MAX)

static char *join(const char *left, const char *right)
{
    size_t left_length = strlen(left);
    size_t right_size = strlen(right) + 1;
    char *joined = malloc(left_length + right_size);

    if (!joined)
        return NULL;
    memcpy(joined, left, left_length);
    memcpy(joined + left_length, right, right_size);
    return joined;
}

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
static bool add_id(struct nd_buffer *body, uint64_t id)
{
    char digits[ND_ID_DIGITS + 3];
    char *end = digits + sizeof digits;
    char *first = end;

    do {
        *--first = (char)('0' + id % 10);
        id /= 10;
    } while (id);
    return nd_buffer_add(body, first, (size_t)(end - first));
}

static bool add_value(struct nd_buffer *body, const struct nd_param *param,
                      const struct nd_value *value)
{
    if (param->field.type == ND_TYPE_ID)
        return add_id(body, value->id);
    return nd_buffer_add(body, "\"", 1) &&
           nd_buffer_add_json(body, value->text, value->length) &&
           nd_buffer_add(body, "\"", 1);
}

static bool render_body(struct nd_request *request)
{
    struct nd_buffer *body = &request->body;
    const struct nd_param *param = request->call->params;
    size_t i;

    for (i = 0; param[i].field.key; i++) {
        if (!(param[i].where & ND_IN_BODY) || !request->values.of[i].set)
            continue;
        if (!nd_buffer_add_text(body, body->length ? ",\"" : "{\"") ||
            !nd_buffer_add_text(body, param[i].field.key) ||
            !nd_buffer_add(body, "\":", 2) ||
            !add_value(body, &param[i], &request->values.of[i]))
            return false;
    }
    return !body->length || nd_buffer_add(body, "}", 1);
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
    nd_buffer_init(&request->body, ND_BODY_MAX);
    if (!copy_values(request, values) || !render_body(request))
        return nd_fail_memory(err);
    request->token = find_token(request);
    return true;
}

void nd_request_free(struct nd_request *request)
{
    free(request->texts);
    nd_buffer_free(&request->body);
    nd_settings_drop(request->settings);
    request->token = NULL;
    request->texts = NULL;
    request->settings = NULL;
}

char *nd_request_url(const struct nd_request *request)
{
    return join(request->settings->base_url, request->call->path);
}

/* Adds one line, of two pieces; on failure frees the list and leaves
 * NULL. */
static bool add_line(struct curl_slist **lines, const char *left,
                     const char *right)
{
    char *line = join(left, right);
    struct curl_slist *longer = line ? curl_slist_append(*lines, line) : NULL;

    free(line);
    if (!longer) {
        curl_slist_free_all(*lines);
        *lines = NULL;
        return false;
    }
    *lines = longer;
    return true;
}

struct curl_slist *nd_request_headers(const struct nd_request *request)
{
    struct curl_slist *lines = NULL;

    /* As an option of its own, libcurl would render it anew for each call.
     * "Expect:" without a value keeps libcurl from sending one. */
    if (!add_line(&lines, "User-Agent: ", request->settings->user_agent) ||
        !add_line(&lines, "Accept: ", "application/json") ||
        !add_line(&lines, "Expect:", "") ||
        (request->body.length &&
         !add_line(&lines, "Content-Type: ", "application/json")) ||
        (request->token &&
         !add_line(&lines, "Authorization: Bearer ", request->token)))
        return NULL;
    return lines;
}

/* A header line, unless it is one that only tells libcurl what to leave
 * out. */
static bool show_line(const char *line, struct nd_buffer *text)
{
    size_t length = strlen(line);

    if (length && line[length - 1] == ':')
        return true;
    if (strncmp(line, "Authorization:", 14) == 0)
        return nd_buffer_add_text(text, "Authorization: Bearer [redacted]\n");
    return nd_buffer_add(text, line, length) && nd_buffer_add(text, "\n", 1);
}

static bool show_headers(const struct nd_request *request,
                         struct nd_buffer *text)
{
    struct curl_slist *lines = nd_request_headers(request);
    const struct curl_slist *line;
    bool shown = lines != NULL;

    for (line = lines; line && shown; line = line->next)
        shown = show_line(line->data, text);
    curl_slist_free_all(lines);
    return shown;
}

static bool show_length(const struct nd_request *request,
                        struct nd_buffer *text)
{
    char line[48];

    if (!request->body.length)
        return true;
    snprintf(line, sizeof line, "Content-Length: %lu\n",
             (unsigned long)request->body.length);
    return nd_buffer_add_text(text, line);
}

bool nd_request_show(const struct nd_request *request, struct nd_buffer *text)
{
    char *url = nd_request_url(request);
    bool shown = url && nd_buffer_add_text(text, request->call->method) &&
                 nd_buffer_add(text, " ", 1) &&
                 nd_buffer_add_text(text, url) && nd_buffer_add(text, "\n", 1);

    free(url);
    return shown && show_headers(request, text) &&
           show_length(request, text) && nd_buffer_add(text, "\n", 1) &&
           nd_buffer_add(text, request->body.data, request->body.length);
}

const struct nd_value *nd_request_value(const struct nd_request *request,
                                        const char *key)
{
    const struct nd_param *param = request->call->params;
    size_t i;

    for (i = 0; param[i].field.key; i++) {
        if (strcmp(param[i].field.key, key) == 0 && request->values.of[i].set)
            return &request->values.of[i];
    }
    return NULL;
}

const char *nd_request_secret(const struct nd_request *request)
{
    const struct nd_value *secret;

    if (request->token)
        return request->token;
    secret = nd_request_value(request, "client_secret");
    return secret ? secret->text : NULL;
}
