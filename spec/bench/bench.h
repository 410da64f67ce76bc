/* What the programs on bare libcurl share that ninedig is measured against.
 * Each includes it once. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct text {
    char *data;
    size_t length;
    size_t capacity;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
    exit(1);
}

/* ----- one deletion ----- */

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
    struct text *answer = data;
    size_t length = size * count;

    if (answer->capacity - answer->length <= length) {
        size_t capacity = 2 * (answer->length + length) + 256;
        char *longer = realloc(answer->data, capacity);

        if (!longer)
            return 0;
        answer->data = longer;
        answer->capacity = capacity;
    }
    memcpy(answer->data + answer->length, bytes, length);
    answer->length += length;
    answer->data[answer->length] = '\0';
    return length;
}

static struct curl_slist *add_line(struct curl_slist *lines, const char *line)
{
    struct curl_slist *longer = curl_slist_append(lines, line);

    if (!longer)
        fail("out of memory");
    return longer;
}

static struct curl_slist *make_lines(const char *token)
{
    struct curl_slist *lines = NULL;
    char text[1024];

    (void)snprintf(text, sizeof text, "Authorization: Bearer %s", token);
    lines = add_line(lines, "Accept: application/json");
    lines = add_line(lines, "Content-Type: application/json");
    return add_line(lines, text);
}

/* words: USER_AGENT BASE_URL CA_FILE */
static CURL *set_up(char *const *words, struct curl_slist *lines,
                    struct text *answer)
{
    CURL *easy = curl_easy_init();
    char url[1024];

    if (!easy)
        fail("no handle");
    (void)snprintf(url, sizeof url, "%s/online/deleteInbox", words[1]);
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, words[0]);
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, words[2]);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                           (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    return easy;
}

static void set_timeouts(CURL *easy, long whole_ms, long connect_ms)
{
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, whole_ms);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
}

/* body lives until the answer has come. */
static void set_body(CURL *easy, char *body, size_t size, long inbox)
{
    int length = snprintf(
        body, size, "{\"accountID\":1,\"server\":\"online\",\"inboxID\":%ld}",
        inbox);

    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)length);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
}

static void check_answer(CURL *easy, CURLcode code, const struct text *answer)
{
    long status = 0;

    if (code != CURLE_OK)
        fail("a transfer failed");
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 || !answer->length || !strstr(answer->data, "\"OK\""))
        fail("an answer is no success");
}

/* ----- what they took ----- */

/* A number of kB from /proc/self/status. */
static long memory(const char *field)
{
    FILE *file = fopen("/proc/self/status", "r");
    size_t length = strlen(field);
    char line[256];
    long size = -1;

    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, field, length) == 0 && line[length] == ':')
            size = strtol(line + length + 1, NULL, 10);
    }
    if (file)
        (void)fclose(file);
    return size;
}

/* Reads numbers from standard input; makes so many calls for each, and
 * answers with a line: seconds of CPU, VmRSS and VmHWM in kB. */
static void serve(void (*make)(void *data, long count), void *data)
{
    char line[32];

    while (fgets(line, sizeof line, stdin)) {
        clock_t start = clock();
        double spent;

        make(data, strtol(line, NULL, 10));
        spent = (double)(clock() - start) / CLOCKS_PER_SEC;
        (void)printf("%.6f %ld %ld\n", spent, memory("VmRSS"),
                     memory("VmHWM"));
        (void)fflush(stdout);
    }
}
