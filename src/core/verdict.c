#include "verdict.h"

#include <string.h>

#include "ascii.h"
#include "json.h"
#include "spelling.h"

/* ----- what is read of an object ----- */

enum status { STATUS_NONE, STATUS_OK, STATUS_FAIL, STATUS_OTHER };

#define REASON_ABSENT (-1)
#define REASON_INVALID (-2)

/* The keys that matter, as bits; of params and results by their index. */
#define KEY_STATUS 1u
#define KEY_REASON 2u
#define KEY_ECHO(i) (4u << (i))
#define KEY_RESULT(i) (0x400u << (i))
#define KEY_OF_ROW (1u << 31) /* whichever */

/* What stands in the object. */
struct facts {
    enum status status;
    int64_t reason;
    bool other;          /* an echo names another value than was asked for */
    unsigned int seen;   /* keys */
    unsigned int twice;  /* keys */
    unsigned int formed; /* keys of results whose value has their form */
};

/* A reader, and what it looks for. */
struct reader {
    struct nd_json json;
    const struct nd_call *call;
    const struct nd_values *values;
    const struct nd_result *results[ND_RESULTS_MAX + 1]; /* up to NULL */
    struct facts facts;
    struct nd_verdict *verdict; /* for its extras */
};

static void look_for(struct reader *reader, const struct nd_call *call)
{
    size_t i = 0;

    reader->call = call;
    while ((reader->results[i] = nd_result_at(call, i)) != NULL)
        i++;
}

static struct nd_text text_of(const char *body, size_t length)
{
    struct nd_text text = {NULL, NULL};

    if (length) { /* there may be no body to point into */
        text.at = body;
        text.end = body + length;
    }
    return text;
}

/* ----- keys ----- */

/* How deep the keys are of the object itself, and of those in its list. */
#define DEPTH_TOP 1
#define DEPTH_ROWS 3

/* The index of the result whose key was just read, or -1. */
static int find_result(const struct reader *reader)
{
    const struct nd_result *const *result = reader->results;
    int depth = reader->json.depth;
    int i;

    for (i = 0; result[i]; i++) {
        if (depth ==
                (result[i]->where == ND_RESULT_TOP ? DEPTH_TOP : DEPTH_ROWS) &&
            nd_json_is(reader->json.token, result[i]->key))
            return i;
    }
    return -1;
}

/* The same of an echo. */
static int find_echo(const struct reader *reader)
{
    const struct nd_param *param = reader->call->params;
    int i;

    for (i = 0; param[i].field.key; i++) {
        if ((param[i].where & ND_ECHOED) &&
            nd_json_is(reader->json.token, param[i].field.key))
            return i;
    }
    return -1;
}

static void note_key(unsigned int *seen, unsigned int *twice, unsigned int key)
{
    *twice |= *seen & key;
    *seen |= key;
}

/* ----- values ----- */

/* A string of 1 to 18 digits, in any spelling. */
static bool string_to_id(struct nd_text string, uint64_t *id)
{
    char digits[ND_ID_DIGITS + 1];
    size_t length = 0;

    while (string.at < string.end && length < sizeof digits) {
        long c = nd_json_char(&string);

        digits[length++] = (char)(c < 128 ? c : '?');
    }
    return string.at == string.end && nd_parse_id(id, digits, length);
}

/* The token is a whole number, be it in a string. */
static bool token_to_id(const struct reader *reader, enum nd_json_token token,
                        uint64_t *id)
{
    if (token == ND_JSON_STRING)
        return string_to_id(reader->json.token, id);
    return token == ND_JSON_NUMBER && nd_json_whole(reader->json.token, id);
}

static enum status read_status(const struct reader *reader,
                               enum nd_json_token token)
{
    if (token == ND_JSON_NULL)
        return STATUS_NONE;
    if (token == ND_JSON_STRING && nd_json_is_word(reader->json.token, "OK"))
        return STATUS_OK;
    if (token == ND_JSON_STRING && nd_json_is_word(reader->json.token, "FAIL"))
        return STATUS_FAIL;
    return STATUS_OTHER;
}

static int64_t read_reason(const struct reader *reader,
                           enum nd_json_token token)
{
    uint64_t code;

    if (token == ND_JSON_NULL)
        return REASON_ABSENT;
    /* A larger number would not be exact on every VM, and is no code. */
    if (token_to_id(reader, token, &code) && (double)code < ND_EXACT_DOUBLE)
        return (int64_t)code;
    return REASON_INVALID;
}

/* What the largest ids are as doubles, which is no id itself. */
#define ID_LIMIT 1e18

/* The service may have lost the last digits of a number from 2^53 up. */
static bool is_same_id(const struct reader *reader, enum nd_json_token token,
                       uint64_t asked)
{
    uint64_t id;
    double number;

    if (token_to_id(reader, token, &id))
        return id == asked ||
               (token == ND_JSON_NUMBER && (double)asked >= ND_EXACT_DOUBLE &&
                (double)id == (double)asked);
    return token == ND_JSON_NUMBER && (double)asked == ID_LIMIT &&
           nd_json_double(reader->json.token, &number) && number == ID_LIMIT;
}

static bool echo_agrees(const struct reader *reader, enum nd_json_token token,
                        int i)
{
    const struct nd_value *asked = &reader->values->of[i];

    if (token == ND_JSON_NULL || !asked->set)
        return true;
    if (reader->call->params[i].field.type == ND_TYPE_ID)
        return is_same_id(reader, token, asked->id);
    return token != ND_JSON_STRING ||
           nd_json_is_word(reader->json.token, asked->text);
}

/* ----- lists ----- */

static void read_row(struct reader *reader)
{
    unsigned int seen = 0;
    unsigned int twice = 0;

    while (nd_json_next(&reader->json) == ND_JSON_KEY) {
        int i = find_result(reader);

        if (i >= 0)
            note_key(&seen, &twice, KEY_RESULT(i));
        if (!nd_json_skip(&reader->json, nd_json_next(&reader->json)))
            return;
    }
    if (twice)
        reader->facts.twice |= KEY_OF_ROW;
}

/* Moves behind an array, and is true where it has an object in each place.  A
 * null would leave a hole, behind which rows could be missed. */
static bool read_rows(struct reader *reader)
{
    enum nd_json_token token;
    bool good = true;

    while ((token = nd_json_next(&reader->json)) > ND_JSON_END &&
           token != ND_JSON_ARRAY_END) {
        if (token == ND_JSON_OBJECT) {
            read_row(reader);
            continue;
        }
        (void)nd_json_skip(&reader->json, token);
        good = false;
    }
    return good;
}

/* Moves behind the value whose first token this is: true where it is a list
 * of objects.  {} is none, though some languages write it for an empty one:
 * an inbox that is not in it would be taken for deleted. */
static bool read_list(struct reader *reader, enum nd_json_token token)
{
    if (token == ND_JSON_ARRAY)
        return read_rows(reader);
    (void)nd_json_skip(&reader->json, token);
    return false;
}

/* Moves behind the value of a result, which has, or can be given, its
 * form. */
static bool read_result(struct reader *reader, enum nd_json_token token,
                        const struct nd_result *result)
{
    struct nd_text value = reader->json.token;
    uint64_t id;

    if (result->form == ND_RESULT_LIST)
        return read_list(reader, token);
    (void)nd_json_skip(&reader->json, token);
    if (result->form == ND_RESULT_TEXT)
        return token == ND_JSON_STRING ||
               (token == ND_JSON_NUMBER && nd_json_whole(value, &id));
    return token == ND_JSON_NUMBER ||
           (token == ND_JSON_STRING &&
            (nd_json_is(value, "0") || string_to_id(value, &id)));
}

/* ----- the object ----- */

/* The field whose key and value's first token were just read. */
static struct nd_extra field_of(const struct reader *reader,
                                const struct nd_json *key,
                                enum nd_json_token token)
{
    struct nd_extra field = {.key = key->token,
                             .key_escaped = key->escaped,
                             .value = reader->json.token,
                             .value_escaped = reader->json.escaped,
                             .token = token};

    return field;
}

/* Notes it, as one that is passed on. */
static void note_extra(struct reader *reader, const struct nd_json *key,
                       enum nd_json_token token)
{
    struct nd_verdict *verdict = reader->verdict;

    if (verdict->extras == ND_EXTRAS_MAX || token == ND_JSON_OBJECT ||
        token == ND_JSON_ARRAY)
        verdict->extras = -1;
    if (verdict->extras < 0)
        return;
    verdict->extra[verdict->extras++] = field_of(reader, key, token);
}

/* The result has the value from the request. */
static bool is_id_echo(const struct reader *reader, int echo)
{
    return echo >= 0 && reader->call->params[echo].field.type == ND_TYPE_ID;
}

/* Moves behind the value of status or reason; false where the key is another
 * one. */
static bool read_saying(struct reader *reader, struct nd_text key)
{
    struct facts *facts = &reader->facts;
    bool is_status = nd_json_is(key, "status");
    enum nd_json_token token;

    if (!is_status && !nd_json_is(key, "reason"))
        return false;
    token = nd_json_next(&reader->json);
    note_key(&facts->seen, &facts->twice, is_status ? KEY_STATUS : KEY_REASON);
    if (is_status)
        facts->status = read_status(reader, token);
    else
        facts->reason = read_reason(reader, token);
    (void)nd_json_skip(&reader->json, token);
    return true;
}

static void read_echo(struct reader *reader, enum nd_json_token token,
                      int echo)
{
    struct facts *facts = &reader->facts;

    note_key(&facts->seen, &facts->twice, KEY_ECHO(echo));
    facts->other |= !echo_agrees(reader, token, echo);
}

/* The same of any other key.  What a deletion only passes on does not
 * matter; on what the other calls read, deletions may depend. */
static void read_other(struct reader *reader)
{
    struct facts *facts = &reader->facts;
    const struct nd_json key = reader->json;
    bool erases = reader->call->effect == ND_ERASES;
    int echo = find_echo(reader);
    int result = echo < 0 ? find_result(reader) : -1;
    enum nd_json_token token = nd_json_next(&reader->json);

    if (erases && result >= 0)
        reader->verdict->text = field_of(reader, &key, token);
    else if (!is_id_echo(reader, echo))
        note_extra(reader, &key, token);
    if (echo >= 0)
        read_echo(reader, token, echo);
    if (result < 0 || erases) {
        (void)nd_json_skip(&reader->json, token);
        return;
    }
    note_key(&facts->seen, &facts->twice, KEY_RESULT(result));
    if (read_result(reader, token, reader->results[result]))
        facts->formed |= KEY_RESULT(result);
}

/* False where the body is not one object and nothing else. */
static bool read_object(struct reader *reader, struct nd_text body)
{
    enum nd_json_token token;

    nd_json_start(&reader->json, body, true);
    memset(&reader->facts, 0, sizeof reader->facts);
    reader->facts.reason = REASON_ABSENT;
    if (nd_json_next(&reader->json) != ND_JSON_OBJECT)
        return false;
    while ((token = nd_json_next(&reader->json)) == ND_JSON_KEY) {
        if (!read_saying(reader, reader->json.token))
            read_other(reader);
    }
    return token == ND_JSON_OBJECT_END &&
           nd_json_next(&reader->json) == ND_JSON_END;
}

/* ----- the verdict ----- */

static void set_verdict(struct nd_verdict *verdict, enum nd_says says,
                        const char *flaw)
{
    verdict->says = says;
    verdict->flaw = flaw;
}

static bool has_needed_results(const struct reader *reader)
{
    int i;

    for (i = 0; reader->results[i]; i++) {
        if (reader->results[i]->needed &&
            !(reader->facts.formed & KEY_RESULT(i)))
            return false;
    }
    return true;
}

static void judge_ok(struct nd_verdict *verdict, const struct reader *reader,
                     long http_status)
{
    const struct facts *facts = &reader->facts;
    const char *flaw = NULL;

    if (facts->reason != REASON_ABSENT && facts->reason != 1)
        flaw = "its body says OK with a reason other than 1";
    else if (facts->other)
        flaw = "its body says OK about another account, server or inbox than "
               "was asked for";
    else if (facts->twice)
        flaw = "its body has one of the keys that matter twice";
    else if (!has_needed_results(reader))
        flaw = "its body says OK without what was asked for";
    else if (http_status == 206)
        flaw = "that is the status of a part of an answer";
    set_verdict(verdict, flaw ? ND_SAYS_CONTRADICTION : ND_SAYS_OK,
                flaw ? flaw : "");
}

static void judge_fail(struct nd_verdict *verdict, const struct facts *facts)
{
    const char *flaw = NULL;

    if (facts->reason <= 1) {
        set_verdict(verdict, ND_SAYS_NOTHING,
                    "its body says FAIL without a reason above 1");
        return;
    }
    if (facts->other)
        flaw = "its body says FAIL about another account, server or inbox "
               "than was asked for";
    else if (facts->twice & (KEY_RESULT(0) - 1))
        flaw = "its body has one of the keys that matter twice";
    set_verdict(verdict, flaw ? ND_SAYS_CONTRADICTION : ND_SAYS_FAIL,
                flaw ? flaw : "");
    verdict->reason = flaw ? ND_UNSET : facts->reason;
}

static void judge_object(struct nd_verdict *verdict,
                         const struct reader *reader, long http_status)
{
    const struct facts *facts = &reader->facts;
    /* The token call's own sample has a reason only. */
    bool signed_in = facts->status == STATUS_NONE && facts->reason == 1 &&
                     reader->call->effect == ND_SIGNS_IN;

    if (facts->twice & (KEY_STATUS | KEY_REASON))
        set_verdict(verdict, ND_SAYS_CONTRADICTION,
                    "its body has status or reason twice");
    else if (facts->status == STATUS_OK || signed_in)
        judge_ok(verdict, reader, http_status);
    else if (facts->status == STATUS_FAIL)
        judge_fail(verdict, facts);
    else
        set_verdict(verdict, ND_SAYS_NOTHING,
                    facts->status == STATUS_NONE
                        ? "its body has no status"
                        : "its body's status is neither OK nor FAIL");
}

/* "OK" stands in quotes anywhere in the body, in any case and spelling: also
 * in what is no JSON, or other JSON's string. */
static bool has_ok_in_quotes(struct nd_text body)
{
    static const char wanted[] = "\"ok\"";
    const unsigned int encodings =
        ND_SPELT_NESTED | ND_SPELT_PERCENT | ND_SPELT_HTML | ND_SPELT_WIDE;
    size_t matched = 0;
    long c;

    while ((c = nd_spelt_char(&body, encodings)) >= 0) {
        if (c < 128 && nd_to_lower((char)c) == wanted[matched])
            matched++;
        else
            matched = c == '"';
        if (!wanted[matched])
            return true;
    }
    return false;
}

void nd_judge(struct nd_verdict *verdict, const struct nd_call *call,
              const struct nd_values *values, long http_status,
              const char *body, size_t length)
{
    struct nd_text text = text_of(body, length);
    struct reader reader;
    bool is_object;

    look_for(&reader, call);
    reader.values = values;
    reader.verdict = verdict;
    verdict->extras = 0;
    verdict->text.token = ND_JSON_NULL;
    is_object = read_object(&reader, text);
    verdict->reason = ND_UNSET;
    if (is_object)
        judge_object(verdict, &reader, http_status);
    else
        set_verdict(verdict, ND_SAYS_NOTHING,
                    "its body is not one JSON object and nothing else");
    verdict->doubtful =
        http_status >= 400 && http_status <= 499 &&
        ((is_object && reader.facts.other) || has_ok_in_quotes(text));
}
