/* A growable byte string. Zero-initialise it, append, read data_view and size, free it. */
#ifndef SW_BASE_BUFFER_H
#define SW_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct sw_buffer {
    char *data;  /* owned; NUL-terminated behind size once anything was appended, else NULL */
    size_t size; /* bytes, without the NUL */
    size_t capacity;
    bool failed; /* an append ran out of memory; the buffer keeps what it had */
};

/* Appends fail softly: they set failed, which the caller checks once at the end. */
void sw_buffer_append(struct sw_buffer *buffer, const void *bytes, size_t size);
void sw_buffer_puts(struct sw_buffer *buffer, const char *text);
void sw_buffer_printf(struct sw_buffer *buffer, const char *format, ...) SW_PRINTF(2, 3);

/* Room for size more bytes without another allocation; false if out of memory. */
bool sw_buffer_reserve(struct sw_buffer *buffer, size_t size);

/* Size back to 0, memory kept. */
void sw_buffer_clear(struct sw_buffer *buffer);

/* The bytes become the caller's to free(); the buffer is empty again. "" where nothing was
 * appended; NULL if an append failed. size may be NULL. */
char *sw_buffer_take(struct sw_buffer *buffer, size_t *size);

void sw_buffer_free(struct sw_buffer *buffer);

#endif
