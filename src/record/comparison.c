#include "record/comparison.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/difference.h"
#include "record/journal.h"
#include "record/pairing.h"
#include "record/plan_difference.h"

enum { TOTAL = SW_RECORD_COMPONENTS, NO_ENERGY };

/* More neighbours than this are taken together: a trend takes n^2 / 2 comparisons. */
enum { MAX_VALUES = 2000 };

enum kind { PER_TOKEN, DECODE, TTFT, PER_ANSWER };

static const struct figure {
    const char *name, *unit;
    enum kind kind;
    int energy;         /* component, TOTAL or NO_ENERGY */
    const char *record; /* where the whole run's stands in its record; NULL: nowhere */
} figures[] = {
    {"seconds_per_token", "s", PER_TOKEN, NO_ENERGY, "seconds_per_token"},
    {"decode_seconds_per_token", "s", DECODE, NO_ENERGY, NULL},
    {"ttft_seconds", "s", TTFT, NO_ENERGY, NULL},
    {"j_per_token", "J", PER_TOKEN, TOTAL, "energy_j_per_token.total.value"},
    {"cpu_j_per_token", "J", PER_TOKEN, SW_RECORD_CPU, "energy_j_per_token.cpu.value"},
    {"gpu_j_per_token", "J", PER_TOKEN, SW_RECORD_GPU, "energy_j_per_token.gpu.value"},
    {"ram_j_per_token", "J", PER_TOKEN, SW_RECORD_RAM, "energy_j_per_token.ram.value"},
    {"machine_j_per_token", "J", PER_TOKEN, SW_RECORD_MACHINE, "energy_j_per_token.machine.value"},
    {"seconds_per_answer", "s", PER_ANSWER, NO_ENERGY, NULL},
    {"j_per_answer", "J", PER_ANSWER, TOTAL, NULL},
};
enum { N_FIGURES = sizeof figures / sizeof figures[0] };

static const char *const chosen_by_default[] = {"seconds_per_token", "j_per_token"};

struct comparison {
    const struct sw_measured_run *run[2];
    const struct sw_comparison_options *options;
    struct sw_pairing pairing;
    json_t *notes;
    bool is_batch[2];
    bool same_machine;
    bool regression;
    double *values[2]; /* (pairing.n) of the figure at hand */
    size_t *b_order;   /* (pairing.n) pairs in B's order of time; NULL: it is A's */
    double *shuffled[2];
};

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static const json_t *at_path(const json_t *object, const char *path)
{
    char key[64];
    for (size_t size; object != NULL; path += size + 1) {
        size = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)size, path);
        object = json_object_get(object, key);
        if (path[size] == 0)
            break;
    }
    return object;
}

static void note(struct comparison *c, const char *format, ...) SW_PRINTF(2, 3);
static void note(struct comparison *c, const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *string = json_string(text);
    json_array_append_new(c->notes, string != NULL ? string : json_string("(not UTF-8)"));
}

enum sw_code sw_comparison_check(const struct sw_comparison_options *options, struct sw_error *err)
{
    char names[512] = "";
    for (size_t i = 0; i < N_FIGURES; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", figures[i].name);
    }
    for (size_t i = 0; i < options->n_figures; i++) {
        bool known = false;
        for (size_t k = 0; k < N_FIGURES; k++)
            known |= strcmp(options->figures[i], figures[k].name) == 0;
        if (!known)
            return sw_fail(err, SW_EUSAGE, "--figure: \"%s\" is none of %s", options->figures[i],
                           names);
    }
    return SW_OK;
}

static bool is_chosen(const struct sw_comparison_options *options, const char *name)
{
    bool given = options->n_figures > 0;
    const char *const *names = given ? options->figures : chosen_by_default;
    for (size_t i = 0; i < (given ? options->n_figures : 2); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Joules of a pair's side; the total is of the components that the whole run has. */
static double joules_of(const struct comparison *c, size_t side, const struct sw_pair_side *sums,
                        int energy)
{
    if (energy != TOTAL)
        return sums->joules[energy];
    double total = 0;
    bool any = false;
    for (size_t k = 0; k < SW_RECORD_MACHINE; k++) {
        if (!c->run[side]->component[k].has_value)
            continue;
        total += sums->joules[k];
        any = true;
    }
    return any ? total : (double)NAN;
}

static double value_of(const struct comparison *c, size_t side, const struct sw_pair_side *sums,
                       const struct figure *f)
{
    double amount = f->energy == NO_ENERGY ? sums->seconds : joules_of(c, side, sums, f->energy);
    switch (f->kind) {
    case PER_TOKEN:
        return amount / sums->n_tokens;
    case PER_ANSWER:
        return amount / sums->n_answers;
    case DECODE:
        return sums->decode_s / sums->n_decoded;
    case TTFT:
        return sums->ttft_s / sums->n_answers;
    }
    return (double)NAN;
}

static const struct sw_energy_sum *energy_of(const struct comparison *c, size_t side, int energy)
{
    return energy == TOTAL ? &c->run[side]->total : &c->run[side]->component[energy];
}

static bool is_invalid(const struct comparison *c, size_t side)
{
    const char *row = json_string_value(at_path(c->run[side]->record, "verdict.row"));
    return row != NULL && strcmp(row, "INVALID") == 0;
}

/* Why figures are not on one scale, or not to be relied on: static text, or NULL. */
static const char *distrust(const struct comparison *c, const struct figure *f)
{
    bool shared = f->kind == PER_TOKEN || f->kind == PER_ANSWER;
    if (shared && c->pairing.windows_hold_others)
        return "a batch's windows hold answers that are not in common";
    if (f->energy == NO_ENERGY)
        return NULL;
    if (is_invalid(c, 0) || is_invalid(c, 1))
        return is_invalid(c, 0) ? "the verdict of A is INVALID" : "the verdict of B is INVALID";
    const struct sw_energy_sum *a = energy_of(c, 0, f->energy), *b = energy_of(c, 1, f->energy);
    static const char modelled[] = "modelled";
    bool a_modelled = strcmp(sw_record_source_name(a->rank), modelled) == 0;
    bool b_modelled = strcmp(sw_record_source_name(b->rank), modelled) == 0;
    if ((a_modelled || b_modelled) && strcmp(a->meter, b->meter) != 0)
        return a_modelled && b_modelled ? "modelled by different formulas"
                                        : "a measurement against a model";
    if (f->energy == TOTAL)
        for (size_t k = 0; k < SW_RECORD_MACHINE; k++)
            if (c->run[0]->component[k].has_value != c->run[1]->component[k].has_value)
                return "the totals are not of the same components";
    return NULL;
}

/* Why there is no figure at all; "" where there may be one. */
static void why_absent(char *text, size_t size, const struct comparison *c, const struct figure *f)
{
    text[0] = 0;
    bool shared = f->kind == PER_TOKEN || f->kind == PER_ANSWER;
    for (size_t s = 0; s < 2 && text[0] == 0; s++) {
        const char *name = s == 0 ? "A" : "B";
        if (f->energy != NO_ENERGY && !energy_of(c, s, f->energy)->has_value) {
            const char *reason = energy_of(c, s, f->energy)->reason;
            snprintf(text, size, "%s: %s", name, reason[0] != 0 ? reason : "no joules");
        } else if (c->run[s]->n_parts == 0) {
            snprintf(text, size, "%s is a record alone, without its journal's answers", name);
        } else if (shared && c->is_batch[s] && !c->pairing.by_blocks) {
            snprintf(text, size, "%s is a batch without blocks to pair", name);
        }
    }
}

/* Values of both sides of each pair that has both, neighbours taken together where they are many;
 * order may be NULL. */
static size_t take_values(const struct comparison *c, const struct figure *f, const size_t *order,
                          double *a, double *b, size_t *n_pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < c->pairing.n; i++) {
        const struct sw_pair *pair = &c->pairing.items[order != NULL ? order[i] : i];
        double x = value_of(c, 0, &pair->side[0], f), y = value_of(c, 1, &pair->side[1], f);
        if (!isfinite(x) || !isfinite(y))
            continue;
        a[n] = x;
        b[n++] = y;
    }
    *n_pairs = n;
    size_t together = n > MAX_VALUES ? (n + MAX_VALUES - 1) / MAX_VALUES : 1;
    size_t n_groups = n / together;
    for (size_t g = 0; g < n_groups && together > 1; g++) {
        double sum[2] = {0, 0};
        for (size_t i = g * together; i < (g + 1) * together; i++) {
            sum[0] += a[i] / (double)together;
            sum[1] += b[i] / (double)together;
        }
        a[g] = sum[0];
        b[g] = sum[1];
    }
    return n_groups;
}

/* Neighbours in time are neighbours in A's order or in B's: the worse of the two counts. */
static void judge(const struct comparison *c, const struct figure *f, struct sw_difference *out,
                  size_t *n_pairs)
{
    const struct sw_comparison_options *o = c->options;
    const char *why = distrust(c, f);
    size_t n = take_values(c, f, NULL, c->values[0], c->values[1], n_pairs);
    sw_difference_judge(out, c->values[0], c->values[1], n, o->level, o->within, why);
    if (c->b_order == NULL)
        return;
    struct sw_difference other;
    n = take_values(c, f, c->b_order, c->shuffled[0], c->shuffled[1], n_pairs);
    sw_difference_judge(&other, c->shuffled[0], c->shuffled[1], n, o->level, o->within, why);
    bool is_wider =
        other.interval.high - other.interval.low > out->interval.high - out->interval.low;
    if (other.interval.marked != out->interval.marked ? other.interval.marked : is_wider)
        *out = other;
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return n > 0 ? sum / (double)n : (double)NAN;
}

static void put_sources(const struct comparison *c, const struct figure *f, json_t *row)
{
    if (f->energy == NO_ENERGY) {
        json_object_set_new(row, "source", json_string("measured"));
        return;
    }
    const struct sw_energy_sum *sums[2] = {energy_of(c, 0, f->energy), energy_of(c, 1, f->energy)};
    int rank = sums[0]->rank > sums[1]->rank ? sums[0]->rank : sums[1]->rank;
    bool has_both = sums[0]->has_value && sums[1]->has_value;
    json_object_set_new(row, "source",
                        json_string(has_both ? sw_record_source_name(rank) : "absent"));
    json_t *meter_a = sums[0]->has_value ? json_string(sums[0]->meter) : json_null();
    json_t *meter_b = sums[1]->has_value ? json_string(sums[1]->meter) : json_null();
    json_object_set_new(row, "a_meter", meter_a != NULL ? meter_a : json_null());
    json_object_set_new(row, "b_meter", meter_b != NULL ? meter_b : json_null());
}

/* "undecided: 12 more blocks needed", for people and scripts alike. */
static void put_verdict(const struct comparison *c, const struct sw_difference *d, json_t *row)
{
    char text[320];
    const char *what = c->pairing.by_blocks ? "block" : "sample";
    const char *name = sw_difference_verdict_name(d->verdict);
    bool countable = d->n_more > 0 && d->n_more < SIZE_MAX;
    if (d->verdict == SW_SAME)
        snprintf(text, sizeof text, "same within %.4g %%", 100 * c->options->within);
    else if (d->verdict != SW_UNDECIDED)
        snprintf(text, sizeof text, "%s", name);
    else if (countable)
        snprintf(text, sizeof text, "undecided: %zu more %s%s needed", d->n_more, what,
                 d->n_more > 1 ? "s" : "");
    else
        snprintf(text, sizeof text, "undecided: %s",
                 d->interval.reason != NULL ? d->interval.reason : "no number of pairs would tell");
    json_object_set_new(row, "verdict", json_string(name));
    json_object_set_new(row, "verdict_text", json_string(text));
    json_object_set_new(row, "n_more",
                        countable && d->verdict == SW_UNDECIDED
                            ? json_integer((json_int_t)d->n_more)
                            : json_null());
}

static json_t *compare_figure(struct comparison *c, const struct figure *f)
{
    struct sw_difference d;
    char absent[600];
    size_t n_pairs = 0;
    json_t *row = json_pack("{s:s, s:s}", "figure", f->name, "unit", f->unit);
    why_absent(absent, sizeof absent, c, f);
    judge(c, f, &d, &n_pairs);
    size_t n = d.interval.n;
    double a = mean_of(c->values[0], n), b = mean_of(c->values[1], n);
    double stored[2] = {(double)NAN, (double)NAN};
    for (size_t s = 0; s < 2 && f->record != NULL; s++) {
        const json_t *value = at_path(c->run[s]->record, f->record);
        stored[s] = json_is_number(value) ? json_number_value(value) : (double)NAN;
    }
    bool has_pairs = n_pairs > 0 && absent[0] == 0;
    if (!has_pairs) {
        a = stored[0];
        b = stored[1];
        d.interval =
            (struct sw_interval){.mean = b / a - 1, .low = NAN, .high = NAN, .marked = true};
        if (absent[0] == 0)
            snprintf(absent, sizeof absent, "no pair has this figure on both sides");
    }
    bool zero = has_pairs && !isfinite(d.interval.mean);
    if (zero)
        snprintf(absent, sizeof absent, "A is 0, and nothing is relative to that");
    json_object_set_new(row, "a", real_or_null(a));
    json_object_set_new(row, "b", real_or_null(b));
    json_object_set_new(row, "difference", real_or_null(d.interval.mean));
    json_object_set_new(row, "low", real_or_null(d.interval.low));
    json_object_set_new(row, "high", real_or_null(d.interval.high));
    json_object_set_new(row, "n", json_integer(has_pairs ? (json_int_t)n_pairs : 0));
    json_object_set_new(row, "n_effective",
                        has_pairs ? real_or_null(d.interval.n_effective) : json_null());
    json_object_set_new(row, "marked", json_boolean(d.interval.marked));
    const char *reason = absent[0] != 0 ? absent : d.interval.reason;
    json_t *text = reason != NULL ? json_string(reason) : json_null();
    json_object_set_new(row, "reason", text != NULL ? text : json_string("(not UTF-8)"));
    put_sources(c, f, row);
    json_object_set_new(row, "a_record", real_or_null(stored[0]));
    json_object_set_new(row, "b_record", real_or_null(stored[1]));
    if (has_pairs && !zero) {
        put_verdict(c, &d, row);
    } else {
        json_object_set_new(row, "verdict", json_null());
        json_object_set_new(row, "verdict_text", json_null());
        json_object_set_new(row, "n_more", json_null());
    }
    bool chosen = is_chosen(c->options, f->name);
    bool above = isnan(c->options->threshold) ? d.verdict == SW_WORSE
                                              : sw_difference_is_above(&d, c->options->threshold);
    bool regression = chosen && has_pairs && !zero && above;
    json_object_set_new(row, "chosen", json_boolean(chosen));
    json_object_set_new(row, "regression", json_boolean(regression));
    c->regression |= regression;
    return row;
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
    const char *row = json_string_value(at_path(run->record, "verdict.row"));
    json_object_set_new(out, "verdict", row != NULL ? json_string(row) : json_null());
    return out;
}

static json_t *describe_pairs(const struct comparison *c)
{
    const struct sw_pairing *p = &c->pairing;
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "by",
                     p->n > 0 ? json_string(p->by_blocks ? "blocks" : "samples") : json_null(), "n",
                     (json_int_t)p->n, "a_answers", (json_int_t)p->n_answers[0], "b_answers",
                     (json_int_t)p->n_answers[1], "answers_in_common", (json_int_t)p->n_common,
                     "of_same_length", (json_int_t)p->n_same_length, "of_same_ids",
                     (json_int_t)p->n_same_ids, "in_turns",
                     p->n > 0 && p->overlaps && c->same_machine);
}

static void add_notes(struct comparison *c)
{
    const struct sw_pairing *p = &c->pairing;
    for (size_t s = 0; s < 2; s++) {
        const char *name = s == 0 ? "A" : "B";
        const struct sw_measured_run *run = c->run[s];
        const char *why =
            json_string_value(json_array_get(at_path(run->record, "verdict.reasons"), 0));
        if (is_invalid(c, s))
            note(c, "%s is INVALID (%s): its joules are compared, not judged", name,
                 why != NULL ? why : "no reason is stored");
        if (!run->is_complete)
            note(c, "%s did not come to its end: what it finished is compared", name);
        if (p->n > 0 && p->n_answers[s] > p->n_common)
            note(c, "%zu of the %zu answers of %s have no partner and are left out",
                 p->n_answers[s] - p->n_common, p->n_answers[s], name);
        if (p->n_duplicates[s] > 0)
            note(c, "%zu lines of %s repeat an answer that was there before and are left out",
                 p->n_duplicates[s], name);
    }
    if (p->n_same_length < p->n_common)
        note(c,
             "%zu of %zu answers have not the same number of tokens in A and B: figures per "
             "token are of answers of other lengths",
             p->n_common - p->n_same_length, p->n_common);
    if (p->n > 0 && !(p->overlaps && c->same_machine))
        note(c, "one run after the other: what changed on the machine in between is part of the "
                "difference");
    if (strcmp(sw_record_source_name(c->run[0]->total.rank), "modelled") == 0 ||
        strcmp(sw_record_source_name(c->run[1]->total.rank), "modelled") == 0)
        note(c,
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
static enum sw_code prepare(struct comparison *c, struct sw_error *err)
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
    struct comparison c = {.run = {a, b}, .options = options, .notes = json_array()};
    json_t *rows = json_array(), *differences = NULL;
    *out = NULL;
    enum sw_code code = sw_comparison_check(options, err);
    if (code == SW_OK)
        code = sw_pairing_create(&c.pairing, a, b, err);
    if (code == SW_OK)
        code = prepare(&c, err);
    if (code != SW_OK)
        goto done;
    differences = sw_plan_differences(a->record, b->record, c.notes, &c.same_machine);
    add_notes(&c);
    for (size_t i = 0; i < N_FIGURES; i++)
        json_array_append_new(rows, compare_figure(&c, &figures[i]));
    *out =
        json_pack("{s:i, s:s, s:f, s:f, s:o, s:o, s:o, s:o, s:O, s:O, s:O, s:b}", "schema_version",
                  SW_SCHEMA_VERSION, "type", "comparison", "level", options->level, "within",
                  options->within, "threshold", real_or_null(options->threshold), "a", describe(a),
                  "b", describe(b), "pairs", describe_pairs(&c), "differences", differences,
                  "notes", c.notes, "figures", rows, "regression", (int)c.regression);
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
    json_decref(c.notes);
    json_decref(rows);
    return code;
}
