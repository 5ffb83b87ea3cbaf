/*
 * Meters that compute: CPU from utilisation or from a constant, RAM from its size. A model's
 * counter starts at 0 when the set is opened and grows with each read.
 *
 * tdp_load is concave in utilisation, so the power of a mean load is more than the mean of the
 * powers, and the length of the interval matters: energy is integrated read by read, with the busy
 * share of all logical CPUs between two reads. /proc/stat counts in ticks of 10 ms. Until an
 * interval holds two ticks per CPU it is charged with the last share known, and corrected when it
 * does; the counter never goes back.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/machine.h"
#include "meter/power_model.h"
#include "meter/set.h"
#include "meter/tdp.h"

/* For a CPU that no table knows, per logical CPU: CodeCarbon's figure. Known machines have between
 * 1.5 W (EPYC) and 9 W (desktop). */
static const double unknown_w_per_cpu = 4;
/* CodeCarbon 2.8.2 takes this for any CPU that it does not know. */
static const double codecarbon_unknown_tdp_w = 85;

/* Mean error on a machine left out of the fit, power_model.c. */
static const double tdp_load_uncertainty_percent = 40;
/* The same with a guessed TDP: 4 W per CPU is 29 to 54 % below the TDP of those four machines. */
static const double guessed_uncertainty_percent = 100;
/* Half of TDP against RAPL over all 86 points of the same files. */
static const double codecarbon_v2_uncertainty_percent = 70;
/* Published figures per GiB lie that far apart. */
static const double ram_uncertainty_percent = 70;

struct model {
    double watts;   /* constant models: power; tdp_load: TDP */
    uint64_t at_ns; /* energy_uj belongs to this moment */
    double energy_uj;
    uint64_t reported_uj; /* last counter given out */
    int stat_fd;          /* tdp_load: /proc/stat; -1: a constant model */
    uint64_t busy, all;   /* its ticks at at_ns */
    double utilisation;   /* last known */
    uint64_t min_ticks;
};

static double model_uj(double watts, uint64_t ns)
{
    return watts * (double)ns / 1e3;
}

static bool report(struct model *model, double energy_uj, uint64_t *uj)
{
    uint64_t now_uj = energy_uj < 0x1p63 ? (uint64_t)llround(energy_uj) : model->reported_uj;
    if (now_uj > model->reported_uj)
        model->reported_uj = now_uj;
    *uj = model->reported_uj;
    return true;
}

static bool constant_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct model *model = meter->state;
    *at_ns = sw_clock_ns();
    return report(model, model_uj(model->watts, *at_ns - model->at_ns), uj);
}

static bool read_ticks(int fd, uint64_t *busy, uint64_t *all)
{
    char line[256];
    ssize_t n = pread(fd, line, sizeof line - 1, 0);
    if (n <= 0)
        return false;
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    return sw_power_parse_stat(busy, all, line);
}

static bool load_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct model *model = meter->state;
    uint64_t busy, all;
    bool ok = read_ticks(model->stat_fd, &busy, &all);
    *at_ns = sw_clock_ns();
    if (!ok)
        return false;
    uint64_t elapsed_ns = *at_ns - model->at_ns;
    if (all < model->all || busy < model->busy || all - model->all < busy - model->busy) {
        /* Idle time of the kernel's own making goes back now and then: start anew, keep the load.
         */
        model->busy = busy;
        model->all = all;
    }
    uint64_t ticks = all - model->all;
    if (ticks >= model->min_ticks)
        model->utilisation = (double)(busy - model->busy) / (double)ticks;
    double energy_uj = model->energy_uj +
                       model_uj(sw_power_tdp_load_w(model->watts, model->utilisation), elapsed_ns);
    if (ticks >= model->min_ticks) {
        model->energy_uj = energy_uj;
        model->at_ns = *at_ns;
        model->busy = busy;
        model->all = all;
    }
    return report(model, energy_uj, uj);
}

static void model_close(struct sw_meter *meter)
{
    struct model *model = meter->state;
    if (model->stat_fd >= 0)
        close(model->stat_fd);
    free(model);
}

/* Adds a model as the counted meter of its component, with its probe. */
static void add_model(struct sw_meter_set *set, const struct sw_meter_info *info,
                      const struct model *start, const char *reason,
                      bool (*read)(struct sw_meter *, uint64_t *, uint64_t *))
{
    struct model *model = malloc(sizeof *model);
    if (model == NULL) {
        if (start->stat_fd >= 0)
            close(start->stat_fd);
        set->out_of_memory = true;
        return;
    }
    *model = *start;
    model->at_ns = sw_clock_ns();
    struct sw_meter meter = {.info = *info, .read = read, .close = model_close, .state = model};
    meter.info.source = SW_MODELLED;
    meter.info.counted = true;
    meter.info.path = "";
    sw_set_add(set, &meter);
    sw_set_probe(set, &(struct sw_meter_probe){.component = info->component,
                                               .name = info->name,
                                               .path = "",
                                               .found = true,
                                               .counted = true,
                                               .reason = reason,
                                               .enable = ""});
    const char *missing = set->reason[info->component];
    set->reason[info->component] =
        sw_set_text(set, "%s%smodelled: %s", missing, missing[0] != 0 ? "; " : "", reason);
}

/* A model that cannot be computed either. */
static void no_model(struct sw_meter_set *set, enum sw_component component, const char *name,
                     const char *reason)
{
    sw_set_probe(
        set, &(struct sw_meter_probe){
                 .component = component, .name = name, .path = "", .reason = reason, .enable = ""});
    const char *missing = set->reason[component];
    set->reason[component] =
        sw_set_text(set, "%s%s%s", missing, missing[0] != 0 ? "; " : "", reason);
}

/* CPU. */

struct cpu_power {
    double tdp_w; /* of all sockets; a guest's share in a virtual machine */
    bool guessed;
    const char *basis; /* where it is from, one phrase */
};

static const char *quoted_name(struct sw_meter_set *set, const struct sw_machine *machine)
{
    return machine->cpu_name[0] != 0 ? sw_set_text(set, "\"%s\"", machine->cpu_name)
                                     : "this CPU (which the kernel does not name)";
}

/* What tdp_load starts from. In a virtual machine the table's power belongs to the host's socket,
 * of which the guest has an unknown share: it is charged as an unknown CPU of its size, and never
 * more than that socket. */
static struct cpu_power find_power(struct sw_meter_set *set, const struct sw_meter_options *options,
                                   const struct sw_machine *machine)
{
    const char *name = quoted_name(set, machine);
    double by_count_w = unknown_w_per_cpu * machine->logical;
    struct sw_tdp_match match;
    if (options->tdp_w > 0)
        return (struct cpu_power){options->tdp_w, false,
                                  sw_set_text(set, "%g W as given", options->tdp_w)};
    bool known = sw_tdp_find(&match, machine->cpu_name) && match.watts > 0;
    if (!known)
        return (struct cpu_power){
            by_count_w, true,
            sw_set_text(set, "%s is not in the TDP table, so %g W for each of %u logical CPUs",
                        name, unknown_w_per_cpu, machine->logical)};
    if (machine->virtual_machine)
        return (struct cpu_power){
            fmin(match.watts, by_count_w), true,
            sw_set_text(set,
                        "%s has %g W a socket, of which this guest is charged %g W for each of %u "
                        "logical CPUs, at most the socket",
                        name, match.watts, unknown_w_per_cpu, machine->logical)};
    return (struct cpu_power){match.watts * machine->sockets, false,
                              sw_set_text(set, "%s has %g W TDP, %u socket%s", name, match.watts,
                                          machine->sockets, machine->sockets == 1 ? "" : "s")};
}

static const char *share_note(const struct sw_machine *machine)
{
    return machine->virtual_machine
               ? "; a virtual machine: this is a model of a share of a host nobody can see"
               : "";
}

static const char *limit_note(struct sw_meter_set *set, const struct sw_machine *machine)
{
    return machine->cpu_limit > 0
               ? sw_set_text(set, "; the control group may use %.2f CPUs, the model sees all %u",
                             machine->cpu_limit, machine->logical)
               : "";
}

static void add_tdp_load(struct sw_meter_set *set, const struct sw_meter_options *options,
                         const struct sw_machine *machine)
{
    const char *name = "model:tdp_load";
    const char *stat_path = sw_set_path(set, "/proc/stat");
    if (machine->logical == 0) {
        no_model(set, SW_CPU, name,
                 sw_set_text(set, "%s names no CPU, so none is modelled",
                             sw_set_path(set, "/proc/cpuinfo")));
        return;
    }
    struct model model = {.stat_fd = open(stat_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (model.stat_fd < 0 || !read_ticks(model.stat_fd, &model.busy, &model.all)) {
        if (model.stat_fd >= 0)
            close(model.stat_fd);
        no_model(set, SW_CPU, name,
                 sw_set_text(set, "%s holds no line of CPU times, so no load is known", stat_path));
        return;
    }
    struct cpu_power power = find_power(set, options, machine);
    model.watts = power.tdp_w;
    model.min_ticks = 2 * (uint64_t)machine->logical;
    model.utilisation = 1.0 / machine->logical; /* this program's own thread, until more is known */
    add_model(set,
              &(struct sw_meter_info){
                  .name = name,
                  .scope = machine->virtual_machine ? "virtual machine's share" : "all sockets",
                  .component = SW_CPU,
                  .uncertainty_percent =
                      power.guessed ? guessed_uncertainty_percent : tdp_load_uncertainty_percent,
                  .formula = sw_set_text(
                      set,
                      "P = T (0.14 + 0.56 u^0.45), T = %g W, u = busy share of all logical CPUs "
                      "between reads (/proc/stat; stolen time not busy); fitted on RAPL of 4 "
                      "machines, mean error on the one left out 38 %% (19 to 69 %%)",
                      power.tdp_w),
              },
              &model,
              sw_set_text(set, "power from load, %s%s%s", power.basis, share_note(machine),
                          limit_note(set, machine)),
              load_read);
}

static void add_codecarbon_v2(struct sw_meter_set *set, const struct sw_meter_options *options,
                              const struct sw_machine *machine)
{
    struct sw_tdp_match match;
    double tdp_w = codecarbon_unknown_tdp_w;
    const char *basis = sw_set_text(set, "%s is not in the TDP table, so CodeCarbon's %g W",
                                    quoted_name(set, machine), codecarbon_unknown_tdp_w);
    if (options->tdp_w > 0) {
        tdp_w = options->tdp_w;
        basis = sw_set_text(set, "%g W as given", tdp_w);
    } else if (sw_tdp_find(&match, machine->cpu_name) && match.watts > 0) {
        tdp_w = match.watts;
        basis = sw_set_text(set, "%s has %g W TDP, one socket whatever the machine has",
                            quoted_name(set, machine), tdp_w);
    }
    add_model(set,
              &(struct sw_meter_info){
                  .name = "model:codecarbon_v2",
                  .scope = "one socket",
                  .component = SW_CPU,
                  .uncertainty_percent = codecarbon_v2_uncertainty_percent,
                  .formula = sw_set_text(set,
                                         "P = T / 2 whatever the load, T = %g W; CodeCarbon "
                                         "2.8.2",
                                         tdp_w),
              },
              &(struct model){.watts = sw_power_codecarbon_v2_cpu_w(tdp_w), .stat_fd = -1},
              sw_set_text(set, "half the TDP whatever the load, as CodeCarbon 2.8.2 does; %s%s",
                          basis, share_note(machine)),
              constant_read);
}

void sw_cpu_model_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                       const struct sw_machine *machine)
{
    if (sw_set_has_counted(set, SW_CPU))
        return;
    switch (options->cpu_model) {
    case SW_CPU_MODEL_TDP_LOAD:
        add_tdp_load(set, options, machine);
        return;
    case SW_CPU_MODEL_CODECARBON_V2:
        add_codecarbon_v2(set, options, machine);
        return;
    case SW_CPU_MODEL_NONE:
        no_model(set, SW_CPU, "model:none", "no CPU model is wanted");
        return;
    }
}

/* RAM. */

void sw_ram_model_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                       const struct sw_machine *machine)
{
    if (sw_set_has_counted(set, SW_RAM))
        return;
    bool v3 = options->ram_model == SW_RAM_MODEL_CODECARBON_V3;
    const char *name = v3 ? "model:ram_v3" : "model:ram_v2";
    if (options->ram_model == SW_RAM_MODEL_NONE) {
        no_model(set, SW_RAM, "model:none", "no RAM model is wanted");
        return;
    }
    if (machine->memory_bytes == 0) {
        no_model(set, SW_RAM, name,
                 sw_set_text(set, "%s holds no MemTotal, so no size is known",
                             sw_set_path(set, "/proc/meminfo")));
        return;
    }
    double gib = (double)machine->memory_bytes / 0x1p30;
    double watts = v3 ? sw_power_ram_v3_w(gib, machine->arm) : sw_power_ram_v2_w(gib);
    const char *limit = machine->memory_limit_bytes > 0
                            ? sw_set_text(set, "; the control group may use %.1f GiB of it",
                                          (double)machine->memory_limit_bytes / 0x1p30)
                            : "";
    add_model(
        set,
        &(struct sw_meter_info){
            .name = name,
            .scope = "all memory of the machine",
            .component = SW_RAM,
            .uncertainty_percent = ram_uncertainty_percent,
            .formula = v3 ? "5 W (arm: 1.5 W) per module supposed from the size, less for "
                            "further ones, at least 10 W (arm: 3 W); CodeCarbon 3"
                          : "P = 3/8 W per GiB of MemTotal, whatever the traffic; CodeCarbon "
                            "2.8.2",
        },
        &(struct model){.watts = watts, .stat_fd = -1},
        sw_set_text(set, "%.2f W for %.2f GiB by %s%s", watts, gib,
                    v3 ? "CodeCarbon 3's count of modules" : "CodeCarbon 2.8.2's 3/8 W per GiB",
                    limit),
        constant_read);
}
