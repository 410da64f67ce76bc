#include "outcome.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ----- the words ----- */

/* What an outcome means to the caller, and what to do about it. */
static const char *advice(const struct nd_call *call, enum nd_outcome outcome)
{
    if (call->effect == ND_SIGNS_IN)
        return "nothing was signed in";
    if (call->effect == ND_READS)
        return "the call only reads: nothing was changed";
    switch (outcome) {
    case ND_NOT_SENT:
        return "the request was not sent: nothing was deleted";
    case ND_REJECTED:
        return "this request deleted nothing";
    default:
        return "the deletion may have been carried out: find out whether "
               "the inbox still exists before asking again";
    }
}

#if defined(__GNUC__)
static void say(struct nd_error *err, const struct nd_call *call,
                const char *format, ...) __attribute__((format(printf, 3, 4)));
#endif

/* Fills in the message: what happened, then what it means.  One line, and
 * the advice is never what is cut. */
static void say(struct nd_error *err, const struct nd_call *call,
                const char *format, ...)
{
    const char *meaning = advice(call, err->outcome);
    size_t room = sizeof err->message - strlen(meaning) - sizeof "; ";
    size_t length;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(err->message, room, format, args);
    va_end(args);
    length = strlen(err->message);
    (void)snprintf(err->message + length, sizeof err->message - length, "; %s",
                   meaning);
}

/* Text from outside as one line that is safe to show. */
static void tell_detail(char *shown, size_t size,
                        const struct nd_buffer *detail,
                        const struct nd_secrets *secrets)
{
    struct nd_buffer safe;
    char *c;

    nd_buffer_init(&safe, size - sizeof " ()");
    if (!detail->length ||
        !nd_redact(&safe, detail->data, detail->length, secrets))
        *shown = '\0';
    else
        (void)snprintf(shown, size, " (%s)", safe.data);
    nd_buffer_free(&safe);
    for (c = shown; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
    }
}

/* ----- what failed on the way ----- */

struct fault {
    int code; /* libcurl's, an enum nd_fault, or an HTTP status */
    const char *name;
    const char *words;
};

/* Why no connection could be made, by libcurl's code. */
static const struct fault not_connected[] = {
    {CURLE_COULDNT_RESOLVE_PROXY, "PROXY_NOT_RESOLVED",
     "the proxy's name could not be resolved"},
    {CURLE_COULDNT_RESOLVE_HOST, "HOST_NOT_RESOLVED",
     "the service's name could not be resolved"},
    {CURLE_COULDNT_CONNECT, "CONNECT_FAILED", "no connection could be made"},
    {CURLE_OPERATION_TIMEDOUT, "TIMEOUT",
     "no connection was ready within the time-out"},
    {CURLE_PEER_FAILED_VERIFICATION, "TLS_UNTRUSTED",
     "the server's certificate is not to be trusted"},
    {CURLE_SSL_ISSUER_ERROR, "TLS_UNTRUSTED",
     "the server's certificate is not to be trusted"},
    {CURLE_SSL_CONNECT_ERROR, "TLS_FAILED", "the TLS handshake failed"},
    {CURLE_SSL_CERTPROBLEM, "TLS_FAILED", "the TLS handshake failed"},
    {CURLE_SSL_CIPHER, "TLS_FAILED", "the TLS handshake failed"},
    {CURLE_PROXY, "PROXY_FAILED", "the proxy did not connect"},
    {CURLE_OUT_OF_MEMORY, "OUT_OF_MEMORY", "memory ran out"},
};

static const struct fault lost_in_handshake = {
    0, "TLS_FAILED", "the connection was lost in the TLS handshake"};
static const struct fault lost_by_proxy = {0, "PROXY_FAILED",
                                           "the proxy ended the connection"};
static const struct fault other_not_connected = {
    0, "CONNECT_FAILED", "the connection failed before the request"};

/* What failed otherwise, by its enum nd_fault.  Where nothing of these is
 * known, the connection was lost. */
static const struct fault others[] = {
    {ND_FAULT_LOST, "CONNECTION_LOST",
     "the connection was lost before an answer"},
    {ND_FAULT_UNASKED, "CONNECT_FAILED",
     "the other side spoke, or ended the connection, before it was asked"},
    {ND_FAULT_TIMEOUT, "TIMEOUT", "no whole answer came within the time-out"},
    {ND_FAULT_CUT, "ANSWER_CUT",
     "the answer was cut in its headers or its body"},
    {ND_FAULT_EARLY, "ANSWER_UNREADABLE",
     "an answer came before the request was all there"},
    {ND_FAULT_UNREADABLE, "ANSWER_UNREADABLE",
     "the answer was not HTTP/1.1, or of a kind that cannot be relied on"},
    {ND_FAULT_CANCELLED, "CANCELLED", "the call was given up"},
    {ND_FAULT_MEMORY, "OUT_OF_MEMORY", "memory ran out while the answer came"},
};

static const struct fault in_the_queue = {
    0, "TIMEOUT", "no connection was free within the time-out"};

static const struct fault *find_fault(const struct fault *rows, size_t count,
                                      int code, const struct fault *otherwise)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return otherwise;
}

/* TLS libraries, and their versions, differ in the code of this. */
static bool is_loss(int code)
{
    return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
           code == CURLE_GOT_NOTHING;
}

static const struct fault *connect_fault_of(const struct nd_answer *answer)
{
    const struct fault *otherwise = &other_not_connected;

    if (is_loss(answer->curl_code))
        otherwise = answer->proxied ? &lost_by_proxy : &lost_in_handshake;
    return find_fault(not_connected,
                      sizeof not_connected / sizeof *not_connected,
                      answer->curl_code, otherwise);
}

static const struct fault *fault_of(const struct nd_answer *answer)
{
    if (answer->fault == ND_FAULT_CONNECT)
        return connect_fault_of(answer);
    if (answer->fault == ND_FAULT_TIMEOUT && !answer->sent)
        return &in_the_queue;
    return find_fault(others, sizeof others / sizeof *others,
                      (int)answer->fault, &others[0]);
}

/* ----- the rows of the table ----- */

static void set_kind(struct nd_error *err, enum nd_kind kind,
                     enum nd_outcome outcome, const char *name)
{
    err->kind = kind;
    err->outcome = outcome;
    err->name = name;
}

static void network_failed(struct nd_error *err, const struct nd_call *call,
                           const struct nd_answer *answer,
                           const struct nd_secrets *secrets)
{
    const struct fault *fault = fault_of(answer);
    char detail[ND_DETAIL_MAX];

    tell_detail(detail, sizeof detail, &answer->detail, secrets);
    set_kind(err, ND_KIND_NETWORK, answer->sent ? ND_UNKNOWN : ND_NOT_SENT,
             fault->name);
    say(err, call, "%s%s", fault->words, detail);
}

static void ca_file_failed(struct nd_error *err, const struct nd_call *call)
{
    set_kind(err, ND_KIND_ARGUMENT, ND_NOT_SENT, "CA_FILE_UNREADABLE");
    say(err, call,
        "ca_file, or the system's store of certificates where it "
        "is not given, cannot be read as PEM");
}

static void too_large(struct nd_error *err, const struct nd_call *call,
                      const struct nd_answer *answer)
{
    set_kind(err, ND_KIND_PROTOCOL, ND_UNKNOWN, "ANSWER_TOO_LARGE");
    say(err, call, "the answer is larger than max_response_bytes (%zu)",
        answer->body.max);
}

static void refused(struct nd_error *err, const struct nd_call *call,
                    int64_t code)
{
    const struct nd_reason *reason = nd_find_reason(call, code);

    err->reason = code;
    if (reason) {
        set_kind(err, ND_KIND_API, ND_REJECTED, reason->name);
        say(err, call, "%s was refused with reason %" PRId64 " %s: %s",
            call->name, code, reason->name, reason->message);
        return;
    }
    set_kind(err, ND_KIND_API,
             err->http_status == 429 ? ND_REJECTED : ND_UNKNOWN,
             "UNDOCUMENTED_REASON");
    say(err, call,
        "%s was answered FAIL with reason %" PRId64 ", which the "
        "service's documents do not name",
        call->name, code);
}

static const struct fault statuses[] = {
    {401, "UNAUTHORIZED", "HTTP 401: check the access token"},
    {403, "FORBIDDEN", "HTTP 403: check the access token and what it may do"},
    {404, "NOT_FOUND", "HTTP 404: check base_url"},
    {408, "REQUEST_TIMEOUT", "HTTP 408: the server gave up waiting"},
    {429, "TOO_MANY_REQUESTS", "HTTP 429: too many requests, wait and retry"},
    {500, "SERVER_ERROR", "HTTP 500: the service failed"},
    {502, "BAD_GATEWAY", "HTTP 502: the service did not answer its gateway"},
    {503, "SERVICE_UNAVAILABLE", "HTTP 503: the service is not available"},
    {504, "GATEWAY_TIMEOUT", "HTTP 504: the service did not answer in time"},
};

/* A status that has a row, and what is to be doubted about it. */
static void tell_status(struct nd_error *err, const struct nd_call *call,
                        const struct fault *row, const char *doubt)
{
    if (err->http_status == 429 && err->retry_after >= 0)
        say(err, call,
            "HTTP 429: too many requests; the service asks to wait "
            "%.0f s%s",
            err->retry_after, doubt);
    else
        say(err, call, "%s%s", row->words, doubt);
}

/* An HTTP status outside 2xx, without a refusal in the body. */
static void status_failed(struct nd_error *err, const struct nd_call *call,
                          const struct nd_verdict *verdict)
{
    long status = err->http_status;
    bool rejected =
        status >= 400 && status <= 499 && status != 408 && !verdict->doubtful;
    bool redirect = status >= 300 && status < 400 && status != 304;
    const struct fault *row = find_fault(
        statuses, sizeof statuses / sizeof *statuses, (int)status, NULL);

    set_kind(err, ND_KIND_HTTP, rejected ? ND_REJECTED : ND_UNKNOWN,
             row        ? row->name
             : redirect ? "REDIRECTED"
                        : "HTTP_STATUS");
    if (row)
        tell_status(err, call, row,
                    verdict->says == ND_SAYS_OK ? ", and yet its body says OK"
                    : verdict->doubtful
                        ? ", and yet its body has an OK, or names another "
                          "inbox"
                        : "");
    else if (redirect)
        say(err, call,
            "HTTP %ld: the server names another address, which "
            "is never followed; check base_url",
            status);
    else
        say(err, call,
            "HTTP %ld without a verdict of the service; check base_url",
            status);
}

static void not_understood(struct nd_error *err, const struct nd_call *call,
                           const struct nd_verdict *verdict)
{
    set_kind(err, ND_KIND_PROTOCOL, ND_UNKNOWN,
             verdict->says == ND_SAYS_CONTRADICTION ? "ANSWER_CONTRADICTORY"
                                                    : "ANSWER_NOT_UNDERSTOOD");
    say(err, call, "HTTP %ld, but %s", err->http_status, verdict->flaw);
}

/* ----- the table ----- */

/* The service has said what is wrong, and would say so again. */
static bool is_documented(const struct nd_error *err,
                          const struct nd_call *call)
{
    return err->kind == ND_KIND_API && nd_find_reason(call, err->reason);
}

/* Sending again cannot delete twice, and may succeed.  A 503 may come after
 * the service has acted. */
static bool is_retryable(const struct nd_error *err,
                         const struct nd_call *call)
{
    if (err->kind == ND_KIND_NETWORK && err->outcome == ND_NOT_SENT)
        return true;
    return err->outcome == ND_REJECTED && err->http_status == 429 &&
           !is_documented(err, call);
}

/* The same for a call that only reads, which may always be sent again. */
static bool is_read_retryable(const struct nd_error *err,
                              const struct nd_call *call)
{
    bool busy = err->http_status == 429 || err->http_status == 502 ||
                err->http_status == 503 || err->http_status == 504;

    if (err->kind == ND_KIND_NETWORK)
        return err->outcome == ND_NOT_SENT ||
               strcmp(err->name, "TIMEOUT") == 0;
    return busy && !is_documented(err, call) &&
           (err->kind == ND_KIND_HTTP || err->kind == ND_KIND_API);
}

static void judge_retry(struct nd_error *err, const struct nd_call *call)
{
    if (call->effect == ND_ERASES) {
        err->retryable = is_retryable(err, call);
        return;
    }
    err->retryable = is_read_retryable(err, call);
    err->outcome = ND_NONE;
}

static void begin(struct nd_error *err, const struct nd_answer *answer)
{
    memset(err, 0, sizeof *err);
    err->reason = ND_UNSET;
    err->http_status = answer->http_status;
    err->retry_after = answer->retry_after;
    err->curl_code = answer->curl_code ? answer->curl_code : ND_UNSET;
}

bool nd_outcome(struct nd_error *err, const struct nd_call *call,
                const struct nd_answer *answer,
                const struct nd_verdict *verdict,
                const struct nd_secrets *secrets)
{
    bool success_status =
        answer->http_status >= 200 && answer->http_status < 300;

    begin(err, answer);
    if (!answer->sent && answer->curl_code == CURLE_SSL_CACERT_BADFILE)
        ca_file_failed(err, call);
    else if (answer->sent && answer->fault == ND_FAULT_TOO_LARGE)
        too_large(err, call, answer);
    else if (!answer->sent || !nd_answer_is_complete(answer))
        network_failed(err, call, answer, secrets);
    else if (verdict->says == ND_SAYS_FAIL)
        refused(err, call, verdict->reason);
    else if (!success_status)
        status_failed(err, call, verdict);
    else if (verdict->says != ND_SAYS_OK)
        not_understood(err, call, verdict);
    else
        return true;
    judge_retry(err, call);
    return false;
}
