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
 *   ina3221         boards such as Jetson: inM_input in mV times currM_input in mA
 *   power_meter     ACPI: the whole machine as its power supply sees it, often through IPMI
 *   ibmpowernv      OpenPOWER's service processor: "System"
 *   amdgpu          power of a board
 *   i915, xe        energy of a board
 *
 * What a label means is read from its words; a sensor that no word explains is listed, not counted.
 */
#ifndef SW_METER_HWMON_SENSORS_H
#define SW_METER_HWMON_SENSORS_H

#include "meter/file_meter.h"
#include "meter/seen.h"

enum { SW_HWMON_MAX_SENSORS = 64 };

/* How much a sensor of its component sees. */
enum sw_hwmon_level { SW_HWMON_WHOLE, SW_HWMON_CLUSTER, SW_HWMON_CORE, SW_HWMON_OTHER };

struct sw_hwmon_driver {
    const char *name;
    const char *title; /* of its meters */
    bool by_label;     /* component and level by the label's words; else as given */
    enum sw_component component;
    uint64_t update_ns; /* of a power sensor, where its folder does not say */
    double uncertainty_percent;
};

struct sw_hwmon_sensor {
    const struct sw_hwmon_driver *driver;
    const char *folder, *path, *name, *label; /* owned by the set; label may be "" */
    enum sw_component component;
    enum sw_hwmon_level level;
    bool is_energy;
    bool readable, denied;
    uint64_t interval_ns;
    const char *problem; /* "" if readable */
    /* Open if readable, until a meter takes them; amperes: where file is volts. */
    struct sw_counter_file file, amperes;
};

struct sw_hwmon_search {
    struct sw_meter_set *set;
    const struct sw_meter_options *options;
    struct sw_hwmon_sensor sensors[SW_HWMON_MAX_SENSORS];
    size_t count, n_left_out; /* sensors past SW_HWMON_MAX_SENSORS */
    struct sw_seen seen;
};

/* Finds and opens what there is below the set's root; search began as zeros with its set. Whoever
 * takes no file over closes it. */
void sw_hwmon_look(struct sw_hwmon_search *search);

#endif
