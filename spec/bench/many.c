/*
 * What many deletions at once are measured against: the same ones by a
 * curl_multi, as a careful C programmer would write it.  As many easy handles
 * as there may be deletions in flight are set up once; each is given the next
 * body when its answer has been looked at.
 *
 *   many IN_FLIGHT USER_AGENT BASE_URL CA_FILE TOKEN [CALLS]
 *
 * With CALLS it makes so many; without, it reads such numbers from standard
 * input and answers each as bare.c does.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_IN_FLIGHT 256

struct slot {
    CURL *easy;
    char body[128];
    char *answer;
    size_t length;
    size_t capacity;
};

struct run {
    CURLM *multi;
    long in_flight; /* at most */
    struct slot slots[MAX_IN_FLIGHT];
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "many: %s\n", what);
    exit(1);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
    struct slot *slot = data;
    size_t length = size * count;

    if (slot->capacity - slot->length <= length) {
        size_t capacity = 2 * (slot->length + length) + 256;
        char *longer = realloc(slot->answer, capacity);

        if (!longer)
            return 0;
        slot->answer = longer;
        slot->capacity = capacity;
    }
    memcpy(slot->answer + slot->length, bytes, length);
    slot->length += length;
    slot->answer[slot->length] = '\0';
    return length;
}

static struct curl_slist *make_lines(const char *token)
{
    static const char *const fixed[] = {"Accept: application/json", "Expect:",
                                        "Content-Type: application/json"};
    struct curl_slist *lines = NULL;
    char text[1024];
    size_t i;

    for (i = 0; i < sizeof fixed / sizeof *fixed; i++)
        lines = curl_slist_append(lines, fixed[i]);
    (void)snprintf(text, sizeof text, "Authorization: Bearer %s", token);
    lines = curl_slist_append(lines, text);
    if (!lines)
        fail("out of memory");
    return lines;
}

static void set_up(struct slot *slot, char *const *argv,
                   struct curl_slist *lines)
{
    CURL *easy = curl_easy_init();
    char url[1024];

    if (!easy)
        fail("no handle");
    (void)snprintf(url, sizeof url, "%s/online/deleteInbox", argv[2]);
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
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
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 300000L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 200000L);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    slot->easy = easy;
}

static void begin(struct run *run, struct slot *slot, long inbox)
{
    int length = snprintf(
        slot->body, sizeof slot->body,
        "{\"accountID\":1,\"server\":\"online\",\"inboxID\":%ld}", inbox);

    slot->length = 0;
    (void)curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)length);
    (void)curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->body);
    if (curl_multi_add_handle(run->multi, slot->easy) != CURLM_OK)
        fail("a handle cannot be added");
}

/* The slot of a message, once its answer has been looked at. */
static struct slot *end(struct run *run, const struct CURLMsg *message)
{
    struct slot *slot = NULL;
    char *private = NULL;
    long status = 0;

    if (message->data.result != CURLE_OK)
        fail("a transfer failed");
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    slot = (struct slot *)(void *)private;
    (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 || !slot->length || !strstr(slot->answer, "\"OK\""))
        fail("an answer is no success");
    (void)curl_multi_remove_handle(run->multi, slot->easy);
    return slot;
}

static void make(struct run *run, long count)
{
    long begun = 0;
    long ended = 0;
    int left;

    while (begun < count && begun < run->in_flight) {
        begin(run, &run->slots[begun], begun + 1);
        begun++;
    }
    while (ended < count) {
        struct CURLMsg *message;

        if (curl_multi_perform(run->multi, &left) != CURLM_OK)
            fail("the multi failed");
        while ((message = curl_multi_info_read(run->multi, &left)) != NULL) {
            struct slot *slot = end(run, message);

            ended++;
            if (begun < count)
                begin(run, slot, ++begun);
        }
        if (ended < count)
            (void)curl_multi_poll(run->multi, NULL, 0, 1000, NULL);
    }
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

static void serve(struct run *run)
{
    char line[32];

    while (fgets(line, sizeof line, stdin)) {
        clock_t start = clock();
        double spent;

        make(run, strtol(line, NULL, 10));
        spent = (double)(clock() - start) / CLOCKS_PER_SEC;
        (void)printf("%.6f %ld %ld\n", spent, memory("VmRSS"),
                     memory("VmHWM"));
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static struct run run;
    struct curl_slist *lines;
    int i;

    if (argc != 6 && argc != 7)
        fail("see its source for what it takes");
    run.in_flight = strtol(argv[1], NULL, 10);
    if (run.in_flight < 1 || run.in_flight > MAX_IN_FLIGHT)
        fail("that many cannot be in flight");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (run.multi = curl_multi_init()) == NULL)
        fail("libcurl does not start");
    (void)curl_multi_setopt(run.multi, CURLMOPT_MAXCONNECTS, run.in_flight);
    lines = make_lines(argv[5]);
    for (i = 0; i < run.in_flight; i++)
        set_up(&run.slots[i], argv + 1, lines);
    if (argc == 7)
        make(&run, strtol(argv[6], NULL, 10));
    else
        serve(&run);
    return 0; /* the kernel frees what is left, as it does for a script */
}
