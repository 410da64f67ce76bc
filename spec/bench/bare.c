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
#include "bench.h"

struct run {
    CURL *easy;
    struct text answer;
    long made;
};

static void make(void *data, long count)
{
    struct run *run = data;
    long until = run->made + count;
    char body[128];

    while (run->made < until) {
        set_body(run->easy, body, sizeof body, ++run->made);
        run->answer.length = 0;
        check_answer(run->easy, curl_easy_perform(run->easy), &run->answer);
    }
}

int main(int argc, char **argv)
{
    struct run run = {NULL, {NULL, 0, 0}, 0};

    if (argc != 5 && argc != 6)
        fail("see its source for what it takes");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        fail("libcurl does not start");
    run.easy = set_up(argv + 1, make_lines(argv[4]), &run.answer);
    set_timeouts(run.easy, 30000, 10000);
    if (argc == 6)
        make(&run, strtol(argv[5], NULL, 10));
    else
        serve(make, &run);
    curl_easy_cleanup(run.easy);
    free(run.answer.data);
    return 0;
}
