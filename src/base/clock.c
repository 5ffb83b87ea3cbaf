#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static uint64_t read_clock_ns(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t sw_clock_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

uint64_t sw_clock_wall_ns(void)
{
    return read_clock_ns(CLOCK_REALTIME);
}

uint64_t sw_clock_boot_ns(void)
{
    return read_clock_ns(CLOCK_BOOTTIME);
}

uint64_t sw_clock_thread_cpu_ns(void)
{
    return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t sw_clock_cpu_ns(void)
{
    return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void sw_clock_format_utc(char text[21], uint64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / 1000000000u);
    struct tm utc = {0};
    if (gmtime_r(&seconds, &utc) == NULL || strftime(text, 21, "%Y-%m-%dT%H:%M:%SZ", &utc) != 20)
        snprintf(text, 21, "1970-01-01T00:00:00Z");
}

void sw_clock_sleep_until(uint64_t deadline_ns)
{
    struct timespec t = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                         .tv_nsec = (long)(deadline_ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}
