/*
 * Sensors of energy and power under /sys/class/hwmon. A folder hwmonN has the driver's name in
 * `name`, energyM_input in microjoules or powerM_input (powerM_average) in microwatts, and what a
 * sensor stands for in energyM_label, powerM_label. The drivers that are known:
 *
 *   amd_energy      Esocket0, ... of AMD servers (Linux 5.8 to 5.12, since then out of tree); the
 *                   Ecore counters are inside, and passed over
 *   zenergy         the same out of tree
 *   zenpower        out of tree: SVI2_P_Core and SVI2_P_SoC, or RAPL_P_Package, which holds both
 *   scmi_sensors, vexpress_energy, vexpress_power, apm_xgene    arm64: whatever firmware labels
 *   ina3221         boards such as Jetson: inM_input in millivolts times currM_input in
 * milliamperes power_meter     ACPI: the whole machine as its power supply sees it, often through
 * IPMI ibmpowernv      OpenPOWER's service processor: "System" amdgpu          power of a board;
 * i915, xe: its energy
 *
 * What a label means is read from its words; a sensor that no word explains is listed, not counted.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "meter/file_meter.h"
#include "meter/package.h"
#include "meter/seen.h"

enum { MAX_FOLDERS = 64, MAX_SENSORS = 64, MOST_CHANNEL = 1024, WIDEST_GAP = 256 };
static const uint64_t ms = 1000000;

/* How much a sensor of its component sees. */
enum level { WHOLE, CLUSTER, CORE, OTHER };

struct driver {
    const char *name;
    const char *title; /* "hwmon" where the driver's name says nothing */
    bool by_label;     /* component and level by the label's words; else as given */
    enum sw_component component;
    uint64_t update_ns; /* of a power sensor, where its folder does not say */
    double uncertainty_percent;
};
static const struct driver drivers[] = {
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

struct sensor {
    const struct driver *driver;
    const char *folder, *path, *name, *label; /* owned by the set; label may be "" */
    enum sw_component component;
    enum level level;
    bool is_energy;
    bool readable, denied;
    uint64_t interval_ns;
    const char *problem; /* "" if readable */
    /* Open if readable, until a meter takes them; amperes: where file is volts. */
    struct sw_counter_file file, amperes;
};

struct search {
    struct sw_meter_set *set;
    const struct sw_meter_options *options;
    struct sensor sensors[MAX_SENSORS];
    size_t count, n_left_out; /* sensors past MAX_SENSORS */
    struct sw_seen seen;
};

/* Words of labels in the order in which they are looked for. */
static const struct {
    const char *word;
    enum sw_component component;
    enum level level;
} words[] = {
    {"gpu", SW_GPU, WHOLE},
    {"mali", SW_GPU, WHOLE},
    {"dram", SW_RAM, WHOLE},
    {"ddr", SW_RAM, WHOLE},
    {"memory", SW_RAM, WHOLE},
    {"vin_sys", SW_MACHINE, OTHER}, /* a rail of a Jetson, not the system */
    {"sys5v", SW_MACHINE, OTHER},
    {"sys", SW_MACHINE, WHOLE},
    {"vdd_in", SW_MACHINE, WHOLE}, /* its whole module */
    {"5v_in", SW_MACHINE, WHOLE},
    {"board", SW_MACHINE, WHOLE},
    {"platform", SW_MACHINE, WHOLE},
    {"svi2_p", SW_CPU, CLUSTER}, /* cores and SoC, side by side */
    {"package", SW_CPU, WHOLE},
    {"socket", SW_CPU, WHOLE},
    {"core", SW_CPU, CORE},
    {"cluster", SW_CPU, CLUSTER},
    {"cpu", SW_CPU, CLUSTER},
    {"big", SW_CPU, CLUSTER},
    {"little", SW_CPU, CLUSTER},
    {"a53", SW_CPU, CLUSTER},
    {"a57", SW_CPU, CLUSTER},
    {"a72", SW_CPU, CLUSTER},
    {"a73", SW_CPU, CLUSTER},
    {"soc", SW_CPU, WHOLE},
};

static void classify(struct sensor *sensor)
{
    sensor->component = sensor->driver->component;
    sensor->level = sensor->driver->by_label ? OTHER : WHOLE;
    /* amdgpu labels a board PPT; slowPPT and fastPPT are those of an APU, its CPU cores included.
     */
    if (strcasecmp(sensor->label, "slowPPT") == 0 || strcasecmp(sensor->label, "fastPPT") == 0)
        sensor->level = OTHER;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && sensor->driver->by_label; i++)
        if (strcasestr(sensor->label, words[i].word) != NULL) {
            sensor->component = words[i].component;
            sensor->level = words[i].level;
            return;
        }
}

static bool read_line(struct search *search, char *line, size_t size, const char *folder,
                      const char *file)
{
    const char *path = sw_set_text(search->set, "%s/%s", folder, file);
    return sw_file_first_line(line, size, path, NULL) == SW_OK;
}

/* "amd_energy:package-0", "scmi:big-cluster", "acpi_power_meter:hwmon3". */
static const char *sensor_name(struct search *search, const struct sensor *sensor)
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
static uint64_t interval_of(struct search *search, const char *folder, const char *file,
                            uint64_t fallback_ns)
{
    char line[32];
    uint64_t value;
    if (read_line(search, line, sizeof line, folder, file) &&
        sw_counter_parse(&value, line, strlen(line)) && value > 0 && value <= 3600000)
        return value * ms;
    return fallback_ns;
}

static void open_sensor(struct search *search, struct sensor *sensor, const char *amperes_path)
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
static bool add_sensor(struct search *search, const struct driver *driver, const char *folder,
                       const char *kind, unsigned channel, const char *ending)
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
    if (search->count == MAX_SENSORS) {
        search->n_left_out++;
        return true;
    }
    struct sensor *sensor = &search->sensors[search->count];
    *sensor = (struct sensor){.driver = driver,
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
static bool add_channels(struct search *search, const struct driver *driver, const char *folder,
                         const char *kind, const char *ending)
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

static void look_into(struct search *search, const char *folder)
{
    char name[64];
    const struct driver *driver = NULL;
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

static void look(struct search *search)
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

/* Of the sensors of a component those that together see it once: energy before power, then the
 * widest level. */
static bool is_chosen(const struct search *search, const struct sensor *sensor)
{
    if (sensor->level == OTHER)
        return false;
    for (size_t i = 0; i < search->count; i++) {
        const struct sensor *other = &search->sensors[i];
        bool is_other_board =
            sensor->component == SW_GPU && strcmp(other->folder, sensor->folder) != 0;
        if (other->component != sensor->component || other->level == OTHER || is_other_board)
            continue;
        if (other->is_energy != sensor->is_energy ? other->is_energy : other->level < sensor->level)
            return false;
        /* Meters of the machine see the same power, those of a board the one inside the other. */
        if ((sensor->component == SW_MACHINE || sensor->component == SW_GPU) && other < sensor &&
            other->is_energy == sensor->is_energy && other->level == sensor->level)
            return false;
    }
    return true;
}

static const char *scope_of(struct search *search, const struct sensor *sensor)
{
    if (sensor->component == SW_MACHINE)
        return "whole machine, as its firmware measures it";
    if (sensor->component == SW_GPU)
        return "board";
    return sw_set_text(search->set, "%s, by the label of its firmware or driver", sensor->label);
}

static bool add_meter(struct search *search, struct sensor *sensor, bool counted)
{
    struct sw_meter_info info = {.name = sensor->name,
                                 .scope = scope_of(search, sensor),
                                 .path = sensor->path,
                                 .component = sensor->component,
                                 .source = SW_MEASURED,
                                 .counted = counted,
                                 .uncertainty_percent = sensor->driver->uncertainty_percent,
                                 .formula = ""};
    if (sensor->is_energy)
        return sw_set_add_counter_file(search->set, &info, &sensor->file) != SIZE_MAX;
    uint64_t interval_ns = sensor->interval_ns;
    info.tick_ns = interval_ns;
    return sw_set_add_power_file(
        search->set, &info, &sensor->file, sensor->amperes.fd >= 0 ? &sensor->amperes : NULL,
        &(struct sw_power_source){.rest_ns = interval_ns > 200 * ms ? interval_ns / 4 : 0,
                                  .gap_ns = 2 * interval_ns + 1000 * ms},
        &sensor->problem);
}

/* Which of the boards the work runs on. */
static bool is_board(const struct search *search, const struct sensor *sensor)
{
    unsigned index = 0;
    for (const struct sensor *other = search->sensors; other < sensor; other++)
        index += other->component == SW_GPU && is_chosen(search, other);
    return search->options->use_gpu && search->options->gpu == index;
}

/* The meter that is preferred to the sensor, NULL: none. */
static const char *preferred_to(const struct search *search, const struct sensor *sensor)
{
    const struct sw_meter_set *set = search->set;
    bool is_amd = strcmp(sensor->driver->name, "amdgpu") == 0;
    for (size_t i = 0; i < set->count && sensor->component == SW_GPU; i++)
        if (is_amd && strncmp(set->meters[i].info.name, "amd_smi:", 8) == 0)
            return set->meters[i].info.name;
    if (sensor->component == SW_GPU)
        return NULL;
    const char *twin = sw_set_twin(set, sensor->component, sensor->name);
    for (size_t i = 0; i < set->count && twin == NULL; i++)
        if (set->meters[i].info.component == sensor->component && set->meters[i].info.counted)
            twin = set->meters[i].info.name;
    return twin;
}

/* Why a sensor that can be read is not counted; "" where it is. */
static const char *why_not(struct search *search, const struct sensor *sensor,
                           const char *preferred, bool all_readable, bool counted)
{
    struct sw_meter_set *set = search->set;
    if (sensor->level == OTHER)
        return sw_set_text(set, "listed, not counted: its label \"%s\" does not say what it sees",
                           sensor->label);
    if (!is_chosen(search, sensor))
        return "listed, not counted: another sensor sees the same, or more of it";
    if (preferred != NULL && sensor->component == SW_MACHINE)
        return sw_set_text(set, "listed, not counted: %s is preferred", preferred);
    if (preferred != NULL)
        return sw_set_twin_text(set, preferred);
    if (!all_readable)
        return search->n_left_out > 0 ? "not counted, as there are more sensors than are looked at"
                                      : "not counted, as another sensor of its kind cannot be read";
    return counted ? "" : "listed, not counted: the work does not run on it";
}

static void add_one(struct search *search, struct sensor *sensor, const char *preferred,
                    bool all_readable, bool board_is_free)
{
    struct sw_meter_set *set = search->set;
    bool chosen = is_chosen(search, sensor), found = sensor->readable;
    bool counted = found && chosen && preferred == NULL && all_readable;
    if (sensor->component == SW_GPU)
        counted = counted && board_is_free && is_board(search, sensor);
    const char *reason = sensor->problem;
    if (found)
        reason = why_not(search, sensor, preferred, all_readable, counted);
    if (found && chosen && preferred == NULL && !add_meter(search, sensor, counted)) {
        counted = found = false;
        reason = sensor->problem;
    }
    const char *enable = sensor->denied ? sw_set_chgrp_command(set, sensor->path) : "";
    sw_set_probe(set, &(struct sw_meter_probe){.component = sensor->component,
                                               .name = sensor->name,
                                               .path = sensor->path,
                                               .found = found,
                                               .counted = counted,
                                               .reason = reason,
                                               .enable = enable});
    if (counted && sensor->component == SW_MACHINE)
        set->reason[SW_MACHINE] = "";
    if (chosen && !found)
        sw_set_reason(set, sensor->component,
                      enable[0] != 0 ? sw_set_text(set, "%s; enable it with: %s", reason, enable)
                                     : reason);
}

/* All of a component's chosen sensors, or none: a sum that lacks a socket would be a wrong joule.
 */
static void add_component(struct search *search, enum sw_component component)
{
    const char *preferred[MAX_SENSORS];
    bool all_readable = search->n_left_out == 0, board_is_free = true;
    for (size_t i = 0; i < search->set->count; i++)
        board_is_free = board_is_free && search->set->meters[i].info.component != SW_GPU;
    for (size_t i = 0; i < search->count; i++) {
        const struct sensor *sensor = &search->sensors[i];
        preferred[i] = preferred_to(search, sensor);
        if (sensor->component == component && is_chosen(search, sensor) && component != SW_GPU)
            all_readable = all_readable && sensor->readable;
    }
    for (size_t i = 0; i < search->count; i++)
        if (search->sensors[i].component == component)
            add_one(search, &search->sensors[i], preferred[i], all_readable, board_is_free);
}

static bool has_sensor(const struct search *search, enum sw_component component)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->sensors[i].component == component)
            return true;
    return false;
}

static void note_missing(struct search *search, const struct sw_machine *machine)
{
    struct sw_meter_set *set = search->set;
    const char *folder = sw_set_path(set, "/sys/class/hwmon");
    if (!has_sensor(search, SW_CPU))
        sw_set_probe(set, &(struct sw_meter_probe){
                              .component = SW_CPU,
                              .name = "hwmon",
                              .path = folder,
                              .reason = "no driver that is known to measure a CPU: amd_energy, "
                                        "zenpower, scmi_sensors, vexpress_energy, apm_xgene, "
                                        "ina3221",
                              .enable = ""});
    if (!has_sensor(search, SW_MACHINE))
        sw_set_probe(set,
                     &(struct sw_meter_probe){
                         .component = SW_MACHINE,
                         .name = "hwmon",
                         .path = folder,
                         .reason = "no power meter of firmware: ACPI's power_meter, ibmpowernv",
                         .enable = machine->virtual_machine || machine->arm
                                       ? ""
                                       : "sudo modprobe acpi_power_meter"});
}

void sw_hwmon_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                   const struct sw_machine *machine)
{
    if (options->models_only)
        return;
    struct search *search = calloc(1, sizeof *search);
    if (search == NULL) {
        set->out_of_memory = true;
        return;
    }
    search->set = set;
    search->options = options;
    look(search);
    for (int c = 0; c < SW_N_COMPONENTS; c++)
        add_component(search, (enum sw_component)c);
    note_missing(search, machine);
    for (size_t i = 0; i < search->count; i++) {
        sw_counter_file_close(&search->sensors[i].file);
        sw_counter_file_close(&search->sensors[i].amperes);
    }
    free(search);
}
