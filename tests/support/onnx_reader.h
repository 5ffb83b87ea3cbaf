/* Reads back what an ONNX graph's message holds, as far as tests ask: the fields in their order. */
#ifndef SW_TESTS_SUPPORT_ONNX_READER_H
#define SW_TESTS_SUPPORT_ONNX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One field of a message: a number, or bytes. */
struct onnx_field {
    unsigned number, type;
    uint64_t value;
    const unsigned char *bytes;
    size_t size;
};

struct onnx_message {
    const unsigned char *next, *end;
};

static inline bool onnx_read_varint(struct onnx_message *m, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 70 && m->next < m->end; shift += 7) {
        unsigned char byte = *m->next++;
        if (shift < 64)
            *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The next field; false at the end, or where the message is broken (then next is not end). */
static inline bool onnx_read_field(struct onnx_message *m, struct onnx_field *out)
{
    uint64_t tag, size;
    if (m->next == m->end || !onnx_read_varint(m, &tag))
        return false;
    *out = (struct onnx_field){.number = (unsigned)(tag >> 3), .type = (unsigned)(tag & 7)};
    if (out->type == 0)
        return onnx_read_varint(m, &out->value);
    if (out->type == 5)
        size = 4;
    else if (out->type != 2 || !onnx_read_varint(m, &size))
        return false;
    if (size > (size_t)(m->end - m->next))
        return false;
    out->bytes = m->next;
    out->size = (size_t)size;
    m->next += size;
    return true;
}

static inline struct onnx_message onnx_inside(const struct onnx_field *field)
{
    return (struct onnx_message){field->bytes, field->bytes + field->size};
}

static inline bool onnx_is_text(const struct onnx_field *field, const char *text)
{
    return field->type == 2 && field->size == strlen(text) &&
           memcmp(field->bytes, text, field->size) == 0;
}

/* The index-th field of this number; false where there are fewer. */
static inline bool onnx_find(struct onnx_message m, unsigned number, size_t index,
                             struct onnx_field *out)
{
    while (onnx_read_field(&m, out)) {
        if (out->number == number && index-- == 0)
            return true;
    }
    return false;
}

#endif
