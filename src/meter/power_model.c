/*
 * How the parameters of tdp_load were found. Points: RAPL energy over time, divided by TDP times
 * sockets, of four machines in CodeCarbon's calibration files (data/hardware/cpu_load_profiling at
 * b05965e43b69): EPYC 8024P 90 W, Threadripper 1950X 180 W (its RAPL agrees with the plug meter
 * beside it), Xeon E3-1240 v2 69 W, 2 x Xeon E5-2620 v3 170 W; the folder E5-1240, whose RAPL looks
 * doubled, left out. Fitted are the 42 runs that keep whole threads busy, as inference does ("some
 * cores"; u = busy threads / all threads): least squares of the logarithm, each machine with equal
 * weight. All three parameters are free, as these machines end at 0.5 to 0.9 of their TDP.
 *
 * Mean absolute error on the machine left out of the fit, in per cent (and its mean sign):
 *
 *     EPYC 8024P   Threadripper 1950X   E3-1240 v2   2 x E5-2620 v3   mean
 *      23 (+2)         41 (-41)           19 (+7)       69 (+69)       38
 *
 * On the same runs CodeCarbon's cubic is off by 52 % and half the TDP by 57 %. On the other half of
 * the files (every thread busy for a part of each 10 ms to 100 ms, clocks low) the left-out error
 * is 19, 35, 100 and 57 %: part-time load is not what the model is for.
 */
#include "meter/power_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double idle_share = 0.14, load_share = 0.56, load_exponent = 0.45;

double sw_power_tdp_load_w(double tdp_w, double utilisation)
{
    double u = utilisation < 0 ? 0 : utilisation > 1 ? 1 : utilisation;
    return tdp_w * (idle_share + load_share * pow(u, load_exponent));
}

double sw_power_codecarbon_v2_cpu_w(double tdp_w)
{
    return 0.5 * tdp_w;
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
