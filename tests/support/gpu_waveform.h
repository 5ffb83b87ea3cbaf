/* The power of a stand-in GPU: steps that the test names in the environment, seen by the library as
 * an energy counter or as a mean of power over the last while. Header only, for shared objects. */
#ifndef SW_TESTS_SUPPORT_GPU_WAVEFORM_H
#define SW_TESTS_SUPPORT_GPU_WAVEFORM_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t gpu_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Microjoules up to a moment of "FROM_NS:MILLIWATTS,FROM_NS:MILLIWATTS,...", stamps rising. */
static inline double gpu_energy_uj(const char *steps, uint64_t at_ns)
{
    double uj = 0;
    while (steps != NULL && *steps != 0) {
        char *end;
        uint64_t from_ns = strtoull(steps, &end, 10), to_ns = at_ns;
        double milliwatts = strtod(end + 1, &end);
        if (*end == ',')
            to_ns = strtoull(end + 1, NULL, 10);
        if (to_ns > at_ns)
            to_ns = at_ns;
        if (to_ns > from_ns)
            uj += milliwatts * (double)(to_ns - from_ns) * 1e-6;
        steps = *end == ',' ? end + 1 : NULL;
    }
    return uj;
}

/* Mean over window_ns, in milliwatts; 0: over a microsecond. */
static inline double gpu_power_mw(const char *steps, uint64_t at_ns, uint64_t window_ns)
{
    if (window_ns == 0)
        window_ns = 1000;
    return (gpu_energy_uj(steps, at_ns) - gpu_energy_uj(steps, at_ns - window_ns)) /
           (double)window_ns * 1e6;
}

#endif
