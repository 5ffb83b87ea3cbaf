#include "record/measured_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

struct collector {
    struct sw_measured_runs *runs;
    const char *path;
    size_t runs_capacity;
    char *id; /* owned: of the run whose parts come in */
    struct sw_measured_part *parts;
    size_t n, capacity, n_windows;
    bool out_of_memory;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* Room for one more item; NULL if memory is out, and then items stay as they are. */
static void *grow(void *items, size_t n, size_t *capacity, size_t item_bytes)
{
    if (n < *capacity)
        return items;
    size_t more = *capacity < 64 ? 64 : *capacity * 2;
    void *moved = more <= SIZE_MAX / item_bytes ? realloc(items, more * item_bytes) : NULL;
    if (moved != NULL)
        *capacity = more;
    return moved;
}

static void free_parts(struct sw_measured_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(parts[i].question_id);
    free(parts);
}

static void drop_parts(struct collector *c)
{
    free_parts(c->parts, c->n);
    free(c->id);
    c->parts = NULL;
    c->id = NULL;
    c->n = c->capacity = c->n_windows = 0;
}

/* FNV-1a (Fowler, Noll, Vo) over the numbers; 0 where there are none. */
static uint64_t hash_ids(const json_t *ids)
{
    uint64_t hash = json_array_size(ids) > 0 ? UINT64_C(0xcbf29ce484222325) : 0;
    size_t i;
    const json_t *id;
    json_array_foreach(ids, i, id) hash =
        (hash ^ (uint64_t)json_integer_value(id)) * UINT64_C(0x100000001b3);
    return hash;
}

static enum sw_code add_joules(struct sw_energy_sum sums[SW_RECORD_COMPONENTS],
                               const json_t *energy, const char *where, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    for (size_t c = 0; c < SW_RECORD_COMPONENTS && code == SW_OK; c++)
        code = sw_energy_sum_add(&sums[c], json_object_get(energy, sw_record_component_names[c]),
                                 where, err);
    return code;
}

static enum sw_code parse_sample(struct sw_measured_part *part, const json_t *line,
                                 struct sw_energy_sum sums[SW_RECORD_COMPONENTS],
                                 struct sw_error *err)
{
    const uint64_t most = UINT64_C(1) << 53;
    const json_t *energy = json_object_get(line, "energy");
    uint64_t prefill_ns = 0, decode_ns = 0;
    enum sw_code code = sw_json_u64(&part->index, line, "index", 0, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&part->n_generated, line, "n_generated_tokens", 1, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&prefill_ns, line, "prefill_ns", 0, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&decode_ns, line, "decode_ns", 0, most, "sample", err);
    if (code == SW_OK && energy != NULL)
        code = add_joules(sums, json_object_get(energy, "prefill"), "sample: energy.prefill", err);
    if (code == SW_OK && energy != NULL)
        code = add_joules(sums, json_object_get(energy, "decode"), "sample: energy.decode", err);
    part->prefill_s = (double)prefill_ns * 1e-9;
    part->decode_s = (double)decode_ns * 1e-9;
    part->ids_hash = hash_ids(json_object_get(line, "ids"));
    return code;
}

static enum sw_code parse_window(struct sw_measured_part *part, const json_t *line,
                                 struct sw_energy_sum sums[SW_RECORD_COMPONENTS],
                                 struct sw_error *err)
{
    const char *phase = text_of(line, "phase");
    if (strcmp(phase, "prefill") != 0 && strcmp(phase, "decode") != 0)
        return sw_fail(err, SW_EFORMAT, "window: \"phase\" is neither prefill nor decode");
    enum sw_code code = sw_json_u64(&part->n_generated, line, "n_generated_tokens", 0,
                                    UINT64_C(1) << 53, "window", err);
    if (code == SW_OK)
        code = add_joules(sums, json_object_get(line, "energy"), "window: energy", err);
    double seconds = (double)(part->end_ns - part->start_ns) * 1e-9;
    *(phase[0] == 'p' ? &part->prefill_s : &part->decode_s) = seconds;
    return code;
}

static enum sw_code parse_part(struct sw_measured_part *part, const json_t *line,
                               struct sw_error *err)
{
    struct sw_energy_sum sums[SW_RECORD_COMPONENTS] = {0};
    bool is_window = strcmp(text_of(line, "type"), "window") == 0;
    const char *where = is_window ? "window" : "sample";
    *part = (struct sw_measured_part){0};
    enum sw_code code =
        sw_json_u64_or(&part->block, line, "block", 0, 0, UINT64_C(1) << 32, where, err);
    if (code == SW_OK)
        code = sw_json_u64(&part->start_ns, line, "start_ns", 0, INT64_MAX, where, err);
    if (code == SW_OK)
        code = sw_json_u64(&part->end_ns, line, "end_ns", part->start_ns, INT64_MAX, where, err);
    if (code == SW_OK)
        code =
            is_window ? parse_window(part, line, sums, err) : parse_sample(part, line, sums, err);
    for (size_t c = 0; c < SW_RECORD_COMPONENTS; c++)
        part->joules[c] = sums[c].has_value ? (double)sums[c].uj * 1e-6 : (double)NAN;
    if (code == SW_OK && !is_window) {
        part->question_id = strdup(text_of(line, "question_id"));
        if (part->question_id == NULL)
            code = sw_fail(err, SW_ENOMEM, "out of memory");
    }
    return code;
}

static enum sw_code take_line(void *ctx, const json_t *run, const json_t *line,
                              struct sw_error *err)
{
    struct collector *c = ctx;
    struct sw_measured_part part;
    if (c->id == NULL || strcmp(c->id, text_of(run, "run_id")) != 0) {
        drop_parts(c);
        c->id = strdup(text_of(run, "run_id"));
    }
    enum sw_code code = parse_part(&part, line, err);
    if (code != SW_OK)
        return code;
    struct sw_measured_part *room = grow(c->parts, c->n, &c->capacity, sizeof *room);
    if (c->id == NULL || room == NULL) {
        free(part.question_id);
        return sw_fail(err, SW_ENOMEM, "out of memory");
    }
    c->parts = room;
    c->parts[c->n++] = part;
    c->n_windows += part.question_id == NULL;
    return SW_OK;
}

static void take_record(void *ctx, const struct sw_stored *stored)
{
    struct collector *c = ctx;
    struct sw_measured_runs *runs = c->runs;
    if (stored->is_command) {
        runs->n_commands++;
        return;
    }
    struct sw_measured_run *room = grow(runs->items, runs->n, &c->runs_capacity, sizeof *room);
    if (room == NULL) {
        c->out_of_memory = true;
        return;
    }
    runs->items = room;
    struct sw_measured_run *run = &runs->items[runs->n++];
    *run = (struct sw_measured_run){
        .path = c->path,
        .id = text_of(stored->record, "run_id"),
        .record = json_incref((json_t *)(uintptr_t)stored->record),
        .is_complete =
            !stored->unfinished && !json_is_true(json_object_get(stored->record, "interrupted")),
        .total = stored->total,
    };
    memcpy(run->component, stored->component, sizeof run->component);
    if (c->id != NULL && strcmp(c->id, run->id) == 0) {
        run->parts = c->parts;
        run->n_parts = c->n;
        run->n_windows = c->n_windows;
        c->parts = NULL;
        c->n = c->capacity = c->n_windows = 0;
    }
    drop_parts(c);
}

enum sw_code sw_measured_runs_read(struct sw_measured_runs *out, const char *path,
                                   struct sw_error *err)
{
    *out = (struct sw_measured_runs){0};
    struct collector c = {.runs = out, .path = path};
    struct sw_stored_calls calls = {.on_record = take_record, .on_line = take_line, .ctx = &c};
    enum sw_code code = sw_stored_read_lines(path, &calls, &out->remarks, err);
    drop_parts(&c);
    if (code == SW_OK && c.out_of_memory)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    if (code != SW_OK)
        sw_measured_runs_free(out);
    return code;
}

void sw_measured_runs_free(struct sw_measured_runs *runs)
{
    for (size_t i = 0; i < runs->n; i++) {
        free_parts(runs->items[i].parts, runs->items[i].n_parts);
        json_decref(runs->items[i].record);
    }
    free(runs->items);
    runs->items = NULL;
    runs->n = 0;
}

enum sw_code sw_measured_runs_pick(const struct sw_measured_run **out,
                                   const struct sw_measured_runs *runs, const char *path,
                                   const char *prefix, const struct sw_measured_run *before,
                                   struct sw_error *err)
{
    const struct sw_measured_run *found = NULL;
    size_t n = before != NULL ? (size_t)(before - runs->items) : runs->n;
    for (size_t i = 0; i < n; i++) {
        const struct sw_measured_run *run = &runs->items[i];
        if (strncmp(run->id, prefix, strlen(prefix)) != 0)
            continue;
        if (prefix[0] != 0 && found != NULL && strcmp(found->id, run->id) != 0)
            return sw_fail(err, SW_EUSAGE, "%s: runs %s and %s both begin with \"%s\"", path,
                           found->id, run->id, prefix);
        if (prefix[0] != 0 || found == NULL || run->is_complete || !found->is_complete)
            found = run;
    }
    *out = found;
    if (found != NULL)
        return SW_OK;
    if (prefix[0] != 0)
        return sw_fail(err, SW_EABSENT, "%s: no run begins with \"%s\", among %zu runs", path,
                       prefix, n);
    if (before != NULL)
        return sw_fail(err, SW_EFORMAT, "%s: only one run to compare: name another journal", path);
    return sw_fail(err, SW_EFORMAT, "%s: no run of a model%s", path,
                   runs->n_commands > 0 ? "; what measure printed has no tokens to compare" : "");
}
