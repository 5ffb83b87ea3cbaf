#include "meter/package.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "meter/counter_file.h"

enum { MOST_CPU = 65535 };

size_t sw_cpu_list_parse(unsigned *cpus, size_t max, const char *text)
{
    size_t n = 0;
    while (*text != 0) {
        char item[32];
        size_t length = strcspn(text, ",");
        uint64_t first, last;
        if (length >= sizeof item)
            return 0;
        memcpy(item, text, length);
        item[length] = 0;
        char *dash = strchr(item, '-');
        if (dash != NULL)
            *dash = 0;
        if (!sw_parse_u64(&first, item, 0, MOST_CPU))
            return 0;
        last = first;
        if (dash != NULL && !sw_parse_u64(&last, dash + 1, first, MOST_CPU))
            return 0;
        if (last - first >= max - n)
            return 0;
        for (uint64_t cpu = first; cpu <= last; cpu++)
            cpus[n++] = (unsigned)cpu;
        text += length;
        if (*text == ',' && *++text == 0)
            return 0;
    }
    return n;
}

static bool read_place(struct sw_meter_set *set, unsigned cpu, const char *file, unsigned *out)
{
    char line[32];
    uint64_t value;
    const char *path =
        sw_set_text(set, "%s/sys/devices/system/cpu/cpu%u/topology/%s", set->root, cpu, file);
    if (sw_file_first_line(line, sizeof line, path, NULL) != SW_OK ||
        !sw_counter_parse(&value, line, strlen(line)) || value > MOST_CPU)
        return false;
    *out = (unsigned)value;
    return true;
}

void sw_packages_place(struct sw_meter_set *set, struct sw_package *packages, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!read_place(set, packages[i].cpu, "physical_package_id", &packages[i].package))
            packages[i].package = (unsigned)i;
        if (!read_place(set, packages[i].cpu, "die_id", &packages[i].die))
            packages[i].die = (unsigned)i;
    }
    for (size_t i = 0; i < n; i++) {
        bool alone = true;
        for (size_t k = 0; k < n; k++)
            alone = alone && (k == i || packages[k].package != packages[i].package);
        if (alone)
            snprintf(packages[i].label, sizeof packages[i].label, "%u", packages[i].package);
        else
            snprintf(packages[i].label, sizeof packages[i].label, "%u-die-%u", packages[i].package,
                     packages[i].die);
    }
}

static const char *domain_of(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

const char *sw_set_twin(const struct sw_meter_set *set, enum sw_component component,
                        const char *name)
{
    const char *first = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct sw_meter_info *info = &set->meters[i].info;
        if (info->component != component)
            continue;
        if (strcmp(domain_of(info->name), domain_of(name)) == 0)
            return info->name;
        if (info->counted && first == NULL && component != SW_MACHINE)
            first = info->name;
    }
    return first;
}

const char *sw_set_twin_text(struct sw_meter_set *set, const char *twin)
{
    return sw_set_text(set, "twin of %s, which is preferred", twin);
}

/* Intel's manual (volume 4, MSR_PLATFORM_ENERGY_COUNTER) leaves to the board which power it sees.
 */
const char *const sw_psys_scope = "platform as its maker wired it, packages included";

bool sw_meter_is_psys(const struct sw_meter_info *info)
{
    return info->component == SW_MACHINE && strncmp(domain_of(info->name), "psys", 4) == 0;
}

const char *sw_set_why_not_psys(struct sw_meter_set *set, size_t n_packages)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct sw_meter_info *info = &set->meters[i].info;
        if (info->component == SW_MACHINE && info->counted)
            return sw_set_text(set, "listed, not counted: %s is preferred", info->name);
    }
    if (n_packages > 1)
        return "listed, not counted: of several packages' psys nobody says whether each holds a "
               "part of the machine, or all of it";
    return "";
}

void sw_set_reason(struct sw_meter_set *set, enum sw_component component, const char *reason)
{
    if (!sw_set_has_counted(set, component) && set->reason[component][0] == 0)
        set->reason[component] = reason;
}

const char *sw_set_shell_word(struct sw_meter_set *set, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:@%+=-,";
    if (text[strspn(text, plain)] == 0)
        return text;
    const char *word = "'";
    for (const char *part = text;;) {
        size_t n = strcspn(part, "'");
        word = sw_set_text(set, "%s%.*s", word, (int)n, part);
        if (part[n] == 0)
            return sw_set_text(set, "%s'", word);
        word = sw_set_text(set, "%s'\\''", word);
        part += n + 1;
    }
}

const char *sw_set_own_program(struct sw_meter_set *set)
{
    char path[1024];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    /* A name that a shell would take apart is left to the reader. */
    if (path[0] == 0 || strchr(path, '\'') != NULL)
        return "\"$(command -v smolwatt)\"";
    return sw_set_text(set, "'%s'", path);
}
