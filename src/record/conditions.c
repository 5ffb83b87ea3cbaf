#include "record/conditions.h"

#include <stdio.h>
#include <string.h>

enum how { ADD, LEAST, MOST, ANY };

static const struct {
    const char *name;
    enum how how;
} fields[SW_N_FIELDS] = {
    [SW_FIELD_ELAPSED_NS] = {"elapsed_ns", ADD},
    [SW_FIELD_OWN_CPU_NS] = {"own_cpu_ns", ADD},
    [SW_FIELD_BUSY_CPU_NS] = {"busy_cpu_ns", ADD},
    [SW_FIELD_STOLEN_CPU_NS] = {"stolen_cpu_ns", ADD},
    [SW_FIELD_ALL_CPU_NS] = {"all_cpu_ns", ADD},
    [SW_FIELD_WAITING_NS] = {"waiting_ns", ADD},
    [SW_FIELD_CORE_THROTTLES] = {"n_core_throttles", ADD},
    [SW_FIELD_PACKAGE_THROTTLES] = {"n_package_throttles", ADD},
    [SW_FIELD_N_LIMITED] = {"n_limited", ADD},
    [SW_FIELD_LIMITED_NS] = {"limited_ns", ADD},
    [SW_FIELD_CLOCK_HZ] = {"clock_hz", LEAST},
    [SW_FIELD_CLOCK_BASE_HZ] = {"clock_base_hz", MOST},
    [SW_FIELD_CLOCK_MOST_HZ] = {"clock_most_hz", MOST},
    [SW_FIELD_TEMPERATURE_C] = {"temperature_c", MOST},
    [SW_FIELD_ON_BATTERY] = {"on_battery", ANY},
    [SW_FIELD_GPU_POWER_CAPPED_NS] = {"gpu_power_capped_ns", ADD},
    [SW_FIELD_GPU_THROTTLED_NS] = {"gpu_throttled_ns", ADD},
    [SW_FIELD_GPU_CLOCK_HZ] = {"gpu_clock_hz", LEAST},
    [SW_FIELD_GPU_MEMORY_CLOCK_HZ] = {"gpu_memory_clock_hz", LEAST},
    [SW_FIELD_GPU_POWER_LIMIT_MW] = {"gpu_power_limit_mw", LEAST},
    [SW_FIELD_GPU_TEMPERATURE_C] = {"gpu_temperature_c", MOST},
};

static void miss(struct sw_conditions_sum *sum, int field, const char *reason)
{
    if (sum->is_missing[field])
        return;
    sum->is_missing[field] = true;
    snprintf(sum->reason[field], sizeof sum->reason[field], "%s",
             reason != NULL ? reason : "not recorded");
}

static bool number_of(double *value, const json_t *json, enum how how)
{
    if (how == ANY ? !json_is_boolean(json) : !json_is_number(json))
        return false;
    *value = how == ANY ? json_is_true(json) : json_number_value(json);
    /* Counters are sums of what is not negative. */
    return how != ADD || (*value >= 0 && *value <= 0x1p63);
}

static void merge(double *into, double value, enum how how, bool is_first)
{
    if (is_first || (how == LEAST && value < *into) ||
        (how != LEAST && how != ADD && value > *into))
        *into = value;
    else if (how == ADD)
        *into += value;
}

void sw_conditions_sum_add(struct sw_conditions_sum *sum, const json_t *conditions)
{
    const json_t *missing = json_object_get(conditions, "missing");
    bool throttled = false;
    for (int f = 0; f < SW_N_FIELDS; f++) {
        double value;
        const json_t *field = json_object_get(conditions, fields[f].name);
        sum->has_gpu = sum->has_gpu || (f >= SW_FIRST_GPU_FIELD && field != NULL);
        if (!number_of(&value, field, fields[f].how)) {
            miss(sum, f, json_string_value(json_object_get(missing, fields[f].name)));
            continue;
        }
        merge(&sum->value[f], value, fields[f].how, sum->n == 0);
        throttled =
            throttled ||
            ((f == SW_FIELD_CORE_THROTTLES || f == SW_FIELD_PACKAGE_THROTTLES) && value > 0);
    }
    sum->n++;
    sum->n_throttled += throttled;
}

bool sw_conditions_sum_has(const struct sw_conditions_sum *sum, enum sw_conditions_field field)
{
    return sum->n > 0 && !sum->is_missing[field];
}

json_t *sw_conditions_sum_to_json(const struct sw_conditions_sum *sum)
{
    if (!sw_conditions_sum_has(sum, SW_FIELD_ELAPSED_NS))
        return json_null();
    json_t *out = json_object();
    json_t *missing = json_object();
    for (int f = 0; f < (sum->has_gpu ? SW_N_FIELDS : SW_FIRST_GPU_FIELD); f++) {
        json_t *value;
        if (sum->is_missing[f]) {
            json_t *reason = json_string(sum->reason[f]);
            value = json_null();
            json_object_set_new(missing, fields[f].name,
                                reason != NULL ? reason : json_string("not recorded"));
        } else if (fields[f].how == ANY) {
            value = json_boolean(sum->value[f] != 0);
        } else if (f == SW_FIELD_TEMPERATURE_C || f == SW_FIELD_GPU_TEMPERATURE_C ||
                   sum->value[f] >= 0x1p62) {
            value = json_real(sum->value[f]);
        } else {
            value = json_integer((json_int_t)sum->value[f]);
        }
        json_object_set_new(out, fields[f].name, value);
    }
    json_object_set_new(out, "missing", missing);
    return out;
}
