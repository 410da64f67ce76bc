/* Bytes that grow, up to a maximum given where the buffer is used. */
#ifndef ND_BUFFER_H
#define ND_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

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

/* False when the maximum would be passed or memory is out; the buffer is
 * then as it was. */
bool nd_buffer_add(struct nd_buffer *buffer, const char *bytes, size_t length);
bool nd_buffer_add_text(struct nd_buffer *buffer, const char *text);

/* Adds text as the inside of a JSON string. */
bool nd_buffer_add_json(struct nd_buffer *buffer, const char *text,
                        size_t length);

#endif
