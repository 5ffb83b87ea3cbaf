/*
 * RAPL straight from the processor's registers, through /dev/cpu/N/msr (module msr, root): what is
 * left where the kernel offers the counters in no other way. A register is eight bytes at its
 * number; an energy counter is the lower 32 bits, in units of 2^-ESU J, and restarts at 0.
 *
 *   Intel  0x606 units (ESU in bits 12 to 8), 0x611 package, 0x619 dram, 0x64D platform (psys);
 *          0x639 cores and 0x641 uncore are inside the package, and are left alone
 *   AMD    0xC0010299 units, 0xC001029B package; 0xC001029A, a core, is inside
 *
 * Servers from Haswell to Ice Lake and Knights Landing count dram in 2^-16 J, and Sapphire and
 * Emerald Rapids psys in 1 J, whatever the units register says (the kernel's
 * arch/x86/events/rapl.c; its version 5.10 to 6.0 took dram of Sapphire Rapids for one of them).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "meter/package.h"

static const double rapl_uncertainty_percent = 5;
enum { MAX_CPUS = 4096 };

struct registers {
    const char *vendor;
    off_t units, package, dram, psys; /* 0: has none */
};
static const struct registers makes[] = {
    {"GenuineIntel", 0x606, 0x611, 0x619, 0x64D},
    {"AuthenticAMD", 0xC0010299, 0xC001029B, 0, 0},
    {"HygonGenuine", 0xC0010299, 0xC001029B, 0, 0},
};

static const unsigned fixed_dram[] = {0x3F, 0x4F, 0x56, 0x55, 0x57, 0x85, 0x6A, 0x6C};
static const unsigned fixed_psys[] = {0x8F, 0xCF};

struct domain {
    const char *name; /* "package" */
    enum sw_component component;
    off_t number;
    unsigned shift; /* ESU */
};

struct msr_meter {
    int fd;
    off_t number;
    unsigned shift;
};

static bool read_register(int fd, off_t number, uint64_t *value)
{
    ssize_t n;
    *value = 0;
    errno = 0;
    do
        n = pread(fd, value, sizeof *value, number);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *value;
}

static uint64_t to_uj(uint64_t count, unsigned shift)
{
    return count * 1000000 >> shift; /* 32 bits times 20 fit */
}

static bool msr_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    const struct msr_meter *msr = meter->state;
    uint64_t value;
    bool ok = read_register(msr->fd, msr->number, &value);
    *at_ns = sw_clock_ns();
    *uj = to_uj(value & UINT32_MAX, msr->shift);
    return ok;
}

static void msr_close(struct sw_meter *meter)
{
    struct msr_meter *msr = meter->state;
    close(msr->fd);
    free(msr);
}

static const struct registers *make_of(const struct sw_machine *machine)
{
    for (size_t i = 0; i < sizeof makes / sizeof makes[0]; i++)
        if (strcmp(makes[i].vendor, machine->cpu_vendor) == 0)
            return &makes[i];
    return NULL;
}

static bool is_one_of(const struct sw_machine *machine, const unsigned *models, size_t n)
{
    for (size_t i = 0; i < n && machine->cpu_family == 6; i++)
        if (models[i] == machine->cpu_model)
            return true;
    return false;
}

static const char *register_file(struct sw_meter_set *set, unsigned cpu)
{
    return sw_set_text(set, "%s/dev/cpu/%u/msr", set->root, cpu);
}

/* One processor of each package that has a register file; on Intel of each die, which counts for
 * itself there. */
static size_t find_packages(struct sw_meter_set *set, bool by_die,
                            struct sw_package packages[SW_MAX_PACKAGES])
{
    size_t n = 0;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/dev/cpu/%u", set->root, cpu);
        /* The folders have no holes but for processors that are off. */
        if (!sw_file_is_folder(path)) {
            if (cpu % 64 == 63)
                break;
            continue;
        }
        struct sw_package found = {.cpu = cpu};
        sw_packages_place(set, &found, 1);
        bool is_new = n < SW_MAX_PACKAGES;
        for (size_t i = 0; i < n; i++)
            if (packages[i].package == found.package && (!by_die || packages[i].die == found.die))
                is_new = false;
        if (is_new)
            packages[n++] = found;
    }
    sw_packages_place(set, packages, n);
    return n;
}

struct access {
    struct sw_meter_set *set;
    struct sw_package packages[SW_MAX_PACKAGES];
    size_t n_packages;
    int fds[SW_MAX_PACKAGES]; /* -1: not open */
    unsigned shift;           /* ESU */
};

static const char *open_error(struct sw_meter_set *set, const char *path, int error,
                              const char **enable)
{
    if (error == ENOENT || error == ENXIO || error == ENODEV)
        *enable = "sudo modprobe msr";
    if (error == EACCES || error == EPERM) {
        const char *root = sw_set_shell_word(set, set->root);
        *enable = sw_set_text(set,
                              "sudo setcap cap_sys_rawio=ep %s && sudo chgrp \"$(id -gn)\" "
                              "%s/dev/cpu/*/msr && sudo chmod g+r %s/dev/cpu/*/msr",
                              sw_set_own_program(set), root, root);
        return sw_set_text(set,
                           "%s: %s (the right to all registers of the processor; perf and powercap "
                           "need less)",
                           path, strerror(error));
    }
    return sw_set_text(set, "%s: %s", path, strerror(error));
}

/* Opens the packages' files and reads the unit, which is one for all; why not, else NULL. */
static const char *open_registers(struct access *access, const struct registers *make,
                                  const struct sw_machine *machine, const char **enable)
{
    struct sw_meter_set *set = access->set;
    access->n_packages = find_packages(set, make->dram != 0, access->packages);
    if (access->n_packages == 0)
        return open_error(set, register_file(set, 0), ENOENT, enable);
    if (access->n_packages < machine->sockets)
        return sw_set_text(set, "%s/dev/cpu: processors of %zu of %u packages", set->root,
                           access->n_packages, machine->sockets);
    for (size_t i = 0; i < access->n_packages; i++) {
        const char *path = register_file(set, access->packages[i].cpu);
        uint64_t units;
        access->fds[i] = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (access->fds[i] < 0)
            return open_error(set, path, errno, enable);
        if (!read_register(access->fds[i], make->units, &units) || (units >> 8 & 31) == 0)
            return sw_set_text(set, "%s: no unit of energy in register 0x%llX", path,
                               (unsigned long long)make->units);
        unsigned shift = units >> 8 & 31;
        if (i > 0 && shift != access->shift)
            return sw_set_text(set, "%s: another unit of energy than the first package's", path);
        access->shift = shift;
    }
    return NULL;
}

static void note(struct access *access, const struct domain *domain, const char *path, bool found,
                 bool counted, const char *reason, const char *enable)
{
    sw_set_probe(access->set,
                 &(struct sw_meter_probe){.component = domain->component,
                                          .name = sw_set_text(access->set, "msr:%s", domain->name),
                                          .path = path,
                                          .found = found,
                                          .counted = counted,
                                          .reason = reason,
                                          .enable = enable});
}

/* "msr:package-0", "msr:dram-1-die-0", "msr:psys" */
static const char *meter_name(struct access *access, const struct domain *domain, size_t i)
{
    if (domain->component == SW_MACHINE)
        return "msr:psys";
    return sw_set_text(access->set, "msr:%s-%s", domain->name, access->packages[i].label);
}

static size_t add_meter(struct access *access, const struct domain *domain, size_t i,
                        const char *name, bool counted)
{
    struct sw_meter_set *set = access->set;
    const char *label = access->packages[i].label;
    struct msr_meter *msr = malloc(sizeof *msr);
    if (msr == NULL) {
        set->out_of_memory = true;
        return SIZE_MAX;
    }
    *msr = (struct msr_meter){.fd = fcntl(access->fds[i], F_DUPFD_CLOEXEC, 0),
                              .number = domain->number,
                              .shift = domain->shift};
    return sw_set_add(
        set, &(struct sw_meter){
                 .info = {.name = name,
                          .scope = domain->component == SW_CPU
                                       ? sw_set_text(set, "package %s, idle power included", label)
                                   : domain->component == SW_RAM
                                       ? sw_set_text(set, "dram of package-%s", label)
                                       : sw_psys_scope,
                          .path = register_file(set, access->packages[i].cpu),
                          .component = domain->component,
                          .source = SW_MEASURED,
                          .counted = counted,
                          .range_uj = to_uj(UINT64_C(1) << 32, domain->shift),
                          .uncertainty_percent =
                              domain->component == SW_MACHINE ? 0 : rapl_uncertainty_percent,
                          .formula = ""},
                 .read = msr_read,
                 .close = msr_close,
                 .state = msr});
}

/* A domain of all packages, or of none. A register that cannot be read is not there. */
static void add_domain(struct access *access, const struct domain *domain)
{
    struct sw_meter_set *set = access->set;
    uint64_t values[SW_MAX_PACKAGES];
    bool any = false;
    size_t n = domain->component == SW_MACHINE ? 1 : access->n_packages;
    for (size_t i = 0; i < n; i++) {
        if (!read_register(access->fds[i], domain->number, &values[i])) {
            note(access, domain, register_file(set, access->packages[i].cpu), false, false,
                 sw_set_text(set, "register 0x%llX: %s", (unsigned long long)domain->number,
                             errno != 0 ? strerror(errno) : "cut short"),
                 "");
            return;
        }
        values[i] &= UINT32_MAX;
        any = any || values[i] != 0;
    }
    if (!any) {
        note(access, domain, register_file(set, access->packages[0].cpu), false, false,
             sw_set_text(set, "register 0x%llX is 0: this CPU does not count there",
                         (unsigned long long)domain->number),
             "");
        return;
    }
    bool is_psys = domain->component == SW_MACHINE;
    bool is_second = !is_psys && sw_set_has_counted(set, domain->component);
    const char *why_not = is_psys ? sw_set_why_not_psys(set, access->n_packages) : "";
    size_t meters[SW_MAX_PACKAGES];
    for (size_t i = 0; i < n; i++) {
        struct domain one = *domain;
        const char *name = meter_name(access, domain, i);
        const char *twin = is_second || is_psys ? sw_set_twin(set, domain->component, name) : NULL;
        bool counted = !is_second && twin == NULL && why_not[0] == 0;
        one.name = name + strlen("msr:");
        size_t probe = set->n_probes;
        note(access, &one, register_file(set, access->packages[i].cpu), true, counted,
             twin != NULL ? sw_set_twin_text(set, twin) : why_not, "");
        meters[i] = twin == NULL ? add_meter(access, domain, i, name, counted) : SIZE_MAX;
        for (size_t k = 0; k < i && counted && domain->component == SW_CPU; k++)
            if (meters[k] != SIZE_MAX && meters[i] != SIZE_MAX &&
                access->packages[k].package == access->packages[i].package &&
                sw_mirror_suspect(set, meters[k], values[k], meters[i], values[i], probe))
                break;
    }
    if (is_psys)
        sw_set_reason(set, SW_MACHINE, why_not);
}

void sw_msr_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                 const struct sw_machine *machine)
{
    const struct registers *make = make_of(machine);
    if (options->models_only || make == NULL)
        return;
    struct access *access = calloc(1, sizeof *access);
    if (access == NULL) {
        set->out_of_memory = true;
        return;
    }
    access->set = set;
    for (size_t i = 0; i < SW_MAX_PACKAGES; i++)
        access->fds[i] = -1;
    const char *enable = "", *problem = open_registers(access, make, machine, &enable);
    unsigned dram_shift = access->shift, psys_shift = access->shift;
    if (is_one_of(machine, fixed_dram, sizeof fixed_dram / sizeof fixed_dram[0]))
        dram_shift = 16;
    if (is_one_of(machine, fixed_psys, sizeof fixed_psys / sizeof fixed_psys[0]))
        psys_shift = 0;
    const struct domain domains[] = {
        {"package", SW_CPU, make->package, access->shift},
        {"dram", SW_RAM, make->dram, dram_shift},
        {"psys", SW_MACHINE, make->psys, psys_shift},
    };
    if (problem != NULL && machine->virtual_machine)
        enable = "";
    if (problem != NULL)
        note(access, &domains[0], register_file(set, 0), false, false, problem, enable);
    for (size_t i = 0; i < sizeof domains / sizeof domains[0] && problem == NULL; i++)
        if (domains[i].number != 0)
            add_domain(access, &domains[i]);
    for (size_t i = 0; i < SW_MAX_PACKAGES; i++)
        if (access->fds[i] >= 0)
            close(access->fds[i]);
    free(access);
}
