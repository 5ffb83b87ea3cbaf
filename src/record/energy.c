#include "record/energy.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

const char *const sw_record_component_names[SW_RECORD_COMPONENTS] = {"cpu", "gpu", "ram",
                                                                     "machine"};

static const char *const source_names[] = {"measured", "sampled", "modelled", "absent"};
enum { RANK_ABSENT = 3, N_SOURCES = 4 };

int sw_record_source_rank(const char *source)
{
    for (int i = 0; i < N_SOURCES; i++) {
        if (strcmp(source, source_names[i]) == 0)
            return i;
    }
    return -1;
}

const char *sw_record_source_name(int rank)
{
    return source_names[rank];
}

void sw_energy_sum_merge(struct sw_energy_sum *sum, const struct sw_energy_sum *other)
{
    if (!other->started)
        return;
    if (!sum->started) {
        *sum = *other;
        return;
    }
    if (sum->has_value && !other->has_value)
        snprintf(sum->reason, sizeof sum->reason, "%s", other->reason);
    sum->has_value =
        sum->has_value && other->has_value && !__builtin_add_overflow(sum->uj, other->uj, &sum->uj);
    if (!sum->has_value) {
        sum->uj = 0;
        sum->rank = RANK_ABSENT;
        return;
    }
    if (other->rank > sum->rank) {
        sum->rank = other->rank;
        snprintf(sum->reason, sizeof sum->reason, "%s", other->reason);
    }
    if (sum->uncertainty_percent <= 0 || other->uncertainty_percent <= 0)
        sum->uncertainty_percent = 0;
    else if (other->uncertainty_percent > sum->uncertainty_percent)
        sum->uncertainty_percent = other->uncertainty_percent;
}

enum sw_code sw_energy_sum_add(struct sw_energy_sum *sum, const json_t *component,
                               const char *where, struct sw_error *err)
{
    struct sw_energy_sum one = {.started = true};
    const char *source;
    const char *meter;
    const char *reason;
    if (!json_is_object(component))
        return sw_fail(err, SW_EFORMAT, "%s: not an object", where);
    enum sw_code code = sw_json_string_or(&source, component, "source", "", where, err);
    if (code == SW_OK)
        code = sw_json_string_or(&meter, component, "meter", "", where, err);
    if (code == SW_OK)
        code = sw_json_string_or(&reason, component, "reason", "", where, err);
    if (code == SW_OK)
        code = sw_json_double_or(&one.uncertainty_percent, component, "uncertainty_percent", 0, 0,
                                 1e6, where, err);
    if (code == SW_OK)
        code = sw_json_u64_or(&one.uj, component, "uj", 0, 0, INT64_MAX, where, err);
    if (code != SW_OK)
        return code;
    one.rank = sw_record_source_rank(source);
    one.has_value = json_is_integer(json_object_get(component, "uj"));
    if (one.rank < 0 || one.has_value != (one.rank != RANK_ABSENT))
        return sw_fail(err, SW_EFORMAT, "%s: source \"%s\" does not fit its \"uj\"", where, source);
    snprintf(one.meter, sizeof one.meter, "%s", meter);
    snprintf(one.reason, sizeof one.reason, "%s", reason);
    sw_energy_sum_merge(sum, &one);
    return SW_OK;
}

/* A string that a fixed-size copy may have cut within a character. */
static json_t *text_or_null(const char *text)
{
    if (text[0] == 0)
        return json_null();
    size_t size = strlen(text);
    json_t *value = json_stringn(text, size);
    for (int i = 0; i < 3 && value == NULL && size > 0; i++)
        value = json_stringn(text, --size);
    return value != NULL ? value : json_null();
}

json_t *sw_energy_sum_to_json(const struct sw_energy_sum *sum, const char *empty_reason)
{
    if (!sum->started || !sum->has_value)
        return json_pack("{s:n, s:n, s:s, s:n, s:o}", "uj", "meter", "source",
                         source_names[RANK_ABSENT], "uncertainty_percent", "reason",
                         text_or_null(sum->started ? sum->reason : empty_reason));
    return json_pack(
        "{s:I, s:o, s:s, s:o, s:o}", "uj", (json_int_t)sum->uj, "meter", text_or_null(sum->meter),
        "source", source_names[sum->rank], "uncertainty_percent",
        sum->uncertainty_percent > 0 ? json_real(sum->uncertainty_percent) : json_null(), "reason",
        text_or_null(sum->reason));
}

/* {"value", "source", "reason"} in joules over divisor. */
static json_t *joules(const struct sw_energy_sum *sum, double divisor)
{
    const char *reason = sum->reason[0] != 0 ? sum->reason : NULL;
    if (!sum->has_value)
        return json_pack("{s:n, s:s, s:s?}", "value", "source", "absent", "reason",
                         reason != NULL ? reason : "no meter");
    return json_pack("{s:f, s:s, s:s?}", "value", (double)sum->uj * 1e-6 / divisor, "source",
                     sw_record_source_name(sum->rank), "reason", reason);
}

struct sw_energy_sum sw_energy_sum_total(const struct sw_energy_sum component[SW_RECORD_COMPONENTS])
{
    struct sw_energy_sum total = {0};
    char missing[64] = "";
    for (size_t c = 0; c < SW_RECORD_MACHINE; c++) {
        if (component[c].has_value) {
            struct sw_energy_sum addend = component[c];
            addend.reason[0] = 0;
            sw_energy_sum_merge(&total, &addend);
        } else {
            size_t used = strlen(missing);
            snprintf(missing + used, sizeof missing - used, "%s%s", used > 0 ? ", " : "",
                     sw_record_component_names[c]);
        }
    }
    if (missing[0] != 0)
        snprintf(total.reason, sizeof total.reason, "without %s", missing);
    return total;
}

json_t *sw_energy_joules(const struct sw_energy_sum component[SW_RECORD_COMPONENTS], double divisor)
{
    struct sw_energy_sum total = sw_energy_sum_total(component);
    json_t *out = json_object();
    for (size_t c = 0; c < SW_RECORD_MACHINE; c++)
        json_object_set_new(out, sw_record_component_names[c], joules(&component[c], divisor));
    json_object_set_new(out, "total", joules(&total, divisor));
    /* Beside the sum: a meter of the whole machine sees the others' joules again. */
    json_object_set_new(out, sw_record_component_names[SW_RECORD_MACHINE],
                        joules(&component[SW_RECORD_MACHINE], divisor));
    return out;
}
