#define _GNU_SOURCE /* dladdr, and on glibc RTLD_NOLOAD and RTLD_DEFAULT */

#include "tls.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* OpenSSL's SSL_RECEIVED_SHUTDOWN. */
#define ND_RECEIVED_SHUTDOWN 2

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int (*get_shutdown)(const void *ssl); /* NULL where there is none */

/* Looks up OpenSSL's SSL_get_shutdown in the libraries that ninedig, or the
 * program that it is a part of, was loaded with: in libcurl's own. */
static void find_get_shutdown(void)
{
    static const char here = 0;
    Dl_info library;
    void *ninedig = NULL;
    void *found;

    if (dladdr(&here, &library) != 0)
        ninedig = dlopen(library.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    found = dlsym(ninedig ? ninedig : RTLD_DEFAULT, "SSL_get_shutdown");
    memcpy(&get_shutdown, &found, sizeof found);
}

/*
 * Anybody on the way can end a connection, but only the service can say that
 * it has.  Some libcurls with OpenSSL, 7.88 and 8.5 among them, take the one
 * for the other, and only OpenSSL itself can tell.  Others fail.
 */
bool nd_tls_end_was_said(void *easy)
{
    struct curl_tlssessioninfo *session = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK ||
        !session)
        return false;
    if (session->backend != CURLSSLBACKEND_OPENSSL)
        return true;
    return session->internals && pthread_once(&once, find_get_shutdown) == 0 &&
           get_shutdown &&
           (get_shutdown(session->internals) & ND_RECEIVED_SHUTDOWN) != 0;
}
