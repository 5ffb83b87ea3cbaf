/* Commands that were measured, for people and for tables, from their results alone. */
#ifndef SW_REPORT_COMMAND_REPORT_H
#define SW_REPORT_COMMAND_REPORT_H

#include <jansson.h>

#include "base/buffer.h"
#include "report/table.h"

/* Appends results (an array, borrowed, summarised and compared) in the format. JSON: one object,
 * the result itself where there is one, else {"results": [...]}. */
void sw_command_report_write(struct sw_buffer *out, enum sw_format format, json_t *results);

#endif
