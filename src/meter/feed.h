/*
 * An external meter's feed: a file or pipe to which some other program appends lines
 *
 *     time_ns,watts
 *
 * in nanoseconds of CLOCK_MONOTONIC or since 1970 (from 10^18 on). It is the user's word for what
 * the machine draws, so it comes first. Power between two lines is a trapezoid; behind the last
 * line it is held, for two of the lines' usual distances: a line is late by nature. What is held is
 * put right when the next line comes. Input is hostile: the first line that makes no sense ends the
 * meter, with its number.
 */
#ifndef SW_METER_FEED_H
#define SW_METER_FEED_H

#include "meter/power.h"

enum { SW_FEED_LINE_BYTES = 96 };

struct sw_feed {
    const char *path; /* for messages; outlives the feed */
    int fd;
    bool is_file, broken, skipping; /* skipping: to the end of a line that was cut */
    char line[SW_FEED_LINE_BYTES];
    size_t n_line;
    uint64_t n_lines, offset;
    uint64_t n_points, period_ns; /* usual distance of lines; 0: unknown */
    struct sw_power_integral integral;
    bool has_hole; /* since the reading before */
    uint64_t reported_uj;
    char problem[256]; /* one line of ASCII, where it is broken */
};

/* More bytes of the feed; a line may come in pieces. feed began as zeros with a path. */
void sw_feed_take(struct sw_feed *feed, const char *bytes, size_t n);

#endif
