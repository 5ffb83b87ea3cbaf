#include "meter/hwmon_sensors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { MAX_FOLDERS = 64, MOST_CHANNEL = 1024, WIDEST_GAP = 256 };
static const uint64_t ms = 1000000;

static const struct sw_hwmon_driver drivers[] = {
    /* AMD's own counters, as RAPL's. */
    {"amd_energy", "amd_energy", true, SW_CPU, 0, 5},
    {"zenergy", "zenergy", true, SW_CPU, 0, 5},
    {"zenpower", "zenpower", true, SW_CPU, 0, 0},
    {"scmi_sensors", "scmi", true, SW_CPU, 100000000, 0},
    {"vexpress_energy", "vexpress", true, SW_CPU, 0, 0},
    {"vexpress_power", "vexpress", true, SW_CPU, 100000000, 0},
    {"apm_xgene", "xgene", true, SW_CPU, 100000000, 0},
    {"ina3221", "ina3221", true, SW_CPU, 100000000, 0},
    {"power_meter", "acpi_power_meter", false, SW_MACHINE, 1000000000, 0},
    {"ibmpowernv", "ibmpowernv", true, SW_MACHINE, 1000000000, 0},
    {"amdgpu", "amdgpu", false, SW_GPU, 100000000, 5},
    {"i915", "i915", false, SW_GPU, 0, 5},
    {"xe", "xe", false, SW_GPU, 0, 5},
};

/* Words of labels in the order in which they are looked for. */
static const struct {
    const char *word;
    enum sw_component component;
    enum sw_hwmon_level level;
} words[] = {
    {"gpu", SW_GPU, SW_HWMON_WHOLE},
    {"mali", SW_GPU, SW_HWMON_WHOLE},
    {"dram", SW_RAM, SW_HWMON_WHOLE},
    {"ddr", SW_RAM, SW_HWMON_WHOLE},
    {"memory", SW_RAM, SW_HWMON_WHOLE},
    {"vin_sys", SW_MACHINE, SW_HWMON_OTHER}, /* a rail of a Jetson, not the system */
    {"sys5v", SW_MACHINE, SW_HWMON_OTHER},
    {"sys", SW_MACHINE, SW_HWMON_WHOLE},
    {"vdd_in", SW_MACHINE, SW_HWMON_WHOLE}, /* its whole module */
    {"5v_in", SW_MACHINE, SW_HWMON_WHOLE},
    {"board", SW_MACHINE, SW_HWMON_WHOLE},
    {"platform", SW_MACHINE, SW_HWMON_WHOLE},
    {"svi2_p", SW_CPU, SW_HWMON_CLUSTER}, /* cores and SoC, side by side */
    {"package", SW_CPU, SW_HWMON_WHOLE},
    {"socket", SW_CPU, SW_HWMON_WHOLE},
    {"core", SW_CPU, SW_HWMON_CORE},
    {"cluster", SW_CPU, SW_HWMON_CLUSTER},
    {"cpu", SW_CPU, SW_HWMON_CLUSTER},
    {"big", SW_CPU, SW_HWMON_CLUSTER},
    {"little", SW_CPU, SW_HWMON_CLUSTER},
    {"a53", SW_CPU, SW_HWMON_CLUSTER},
    {"a57", SW_CPU, SW_HWMON_CLUSTER},
    {"a72", SW_CPU, SW_HWMON_CLUSTER},
    {"a73", SW_CPU, SW_HWMON_CLUSTER},
    {"soc", SW_CPU, SW_HWMON_WHOLE},
};

static void classify(struct sw_hwmon_sensor *sensor)
{
    sensor->component = sensor->driver->component;
    sensor->level = sensor->driver->by_label ? SW_HWMON_OTHER : SW_HWMON_WHOLE;
    /* amdgpu labels a board PPT; slowPPT and fastPPT are those of an APU, its CPU cores included.
     */
    if (strcasecmp(sensor->label, "slowPPT") == 0 || strcasecmp(sensor->label, "fastPPT") == 0)
        sensor->level = SW_HWMON_OTHER;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && sensor->driver->by_label; i++)
        if (strcasestr(sensor->label, words[i].word) != NULL) {
            sensor->component = words[i].component;
            sensor->level = words[i].level;
            return;
        }
}

static bool read_line(struct sw_hwmon_search *search, char *line, size_t size, const char *folder,
                      const char *file)
{
    const char *path = sw_set_text(search->set, "%s/%s", folder, file);
    return sw_file_first_line(line, size, path, NULL) == SW_OK;
}

/* "amd_energy:package-0", "scmi:big-cluster", "acpi_power_meter:hwmon3". */
static const char *sensor_name(struct sw_hwmon_search *search, const struct sw_hwmon_sensor *sensor)
{
    char text[48];
    const char *label = sensor->label, *folder = strrchr(sensor->folder, '/') + 1;
    if (strncasecmp(label, "esocket", 7) == 0)
        return sw_set_text(search->set, "%s:package-%.20s", sensor->driver->title, label + 7);
    snprintf(text, sizeof text, "%s", label[0] != 0 ? label : folder);
    for (char *c = text; *c != 0; c++)
        if (*c == ' ' || *c == '/')
            *c = '-';
    const char *name = sw_set_text(search->set, "%s:%s", sensor->driver->title, text);
    for (size_t i = 0; i < search->count; i++)
        if (strcmp(search->sensors[i].name, name) == 0)
            return sw_set_text(search->set, "%s@%s", name, folder);
    return name;
}

/* Milliseconds of a file, where it holds some. */
static uint64_t interval_of(struct sw_hwmon_search *search, const char *folder, const char *file,
                            uint64_t fallback_ns)
{
    char line[32];
    uint64_t value;
    if (read_line(search, line, sizeof line, folder, file) &&
        sw_counter_parse(&value, line, strlen(line)) && value > 0 && value <= 3600000)
        return value * ms;
    return fallback_ns;
}

static void open_sensor(struct sw_hwmon_search *search, struct sw_hwmon_sensor *sensor,
                        const char *amperes_path)
{
    struct sw_error err;
    uint64_t value;
    sensor->readable =
        sw_counter_file_open(&sensor->file, sensor->path, &value, &sensor->denied, &err) == SW_OK;
    if (sensor->readable && amperes_path != NULL)
        sensor->readable = sw_counter_file_open(&sensor->amperes, amperes_path, &value,
                                                &sensor->denied, &err) == SW_OK;
    if (!sensor->readable)
        sensor->problem = sw_set_text(search->set, "%s", err.text);
}

/* One channel of a folder, if it has the file: "energy", "power", or "in", volts, which need "curr"
 * beside them. */
static bool add_sensor(struct sw_hwmon_search *search, const struct sw_hwmon_driver *driver,
                       const char *folder, const char *kind, unsigned channel, const char *ending)
{
    char label[48] = "", file[64];
    struct sw_meter_set *set = search->set;
    char looked_for[512];
    const char *amperes_path = NULL;
    /* Most channels are not there, and need no text that lives on. */
    int length =
        snprintf(looked_for, sizeof looked_for, "%s/%s%u_%s", folder, kind, channel, ending);
    if (length >= (int)sizeof looked_for || !sw_file_exists(looked_for))
        return false;
    const char *path = sw_set_text(set, "%s", looked_for);
    if (strcmp(kind, "in") == 0) {
        amperes_path = sw_set_text(set, "%s/curr%u_input", folder, channel);
        if (!sw_file_exists(amperes_path))
            return false;
    }
    snprintf(file, sizeof file, "%s%u_label", kind, channel);
    (void)read_line(search, label, sizeof label, folder, file);
    /* A server has a counter for each of its hundred cores, and they are inside the sockets. */
    if (strncasecmp(label, "ecore", 5) == 0)
        return true;
    if (search->count == SW_HWMON_MAX_SENSORS) {
        search->n_left_out++;
        return true;
    }
    struct sw_hwmon_sensor *sensor = &search->sensors[search->count];
    *sensor = (struct sw_hwmon_sensor){.driver = driver,
                                       .folder = folder,
                                       .path = path,
                                       .is_energy = strcmp(kind, "energy") == 0,
                                       .problem = "",
                                       .file.fd = -1,
                                       .amperes.fd = -1};
    sensor->label = sw_set_text(set, "%s", label);
    sensor->name = sensor_name(search, sensor);
    classify(sensor);
    snprintf(file, sizeof file, "%s%u_average_interval", kind, channel);
    sensor->interval_ns = interval_of(search, folder, file, driver->update_ns);
    if (amperes_path != NULL)
        sensor->interval_ns = interval_of(search, folder, "update_interval", driver->update_ns);
    open_sensor(search, sensor, amperes_path);
    search->count++;
    return true;
}

/* All channels of a kind; false where there is none. */
static bool add_channels(struct sw_hwmon_search *search, const struct sw_hwmon_driver *driver,
                         const char *folder, const char *kind, const char *ending)
{
    bool any = false;
    unsigned n_missing = 0;
    for (unsigned channel = 1; channel <= MOST_CHANNEL && n_missing < WIDEST_GAP; channel++) {
        bool is_there = add_sensor(search, driver, folder, kind, channel, ending);
        any = any || is_there;
        n_missing = is_there ? 0 : n_missing + 1;
    }
    return any;
}

static void look_into(struct sw_hwmon_search *search, const char *folder)
{
    char name[64];
    const struct sw_hwmon_driver *driver = NULL;
    if (!sw_seen_is_new(&search->seen, folder) ||
        !read_line(search, name, sizeof name, folder, "name"))
        return;
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        if (strcmp(drivers[i].name, name) == 0)
            driver = &drivers[i];
    if (driver == NULL)
        return;
    if (strcmp(name, "ina3221") == 0) {
        (void)add_channels(search, driver, folder, "in", "input");
        return;
    }
    bool has_energy = add_channels(search, driver, folder, "energy", "input");
    /* What gives a board's energy gives its power, too. */
    if (has_energy && driver->component == SW_GPU)
        return;
    if (!add_channels(search, driver, folder, "power", "average"))
        (void)add_channels(search, driver, folder, "power", "input");
}

static int is_hwmon(const struct dirent *entry)
{
    return strncmp(entry->d_name, "hwmon", 5) == 0 && strlen(entry->d_name) < 32;
}

void sw_hwmon_look(struct sw_hwmon_search *search)
{
    const char *root = sw_set_path(search->set, "/sys/class/hwmon");
    struct dirent **entries = NULL;
    int n = scandir(root, &entries, is_hwmon, versionsort);
    for (int i = 0; i < n; i++) {
        if (i < MAX_FOLDERS)
            look_into(search, sw_set_text(search->set, "%s/%s", root, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
}
