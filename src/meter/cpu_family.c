/*
 * Shapes published by the Boavizta working group as P(x) = a ln(b (x + c)) + d, x the load in per
 * cent (boaviztapi, data/consumption_profile/cpu/cpu_profile.csv, commit 37c6063; averages of
 * measured machines of each range). The same curve, divided by its value at full load, is
 *
 *     i + (1 - i) ln(1 + u / k) / ln(1 + 1 / k),    i = P(0) / P(100), k = c / 100, u = x / 100
 *
 * so the table holds i and k. Its level in watts is not used: it belongs to machines of unknown
 * TDP. Checked against other people's RAPL runs (power_model.c): with the level of the machine
 * itself the Xeon E5 shape is 8 % off on 2 x E5-2620 v3, the Xeon E3 shape 11 % on an E3-1240 v2.
 *
 * "any" is fitted on those RAPL runs: four machines of equal weight, least squares of the
 * logarithm, every machine with a level of its own.
 */
#include "meter/cpu_family.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define BOAVIZTA "Boavizta's consumption profiles"

static const struct sw_cpu_family families[] = {
    {"Xeon Platinum", "Xeon Platinum", 0.1368, 0.3690, BOAVIZTA},
    {"Xeon Gold", "Xeon Gold", 0.2571, 0.0967, BOAVIZTA},
    {"Xeon Silver", "Xeon Silver", 0.2778, 0.0842, BOAVIZTA},
    {"Xeon E5", "Xeon E5-", 0.2476, 0.1573, BOAVIZTA},
    {"Xeon E3", "Xeon E3-", 0.1319, 0.3690, BOAVIZTA},
    {"Xeon E", "Xeon E-", 0.0158, 0.2041, BOAVIZTA},
    {"any", "", 0.20, 0.050, "CodeCarbon's calibration runs on four machines"},
};

/* The name in plain words: no maker, no marks, one space between words. */
static void simplify(char *out, size_t size, const char *name)
{
    static const char *const dropped[] = {"(R)", "(TM)", "Intel", "AMD", "CPU"};
    size_t n = 0;
    while (*name != 0 && n + 1 < size) {
        size_t skip = 0;
        for (size_t i = 0; i < sizeof dropped / sizeof dropped[0] && skip == 0; i++)
            if (strncasecmp(name, dropped[i], strlen(dropped[i])) == 0)
                skip = strlen(dropped[i]);
        if (skip > 0)
            name += skip;
        else if (*name == ' ' && (n == 0 || out[n - 1] == ' '))
            name++;
        else
            out[n++] = *name++;
    }
    out[n] = 0;
}

const struct sw_cpu_family *sw_cpu_family_find(const char *cpu_name)
{
    char name[128];
    simplify(name, sizeof name, cpu_name);
    const struct sw_cpu_family *family = families;
    while (strncasecmp(name, family->prefix, strlen(family->prefix)) != 0)
        family++;
    return family;
}
