/*
 * Two runs of one journal compared: any file is read, and what comes out keeps its promises. A
 * claim rests on an interval that is not marked, or on every pair; a figure without an interval
 * says why.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "input_file.h"
#include "record/comparison.h"
#include "report/compare_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_figure(const json_t *row)
{
    const char *verdict = json_string_value(json_object_get(row, "verdict"));
    const json_t *low = json_object_get(row, "low"), *high = json_object_get(row, "high");
    bool marked = json_is_true(json_object_get(row, "marked"));
    bool has_interval = json_is_number(low) && json_is_number(high);
    must(!marked || json_is_string(json_object_get(row, "reason")));
    must(has_interval || marked);
    bool in_every_pair = json_is_true(json_object_get(row, "in_every_pair"));
    bool is_claim = has_interval && marked == in_every_pair;
    must(!json_is_true(json_object_get(row, "regression")) || is_claim);
    if (verdict == NULL || strcmp(verdict, "undecided") == 0)
        return;
    must(is_claim && json_integer_value(json_object_get(row, "n")) >= 5);
    must(json_number_value(low) <= json_number_value(high));
    const json_t *difference = json_object_get(row, "difference");
    if (strcmp(verdict, "worse") == 0)
        must(json_number_value(in_every_pair ? difference : low) > 0);
    if (strcmp(verdict, "better") == 0)
        must(json_number_value(in_every_pair ? difference : high) < 0);
}

static void compare(const struct sw_measured_run *a, const struct sw_measured_run *b)
{
    static const double thresholds[] = {(double)NAN, 0.01};
    for (size_t t = 0; t < 2; t++) {
        struct sw_comparison_options options = {
            .level = 0.95, .within = 0.02, .threshold = thresholds[t]};
        struct sw_error err = {0};
        json_t *out = NULL;
        enum sw_code code = sw_comparison_create(&out, a, b, &options, &err);
        must((code == SW_OK) == (out != NULL) && (code == SW_OK || err.text[0] != 0));
        size_t i;
        const json_t *row;
        json_array_foreach(json_object_get(out, "figures"), i, row) check_figure(row);
        for (size_t f = SW_FORMAT_TABLE; out != NULL && f <= SW_FORMAT_MD; f++) {
            struct sw_buffer text = {0};
            sw_compare_report_write(&text, (enum sw_format)f, out);
            must(text.size > 0);
            sw_buffer_free(&text);
        }
        json_decref(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    put_input_file(data, size);
    struct sw_error err = {0};
    struct sw_measured_runs runs;
    if (sw_measured_runs_read(&runs, input_path, &err) != SW_OK) {
        must(err.text[0] != 0);
        return 0;
    }
    const struct sw_measured_run *b = NULL, *a = NULL;
    enum sw_code code = sw_measured_runs_pick(&b, &runs, input_path, "", NULL, &err);
    must((code == SW_OK) == (runs.n > 0));
    if (code == SW_OK && sw_measured_runs_pick(&a, &runs, input_path, "", b, &err) == SW_OK) {
        compare(a, b);
        compare(b, a);
    }
    if (b != NULL)
        compare(b, b);
    sw_measured_runs_free(&runs);
    return 0;
}
