/* Bytes that grow, up to a maximum given where the buffer is used. */
#ifndef ND_BUFFER_H
#define ND_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct nd_buffer {
    char *data; /* NULL while empty; otherwise ends in a NUL that is not
                   counted */
    size_t length;
    size_t capacity;
    size_t max; /* bytes that length may reach */
};

void nd_buffer_init(struct nd_buffer *buffer, size_t max);
void nd_buffer_free(struct nd_buffer *buffer);

/* Makes room for so many bytes more; false where memory is out. */
bool nd_buffer_reserve(struct nd_buffer *buffer, size_t more);

/* The same as nd_buffer_add, where room may have to be made. */
bool nd_buffer_grow_and_add(struct nd_buffer *buffer, const char *bytes,
                            size_t length);

/* False when the maximum would be passed or memory is out; the buffer is
 * then as it was. */
static inline bool nd_buffer_add(struct nd_buffer *buffer, const char *bytes,
                                 size_t length)
{
    if (length >= buffer->capacity - buffer->length ||
        length > buffer->max - buffer->length)
        return nd_buffer_grow_and_add(buffer, bytes, length);
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return true;
}

static inline bool nd_buffer_add_text(struct nd_buffer *buffer,
                                      const char *text)
{
    return nd_buffer_add(buffer, text, strlen(text));
}

/* Adds text as the inside of a JSON string. */
bool nd_buffer_add_json(struct nd_buffer *buffer, const char *text,
                        size_t length);

#endif
