/* json.c and verdict.c against a reader of another kind, which descends into
 * the text, keeps what it finds as text of its own, and knows the words of
 * docs/internals/truth.md only: a success and a refusal are what those say,
 * and nothing else is. */
#include "../../src/core/json.h"
#include "../../src/core/verdict.h"
#include "fuzz.h"

/* What was asked for. */
#define ACCOUNT 1
#define INBOX 10
#define SERVER "online"

/* Longer strings are none that matter. */
#define WORD 24

/* ----- another reader of JSON ----- */

struct word {
    char text[WORD];
    size_t length; /* WORD: it is longer, or has other than ASCII in it */
};

struct value {
    enum { NONE, WORD_VALUE, NUMBER, OTHER, NOTHING } kind;
    struct word word; /* a string, or a number as it is written */
};

struct field {
    int count;
    struct value last;
    int differing; /* values that name another thing than was asked for */
};

enum { STATUS, REASON, ACCOUNT_ID, INBOX_ID, SERVER_NAME, FIELDS };

static const char *const names[FIELDS] = {"status", "reason", "accountID",
                                          "inboxID", "server"};

struct object {
    struct field fields[FIELDS];
    int unclear; /* numbers too long for this reader */
};

static const char *p; /* where the reading stands */
static const char *stop;

static int at(char c)
{
    return p < stop && *p == c;
}

static int white(void)
{
    return at(' ') || at('\t') || at('\n') || at('\r');
}

static void space(void)
{
    while (white())
        p++;
}

static int digit(void)
{
    return p < stop && *p >= '0' && *p <= '9';
}

static void keep(struct word *word, unsigned long c)
{
    if (word->length == WORD)
        return;
    if (word->length == WORD - 1 || c > 126)
        word->length = WORD;
    else
        word->text[word->length++] = (char)c;
}

static int hexadecimal(unsigned long *code)
{
    int i;

    *code = 0;
    for (i = 0; i < 4; i++, p++) {
        if (digit())
            *code = *code << 4 | (unsigned long)(*p - '0');
        else if (p < stop &&
                 ((*p >= 'a' && *p <= 'f') || (*p >= 'A' && *p <= 'F')))
            *code = *code << 4 | (unsigned long)((*p & 15) + 9);
        else
            return 0;
    }
    return 1;
}

static int string(struct word *word)
{
    word->length = 0;
    for (p++; p < stop && *p != '"'; p++) {
        unsigned long code;

        if ((unsigned char)*p < 32)
            return 0;
        if (*p != '\\') {
            keep(word, (unsigned char)*p);
            continue;
        }
        if (++p == stop)
            return 0;
        if (*p == 'u') {
            p++;
            if (!hexadecimal(&code))
                return 0;
            p--;
            keep(word, code);
        } else if (*p == '"' || *p == '\\' || *p == '/') {
            keep(word, (unsigned char)*p);
        } else if (*p == 'b' || *p == 'f' || *p == 'n' || *p == 'r' ||
                   *p == 't') {
            keep(word, 1); /* as any control character */
        } else {
            return 0;
        }
    }
    return p++ < stop;
}

static int digits(struct word *word)
{
    if (!digit())
        return 0;
    while (digit())
        keep(word, (unsigned char)*p++);
    return 1;
}

static int number(struct word *word)
{
    word->length = 0;
    if (at('-'))
        keep(word, (unsigned char)*p++);
    if (at('0'))
        keep(word, (unsigned char)*p++);
    else if (!digits(word))
        return 0;
    if (at('.')) {
        keep(word, (unsigned char)*p++);
        if (!digits(word))
            return 0;
    }
    if (at('e') || at('E')) {
        p++;
        keep(word, 'e');
        if (at('-') || at('+')) {
            if (at('-'))
                keep(word, '-');
            p++;
        }
        if (!digits(word))
            return 0;
    }
    return 1;
}

static int literal(const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(stop - p) < length || memcmp(p, text, length) != 0)
        return 0;
    p += length;
    return 1;
}

static int any_object(struct object *found, int depth);
static int any_array(int depth);

static int any_value(struct value *value, int depth)
{
    value->kind = OTHER;
    if (at('"')) {
        value->kind = WORD_VALUE;
        return string(&value->word);
    }
    if (at('{'))
        return any_object(NULL, depth);
    if (at('['))
        return any_array(depth);
    if (at('n')) {
        value->kind = NOTHING;
        return literal("null");
    }
    if (at('t') || at('f'))
        return literal("true") || literal("false");
    value->kind = NUMBER;
    return number(&value->word);
}

static int any_array(int depth)
{
    struct value value;

    p++;
    if (depth == ND_JSON_DEPTH_MAX)
        return 0;
    space();
    if (at(']'))
        return p++, 1;
    for (;;) {
        space();
        if (!any_value(&value, depth + 1))
            return 0;
        space();
        if (at(']'))
            return p++, 1;
        if (!at(','))
            return 0;
        p++;
    }
}

/* Only a line's end, and blanks, are between end and the quote at p. */
static int new_line(const char *end)
{
    int feeds = 0;
    const char *c;

    for (c = end; c < p; c++) {
        if (*c == '\n')
            feeds++;
        else if (*c == '\r' && (c + 1 == p || c[1] != '\n'))
            return 0;
    }
    return feeds == 1 && at('"');
}

static int is(const struct word *word, const char *text)
{
    return word->length == strlen(text) &&
           memcmp(word->text, text, word->length) == 0;
}

static int is_in_any_case(const struct word *word, const char *text)
{
    size_t i;

    if (word->length != strlen(text))
        return 0;
    for (i = 0; i < word->length; i++) {
        char c = word->text[i];

        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != text[i])
            return 0;
    }
    return 1;
}

/* A number, in full: -1 where it is none from 0 to 10^18.  Its digits are
 * moved past its point. */
static long long whole(const struct word *word)
{
    char digits[WORD];
    long long value = 0;
    int count = 0;
    int place = -1; /* of the point among the digits */
    long power = 0;
    size_t i;
    int n;

    for (i = 0; i < word->length && word->text[i] != 'e'; i++) {
        if (word->text[i] == '-')
            return -1;
        if (word->text[i] == '.')
            place = count;
        else
            digits[count++] = word->text[i];
    }
    if (place < 0)
        place = count;
    if (i < word->length) {
        char text[WORD + 1] = "";

        memcpy(text, word->text + i + 1, word->length - i - 1);
        power = strtol(text, NULL, 10);
        power = power > 100 ? 100 : power < -100 ? -100 : power;
    }
    for (n = 0; n < place + power || n < count; n++) {
        int digit = n < count ? digits[n] - '0' : 0;

        if (n >= place + power && digit)
            return -1;
        if (n >= place + power)
            continue;
        if (value >= 100000000000000000LL)
            return -1;
        value = value * 10 + digit;
    }
    return value;
}

static long long plain_digits(const struct word *word)
{
    long long value = 0;
    size_t i;

    if (word->length < 1 || word->length > 18 || word->text[0] == '0')
        return -1;
    for (i = 0; i < word->length; i++) {
        if (word->text[i] < '0' || word->text[i] > '9')
            return -1;
        value = value * 10 + (word->text[i] - '0');
    }
    return value;
}

static long long number_of(const struct value *value)
{
    return value->kind == NUMBER       ? whole(&value->word)
           : value->kind == WORD_VALUE ? plain_digits(&value->word)
                                       : -1;
}

static int differs(int field, const struct value *value)
{
    if (value->kind == NOTHING || field < ACCOUNT_ID)
        return 0;
    if (field == SERVER_NAME)
        return value->kind == WORD_VALUE &&
               !is_in_any_case(&value->word, SERVER);
    return number_of(value) != (field == ACCOUNT_ID ? ACCOUNT : INBOX);
}

static void note(struct object *found, const struct word *key,
                 const struct value *value)
{
    int i;

    for (i = 0; found && i < FIELDS; i++) {
        if (!is(key, names[i]))
            continue;
        found->fields[i].count++;
        found->unclear += value->kind == NUMBER && value->word.length == WORD;
        found->fields[i].last = *value;
        found->fields[i].differing += differs(i, value);
    }
}

static int any_object(struct object *found, int depth)
{
    struct value value;
    struct word key;
    const char *end;

    p++;
    if (depth == ND_JSON_DEPTH_MAX)
        return 0;
    space();
    if (at('}'))
        return p++, 1;
    for (;;) {
        space();
        if (!at('"') || !string(&key))
            return 0;
        space();
        if (!at(':'))
            return 0;
        p++;
        space();
        if (!any_value(&value, depth + 1))
            return 0;
        note(found, &key, &value);
        end = p;
        space();
        if (at('}'))
            return p++, 1;
        if (at(','))
            p++;
        else if (!new_line(end))
            return 0;
    }
}

/* One object and nothing else. */
static int read_body(struct object *found, const char *body, size_t size)
{
    memset(found, 0, sizeof *found);
    p = body;
    stop = body + size;
    (void)literal("\xEF\xBB\xBF");
    space();
    if (!at('{') || !any_object(found, 0))
        return 0;
    space();
    return p == stop;
}

/* ----- what docs/internals/truth.md says ----- */

static int is_status(const struct object *object, const char *word)
{
    const struct field *status = &object->fields[STATUS];

    return status->count == 1 && status->last.kind == WORD_VALUE &&
           is_in_any_case(&status->last.word, word);
}

static int nothing_twice(const struct object *object)
{
    int i;

    for (i = 0; i < FIELDS; i++) {
        if (object->fields[i].count > 1)
            return 0;
    }
    return 1;
}

static int names_another(const struct object *object)
{
    return object->fields[ACCOUNT_ID].differing ||
           object->fields[INBOX_ID].differing ||
           object->fields[SERVER_NAME].differing;
}

static int is_success(const struct object *object, long status)
{
    const struct field *reason = &object->fields[REASON];

    return status >= 200 && status <= 299 && status != 206 &&
           is_status(object, "ok") && nothing_twice(object) &&
           !names_another(object) &&
           (!reason->count || reason->last.kind == NOTHING ||
            number_of(&reason->last) == 1);
}

static int is_refusal(const struct object *object)
{
    const struct field *reason = &object->fields[REASON];

    return is_status(object, "fail") && nothing_twice(object) &&
           !names_another(object) && reason->count &&
           number_of(&reason->last) > 1 &&
           number_of(&reason->last) < (1LL << 53);
}

/* "OK" in quotes, as it stands. */
static int has_ok(const char *body, size_t size)
{
    size_t i;

    for (i = 0; i + 4 <= size; i++) {
        if (body[i] == '"' && (body[i + 1] | 32) == 'o' &&
            (body[i + 2] | 32) == 'k' && body[i + 3] == '"')
            return 1;
    }
    return 0;
}

/* ----- the comparison ----- */

/* What is passed on stands in the body, where it is an object of plain
 * values. */
static void check_extras(const struct nd_verdict *verdict, const char *body,
                         size_t size)
{
    int i;

    REQUIRE(verdict->extras <= ND_EXTRAS_MAX);
    for (i = 0; i < verdict->extras; i++) {
        const struct nd_extra *extra = &verdict->extra[i];

        REQUIRE(extra->token >= ND_JSON_STRING);
        REQUIRE(body <= extra->key.at && extra->key.at <= extra->key.end);
        REQUIRE(extra->key.end <= body + size);
        if (extra->token > ND_JSON_NUMBER)
            continue;
        REQUIRE(extra->key.end < extra->value.at);
        REQUIRE(extra->value.at <= extra->value.end);
        REQUIRE(extra->value.end < body + size);
    }
}

static void check(const char *body, size_t size, long status)
{
    const struct nd_call *call = &nd_calls[ND_CALL_DELETE_INBOX];
    struct nd_values values;
    struct nd_verdict verdict;
    struct object object;
    int is_object = read_body(&object, body, size);
    int success;
    int refusal;

    memset(&values, 0, sizeof values);
    values.of[1].set = values.of[2].set = values.of[3].set = true;
    values.of[1].id = ACCOUNT;
    values.of[2].text = SERVER;
    values.of[3].id = INBOX;
    nd_judge(&verdict, call, &values, status, body, size);
    if (status < 400 || status > 499)
        REQUIRE(!verdict.doubtful);
    else if (has_ok(body, size))
        REQUIRE(verdict.doubtful);
    if (!is_object) {
        REQUIRE(verdict.says == ND_SAYS_NOTHING);
        return;
    }
    check_extras(&verdict, body, size);
    if (object.unclear)
        return;
    success = is_success(&object, status);
    refusal = is_refusal(&object);
    if (status >= 400 && status <= 499 && names_another(&object))
        REQUIRE(verdict.doubtful);
    if (status >= 200 && status <= 299)
        REQUIRE((verdict.says == ND_SAYS_OK) == success);
    REQUIRE((verdict.says == ND_SAYS_FAIL) == refusal);
    if (refusal)
        REQUIRE(verdict.reason == number_of(&object.fields[REASON].last));
}

/* The same for the other calls: no more than that nothing breaks, and that
 * no text is read which is no JSON. */
static void judge_others(const char *body, size_t size)
{
    struct object object;
    struct nd_values values;
    size_t i;

    memset(&values, 0, sizeof values);
    for (i = 0; i < ND_CALLS; i++) {
        struct nd_verdict verdict;

        nd_judge(&verdict, &nd_calls[i], &values, 200, body, size);
        if (verdict.says != ND_SAYS_NOTHING)
            REQUIRE(read_body(&object, body, size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 206, 299, 400, 404, 429, 500, 302};
    char *body = malloc(size ? size : 1);

    /* Of just its length, so that a look past its end is seen. */
    REQUIRE(body != NULL);
    if (size > 1) {
        memcpy(body, data + 1, size - 1);
        check(body, size - 1, statuses[data[0] % 8]);
        judge_others(body, size - 1);
    }
    free(body);
    return 0;
}
