#include "cli/meter_options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum sw_code sw_meter_choice_open(struct sw_meter_set **out, const struct sw_meter_choice *choice,
                                  bool use_gpu, struct sw_error *err)
{
    static const char *const cpu_models[] = {"tdp_load", "codecarbon_v2", "none", "codecarbon_v3"};
    static const char *const ram_models[] = {"codecarbon_v2", "codecarbon_v3", "none", "per_gib"};
    struct sw_meter_options options = {
        .sysfs_root = choice->sysfs_root,
        .gpu = (unsigned)choice->gpu,
        .use_gpu = use_gpu,
        .tdp_w = choice->tdp_w,
        .models_only = choice->models_only,
        .host_threads = (unsigned)choice->host_threads,
        .power_feed = choice->power_feed,
    };
    size_t cpu = 0;
    size_t ram = 0;
    while (cpu < 4 && strcmp(choice->cpu_model, cpu_models[cpu]) != 0)
        cpu++;
    while (ram < 4 && strcmp(choice->ram_model, ram_models[ram]) != 0)
        ram++;
    if (cpu == 4)
        return sw_fail(err, SW_EUSAGE,
                       "--cpu_model: \"%s\" is not tdp_load, codecarbon_v2, codecarbon_v3 or none",
                       choice->cpu_model);
    if (ram == 4)
        return sw_fail(err, SW_EUSAGE,
                       "--ram_model: \"%s\" is not codecarbon_v2, codecarbon_v3, per_gib or none",
                       choice->ram_model);
    if (choice->sysfs_root[0] != 0 && !sw_file_is_folder(choice->sysfs_root))
        return sw_fail(err, SW_EUSAGE, "--sysfs_root: %s is not a folder", choice->sysfs_root);
    if (choice->power_feed[0] != 0 && access(choice->power_feed, R_OK) != 0)
        return sw_fail(err, SW_EUSAGE, "--power_feed: %s: %s", choice->power_feed, strerror(errno));
    options.cpu_model = (enum sw_cpu_model)cpu;
    options.ram_model = (enum sw_ram_model)ram;
    enum sw_code code = sw_meter_set_open(out, &options, err);
    if (code == SW_OK)
        sw_meter_set_measure_ticks(*out, SW_TICK_WATCH_NS);
    return code;
}
