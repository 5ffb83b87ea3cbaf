/* Options that choose meters; every command that measures takes the same. */
#ifndef SW_CLI_METER_OPTIONS_H
#define SW_CLI_METER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/options.h"
#include "meter/meter.h"

enum { SW_MAX_GPU = 255 };

struct sw_meter_choice {
    const char *sysfs_root, *cpu_model, *ram_model, *power_feed;
    uint64_t gpu, sample_ms, host_threads;
    double tdp_w;
    bool models_only;
};

#define SW_METER_CHOICE_DEFAULT                                                                    \
    {                                                                                              \
        .sysfs_root = "", .power_feed = "", .cpu_model = "tdp_load", .ram_model = "codecarbon_v2", \
        .sample_ms = 100                                                                           \
    }

/* Entries of an options table; c is a struct sw_meter_choice. */
#define SW_METER_OPTIONS(c)                                                                        \
    {.kind = SW_OPTION_TEXT,                                                                       \
     .name = "cpu_model",                                                                          \
     .value = &(c).cpu_model,                                                                      \
     .argument = "NAME",                                                                           \
     .help = "model where no CPU counter can be read: tdp_load (default: our own, concave in the " \
             "load), codecarbon_v2 (half of the TDP, as the study), codecarbon_v3 (cubic of the "  \
             "load), none"},                                                                       \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "ram_model",                                                                      \
         .value = &(c).ram_model,                                                                  \
         .argument = "NAME",                                                                       \
         .help =                                                                                   \
             "model where no RAM counter can be read: codecarbon_v2 (default: 3/8 W per GiB), "    \
             "codecarbon_v3 (per module), per_gib (3/8 W per GiB of a container's limit), none"},  \
        {.kind = SW_OPTION_REAL,                                                                   \
         .name = "tdp",                                                                            \
         .value = &(c).tdp_w,                                                                      \
         .argument = "W",                                                                          \
         .help = "thermal design power for the CPU model (default: from a table by the CPU's "     \
                 "name)",                                                                          \
         .min = 0.1,                                                                               \
         .max = 10000},                                                                            \
        {.kind = SW_OPTION_COUNT,                                                                  \
         .name = "host_threads",                                                                   \
         .value = &(c).host_threads,                                                               \
         .argument = "N",                                                                          \
         .help = "in a virtual machine: hardware threads that the TDP stands for, of the host's "  \
                 "socket; the guest is charged its CPUs of them (default: not known)",             \
         .max = 65536},                                                                            \
        {.kind = SW_OPTION_FLAG,                                                                   \
         .name = "models_only",                                                                    \
         .value = &(c).models_only,                                                                \
         .help = "leave counters alone and use the models, as the study's tracker did on its VM"}, \
        {.kind = SW_OPTION_COUNT,                                                                  \
         .name = "gpu",                                                                            \
         .value = &(c).gpu,                                                                        \
         .argument = "N",                                                                          \
         .help = "GPU that base_gpu computes on, and whose joules are counted when the work runs " \
                 "there (0)",                                                                      \
         .max = SW_MAX_GPU},                                                                       \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "power_feed",                                                                     \
         .value = &(c).power_feed,                                                                 \
         .argument = "FILE",                                                                       \
         .help =                                                                                   \
             "file or pipe of an external meter, lines time_ns,watts: counted as the machine's"},  \
    {                                                                                              \
        .kind = SW_OPTION_TEXT, .name = "sysfs_root", .value = &(c).sysfs_root, .argument = "DIR", \
        .help = "folder in front of every /sys, /proc and /dev path that a meter reads, to "       \
                "replay a recorded tree"                                                           \
    }

/* One more, for a command that samples while it works. */
#define SW_SAMPLING_OPTION(c)                                                                      \
    {                                                                                              \
        .kind = SW_OPTION_COUNT, .name = "sample_ms", .value = &(c).sample_ms, .argument = "N",    \
        .help = "milliseconds between two readings of the counters beside those at the edges "     \
                "(100; 0: none)",                                                                  \
        .max = 10000                                                                               \
    }

/* Checks the names and opens the meters. */
enum sw_code sw_meter_choice_open(struct sw_meter_set **out, const struct sw_meter_choice *choice,
                                  bool use_gpu, struct sw_error *err);

#endif
