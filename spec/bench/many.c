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
#include "bench.h"

#define MAX_IN_FLIGHT 256

struct slot {
    CURL *easy;
    char body[128];
    struct text answer;
};

struct run {
    CURLM *multi;
    long in_flight; /* at most */
    struct slot slots[MAX_IN_FLIGHT];
};

static void begin(struct run *run, struct slot *slot, long inbox)
{
    slot->answer.length = 0;
    set_body(slot->easy, slot->body, sizeof slot->body, inbox);
    if (curl_multi_add_handle(run->multi, slot->easy) != CURLM_OK)
        fail("a handle cannot be added");
}

/* The slot of a message, once its answer has been looked at. */
static struct slot *end(struct run *run, const struct CURLMsg *message)
{
    struct slot *slot;
    char *private = NULL;

    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    slot = (struct slot *)(void *)private;
    check_answer(slot->easy, message->data.result, &slot->answer);
    (void)curl_multi_remove_handle(run->multi, slot->easy);
    return slot;
}

static void make(void *data, long count)
{
    struct run *run = data;
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
    lines = add_line(make_lines(argv[5]), "Expect:");
    for (i = 0; i < run.in_flight; i++) {
        struct slot *slot = &run.slots[i];

        slot->easy = set_up(argv + 2, lines, &slot->answer);
        set_timeouts(slot->easy, 300000, 200000);
        (void)curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    }
    if (argc == 7)
        make(&run, strtol(argv[6], NULL, 10));
    else
        serve(make, &run);
    return 0; /* the kernel frees what is left, as it does for a script */
}
