/*
 * What ninedig is measured against: the same deletions by bare libcurl, as a
 * careful C programmer would write them.  One easy handle, set up once; the
 * body is set for each call, the status and the answer are looked at.
 *
 *   bare USER_AGENT BASE_URL CA_FILE TOKEN CALLS
 *   bare USER_AGENT BASE_URL CA_FILE TOKEN
 *
 * The first makes that many calls.  The second reads such numbers from
 * standard input, and answers each with a line, once the calls are made:
 * seconds of CPU that they took, VmRSS and VmHWM in kB.  The same as
 * calls.lua.
 */
#include <curl/curl.h>
#include <stdbool.h>
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
    (void)fprintf(stderr, "bare: %s\n", what);
    exit(1);
}

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

static CURL *set_up(char *const *argv, struct text *answer)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *lines = NULL;
    char text[1024];

    if (!easy)
        fail("no handle");
    (void)snprintf(text, sizeof text, "%s/online/deleteInbox", argv[2]);
    (void)curl_easy_setopt(easy, CURLOPT_URL, text);
    (void)snprintf(text, sizeof text, "Authorization: Bearer %s", argv[4]);
    lines = add_line(lines, "Accept: application/json");
    lines = add_line(lines, "Content-Type: application/json");
    lines = add_line(lines, text);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, argv[1]);
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, argv[3]);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                           (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    return easy;
}

static void call(CURL *easy, struct text *answer, long inbox)
{
    char body[128];
    int length;
    long status = 0;

    length = snprintf(
        body, sizeof body,
        "{\"accountID\":1,\"server\":\"online\",\"inboxID\":%ld}", inbox);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)length);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    answer->length = 0;
    if (curl_easy_perform(easy) != CURLE_OK)
        fail("a transfer failed");
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 || !answer->length || !strstr(answer->data, "\"OK\""))
        fail("an answer is no success");
}

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

static void serve(CURL *easy, struct text *answer)
{
    char line[32];
    long made = 0;

    while (fgets(line, sizeof line, stdin)) {
        long until = made + strtol(line, NULL, 10);
        clock_t start = clock();
        double spent;

        while (made < until)
            call(easy, answer, ++made);
        spent = (double)(clock() - start) / CLOCKS_PER_SEC;
        (void)printf("%.6f %ld %ld\n", spent, memory("VmRSS"),
                     memory("VmHWM"));
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct text answer = {NULL, 0, 0};
    long count = argc == 6 ? strtol(argv[5], NULL, 10) : 0;
    CURL *easy;
    long i;

    if (argc != 5 && argc != 6)
        fail("see its source for what it takes");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        fail("libcurl does not start");
    easy = set_up(argv, &answer);
    for (i = 1; i <= count; i++)
        call(easy, &answer, i);
    if (argc == 5)
        serve(easy, &answer);
    curl_easy_cleanup(easy);
    free(answer.data);
    return 0;
}
