/* The normalizer of tokenizer.json: Prepend, Replace, and sequences of them. */
#ifndef SW_TEXT_NORMALIZE_H
#define SW_TEXT_NORMALIZE_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "text/pattern.h"

struct sw_normalizer;

/* value may be null or absent (NULL): *out is NULL then, which changes nothing. name is the file
 * for messages. */
enum sw_code sw_normalizer_parse(struct sw_normalizer **out, const json_t *value, const char *name,
                                 struct sw_error *err);
void sw_normalizer_destroy(struct sw_normalizer *normalizer);

/* Appends the normalized text (valid UTF-8) to out. spans is working memory. */
enum sw_code sw_normalizer_apply(const struct sw_normalizer *normalizer, const char *text,
                                 size_t size, struct sw_buffer *out, struct sw_spans *spans,
                                 struct sw_error *err);

#endif
