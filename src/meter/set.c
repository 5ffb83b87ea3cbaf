#include "meter/set.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

const char *sw_component_name(enum sw_component component)
{
    static const char *const names[SW_N_COMPONENTS] = {"cpu", "gpu", "ram", "machine"};
    return (unsigned)component < SW_N_COMPONENTS ? names[component] : "unknown";
}

const char *sw_source_name(enum sw_source source)
{
    static const char *const names[] = {"measured", "sampled", "modelled", "absent"};
    return (unsigned)source <= SW_ABSENT ? names[source] : "unknown";
}

/* Building blocks for the kinds of meters. */

static bool grow(void **array, size_t *capacity, size_t count, size_t item_bytes)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = realloc(*array, wanted * item_bytes);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

const char *sw_set_text(struct sw_meter_set *set, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0 || !grow((void **)&set->texts, &set->texts_capacity, set->n_texts, sizeof(char *))) {
        if (n >= 0)
            free(text);
        set->out_of_memory = true;
        return "";
    }
    set->texts[set->n_texts++] = text;
    return text;
}

/* Names and paths come from the tree that is read; what is shown is one line of valid UTF-8. */
static const char *shown(struct sw_meter_set *set, const char *text)
{
    bool valid = sw_utf8_valid(text, strlen(text)), clean = valid;
    for (const char *c = text; *c != 0; c++)
        clean = clean && (unsigned char)*c >= ' ' && *c != 0x7f;
    if (clean)
        return text;
    char *copy = (char *)(uintptr_t)sw_set_text(set, "%s", text); /* owned by the set */
    for (char *c = copy; *c != 0; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || (!valid && (unsigned char)*c >= 0x80))
            *c = '?';
    return copy;
}

const char *sw_set_path(struct sw_meter_set *set, const char *path)
{
    return sw_set_text(set, "%s%s", set->root, path);
}

void sw_meter_free_state(struct sw_meter *meter)
{
    free(meter->state);
}

size_t sw_set_add(struct sw_meter_set *set, const struct sw_meter *meter)
{
    if (set->count == SW_MAX_METERS) {
        if (meter->info.counted)
            set->n_overflow[meter->info.component]++;
        struct sw_meter refused = *meter;
        if (refused.close != NULL)
            refused.close(&refused);
        return SIZE_MAX;
    }
    struct sw_meter *added = &set->meters[set->count];
    *added = *meter;
    added->info.name = shown(set, meter->info.name);
    added->info.scope = shown(set, meter->info.scope);
    added->info.path = shown(set, meter->info.path);
    added->info.formula = shown(set, meter->info.formula);
    return set->count++;
}

size_t sw_set_probe(struct sw_meter_set *set, const struct sw_meter_probe *probe)
{
    if (!grow((void **)&set->probes, &set->probes_capacity, set->n_probes, sizeof *probe)) {
        set->out_of_memory = true;
        return 0;
    }
    struct sw_meter_probe *added = &set->probes[set->n_probes];
    *added = *probe;
    added->name = shown(set, probe->name);
    added->path = shown(set, probe->path);
    added->reason = shown(set, probe->reason);
    added->enable = shown(set, probe->enable);
    return set->n_probes++;
}

bool sw_set_has_counted(const struct sw_meter_set *set, enum sw_component component)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->meters[i].info.component == component && set->meters[i].info.counted)
            return true;
    return false;
}

/* The set. */

/* Apart from the set, so that what only reads it can lock too. */
static bool make_lock(struct sw_meter_set *set)
{
    set->lock = malloc(sizeof *set->lock);
    if (set->lock != NULL)
        pthread_mutex_init(set->lock, NULL);
    return set->lock != NULL;
}

enum sw_code sw_meter_set_open(struct sw_meter_set **out, const struct sw_meter_options *options,
                               struct sw_error *err)
{
    *out = NULL;
    struct sw_meter_set *set = calloc(1, sizeof *set);
    struct sw_machine *machine = malloc(sizeof *machine);
    enum sw_code code = SW_OK;
    if (set == NULL || machine == NULL || !make_lock(set)) {
        code = sw_fail(err, SW_ENOMEM, "meters: out of memory");
        goto done;
    }
    for (size_t c = 0; c < SW_N_COMPONENTS; c++)
        set->reason[c] = "";
    set->root = "";
    set->boot_clock_ns = options->boot_clock_ns != NULL ? options->boot_clock_ns : sw_clock_boot_ns;
    set->wall_clock_ns = options->wall_clock_ns != NULL ? options->wall_clock_ns : sw_clock_wall_ns;
    if (options->sysfs_root != NULL) {
        size_t length = strlen(options->sysfs_root);
        while (length > 0 && options->sysfs_root[length - 1] == '/')
            length--;
        set->root = sw_set_text(set, "%.*s", (int)length, options->sysfs_root);
    }
    sw_machine_read(machine, set->root);
    /* In the order of preference within a component. */
    static sw_meter_find *const kinds[] = {sw_feed_find,     sw_perf_power_find, sw_powercap_find,
                                           sw_msr_find,      sw_nvml_find,       sw_amd_smi_find,
                                           sw_battery_find,  sw_hwmon_find,      sw_cpu_model_find,
                                           sw_ram_model_find};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        kinds[i](set, options, machine);
    for (size_t c = 0; c < SW_N_COMPONENTS; c++)
        set->reason[c] = shown(set, set->reason[c]);
    if (set->out_of_memory)
        code = sw_fail(err, SW_ENOMEM, "meters: out of memory");
done:
    free(machine);
    if (code != SW_OK) {
        sw_meter_set_close(set);
        return code;
    }
    *out = set;
    return SW_OK;
}

void sw_meter_set_close(struct sw_meter_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        if (set->meters[i].close != NULL)
            set->meters[i].close(&set->meters[i]);
    sw_nvml_close(set);
    sw_amd_smi_close(set);
    for (size_t i = 0; i < set->n_texts; i++)
        free(set->texts[i]);
    free(set->texts);
    free(set->probes);
    if (set->lock != NULL)
        pthread_mutex_destroy(set->lock);
    free(set->lock);
    free(set);
}

size_t sw_meter_set_count(const struct sw_meter_set *set)
{
    return set->count;
}

const struct sw_meter_info *sw_meter_set_info(const struct sw_meter_set *set, size_t i)
{
    return &set->meters[i].info;
}

size_t sw_meter_set_probe_count(const struct sw_meter_set *set)
{
    return set->n_probes;
}

const struct sw_meter_probe *sw_meter_set_probe(const struct sw_meter_set *set, size_t i)
{
    return &set->probes[i];
}

const char *sw_meter_set_reason(const struct sw_meter_set *set, enum sw_component component)
{
    return set->reason[component];
}
