/*
 * How far the figures of a run can be trusted, from its journal lines alone. VALID: quote them.
 * INFORMATIVE: they tell something, with the reasons beside. INVALID: they are not what they claim.
 * A verdict stands for each component's joules and for the row; the rules are docs/verdicts.md's.
 */
#ifndef SW_RECORD_VERDICT_H
#define SW_RECORD_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "record/conditions.h"

enum sw_verdict_level { SW_VALID, SW_INFORMATIVE, SW_INVALID, SW_N_VERDICTS };

const char *sw_verdict_name(enum sw_verdict_level level); /* "VALID", ... */

/* Of a name in any case; false for any other word. */
bool sw_verdict_parse(enum sw_verdict_level *out, const char *name);

struct sw_verdict;

/* run is the `run` line; the verdict keeps a reference to it. */
enum sw_code sw_verdict_create(struct sw_verdict **out, json_t *run, struct sw_error *err);
void sw_verdict_destroy(struct sw_verdict *verdict);

/* Adds a line whose joules count: a `sample` line, in a batch a `window` line. What it lacks or
 * has in another shape is taken as not recorded. */
enum sw_code sw_verdict_add(struct sw_verdict *verdict, const json_t *line, struct sw_error *err);

/* What the lines come to: conditions of the whole run. */
const struct sw_conditions_sum *sw_verdict_conditions(const struct sw_verdict *verdict);

/* {"row", "reasons", "components": {"cpu": {"verdict", "reasons"}, "gpu", "ram"},
 * "modelled_share"}; end is the `end` line as far as it is made. NULL if memory is out. */
json_t *sw_verdict_to_json(const struct sw_verdict *verdict, const json_t *end);

#endif
