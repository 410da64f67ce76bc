#include "spelling.h"

#include <string.h>

#include "ascii.h"

#define CUT (-1)     /* the text ends */
#define NO_SUCH (-2) /* it is no escape, but stands for itself */

/* The next byte, but for NULs. */
static int next_byte(struct nd_text *text)
{
    while (text->at < text->end && !*text->at)
        text->at++;
    return text->at < text->end ? (unsigned char)*text->at++ : CUT;
}

/* So many hexadecimal digits. */
static long read_hex(struct nd_text *text, int digits)
{
    long code = 0;

    while (digits-- > 0) {
        int byte = next_byte(text);
        int value = byte < 0 ? CUT : nd_hex_value((char)byte);

        if (value < 0)
            return byte < 0 ? CUT : NO_SUCH;
        code = code * 16 + value;
    }
    return code;
}

/* Behind a backslash.  What else may follow one is no printable character,
 * or no escape. */
static long read_backslashed(struct nd_text *text)
{
    int byte = next_byte(text);

    if (byte == 'u')
        return read_hex(text, 4);
    return byte < 0 || strchr("\"\\/'", byte) ? byte : NO_SUCH;
}

/* Behind "&#": decimal digits, or an x and hexadecimal ones, then ";". */
static long read_reference(struct nd_text *text)
{
    int byte = next_byte(text);
    int base = byte == 'x' || byte == 'X' ? 16 : 10;
    long code = 0;
    int digits;

    if (base == 16)
        byte = next_byte(text);
    for (digits = 0; byte >= 0 && digits < 7; digits++) {
        int value = nd_hex_value((char)byte);

        if (value < 0 || value >= base)
            break;
        code = code * base + value;
        byte = next_byte(text);
    }
    if (byte < 0)
        return CUT;
    return byte == ';' && digits > 0 ? code : NO_SUCH;
}

/* Names of HTML 5 for what is printable, as encoders write them. */
static const struct {
    const char *name;
    char c;
} entities[] = {
    {"amp;", '&'},    {"lt;", '<'},     {"gt;", '>'},     {"quot;", '"'},
    {"apos;", '\''},  {"excl;", '!'},   {"num;", '#'},    {"dollar;", '$'},
    {"percnt;", '%'}, {"lpar;", '('},   {"rpar;", ')'},   {"ast;", '*'},
    {"plus;", '+'},   {"comma;", ','},  {"period;", '.'}, {"sol;", '/'},
    {"colon;", ':'},  {"semi;", ';'},   {"equals;", '='}, {"quest;", '?'},
    {"commat;", '@'}, {"lbrack;", '['}, {"lsqb;", '['},   {"bsol;", '\\'},
    {"rbrack;", ']'}, {"rsqb;", ']'},   {"hat;", '^'},    {"lowbar;", '_'},
    {"grave;", '`'},  {"lbrace;", '{'}, {"lcub;", '{'},   {"vert;", '|'},
    {"verbar;", '|'}, {"rbrace;", '}'}, {"rcub;", '}'},
};

/* Behind "&". */
static long read_entity(struct nd_text *text)
{
    struct nd_text start = *text;
    size_t i;

    if (next_byte(text) == '#')
        return read_reference(text);
    for (i = 0; i < sizeof entities / sizeof *entities; i++) {
        const char *name = entities[i].name;
        int byte = 0;

        *text = start;
        while (*name && (byte = next_byte(text)) >= 0 &&
               nd_to_lower((char)byte) == *name)
            name++;
        if (byte < 0)
            return CUT;
        if (!*name)
            return entities[i].c;
    }
    return NO_SUCH;
}

static bool skip_backslashes(struct nd_text *text)
{
    struct nd_text next = *text;
    bool skipped = false;

    while (next_byte(&next) == '\\') {
        *text = next;
        skipped = true;
    }
    return skipped;
}

long nd_spelt_char(struct nd_text *text, unsigned int encodings)
{
    bool escaped = (encodings & ND_SPELT_NESTED) && skip_backslashes(text);
    struct nd_text next = *text;
    int byte = next_byte(&next);
    long code = byte;

    if (byte == '\\' && (encodings & ND_SPELT_JSON))
        code = read_backslashed(&next);
    else if (byte == 'u' && escaped)
        code = read_hex(&next, 4);
    else if (byte == '%' && (encodings & ND_SPELT_PERCENT))
        code = read_hex(&next, 2);
    else if (byte == '&' && (encodings & ND_SPELT_HTML))
        code = read_entity(&next);
    if (code == NO_SUCH)
        return next_byte(text);
    text->at = code == CUT ? text->end : next.at;
    return code;
}
