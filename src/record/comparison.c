#include "record/comparison.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/comparison_figure.h"
#include "record/journal.h"
#include "record/plan_difference.h"

static void note(json_t *notes, const char *format, ...) SW_PRINTF(2, 3);
static void note(json_t *notes, const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *string = json_string(text);
    json_array_append_new(notes, string != NULL ? string : json_string("(not UTF-8)"));
}

enum sw_code sw_comparison_check(const struct sw_comparison_options *options, struct sw_error *err)
{
    char names[512] = "";
    for (size_t i = 0; i < SW_COMPARED_FIGURES; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                 sw_compared_figure_name(i));
    }
    for (size_t i = 0; i < options->n_figures; i++) {
        bool known = false;
        for (size_t k = 0; k < SW_COMPARED_FIGURES; k++)
            known |= strcmp(options->figures[i], sw_compared_figure_name(k)) == 0;
        if (!known)
            return sw_fail(err, SW_EUSAGE, "--figure: \"%s\" is none of %s", options->figures[i],
                           names);
    }
    return SW_OK;
}

static json_t *describe(const struct sw_measured_run *run)
{
    static const char *const copied[] = {"started_at", "model_name", "weights", "backend",
                                         "strategy",   "arithmetic", "threads", "batch"};
    json_t *path = json_string(run->path);
    json_t *out = json_pack("{s:o, s:s}", "file", path != NULL ? path : json_string("(not UTF-8)"),
                            "run_id", run->id);
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        const json_t *value = json_object_get(run->record, copied[i]);
        bool is_plain = json_is_string(value) || json_is_number(value);
        json_object_set(out, copied[i], is_plain ? (json_t *)(uintptr_t)value : json_null());
    }
    json_object_set_new(out, "complete", json_boolean(run->is_complete));
    const char *row = json_string_value(sw_compared_at(run->record, "verdict.row"));
    json_object_set_new(out, "verdict", row != NULL ? json_string(row) : json_null());
    return out;
}

static json_t *describe_pairs(const struct sw_compared *c)
{
    const struct sw_pairing *p = &c->pairing;
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "by",
                     p->n > 0 ? json_string(p->by_blocks ? "blocks" : "samples") : json_null(), "n",
                     (json_int_t)p->n, "a_answers", (json_int_t)p->n_answers[0], "b_answers",
                     (json_int_t)p->n_answers[1], "answers_in_common", (json_int_t)p->n_common,
                     "of_same_length", (json_int_t)p->n_same_length, "of_same_ids",
                     (json_int_t)p->n_same_ids, "in_turns", c->in_turns);
}

static void add_notes(const struct sw_compared *c, json_t *notes)
{
    const struct sw_pairing *p = &c->pairing;
    for (size_t s = 0; s < 2; s++) {
        const char *name = s == 0 ? "A" : "B";
        const struct sw_measured_run *run = c->run[s];
        const char *why;
        if (sw_compared_is_invalid(c, s, false, &why)) {
            bool seconds_too = !c->in_turns && sw_compared_is_invalid(c, s, true, &why);
            note(notes, "%s is INVALID (%s): its %s are compared, not judged", name,
                 why != NULL ? why : "no reason is stored",
                 seconds_too ? "seconds and joules" : "joules");
        }
        if (!run->is_complete)
            note(notes, "%s did not come to its end: what it finished is compared", name);
        if (p->n > 0 && p->n_answers[s] > p->n_common)
            note(notes, "%zu of the %zu answers of %s have no partner and are left out",
                 p->n_answers[s] - p->n_common, p->n_answers[s], name);
        if (p->n_duplicates[s] > 0)
            note(notes, "%zu lines of %s repeat an answer that was there before and are left out",
                 p->n_duplicates[s], name);
    }
    if (p->n_same_length < p->n_common)
        note(notes,
             "%zu of %zu answers have not the same number of tokens in A and B: figures per "
             "token are of answers of other lengths",
             p->n_common - p->n_same_length, p->n_common);
    if (p->n > 0 && !c->in_turns)
        note(notes,
             "one run after the other: what changed on the machine in between is part of the "
             "difference, so only one beyond %.4g %% is called better or worse",
             100 * c->options->within);
    if (strcmp(sw_record_source_name(c->run[0]->total.rank), "modelled") == 0 ||
        strcmp(sw_record_source_name(c->run[1]->total.rank), "modelled") == 0)
        note(notes,
             "joules are modelled, at least in part: their difference is what a formula makes of "
             "seconds and load");
}

static int by_b_position(const void *x, const void *y, void *pairs)
{
    const size_t *i = x, *k = y;
    const struct sw_pair *all = pairs;
    size_t p = all[*i].side[1].position, q = all[*k].side[1].position;
    return p != q ? (p > q) - (p < q) : (*i > *k) - (*i < *k);
}

/* Room for the values of a figure, and B's order where it is another than A's. */
static enum sw_code prepare(struct sw_compared *c, struct sw_error *err)
{
    size_t n = c->pairing.n;
    for (size_t s = 0; s < 2; s++) {
        c->values[s] = calloc(n + 1, sizeof(double));
        c->shuffled[s] = calloc(n + 1, sizeof(double));
        c->is_batch[s] = c->run[s]->n_windows > 0;
        if (c->values[s] == NULL || c->shuffled[s] == NULL)
            return sw_fail(err, SW_ENOMEM, "out of memory");
    }
    size_t *order = calloc(n + 1, sizeof *order);
    if (order == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, by_b_position, c->pairing.items);
    bool is_same = true;
    for (size_t i = 0; i < n; i++)
        is_same &= order[i] == i;
    if (is_same) {
        free(order);
        order = NULL;
    }
    c->b_order = order;
    return SW_OK;
}

enum sw_code sw_comparison_create(json_t **out, const struct sw_measured_run *a,
                                  const struct sw_measured_run *b,
                                  const struct sw_comparison_options *options, struct sw_error *err)
{
    struct sw_compared c = {.run = {a, b}, .options = options};
    json_t *rows = json_array(), *notes = json_array(), *differences = NULL;
    bool same_machine = false;
    *out = NULL;
    enum sw_code code = sw_comparison_check(options, err);
    if (code == SW_OK)
        code = sw_pairing_create(&c.pairing, a, b, err);
    if (code == SW_OK)
        code = prepare(&c, err);
    if (code != SW_OK)
        goto done;
    differences = sw_plan_differences(a->record, b->record, notes, &same_machine);
    c.in_turns = c.pairing.in_turns && same_machine;
    add_notes(&c, notes);
    for (size_t i = 0; i < SW_COMPARED_FIGURES; i++)
        json_array_append_new(rows, sw_compared_figure(&c, i));
    *out = json_pack("{s:i, s:s, s:f, s:f, s:o, s:o, s:o, s:o, s:O, s:O, s:O, s:b}",
                     "schema_version", SW_SCHEMA_VERSION, "type", "comparison", "level",
                     options->level, "within", options->within, "threshold",
                     isfinite(options->threshold) ? json_real(options->threshold) : json_null(),
                     "a", describe(a), "b", describe(b), "pairs", describe_pairs(&c), "differences",
                     differences, "notes", notes, "figures", rows, "regression", (int)c.regression);
    if (*out == NULL)
        code = sw_fail(err, SW_ENOMEM, "comparison: out of memory");
done:
    for (size_t s = 0; s < 2; s++) {
        free(c.values[s]);
        free(c.shuffled[s]);
    }
    free(c.b_order);
    sw_pairing_free(&c.pairing);
    json_decref(differences);
    json_decref(notes);
    json_decref(rows);
    return code;
}
