#include "record/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "record/verdict_rules.h"

enum { PREFILL, DECODE, N_PHASES };
static const char *const phase_names[N_PHASES] = {"prefill", "decode"};

static const char *const mark_names[SW_N_MARKS] = {"unreadable", "late", "clock_stepped",
                                                   "stalled"};

static const char *const level_names[SW_N_VERDICTS] = {"VALID", "INFORMATIVE", "INVALID"};

const char *sw_verdict_name(enum sw_verdict_level level)
{
    return level_names[level];
}

bool sw_verdict_parse(enum sw_verdict_level *out, const char *name)
{
    for (int i = 0; i < SW_N_VERDICTS; i++) {
        if (strcasecmp(name, level_names[i]) == 0) {
            *out = (enum sw_verdict_level)i;
            return true;
        }
    }
    return false;
}

enum sw_code sw_verdict_create(struct sw_verdict **out, json_t *run, struct sw_error *err)
{
    struct sw_verdict *v = calloc(1, sizeof *v);
    *out = v;
    if (v == NULL)
        return sw_fail(err, SW_ENOMEM, "verdict: out of memory");
    v->run = json_incref(run);
    return SW_OK;
}

void sw_verdict_destroy(struct sw_verdict *v)
{
    if (v == NULL)
        return;
    json_decref(v->run);
    free(v->pace);
    free(v);
}

const struct sw_conditions_sum *sw_verdict_conditions(const struct sw_verdict *v)
{
    return &v->conditions;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void note_faults(struct sw_verdict_component *c, const json_t *faults)
{
    size_t i;
    const json_t *name;
    json_array_foreach(faults, i, name)
    {
        for (int f = 0; f < SW_N_MARKS && json_is_string(name); f++)
            c->n_faults[f] += strcmp(json_string_value(name), mark_names[f]) == 0;
    }
}

static void add_energy(struct sw_verdict_component *c, const json_t *energy)
{
    double uj = json_number_value(json_object_get(energy, "uj"));
    c->n_parts++;
    if (!json_is_integer(json_object_get(energy, "uj")) || uj < 0) {
        c->n_without++;
        return;
    }
    c->uj += uj;
    note_faults(c, json_object_get(energy, "faults"));
    int rank = sw_record_source_rank(text_of(energy, "source"));
    const json_t *percent = json_object_get(energy, "edge_percent");
    if (rank != 0 && rank != 1) /* a model has no ticks */
        return;
    if (!json_is_number(percent))
        c->edges_unknown = true;
    else
        c->edge_uj2 += pow(uj * json_number_value(percent) / 100, 2);
}

/* Nanoseconds per token of a sample's decoding; of a batch's windows they depend on how many
 * sequences are under way. */
static enum sw_code add_pace(struct sw_verdict *v, const json_t *line, struct sw_error *err)
{
    double n = json_number_value(json_object_get(line, "n_generated_tokens"));
    double ns = json_number_value(json_object_get(line, "decode_ns"));
    if (n < 2 || ns <= 0)
        return SW_OK;
    if (v->n_pace == v->capacity) {
        size_t capacity = v->capacity == 0 ? 64 : v->capacity * 2;
        double *pace = realloc(v->pace, capacity * sizeof *pace);
        if (pace == NULL)
            return sw_fail(err, SW_ENOMEM, "verdict: out of memory");
        v->pace = pace;
        v->capacity = capacity;
    }
    v->pace[v->n_pace++] = ns / (n - 1);
    return SW_OK;
}

enum sw_code sw_verdict_add(struct sw_verdict *v, const json_t *line, struct sw_error *err)
{
    const json_t *energy = json_object_get(line, "energy");
    bool is_window = strcmp(text_of(line, "type"), "window") == 0;
    enum sw_code code = is_window ? SW_OK : add_pace(v, line, err);
    if (code != SW_OK)
        return code;
    for (int c = 0; c < SW_VERDICT_COMPONENTS; c++) {
        const char *name = sw_record_component_names[c];
        if (is_window)
            add_energy(&v->components[c], json_object_get(energy, name));
        for (int p = 0; p < N_PHASES && !is_window; p++)
            add_energy(&v->components[c],
                       json_object_get(json_object_get(energy, phase_names[p]), name));
    }
    sw_conditions_sum_add(&v->conditions, json_object_get(line, "conditions"));
    v->n_lines++;
    return SW_OK;
}

static bool uses_gpu(const struct sw_verdict *v)
{
    const char *backend = text_of(v->run, "backend");
    size_t n = strlen(backend);
    return n >= 4 && strcmp(backend + n - 4, "_gpu") == 0;
}

static struct sw_verdict_figure figure_of(const json_t *end, const char *component)
{
    struct sw_verdict_figure out = {.has_value = true, .reason = ""};
    for (int p = 0; p < N_PHASES; p++) {
        const json_t *energy = json_object_get(
            json_object_get(json_object_get(end, "energy"), phase_names[p]), component);
        int rank = sw_record_source_rank(text_of(energy, "source"));
        if (!json_is_integer(json_object_get(energy, "uj")) || rank < 0)
            out.has_value = false;
        if (rank > out.rank || out.reason[0] == 0)
            out.reason = text_of(energy, "reason");
        if (rank > out.rank)
            out.rank = rank;
    }
    return out;
}

/* Worst level of the reasons that concern mask, and their texts into array. */
static enum sw_verdict_level gather(json_t *array, const struct sw_verdict_reasons *reasons,
                                    unsigned mask)
{
    enum sw_verdict_level worst = SW_VALID;
    for (size_t i = 0; i < reasons->n; i++) {
        const struct sw_verdict_reason *r = &reasons->items[i];
        if ((r->concerns & mask) == 0 || r->level == SW_VALID)
            continue;
        if (r->level > worst)
            worst = r->level;
        json_array_append_new(array, json_string(r->text));
    }
    return worst;
}

/* Of the joules with a value, by formula. */
static json_t *modelled_share(const struct sw_verdict *v,
                              const struct sw_verdict_figure figures[SW_VERDICT_COMPONENTS])
{
    double all = 0, modelled = 0;
    for (int c = 0; c < SW_VERDICT_COMPONENTS; c++) {
        if (!figures[c].has_value)
            continue;
        all += v->components[c].uj;
        modelled += figures[c].rank == 2 ? v->components[c].uj : 0;
    }
    return all > 0 ? json_real(modelled / all) : json_null();
}

json_t *sw_verdict_to_json(const struct sw_verdict *v, const json_t *end)
{
    struct sw_verdict_figure figures[SW_VERDICT_COMPONENTS];
    struct sw_verdict_reasons *reasons = calloc(1, sizeof *reasons);
    if (reasons == NULL)
        return NULL;
    bool gpu = uses_gpu(v);
    for (int c = 0; c < SW_VERDICT_COMPONENTS; c++)
        figures[c] = figure_of(end, sw_record_component_names[c]);
    sw_verdict_judge(reasons, v, figures, gpu, end);
    json_t *components = json_object();
    for (int c = 0; c < SW_VERDICT_COMPONENTS; c++) {
        json_t *texts = json_array();
        json_t *level;
        if (c == SW_RECORD_GPU && !gpu) {
            level = json_null();
            json_array_append_new(texts, json_string("not used by this backend"));
        } else {
            level = json_string(level_names[gather(texts, reasons, 1u << c)]);
        }
        json_object_set_new(components, sw_record_component_names[c],
                            json_pack("{s:o, s:o}", "verdict", level, "reasons", texts));
    }
    json_t *texts = json_array();
    const char *row = level_names[gather(texts, reasons, SW_CONCERNS_ROW)];
    free(reasons);
    return json_pack("{s:s, s:o, s:o, s:o}", "row", row, "reasons", texts, "components", components,
                     "modelled_share", modelled_share(v, figures));
}
