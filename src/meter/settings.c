#include "meter/settings.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/number.h"
#include "meter/machine.h"

#define CPU_FOLDER "/sys/devices/system/cpu"

enum { LINE = 160, MAX_CPUS = 4096 };

struct reader {
    struct sw_settings *out;
    const char *root;
    struct sw_machine machine;
};

const char *sw_setting_state_name(enum sw_setting_state state)
{
    static const char *const names[] = {"good", "note", "spoils", "unknown"};
    return (unsigned)state <= SW_SETTING_UNKNOWN ? names[state] : "unknown";
}

/* First line of a regular file below the root; a pipe in a replayed tree would wait for its writer.
 * Control characters do not reach a terminal. */
static bool read_line(char line[LINE], const struct reader *r, const char *path)
{
    char *full = sw_path_join_dup(r->root, path);
    struct stat info;
    bool ok = full != NULL && stat(full, &info) == 0 && S_ISREG(info.st_mode) &&
              sw_file_first_line(line, LINE, full, NULL) == SW_OK && line[0] != 0;
    free(full);
    for (char *c = line; ok && *c != 0; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
            *c = '?';
    return ok;
}

/* A value that may stand in a command: somebody may paste it into a shell. */
static bool is_word(const char *text)
{
    return text[0] != 0 && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-")] == 0;
}

static bool read_number(uint64_t *value, const struct reader *r, const char *path)
{
    char line[LINE];
    return read_line(line, r, path) && sw_parse_u64(value, line, 0, INT64_MAX);
}

/* Room for one more; the last is used again if there were ever more than fit. */
static struct sw_setting *add(struct reader *r, const char *name, const char *path,
                              enum sw_setting_state state)
{
    size_t i = r->out->n < SW_MAX_SETTINGS ? r->out->n++ : SW_MAX_SETTINGS - 1;
    struct sw_setting *s = &r->out->items[i];
    *s = (struct sw_setting){.name = name, .state = state};
    snprintf(s->path, sizeof s->path, "%s", path);
    return s;
}

static void put(char *out, size_t size, const char *format, ...) SW_PRINTF(3, 4);

static void put(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, size, format, arguments);
    va_end(arguments);
}

#define PUT(field, ...) put(field, sizeof(field), __VA_ARGS__)

/* One file of every processor: value of the first, and whether all have it. */
struct per_cpu {
    char value[LINE];
    bool any, same;
    bool words;        /* all may stand in a command */
    char restore[512]; /* what sets the present values */
};

static void read_per_cpu(struct per_cpu *out, const struct reader *r, const char *file)
{
    char path[128], line[LINE];
    *out = (struct per_cpu){.same = true, .words = true};
    unsigned n = r->machine.logical > 0 ? r->machine.logical : 1;
    for (unsigned cpu = 0; cpu < n && cpu < MAX_CPUS; cpu++) {
        put(path, sizeof path, CPU_FOLDER "/cpu%u/%s", cpu, file);
        if (!read_line(line, r, path))
            continue;
        if (!out->any)
            put(out->value, sizeof out->value, "%s", line);
        out->same = out->same && strcmp(line, out->value) == 0;
        out->any = true;
        out->words = out->words && is_word(line);
        size_t used = strlen(out->restore);
        put(out->restore + used, sizeof out->restore - used, "%secho %s | sudo tee %s",
            used > 0 ? "; " : "", line, path);
    }
    if (!out->words)
        out->restore[0] = 0;
    else if (out->same)
        put(out->restore, sizeof out->restore, "echo %s | sudo tee " CPU_FOLDER "/cpu*/%s",
            out->value, file);
    else if (strlen(out->restore) + 1 == sizeof out->restore) /* too many to list */
        put(out->restore, sizeof out->restore, "grep . " CPU_FOLDER "/cpu*/%s > before", file);
}

static void read_governor(struct reader *r)
{
    struct per_cpu p;
    read_per_cpu(&p, r, "cpufreq/scaling_governor");
    struct sw_setting *s =
        add(r, "governor", CPU_FOLDER "/cpu*/cpufreq/scaling_governor", SW_SETTING_UNKNOWN);
    if (!p.any) {
        PUT(s->reason, "no cpufreq: firmware or host sets the clock, and does not tell");
        return;
    }
    bool good = p.same && strcmp(p.value, "performance") == 0;
    s->state = good ? SW_SETTING_GOOD : SW_SETTING_NOTE;
    PUT(s->value, "%s%s", p.value, p.same ? "" : " and others");
    if (good)
        return;
    PUT(s->reason,
        "the clock follows the load: short work runs slower, at other joules, than long");
    PUT(s->change, "echo performance | sudo tee " CPU_FOLDER "/cpu*/cpufreq/scaling_governor");
    PUT(s->restore, "%s", p.restore);
}

static void read_preference(struct reader *r)
{
    struct per_cpu p;
    read_per_cpu(&p, r, "cpufreq/energy_performance_preference");
    if (!p.any)
        return;
    bool good = p.same && strcmp(p.value, "performance") == 0;
    struct sw_setting *s =
        add(r, "energy preference", CPU_FOLDER "/cpu*/cpufreq/energy_performance_preference",
            good ? SW_SETTING_GOOD : SW_SETTING_NOTE);
    PUT(s->value, "%s%s", p.value, p.same ? "" : " and others");
    if (good)
        return;
    PUT(s->reason, "the processor itself chooses clocks by it; compare only runs with the same");
    PUT(s->change, "echo performance | sudo tee %s", s->path);
    PUT(s->restore, "%s", p.restore);
}

static void read_clock_limit(struct reader *r)
{
    uint64_t limit, most;
    struct per_cpu p;
    if (!read_number(&limit, r, CPU_FOLDER "/cpu0/cpufreq/scaling_max_freq") ||
        !read_number(&most, r, CPU_FOLDER "/cpu0/cpufreq/cpuinfo_max_freq"))
        return;
    struct sw_setting *s = add(r, "clock limit", CPU_FOLDER "/cpu*/cpufreq/scaling_max_freq",
                               limit < most ? SW_SETTING_NOTE : SW_SETTING_GOOD);
    PUT(s->value, "%.2f of %.2f GHz", (double)limit * 1e-6, (double)most * 1e-6);
    if (limit >= most)
        return;
    read_per_cpu(&p, r, "cpufreq/scaling_max_freq");
    PUT(s->reason, "the processor is kept below its own highest clock");
    PUT(s->change, "echo %llu | sudo tee %s", (unsigned long long)most, s->path);
    PUT(s->restore, "%s", p.restore);
}

/* Two drivers, two files, of opposite sense. */
static void read_turbo(struct reader *r)
{
    static const struct {
        const char *path;
        uint64_t on;
    } files[] = {{CPU_FOLDER "/intel_pstate/no_turbo", 0}, {CPU_FOLDER "/cpufreq/boost", 1}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        uint64_t value;
        if (!read_number(&value, r, files[i].path))
            continue;
        bool on = value == files[i].on;
        struct sw_setting *s =
            add(r, "turbo", files[i].path, on ? SW_SETTING_NOTE : SW_SETTING_GOOD);
        PUT(s->value, "%s", on ? "on" : "off");
        if (!on)
            return;
        PUT(s->reason, "the clock depends on heat and on what ran before; off, runs repeat better "
                       "and are slower");
        PUT(s->change, "echo %d | sudo tee %s", files[i].on == 0, files[i].path);
        PUT(s->restore, "echo %llu | sudo tee %s", (unsigned long long)value, files[i].path);
        return;
    }
}

static void read_smt(struct reader *r)
{
    char control[LINE];
    uint64_t active;
    if (!read_number(&active, r, CPU_FOLDER "/smt/active"))
        return;
    struct sw_setting *s =
        add(r, "SMT", CPU_FOLDER "/smt/control", active ? SW_SETTING_NOTE : SW_SETTING_GOOD);
    PUT(s->value, "%s", active ? "on" : "off");
    if (!active)
        return;
    PUT(s->reason, "two logical CPUs share a core: what the one does slows the other, and load in "
                   "percent means less");
    if (!read_line(control, r, s->path) || strcmp(control, "on") != 0)
        return;
    PUT(s->change, "echo off | sudo tee %s", s->path);
    PUT(s->restore, "echo on | sudo tee %s", s->path);
}

static void read_load(struct reader *r)
{
    char line[LINE];
    double load;
    if (!read_line(line, r, "/proc/loadavg"))
        return;
    line[strcspn(line, " ")] = 0;
    if (!sw_parse_double(&load, line, 0, 1e9))
        return;
    /* The mean of a minute: whoever just built something sees that, too. */
    bool good = load < 0.3;
    struct sw_setting *s =
        add(r, "load", "/proc/loadavg", good ? SW_SETTING_GOOD : SW_SETTING_SPOILS);
    PUT(s->value, "%.2f over the last minute", load);
    if (good)
        return;
    PUT(s->reason, "counters see the whole machine: other programs' joules are in every figure");
    PUT(s->change, "top -b -n 1 -o %%CPU | head -n 15   # shows who; end or stop it");
}

static void read_power_supply(struct reader *r)
{
    static const char folder[] = "/sys/class/power_supply";
    char *full = sw_path_join_dup(r->root, folder);
    struct dirent **entries = NULL;
    int n = full != NULL ? scandir(full, &entries, NULL, alphasort) : -1;
    bool has_battery = false, discharging = false;
    char path[512], line[LINE], battery[96] = "";
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        put(path, sizeof path, "%s/%.255s/type", folder, name);
        if (name[0] != '.' && read_line(line, r, path) && strcmp(line, "Battery") == 0) {
            put(path, sizeof path, "%s/%.255s/scope", folder, name);
            /* A mouse or keyboard has a battery of its own. */
            bool own = !read_line(line, r, path) || strcmp(line, "Device") != 0;
            put(path, sizeof path, "%s/%.255s/status", folder, name);
            if (own && read_line(line, r, path)) {
                has_battery = true;
                if (!discharging)
                    put(battery, sizeof battery, "%.90s", path);
                discharging = discharging || strcmp(line, "Discharging") == 0;
            }
        }
        free(entries[i]);
    }
    free(entries);
    free(full);
    if (!has_battery)
        return;
    struct sw_setting *s =
        add(r, "power", battery, discharging ? SW_SETTING_SPOILS : SW_SETTING_GOOD);
    PUT(s->value, "%s", discharging ? "battery" : "mains");
    if (!discharging)
        return;
    PUT(s->reason, "on battery, firmware lowers clocks and power limits as it sees fit");
    PUT(s->change, "plug the power supply in");
}

static void read_profile(struct reader *r)
{
    char line[LINE];
    static const char path[] = "/sys/firmware/acpi/platform_profile";
    if (!read_line(line, r, path))
        return;
    bool good =
        strcmp(line, "low-power") != 0 && strcmp(line, "quiet") != 0 && strcmp(line, "cool") != 0;
    struct sw_setting *s =
        add(r, "platform profile", path, good ? SW_SETTING_GOOD : SW_SETTING_NOTE);
    PUT(s->value, "%s", line);
    if (good)
        return;
    PUT(s->reason, "firmware keeps power limits lower than usual");
    PUT(s->change, "echo balanced | sudo tee %s", path);
    if (is_word(line))
        PUT(s->restore, "echo %s | sudo tee %s", line, path);
}

static void read_virtual(struct reader *r)
{
    struct sw_setting *s = add(r, "virtual machine", "/proc/cpuinfo",
                               r->machine.virtual_machine ? SW_SETTING_SPOILS : SW_SETTING_GOOD);
    PUT(s->value, "%s", r->machine.virtual_machine ? "yes" : "no");
    if (r->machine.logical == 0) {
        s->state = SW_SETTING_UNKNOWN;
        PUT(s->value, "%s", "");
        PUT(s->reason, "/proc/cpuinfo cannot be read");
    } else if (r->machine.virtual_machine) {
        PUT(s->reason, "the host hides its counters and lends processors to others meanwhile");
        PUT(s->change, "measure on the host, or on a machine of your own");
    }
}

static void read_limits(struct reader *r)
{
    const struct sw_machine *m = &r->machine;
    if (m->cpu_limit > 0) {
        struct sw_setting *s = add(r, "CPU limit", "/sys/fs/cgroup/cpu.max", SW_SETTING_SPOILS);
        PUT(s->value, "%.3g of %u CPUs", m->cpu_limit, m->logical);
        PUT(s->reason,
            "the control group is stopped for parts of each period; the package's joules "
            "go on");
        PUT(s->change, "start the container without --cpus, the unit without CPUQuota=");
    }
    if (m->n_cpu_set > 0) {
        struct sw_setting *s =
            add(r, "CPU set", "/sys/fs/cgroup/cpuset.cpus.effective", SW_SETTING_NOTE);
        PUT(s->value, "%u of %u CPUs", m->n_cpu_set, m->logical);
        PUT(s->reason, "what runs on the other CPUs is in the package's joules, too");
        PUT(s->change, "ask for the whole node, start the container without --cpuset-cpus");
    }
    if (m->memory_limit_bytes > 0) {
        struct sw_setting *s = add(r, "memory limit", "/sys/fs/cgroup/memory.max", SW_SETTING_NOTE);
        PUT(s->value, "%.3g of %.3g GiB", (double)m->memory_limit_bytes / (1 << 30),
            (double)m->memory_bytes / (1 << 30));
        PUT(s->reason, "near the limit pages are dropped and read again, on nobody's account");
        PUT(s->change, "start the container without --memory, the unit without MemoryMax=");
    }
}

static void read_paranoid(struct reader *r)
{
    char line[LINE];
    int64_t level;
    static const char path[] = "/proc/sys/kernel/perf_event_paranoid";
    char *full = sw_path_join_dup(r->root, "/sys/bus/event_source/devices/power");
    bool has_power = full != NULL && sw_file_is_folder(full);
    free(full);
    if (!has_power || !read_line(line, r, path) || !sw_parse_i64(&level, line, -10, 10))
        return;
    struct sw_setting *s =
        add(r, "perf_event_paranoid", path, level <= 0 ? SW_SETTING_GOOD : SW_SETTING_NOTE);
    PUT(s->value, "%d", (int)level);
    if (level <= 0)
        return;
    PUT(s->reason, "the perf events of power need 0 or less, or the capability CAP_PERFMON, which "
                   "is the lesser right");
    PUT(s->change, "sudo setcap cap_perfmon=ep \"$(readlink -f \"$(command -v smolwatt)\")\"");
    PUT(s->restore, "sudo setcap -r \"$(readlink -f \"$(command -v smolwatt)\")\"");
}

static void read_huge_pages(struct reader *r)
{
    char line[LINE];
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    if (!read_line(line, r, path))
        return;
    /* "always [madvise] never": the bracketed word is set. */
    char *word = strchr(line, '[');
    char *end = word != NULL ? strchr(word, ']') : NULL;
    if (end == NULL)
        return;
    *end = 0;
    word++;
    bool good = strcmp(word, "never") != 0;
    struct sw_setting *s = add(r, "huge pages", path, good ? SW_SETTING_GOOD : SW_SETTING_NOTE);
    PUT(s->value, "%s", word);
    if (good)
        return;
    PUT(s->reason, "weights in small pages cost more address look-ups, time and joules");
    PUT(s->change, "echo madvise | sudo tee %s", path);
    PUT(s->restore, "echo %s | sudo tee %s", word, path);
}

static void read_numa(struct reader *r)
{
    char line[LINE];
    uint64_t balancing;
    if (!read_line(line, r, "/sys/devices/system/node/online"))
        return;
    bool several = strpbrk(line, "-,") != NULL;
    struct sw_setting *s = add(r, "NUMA nodes", "/sys/devices/system/node/online",
                               several ? SW_SETTING_NOTE : SW_SETTING_GOOD);
    PUT(s->value, "%s", line);
    if (!several)
        return;
    PUT(s->reason, "memory of another node is slower and costs more; where pages land differs from "
                   "run to run");
    PUT(s->change,
        "numactl --cpunodebind=0 --membind=0 smolwatt run   # per run; nothing to restore");
    static const char path[] = "/proc/sys/kernel/numa_balancing";
    if (!read_number(&balancing, r, path) || balancing == 0)
        return;
    s = add(r, "NUMA balancing", path, SW_SETTING_NOTE);
    PUT(s->value, "%llu", (unsigned long long)balancing);
    PUT(s->reason, "the kernel moves pages between nodes while work is measured");
    PUT(s->change, "sudo sysctl kernel.numa_balancing=0");
    PUT(s->restore, "sudo sysctl kernel.numa_balancing=%llu", (unsigned long long)balancing);
}

static void read_clock_source(struct reader *r)
{
    char line[LINE];
    static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    if (!read_line(line, r, path))
        return;
    bool slow =
        strcmp(line, "hpet") == 0 || strcmp(line, "acpi_pm") == 0 || strcmp(line, "jiffies") == 0;
    struct sw_setting *s = add(r, "clock source", path, slow ? SW_SETTING_NOTE : SW_SETTING_GOOD);
    PUT(s->value, "%s", line);
    if (!slow)
        return;
    PUT(s->reason, "reading the time costs a microsecond and more; the kernel gave the TSC up, see "
                   "dmesg");
    PUT(s->change, "echo tsc | sudo tee %s", path);
    PUT(s->restore, "echo %s | sudo tee %s", line, path);
}

void sw_settings_read(struct sw_settings *out, const char *root)
{
    struct reader *r = calloc(1, sizeof *r);
    out->n = 0;
    if (r == NULL)
        return;
    r->out = out;
    r->root = root;
    sw_machine_read(&r->machine, root);
    read_governor(r);
    read_preference(r);
    read_clock_limit(r);
    read_turbo(r);
    read_smt(r);
    read_load(r);
    read_power_supply(r);
    read_profile(r);
    read_virtual(r);
    read_limits(r);
    read_paranoid(r);
    read_huge_pages(r);
    read_numa(r);
    read_clock_source(r);
    free(r);
}
