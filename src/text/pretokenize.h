/*
 * The pre-tokenizer of tokenizer.json: cuts text into the words that the model sees. Digits,
 * ByteLevel, Split, Metaspace, and sequences of them.
 */
#ifndef SW_TEXT_PRETOKENIZE_H
#define SW_TEXT_PRETOKENIZE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "text/pattern.h"
#include "text/pieces.h"

struct sw_pretokenizer;

/* value may be null or NULL: *out is NULL then, and text stays in one piece. name is the file. */
enum sw_code sw_pretokenizer_parse(struct sw_pretokenizer **out, const json_t *value,
                                   const char *name, struct sw_error *err);
void sw_pretokenizer_destroy(struct sw_pretokenizer *pretokenizer);

/* The last step turns text into bytes: pieces then hold the bytes themselves. */
bool sw_pretokenizer_ends_in_bytes(const struct sw_pretokenizer *pretokenizer);

/* A step asks whether a piece is the first of the input, which a normalizer would blur. */
bool sw_pretokenizer_asks_for_start(const struct sw_pretokenizer *pretokenizer);

/* Replaces the pieces by those behind the last step. spans is working memory. */
enum sw_code sw_pretokenizer_apply(const struct sw_pretokenizer *pretokenizer,
                                   struct sw_pieces *pieces, struct sw_spans *spans,
                                   struct sw_error *err);

#endif
