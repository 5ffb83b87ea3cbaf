/*
 * What the four kinds of step of tokenizer.json (normalizer, pre-tokenizer, post-processor,
 * decoder) have in common: an object with a "type", where "Sequence" holds further ones.
 */
#ifndef SW_TEXT_STEP_LIST_H
#define SW_TEXT_STEP_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { SW_STEP_WHERE_SIZE = 512, SW_MAX_STEPS = 32 };

/* Adds one step that is no Sequence; where is file and place ("FILE: decoder[1] (Strip)"). */
typedef enum sw_code (*sw_step_add)(void *ctx, const char *type, const json_t *value,
                                    const char *where, struct sw_error *err);

/* Calls add for every step of value in order. section is "decoder", members the key under which its
 * Sequence keeps the steps. value may be null or NULL: no step. */
enum sw_code sw_step_list_walk(const json_t *value, const char *name, const char *section,
                               const char *members, sw_step_add add, void *ctx,
                               struct sw_error *err);

/* The refusal of a kind that is not computed. */
enum sw_code sw_step_refuse(const char *where, const char *type, const char *supported,
                            struct sw_error *err);

/* A required string that may hold NUL and be empty; a view into value. */
enum sw_code sw_step_string(const char **out_view, size_t *size, const json_t *value,
                            const char *key, const char *where, struct sw_error *err);

/* A required true or false. */
enum sw_code sw_step_bool(bool *out, const json_t *value, const char *key, const char *where,
                          struct sw_error *err);

#endif
