/*
 * Lines of a journal that anybody may have written, summed up: sums, verdict, latency and quality.
 * What is refused leaves nothing behind; what is taken gives a record that JSON can hold.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "record/summary.h"
#include "record/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void add(struct sw_summary *summary, const json_t *line)
{
    const char *type = json_string_value(json_object_get(line, "type"));
    struct sw_error err = {0};
    size_t before = sw_summary_n_samples(summary);
    enum sw_code code;
    if (type != NULL && strcmp(type, "window") == 0)
        code = sw_summary_add_window(summary, line, &err);
    else if (type != NULL && strcmp(type, "quality") == 0)
        code = sw_summary_add_quality(summary, line, &err);
    else
        code = sw_summary_add(summary, line, &err);
    must((code == SW_OK) == (err.text[0] == 0));
    must(code == SW_OK || sw_summary_n_samples(summary) == before);
}

static void finish(struct sw_summary *summary)
{
    json_t *end;
    enum sw_verdict_level level = SW_VALID;
    struct sw_error err = {0};
    struct sw_summary_end facts = {.ended_at = "2026-01-01T00:00:00Z"};
    if (sw_summary_finish(summary, &facts, &end, &err) != SW_OK)
        return;
    char *text = json_dumps(end, JSON_COMPACT);
    must(text != NULL);
    const json_t *verdict = json_object_get(end, "verdict");
    const char *row = json_string_value(json_object_get(verdict, "row"));
    must(row != NULL && sw_verdict_parse(&level, row));
    must((level == SW_VALID) == (json_array_size(json_object_get(verdict, "reasons")) == 0));
    free(text);
    json_decref(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_summary *summary = NULL;
    const char *at = (const char *)data;
    while (size > 0) {
        const char *newline = memchr(at, '\n', size);
        size_t length = newline != NULL ? (size_t)(newline - at) : size;
        json_t *line;
        if (sw_json_parse(&line, at, length, "line", NULL) == SW_OK && json_is_object(line)) {
            if (summary == NULL)
                must(sw_summary_create(&summary, line, NULL) == SW_OK);
            else
                add(summary, line);
        }
        json_decref(line);
        at += length + (newline != NULL);
        size -= length + (newline != NULL);
    }
    if (summary != NULL)
        finish(summary);
    sw_summary_destroy(summary);
    return 0;
}
