#include "answer.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "error.h"

/* Longer than any date. */
#define ND_HEADER_VALUE_MAX 64

/* Of all header lines and trailers, which libcurl keeps.  It has a limit of
 * its own that some versions lack, and that leaves trailers out. */
#define ND_HEADERS_MAX ((size_t)512 * 1024)

void nd_answer_init(struct nd_answer *answer, size_t max_body)
{
    memset(answer, 0, sizeof *answer);
    answer->http_status = ND_UNSET;
    answer->retry_after = ND_UNSET;
    answer->date = ND_UNSET;
    answer->connect_seconds = ND_UNSET;
    nd_buffer_init(&answer->body, max_body);
}

void nd_answer_free(struct nd_answer *answer)
{
    nd_buffer_free(&answer->body);
}

/* The status of "HTTP/1.1 404 ...": 0 where the line is another one. */
static long status_of(const char *line, size_t length)
{
    const char *space;
    long status = 0;
    int i;

    if (length < 5 || strncasecmp(line, "HTTP/", 5) != 0)
        return 0;
    space = memchr(line, ' ', length);
    if (!space || line + length - space < 4)
        return 0;
    for (i = 1; i <= 3; i++) {
        if (space[i] < '0' || space[i] > '9')
            return 0;
        status = status * 10 + (space[i] - '0');
    }
    return status;
}

/* Copies a header's value without the space around it; false where the line
 * is another header's, or the value too long to be one of ours. */
static bool header_value(char *value, const char *name, const char *line,
                         size_t length)
{
    size_t start = strlen(name);

    if (length <= start || strncasecmp(line, name, start) != 0)
        return false;
    while (start < length && (line[start] == ' ' || line[start] == '\t'))
        start++;
    while (length > start && line[length - 1] <= ' ')
        length--;
    if (length - start >= ND_HEADER_VALUE_MAX)
        return false;
    memcpy(value, line + start, length - start);
    value[length - start] = '\0';
    return true;
}

/* Seconds from "120" or from a date; ND_UNSET where it is neither. */
static double seconds_of(const char *value)
{
    double seconds = 0;
    const char *digit = value;
    time_t date;
    time_t now;

    while (*digit >= '0' && *digit <= '9')
        seconds = seconds * 10 + (*digit++ - '0');
    if (digit != value && !*digit)
        return seconds;
    date = curl_getdate(value, NULL);
    if (date == (time_t)-1)
        return ND_UNSET;
    now = time(NULL);
    return date > now ? difftime(date, now) : 0;
}

/* What one line before the headers' end says.  Only the first one is the
 * status line: a header's name may look like one. */
static void read_line(struct nd_answer *answer, const char *line,
                      size_t length)
{
    char value[ND_HEADER_VALUE_MAX];
    long status;

    if (length > 0 && (line[0] == '\r' || line[0] == '\n')) {
        answer->headers_ended = answer->http_status != ND_UNSET;
        answer->in_headers = false;
    } else if (!answer->in_headers) {
        answer->in_headers = true;
        if ((status = status_of(line, length)) < 200)
            return;
        answer->http_status = status;
        answer->retry_after = ND_UNSET; /* what an interim answer said */
    } else if (header_value(value, "Retry-After:", line, length)) {
        answer->retry_after = seconds_of(value);
    } else if (header_value(value, "Date:", line, length)) {
        answer->date = (int64_t)curl_getdate(value, NULL);
    }
}

bool nd_answer_header(struct nd_answer *answer, const char *line,
                      size_t length)
{
    if (length > ND_HEADERS_MAX - answer->header_bytes)
        return false;
    answer->header_bytes += length;
    if (!answer->headers_ended) /* a trailer says nothing to us */
        read_line(answer, line, length);
    return true;
}

bool nd_answer_body(struct nd_answer *answer, const char *bytes, size_t length)
{
    answer->too_large = length > answer->body.max - answer->body.length;
    if (answer->too_large)
        return false;
    answer->out_of_memory = !nd_buffer_add(&answer->body, bytes, length);
    return !answer->out_of_memory;
}

bool nd_answer_is_complete(const struct nd_answer *answer)
{
    return answer->curl_code == CURLE_OK && answer->headers_ended;
}
