/* A report for people: lines that say what, how much, and how we know. */
#ifndef SW_REPORT_LINES_H
#define SW_REPORT_LINES_H

#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends {"what", "figure", "source"} to rows. */
void sw_lines_put(json_t *rows, const char *what, const char *figure, const char *source);

/* Joules, and the watt-hours that the study quoted, with source and reason: of the object
 * {"value", "source", "reason"} at a dotted path of the record. */
void sw_lines_put_joules(json_t *rows, const char *what, const json_t *record, const char *path);

/* The same of the whole machine, which most machines have no meter for: a row where there is a
 * value, or a meter that gave none. */
void sw_lines_put_machine(json_t *rows, const json_t *record, const char *path);

/* Engineering notation for people: 0.0123 J is "12.3 mJ". */
void sw_lines_amount(char *text, size_t size, double value, const char *unit);

/* For a terminal: no heading, long sources wrapped under their column. */
void sw_lines_write(struct sw_buffer *out, const json_t *rows);

#endif
