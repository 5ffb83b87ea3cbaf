/*
 * Fields of protocol-buffer messages, appended to a buffer: as much of the wire format as an ONNX
 * graph needs. A message is the bytes of its fields; one inside another is built first and put
 * whole. Appends fail softly, as those of base/buffer.h do.
 */
#ifndef SW_BACKEND_ONNX_PROTOBUF_H
#define SW_BACKEND_ONNX_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Integers; a negative one takes ten bytes. */
void sw_protobuf_int(struct sw_buffer *message, unsigned field, int64_t value);
void sw_protobuf_float(struct sw_buffer *message, unsigned field, float value);
void sw_protobuf_bytes(struct sw_buffer *message, unsigned field, const void *bytes, size_t size);
void sw_protobuf_text(struct sw_buffer *message, unsigned field, const char *text);

/* Puts inner into message, and empties it for the next one. */
void sw_protobuf_message(struct sw_buffer *message, unsigned field, struct sw_buffer *inner);

#endif
