/* A whole tree of /sys, /proc and /dev in the place of a machine's: any content in the files that
 * the kinds of meters look at. Input is a row of records: a byte for the file, a byte for the
 * length of its content, the content. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meter/meter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define PMU    "/sys/bus/event_source/devices/power/"
#define ZONE   "/sys/class/powercap/intel-rapl:"
#define HWMON  "/sys/class/hwmon/hwmon"
#define SUPPLY "/sys/class/power_supply/"
#define CPU    "/sys/devices/system/cpu/cpu"
static const char *const files[] = {
    PMU "type",
    PMU "cpumask",
    PMU "events/energy-pkg",
    PMU "events/energy-pkg.scale",
    PMU "events/energy-pkg.unit",
    PMU "events/energy-pkg.cpu0",
    PMU "events/energy-pkg.cpu1",
    PMU "events/energy-ram",
    PMU "events/energy-ram.scale",
    PMU "events/energy-ram.unit",
    PMU "events/energy-ram.cpu0",
    CPU "0/topology/physical_package_id",
    CPU "1/topology/physical_package_id",
    CPU "1/topology/die_id",
    ZONE "0/name",
    ZONE "0/energy_uj",
    ZONE "0/max_energy_range_uj",
    ZONE "0/intel-rapl:0:0/name",
    ZONE "0/intel-rapl:0:0/energy_uj",
    ZONE "1/name",
    ZONE "1/energy_uj",
    HWMON "0/name",
    HWMON "0/energy1_input",
    HWMON "0/energy1_label",
    HWMON "0/energy2_input",
    HWMON "0/energy2_label",
    HWMON "0/power1_input",
    HWMON "0/power1_label",
    HWMON "1/name",
    HWMON "1/power1_average",
    HWMON "1/power1_average_interval",
    SUPPLY "AC/type",
    SUPPLY "AC/online",
    SUPPLY "BAT0/type",
    SUPPLY "BAT0/status",
    SUPPLY "BAT0/power_now",
    SUPPLY "BAT0/current_now",
    SUPPLY "BAT0/voltage_now",
    SUPPLY "BAT0/energy_now",
    SUPPLY "BAT0/charge_now",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel/perf_event_paranoid",
    "/dev/cpu/0/msr",
    "/dev/cpu/1/msr",
    "/proc/self/environ",
    "/proc/self/cgroup",
    "/sys/fs/cgroup/slurm/job_1/memory.max",
    "/sys/fs/cgroup/slurm/job_1/cpuset.cpus.effective",
};
enum { N_FILES = sizeof files / sizeof files[0], PATH_BYTES = 256 };

static char root[] = "/tmp/smolwatt-fuzz-XXXXXX";
static bool is_there[N_FILES];

static void full_path(char path[PATH_BYTES], size_t file)
{
    snprintf(path, PATH_BYTES, "%s%s", root, files[file]);
}

static void remove_root(void)
{
    char path[PATH_BYTES], *slash;
    for (size_t i = 0; i < N_FILES; i++) {
        full_path(path, i);
        remove(path);
        while ((slash = strrchr(path, '/')) != NULL && slash > path + strlen("/tmp")) {
            *slash = 0;
            rmdir(path);
        }
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (mkdtemp(root) == NULL)
        abort();
    for (size_t i = 0; i < N_FILES; i++) {
        char path[PATH_BYTES];
        full_path(path, i);
        for (char *c = path + strlen(root) + 1; (c = strchr(c, '/')) != NULL; c++) {
            *c = 0;
            mkdir(path, 0755);
            *c = '/';
        }
    }
    atexit(remove_root);
    return 0;
}

static void write_file(size_t file, const uint8_t *bytes, size_t n)
{
    char path[PATH_BYTES];
    full_path(path, file);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    /* Registers lie where their numbers are. */
    off_t at = strstr(path, "/msr") != NULL ? 0x606 : 0;
    if (fd < 0 || pwrite(fd, bytes, n, at) != (ssize_t)n)
        abort();
    close(fd);
    is_there[file] = true;
}

/* Writes the records of one part of the input; gives where it stopped. */
static size_t write_tree(const uint8_t *data, size_t size, size_t end)
{
    size_t i = 0;
    while (i + 2 <= size && i < end) {
        size_t file = data[i] % N_FILES, n = data[i + 1];
        i += 2;
        if (n > size - i)
            n = size - i;
        write_file(file, data + i, n);
        i += n;
    }
    return i;
}

static void check(const struct sw_meter_set *set, const struct sw_snapshot *a,
                  const struct sw_snapshot *b)
{
    for (int c = 0; c < SW_N_COMPONENTS; c++) {
        struct sw_energy energy;
        sw_meter_set_energy(set, (enum sw_component)c, a, b, &energy);
        if (!energy.has_value && energy.reason[0] == 0)
            abort();
        if (energy.has_value == (energy.source == SW_ABSENT))
            abort();
    }
    for (size_t i = 0; i < sw_meter_set_probe_count(set); i++) {
        const struct sw_meter_probe *probe = sw_meter_set_probe(set, i);
        if ((!probe->found && (probe->reason[0] == 0 || probe->counted)) ||
            strchr(probe->reason, '\n') != NULL)
            abort();
    }
}

/* The first half of the records is there when the meters are opened, the rest comes afterwards. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sw_snapshot a, b;
    struct sw_meter_set *set;
    struct sw_error err;
    size_t half = write_tree(data, size, size / 2);
    if (sw_meter_set_open(&set, &(struct sw_meter_options){.sysfs_root = root, .use_gpu = true},
                          &err) != SW_OK)
        abort();
    sw_meter_set_read(set, &a);
    write_tree(data + half, size - half, size);
    sw_meter_set_read(set, &b);
    check(set, &a, &b);
    sw_meter_set_close(set);
    for (size_t i = 0; i < N_FILES; i++) {
        char path[PATH_BYTES];
        full_path(path, i);
        if (is_there[i])
            remove(path);
        is_there[i] = false;
    }
    return 0;
}
