/*
 * The decoder of tokenizer.json as a chain of steps that tokens flow through: each step takes
 * tokens (in parts, where they are long) and hands on what is certain. Decoding a whole text and
 * decoding id by id are the same code, so their results are equal.
 */
#ifndef SW_TEXT_DECODE_H
#define SW_TEXT_DECODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct sw_decoder; /* what the file says; read-only */

/* value may be null or NULL: tokens joined by spaces, as in the reference. name is the file. */
enum sw_code sw_decoder_parse(struct sw_decoder **out, const json_t *value, const char *name,
                              struct sw_error *err);
void sw_decoder_destroy(struct sw_decoder *decoder);

struct sw_decoding; /* one text under way */

enum sw_code sw_decoding_create(struct sw_decoding **out, const struct sw_decoder *decoder,
                                struct sw_error *err);
void sw_decoding_destroy(struct sw_decoding *decoding);
void sw_decoding_reset(struct sw_decoding *decoding);

/* Takes one token and appends to text what it makes certain. */
enum sw_code sw_decoding_push(struct sw_decoding *decoding, const char *token, size_t size,
                              struct sw_buffer *text, struct sw_error *err);

/* Appends what is left at the end of the text. */
enum sw_code sw_decoding_finish(struct sw_decoding *decoding, struct sw_buffer *text,
                                struct sw_error *err);

#endif
