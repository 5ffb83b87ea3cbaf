/*
 * Two runs compared: what differs between their plans and machines, and for each figure the
 * relative difference of B against A from pairs, its interval and what may be said about it.
 * docs/comparing.md has the rules.
 */
#ifndef SW_RECORD_COMPARISON_H
#define SW_RECORD_COMPARISON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "record/measured_run.h"

struct sw_comparison_options {
    double level;               /* of the intervals */
    double within;              /* relative difference that counts as none */
    double threshold;           /* relative: more is a regression; NaN: what is `worse` is one */
    const char *const *figures; /* (n_figures) that a regression is looked for in, by name */
    size_t n_figures;           /* 0: seconds and joules per token */
};

/* Fails by name where a figure is none. */
enum sw_code sw_comparison_check(const struct sw_comparison_options *options, struct sw_error *err);

/* {"schema_version", "type": "comparison", "within", "level", "threshold", "a", "b", "pairs",
 * "differences", "notes", "figures": [...], "regression"}; the caller's to json_decref. */
enum sw_code sw_comparison_create(json_t **out, const struct sw_measured_run *a,
                                  const struct sw_measured_run *b,
                                  const struct sw_comparison_options *options,
                                  struct sw_error *err);

#endif
