#include "value.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ascii.h"
#include "url.h"

static bool all_digits(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (!nd_is_digit(text[i]))
            return false;
    }
    return length > 0;
}

/* ----- ids ----- */

bool nd_parse_id(uint64_t *id, const char *text, size_t length)
{
    size_t i;

    if (length > ND_ID_DIGITS || !all_digits(text, length) || text[0] == '0')
        return false;
    for (*id = 0, i = 0; i < length; i++)
        *id = *id * 10 + (uint64_t)(text[i] - '0');
    return true;
}

#define ND_ID_MAX UINT64_C(999999999999999999)

static bool check_id_text(struct nd_value *value, const struct nd_field *field,
                          const struct nd_raw *raw, struct nd_error *err)
{
    if (nd_parse_id(&value->id, raw->text, raw->length))
        return true;
    return nd_fail(err, "BAD_VALUE",
                   "%s must be 1 to %d digits, above 0, without a "
                   "leading zero, sign, space or any other character",
                   field->key, ND_ID_DIGITS);
}

static bool check_id_integer(struct nd_value *value,
                             const struct nd_field *field, int64_t integer,
                             struct nd_error *err)
{
    value->id = (uint64_t)integer;
    if (integer >= 1 && value->id <= ND_ID_MAX)
        return true;
    return nd_fail(err, "BAD_VALUE",
                   "%s must be above 0 and of at most %d digits, "
                   "got %" PRId64,
                   field->key, ND_ID_DIGITS, integer);
}

static bool check_id_float(struct nd_value *value,
                           const struct nd_field *field, double number,
                           struct nd_error *err)
{
    if (number >= ND_EXACT_DOUBLE)
        return nd_fail(err, "BAD_VALUE",
                       "%s is a float of 2^53 or more and may already "
                       "be another number: pass a string of digits",
                       field->key);
    /* Written so that NaN fails it too. */
    if (!(number >= 1))
        return nd_fail(err, "BAD_VALUE", "%s must be above 0, got %.14g",
                       field->key, number);
    value->id = (uint64_t)number;
    return (double)value->id == number ||
           nd_fail(err, "BAD_VALUE", "%s must be a whole number, got %.14g",
                   field->key, number);
}

static bool check_id(struct nd_value *value, const struct nd_field *field,
                     const struct nd_raw *raw, struct nd_error *err)
{
    switch (raw->form) {
    case ND_RAW_STRING:
        return check_id_text(value, field, raw, err);
    case ND_RAW_INTEGER:
        return check_id_integer(value, field, raw->integer, err);
    case ND_RAW_FLOAT:
        return check_id_float(value, field, raw->number, err);
    default:
        return nd_fail(err, "WRONG_TYPE",
                       "%s must be an integer or a string of digits, "
                       "got %s",
                       field->key, raw->type_name);
    }
}

/* ----- strings ----- */

static bool check_label(const struct nd_field *field, const struct nd_raw *raw,
                        struct nd_error *err)
{
    const char *text = raw->text;
    size_t length = raw->length;
    size_t i;

    for (i = 0; i < length; i++) {
        if (!nd_is_letter(text[i]) && !nd_is_digit(text[i]) && text[i] != '-')
            break;
    }
    if (length > 0 && length <= ND_LABEL_MAX && i == length &&
        text[0] != '-' && text[length - 1] != '-')
        return true;
    return nd_fail(err, "BAD_VALUE",
                   "%s must be one DNS label: 1 to %d of a-z A-Z 0-9 and "
                   "the dash, with no dash at an end (such as \"online\", "
                   "and not a host name)",
                   field->key, ND_LABEL_MAX);
}

static bool check_whatsapp_number(const struct nd_field *field,
                                  const struct nd_raw *raw,
                                  struct nd_error *err)
{
    if (raw->length <= ND_WHATSAPP_DIGITS &&
        all_digits(raw->text, raw->length) && raw->text[0] != '0')
        return true;
    return nd_fail(err, "BAD_VALUE",
                   "%s must be a string of 1 to %d digits with its country "
                   "code and without \"+\", such as \"972501234567\"",
                   field->key, ND_WHATSAPP_DIGITS);
}

/* Says what is wrong with a secret without showing any of it. */
static bool check_token(const struct nd_field *field, const struct nd_raw *raw,
                        struct nd_error *err)
{
    size_t i;

    if (raw->length == 0)
        return nd_fail(err, "BAD_VALUE",
                       "%s is empty; is the variable or file that it comes "
                       "from set?",
                       field->key);
    if (raw->length > ND_TOKEN_MAX)
        return nd_fail(err, "BAD_VALUE",
                       "%s has %zu characters; at most %d are allowed",
                       field->key, raw->length, ND_TOKEN_MAX);
    for (i = 0; i < raw->length; i++) {
        if (raw->text[i] <= ' ' || raw->text[i] > '~')
            break;
    }
    if (i == raw->length)
        return true;
    if (raw->text[i] == '\n' || raw->text[i] == '\r')
        return nd_fail(err, "BAD_VALUE",
                       "%s has a line break at character %zu: was it read "
                       "from a file? Remove the trailing newline. Only "
                       "printable ASCII without a space is allowed",
                       field->key, i + 1);
    return nd_fail(err, "BAD_VALUE",
                   "%s has a space, a control or a non-ASCII character at "
                   "position %zu; only printable ASCII without a space is "
                   "allowed",
                   field->key, i + 1);
}

static bool check_text(const struct nd_field *field, const struct nd_raw *raw,
                       struct nd_error *err)
{
    size_t i;

    for (i = 0; i < raw->length; i++) {
        if (raw->text[i] < ' ' || raw->text[i] > '~')
            break;
    }
    if (i == raw->length && i > 0 && i <= ND_TEXT_MAX)
        return true;
    return nd_fail(err, "BAD_VALUE",
                   "%s must be 1 to %d printable ASCII characters", field->key,
                   ND_TEXT_MAX);
}

/* Text that goes to libcurl as a C string, where a NUL would cut it. */
static bool check_c_string(const struct nd_field *field,
                           const struct nd_raw *raw, size_t max,
                           struct nd_error *err)
{
    if (raw->length <= max && !memchr(raw->text, '\0', raw->length))
        return true;
    return nd_fail(err, "BAD_VALUE",
                   "%s must be at most %zu bytes without a NUL", field->key,
                   max);
}

/* A device could be read for ever. */
static bool is_file(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

/* Whether PEM begins anywhere in the file. */
static bool has_pem(int fd)
{
    static const char begin[] = "-----BEGIN ";
    const size_t dashes = 5;
    char bytes[4096];
    size_t matched = 0;
    ssize_t got;
    ssize_t i;

    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        for (i = 0; i < got; i++) {
            if (bytes[i] == begin[matched])
                matched++;
            else if (bytes[i] != '-')
                matched = 0;
            else if (matched != dashes)
                matched = 1;
            if (!begin[matched])
                return true;
        }
    }
    return false;
}

static bool check_path(const struct nd_field *field, const struct nd_raw *raw,
                       struct nd_error *err)
{
    bool good;
    int fd;

    if (!check_c_string(field, raw, ND_PATH_MAX, err))
        return false;
    fd = open(raw->text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    good = fd >= 0 && is_file(fd) && has_pem(fd);
    if (fd >= 0)
        (void)close(fd);
    if (good)
        return true;
    return nd_fail(err, "CA_FILE_UNREADABLE",
                   "%s: cannot read \"%.300s\" as PEM; it must be a bundle "
                   "that this process may read (nginx workers run as another "
                   "user)",
                   field->key, raw->text);
}

static bool check_string(const struct nd_field *field,
                         const struct nd_raw *raw, struct nd_error *err)
{
    if (raw->form != ND_RAW_STRING)
        return nd_fail(err, "WRONG_TYPE", "%s must be a string, got %s",
                       field->key, raw->type_name);
    switch (field->type) {
    case ND_TYPE_LABEL:
        return check_label(field, raw, err);
    case ND_TYPE_WHATSAPP:
        return check_whatsapp_number(field, raw, err);
    case ND_TYPE_TOKEN:
        return check_token(field, raw, err);
    case ND_TYPE_TEXT:
        return check_text(field, raw, err);
    case ND_TYPE_URL:
        return check_c_string(field, raw, ND_URL_MAX, err) &&
               nd_check_base_url(field->key, raw->text, err);
    case ND_TYPE_PROXY:
        return check_c_string(field, raw, ND_URL_MAX, err) &&
               (raw->length == 0 ||
                nd_check_proxy_url(field->key, raw->text, err));
    default:
        return check_path(field, raw, err);
    }
}

/* ----- numbers ----- */

static bool check_range(struct nd_value *value, const struct nd_field *field,
                        const struct nd_raw *raw, struct nd_error *err)
{
    bool whole = field->type == ND_TYPE_COUNT;
    const char *what = whole                            ? "whole number"
                       : field->type == ND_TYPE_SECONDS ? "number of seconds"
                                                        : "number";
    double number;

    if (raw->form != ND_RAW_INTEGER && raw->form != ND_RAW_FLOAT)
        return nd_fail(err, "WRONG_TYPE", "%s must be a %s, got %s",
                       field->key, what, raw->type_name);
    number = raw->form == ND_RAW_INTEGER ? (double)raw->integer : raw->number;
    /* Written so that NaN fails it too. */
    if (number >= field->min && number <= field->max &&
        !(field->open && number == field->min) &&
        !(whole && (double)(int64_t)number != number)) {
        value->number = number;
        return true;
    }
    return nd_fail(err, "BAD_VALUE",
                   "%s must be a %s %s %.14g and at most %.14g, "
                   "got %.14g",
                   field->key, what, field->open ? "above" : "of at least",
                   field->min, field->max, number);
}

static bool check_form(const struct nd_field *field, const struct nd_raw *raw,
                       bool right, const char *wanted, struct nd_error *err)
{
    if (right)
        return true;
    return nd_fail(err, "WRONG_TYPE", "%s must be a %s, got %s", field->key,
                   wanted, raw->type_name);
}

bool nd_value_check(struct nd_value *value, const struct nd_field *field,
                    const struct nd_raw *raw, struct nd_error *err)
{
    value->set = true;
    value->boolean = raw->boolean;
    value->text = raw->text;
    value->length = raw->length;
    switch (field->type) {
    case ND_TYPE_ID:
        return check_id(value, field, raw, err);
    case ND_TYPE_SECONDS:
    case ND_TYPE_NUMBER:
    case ND_TYPE_COUNT:
        return check_range(value, field, raw, err);
    case ND_TYPE_BOOLEAN:
        return check_form(field, raw, raw->form == ND_RAW_BOOLEAN, "boolean",
                          err);
    case ND_TYPE_FUNCTION:
        return check_form(field, raw, raw->form == ND_RAW_FUNCTION, "function",
                          err);
    default:
        return check_string(field, raw, err);
    }
}

/* ----- the nearest key ----- */

#define ND_KEY_MAX 24
#define ND_NEAR 3 /* edits */

/* Letters and digits in lower case: account_id and accountID are one. */
static size_t fold_key(char *folded, const char *key)
{
    size_t length = 0;

    for (; *key && length < ND_KEY_MAX; key++) {
        if (nd_is_letter(*key) || nd_is_digit(*key))
            folded[length++] = nd_to_lower(*key);
    }
    return length;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance between the folded keys. */
static size_t key_distance(const char *left, const char *right)
{
    char a[ND_KEY_MAX];
    char b[ND_KEY_MAX];
    size_t row[ND_KEY_MAX + 1];
    size_t a_length = fold_key(a, left);
    size_t b_length = fold_key(b, right);
    size_t i;
    size_t j;

    for (j = 0; j <= b_length; j++)
        row[j] = j;
    for (i = 0; i < a_length; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (j = 0; j < b_length; j++) {
            size_t above = row[j + 1];
            size_t change = diagonal + (a[i] == b[j] ? 0 : 1);

            row[j + 1] = least(row[j] + 1, above + 1, change);
            diagonal = above;
        }
    }
    return row[b_length];
}

const char *nd_nearest_key(const char *written, const char *const *keys,
                           bool *is_near)
{
    const char *nearest = NULL;
    size_t best = (size_t)-1;

    for (; *keys; keys++) {
        size_t distance = key_distance(written, *keys);

        if (distance < best) {
            best = distance;
            nearest = *keys;
        }
    }
    *is_near = nearest && best <= ND_NEAR && best < strlen(nearest);
    return nearest;
}
