/* Time. Durations and stamps are CLOCK_MONOTONIC nanoseconds; only a run's date is wall-clock. */
#ifndef SW_BASE_CLOCK_H
#define SW_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC, as CMD's own clock_gettime shows them. */
uint64_t sw_clock_ns(void);

/* Nanoseconds since 1970 of the wall clock, for the date in a record only. */
uint64_t sw_clock_wall_ns(void);

/* Nanoseconds since boot, those that the machine slept included; CLOCK_MONOTONIC leaves them out.
 */
uint64_t sw_clock_boot_ns(void);

/* Nanoseconds that the calling thread has spent on processors. */
uint64_t sw_clock_thread_cpu_ns(void);

/* Nanoseconds that all threads of this process have spent on processors. */
uint64_t sw_clock_cpu_ns(void);

/* Writes "2026-01-31T12:00:00Z" (20 characters and NUL) for wall-clock nanoseconds. */
void sw_clock_format_utc(char text[21], uint64_t wall_ns);

/* Sleeps until the monotonic stamp; goes on after signals. */
void sw_clock_sleep_until(uint64_t deadline_ns);

#endif
