/*
 * Whose the CPU's joules were, by processor time: what is above the idle draw goes by the work's
 * part of the time that processors were busy; the idle draw itself by a rule that has to be told:
 *
 *     dedicated     (E - P T) own/busy + P T            the machine was there for this work alone
 *     by_cpu_time   (E - P T) own/busy + P T own/all    it was there for all that its processors
 * can do marginal      (E - P T) own/busy                  it would have been there anyway
 *
 * E the CPU's joules over T seconds, P the watts at rest; own, busy and all are processor time of
 * this work, of everybody, and of all processors, idle included.
 */
#ifndef SW_RECORD_ATTRIBUTION_H
#define SW_RECORD_ATTRIBUTION_H

#include <jansson.h>
#include <stdbool.h>

struct sw_attribution {
    bool has_above_idle, has_shares;
    double above_idle_j; /* of everybody */
    double own_of_busy, own_of_all;
    double dedicated_j, by_cpu_time_j, marginal_j;
    char reason[192]; /* why something is missing; "" */
};

/* conditions: those of the record, over the same time as cpu_j and seconds; may be NULL. */
void sw_attribution_compute(struct sw_attribution *out, const json_t *conditions, double cpu_j,
                            double seconds, double idle_w);

#endif
