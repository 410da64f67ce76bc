#include "spelling.h"

#include <string.h>

#include "ascii.h"

#define CUT (-1)     /* the text ends */
#define NO_SUCH (-2) /* it is no escape */

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

/* Behind the backslashes. */
static long read_backslashed(struct nd_text *text)
{
    int byte = next_byte(text);

    while (byte == '\\')
        byte = next_byte(text);
    if (byte < 0)
        return CUT;
    return byte == 'u' ? read_hex(text, 4) : NO_SUCH;
}

/* Behind "&#": decimal digits, or an x and hexadecimal ones, then ";". */
static long read_reference(struct nd_text *text)
{
    struct nd_text next = *text;
    int base = 10;
    long code = 0;
    int byte = next_byte(&next);
    int digits = 0;

    if (byte == 'x' || byte == 'X') {
        base = 16;
        byte = next_byte(&next);
    }
    while (byte >= 0 && digits < 7) {
        int value = nd_hex_value((char)byte);

        if (value < 0 || value >= base)
            break;
        code = code * base + value;
        digits++;
        *text = next;
        byte = next_byte(&next);
    }
    if (byte < 0)
        return CUT;
    if (byte == ';')
        *text = next;
    return digits ? code : NO_SUCH;
}

/* Behind "&". */
static long read_entity(struct nd_text *text)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = {{"amp;", '&'},
                    {"lt;", '<'},
                    {"gt;", '>'},
                    {"quot;", '"'},
                    {"apos;", '\''}};
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

long nd_spelt_char(struct nd_text *text)
{
    struct nd_text escape = *text;
    int byte = next_byte(&escape);
    long code = byte == '\\'  ? read_backslashed(&escape)
                : byte == '%' ? read_hex(&escape, 2)
                : byte == '&' ? read_entity(&escape)
                              : byte;

    if (code != NO_SUCH) {
        text->at = code == CUT ? text->end : escape.at;
        return code;
    }
    while ((byte = next_byte(text)) == '\\')
        ;
    return byte;
}
