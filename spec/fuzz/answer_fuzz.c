/* answer.c against a reader of whole texts: it splits lines where that one
 * goes on byte by byte, and looks back where that one remembers. */
#include <strings.h>

#include "../../src/core/answer.h"
#include "../../src/core/error.h"
#include "fuzz.h"

#define BODY_MAX 300

/* ----- the other reader ----- */

/* Where the reading of a text stands: what is taken is before at. */
struct text {
    const char *at;
    const char *end;
};

struct whole {
    long status;
    bool keeps;
    char body[BODY_MAX];
    size_t length;
    size_t used;
};

struct head {
    long status;
    bool http11;
    bool other_connection;
    int lengths;
    unsigned long long length;
    int encodings;
};

/* The next line without its end; false where there is none, or it has what
 * no line may have.  crlf: how it ended. */
static bool line_of(struct text *text, struct text *line, bool *crlf)
{
    const char *feed = memchr(text->at, '\n', (size_t)(text->end - text->at));
    const char *c;

    if (!feed)
        return false;
    *crlf = feed > text->at && feed[-1] == '\r';
    line->at = text->at;
    line->end = feed - (*crlf ? 1 : 0);
    text->at = feed + 1;
    for (c = line->at; c < line->end; c++) {
        if (*c == '\r' || *c == '\0')
            return false;
    }
    return true;
}

static bool named(const struct text *line, const char *colon, const char *name)
{
    return (size_t)(colon - line->at) == strlen(name) &&
           strncasecmp(line->at, name, strlen(name)) == 0;
}

/* Copies a value without the blanks around it. */
static void value_of(const char *at, const char *end, char value[4096])
{
    size_t length;

    at += strspn(at, " \t") < (size_t)(end - at) ? strspn(at, " \t")
                                                 : (size_t)(end - at);
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    length = (size_t)(end - at);
    memcpy(value, at, length);
    value[length] = '\0';
}

static bool read_field(struct head *head, const struct text *line, bool *ours)
{
    const char *colon = memchr(line->at, ':', (size_t)(line->end - line->at));
    char value[4096];
    const char *c;

    if (!colon || colon == line->at || colon - line->at >= ND_LINE_KEPT)
        return false;
    for (c = line->at; c < colon; c++) {
        if ((unsigned char)*c <= ' ' || *c == 127)
            return false;
    }
    *ours = named(line, colon, "content-length") ||
            named(line, colon, "transfer-encoding") ||
            named(line, colon, "connection") ||
            named(line, colon, "retry-after") || named(line, colon, "date");
    if (*ours && line->end - line->at > ND_LINE_KEPT) {
        head->other_connection = true;
        return !named(line, colon, "content-length") &&
               !named(line, colon, "transfer-encoding");
    }
    value_of(colon + 1, line->end, value);
    if (named(line, colon, "connection") &&
        strcasecmp(value, "keep-alive") != 0)
        head->other_connection = true;
    if (named(line, colon, "transfer-encoding")) {
        head->encodings++;
        return strcasecmp(value, "chunked") == 0;
    }
    if (named(line, colon, "content-length")) {
        unsigned long long length = strtoull(value, NULL, 10);

        if (!*value || strlen(value) > 18 ||
            strspn(value, "0123456789") != strlen(value) ||
            (head->lengths && head->length != length))
            return false;
        head->lengths++;
        head->length = length;
    }
    return true;
}

/* One head, be it of an interim answer. */
static bool read_head(struct text *text, struct head *head)
{
    struct text line;
    bool ours = true;
    bool crlf;
    size_t length;
    char start[64] = "";
    int version;

    memset(head, 0, sizeof *head);
    if (!line_of(text, &line, &crlf))
        return false;
    length = (size_t)(line.end - line.at);
    memcpy(start, line.at, length < 13 ? length : 13);
    if (strncmp(start, "HTTP/1.", 7) != 0 || start[7] < '0' ||
        start[7] > '9' || start[8] != ' ' ||
        strspn(start + 9, "0123456789") < 3 ||
        (length > 12 && start[12] != ' '))
        return false;
    version = start[7] - '0';
    start[12] = '\0';
    head->status = atol(start + 9);
    head->http11 = version > 0;
    if (head->status < 100 || head->status == 101)
        return false;
    while (line_of(text, &line, &crlf)) {
        if (line.at == line.end)
            return true;
        if (*line.at == ' ' || *line.at == '\t') {
            if (ours)
                return false;
        } else if (!read_field(head, &line, &ours)) {
            return false;
        }
    }
    return false;
}

static bool add(struct whole *whole, struct text *text,
                unsigned long long length)
{
    if (length > BODY_MAX - whole->length ||
        length > (unsigned long long)(text->end - text->at))
        return false;
    memcpy(whole->body + whole->length, text->at, (size_t)length);
    whole->length += (size_t)length;
    text->at += length;
    return true;
}

static bool read_chunks(struct whole *whole, struct text *text)
{
    struct text line;
    bool crlf;

    for (;;) {
        char digits[20] = "";
        size_t count = 0;
        unsigned long long size;

        if (!line_of(text, &line, &crlf) || !crlf || line.end - line.at > 4096)
            return false;
        while (line.at < line.end && count < 15 &&
               strchr("0123456789abcdefABCDEF", *line.at))
            digits[count++] = *line.at++;
        while (line.at < line.end && (*line.at == ' ' || *line.at == '\t'))
            line.at++;
        if (!count || (line.at < line.end && *line.at != ';'))
            return false;
        size = strtoull(digits, NULL, 16);
        if (!size)
            break;
        if (!add(whole, text, size) || text->end - text->at < 2 ||
            memcmp(text->at, "\r\n", 2) != 0)
            return false;
        text->at += 2;
    }
    while (line_of(text, &line, &crlf)) {
        if (line.at == line.end)
            return true;
    }
    return false;
}

/* The answer that the text begins with, if it is one; ended tells whether
 * the connection ended behind it. */
static bool read_whole(struct whole *whole, const char *bytes, size_t size,
                       bool ended)
{
    struct text text = {bytes, bytes + size};
    struct head head;
    int interim = -1;
    bool until_end;

    do {
        if (!read_head(&text, &head) || ++interim > 16)
            return false;
        if (head.status < 200 && (head.lengths || head.encodings))
            return false;
    } while (head.status < 200);
    whole->status = head.status;
    whole->length = 0;
    if (head.encodings > 1 || (head.encodings && head.lengths) ||
        (head.encodings && !head.http11))
        return false;
    if (head.status == 204 || head.status == 205 || head.status == 304) {
        until_end = false;
    } else {
        until_end = !head.encodings && !head.lengths;
        if (until_end
                ? !ended || !add(whole, &text,
                                 (unsigned long long)(text.end - text.at))
            : head.encodings ? !read_chunks(whole, &text)
                             : !add(whole, &text, head.length))
            return false;
    }
    whole->keeps = head.http11 && !head.other_connection && !until_end;
    whole->used = (size_t)(text.at - bytes);
    return true;
}

/* ----- the comparison ----- */

/* Feeds the reader pieces whose lengths the first bytes of the input give. */
static size_t feed(struct nd_answer *answer, const char *bytes, size_t size,
                   const uint8_t *cuts)
{
    size_t at = 0;
    size_t turn = 0;

    while (at < size) {
        size_t piece = (size_t)cuts[turn++ % 4] + 1;
        size_t length = piece < size - at ? piece : size - at;
        size_t taken = nd_answer_take(answer, bytes + at, length);

        REQUIRE(taken <= length);
        REQUIRE(answer->body.length <= BODY_MAX);
        at += taken;
        if (taken < length)
            break;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nd_answer answer;
    struct whole whole;
    char *bytes;
    bool ended;
    bool is_whole;
    size_t used;

    if (size < 5 || size > 4096)
        return 0;
    ended = data[4] & 1;
    /* Of just its length, so that a look past its end is seen. */
    bytes = malloc(size - 5 ? size - 5 : 1);
    REQUIRE(bytes != NULL);
    memcpy(bytes, data + 5, size - 5);
    nd_answer_init(&answer, BODY_MAX);
    used = feed(&answer, bytes, size - 5, data);
    if (ended && answer.fault == ND_FAULT_NONE &&
        !nd_answer_is_complete(&answer))
        nd_answer_end(&answer);
    is_whole = read_whole(&whole, bytes, size - 5, ended);
    REQUIRE(is_whole == nd_answer_is_complete(&answer));
    if (is_whole) {
        REQUIRE(whole.status == answer.http_status);
        REQUIRE(whole.length == answer.body.length);
        REQUIRE(!whole.length ||
                memcmp(whole.body, answer.body.data, whole.length) == 0);
        REQUIRE(whole.keeps == answer.keeps);
        REQUIRE(whole.used == used);
    }
    REQUIRE(answer.retry_after == ND_UNSET || answer.retry_after >= 0);
    nd_answer_free(&answer);
    free(bytes);
    return 0;
}
