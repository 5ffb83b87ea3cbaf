#include "bench/conditions.h"

static const char *const names[SW_N_CONDITIONS] = {
    [SW_CONDITION_OWN_CPU_NS] = "own_cpu_ns",
    [SW_CONDITION_BUSY_CPU_NS] = "busy_cpu_ns",
    [SW_CONDITION_STOLEN_CPU_NS] = "stolen_cpu_ns",
    [SW_CONDITION_ALL_CPU_NS] = "all_cpu_ns",
    [SW_CONDITION_WAITING_NS] = "waiting_ns",
    [SW_CONDITION_CORE_THROTTLES] = "n_core_throttles",
    [SW_CONDITION_PACKAGE_THROTTLES] = "n_package_throttles",
    [SW_CONDITION_N_LIMITED] = "n_limited",
    [SW_CONDITION_LIMITED_NS] = "limited_ns",
    [SW_CONDITION_CLOCK_HZ] = "clock_hz",
    [SW_CONDITION_CLOCK_BASE_HZ] = "clock_base_hz",
    [SW_CONDITION_CLOCK_MOST_HZ] = "clock_most_hz",
    [SW_CONDITION_TEMPERATURE_MC] = "temperature_c",
    [SW_CONDITION_ON_BATTERY] = "on_battery",
    [SW_CONDITION_GPU_POWER_CAPPED_NS] = "gpu_power_capped_ns",
    [SW_CONDITION_GPU_THROTTLED_NS] = "gpu_throttled_ns",
    [SW_CONDITION_GPU_CLOCK_HZ] = "gpu_clock_hz",
    [SW_CONDITION_GPU_MEMORY_CLOCK_HZ] = "gpu_memory_clock_hz",
    [SW_CONDITION_GPU_POWER_LIMIT_MW] = "gpu_power_limit_mw",
    [SW_CONDITION_GPU_TEMPERATURE_MC] = "gpu_temperature_c",
};

json_t *sw_conditions_to_json(const struct sw_conditions *a, const struct sw_conditions *b)
{
    struct sw_conditions change;
    sw_conditions_between(a, b, &change);
    json_t *out = json_object();
    json_t *missing = json_object();
    json_object_set_new(out, "elapsed_ns", json_integer((json_int_t)change.at_ns));
    for (int c = 0; c < SW_N_CONDITIONS; c++) {
        json_t *value;
        if (change.reason[c] == sw_conditions_no_gpu)
            continue;
        if (change.reason[c] != NULL) {
            value = json_null();
            json_object_set_new(missing, names[c], json_string(change.reason[c]));
        } else if (c == SW_CONDITION_TEMPERATURE_MC || c == SW_CONDITION_GPU_TEMPERATURE_MC) {
            value = json_real((double)change.value[c] / 1000);
        } else if (c == SW_CONDITION_ON_BATTERY) {
            value = json_boolean(change.value[c] != 0);
        } else {
            value = json_integer((json_int_t)change.value[c]);
        }
        json_object_set_new(out, names[c], value);
    }
    json_object_set_new(out, "missing", missing);
    return out;
}
