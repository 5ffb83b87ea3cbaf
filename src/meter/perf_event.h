/*
 * Counters of the kernel's perf events, one a file descriptor. Below a root nothing of the real
 * machine is opened: there the event's count is the number in the file
 *
 *     <root>/sys/bus/event_source/devices/<PMU>/events/<EVENT>.cpu<N>
 *
 * which a recorded or made-up tree may hold beside the kernel's own files.
 */
#ifndef SW_METER_PERF_EVENT_H
#define SW_METER_PERF_EVENT_H

#include "meter/counter_file.h"
#include "meter/set.h"

struct sw_perf_event {
    uint32_t type;   /* of the PMU */
    uint64_t config; /* of the event */
    unsigned cpu;    /* counts for all processes there, or for its whole package */
};

struct sw_perf_counter {
    int fd;                      /* -1: not open, or below a root */
    struct sw_counter_file file; /* below a root */
};

/* events is the PMU's folder of events, name the event's. False with errno: EACCES or EPERM where
 * a right is missing. */
bool sw_perf_counter_open(struct sw_perf_counter *out, const struct sw_meter_set *set,
                          const struct sw_perf_event *event, const char *events, const char *name);
bool sw_perf_counter_read(struct sw_perf_counter *counter, uint64_t *count);
void sw_perf_counter_close(struct sw_perf_counter *counter);

/* Text of kernel.perf_event_paranoid as a number; false: unknown. */
bool sw_perf_paranoid(const struct sw_meter_set *set, int64_t *level);

#endif
