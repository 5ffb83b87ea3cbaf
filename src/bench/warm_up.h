/* Answers beforehand that do not count: until the machine does the same work in the same time. */
#ifndef SW_BENCH_WARM_UP_H
#define SW_BENCH_WARM_UP_H

#include "bench/study.h"

/* Answers the study's first question again and again, alone, until the last five took the same time
 * (bench/profile.h), at most `most` times. *out becomes what was done: {"n", "most", "agreed",
 * "spread", "limit", "seconds": [...]}. SW_EINTERRUPTED where is_interrupted said so. */
enum sw_code sw_warm_up_run(const struct sw_study *study, size_t most, json_t **out,
                            struct sw_error *err);

#endif
