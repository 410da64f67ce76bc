#include "transfer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "url.h"

#if LIBCURL_VERSION_NUM < 0x075000
#error "ninedig needs libcurl 7.80.0 or later: its one-send guard is \
CURLOPT_PREREQFUNCTION"
#endif
#if CURL_ERROR_SIZE > ND_DETAIL_MAX
#error "ND_DETAIL_MAX must hold libcurl's error text"
#endif

bool nd_transfer_init(struct nd_transfer *transfer, const struct nd_call *call,
                      const struct nd_values *values,
                      struct nd_settings *settings, struct nd_error *err)
{
    transfer->state = ND_TRANSFER_READY;
    transfer->engine = NULL;
    transfer->handle = NULL;
    transfer->needs_new_connection = false;
    transfer->timeout_ms = settings->timeout_ms;
    nd_answer_init(&transfer->answer, settings->max_response_bytes);
    return nd_request_render(&transfer->request, call, values, settings, err);
}

void nd_transfer_free(struct nd_transfer *transfer)
{
    nd_request_free(&transfer->request);
    nd_answer_free(&transfer->answer);
}

/* ----- what libcurl calls during a transfer ----- */

/*
 * The one-send guard.  libcurl calls it after connect and TLS and before
 * any byte of the request, on each send.  The second is forbidden: libcurl
 * resends by itself when a pooled connection dies before an answer, and the
 * first request may have been carried out.
 */
static int allow_one_send(void *data, char *remote_ip, char *local_ip,
                          int remote_port, int local_port)
{
    struct nd_handle *handle = data;
    struct nd_transfer *transfer = handle->transfer;
    struct nd_answer *answer = &transfer->answer;
    struct nd_ends ends = {.port = local_port, .remote_port = remote_port};

    (void)local_ip;
    (void)snprintf(ends.remote_ip, sizeof ends.remote_ip, "%s", remote_ip);
    if (answer->sent) {
        answer->resend_prevented = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (!nd_sockets_is_fit(handle->sockets, &ends,
                           handle->settings->max_idle_ms, &handle->fd) &&
        !transfer->needs_new_connection) {
        transfer->needs_new_connection = true;
        handle->unfit = true;
        return CURL_PREREQFUNC_ABORT;
    }
    answer->sent = true;
    return CURL_PREREQFUNC_OK;
}

static size_t take_header(char *line, size_t size, size_t count, void *data)
{
    struct nd_handle *handle = data;
    size_t length = size * count;

    /* Any number but length ends the transfer. */
    if (nd_answer_header(&handle->transfer->answer, line, length))
        return length;
    return length + 1;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
    struct nd_handle *handle = data;
    size_t length = size * count;

    /* Any number but length ends the transfer. */
    if (nd_answer_body(&handle->transfer->answer, bytes, length))
        return length;
    return length + 1;
}

static curl_socket_t open_socket(void *data, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    (void)purpose;
    return nd_sockets_open(data, address->family, address->socktype,
                           address->protocol);
}

static int close_socket(void *data, curl_socket_t fd)
{
    return nd_sockets_close(data, fd);
}

/* ----- setting up a handle ----- */

#define ND_SET(easy, option, value)                             \
    do {                                                        \
        CURLcode code_ = curl_easy_setopt(easy, option, value); \
        if (code_ != CURLE_OK)                                  \
            return code_;                                       \
    } while (0)

static CURLcode set_protocol(CURL *easy, bool plain_http)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    ND_SET(easy, CURLOPT_PROTOCOLS_STR, plain_http ? "http" : "https");
#else
    ND_SET(easy, CURLOPT_PROTOCOLS,
           (long)(plain_http ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
    return CURLE_OK;
}

/* What is the same for every transfer of the handle's life. */
static CURLcode set_constants(struct nd_handle *handle)
{
    CURL *easy = handle->easy;

    ND_SET(easy, CURLOPT_PREREQFUNCTION, allow_one_send);
    ND_SET(easy, CURLOPT_PREREQDATA, handle);
    ND_SET(easy, CURLOPT_HEADERFUNCTION, take_header);
    ND_SET(easy, CURLOPT_HEADERDATA, handle);
    ND_SET(easy, CURLOPT_WRITEFUNCTION, take_body);
    ND_SET(easy, CURLOPT_WRITEDATA, handle);
    ND_SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    ND_SET(easy, CURLOPT_OPENSOCKETDATA, handle->sockets);
    ND_SET(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    ND_SET(easy, CURLOPT_CLOSESOCKETDATA, handle->sockets);
    ND_SET(easy, CURLOPT_PRIVATE, handle);
    ND_SET(easy, CURLOPT_ERRORBUFFER, handle->error);

    /* Over HTTP/2 libcurl sends again where a stream is refused. */
    ND_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    ND_SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    ND_SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);

    /* A proxy is told nothing that is meant for the service. */
    ND_SET(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    ND_SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);

    ND_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    ND_SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    ND_SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    ND_SET(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Otherwise a timed-out look-up of a name is joined, which blocks. */
    ND_SET(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return CURLE_OK;
}

/*
 * Whom to trust: the file of the options alone, or the system's store.
 * Debian has that as a file and as a folder of the same; with a folder
 * libcurl reads all of it again for each connection, which takes a
 * processor tens of milliseconds.  A file it reads once a day.
 */
static CURLcode set_trust(CURL *easy, const char *ca_file)
{
#if LIBCURL_VERSION_NUM >= 0x075400
    char *system_file = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_CAINFO, &system_file);
    if (!ca_file && system_file && access(system_file, R_OK) == 0)
        ca_file = system_file;
#endif
    if (!ca_file)
        return CURLE_OK;
    ND_SET(easy, CURLOPT_CAINFO, ca_file);
    ND_SET(easy, CURLOPT_CAPATH, NULL);
    return CURLE_OK;
}

/* What the client's options decide. */
static CURLcode set_options(CURL *easy, const struct nd_settings *settings)
{
    CURLcode code;

    ND_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, settings->connect_timeout_ms);
    ND_SET(easy, CURLOPT_FORBID_REUSE, settings->max_idle_ms ? 0L : 1L);
    /* libcurl counts whole seconds; the guard is exact. */
    ND_SET(easy, CURLOPT_MAXAGE_CONN, settings->max_idle_ms / 1000 + 1);
    if (settings->proxy)
        ND_SET(easy, CURLOPT_PROXY, settings->proxy);
    code = set_trust(easy, settings->ca_file);
    if (code != CURLE_OK)
        return code;
    return set_protocol(easy, settings->plain_http);
}

static CURLcode set_method(CURL *easy, const struct nd_request *request)
{
    if (request->body.length)
        ND_SET(easy, CURLOPT_POST, 1L);
    else
        ND_SET(easy, CURLOPT_HTTPGET, 1L);
    ND_SET(easy, CURLOPT_CUSTOMREQUEST, request->call->method);
    return CURLE_OK;
}

/* Parses the URL once.  Given as text, libcurl would do so for each call,
 * which takes a sixth of all that it does for one. */
static CURLcode set_url(struct nd_handle *handle,
                        const struct nd_request *request)
{
    char *text = nd_request_url(request);
    CURLUcode code = CURLUE_OUT_OF_MEMORY;

    handle->url = curl_url();
    if (text && handle->url)
        code = curl_url_set(handle->url, CURLUPART_URL, text,
                            CURLU_DISALLOW_USER);
    free(text);
    if (code == CURLUE_OK)
        return curl_easy_setopt(handle->easy, CURLOPT_CURLU, handle->url);
    return code == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                        : CURLE_URL_MALFORMAT;
}

static bool same_text(const char *left, const char *right)
{
    return left && right ? strcmp(left, right) == 0 : left == right;
}

static bool is_set_up_for(const struct nd_handle *handle,
                          const struct nd_request *request)
{
    return handle->settings == request->settings &&
           handle->call == request->call &&
           same_text(handle->token, request->token);
}

static void forget_setup(struct nd_handle *handle)
{
    curl_url_cleanup(handle->url);
    curl_slist_free_all(handle->headers);
    free(handle->token);
    nd_settings_drop(handle->settings);
    handle->url = NULL;
    handle->headers = NULL;
    handle->token = NULL;
    handle->settings = NULL;
    handle->call = NULL;
}

static CURLcode set_up(struct nd_handle *handle,
                       const struct nd_request *request)
{
    CURLcode code;

    forget_setup(handle);
    curl_easy_reset(handle->easy);
    handle->headers = nd_request_headers(request);
    handle->token = request->token ? strdup(request->token) : NULL;
    if (!handle->headers || (request->token && !handle->token))
        return CURLE_OUT_OF_MEMORY;
    ND_SET(handle->easy, CURLOPT_HTTPHEADER, handle->headers);
    if ((code = set_constants(handle)) != CURLE_OK ||
        (code = set_options(handle->easy, request->settings)) != CURLE_OK ||
        (code = set_url(handle, request)) != CURLE_OK ||
        (code = set_method(handle->easy, request)) != CURLE_OK)
        return code;
    handle->settings = nd_settings_hold(request->settings);
    handle->call = request->call;
    return CURLE_OK;
}

struct nd_handle *nd_handle_new(struct nd_sockets *sockets)
{
    struct nd_handle *handle = calloc(1, sizeof *handle);

    if (!handle)
        return NULL;
    handle->sockets = sockets;
    handle->easy = curl_easy_init();
    if (handle->easy)
        return handle;
    free(handle);
    return NULL;
}

void nd_handle_free(struct nd_handle *handle)
{
    if (!handle)
        return;
    curl_easy_cleanup(handle->easy);
    forget_setup(handle);
    free(handle);
}

static CURLcode load(struct nd_handle *handle, struct nd_transfer *transfer,
                     long timeout_ms)
{
    const struct nd_request *request = &transfer->request;
    bool needs_new =
        transfer->needs_new_connection || !request->settings->max_idle_ms;
    CURL *easy = handle->easy;
    CURLcode code;

    if (!is_set_up_for(handle, request) &&
        (code = set_up(handle, request)) != CURLE_OK)
        return code;
    if (request->body.length) {
        ND_SET(easy, CURLOPT_POSTFIELDSIZE, (long)request->body.length);
        ND_SET(easy, CURLOPT_POSTFIELDS, request->body.data);
    }
    ND_SET(easy, CURLOPT_FRESH_CONNECT, needs_new ? 1L : 0L);
    ND_SET(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    return CURLE_OK;
}

int nd_handle_load(struct nd_handle *handle, struct nd_transfer *transfer,
                   long timeout_ms)
{
    CURLcode code = load(handle, transfer, timeout_ms);

    if (code != CURLE_OK) {
        forget_setup(handle);
        return (int)code;
    }
    handle->error[0] = '\0';
    handle->fd = -1;
    handle->unfit = false;
    handle->transfer = transfer;
    transfer->handle = handle;
    return 0;
}

static void note_connection(CURL *easy, struct nd_answer *answer)
{
    long connects = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    answer->reused = answer->sent && connects == 0;
    if (connects > 0)
        (void)curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME,
                                &answer->connect_seconds);
}

void nd_handle_unload(struct nd_handle *handle, int curl_code)
{
    struct nd_transfer *transfer = handle->transfer;
    struct nd_answer *answer = &transfer->answer;

    answer->curl_code = curl_code;
    note_connection(handle->easy, answer);
    if (*handle->error)
        (void)snprintf(answer->detail, sizeof answer->detail, "%s",
                       handle->error);
    transfer->handle = NULL;
    handle->transfer = NULL;
}
