#include "answer.h"

#include <curl/curl.h>
#include <string.h>
#include <time.h>

#include "ascii.h"
#include "error.h"

/* Of all lines of an answer, with those of interim answers and trailers. */
#define ND_HEADERS_MAX ((size_t)256 * 1024)

/* Of one line that has a chunk's size, with its extensions. */
#define ND_CHUNK_LINE_MAX 4096

#define ND_INTERIM_MAX 16

/* What fits into a signed number of 64 bits on both sides. */
#define ND_LENGTH_DIGITS 18
#define ND_CHUNK_DIGITS 15

void nd_answer_init(struct nd_answer *answer, size_t max_body)
{
    memset(answer, 0, sizeof *answer);
    answer->connect_seconds = ND_UNSET;
    answer->http_status = ND_UNSET;
    answer->retry_after = ND_UNSET;
    nd_buffer_init(&answer->detail, ND_DETAIL_MAX);
    nd_buffer_init(&answer->body, max_body);
}

void nd_answer_free(struct nd_answer *answer)
{
    nd_buffer_free(&answer->detail);
    nd_buffer_free(&answer->body);
}

/* Notes why this is no answer; false, so that a check is one statement. */
static bool fail(struct nd_answer *answer, enum nd_fault fault)
{
    answer->fault = fault;
    return false;
}

static bool refuse(struct nd_answer *answer)
{
    return fail(answer, ND_FAULT_UNREADABLE);
}

/* ----- lines ----- */

/* The line that was read is over: nothing of it is left. */
static void next_line(struct nd_answer *answer)
{
    answer->line_length = 0;
    answer->line_has_cr = false;
}

/* How much of the line is kept. */
static size_t kept_length(const struct nd_answer *answer)
{
    return answer->line_length < ND_LINE_KEPT ? answer->line_length
                                              : ND_LINE_KEPT;
}

/* Keeps what fits; counts all. */
static void keep(struct nd_answer *answer, const char *bytes, size_t length)
{
    size_t kept = kept_length(answer);
    size_t room = ND_LINE_KEPT - kept;

    memcpy(answer->line + kept, bytes, length < room ? length : room);
    answer->line_length += length;
}

/*
 * Takes bytes up to the next line feed, and sets ended where it came: line
 * is then without its end, a CR LF or a bare LF.  A NUL, or a CR that is not
 * at the end, is nothing that a line may have.
 */
static bool take_line(struct nd_answer *answer, const char **at,
                      const char *end, bool *ended)
{
    size_t length = (size_t)(end - *at);
    const char *feed = memchr(*at, '\n', length);
    const char *cr;

    *ended = feed != NULL;
    length = feed ? (size_t)(feed - *at) : length;
    if (length > ND_HEADERS_MAX - answer->header_bytes ||
        memchr(*at, '\0', length) || (answer->line_has_cr && length > 0))
        return refuse(answer);
    answer->header_bytes += length;
    cr = memchr(*at, '\r', length);
    if (cr && cr != *at + length - 1)
        return refuse(answer);
    if (cr)
        answer->line_has_cr = true;
    keep(answer, *at, cr ? length - 1 : length);
    *at += length + (feed ? 1 : 0);
    return true;
}

/* ----- the status line ----- */

static const char http[] = "HTTP/1.";
#define HTTP (sizeof http - 1)

static long digit(char c)
{
    return nd_is_digit(c) ? c - '0' : -1000;
}

/* Reads "HTTP/1.1 404 Not Found"; the words may be left out. */
static bool read_status_line(struct nd_answer *answer)
{
    const char *line = answer->line;
    long status;

    if (answer->line_length < 12 || memcmp(line, http, HTTP) != 0 ||
        !nd_is_digit(line[7]) || line[8] != ' ' ||
        (answer->line_length > 12 && line[12] != ' '))
        return refuse(answer);
    status = digit(line[9]) * 100 + digit(line[10]) * 10 + digit(line[11]);
    /* Nobody has asked for another protocol. */
    if (status < 100 || status == 101)
        return refuse(answer);
    answer->is_http11 = line[7] != '0';
    answer->http_status = status < 200 ? ND_UNSET : status;
    answer->phase = ND_PHASE_HEADERS;
    answer->in_ours = true; /* and so nothing may be folded into it */
    return true;
}

/* ----- headers ----- */

struct text {
    const char *at;
    size_t length;
};

/* The value of a header line, without the space around it. */
static struct text value_of(const struct nd_answer *answer, size_t name)
{
    struct text value = {answer->line + name + 1,
                         answer->line_length - name - 1};

    while (value.length && nd_is_blank(*value.at)) {
        value.at++;
        value.length--;
    }
    while (value.length && nd_is_blank(value.at[value.length - 1]))
        value.length--;
    return value;
}

/* Reads 1 to max digits; false where it is anything else. */
static bool read_digits(struct text value, size_t max, uint64_t *number)
{
    size_t i;

    for (*number = 0, i = 0; i < value.length && i < max; i++) {
        if (!nd_is_digit(value.at[i]))
            return false;
        *number = *number * 10 + (uint64_t)(value.at[i] - '0');
    }
    return i > 0 && i == value.length;
}

static bool read_length(struct nd_answer *answer, struct text value)
{
    uint64_t length;

    if (!read_digits(value, ND_LENGTH_DIGITS, &length) ||
        (answer->has_length && answer->left != length))
        return refuse(answer);
    answer->has_length = true;
    answer->left = length;
    return true;
}

static bool read_encoding(struct nd_answer *answer, struct text value)
{
    if (answer->chunked || !nd_is_word(value.at, value.length, "chunked"))
        return refuse(answer);
    answer->chunked = true;
    return true;
}

static bool read_connection(struct nd_answer *answer, struct text value)
{
    if (!nd_is_word(value.at, value.length, "keep-alive"))
        answer->closes = true;
    return true;
}

/* Copies a value that may be a date; one that is too long is none. */
static void copy_date(char date[ND_DATE_MAX], struct text value)
{
    size_t length = value.length < ND_DATE_MAX ? value.length : 0;

    memcpy(date, value.at, length);
    date[length] = '\0';
}

static bool read_retry_after(struct nd_answer *answer, struct text value)
{
    uint64_t seconds;

    answer->retry_after = ND_UNSET;
    answer->retry_date[0] = '\0';
    if (read_digits(value, ND_LENGTH_DIGITS, &seconds))
        answer->retry_after = (double)seconds;
    else
        copy_date(answer->retry_date, value);
    return true;
}

static bool read_date(struct nd_answer *answer, struct text value)
{
    copy_date(answer->date, value);
    return true;
}

static const struct header {
    const char *name;
    size_t length;
    bool (*read)(struct nd_answer *answer, struct text value);
    bool must_fit; /* a value that is cut would be another one */
} headers[] = {
#define ND_HEADER(name, read, must_fit)        \
    {                                          \
        name, sizeof(name) - 1, read, must_fit \
    }
    ND_HEADER("Content-Length", read_length, true),
    ND_HEADER("Transfer-Encoding", read_encoding, true),
    ND_HEADER("Connection", read_connection, false),
    ND_HEADER("Retry-After", read_retry_after, false),
    ND_HEADER("Date", read_date, false),
#undef ND_HEADER
};

static const struct header *find_header(const char *name, size_t length)
{
    size_t i;

    for (i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (length == headers[i].length &&
            nd_is_word(name, length, headers[i].name))
            return &headers[i];
    }
    return NULL;
}

/* Which characters a name has decides nothing, but for space. */
static bool is_name_char(char c)
{
    return (unsigned char)c > ' ' && c != ':' && c != 127;
}

/* The length of the name that a header line begins with; 0 where it is
 * none, or has no colon right behind it. */
static size_t name_length(const struct nd_answer *answer)
{
    size_t length = kept_length(answer);
    size_t i = 0;

    while (i < length && is_name_char(answer->line[i]))
        i++;
    return i < length && answer->line[i] == ':' ? i : 0;
}

static bool read_header(struct nd_answer *answer)
{
    const struct header *header;
    size_t name;

    if (nd_is_blank(answer->line[0])) /* folded: of the header before */
        return !answer->in_ours || refuse(answer);
    name = name_length(answer);
    if (!name)
        return refuse(answer);
    header = find_header(answer->line, name);
    answer->in_ours = header != NULL;
    if (!header)
        return true;
    if (answer->line_length > ND_LINE_KEPT) {
        answer->closes = true;
        return !header->must_fit || refuse(answer);
    }
    return header->read(answer, value_of(answer, name));
}

/* ----- what the headers decide ----- */

/* An interim answer says nothing about the final one. */
static bool skip_interim(struct nd_answer *answer)
{
    if (++answer->interim > ND_INTERIM_MAX || answer->chunked ||
        answer->has_length)
        return refuse(answer);
    answer->retry_after = ND_UNSET;
    answer->retry_date[0] = '\0';
    answer->date[0] = '\0';
    answer->closes = false;
    answer->phase = ND_PHASE_STATUS_LINE;
    return true;
}

int64_t nd_answer_date(const struct nd_answer *answer)
{
    return *answer->date ? (int64_t)curl_getdate(answer->date, NULL)
                         : ND_UNSET;
}

/* A date becomes seconds from the service's own time, or else from ours. */
static void settle_retry_after(struct nd_answer *answer)
{
    int64_t till;
    int64_t now;

    if (!*answer->retry_date)
        return;
    till = (int64_t)curl_getdate(answer->retry_date, NULL);
    if (till == ND_UNSET)
        return;
    now = nd_answer_date(answer);
    if (now == ND_UNSET)
        now = (int64_t)time(NULL);
    answer->retry_after = till > now ? (double)(till - now) : 0;
}

static void finish(struct nd_answer *answer)
{
    answer->phase = ND_PHASE_WHOLE;
    answer->keeps =
        answer->is_http11 && !answer->closes && answer->left != ND_UNTIL_END;
}

static bool has_no_body(long status)
{
    return status == 204 || status == 205 || status == 304;
}

/* The end of the headers: how long is the body?  (RFC 9112, 6.3) */
static bool begin_body(struct nd_answer *answer)
{
    if (answer->http_status == ND_UNSET)
        return skip_interim(answer);
    if (answer->chunked && (answer->has_length || !answer->is_http11))
        return refuse(answer);
    settle_retry_after(answer);
    if (has_no_body(answer->http_status)) {
        answer->left = 0;
        finish(answer);
        return true;
    }
    if (answer->chunked) {
        answer->phase = ND_PHASE_CHUNK_SIZE;
        return true;
    }
    if (!answer->has_length)
        answer->left = ND_UNTIL_END;
    else if (answer->left > answer->body.max)
        return fail(answer, ND_FAULT_TOO_LARGE);
    else if (!nd_buffer_reserve(&answer->body, (size_t)answer->left))
        return fail(answer, ND_FAULT_MEMORY);
    answer->phase = ND_PHASE_BODY;
    if (answer->left == 0)
        finish(answer);
    return true;
}

/* ----- the body ----- */

static bool add_to_body(struct nd_answer *answer, const char *bytes,
                        size_t length)
{
    if (length > answer->body.max - answer->body.length)
        return fail(answer, ND_FAULT_TOO_LARGE);
    return nd_buffer_add(&answer->body, bytes, length) ||
           fail(answer, ND_FAULT_MEMORY);
}

/* Takes what is there of the body or chunk. */
static bool take_body(struct nd_answer *answer, const char **at,
                      const char *end)
{
    size_t length = (size_t)(end - *at);

    if (answer->left != ND_UNTIL_END) {
        length = length < answer->left ? length : (size_t)answer->left;
        answer->left -= length;
    }
    if (!add_to_body(answer, *at, length))
        return false;
    *at += length;
    if (answer->left > 0)
        return true;
    if (answer->phase == ND_PHASE_BODY)
        finish(answer);
    else
        answer->phase = ND_PHASE_AFTER_CHUNK;
    return true;
}

/* Reads "1f; extension", whose line end must be a CR LF. */
static bool read_chunk_size(struct nd_answer *answer)
{
    size_t length = kept_length(answer);
    uint64_t size = 0;
    size_t i = 0;

    while (i < length && i < ND_CHUNK_DIGITS &&
           nd_hex_value(answer->line[i]) >= 0)
        size = size * 16 + (uint64_t)nd_hex_value(answer->line[i++]);
    if (i == 0 || !answer->line_has_cr)
        return refuse(answer);
    while (i < length && nd_is_blank(answer->line[i]))
        i++;
    if (i < length && answer->line[i] != ';')
        return refuse(answer);
    if (size > answer->body.max - answer->body.length)
        return fail(answer, ND_FAULT_TOO_LARGE);
    answer->left = size;
    answer->phase = size ? ND_PHASE_CHUNK : ND_PHASE_TRAILERS;
    answer->in_ours = false; /* what is folded in a trailer is dropped */
    return true;
}

/* Chunks may be many, and their lines are not what the bound is for. */
static bool take_chunk_size(struct nd_answer *answer, const char **at,
                            const char *end, bool *ended)
{
    size_t before = answer->header_bytes;

    if (!take_line(answer, at, end, ended) ||
        answer->line_length > ND_CHUNK_LINE_MAX)
        return refuse(answer);
    answer->header_bytes = before;
    return true;
}

/* ----- the whole ----- */

/* A line has come to its end. */
static bool read_line(struct nd_answer *answer)
{
    switch (answer->phase) {
    case ND_PHASE_STATUS_LINE:
        return read_status_line(answer);
    case ND_PHASE_HEADERS:
        return answer->line_length ? read_header(answer) : begin_body(answer);
    case ND_PHASE_CHUNK_SIZE:
        return read_chunk_size(answer);
    case ND_PHASE_AFTER_CHUNK:
        if (answer->line_length || !answer->line_has_cr)
            return refuse(answer);
        answer->phase = ND_PHASE_CHUNK_SIZE;
        return true;
    default: /* a trailer says nothing to us */
        if (!answer->line_length)
            finish(answer);
        return true;
    }
}

/* Takes bytes of one line, body or chunk; false where they are none. */
static bool take_some(struct nd_answer *answer, const char **at,
                      const char *end)
{
    bool ended;

    switch (answer->phase) {
    case ND_PHASE_BODY:
    case ND_PHASE_CHUNK:
        return take_body(answer, at, end);
    case ND_PHASE_CHUNK_SIZE:
    case ND_PHASE_AFTER_CHUNK:
        if (!take_chunk_size(answer, at, end, &ended))
            return false;
        break;
    default:
        if (!take_line(answer, at, end, &ended))
            return false;
    }
    if (!ended)
        return true;
    if (!read_line(answer))
        return false;
    next_line(answer);
    return true;
}

size_t nd_answer_take(struct nd_answer *answer, const char *bytes,
                      size_t length)
{
    const char *at = bytes;
    const char *end = bytes + length;

    while (at < end && answer->phase != ND_PHASE_WHOLE &&
           take_some(answer, &at, end))
        ;
    return (size_t)(at - bytes);
}

enum nd_fault nd_answer_cut(const struct nd_answer *answer)
{
    size_t length = answer->line_length;

    if (answer->fault != ND_FAULT_NONE)
        return answer->fault;
    if (answer->phase != ND_PHASE_STATUS_LINE)
        return ND_FAULT_CUT;
    if (memcmp(answer->line, http, length < HTTP ? length : HTTP) != 0)
        return ND_FAULT_UNREADABLE;
    return answer->interim ? ND_FAULT_CUT : ND_FAULT_LOST;
}

void nd_answer_end(struct nd_answer *answer)
{
    if (answer->phase == ND_PHASE_BODY && answer->left == ND_UNTIL_END)
        finish(answer);
    else
        answer->fault = nd_answer_cut(answer);
}

bool nd_answer_is_complete(const struct nd_answer *answer)
{
    return answer->phase == ND_PHASE_WHOLE && answer->fault == ND_FAULT_NONE;
}
