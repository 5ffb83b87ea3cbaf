/* RAM where no counter is: watts from its size. */
#include "meter/model_meter.h"

/* Published figures per GiB lie that far apart. */
static const double ram_uncertainty_percent = 70;

static double constant_w(const struct sw_power_law *law, double utilisation)
{
    (void)utilisation;
    return law->constant_w;
}

/* In a job of SLURM CodeCarbon takes what was allocated to it in the place of MemTotal. */
static void add_job_model(struct sw_meter_set *set, const struct sw_job *job, bool arm, bool v3)
{
    double gb = job->codecarbon_gb;
    double watts = v3 ? sw_power_ram_v3_w(gb, arm) : sw_power_ram_v2_w(gb);
    const char *law = v3 ? "5 W (arm: 1.5 W) per module supposed from the size, less for further "
                           "ones, at least 10 W (arm: 3 W)"
                         : "P = 3/8 W per GB";
    sw_model_add(
        set,
        &(struct sw_meter_info){
            .name = v3 ? "model:ram_v3" : "model:ram_v2",
            .scope = "memory of the SLURM job",
            .component = SW_RAM,
            .uncertainty_percent = ram_uncertainty_percent,
            .formula = sw_set_text(set,
                                   "%s, of %g GB of SLURM job %s (%s; T is 1000, M 1/1000 there), "
                                   "whatever the traffic; CodeCarbon %s",
                                   law, gb, job->id, job->memory_from, v3 ? "3" : "2.8.2"),
        },
        &(struct sw_power_law){.watts = constant_w, .constant_w = watts, .share = 1}, NULL, 0,
        sw_set_text(set, "%.2f W for %g GB of SLURM job %s (%s) by CodeCarbon %s%s%s", watts, gb,
                    job->id, job->memory_from, v3 ? "3's count of modules" : "2.8.2's 3/8 W per GB",
                    job->note[0] != 0 ? "; left alone: " : "", job->note));
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
    const struct sw_job *job = &machine->job;
    if (job->memory_bytes > 0 && !per_gib) {
        add_job_model(set, job, machine->arm, v3);
        return;
    }
    double job_gib = (double)job->memory_bytes / 0x1p30;
    bool is_job = job_gib > 0 && (limit_gib <= 0 || job_gib < limit_gib);
    if (is_job)
        limit_gib = job_gib;
    bool is_share = per_gib && limit_gib > 0;
    double charged_gib = is_share ? limit_gib : gib;
    double watts = v3 ? sw_power_ram_v3_w(gib, machine->arm) : sw_power_ram_v2_w(charged_gib);
    const char *who = is_job ? sw_set_text(set, "SLURM job %s", job->id) : "the control group";
    const char *limit =
        is_share        ? sw_set_text(set, ", %s's share of %.1f GiB", who, gib)
        : limit_gib > 0 ? sw_set_text(set, "; the control group may use %.1f GiB of it", limit_gib)
                        : "";
    const char *formula =
        v3 ? "5 W (arm: 1.5 W) per module supposed from the size, less for further ones, at least "
             "10 W (arm: 3 W); CodeCarbon 3"
        : per_gib ? sw_set_text(
                        set,
                        "P = s 3/8 W per GiB of MemTotal, s = %.4g of it that %s may use, whatever "
                        "the traffic",
                        charged_gib / gib, who)
                  : "P = 3/8 W per GiB of MemTotal, whatever the traffic; CodeCarbon 2.8.2";
    sw_model_add(
        set,
        &(struct sw_meter_info){
            .name = name,
            .scope = !is_share ? "all memory of the machine"
                     : is_job  ? "SLURM job's share"
                               : "control group's share",
            .component = SW_RAM,
            .uncertainty_percent = ram_uncertainty_percent,
            .formula = formula,
        },
        &(struct sw_power_law){.watts = constant_w, .constant_w = watts, .share = 1}, NULL, 0,
        sw_set_text(set, "%.2f W for %.2f GiB by %s%s%s", watts, charged_gib,
                    v3        ? "CodeCarbon 3's count of modules"
                    : per_gib ? "3/8 W per GiB"
                              : "CodeCarbon 2.8.2's 3/8 W per GiB",
                    limit,
                    job->note[0] != 0 ? sw_set_text(set, "; left alone: %s", job->note) : ""));
}
