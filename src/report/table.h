/* Rows of JSON objects as a table for people, or as JSON, JSON lines, CSV or Markdown. */
#ifndef SW_REPORT_TABLE_H
#define SW_REPORT_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

enum sw_format { SW_FORMAT_TABLE, SW_FORMAT_JSON, SW_FORMAT_JSONL, SW_FORMAT_CSV, SW_FORMAT_MD };

/* "table", "json", "jsonl", "csv", "md"; fails by name for any other. */
enum sw_code sw_format_parse(enum sw_format *out, const char *text, struct sw_error *err);

struct sw_table_column {
    const char *path;  /* key in the row, "a.b" for a nested one; also the CSV heading */
    const char *title; /* heading of table and Markdown; NULL: only in CSV */
    int digits;        /* significant digits of a real number; 0: as it is */
    double scale;      /* shown = value * scale; 0 means 1. JSON and CSV show the value itself */
};

/* The value at a dotted path, or NULL. Borrowed. */
const json_t *sw_json_at(const json_t *object, const char *path);

/* Appends rows (a JSON array of objects) in the format. JSON: the array itself, indented; JSONL: a
 * row a line. A missing or null value is "-" for people and empty in CSV. */
void sw_table_write(struct sw_buffer *out, enum sw_format format, const json_t *rows,
                    const struct sw_table_column *columns, size_t n_columns);

/* Appends compact or indented JSON and a newline; reals keep 17 significant digits. */
void sw_json_write(struct sw_buffer *out, const json_t *value, bool indented);

/* Appends one CSV field, quoted where RFC 4180 asks for it. */
void sw_csv_field(struct sw_buffer *out, const char *text);

#endif
