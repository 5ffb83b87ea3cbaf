#include "report/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sw_code sw_format_parse(enum sw_format *out, const char *text, struct sw_error *err)
{
    static const char *const names[] = {"table", "json", "jsonl", "csv", "md"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum sw_format)i;
            return SW_OK;
        }
    }
    return sw_fail(err, SW_EUSAGE, "--output_format: \"%s\" is not table, json, jsonl, csv or md",
                   text);
}

const json_t *sw_json_at(const json_t *object, const char *path)
{
    char key[64];
    while (object != NULL) {
        size_t size = strcspn(path, ".");
        if (size >= sizeof key)
            return NULL;
        memcpy(key, path, size);
        key[size] = 0;
        object = json_object_get(object, key);
        if (path[size] == 0)
            return object;
        path += size + 1;
    }
    return NULL;
}

static int append_json(const char *bytes, size_t size, void *buffer)
{
    sw_buffer_append(buffer, bytes, size);
    return 0;
}

void sw_json_write(struct sw_buffer *out, const json_t *value, bool indented)
{
    size_t flags =
        JSON_ENCODE_ANY | JSON_REAL_PRECISION(17) | (indented ? JSON_INDENT(2) : JSON_COMPACT);
    json_dump_callback(value, append_json, out, flags);
    sw_buffer_append(out, "\n", 1);
}

void sw_csv_field(struct sw_buffer *out, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == 0) {
        sw_buffer_puts(out, text);
        return;
    }
    sw_buffer_append(out, "\"", 1);
    for (const char *c = text; *c != 0; c++) {
        if (*c == '"')
            sw_buffer_append(out, "\"", 1);
        sw_buffer_append(out, c, 1);
    }
    sw_buffer_append(out, "\"", 1);
}

/* Text of one cell. digits 0 and scale 0 give the value as it is. */
static void format_cell(char *cell, size_t size, const json_t *value, int digits, double scale,
                        const char *missing)
{
    if (json_is_string(value))
        snprintf(cell, size, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(cell, size, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value) && scale == 0)
        snprintf(cell, size, "%lld", (long long)json_integer_value(value));
    else if (json_is_number(value))
        snprintf(cell, size, "%.*g", digits > 0 ? digits : 17,
                 json_number_value(value) * (scale != 0 ? scale : 1));
    else
        snprintf(cell, size, "%s", missing);
}

enum { CELL = 256 };

static void write_csv(struct sw_buffer *out, const json_t *rows,
                      const struct sw_table_column *columns, size_t n_columns)
{
    for (size_t c = 0; c < n_columns; c++)
        sw_buffer_printf(out, "%s%s", c > 0 ? "," : "", columns[c].path);
    sw_buffer_puts(out, "\n");
    size_t r;
    json_t *row;
    json_array_foreach(rows, r, row)
    {
        for (size_t c = 0; c < n_columns; c++) {
            char cell[CELL];
            format_cell(cell, sizeof cell, sw_json_at(row, columns[c].path), 0, 0, "");
            if (c > 0)
                sw_buffer_puts(out, ",");
            sw_csv_field(out, cell);
        }
        sw_buffer_puts(out, "\n");
    }
}

static void write_aligned(struct sw_buffer *out, const json_t *rows,
                          const struct sw_table_column *columns, size_t n_columns, bool markdown)
{
    const char *left = markdown ? "| " : "";
    const char *between = markdown ? " | " : "  ";
    const char *right = markdown ? " |" : "";
    size_t n_rows = json_array_size(rows);
    size_t width[32] = {0};
    char cell[CELL];
    for (size_t c = 0; c < n_columns && c < 32; c++) {
        if (columns[c].title == NULL)
            continue;
        width[c] = strlen(columns[c].title);
        for (size_t r = 0; r < n_rows; r++) {
            format_cell(cell, sizeof cell, sw_json_at(json_array_get(rows, r), columns[c].path),
                        columns[c].digits, columns[c].scale, "-");
            if (strlen(cell) > width[c])
                width[c] = strlen(cell);
        }
    }
    for (size_t line = 0; line < n_rows + (markdown ? 2 : 1); line++) {
        bool rule = markdown && line == 1;
        bool first = true;
        sw_buffer_puts(out, left);
        for (size_t c = 0; c < n_columns && c < 32; c++) {
            if (columns[c].title == NULL)
                continue;
            const json_t *value = NULL;
            if (line == 0) {
                snprintf(cell, sizeof cell, "%s", columns[c].title);
            } else if (rule) {
                memset(cell, '-', width[c]);
                cell[width[c]] = 0;
            } else {
                value =
                    sw_json_at(json_array_get(rows, line - (markdown ? 2 : 1)), columns[c].path);
                format_cell(cell, sizeof cell, value, columns[c].digits, columns[c].scale, "-");
            }
            /* Numbers stand right, words left; headings and rules as their column's first row. */
            bool number = json_is_number(
                line == 0 ? sw_json_at(json_array_get(rows, 0), columns[c].path) : value);
            sw_buffer_printf(out, "%s%*s", first ? "" : between,
                             number ? (int)width[c] : -(int)width[c], cell);
            first = false;
        }
        sw_buffer_puts(out, right);
        while (!markdown && out->size > 0 && out->data[out->size - 1] == ' ')
            out->data[--out->size] = 0;
        sw_buffer_puts(out, "\n");
    }
}

void sw_table_write(struct sw_buffer *out, enum sw_format format, const json_t *rows,
                    const struct sw_table_column *columns, size_t n_columns)
{
    size_t r;
    json_t *row;
    switch (format) {
    case SW_FORMAT_JSON:
        sw_json_write(out, rows, true);
        break;
    case SW_FORMAT_JSONL:
        json_array_foreach(rows, r, row) sw_json_write(out, row, false);
        break;
    case SW_FORMAT_CSV:
        write_csv(out, rows, columns, n_columns);
        break;
    case SW_FORMAT_TABLE:
    case SW_FORMAT_MD:
        write_aligned(out, rows, columns, n_columns, format == SW_FORMAT_MD);
        break;
    }
}
