/* The files behind a reader of conditions: conditions_open.c finds them, conditions.c reads them.
 */
#ifndef SW_METER_CONDITIONS_READER_H
#define SW_METER_CONDITIONS_READER_H

#include "meter/conditions.h"

enum { SW_WATCHED_TEXT_BYTES = 512 };

/* One small file that stays open. */
struct sw_watched {
    int fd;
    bool slow, good;
    uint64_t read_at_ns;
    char text[SW_WATCHED_TEXT_BYTES]; /* of the latest reading */
};

/* Several of one kind, in owned memory. */
struct sw_watched_list {
    struct sw_watched *items;
    size_t n, capacity;
    bool may_lag; /* states; a counter that is read late would be put to the wrong phase */
};

struct sw_conditions_reader {
    char *root; /* "" for the real machine */
    bool real;
    int64_t tick_ns; /* of /proc/stat */
    struct sw_watched_list stat, self, pressure, groups;
    struct sw_watched_list clocks, cores, packages, zones, batteries, mains;
    int64_t clock_base_hz, clock_most_hz; /* 0: unknown */
    struct sw_meter_set *gpu;             /* borrowed; NULL: no GPU works */
    char why[SW_N_CONDITIONS][160];       /* why it was not found when the reader was opened */
};

/* Reads the file again, unless it is slow and was read lately; false where the last reading failed.
 * now_ns spares a look at the clock per file. */
bool sw_watched_refresh(struct sw_watched *watched, uint64_t now_ns);

/* Reads it whatever it costs. */
void sw_watched_read(struct sw_watched *watched);

#endif
