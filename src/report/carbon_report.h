/*
 * Grams of CO2e of stored records by another factor, overhead or machine than they were stored
 * with. The records themselves stay as they are.
 */
#ifndef SW_REPORT_CARBON_REPORT_H
#define SW_REPORT_CARBON_REPORT_H

#include <jansson.h>

#include "base/buffer.h"
#include "carbon/footprint.h"
#include "record/stored.h"
#include "report/table.h"

struct sw_carbon_report_options {
    struct sw_footprint_options footprint;
    double
        idle_w; /* of the CPU at rest, for whose its joules were; negative: as the record has it */
};

/* One record as an object of type "report" (docs/carbon.md), the caller's to json_decref. */
json_t *sw_carbon_report(const struct sw_stored *stored, const struct sw_carbon_factor *factor,
                         const struct sw_carbon_report_options *options);

/* Appends reports (an array, borrowed) in the format. JSON: the report itself where there is one,
 * else {"results": [...]}. */
void sw_carbon_report_write(struct sw_buffer *out, enum sw_format format, json_t *reports);

#endif
