/* Meters of hwmon's sensors: which of them together see a component once. */
#include <stdlib.h>
#include <string.h>

#include "meter/hwmon_sensors.h"
#include "meter/package.h"

static const uint64_t ms = 1000000;

/* Of the sensors of a component those that together see it once: energy before power, then the
 * widest level. */
static bool is_chosen(const struct sw_hwmon_search *search, const struct sw_hwmon_sensor *sensor)
{
    if (sensor->level == SW_HWMON_OTHER)
        return false;
    for (size_t i = 0; i < search->count; i++) {
        const struct sw_hwmon_sensor *other = &search->sensors[i];
        bool is_other_board =
            sensor->component == SW_GPU && strcmp(other->folder, sensor->folder) != 0;
        if (other->component != sensor->component || other->level == SW_HWMON_OTHER ||
            is_other_board)
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

static const char *scope_of(struct sw_hwmon_search *search, const struct sw_hwmon_sensor *sensor)
{
    if (sensor->component == SW_MACHINE)
        return "whole machine, as its firmware measures it";
    if (sensor->component == SW_GPU)
        return "board";
    return sw_set_text(search->set, "%s, by the label of its firmware or driver", sensor->label);
}

static bool add_meter(struct sw_hwmon_search *search, struct sw_hwmon_sensor *sensor, bool counted)
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
static bool is_board(const struct sw_hwmon_search *search, const struct sw_hwmon_sensor *sensor)
{
    unsigned index = 0;
    for (const struct sw_hwmon_sensor *other = search->sensors; other < sensor; other++)
        index += other->component == SW_GPU && is_chosen(search, other);
    return search->options->use_gpu && search->options->gpu == index;
}

/* The meter that is preferred to the sensor, NULL: none. */
static const char *preferred_to(const struct sw_hwmon_search *search,
                                const struct sw_hwmon_sensor *sensor)
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
static const char *why_not(struct sw_hwmon_search *search, const struct sw_hwmon_sensor *sensor,
                           const char *preferred, bool all_readable, bool counted)
{
    struct sw_meter_set *set = search->set;
    if (sensor->level == SW_HWMON_OTHER)
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

static void add_one(struct sw_hwmon_search *search, struct sw_hwmon_sensor *sensor,
                    const char *preferred, bool all_readable, bool board_is_free)
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
static void add_component(struct sw_hwmon_search *search, enum sw_component component)
{
    const char *preferred[SW_HWMON_MAX_SENSORS];
    bool all_readable = search->n_left_out == 0, board_is_free = true;
    for (size_t i = 0; i < search->set->count; i++)
        board_is_free = board_is_free && search->set->meters[i].info.component != SW_GPU;
    for (size_t i = 0; i < search->count; i++) {
        const struct sw_hwmon_sensor *sensor = &search->sensors[i];
        preferred[i] = preferred_to(search, sensor);
        if (sensor->component == component && is_chosen(search, sensor) && component != SW_GPU)
            all_readable = all_readable && sensor->readable;
    }
    for (size_t i = 0; i < search->count; i++)
        if (search->sensors[i].component == component)
            add_one(search, &search->sensors[i], preferred[i], all_readable, board_is_free);
}

static bool has_sensor(const struct sw_hwmon_search *search, enum sw_component component)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->sensors[i].component == component)
            return true;
    return false;
}

static void note_missing(struct sw_hwmon_search *search, const struct sw_machine *machine)
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
    struct sw_hwmon_search *search = calloc(1, sizeof *search);
    if (search == NULL) {
        set->out_of_memory = true;
        return;
    }
    search->set = set;
    search->options = options;
    sw_hwmon_look(search);
    for (int c = 0; c < SW_N_COMPONENTS; c++)
        add_component(search, (enum sw_component)c);
    note_missing(search, machine);
    for (size_t i = 0; i < search->count; i++) {
        sw_counter_file_close(&search->sensors[i].file);
        sw_counter_file_close(&search->sensors[i].amperes);
    }
    free(search);
}
