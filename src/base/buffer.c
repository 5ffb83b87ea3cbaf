#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sw_buffer_reserve(struct sw_buffer *buffer, size_t size)
{
    if (size >= SIZE_MAX - buffer->size) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->size + size + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void sw_buffer_append(struct sw_buffer *buffer, const void *bytes, size_t size)
{
    if (!sw_buffer_reserve(buffer, size))
        return;
    if (size > 0)
        memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    buffer->data[buffer->size] = 0;
}

void sw_buffer_puts(struct sw_buffer *buffer, const char *text)
{
    sw_buffer_append(buffer, text, strlen(text));
}

void sw_buffer_printf(struct sw_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0 || !sw_buffer_reserve(buffer, (size_t)size)) {
        buffer->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, args);
    va_end(args);
    buffer->size += (size_t)size;
}

void sw_buffer_clear(struct sw_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->data != NULL)
        buffer->data[0] = 0;
}

char *sw_buffer_take(struct sw_buffer *buffer, size_t *size)
{
    sw_buffer_append(buffer, "", 0);
    if (buffer->failed) {
        sw_buffer_free(buffer);
        return NULL;
    }
    char *data = buffer->data;
    if (size != NULL)
        *size = buffer->size;
    *buffer = (struct sw_buffer){0};
    return data;
}

void sw_buffer_free(struct sw_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct sw_buffer){0};
}
