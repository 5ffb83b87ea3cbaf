/*
 * The post-processor of tokenizer.json: the ids put before and behind the text's own.
 * TemplateProcessing, ByteLevel (which changes offsets only), and sequences of them.
 */
#ifndef SW_TEXT_TEMPLATE_H
#define SW_TEXT_TEMPLATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Stands for the ids of the text among the items. */
enum { SW_TEMPLATE_TEXT = -1 };

struct sw_template {
    int32_t *items; /* (n), owned: ids, and SW_TEMPLATE_TEXT */
    size_t n;
};

/* value may be null or NULL: the text alone. name is the file. */
enum sw_code sw_template_parse(struct sw_template *out, const json_t *value, const char *name,
                               struct sw_error *err);
void sw_template_free(struct sw_template *template);

#endif
