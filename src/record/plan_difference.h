/* What was not the same for two runs: plan, arithmetic, machine, program. */
#ifndef SW_RECORD_PLAN_DIFFERENCE_H
#define SW_RECORD_PLAN_DIFFERENCE_H

#include <jansson.h>
#include <stdbool.h>

/* [{"what", "a", "b"}] of two records; what makes their figures other things is added to notes.
 * NULL if memory is out. */
json_t *sw_plan_differences(const json_t *a, const json_t *b, json_t *notes, bool *same_machine);

#endif
