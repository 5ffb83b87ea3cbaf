/*
 * RAPL through the kernel's perf PMU "power":
 *
 *   /sys/bus/event_source/devices/power/
 *       type                       number of the PMU
 *       cpumask                    one processor for each package (or die)
 *       events/energy-pkg          event=0x02
 *       events/energy-pkg.scale    2.3283064365386962890625e-10
 *       events/energy-pkg.unit     Joules
 *
 * and energy-ram, energy-psys where the CPU has them; energy-cores and energy-gpu are inside
 * energy-pkg and left alone. The kernel folds wraps and counts in 64 bits. It is the first choice:
 * one system call a reading, and a capability of one program is enough to be allowed it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "meter/package.h"
#include "meter/perf_event.h"

/* As for powercap, which shows the same counters. */
static const double rapl_uncertainty_percent = 5;

struct event_kind {
    const char *event, *domain; /* "energy-pkg" is "package-0" */
    enum sw_component component;
};
static const struct event_kind kinds[] = {
    {"energy-pkg", "package", SW_CPU},
    {"energy-ram", "dram", SW_RAM},
    {"energy-psys", "psys", SW_MACHINE},
};

struct pmu {
    struct sw_meter_set *set;
    const char *folder, *events; /* owned by the set */
    uint32_t type;
    struct sw_package packages[SW_MAX_PACKAGES];
    size_t n_packages;
};

struct perf_meter {
    struct sw_perf_counter counter;
    double unit_uj;
};

static bool perf_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct perf_meter *perf = meter->state;
    uint64_t count;
    bool ok = sw_perf_counter_read(&perf->counter, &count);
    *at_ns = sw_clock_ns();
    double energy_uj = ok ? (double)count * perf->unit_uj : -1;
    if (!(energy_uj >= 0 && energy_uj < 0x1p62))
        return false;
    *uj = (uint64_t)energy_uj;
    return true;
}

static void perf_close(struct sw_meter *meter)
{
    struct perf_meter *perf = meter->state;
    sw_perf_counter_close(&perf->counter);
    free(perf);
}

/* "event=0x02" */
static bool parse_event(uint64_t *config, const char *text)
{
    if (strncmp(text, "event=0x", 8) != 0 || text[8] == 0 || strlen(text) > 8 + 8 ||
        text[8 + strspn(text + 8, "0123456789abcdefABCDEF")] != 0)
        return false;
    *config = strtoull(text + 8, NULL, 16);
    return true;
}

/* What one count is in microjoules, and the event's number; why not, else NULL. */
static const char *describe_event(struct pmu *pmu, const struct event_kind *kind, uint64_t *config,
                                  double *unit_uj)
{
    char line[64];
    struct sw_error err;
    const char *path = sw_set_text(pmu->set, "%s/%s", pmu->events, kind->event);
    if (sw_file_first_line(line, sizeof line, path, &err) != SW_OK)
        return sw_set_text(pmu->set, "%s", err.text);
    if (!parse_event(config, line))
        return sw_set_text(pmu->set, "%s: \"%s\" is no event=0x...", path, line);
    path = sw_set_text(pmu->set, "%s/%s.unit", pmu->events, kind->event);
    if (sw_file_first_line(line, sizeof line, path, &err) != SW_OK)
        return sw_set_text(pmu->set, "%s", err.text);
    if (strcmp(line, "Joules") != 0)
        return sw_set_text(pmu->set, "%s: \"%s\" is not Joules", path, line);
    path = sw_set_text(pmu->set, "%s/%s.scale", pmu->events, kind->event);
    if (sw_file_first_line(line, sizeof line, path, &err) != SW_OK)
        return sw_set_text(pmu->set, "%s", err.text);
    double scale;
    if (!sw_parse_double(&scale, line, 1e-15, 1e3))
        return sw_set_text(pmu->set, "%s: \"%s\" is no scale", path, line);
    *unit_uj = scale * 1e6;
    return NULL;
}

static const char *meter_name(struct pmu *pmu, const struct event_kind *kind, size_t i)
{
    if (kind->component == SW_MACHINE)
        return "perf:psys";
    return sw_set_text(pmu->set, "perf:%s-%s", kind->domain, pmu->packages[i].label);
}

static const char *meter_scope(struct pmu *pmu, const struct event_kind *kind, size_t i)
{
    const char *label = pmu->packages[i].label;
    if (kind->component == SW_CPU)
        return sw_set_text(pmu->set, "package %s, idle power included", label);
    if (kind->component == SW_RAM)
        return sw_set_text(pmu->set, "dram of package-%s", label);
    return sw_psys_scope;
}

static void note_missing(struct sw_meter_set *set, const struct event_kind *kind, const char *path,
                         const char *reason, const char *enable)
{
    const char *name =
        kind->component == SW_MACHINE ? "perf:psys" : sw_set_text(set, "perf:%s", kind->domain);
    sw_set_probe(set, &(struct sw_meter_probe){.component = kind->component,
                                               .name = name,
                                               .path = path,
                                               .reason = reason,
                                               .enable = enable});
}

/* Why an event could not be opened, and what would help. */
static const char *refusal(struct pmu *pmu, int error, const char *path, const char **enable)
{
    struct sw_meter_set *set = pmu->set;
    int64_t level;
    bool known = sw_perf_paranoid(set, &level);
    *enable = "";
    if (error == EPERM || (error == EACCES && known && level <= 0)) {
        *enable = "docker run --cap-add PERFMON ...   # where a container is started";
        return sw_set_text(set,
                           "%s: %s, though perf_event_paranoid is %s: a container's system call "
                           "filter or a security module",
                           path, strerror(error),
                           known ? sw_set_text(set, "%lld", (long long)level) : "unknown");
    }
    if (error != EACCES)
        return sw_set_text(set, "%s: perf_event_open: %s", path, strerror(error));
    *enable = sw_set_text(set, "sudo setcap cap_perfmon=ep %s", sw_set_own_program(set));
    return sw_set_text(set,
                       "%s: %s: perf_event_paranoid is %s, and whoever has not the capability "
                       "CAP_PERFMON needs 0 or less",
                       path, strerror(error),
                       known ? sw_set_text(set, "%lld", (long long)level) : "unknown");
}

/* Opens a kind's events on all packages, or on none: half a machine would be a wrong joule. */
static bool open_all(struct pmu *pmu, const struct event_kind *kind, uint64_t config, size_t n,
                     struct sw_perf_counter counters[SW_MAX_PACKAGES], int *error)
{
    for (size_t i = 0; i < n; i++) {
        struct sw_perf_event event = {
            .type = pmu->type, .config = config, .cpu = pmu->packages[i].cpu};
        if (sw_perf_counter_open(&counters[i], pmu->set, &event, pmu->events, kind->event))
            continue;
        *error = errno;
        while (i-- > 0)
            sw_perf_counter_close(&counters[i]);
        return false;
    }
    return true;
}

static void add_meter(struct pmu *pmu, const struct event_kind *kind, size_t i, double unit_uj,
                      struct sw_perf_counter *counter, size_t meters[], uint64_t first_uj[])
{
    struct sw_meter_set *set = pmu->set;
    const char *path = sw_set_text(set, "%s/%s", pmu->events, kind->event);
    const char *name = meter_name(pmu, kind, i);
    bool is_psys = kind->component == SW_MACHINE;
    const char *why_not = is_psys ? sw_set_why_not_psys(set, pmu->n_packages) : "";
    bool counted = why_not[0] == 0;
    struct perf_meter *perf = malloc(sizeof *perf);
    meters[i] = SIZE_MAX;
    if (perf == NULL) {
        set->out_of_memory = true;
        sw_perf_counter_close(counter);
        return;
    }
    *perf = (struct perf_meter){.counter = *counter, .unit_uj = unit_uj};
    struct sw_meter meter = {.info = {.name = name,
                                      .scope = meter_scope(pmu, kind, i),
                                      .path = path,
                                      .component = kind->component,
                                      .source = SW_MEASURED,
                                      .counted = counted,
                                      .uncertainty_percent = is_psys ? 0 : rapl_uncertainty_percent,
                                      .formula = ""},
                             .read = perf_read,
                             .close = perf_close,
                             .state = perf};
    uint64_t at_ns;
    bool readable = perf_read(&meter, &first_uj[i], &at_ns);
    size_t probe = sw_set_probe(set, &(struct sw_meter_probe){.component = kind->component,
                                                              .name = name,
                                                              .path = path,
                                                              .found = true,
                                                              .counted = counted,
                                                              .reason = why_not,
                                                              .enable = ""});
    meters[i] = sw_set_add(set, &meter);
    /* Kernels before 5.9 listed each die of an AMD package, all of them the package's counter. */
    for (size_t k = 0; k < i && readable && kind->component == SW_CPU; k++)
        if (meters[k] != SIZE_MAX && meters[i] != SIZE_MAX &&
            pmu->packages[k].package == pmu->packages[i].package &&
            sw_mirror_suspect(set, meters[k], first_uj[k], meters[i], first_uj[i], probe))
            break;
    sw_set_reason(set, kind->component, why_not);
}

static void add_kind(struct pmu *pmu, const struct event_kind *kind)
{
    struct sw_meter_set *set = pmu->set;
    struct sw_perf_counter counters[SW_MAX_PACKAGES];
    size_t meters[SW_MAX_PACKAGES];
    uint64_t config = 0, first_uj[SW_MAX_PACKAGES];
    double unit_uj = 0;
    int error = 0;
    const char *path = sw_set_text(set, "%s/%s", pmu->events, kind->event);
    if (!sw_file_exists(path)) {
        note_missing(set, kind, path, sw_set_text(set, "%s: this CPU has no such event", path), "");
        return;
    }
    const char *problem = describe_event(pmu, kind, &config, &unit_uj), *enable = "";
    /* The platform is one, whatever processor it is read on. */
    size_t n = kind->component == SW_MACHINE ? 1 : pmu->n_packages;
    if (problem == NULL && !open_all(pmu, kind, config, n, counters, &error))
        problem = refusal(pmu, error, path, &enable);
    if (problem != NULL) {
        note_missing(set, kind, path, problem, enable);
        sw_set_reason(set, kind->component,
                      enable[0] != 0 ? sw_set_text(set, "%s; enable it with: %s", problem, enable)
                                     : problem);
        return;
    }
    for (size_t i = 0; i < n; i++)
        add_meter(pmu, kind, i, unit_uj, &counters[i], meters, first_uj);
}

/* Number and processors of the PMU; why not, else NULL. */
static const char *describe_pmu(struct pmu *pmu)
{
    char line[256];
    uint64_t type;
    unsigned cpus[SW_MAX_PACKAGES];
    struct sw_error err;
    const char *path = sw_set_text(pmu->set, "%s/type", pmu->folder);
    if (sw_file_first_line(line, sizeof line, path, &err) != SW_OK)
        return sw_set_text(pmu->set, "%s", err.text);
    if (!sw_parse_u64(&type, line, 0, UINT32_MAX))
        return sw_set_text(pmu->set, "%s: \"%.40s\" is no number of a PMU", path, line);
    pmu->type = (uint32_t)type;
    path = sw_set_text(pmu->set, "%s/cpumask", pmu->folder);
    if (sw_file_first_line(line, sizeof line, path, &err) != SW_OK)
        return sw_set_text(pmu->set, "%s", err.text);
    pmu->n_packages = sw_cpu_list_parse(cpus, SW_MAX_PACKAGES, line);
    if (pmu->n_packages == 0)
        return sw_set_text(pmu->set, "%s: \"%.40s\" is no list of at most %d processors", path,
                           line, SW_MAX_PACKAGES);
    for (size_t i = 0; i < pmu->n_packages; i++)
        pmu->packages[i] = (struct sw_package){.cpu = cpus[i]};
    sw_packages_place(pmu->set, pmu->packages, pmu->n_packages);
    return NULL;
}

void sw_perf_power_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                        const struct sw_machine *machine)
{
    if (options->models_only)
        return;
    struct pmu pmu = {.set = set,
                      .folder = sw_set_path(set, "/sys/bus/event_source/devices/power")};
    pmu.events = sw_set_text(set, "%s/events", pmu.folder);
    const char *problem = NULL, *enable = "";
    if (!sw_file_is_folder(pmu.folder)) {
        problem = sw_set_text(set, "%s: No such file or directory", pmu.folder);
        if (!machine->virtual_machine && !machine->arm)
            enable = "sudo modprobe rapl";
    } else {
        problem = describe_pmu(&pmu);
        if (problem != NULL)
            sw_set_reason(set, SW_CPU, problem);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (problem == NULL)
            add_kind(&pmu, &kinds[i]);
        else if (kinds[i].component == SW_CPU) /* once is enough for a PMU that is not there */
            note_missing(set, &kinds[i], pmu.folder, problem, enable);
}
