/* Looks for the files that tell of conditions and opens those that can be read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "meter/conditions_reader.h"

#define CPU_FOLDER "/sys/devices/system/cpu"

/* A reading that takes longer is not made at every edge: behind some files (ACPI, embedded
 * controllers) stands firmware that takes milliseconds. */
static const uint64_t slow_ns = 200000;

enum {
    TEXT_BYTES = SW_WATCHED_TEXT_BYTES,
    MAX_CPUS = 4096,
    MAX_CLOCKS = 16,
    MAX_CORES = 64,
    MAX_PACKAGES = 16,
    MAX_ZONES = 32,
    MAX_SUPPLIES = 8,
    MAX_GROUPS = 8,
};

static void give_up(struct sw_conditions_reader *r, enum sw_condition condition, const char *format,
                    ...) SW_PRINTF(3, 4);

static void give_up(struct sw_conditions_reader *r, enum sw_condition condition, const char *format,
                    ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->why[condition], sizeof r->why[condition], format, arguments);
    va_end(arguments);
}

/* Opens root/path for good; false with errno where it is no file that can be read. */
static bool watch(struct sw_conditions_reader *r, struct sw_watched_list *list, const char *path)
{
    struct stat info;
    struct sw_watched w = {.fd = -1};
    if (list->n == list->capacity)
        return false;
    char *full = sw_path_join_dup(r->root, path);
    /* Without waiting: a pipe in a replayed tree would wait for its writer. */
    w.fd = full != NULL ? open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    int error = w.fd < 0 ? errno : 0;
    free(full);
    if (w.fd >= 0 && (fstat(w.fd, &info) != 0 || !S_ISREG(info.st_mode)))
        error = EINVAL;
    if (error == 0) {
        errno = ENODATA;
        sw_watched_read(&w); /* the first reading may have more to do than later ones */
        error = w.good ? 0 : errno;
    }
    if (error != 0) {
        if (w.fd >= 0)
            close(w.fd);
        errno = error;
        return false;
    }
    w.read_at_ns = sw_clock_ns();
    sw_watched_read(&w);
    w.slow = list->may_lag && sw_clock_ns() - w.read_at_ns > slow_ns;
    list->items[list->n++] = w;
    return true;
}

/* One file for the conditions from first to last. */
static void watch_or_tell(struct sw_conditions_reader *r, struct sw_watched_list *list,
                          const char *path, enum sw_condition first, enum sw_condition last)
{
    if (watch(r, list, path))
        return;
    const char *why = strerror(errno);
    for (int c = (int)first; c <= (int)last; c++)
        give_up(r, (enum sw_condition)c, "%s: %s", path, why);
}

/* First line of root/path once, in line; false where it cannot be had. */
static bool read_once(const struct sw_conditions_reader *r, char line[TEXT_BYTES],
                      const char *format, ...) SW_PRINTF(3, 4);

static bool read_once(const struct sw_conditions_reader *r, char line[TEXT_BYTES],
                      const char *format, ...)
{
    char path[TEXT_BYTES];
    struct stat info;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    char *full = sw_path_join_dup(r->root, path);
    bool ok = full != NULL && stat(full, &info) == 0 && S_ISREG(info.st_mode) &&
              sw_file_first_line(line, TEXT_BYTES, full, NULL) == SW_OK;
    free(full);
    return ok;
}

static uint64_t number_once(const struct sw_conditions_reader *r, const char *folder,
                            const char *name, uint64_t most, uint64_t fallback)
{
    char line[TEXT_BYTES];
    uint64_t value;
    return read_once(r, line, "%s/%s", folder, name) && sw_parse_u64(&value, line, 0, most)
               ? value
               : fallback;
}

/* Numbers of the processors that are there, ascending; returns how many. */
static size_t list_cpus(const struct sw_conditions_reader *r, unsigned cpus[MAX_CPUS])
{
    static const char prefix[] = "cpu";
    unsigned char seen[MAX_CPUS] = {0};
    char *full = sw_path_join_dup(r->root, CPU_FOLDER);
    DIR *folder = full != NULL ? opendir(full) : NULL;
    free(full);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        uint64_t number;
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0 &&
            sw_parse_u64(&number, entry->d_name + sizeof prefix - 1, 0, MAX_CPUS - 1))
            seen[number] = 1;
    }
    if (folder != NULL)
        closedir(folder);
    size_t n = 0;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (seen[cpu])
            cpus[n++] = cpu;
    return n;
}

static void find_clocks(struct sw_conditions_reader *r, const unsigned *cpus, size_t n)
{
    char folder[64], path[96];
    /* Evenly over all, where there are more than are watched. */
    size_t step = n / MAX_CLOCKS + (n % MAX_CLOCKS != 0);
    for (size_t i = 0; i < n; i += step) {
        snprintf(folder, sizeof folder, CPU_FOLDER "/cpu%u/cpufreq", cpus[i]);
        snprintf(path, sizeof path, "%s/scaling_cur_freq", folder);
        if (!watch(r, &r->clocks, path))
            continue;
        const uint64_t most_khz = 1000000000;
        int64_t base = (int64_t)number_once(r, folder, "base_frequency", most_khz, 0) * 1000;
        int64_t most = (int64_t)number_once(r, folder, "cpuinfo_max_freq", most_khz, 0) * 1000;
        if (base > r->clock_base_hz)
            r->clock_base_hz = base;
        if (most > r->clock_most_hz)
            r->clock_most_hz = most;
    }
    if (r->clocks.n == 0)
        give_up(r, SW_CONDITION_CLOCK_HZ,
                CPU_FOLDER "/cpu*/cpufreq/scaling_cur_freq: none can be read");
    if (r->clock_base_hz == 0)
        give_up(r, SW_CONDITION_CLOCK_BASE_HZ,
                CPU_FOLDER "/cpu*/cpufreq/base_frequency: none can be read");
    if (r->clock_most_hz == 0)
        give_up(r, SW_CONDITION_CLOCK_MOST_HZ,
                CPU_FOLDER "/cpu*/cpufreq/cpuinfo_max_freq: none can be read");
}

/* One processor of each core and of each package stands for its siblings, which count the same. */
static void find_throttles(struct sw_conditions_reader *r, const unsigned *cpus, size_t n)
{
    struct {
        uint64_t package, core;
    } seen[MAX_CORES];
    uint64_t packages[MAX_PACKAGES];
    char folder[64], path[128];
    for (size_t i = 0; i < n && r->cores.n < MAX_CORES; i++) {
        snprintf(folder, sizeof folder, CPU_FOLDER "/cpu%u/topology", cpus[i]);
        uint64_t package = number_once(r, folder, "physical_package_id", INT32_MAX, 0);
        uint64_t core = number_once(r, folder, "core_id", INT32_MAX, cpus[i]);
        size_t at = 0;
        while (at < r->cores.n && (seen[at].package != package || seen[at].core != core))
            at++;
        snprintf(path, sizeof path, CPU_FOLDER "/cpu%u/thermal_throttle/core_throttle_count",
                 cpus[i]);
        if (at == r->cores.n && watch(r, &r->cores, path)) {
            seen[at].package = package;
            seen[at].core = core;
        }
        at = 0;
        while (at < r->packages.n && packages[at] != package)
            at++;
        snprintf(path, sizeof path, CPU_FOLDER "/cpu%u/thermal_throttle/package_throttle_count",
                 cpus[i]);
        if (at == r->packages.n && watch(r, &r->packages, path))
            packages[at] = package;
    }
    if (r->cores.n == 0)
        give_up(r, SW_CONDITION_CORE_THROTTLES,
                CPU_FOLDER "/cpu*/thermal_throttle/core_throttle_count: none can be read");
    if (r->packages.n == 0)
        give_up(r, SW_CONDITION_PACKAGE_THROTTLES,
                CPU_FOLDER "/cpu*/thermal_throttle/package_throttle_count: none can be read");
}

static bool is_of_processor(const char *type)
{
    return strcmp(type, "x86_pkg_temp") == 0 || strncmp(type, "cpu", 3) == 0 ||
           strncmp(type, "CPU", 3) == 0 || strncmp(type, "soc", 3) == 0 ||
           strncmp(type, "TCPU", 4) == 0 || strstr(type, "coretemp") != NULL;
}

/* Zones of processors; where none says so, all zones. */
static void find_zones(struct sw_conditions_reader *r)
{
    char line[TEXT_BYTES], path[96];
    for (int any = 0; any <= 1 && r->zones.n == 0; any++) {
        for (unsigned i = 0; i < 2 * MAX_ZONES; i++) {
            if (!any && (!read_once(r, line, "/sys/class/thermal/thermal_zone%u/type", i) ||
                         !is_of_processor(line)))
                continue;
            snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%u/temp", i);
            watch(r, &r->zones, path);
        }
    }
    if (r->zones.n == 0)
        give_up(r, SW_CONDITION_TEMPERATURE_MC,
                "/sys/class/thermal/thermal_zone*/temp: none can be read");
}

static void find_supplies(struct sw_conditions_reader *r)
{
    static const char top[] = "/sys/class/power_supply";
    char type[TEXT_BYTES], scope[TEXT_BYTES], path[TEXT_BYTES];
    char *full = sw_path_join_dup(r->root, top);
    DIR *folder = full != NULL ? opendir(full) : NULL;
    if (folder == NULL)
        give_up(r, SW_CONDITION_ON_BATTERY, "%s: %s", top, strerror(errno));
    free(full);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        const char *name = entry->d_name;
        if (name[0] == '.' || strlen(name) > 64 || !read_once(r, type, "%s/%s/type", top, name))
            continue;
        /* A mouse's battery is not the machine's. */
        if (read_once(r, scope, "%s/%s/scope", top, name) && strcmp(scope, "Device") == 0)
            continue;
        bool is_battery = strcmp(type, "Battery") == 0;
        snprintf(path, sizeof path, "%s/%s/%s", top, name, is_battery ? "status" : "online");
        watch(r, is_battery ? &r->batteries : &r->mains, path);
    }
    if (folder != NULL)
        closedir(folder);
}

/* The control group that this process is in and those above it, version 2; or version 1's. */
static void find_groups(struct sw_conditions_reader *r)
{
    static const char *const version_1[] = {"/sys/fs/cgroup/cpu/cpu.stat",
                                            "/sys/fs/cgroup/cpu,cpuacct/cpu.stat"};
    char line[TEXT_BYTES], path[2 * TEXT_BYTES];
    uint64_t n, ns;
    char *own = line;
    /* ".." shows where the group lies outside of what this process may see. */
    if (!read_once(r, line, "/proc/self/cgroup") || strncmp(line, "0::/", 4) != 0 ||
        strstr(line, "..") != NULL)
        line[0] = 0;
    else
        own = line + 3;
    for (;;) {
        size_t size = strlen(own);
        while (size > 0 && own[size - 1] == '/')
            own[--size] = 0;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.stat", own);
        if (watch(r, &r->groups, path) &&
            !sw_conditions_parse_limit(&n, &ns, r->groups.items[r->groups.n - 1].text))
            close(r->groups.items[--r->groups.n].fd); /* the root group has no quota */
        char *slash = strrchr(own, '/');
        if (slash == NULL)
            break;
        *slash = 0;
    }
    for (size_t i = 0; i < 2 && r->groups.n == 0; i++)
        watch(r, &r->groups, version_1[i]);
    for (int c = SW_CONDITION_N_LIMITED; r->groups.n == 0 && c <= SW_CONDITION_LIMITED_NS; c++)
        give_up(r, (enum sw_condition)c, "no control group above this process counts a CPU quota");
}

static bool make_room(struct sw_watched_list *list, size_t capacity)
{
    list->items = calloc(capacity, sizeof *list->items);
    list->capacity = capacity;
    return list->items != NULL;
}

enum sw_code sw_conditions_open(struct sw_conditions_reader **out, const char *root,
                                struct sw_error *err)
{
    unsigned cpus[MAX_CPUS];
    struct sw_conditions_reader *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL)
        return sw_fail(err, SW_ENOMEM, "conditions: out of memory");
    r->root = strdup(root != NULL ? root : "");
    if (r->root == NULL || !make_room(&r->stat, 1) || !make_room(&r->self, 1) ||
        !make_room(&r->pressure, 1) || !make_room(&r->groups, MAX_GROUPS) ||
        !make_room(&r->clocks, MAX_CLOCKS) || !make_room(&r->cores, MAX_CORES) ||
        !make_room(&r->packages, MAX_PACKAGES) || !make_room(&r->zones, MAX_ZONES) ||
        !make_room(&r->batteries, MAX_SUPPLIES) || !make_room(&r->mains, MAX_SUPPLIES)) {
        sw_conditions_close(r);
        return sw_fail(err, SW_ENOMEM, "conditions: out of memory");
    }
    r->clocks.may_lag = r->zones.may_lag = r->batteries.may_lag = r->mains.may_lag = true;
    r->real = r->root[0] == 0;
    long ticks_per_s = sysconf(_SC_CLK_TCK);
    r->tick_ns = ticks_per_s > 0 ? 1000000000 / ticks_per_s : 10000000;
    watch_or_tell(r, &r->stat, "/proc/stat", SW_CONDITION_BUSY_CPU_NS, SW_CONDITION_ALL_CPU_NS);
    if (!r->real)
        watch_or_tell(r, &r->self, "/proc/self/stat", SW_CONDITION_OWN_CPU_NS,
                      SW_CONDITION_OWN_CPU_NS);
    watch_or_tell(r, &r->pressure, "/proc/pressure/cpu", SW_CONDITION_WAITING_NS,
                  SW_CONDITION_WAITING_NS);
    find_groups(r);
    size_t n_cpus = list_cpus(r, cpus);
    find_clocks(r, cpus, n_cpus);
    find_throttles(r, cpus, n_cpus);
    find_zones(r);
    find_supplies(r);
    *out = r;
    return SW_OK;
}

static void unwatch(struct sw_watched_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        close(list->items[i].fd);
    free(list->items);
}

void sw_conditions_close(struct sw_conditions_reader *r)
{
    if (r == NULL)
        return;
    struct sw_watched_list *lists[] = {&r->stat,      &r->self,  &r->pressure, &r->groups,
                                       &r->clocks,    &r->cores, &r->packages, &r->zones,
                                       &r->batteries, &r->mains};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        unwatch(lists[i]);
    free(r->root);
    free(r);
}
