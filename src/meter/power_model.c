/*
 * How the level of tdp_load was found, and its error. Points: RAPL energy over time, divided by TDP
 * times sockets, of four machines in CodeCarbon's calibration files
 * (data/hardware/cpu_load_profiling at b05965e43b69): EPYC 8024P 90 W, Threadripper 1950X 180 W
 * (its RAPL agrees with the plug meter beside it), Xeon E3-1240 v2 69 W, 2 x Xeon E5-2620 v3 170 W;
 * the folder E5-1240, whose RAPL looks doubled, left out. Used are the 42 runs that keep whole
 * threads busy, as inference does ("some cores"; u = busy threads / all threads). With the shape of
 * its family (cpu_family.c) each machine has a level of its own, its power at full load over its
 * TDP: 0.68, 1.01, 0.80, 0.47. Their geometric mean, 0.715, is taken as 0.70.
 *
 * Mean absolute error on a machine with the level of the three others, in per cent (and its mean
 * sign):
 *
 *     EPYC 8024P   Threadripper 1950X   E3-1240 v2   2 x E5-2620 v3   mean
 *      19 (+9)         36 (-36)          16 (-14)       75 (+75)       37
 *
 * Nearly all of it is the level, not the shape. On the same runs CodeCarbon's cubic is off by 52 %
 * and half the TDP by 57 %. On the other half of the files (every thread busy for a part of each 10
 * ms to 100 ms, clocks low) the error is 20, 25, 65 and 63 %: part-time load is not what the model
 * is for.
 */
#include "meter/power_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double full_load_share = 0.70;

double sw_cpu_curve_w(const struct sw_cpu_curve *curve, double utilisation)
{
    double u = utilisation < 0 ? 0 : utilisation > 1 ? 1 : utilisation;
    double rise = log1p(u / curve->knee) / log1p(1 / curve->knee);
    return curve->full_w * (curve->idle_share + (1 - curve->idle_share) * rise);
}

struct sw_cpu_curve sw_cpu_curve_of_tdp(double tdp_w, const struct sw_cpu_family *family)
{
    return (struct sw_cpu_curve){full_load_share * tdp_w, family->idle_share, family->knee};
}

double sw_power_codecarbon_v2_cpu_w(double tdp_w)
{
    return 0.5 * tdp_w;
}

double sw_power_codecarbon_v3_cpu_w(double tdp_w, double utilisation)
{
    return tdp_w * (0.1 + 0.9 * pow(utilisation, 3));
}

double sw_power_ram_v2_w(double gib)
{
    return 0.375 * gib;
}

static double dimm_count(double gib)
{
    if (gib <= 2)
        return 1;
    if (gib <= 16)
        return 2;
    if (gib <= 64)
        return 4;
    if (gib <= 128)
        return 8;
    /* The largest module of which at least eight fit. */
    double size = 128;
    while (size > 4 && size > gib / 8)
        size /= 2;
    return fmin(32, ceil(gib / size));
}

double sw_power_ram_v3_w(double gib, bool arm)
{
    double n = dimm_count(gib);
    /* Each further module counts for less: 1, 0.9 from the fifth, 0.8 from the ninth, 0.7 from the
     * seventeenth. */
    double modules = fmin(n, 4) + 0.9 * fmin(fmax(n - 4, 0), 4) + 0.8 * fmin(fmax(n - 8, 0), 8) +
                     0.7 * fmax(n - 16, 0);
    return fmax((arm ? 1.5 : 5.0) * modules, arm ? 3.0 : 10.0);
}

bool sw_power_parse_times(struct sw_cpu_times *out, const char *line)
{
    if (strncmp(line, "cpu ", 4) != 0)
        return false;
    /* user nice system idle iowait irq softirq steal; guest time is inside user's. Older kernels
     * end earlier; the first four are always there. */
    enum { IDLE = 3, IOWAIT = 4, STEAL = 7, N_FIELDS = 8 };
    uint64_t field[N_FIELDS] = {0};
    const char *at = line + 4;
    int n = 0;
    for (; n < N_FIELDS; n++) {
        at += strspn(at, " ");
        if (*at < '0' || *at > '9')
            break;
        char *end;
        field[n] = strtoull(at, &end, 10);
        at = end;
    }
    if (n <= IDLE)
        return false;
    uint64_t sum = 0;
    for (int i = 0; i < N_FIELDS; i++)
        if (__builtin_add_overflow(sum, field[i], &sum))
            return false;
    out->all = sum;
    out->stolen = field[STEAL];
    out->busy = sum - field[IDLE] - field[IOWAIT] - field[STEAL];
    return true;
}

bool sw_power_parse_stat(uint64_t *busy, uint64_t *all, const char *line)
{
    struct sw_cpu_times times;
    if (!sw_power_parse_times(&times, line))
        return false;
    *busy = times.busy;
    *all = times.all;
    return true;
}
