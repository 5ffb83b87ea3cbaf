/*
 * JSON text read with bounds and errors that name file, key and reason. The values are jansson's;
 * this header adds loading and typed look-ups.
 */
#ifndef SW_BASE_JSON_H
#define SW_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Most values (numbers, strings, arrays, ...) that one text may hold. An empty object takes about
 * 200 bytes of memory for its two bytes of text, so that a bound on the file alone is none. A
 * tokenizer of 256,000 entries with merges as pairs has about 2 million. */
enum { SW_JSON_MAX_VALUES = 4 << 20 };

/* Parses bytes as one JSON value; duplicate keys are refused, NUL in strings is kept. name stands
 * for the file in messages. *out is the caller's to json_decref. */
enum sw_code sw_json_parse(json_t **out, const char *bytes, size_t size, const char *name,
                           struct sw_error *err);

/* The same for one line of a file of JSON lines: messages count lines from first_line. */
enum sw_code sw_json_parse_line(json_t **out, const char *bytes, size_t size, const char *name,
                                size_t first_line, struct sw_error *err);

/* The same from a file of at most max_bytes. */
enum sw_code sw_json_load(json_t **out, const char *path, size_t max_bytes, struct sw_error *err);

/* Typed members of an object. where is the file (and place) for messages. Required forms fail when
 * the key is missing; the _or forms return a default for a missing or null key, but fail on a wrong
 * type or range. Returned strings are views into object. */
enum sw_code sw_json_u64(uint64_t *out, const json_t *object, const char *key, uint64_t min,
                         uint64_t max, const char *where, struct sw_error *err);
enum sw_code sw_json_u64_or(uint64_t *out, const json_t *object, const char *key, uint64_t fallback,
                            uint64_t min, uint64_t max, const char *where, struct sw_error *err);
enum sw_code sw_json_double_or(double *out, const json_t *object, const char *key, double fallback,
                               double min, double max, const char *where, struct sw_error *err);
enum sw_code sw_json_bool_or(bool *out, const json_t *object, const char *key, bool fallback,
                             const char *where, struct sw_error *err);
enum sw_code sw_json_string_or(const char **out_view, const json_t *object, const char *key,
                               const char *fallback, const char *where, struct sw_error *err);

#endif
