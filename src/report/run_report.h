/* The end of a run as the study printed it, from the record alone: each figure with its source. */
#ifndef SW_REPORT_RUN_REPORT_H
#define SW_REPORT_RUN_REPORT_H

#include <jansson.h>

#include "base/buffer.h"
#include "report/table.h"

/* Appends the record (an `end` line of the journal, borrowed) in the format. */
void sw_run_report_write(struct sw_buffer *out, enum sw_format format, json_t *record);

#endif
