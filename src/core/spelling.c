#include "spelling.h"

#include <string.h>

#include "ascii.h"

#define CUT (-1)     /* the text ends */
#define NO_SUCH (-2) /* it is no escape, but stands for itself */

/* wide: NULs are nothing, as in ASCII that is written in UTF-16. */
static int next_byte(struct nd_text *text, bool wide)
{
    while (wide && text->at < text->end && !*text->at)
        text->at++;
    return text->at < text->end ? (unsigned char)*text->at++ : CUT;
}

/* So many hexadecimal digits. */
static long read_hex(struct nd_text *text, bool wide, int digits)
{
    long code = 0;

    while (digits-- > 0) {
        int byte = next_byte(text, wide);
        int value = byte < 0 ? CUT : nd_hex_value((char)byte);

        if (value < 0)
            return byte < 0 ? CUT : NO_SUCH;
        code = code * 16 + value;
    }
    return code;
}

/* Behind a backslash.  What else may follow one is no printable character,
 * or no escape. */
static long read_backslashed(struct nd_text *text, bool wide)
{
    int byte = next_byte(text, wide);

    if (byte == 'u')
        return read_hex(text, wide, 4);
    return byte < 0 || (byte && strchr("\"\\/'", byte)) ? byte : NO_SUCH;
}

/* Behind "&#": decimal digits, or an x and hexadecimal ones, then ";". */
static long read_reference(struct nd_text *text, bool wide)
{
    int byte = next_byte(text, wide);
    int base = byte == 'x' || byte == 'X' ? 16 : 10;
    long code = 0;
    int digits;

    if (base == 16)
        byte = next_byte(text, wide);
    for (digits = 0; byte >= 0 && digits < 7; digits++) {
        int value = nd_hex_value((char)byte);

        if (value < 0 || value >= base)
            break;
        code = code * base + value;
        byte = next_byte(text, wide);
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
static long read_entity(struct nd_text *text, bool wide)
{
    struct nd_text start = *text;
    size_t i;

    if (next_byte(text, wide) == '#')
        return read_reference(text, wide);
    for (i = 0; i < sizeof entities / sizeof *entities; i++) {
        const char *name = entities[i].name;
        int byte = 0;

        *text = start;
        while (*name && (byte = next_byte(text, wide)) >= 0 &&
               nd_to_lower((char)byte) == *name)
            name++;
        if (byte < 0)
            return CUT;
        if (!*name)
            return entities[i].c;
    }
    return NO_SUCH;
}

static bool skip_backslashes(struct nd_text *text, bool wide)
{
    struct nd_text next = *text;
    bool skipped = false;

    while (next_byte(&next, wide) == '\\') {
        *text = next;
        skipped = true;
    }
    return skipped;
}

long nd_spelt_char(struct nd_text *text, unsigned int encodings)
{
    bool wide = encodings & ND_SPELT_WIDE;
    bool escaped =
        (encodings & ND_SPELT_NESTED) && skip_backslashes(text, wide);
    struct nd_text next = *text;
    int byte = next_byte(&next, wide);
    long code = byte;

    if (byte == '\\' && (encodings & ND_SPELT_JSON))
        code = read_backslashed(&next, wide);
    else if (byte == 'u' && escaped)
        code = read_hex(&next, wide, 4);
    else if (byte == '%' && (encodings & ND_SPELT_PERCENT))
        code = read_hex(&next, wide, 2);
    else if (byte == '&' && (encodings & ND_SPELT_HTML))
        code = read_entity(&next, wide);
    if (code == NO_SUCH)
        return next_byte(text, wide);
    text->at = code == CUT ? text->end : next.at;
    return code;
}
