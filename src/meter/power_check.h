/*
 * A counter of energy against the power that the same device tells: both come from one maker, but a
 * counter in another unit, at a stand or with leaps shows. What is looked at is always the last one
 * to two seconds.
 */
#ifndef SW_METER_POWER_CHECK_H
#define SW_METER_POWER_CHECK_H

#include "meter/power.h"

struct sw_power_check_mark {
    uint64_t ns, counter_uj;
    double power_uj;
    double most_watts; /* read since */
    double between_uj; /* that the power between readings may have been apart from their line */
};

struct sw_power_check {
    struct sw_power_integral integral;
    struct sw_power_check_mark marks[2]; /* older, newer */
    uint64_t window_ns;                  /* each reading is the mean over so long */
    uint64_t slack_ns;                   /* that counter and readings may be apart */
    bool running, has_marks;
    bool disagrees;
    char text[128]; /* both figures, if so */
};

/* window_ns as of a sw_power_source; slack_ns: sum of both updates, and of a window that is not
 * known. */
void sw_power_check_init(struct sw_power_check *check, uint64_t window_ns, uint64_t slack_ns);

/* Both at one moment, a second apart at most: otherwise it begins anew. */
void sw_power_check_add(struct sw_power_check *check, uint64_t at_ns, uint64_t counter_uj,
                        double watts);

#endif
