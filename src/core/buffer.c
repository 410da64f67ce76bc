#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ND_BUFFER_FIRST 256

void nd_buffer_init(struct nd_buffer *buffer, size_t max)
{
    buffer->data = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
    buffer->max = max;
}

void nd_buffer_free(struct nd_buffer *buffer)
{
    free(buffer->data);
    nd_buffer_init(buffer, buffer->max);
}

/* And for a NUL: doubling, so that adding is cheap. */
bool nd_buffer_reserve(struct nd_buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity ? buffer->capacity : ND_BUFFER_FIRST;
    char *data;

    if (buffer->data && more < buffer->capacity - buffer->length)
        return true;
    while (capacity - buffer->length <= more) {
        if (capacity > (size_t)-1 / 2)
            return false;
        capacity *= 2;
    }
    data = realloc(buffer->data, capacity);
    if (!data)
        return false;
    buffer->data = data;
    buffer->data[buffer->length] = '\0';
    buffer->capacity = capacity;
    return true;
}

bool nd_buffer_grow_and_add(struct nd_buffer *buffer, const char *bytes,
                            size_t length)
{
    return length <= buffer->max - buffer->length &&
           nd_buffer_reserve(buffer, length) &&
           nd_buffer_add(buffer, bytes, length);
}

/* What stands for itself in a JSON string. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
}

static bool add_escape(struct nd_buffer *buffer, unsigned char c)
{
    char escape[8] = {'\\', (char)c, '\0'};

    if (c != '"' && c != '\\')
        (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
    return nd_buffer_add_text(buffer, escape);
}

bool nd_buffer_add_json(struct nd_buffer *buffer, const char *text,
                        size_t length)
{
    size_t i = 0;

    while (i < length) {
        size_t first = i;

        while (i < length && is_plain((unsigned char)text[i]))
            i++;
        if (!nd_buffer_add(buffer, text + first, i - first))
            return false;
        if (i < length && !add_escape(buffer, (unsigned char)text[i++]))
            return false;
    }
    return true;
}
