/* Characters as ASCII has them: what <ctype.h> and <strings.h> say depends
 * on the program's locale, and no answer may be read by that. */
#ifndef ND_ASCII_H
#define ND_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline bool nd_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool nd_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool nd_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline char nd_to_lower(char c)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz";

    if (c >= 'A' && c <= 'Z')
        return lower[c - 'A'];
    return c;
}

/* 0 to 15, or -1. */
static inline int nd_hex_value(char c)
{
    if (nd_is_digit(c))
        return c - '0';
    c = nd_to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes are this word, in any case. */
static inline bool nd_is_word(const char *bytes, size_t length,
                              const char *word)
{
    size_t i;

    for (i = 0; i < length && word[i]; i++) {
        if (nd_to_lower(bytes[i]) != nd_to_lower(word[i]))
            return false;
    }
    return i == length && !word[i];
}

#endif
