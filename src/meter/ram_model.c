/* RAM where no counter is: watts from its size. */
#include "meter/model_meter.h"

/* Published figures per GiB lie that far apart. */
static const double ram_uncertainty_percent = 70;

static double constant_w(const struct sw_power_law *law, double utilisation)
{
    (void)utilisation;
    return law->constant_w;
}

void sw_ram_model_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                       const struct sw_machine *machine)
{
    if (sw_set_has_counted(set, SW_RAM))
        return;
    bool v3 = options->ram_model == SW_RAM_MODEL_CODECARBON_V3;
    bool per_gib = options->ram_model == SW_RAM_MODEL_PER_GIB;
    const char *name = v3 ? "model:ram_v3" : per_gib ? "model:ram_per_gib" : "model:ram_v2";
    if (options->ram_model == SW_RAM_MODEL_NONE) {
        sw_model_refuse(set, SW_RAM, "model:none", "no RAM model is wanted");
        return;
    }
    if (machine->memory_bytes == 0) {
        sw_model_refuse(set, SW_RAM, name,
                        sw_set_text(set, "%s holds no MemTotal, so no size is known",
                                    sw_set_path(set, "/proc/meminfo")));
        return;
    }
    double gib = (double)machine->memory_bytes / 0x1p30;
    double limit_gib = (double)machine->memory_limit_bytes / 0x1p30;
    bool is_share = per_gib && limit_gib > 0;
    double charged_gib = is_share ? limit_gib : gib;
    double watts = v3 ? sw_power_ram_v3_w(gib, machine->arm) : sw_power_ram_v2_w(charged_gib);
    const char *limit =
        is_share        ? sw_set_text(set, ", the control group's share of %.1f GiB", gib)
        : limit_gib > 0 ? sw_set_text(set, "; the control group may use %.1f GiB of it", limit_gib)
                        : "";
    const char *formula =
        v3 ? "5 W (arm: 1.5 W) per module supposed from the size, less for further ones, at least "
             "10 W (arm: 3 W); CodeCarbon 3"
        : per_gib
            ? sw_set_text(set,
                          "P = s 3/8 W per GiB of MemTotal, s = %.4g of it that the control group "
                          "may use, whatever the traffic",
                          charged_gib / gib)
            : "P = 3/8 W per GiB of MemTotal, whatever the traffic; CodeCarbon 2.8.2";
    sw_model_add(set,
                 &(struct sw_meter_info){
                     .name = name,
                     .scope = is_share ? "control group's share" : "all memory of the machine",
                     .component = SW_RAM,
                     .uncertainty_percent = ram_uncertainty_percent,
                     .formula = formula,
                 },
                 &(struct sw_power_law){.watts = constant_w, .constant_w = watts, .share = 1}, NULL,
                 0,
                 sw_set_text(set, "%.2f W for %.2f GiB by %s%s", watts, charged_gib,
                             v3        ? "CodeCarbon 3's count of modules"
                             : per_gib ? "3/8 W per GiB"
                                       : "CodeCarbon 2.8.2's 3/8 W per GiB",
                             limit));
}
