/*
 * What a step of tokenizer.json looks for: {"String": "..."} or {"Regex": "..."}. A regular
 * expression runs in PCRE2 under limits, so that a hostile one becomes an error and not a hang.
 */
#ifndef SW_TEXT_PATTERN_H
#define SW_TEXT_PATTERN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct sw_pattern;

/* where is file and place for messages. */
enum sw_code sw_pattern_parse(struct sw_pattern **out, const json_t *value, const char *where,
                              struct sw_error *err);
void sw_pattern_destroy(struct sw_pattern *pattern);

struct sw_span {
    size_t start, end;
    bool is_match;
};

/* Where the matches are, and working memory of the engine that found them. Zero-initialise; one per
 * thread. */
struct sw_spans {
    struct sw_span *items; /* (n), owned */
    size_t n, capacity;
    bool failed;
    struct sw_matcher *matcher; /* owned */
};

void sw_spans_free(struct sw_spans *spans);
void sw_spans_add(struct sw_spans *spans, size_t start, size_t end, bool is_match);

/* Cuts valid UTF-8 into spans that cover it: matches, and what lies between them. Empty matches are
 * found where the reference finds them. Earlier contents of spans are dropped. */
enum sw_code sw_pattern_find(const struct sw_pattern *pattern, const char *text, size_t size,
                             struct sw_spans *spans, struct sw_error *err);

#endif
