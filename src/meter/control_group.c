#include "meter/control_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "meter/package.h"

enum { SMALL_BYTES = 1 << 16, PATH_BYTES = 1024, FOLDER_BYTES = 512, MOST_CPUS = 4096 };
/* Real ones have a dozen lines, a handful of levels. */
enum { MOST_LINES = 32, MOST_LEVELS = 16 };

static bool first_word_u64(uint64_t *out, const char *text)
{
    char word[24];
    size_t n = strcspn(text, " \n");
    if (n == 0 || n >= sizeof word)
        return false;
    memcpy(word, text, n);
    word[n] = 0;
    return sw_parse_u64(out, word, 0, UINT64_MAX);
}

static void note_memory_limit(struct sw_machine *out, const char *text)
{
    uint64_t limit;
    if (first_word_u64(&limit, text) && limit > 0 &&
        (out->memory_limit_bytes == 0 || limit < out->memory_limit_bytes))
        out->memory_limit_bytes = limit;
}

static void note_cpu_limit(struct sw_machine *out, const char *quota_text, const char *period_text)
{
    uint64_t quota, period;
    if (!first_word_u64(&quota, quota_text) || !first_word_u64(&period, period_text) ||
        quota == 0 || period == 0)
        return;
    double cpus = (double)quota / (double)period;
    if (out->cpu_limit <= 0 || cpus < out->cpu_limit)
        out->cpu_limit = cpus;
}

static void note_cpu_set(struct sw_machine *out, const char *text)
{
    unsigned cpus[MOST_CPUS]; /* only the count matters */
    char list[4096];
    size_t length = strcspn(text, "\n");
    if (length == 0 || length >= sizeof list)
        return;
    memcpy(list, text, length);
    list[length] = 0;
    size_t n = sw_cpu_list_parse(cpus, MOST_CPUS, list);
    if (n > 0 && (out->n_cpu_set == 0 || n < out->n_cpu_set))
        out->n_cpu_set = (unsigned)n;
}

static char *read_dup(const char *root, const char *controller, const char *folder,
                      const char *file)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s%s/%s", controller, folder, file);
    return sw_machine_text_dup(root, path, SMALL_BYTES, NULL);
}

/* One group, "" for what a container sees as its root. */
static void read_v2(struct sw_machine *out, const char *root, const char *folder)
{
    char *text = read_dup(root, "", folder, "memory.max");
    if (text != NULL)
        note_memory_limit(out, text);
    free(text);
    text = read_dup(root, "", folder, "cpu.max");
    const char *period = text != NULL ? strchr(text, ' ') : NULL;
    if (period != NULL)
        note_cpu_limit(out, text, period + 1);
    free(text);
    text = read_dup(root, "", folder, "cpuset.cpus.effective");
    if (text != NULL)
        note_cpu_set(out, text);
    free(text);
}

static void read_v1_memory(struct sw_machine *out, const char *root, const char *folder)
{
    char *text = read_dup(root, "/memory", folder, "memory.limit_in_bytes");
    if (text != NULL)
        note_memory_limit(out, text);
    free(text);
}

static void read_v1_cpu(struct sw_machine *out, const char *root, const char *folder)
{
    char *quota = read_dup(root, "/cpu", folder, "cpu.cfs_quota_us");
    char *period = read_dup(root, "/cpu", folder, "cpu.cfs_period_us");
    if (quota != NULL && period != NULL)
        note_cpu_limit(out, quota, period);
    free(quota);
    free(period);
}

static void read_v1_cpuset(struct sw_machine *out, const char *root, const char *folder)
{
    char *text = read_dup(root, "/cpuset", folder, "cpuset.effective_cpus");
    if (text == NULL)
        text = read_dup(root, "/cpuset", folder, "cpuset.cpus");
    if (text != NULL)
        note_cpu_set(out, text);
    free(text);
}

typedef void read_group(struct sw_machine *out, const char *root, const char *folder);

/* The group and all above it but the root. */
static void read_upwards(read_group *read, struct sw_machine *out, const char *root,
                         const char *path)
{
    char folder[FOLDER_BYTES];
    size_t length = strcspn(path, "\n");
    if (length >= sizeof folder || path[0] != '/')
        return;
    memcpy(folder, path, length);
    folder[length] = 0;
    if (strstr(folder, "..") != NULL)
        return;
    char *slash;
    for (int level = 0; level < MOST_LEVELS && (slash = strrchr(folder, '/')) != NULL; level++) {
        if (slash[1] != 0)
            read(out, root, folder);
        *slash = 0;
    }
}

static bool has_name(const char *list, size_t length, const char *name)
{
    for (size_t i = 0; i < length;) {
        size_t n = strcspn(list + i, ",");
        if (n > length - i)
            n = length - i;
        if (n == strlen(name) && memcmp(list + i, name, n) == 0)
            return true;
        i += n + 1;
    }
    return false;
}

/* A line of /proc/self/cgroup: "0::/box" in version 2, "4:cpu,cpuacct:/slurm/uid_1/job_2" in 1. */
static void read_line(struct sw_machine *out, const char *root, const char *line)
{
    static const struct {
        const char *controller;
        read_group *read;
    } kinds[] = {{"memory", read_v1_memory}, {"cpu", read_v1_cpu}, {"cpuset", read_v1_cpuset}};
    size_t end = strcspn(line, "\n");
    const char *names = memchr(line, ':', end);
    if (names == NULL)
        return;
    names++;
    const char *path = memchr(names, ':', (size_t)(line + end - names));
    if (path == NULL)
        return;
    size_t length = (size_t)(path - names);
    if (length == 0)
        read_upwards(read_v2, out, root, path + 1);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (has_name(names, length, kinds[i].controller))
            read_upwards(kinds[i].read, out, root, path + 1);
}

void sw_control_group_read(struct sw_machine *out, const char *root)
{
    read_v2(out, root, "");
    read_v1_memory(out, root, "");
    read_v1_cpu(out, root, "");
    read_v1_cpuset(out, root, "");
    char *groups = sw_machine_text_dup(root, "/proc/self/cgroup", SMALL_BYTES, NULL);
    const char *line = groups;
    for (int i = 0; i < MOST_LINES && line != NULL && *line != 0; i++) {
        read_line(out, root, line);
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    free(groups);
    /* "No limit" is spelled as a number near 2^63 in version 1. */
    if (out->memory_bytes > 0 && out->memory_limit_bytes >= out->memory_bytes)
        out->memory_limit_bytes = 0;
    if (out->logical > 0 && out->cpu_limit >= out->logical)
        out->cpu_limit = 0;
    if (out->logical > 0 && out->n_cpu_set >= out->logical)
        out->n_cpu_set = 0;
}
