#include "trust.h"

#include <curl/curl.h>
#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From here on CURLOPT_CAPATH NULL means the folder that was built in. */
#define ND_LIBCURL_KEEPS_FOLDER 0x081500

/* Cannot exist. */
#define ND_NO_FOLDER "/dev/null/none"

static bool keeps_folder(void)
{
    return curl_version_info(CURLVERSION_NOW)->version_num >=
           ND_LIBCURL_KEEPS_FOLDER;
}

/*
 * The folder of certificates that was built in adds nothing to what is
 * trusted alone.  A TLS library that knows no folders has none.
 */
static CURLcode set_no_folder(CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CAPATH,
                                     keeps_folder() ? ND_NO_FOLDER : NULL);

    return code == CURLE_NOT_BUILT_IN ? CURLE_OK : code;
}

static CURLcode set_file(CURL *easy, const char *path)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CAINFO, path);

    return code == CURLE_OK ? set_no_folder(easy) : code;
}

#if LIBCURL_VERSION_NUM < 0x075400

/* It does not tell what was built in. */
static CURLcode set_system_store(CURL *easy)
{
    (void)easy;
    return CURLE_OK;
}

#else

static const char *built_in(CURL *easy, CURLINFO what)
{
    char *path = NULL;

    (void)curl_easy_getinfo(easy, what, &path);
    return path && access(path, R_OK) == 0 ? path : NULL;
}

/* ----- the system's folder ----- */

/* Bytes of a certificate in PEM, with what may stand before it. */
#define ND_CERTIFICATE_MAX 65536

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct curl_blob first; /* the first certificate of the file */
static bool is_hashed; /* the folder has certificates by their hashes */

/* "5ad8a5d6.0": so OpenSSL finds a certificate when it needs it. */
static bool is_hash_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
           strspn(name + 9, "0123456789") == strlen(name + 9);
}

static void look_into_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder && !is_hashed && (entry = readdir(folder)) != NULL)
        is_hashed = is_hash_name(entry->d_name);
    if (folder)
        (void)closedir(folder);
}

static void read_first_certificate(const char *path)
{
    static const char end_line[] = "-----END CERTIFICATE-----\n";
    char *text = calloc(1, ND_CERTIFICATE_MAX + 1);
    FILE *file = text ? fopen(path, "re") : NULL;
    char *end = NULL;

    if (file && fread(text, 1, ND_CERTIFICATE_MAX, file) > 0)
        end = strstr(text, end_line);
    if (file)
        (void)fclose(file);
    if (!end) {
        free(text);
        return;
    }
    first.data = text; /* for as long as the process lives */
    first.len = (size_t)(end - text) + sizeof end_line - 1;
    first.flags = CURL_BLOB_NOCOPY;
}

static void look_at_system_store(void)
{
    CURL *easy = curl_easy_init();
    const char *file = easy ? built_in(easy, CURLINFO_CAINFO) : NULL;
    const char *folder = easy ? built_in(easy, CURLINFO_CAPATH) : NULL;

    if (folder)
        look_into_folder(folder);
    if (file && is_hashed)
        read_first_certificate(file);
    curl_easy_cleanup(easy);
}

static bool has_openssl(void)
{
    const char *name = curl_version_info(CURLVERSION_NOW)->ssl_version;

    return name && (strstr(name, "OpenSSL") || strstr(name, "LibreSSL"));
}

/* ----- the choice ----- */

/*
 * Debian has the system's store as a file of 140 certificates and as a folder
 * of the same.  With a folder, libcurl reads all of the file for each
 * connection, which takes tens of milliseconds of CPU; a file alone is read
 * once.  Where the folder cannot be taken away, it serves alone, beside the
 * first certificate of the file, since libcurl wants one at least.
 */
static CURLcode set_system_store(CURL *easy)
{
    const char *file = built_in(easy, CURLINFO_CAINFO);

    if (!file)
        return CURLE_OK;
    if (!keeps_folder() || !built_in(easy, CURLINFO_CAPATH) || !has_openssl())
        return set_file(easy, file);
    if (pthread_once(&once, look_at_system_store) != 0 || !first.data)
        return CURLE_OK;
    return curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &first);
}

#endif

int nd_trust_set(void *easy, const char *ca_file)
{
    return (int)(ca_file ? set_file(easy, ca_file) : set_system_store(easy));
}
