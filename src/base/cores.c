#include "base/cores.h"

#include <hwloc.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"

/* A pinned thread's own mask says one processor; what it may use is what it had before. */
static _Thread_local struct {
    int depth;
    cpu_set_t allowed; /* valid if depth > 0 */
} pinned;

static void allowed_mask(cpu_set_t *out)
{
    if (pinned.depth > 0) {
        *out = pinned.allowed;
        return;
    }
    CPU_ZERO(out);
    if (sched_getaffinity(0, sizeof *out, out) != 0)
        CPU_SET(0, out);
}

bool sw_cores_pin(int cpu)
{
    cpu_set_t before, mask;
    allowed_mask(&before);
    CPU_ZERO(&mask);
    CPU_SET((size_t)cpu, &mask);
    if (sched_setaffinity(0, sizeof mask, &mask) != 0)
        return false;
    pinned.allowed = before;
    pinned.depth++;
    return true;
}

void sw_cores_unpin(void)
{
    if (pinned.depth > 0 && --pinned.depth == 0)
        sched_setaffinity(0, sizeof pinned.allowed, &pinned.allowed);
}

/* Only cores and processors are discovered: a full topology takes tens of milliseconds. */
static bool load_topology(hwloc_topology_t *out)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0)
        return false;
    hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    if (hwloc_topology_load(topology) != 0) {
        hwloc_topology_destroy(topology);
        return false;
    }
    *out = topology;
    return true;
}

static void add(struct sw_cores *out, int cpu)
{
    if (out->n_cpus < SW_MAX_CPUS)
        out->cpus[out->n_cpus++] = cpu;
}

/* Takes the sibling-th allowed processor of every core; returns how many there were. */
static int add_siblings(struct sw_cores *out, hwloc_topology_t topology, const cpu_set_t *mask,
                        int sibling)
{
    int n = 0;
    hwloc_obj_t core = NULL;
    while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != NULL) {
        int seen = 0;
        int cpu;
        hwloc_bitmap_foreach_begin(cpu, core->cpuset)
        {
            if (cpu < CPU_SETSIZE && CPU_ISSET((size_t)cpu, mask) && seen++ == sibling) {
                add(out, cpu);
                n++;
            }
        }
        hwloc_bitmap_foreach_end();
    }
    return n;
}

void sw_cores_read(struct sw_cores *out)
{
    memset(out, 0, sizeof *out);
    cpu_set_t mask;
    allowed_mask(&mask);
    hwloc_topology_t topology;
    if (load_topology(&topology)) {
        out->n_cores = add_siblings(out, topology, &mask, 0);
        for (int sibling = 1; add_siblings(out, topology, &mask, sibling) > 0; sibling++)
            continue;
        out->is_topology_known = out->n_cores > 0;
        hwloc_topology_destroy(topology);
    }
    if (!out->is_topology_known) {
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (CPU_ISSET((size_t)cpu, &mask))
                add(out, cpu);
        }
        out->n_cores = out->n_cpus;
    }
    out->quota = sw_cores_quota("");
}

/* "200000 100000" (microseconds of quota and period), "max 100000" for none. */
static double parse_cpu_max(char *line)
{
    char *space = strchr(line, ' ');
    double quota, period;
    if (space == NULL)
        return 0;
    *space = 0;
    if (!sw_parse_double(&quota, line, 1, 1e15) || !sw_parse_double(&period, space + 1, 1, 1e15))
        return 0;
    return quota / period;
}

static double smaller_quota(double a, double b)
{
    return b > 0 && (a <= 0 || b < a) ? b : a;
}

/* Version 1 keeps quota and period in two files. */
static double quota_of_v1(const char *folder)
{
    char path[4096 + 64], line[2][64];
    double value[2];
    const char *names[2] = {"cpu.cfs_quota_us", "cpu.cfs_period_us"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (sw_file_first_line(line[i], sizeof line[i], path, NULL) != SW_OK ||
            !sw_parse_double(&value[i], line[i], 1, 1e15))
            return 0;
    }
    return value[0] / value[1];
}

static double quota_of_v2(const char *folder)
{
    char path[4096 + 64], line[128];
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (sw_file_first_line(line, sizeof line, path, NULL) != SW_OK)
        return 0;
    return parse_cpu_max(line);
}

/* A limit holds for everything below it, so the smallest on the way up counts. */
static double quota_on_path(const char *mount, const char *group, double (*quota_of)(const char *))
{
    char folder[4096];
    double quota = 0;
    int size = snprintf(folder, sizeof folder, "%s%s", mount, group);
    if (size < 0 || (size_t)size >= sizeof folder)
        return 0;
    for (;;) {
        quota = smaller_quota(quota, quota_of(folder));
        char *slash = strrchr(folder + strlen(mount), '/');
        if (slash == NULL)
            return quota;
        *slash = 0;
    }
}

double sw_cores_quota(const char *root)
{
    char path[4096], mount[4096];
    struct sw_buffer text = {0};
    double quota = 0;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (sw_file_read(&text, path, 1 << 20, NULL) != SW_OK || text.data == NULL)
        goto done;
    /* Lines are "number:controllers:/path"; number 0 without controllers is version 2. */
    char *rest = text.data, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *controllers = strchr(line, ':');
        char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL)
            continue;
        *controllers++ = 0;
        *group++ = 0;
        if (strcmp(controllers, "") == 0) {
            snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
            quota = smaller_quota(quota, quota_on_path(mount, group, quota_of_v2));
        } else if (strncmp(controllers, "cpu,", 4) == 0 || strcmp(controllers, "cpu") == 0) {
            snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/cpu", root);
            quota = smaller_quota(quota, quota_on_path(mount, group, quota_of_v1));
        }
    }
done:
    sw_buffer_free(&text);
    return quota;
}
