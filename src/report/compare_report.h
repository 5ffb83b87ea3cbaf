/* A comparison of two runs, as record/comparison.h makes it, for people and as JSON or CSV. */
#ifndef SW_REPORT_COMPARE_REPORT_H
#define SW_REPORT_COMPARE_REPORT_H

#include <jansson.h>

#include "base/buffer.h"
#include "report/table.h"

/* JSON: the comparison itself; CSV: a line for each figure; a table for people has its notes below,
 * Markdown has the figures alone. */
void sw_compare_report_write(struct sw_buffer *out, enum sw_format format,
                             const json_t *comparison);

#endif
