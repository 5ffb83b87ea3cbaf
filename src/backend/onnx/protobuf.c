#include "backend/onnx/protobuf.h"

#include <string.h>

enum wire_type { VARINT = 0, LENGTH_DELIMITED = 2, FOUR_BYTES = 5 };

/* Seven bits a byte, the lowest first; the high bit says that more follow. */
static void put_varint(struct sw_buffer *message, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    for (; value > 0x7f; value >>= 7)
        bytes[n++] = (unsigned char)(value | 0x80);
    bytes[n++] = (unsigned char)value;
    sw_buffer_append(message, bytes, n);
}

static void put_tag(struct sw_buffer *message, unsigned field, enum wire_type type)
{
    put_varint(message, (uint64_t)field << 3 | type);
}

void sw_protobuf_int(struct sw_buffer *message, unsigned field, int64_t value)
{
    put_tag(message, field, VARINT);
    put_varint(message, (uint64_t)value);
}

void sw_protobuf_float(struct sw_buffer *message, unsigned field, float value)
{
    uint32_t bits;
    unsigned char bytes[4];
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(bits >> 8 * i);
    put_tag(message, field, FOUR_BYTES);
    sw_buffer_append(message, bytes, sizeof bytes);
}

void sw_protobuf_bytes(struct sw_buffer *message, unsigned field, const void *bytes, size_t size)
{
    put_tag(message, field, LENGTH_DELIMITED);
    put_varint(message, size);
    sw_buffer_append(message, bytes, size);
}

void sw_protobuf_text(struct sw_buffer *message, unsigned field, const char *text)
{
    sw_protobuf_bytes(message, field, text, strlen(text));
}

void sw_protobuf_message(struct sw_buffer *message, unsigned field, struct sw_buffer *inner)
{
    message->failed |= inner->failed;
    sw_protobuf_bytes(message, field, inner->data, inner->size);
    sw_buffer_clear(inner);
}
