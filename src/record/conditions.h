/*
 * What the machine did over a whole run: the sum of the "conditions" of its lines
 * (docs/verdicts.md). Counters are added up; of states the worst stands: the slowest clock, the
 * highest temperature, battery if it ever was.
 */
#ifndef SW_RECORD_CONDITIONS_H
#define SW_RECORD_CONDITIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sw_conditions_field {
    SW_FIELD_ELAPSED_NS,
    SW_FIELD_OWN_CPU_NS,
    SW_FIELD_BUSY_CPU_NS,
    SW_FIELD_STOLEN_CPU_NS,
    SW_FIELD_ALL_CPU_NS,
    SW_FIELD_WAITING_NS,
    SW_FIELD_CORE_THROTTLES,
    SW_FIELD_PACKAGE_THROTTLES,
    SW_FIELD_N_LIMITED,
    SW_FIELD_LIMITED_NS,
    SW_FIELD_CLOCK_HZ,
    SW_FIELD_CLOCK_BASE_HZ,
    SW_FIELD_CLOCK_MOST_HZ,
    SW_FIELD_TEMPERATURE_C,
    SW_FIELD_ON_BATTERY,
    /* Of the GPU that works; lines of a run on the processors have none of these. */
    SW_FIELD_GPU_POWER_CAPPED_NS,
    SW_FIELD_GPU_THROTTLED_NS,
    SW_FIELD_GPU_CLOCK_HZ,
    SW_FIELD_GPU_MEMORY_CLOCK_HZ,
    SW_FIELD_GPU_POWER_LIMIT_MW,
    SW_FIELD_GPU_TEMPERATURE_C,
    SW_N_FIELDS
};

enum { SW_FIRST_GPU_FIELD = SW_FIELD_GPU_POWER_CAPPED_NS };

struct sw_conditions_sum {
    size_t n;           /* lines */
    bool has_gpu;       /* of one of them */
    size_t n_throttled; /* of them with throttling */
    double value[SW_N_FIELDS];
    bool is_missing[SW_N_FIELDS];  /* of one line at least */
    char reason[SW_N_FIELDS][160]; /* of the first such line */
};

/* Adds a line's object; NULL or another type is a line that recorded none. */
void sw_conditions_sum_add(struct sw_conditions_sum *sum, const json_t *conditions);

/* Whether every line had it, and there was one. */
bool sw_conditions_sum_has(const struct sw_conditions_sum *sum, enum sw_conditions_field field);

/* The shape of a line's object; null where no line had any. */
json_t *sw_conditions_sum_to_json(const struct sw_conditions_sum *sum);

#endif
