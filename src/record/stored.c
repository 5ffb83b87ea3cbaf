#include "record/stored.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "record/journal.h"
#include "record/summary.h"

/* Of a file that is one JSON text; `measure --trace` of an hour has about 10 MB. */
#define MAX_TEXT_BYTES ((size_t)64 << 20)

struct reader {
    const char *path;
    const struct sw_stored_calls *calls;
    struct sw_stored_remarks *remarks;
    /* The run under way. */
    json_t *run;
    json_t *end;     /* its last `end` line */
    size_t end_line; /* of end, or of the run's first line */
    bool goes_on;    /* lines came behind end */
    struct sw_summary *summary;
    struct sw_error broken; /* why its lines cannot be summed up; code SW_OK: they can */
    bool out_of_memory;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* "FILE", or "FILE: line 3". */
static const char *place(char *text, size_t size, const struct reader *reader, size_t line)
{
    if (line > 0)
        snprintf(text, size, "%s: line %zu", reader->path, line);
    else
        snprintf(text, size, "%s", reader->path);
    return text;
}

static void skip(struct reader *reader, size_t line, const struct sw_error *why)
{
    char where[512];
    if (reader->remarks->n_skipped++ == 0)
        sw_fail(&reader->remarks->first, why->code, "%s: %s",
                place(where, sizeof where, reader, line), why->text);
}

/* energy of one phase or run into sums. */
static enum sw_code add_energy(struct sw_energy_sum sums[SW_RECORD_COMPONENTS],
                               const json_t *energy, const char *where, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    for (size_t c = 0; c < SW_RECORD_COMPONENTS && code == SW_OK; c++) {
        char part[64];
        snprintf(part, sizeof part, "%s.%s", where, sw_record_component_names[c]);
        code = sw_energy_sum_add(&sums[c], json_object_get(energy, sw_record_component_names[c]),
                                 part, err);
    }
    return code;
}

static enum sw_code take_end(struct sw_stored *s, struct sw_error *err)
{
    static const char *const phases[] = {"prefill", "decode"};
    const json_t *windows = json_object_get(s->record, "windows");
    const json_t *energy = json_object_get(s->record, "energy");
    uint64_t n_tokens = 0, wall_ns = 0, prefill_ns = 0, decode_ns = 0;
    const uint64_t most = UINT64_C(1) << 62;
    enum sw_code code = sw_json_u64(&n_tokens, json_is_object(windows) ? windows : s->record,
                                    "n_generated_tokens", 1, UINT64_C(1) << 53, "end", err);
    if (code == SW_OK)
        code = sw_json_u64(&wall_ns, s->record, "wall_ns", 0, most, "end", err);
    if (code == SW_OK)
        code = sw_json_u64_or(&prefill_ns, s->record, "prefill_ns", 0, 0, most, "end", err);
    if (code == SW_OK)
        code = sw_json_u64_or(&decode_ns, s->record, "decode_ns", 0, 0, most, "end", err);
    for (size_t p = 0; p < 2 && code == SW_OK; p++) {
        char where[32];
        snprintf(where, sizeof where, "energy.%s", phases[p]);
        code = add_energy(s->component, json_object_get(energy, phases[p]), where, err);
    }
    s->n_tokens = (double)n_tokens;
    s->seconds = (double)wall_ns * 1e-9;
    s->work_seconds = ((double)prefill_ns + (double)decode_ns) * 1e-9;
    s->seconds_are_known = true;
    s->divisor = 1;
    return code;
}

static enum sw_code take_command(struct sw_stored *s, struct sw_error *err)
{
    const json_t *runs = json_object_get(s->record, "runs");
    const json_t *wall = json_object_get(s->record, "wall_ns");
    size_t n = json_array_size(runs), i;
    if (n == 0)
        return sw_fail(err, SW_EFORMAT, "command: \"runs\" is no array, or empty");
    s->divisor = (double)n;
    s->seconds_are_known = json_is_integer(wall) && json_integer_value(wall) >= 0;
    s->seconds = s->seconds_are_known ? (double)json_integer_value(wall) * 1e-9 : 0;
    s->work_seconds = s->seconds;
    for (i = 0; i < n; i++) {
        char where[48];
        snprintf(where, sizeof where, "runs[%zu].energy", i);
        enum sw_code code = add_energy(
            s->component, json_object_get(json_array_get(runs, i), "energy"), where, err);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

/* The sum stored beside the phases was made from them; another value means that someone's hand or a
 * broken disk was in between. */
static enum sw_code check_total(const struct sw_stored *s, struct sw_error *err)
{
    const json_t *total = json_object_get(json_object_get(s->record, "energy_j"), "total");
    const json_t *value = json_object_get(total, "value");
    double own_j = (double)s->total.uj * 1e-6 / s->divisor;
    if (!json_is_object(total))
        return sw_fail(err, SW_EFORMAT, "\"energy_j\" has no \"total\"");
    if (json_is_number(value) != s->total.has_value)
        return sw_fail(err, SW_EFORMAT, "energy_j.total has %s value, but its parts have %s",
                       json_is_number(value) ? "a" : "no", s->total.has_value ? "one" : "none");
    if (s->total.has_value &&
        !(fabs(json_number_value(value) - own_j) <= 1e-6 + 1e-9 * fabs(own_j)))
        return sw_fail(err, SW_EFORMAT, "energy_j.total is %.9g J, but its parts come to %.9g J",
                       json_number_value(value), own_j);
    return SW_OK;
}

static void give(struct reader *reader, const json_t *record, size_t line, bool unfinished)
{
    struct sw_stored stored = {.record = record,
                               .line = line,
                               .unfinished = unfinished,
                               .is_command = strcmp(text_of(record, "type"), "command") == 0};
    struct sw_error err = {0};
    uint64_t version;
    enum sw_code code = sw_json_u64(&version, record, "schema_version", 1, SW_SCHEMA_VERSION,
                                    text_of(record, "type"), &err);
    if (code == SW_OK)
        code = stored.is_command ? take_command(&stored, &err) : take_end(&stored, &err);
    if (code == SW_OK) {
        stored.total = sw_energy_sum_total(stored.component);
        code = check_total(&stored, &err);
    }
    if (code != SW_OK) {
        skip(reader, line, &err);
        return;
    }
    reader->remarks->n_records++;
    reader->calls->on_record(reader->calls->ctx, &stored);
}

/* The run under way is over: its last end, or what its lines come to. */
static void close_run(struct reader *reader)
{
    json_t *summed = NULL;
    struct sw_error err = reader->broken;
    if (reader->run != NULL && (reader->end == NULL || reader->goes_on)) {
        struct sw_summary_end facts = {.interrupted = true, .ended_at = ""};
        if (err.code == SW_OK && sw_summary_finish(reader->summary, &facts, &summed, &err) == SW_OK)
            give(reader, summed, reader->end_line, true);
        else
            skip(reader, reader->end_line, &err);
    } else if (reader->end != NULL) {
        give(reader, reader->end, reader->end_line, false);
    }
    json_decref(summed);
    json_decref(reader->run);
    json_decref(reader->end);
    sw_summary_destroy(reader->summary);
    reader->run = reader->end = NULL;
    reader->summary = NULL;
    reader->goes_on = false;
    reader->broken = (struct sw_error){0};
}

static bool is_of_run(const struct reader *reader, const json_t *line)
{
    const char *id = text_of(line, "run_id");
    return reader->run != NULL && id[0] != 0 && strcmp(id, text_of(reader->run, "run_id")) == 0;
}

static void take_part(struct reader *reader, const json_t *line, bool is_window, size_t number)
{
    struct sw_error err = {0};
    reader->goes_on = reader->end != NULL;
    if (reader->calls->on_line != NULL &&
        reader->calls->on_line(reader->calls->ctx, reader->run, line, &err) != SW_OK) {
        skip(reader, number, &err);
        reader->out_of_memory |= err.code == SW_ENOMEM;
    }
    if (reader->broken.code != SW_OK)
        return;
    enum sw_code code = is_window ? sw_summary_add_window(reader->summary, line, &err)
                                  : sw_summary_add(reader->summary, line, &err);
    if (code != SW_OK)
        reader->broken = err;
}

static void open_run(struct reader *reader, const json_t *line, size_t number)
{
    if (is_of_run(reader, line)) { /* resumed */
        sw_summary_begin_stretch(reader->summary);
        return;
    }
    close_run(reader);
    json_t *run = json_incref((json_t *)(uintptr_t)line);
    if (sw_summary_create(&reader->summary, run, NULL) != SW_OK) {
        reader->out_of_memory = true;
        json_decref(run);
        return;
    }
    reader->run = run;
    reader->end_line = number;
}

static bool take_object(void *ctx, const json_t *object, size_t line)
{
    struct reader *reader = ctx;
    const char *type = text_of(object, "type");
    const json_t *results = json_object_get(object, "results");
    if (strcmp(type, "run") == 0) {
        open_run(reader, object, line);
    } else if (strcmp(type, "sample") == 0 && is_of_run(reader, object)) {
        take_part(reader, object, false, line);
    } else if (strcmp(type, "window") == 0 && is_of_run(reader, object)) {
        take_part(reader, object, true, line);
    } else if (strcmp(type, "end") == 0 && is_of_run(reader, object)) {
        json_decref(reader->end);
        reader->end = json_incref((json_t *)(uintptr_t)object);
        reader->end_line = line;
        reader->goes_on = false;
    } else if (strcmp(type, "end") == 0 || strcmp(type, "command") == 0) {
        close_run(reader);
        give(reader, object, line, false);
    } else if (json_is_array(results)) {
        size_t i;
        const json_t *result;
        close_run(reader);
        json_array_foreach(results, i, result) give(reader, result, line, false);
    }
    return !reader->out_of_memory;
}

/* Indented JSON, as -o json prints it, is one object over many lines. */
static bool is_one_text(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
           (uint64_t)info.st_size <= MAX_TEXT_BYTES;
}

enum sw_code sw_stored_read(const char *path,
                            void (*on_record)(void *ctx, const struct sw_stored *stored), void *ctx,
                            struct sw_stored_remarks *remarks, struct sw_error *err)
{
    return sw_stored_read_lines(path, &(struct sw_stored_calls){.on_record = on_record, .ctx = ctx},
                                remarks, err);
}

enum sw_code sw_stored_read_lines(const char *path, const struct sw_stored_calls *calls,
                                  struct sw_stored_remarks *remarks, struct sw_error *err)
{
    struct reader reader = {.path = path, .calls = calls, .remarks = remarks};
    struct sw_error torn = {0};
    size_t n_torn = 0;
    *remarks = (struct sw_stored_remarks){0};
    enum sw_code code = sw_journal_read(path, take_object, &reader, &n_torn, &torn, err);
    if (code == SW_OK)
        close_run(&reader);
    if (code == SW_OK && reader.out_of_memory)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    json_t *text = NULL;
    if (code == SW_OK && remarks->n_records == 0 && n_torn > 0 && is_one_text(path) &&
        sw_json_load(&text, path, MAX_TEXT_BYTES, NULL) == SW_OK && json_is_object(text)) {
        *remarks = (struct sw_stored_remarks){0};
        n_torn = 0;
        take_object(&reader, text, 0);
        close_run(&reader);
    }
    json_decref(text);
    json_decref(reader.run);
    json_decref(reader.end);
    sw_summary_destroy(reader.summary);
    if (n_torn > 0 && remarks->n_skipped == 0)
        remarks->first = torn;
    remarks->n_skipped += n_torn;
    if (code == SW_OK && remarks->n_records == 0)
        code = remarks->n_skipped > 0
                   ? sw_fail(err, SW_EFORMAT, "%s", remarks->first.text)
                   : sw_fail(err, SW_EFORMAT,
                             "%s: no record: neither a run's journal nor what run or measure "
                             "prints with -o json",
                             path);
    return code;
}
