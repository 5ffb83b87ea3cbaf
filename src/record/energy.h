/*
 * Energy of one phase by component, as journal lines carry it: {"cpu": {"uj", "meter", "source",
 * "uncertainty_percent", "reason"}, "gpu": ..., "ram": ..., "machine": ...}. "uj" is null where
 * there is no value, and then "reason" says why.
 */
#ifndef SW_RECORD_ENERGY_H
#define SW_RECORD_ENERGY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { SW_RECORD_CPU, SW_RECORD_GPU, SW_RECORD_RAM, SW_RECORD_MACHINE, SW_RECORD_COMPONENTS };

extern const char *const sw_record_component_names[SW_RECORD_COMPONENTS];

/* Strength of a source by name: 0 measured, 1 sampled, 2 modelled, 3 absent; -1 for no such name.
 */
int sw_record_source_rank(const char *source);
const char *sw_record_source_name(int rank);

/* A running sum of one component over phases or samples. Zero-initialised it holds nothing. */
struct sw_energy_sum {
    bool started;
    bool has_value; /* every addend had one */
    uint64_t uj;
    int rank;                   /* weakest source of the addends */
    double uncertainty_percent; /* largest of the addends'; 0: unknown for one of them */
    char meter[192];
    char reason[512]; /* of the first addend that had one */
};

/* Adds {"uj", ...}. A malformed object fails and names its place in where. */
enum sw_code sw_energy_sum_add(struct sw_energy_sum *sum, const json_t *component,
                               const char *where, struct sw_error *err);

/* Adds another sum, for instance prefill and decode. */
void sw_energy_sum_merge(struct sw_energy_sum *sum, const struct sw_energy_sum *other);

/* {"uj", "meter", "source", "uncertainty_percent", "reason"}; a sum without addends is absent, for
 * the reason given. */
json_t *sw_energy_sum_to_json(const struct sw_energy_sum *sum, const char *empty_reason);

/* Sum of cpu, gpu and ram as far as they have a value, its source the weakest of theirs; its reason
 * names what is left out. The machine's own meters stand beside it, not in it. */
struct sw_energy_sum
sw_energy_sum_total(const struct sw_energy_sum component[SW_RECORD_COMPONENTS]);

/* {"cpu", "gpu", "ram", "total"}, each {"value", "source", "reason"} in joules over divisor. */
json_t *sw_energy_joules(const struct sw_energy_sum component[SW_RECORD_COMPONENTS],
                         double divisor);

#endif
