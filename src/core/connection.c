#include "connection.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "tls.h"
#include "trust.h"

/*
 * The floor: 7.76 is what Red Hat Enterprise Linux 9 has.  What is younger
 * is used where it is there, when it is built and when it runs.
 */
#define ND_LIBCURL_MIN 0x074c00
#define ND_LIBCURL_MIN_TEXT "7.76.0"

#if LIBCURL_VERSION_NUM < ND_LIBCURL_MIN
#error "ninedig needs libcurl 7.76.0 or later"
#endif
#if CURL_ERROR_SIZE > ND_CONNECTION_DETAIL_MAX
#error "ND_CONNECTION_DETAIL_MAX must hold libcurl's error text"
#endif

/* From here on a handle that leaves its CURLM takes its connection along. */
#define ND_LIBCURL_CLOSES 0x075500
/* From here on OpenSSL writes through libcurl, which keeps SIGPIPE away. */
#define ND_LIBCURL_NO_SIGPIPE 0x075700

/* Asked for at each send, and looked up once: by one thread of several. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned int version;

static void look_up_version(void)
{
    version = curl_version_info(CURLVERSION_NOW)->version_num;
}

static unsigned int libcurl_version(void)
{
    (void)pthread_once(&once, look_up_version);
    return version;
}

bool nd_connection_check_libcurl(struct nd_error *err)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (info->version_num < ND_LIBCURL_MIN)
        return nd_fail(
            err, "LIBCURL_TOO_OLD",
            "libcurl %s is too old: ninedig needs " ND_LIBCURL_MIN_TEXT
            " or later",
            info->version);
    if (!(info->features & CURL_VERSION_SSL))
        return nd_fail(err, "LIBCURL_WITHOUT_TLS",
                       "libcurl %s was built without TLS, which the service "
                       "needs",
                       info->version);
    return true;
}

/* ----- signals ----- */

void nd_signals_block(struct nd_signals *signals)
{
    sigset_t set;
    sigset_t pending;

    signals->blocked = libcurl_version() < ND_LIBCURL_NO_SIGPIPE;
    if (!signals->blocked)
        return;
    (void)sigpending(&pending);
    signals->pending = sigismember(&pending, SIGPIPE) == 1;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &set, &signals->old);
}

void nd_signals_restore(const struct nd_signals *signals)
{
    static const struct timespec at_once = {0, 0};
    int error = errno;
    sigset_t set;

    if (!signals->blocked)
        return;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    if (!signals->pending)
        while (sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR)
            ;
    (void)pthread_sigmask(SIG_SETMASK, &signals->old, NULL);
    errno = error;
}

/* ----- sockets ----- */

/* A close drops what was not delivered, be it the kernel's own after a
 * kill -9: a deletion must not arrive after its call has ended. */
static void set_linger(int fd, bool drop)
{
    struct linger linger = {.l_onoff = drop, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* A socket that the processes which a script starts do not inherit. */
static curl_socket_t open_socket(void *unused, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype, address->protocol);

    (void)unused;
    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    set_linger(fd, true);
    return fd;
}

/* A close would do, but for a forked child that has the socket, too. */
static void abort_socket(int fd)
{
    struct sockaddr none;

    memset(&none, 0, sizeof none);
    none.sa_family = AF_UNSPEC;
    (void)connect(fd, &none, sizeof none);
}

/* ----- setting up ----- */

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

static CURLcode set_constants(CURL *easy)
{
    ND_SET(easy, CURLOPT_CONNECT_ONLY, 1L);
    ND_SET(easy, CURLOPT_FRESH_CONNECT, 1L);
    /* The least: nothing but a proxy's answer goes through it. */
    ND_SET(easy, CURLOPT_BUFFERSIZE, 1024L);
    ND_SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    ND_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    ND_SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    ND_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    ND_SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    ND_SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    ND_SET(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Otherwise a look-up of a name that was given up is joined. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return CURLE_OK;
}

/* What the environment says is in the settings: it is read once. */
static CURLcode set_proxy(CURL *easy, const struct nd_settings *settings)
{
    ND_SET(easy, CURLOPT_PROXY, settings->proxy);
    ND_SET(easy, CURLOPT_NOPROXY, settings->no_proxy);
    /* In plain http, too, what is connected to is to be the service. */
    ND_SET(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    ND_SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return CURLE_OK;
}

/* ----- all of it ----- */

static CURLcode set_up(struct nd_connection *connection, CURLSH *share)
{
    const struct nd_settings *settings = connection->settings;
    CURL *easy = connection->easy;
    CURLcode code;

    ND_SET(easy, CURLOPT_ERRORBUFFER, connection->detail);
    ND_SET(easy, CURLOPT_PRIVATE, connection);
    ND_SET(easy, CURLOPT_SHARE, share);
    ND_SET(easy, CURLOPT_URL, settings->base_url);
    ND_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, settings->connect_timeout_ms);
    if ((code = set_constants(easy)) != CURLE_OK ||
        (code = set_protocol(easy, settings->plain_http)) != CURLE_OK ||
        (code = set_proxy(easy, settings)) != CURLE_OK)
        return code;
    return (CURLcode)nd_trust_set(easy, settings->ca_file);
}

/* ----- life ----- */

struct nd_connection *nd_connection_new(struct nd_settings *settings,
                                        void *share, int *code)
{
    struct nd_connection *connection = calloc(1, sizeof *connection);

    *code = CURLE_OUT_OF_MEMORY;
    if (!connection)
        return NULL;
    connection->fd = -1;
    connection->settings = nd_settings_hold(settings);
    connection->easy = curl_easy_init();
    if (connection->easy)
        *code = (int)set_up(connection, share);
    if (*code == CURLE_OK)
        return connection;
    nd_connection_free(connection);
    return NULL;
}

void nd_connection_free(struct nd_connection *connection)
{
    if (!connection)
        return;
    curl_easy_cleanup(connection->easy);
    nd_settings_drop(connection->settings);
    free(connection);
}

/* Below 7.85 libcurl keeps the connection of a handle that has left, and
 * closes it when it makes another one, if it finds it ended. */
void nd_connection_unplug(struct nd_connection *connection, void *multi)
{
    if (libcurl_version() < ND_LIBCURL_CLOSES && connection->fd >= 0)
        (void)shutdown(connection->fd, SHUT_RDWR);
    (void)curl_multi_remove_handle(multi, connection->easy);
}

bool nd_connection_ready(struct nd_connection *connection)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(connection->easy, CURLINFO_ACTIVESOCKET, &fd) !=
            CURLE_OK ||
        fd == CURL_SOCKET_BAD)
        return false;
    connection->fd = fd;
    return true;
}

void nd_connection_reset(struct nd_connection *connection)
{
    if (connection->fd >= 0)
        abort_socket(connection->fd);
}

void nd_connection_make_orderly(struct nd_connection *connection)
{
    if (connection->fd >= 0)
        set_linger(connection->fd, false);
}

/* ----- sending and receiving ----- */

static enum nd_io io_of(CURLcode code)
{
    return code == CURLE_OK      ? ND_IO_DONE
           : code == CURLE_AGAIN ? ND_IO_AGAIN
                                 : ND_IO_FAILED;
}

enum nd_io nd_connection_send(struct nd_connection *connection,
                              const char *bytes, size_t length, size_t *sent)
{
    struct nd_signals signals;
    CURLcode code;

    *sent = 0;
    nd_signals_block(&signals);
    code = curl_easy_send(connection->easy, bytes, length, sent);
    nd_signals_restore(&signals);
    return io_of(code);
}

enum nd_io nd_connection_receive(struct nd_connection *connection, char *bytes,
                                 size_t size, size_t *received)
{
    struct nd_signals signals;
    CURLcode code;

    *received = 0;
    nd_signals_block(&signals);
    code = curl_easy_recv(connection->easy, bytes, size, received);
    nd_signals_restore(&signals);
    if (code != CURLE_OK || *received > 0)
        return io_of(code);
    if (connection->settings->plain_http ||
        nd_tls_end_was_said(connection->easy))
        return ND_IO_END;
    return ND_IO_FAILED;
}
