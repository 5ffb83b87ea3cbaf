/*
 * CPU power where no counter is: our own model from a TDP table, CodeCarbon's by name. What a guest
 * or a container has of its machine is a model of its own: a share, told with its parameters.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meter/calibration.h"
#include "meter/model_meter.h"
#include "meter/tdp.h"

/* For a CPU that no table knows, per logical CPU: CodeCarbon's figure. Known machines have between
 * 1.5 W (EPYC) and 9 W (desktop). */
static const double unknown_w_per_cpu = 4;
/* CodeCarbon takes this for any CPU that it does not know (2.8.2), or that has no name (3). */
static const double codecarbon_unknown_tdp_w = 85;

/* Mean error on a machine left out of the fit, power_model.c. */
static const double tdp_load_uncertainty_percent = 40;
/* A share by count of CPUs: neighbours, idle power and turbo are not seen. Not checked against
 * anything, so more than that. */
static const double share_uncertainty_percent = 60;
/* The same with a guessed TDP: 4 W per CPU is 29 to 54 % below the TDP of those four machines. */
static const double guessed_uncertainty_percent = 100;
/* Half of TDP, and the cubic, against RAPL over all 86 points of the same files. */
static const double codecarbon_v2_uncertainty_percent = 70;
static const double codecarbon_v3_uncertainty_percent = 50;

struct cpu_power {
    double tdp_w;
    double share; /* of it that is charged */
    double uncertainty_percent;
    const char *scope;
    const char *basis; /* where it is from, one phrase */
};

static double curve_w(const struct sw_power_law *law, double utilisation)
{
    return sw_cpu_curve_w(&law->curve, utilisation);
}

static double half_w(const struct sw_power_law *law, double utilisation)
{
    (void)utilisation;
    return sw_power_codecarbon_v2_cpu_w(law->constant_w);
}

static double cubic_w(const struct sw_power_law *law, double utilisation)
{
    return sw_power_codecarbon_v3_cpu_w(law->constant_w, utilisation);
}

static const char *quoted_name(struct sw_meter_set *set, const struct sw_machine *machine)
{
    return machine->cpu_name[0] != 0 ? sw_set_text(set, "\"%s\"", machine->cpu_name)
                                     : "this CPU (which the kernel does not name)";
}

static const char *share_note(const struct sw_machine *machine)
{
    return machine->virtual_machine
               ? "; a virtual machine: this is a model of a share of a host nobody can see"
               : "";
}

/* What a guest has of a host whose threads the user knows. */
static void take_guest_share(struct cpu_power *power, struct sw_meter_set *set,
                             const struct sw_meter_options *options,
                             const struct sw_machine *machine)
{
    power->share = fmin(1, (double)machine->logical / options->host_threads);
    power->uncertainty_percent =
        fmax(power->uncertainty_percent, power->share < 1 ? share_uncertainty_percent : 0);
    power->basis = sw_set_text(set, "%s, of which %u of %u threads are charged", power->basis,
                               machine->logical, options->host_threads);
}

/* A container or a batch job that may use some of the machine's CPUs is charged that part of the
 * machine: of quota, set of CPUs and SLURM's allocation the least. */
static void take_group_share(struct cpu_power *power, struct sw_meter_set *set,
                             const struct sw_machine *machine)
{
    double cpus = machine->cpu_limit;
    if (machine->n_cpu_set > 0 && (cpus <= 0 || machine->n_cpu_set < cpus))
        cpus = machine->n_cpu_set;
    bool is_job = machine->job.cpus > 0 && (cpus <= 0 || machine->job.cpus < cpus);
    if (is_job)
        cpus = machine->job.cpus;
    if (cpus <= 0 || cpus >= machine->logical)
        return;
    const char *who =
        is_job ? sw_set_text(set, "SLURM job %s", machine->job.id) : "the control group";
    power->share *= cpus / machine->logical;
    power->uncertainty_percent = fmax(power->uncertainty_percent, share_uncertainty_percent);
    power->scope = is_job ? "SLURM job's share" : "control group's share";
    power->basis = sw_set_text(set, "%s, of which %s's %.2f of %u CPUs are charged", power->basis,
                               who, cpus, machine->logical);
}

/* What of the job's environment made no sense. */
static const char *job_note(struct sw_meter_set *set, const struct sw_machine *machine)
{
    return machine->job.note[0] != 0 ? sw_set_text(set, "; left alone: %s", machine->job.note) : "";
}

/* In a virtual machine the table's power belongs to the host's socket, of which the guest has an
 * unknown share unless the user tells: it is charged as an unknown CPU of its size, and never more
 * than that socket. */
static struct cpu_power find_power(struct sw_meter_set *set, const struct sw_meter_options *options,
                                   const struct sw_machine *machine)
{
    const char *name = quoted_name(set, machine);
    double by_count_w = unknown_w_per_cpu * machine->logical;
    bool share_is_told = machine->virtual_machine && options->host_threads > 0;
    struct sw_tdp_match match;
    struct cpu_power power = {.share = 1,
                              .uncertainty_percent = tdp_load_uncertainty_percent,
                              .scope = machine->virtual_machine ? "virtual machine's share"
                                                                : "all sockets"};
    bool known = sw_tdp_find(&match, machine->cpu_name) && match.watts > 0;
    if (options->tdp_w > 0) {
        power.tdp_w = options->tdp_w;
        power.basis = sw_set_text(set, "%g W as given", options->tdp_w);
    } else if (!known) {
        power.tdp_w = by_count_w;
        power.uncertainty_percent = guessed_uncertainty_percent;
        power.basis =
            sw_set_text(set, "%s is not in the TDP table, so %g W for each of %u logical CPUs",
                        name, unknown_w_per_cpu, machine->logical);
        share_is_told = false;
    } else if (share_is_told) {
        power.tdp_w = match.watts;
        power.basis = sw_set_text(set, "%s has %g W a socket", name, match.watts);
    } else if (machine->virtual_machine) {
        power.tdp_w = fmin(match.watts, by_count_w);
        power.uncertainty_percent = guessed_uncertainty_percent;
        power.basis =
            sw_set_text(set,
                        "%s has %g W a socket, of which this guest is charged %g W for each of %u "
                        "logical CPUs, at most the socket (--host_threads tells the real share)",
                        name, match.watts, unknown_w_per_cpu, machine->logical);
    } else {
        power.tdp_w = match.watts * machine->sockets;
        power.basis = sw_set_text(set, "%s has %g W TDP, %u socket%s", name, match.watts,
                                  machine->sockets, machine->sockets == 1 ? "" : "s");
    }
    if (share_is_told)
        take_guest_share(&power, set, options, machine);
    take_group_share(&power, set, machine);
    return power;
}

/* Whether there is a number of CPUs to divide a load by. */
static bool has_cpus(struct sw_meter_set *set, const char *name, const struct sw_machine *machine)
{
    if (machine->logical == 0)
        sw_model_refuse(set, SW_CPU, name,
                        sw_set_text(set, "%s names no CPU, so none is modelled",
                                    sw_set_path(set, "/proc/cpuinfo")));
    return machine->logical > 0;
}

/* The curve that `smolwatt calibrate` found on this machine, of its CPUs or of all of it. */
static void add_calibrated(struct sw_meter_set *set, const struct sw_calibration *c,
                           const struct sw_machine *machine, const char *path)
{
    bool is_cpu = strcmp(c->component, "cpu") == 0;
    struct cpu_power power = {.share = 1,
                              .uncertainty_percent = c->uncertainty_percent,
                              .scope = is_cpu ? "all sockets" : "machine",
                              .basis =
                                  sw_set_text(set, "calibrated on this machine with %s, %s (%s)",
                                              c->meter, c->made_at, path)};
    if (is_cpu)
        take_group_share(&power, set, machine);
    const char *formula = sw_set_text(
        set,
        "P = s F (i + (1 - i) ln(1 + u/k) / ln(1 + 1/k)), F = %.6g W, s = %.4g, i = %.4g, k = "
        "%.4g, "
        "fitted on %s, %s, error on points left out %.2g %%, u = busy share of all logical CPUs "
        "between reads (/proc/stat; stolen time not busy)",
        c->curve.full_w, power.share, c->curve.idle_share, c->curve.knee, c->meter, c->made_at,
        c->left_out_percent);
    sw_model_add(
        set,
        &(struct sw_meter_info){.name = "model:calibrated",
                                .scope = power.scope,
                                .component = is_cpu ? SW_CPU : SW_MACHINE,
                                .uncertainty_percent = power.uncertainty_percent,
                                .formula = formula},
        &(struct sw_power_law){
            .watts = curve_w, .curve = c->curve, .share = power.share, .follows_load = true},
        sw_set_path(set, "/proc/stat"), machine->logical,
        sw_set_text(set, "power from load, %s%s", power.basis, share_note(machine)));
}

/* Looks for a calibration of this machine. Returns what is to be said of one that is not used for
 * the CPU; "" where there is none, or it is in use (sw_set_has_counted tells). */
static const char *try_calibration(struct sw_meter_set *set, const struct sw_machine *machine)
{
    struct sw_calibration calibration;
    struct sw_error err = {0};
    char *path = sw_calibration_path_dup(set->root);
    const char *note = "";
    if (path == NULL)
        return note;
    enum sw_code code = sw_calibration_load(&calibration, path, &err);
    if (code == SW_EABSENT && getenv("SMOLWATT_CALIBRATION") == NULL)
        note = "";
    else if (code != SW_OK)
        note = sw_set_text(set, "; the calibration is left alone: %s", err.text);
    else if (!sw_calibration_fits(&calibration, machine))
        note = sw_set_text(set, "; %s is left alone: of another machine (\"%s\", %u CPUs)", path,
                           calibration.cpu_name, calibration.n_logical);
    else if (strcmp(calibration.component, "cpu") == 0 || !sw_set_has_counted(set, SW_MACHINE))
        add_calibrated(set, &calibration, machine, path);
    free(path);
    return note;
}

static void add_tdp_load(struct sw_meter_set *set, const struct sw_meter_options *options,
                         const struct sw_machine *machine)
{
    const char *name = "model:tdp_load";
    if (!has_cpus(set, name, machine))
        return;
    const char *note = options->tdp_w > 0 ? "" : try_calibration(set, machine);
    if (sw_set_has_counted(set, SW_CPU))
        return;
    struct cpu_power power = find_power(set, options, machine);
    const struct sw_cpu_family *family = sw_cpu_family_find(machine->cpu_name);
    struct sw_power_law law = {
        .watts = curve_w,
        .curve = sw_cpu_curve_of_tdp(power.tdp_w, family),
        .share = power.share,
        .follows_load = true,
    };
    const char *formula = sw_set_text(
        set,
        "P = s 0.7 T (i + (1 - i) ln(1 + u/k) / ln(1 + 1/k)), T = %g W, s = %.4g, i = %g, k = %g "
        "(family: %s, from %s), u = busy share of all logical CPUs between reads (/proc/stat; "
        "stolen time not busy); 0.7 from RAPL of 4 machines, mean error on the one left out 37 %% "
        "(16 to 75 %%)",
        power.tdp_w, power.share, family->idle_share, family->knee, family->name, family->source);
    sw_model_add(set,
                 &(struct sw_meter_info){.name = name,
                                         .scope = power.scope,
                                         .component = SW_CPU,
                                         .uncertainty_percent = power.uncertainty_percent,
                                         .formula = formula},
                 &law, sw_set_path(set, "/proc/stat"), machine->logical,
                 sw_set_text(set, "power from load, %s%s%s%s", power.basis, share_note(machine),
                             note, job_note(set, machine)));
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
    sw_model_add(set,
                 &(struct sw_meter_info){
                     .name = "model:codecarbon_v2",
                     .scope = "one socket",
                     .component = SW_CPU,
                     .uncertainty_percent = codecarbon_v2_uncertainty_percent,
                     .formula = sw_set_text(
                         set, "P = T / 2 whatever the load, T = %g W; CodeCarbon 2.8.2", tdp_w),
                 },
                 &(struct sw_power_law){.watts = half_w, .constant_w = tdp_w, .share = 1}, NULL, 0,
                 sw_set_text(set, "half the TDP whatever the load, as CodeCarbon 2.8.2 does; %s%s",
                             basis, share_note(machine)));
}

/* Version 3's maximum power. It counts the sockets of an unknown machine twice: once in the CPUs,
 * once as a factor. */
static double codecarbon_v3_tdp_w(struct sw_meter_set *set, const struct sw_meter_options *options,
                                  const struct sw_machine *machine, const char **basis)
{
    const char *name = quoted_name(set, machine);
    struct sw_tdp_match match;
    if (options->tdp_w > 0) {
        *basis = sw_set_text(set, "%g W as given", options->tdp_w);
        return options->tdp_w;
    }
    if (sw_tdp_find(&match, machine->cpu_name) && match.watts > 0) {
        *basis = sw_set_text(set, "%s has %g W TDP, %u socket%s", name, match.watts,
                             machine->sockets, machine->sockets == 1 ? "" : "s");
        return match.watts * machine->sockets;
    }
    if (machine->cpu_name[0] == 0 && !machine->arm) {
        *basis = sw_set_text(set, "%s, so CodeCarbon's %g W", name, codecarbon_unknown_tdp_w);
        return codecarbon_unknown_tdp_w;
    }
    /* In a job it asks SLURM for their number. */
    bool is_job = machine->job.cpus > 0;
    unsigned cpus = is_job ? machine->job.cpus : machine->logical;
    *basis = sw_set_text(
        set,
        "%s is not in the TDP table, so CodeCarbon's %g W for each of %u %s, "
        "times %u socket%s%s",
        name, unknown_w_per_cpu, cpus,
        is_job ? sw_set_text(set, "CPUs of SLURM job %s", machine->job.id) : "logical CPUs",
        machine->sockets, machine->sockets == 1 ? "" : "s", job_note(set, machine));
    return unknown_w_per_cpu * cpus * machine->sockets;
}

static void add_codecarbon_v3(struct sw_meter_set *set, const struct sw_meter_options *options,
                              const struct sw_machine *machine)
{
    const char *name = "model:codecarbon_v3", *basis;
    if (!has_cpus(set, name, machine))
        return;
    double tdp_w = codecarbon_v3_tdp_w(set, options, machine, &basis);
    struct sw_power_law law = {
        .watts = cubic_w,
        .constant_w = tdp_w,
        .share = 1,
        .follows_load = true,
        .stolen_is_busy = true,
        .sample_ns = 1000000000, /* its helper samples the load once a second */
    };
    sw_model_add(set,
                 &(struct sw_meter_info){
                     .name = name,
                     .scope = "all sockets",
                     .component = SW_CPU,
                     .uncertainty_percent = codecarbon_v3_uncertainty_percent,
                     .formula = sw_set_text(
                         set,
                         "P = T (0.1 + 0.9 u^3), T = %g W, u = busy share of all logical "
                         "CPUs over a second (stolen time busy); CodeCarbon 3.3.0, machine "
                         "mode",
                         tdp_w),
                 },
                 &law, sw_set_path(set, "/proc/stat"), machine->logical,
                 sw_set_text(set, "cubic of the load, as CodeCarbon 3 does; %s%s", basis,
                             share_note(machine)));
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
    case SW_CPU_MODEL_CODECARBON_V3:
        add_codecarbon_v3(set, options, machine);
        return;
    case SW_CPU_MODEL_NONE:
        sw_model_refuse(set, SW_CPU, "model:none", "no CPU model is wanted");
        return;
    }
}
