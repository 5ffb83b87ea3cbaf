#include "report/lines.h"

#include <stdio.h>
#include <string.h>

#include "report/table.h"

static const char *text_at(const json_t *record, const char *path)
{
    const json_t *value = sw_json_at(record, path);
    return json_is_string(value) ? json_string_value(value) : "?";
}

void sw_lines_put(json_t *rows, const char *what, const char *figure, const char *source)
{
    json_array_append_new(
        rows, json_pack("{s:s, s:s, s:s}", "what", what, "figure", figure, "source", source));
}

void sw_lines_amount(char *text, size_t size, double value, const char *unit)
{
    static const struct {
        double from;
        const char *prefix;
    } steps[] = {{1e9, "G"},  {1e6, "M"},  {1e3, "k"},  {1, ""},
                 {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof steps[0] && value < steps[i].from)
        i++;
    if (value <= 0)
        snprintf(text, size, "0 %s", unit);
    else
        snprintf(text, size, "%.3g %s%s", value / steps[i].from, steps[i].prefix, unit);
}

/* The reason's last part: what a modelled figure rests on. Why nothing better was found is
 * doctor's to tell, and stands in the record. */
static const char *short_reason(const json_t *component)
{
    static const char mark[] = "modelled: ";
    const char *reason = json_string_value(json_object_get(component, "reason"));
    for (const char *next = reason; next != NULL && (next = strstr(next, mark)) != NULL;) {
        next += sizeof mark - 1;
        reason = next;
    }
    return reason;
}

void sw_lines_put_joules(json_t *rows, const char *what, const json_t *record, const char *path)
{
    char figure[96];
    char source[640];
    const json_t *component = sw_json_at(record, path);
    const json_t *value = json_object_get(component, "value");
    const char *reason = short_reason(component);
    if (json_is_number(value)) {
        double joules = json_number_value(value);
        char amount[48];
        sw_lines_amount(amount, sizeof amount, joules, "J");
        snprintf(figure, sizeof figure, "%s (%.3g Wh)", amount, joules / 3600);
    } else {
        snprintf(figure, sizeof figure, "-");
    }
    snprintf(source, sizeof source, "%s%s%s", text_at(component, "source"),
             reason != NULL ? ": " : "", reason != NULL ? reason : "");
    sw_lines_put(rows, what, figure, source);
}

/* A meter of the machine that was there and gave nothing is told; that there is none is usual. */
static bool has_machine_meter(const json_t *record)
{
    size_t i;
    json_t *meter;
    json_array_foreach(json_object_get(record, "meters"), i, meter)
    {
        if (strcmp(text_at(meter, "component"), "machine") == 0 &&
            json_is_true(json_object_get(meter, "counted")))
            return true;
    }
    return false;
}

void sw_lines_put_machine(json_t *rows, const json_t *record, const char *path)
{
    if (json_is_number(json_object_get(sw_json_at(record, path), "value")) ||
        has_machine_meter(record))
        sw_lines_put_joules(rows, "Machine", record, path);
}

void sw_lines_write(struct sw_buffer *out, const json_t *rows)
{
    enum { SOURCE_COLUMN = 42, WIDTH = 100 };
    size_t r;
    json_t *row;
    json_array_foreach(rows, r, row)
    {
        const char *what = text_at(row, "what");
        const char *figure = text_at(row, "figure");
        const char *source = text_at(row, "source");
        size_t column = out->size;
        /* Padding counts bytes: a character of more is given as many more. */
        int more = 0;
        for (const char *c = figure; *c != 0; c++)
            more += ((unsigned char)*c & 0xc0) == 0x80;
        sw_buffer_printf(out, "%-13s %-*s", what, 27 + more, figure);
        column = out->size - column - (size_t)more;
        while (*source != 0) {
            size_t word = strcspn(source, " ");
            if (column + 1 + word > WIDTH && column > SOURCE_COLUMN) {
                sw_buffer_printf(out, "\n%*s", SOURCE_COLUMN - 1, "");
                column = SOURCE_COLUMN - 1;
            }
            sw_buffer_printf(out, " %.*s", (int)word, source);
            column += 1 + word;
            source += word;
            source += strspn(source, " ");
        }
        while (out->size > 0 && out->data[out->size - 1] == ' ')
            out->data[--out->size] = 0;
        sw_buffer_puts(out, "\n");
    }
}
