#include "record/comparison_figure.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "record/difference.h"

enum { TOTAL = SW_RECORD_COMPONENTS, NO_ENERGY };

/* More neighbours than this are taken together: a trend takes n^2 / 2 comparisons. */
enum { MAX_VALUES = 2000 };

/* More pairs than this are no advice. */
enum { MAX_COUNTED = 1000000 };

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
_Static_assert(sizeof figures / sizeof figures[0] == SW_COMPARED_FIGURES, "one count");

const char *sw_compared_figure_name(size_t i)
{
    return figures[i].name;
}

static const char *const chosen_by_default[] = {"seconds_per_token", "j_per_token"};

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

const json_t *sw_compared_at(const json_t *object, const char *path)
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
static double joules_of(const struct sw_compared *c, size_t side, const struct sw_pair_side *sums,
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

static double value_of(const struct sw_compared *c, size_t side, const struct sw_pair_side *sums,
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

static const struct sw_energy_sum *energy_of(const struct sw_compared *c, size_t side, int energy)
{
    return energy == TOTAL ? &c->run[side]->total : &c->run[side]->component[energy];
}

bool sw_compared_is_invalid(const struct sw_compared *c, size_t side, bool seconds_too,
                            const char **reason_view)
{
    /* Kinds of reasons of docs/verdicts.md. */
    static const char *const spoils_seconds[] = {"foreign load", "stolen time", "throttled",
                                                 "container limits", "suspended"};
    const json_t *record = c->run[side]->record, *reason;
    const json_t *reasons = sw_compared_at(record, "verdict.reasons");
    const char *row = json_string_value(sw_compared_at(record, "verdict.row"));
    size_t i;
    *reason_view = json_string_value(json_array_get(reasons, 0));
    if (row == NULL || strcmp(row, "INVALID") != 0)
        return false;
    json_array_foreach(reasons, i, reason)
    {
        const char *text = json_string_value(reason);
        for (size_t k = 0; k < sizeof spoils_seconds / sizeof spoils_seconds[0]; k++)
            if (text != NULL && strncmp(text, spoils_seconds[k], strlen(spoils_seconds[k])) == 0) {
                *reason_view = text;
                return true;
            }
    }
    return !seconds_too;
}

/* Why figures are not on one scale, or not to be relied on: static text, or NULL. */
static const char *distrust(const struct sw_compared *c, const struct figure *f)
{
    bool shared = f->kind == PER_TOKEN || f->kind == PER_ANSWER;
    if (shared && c->pairing.windows_hold_others)
        return "a batch's windows hold answers that are not in common";
    /* What spoils the seconds of runs in turns is in both, and in their scatter. */
    const char *reason;
    if (f->energy != NO_ENERGY || !c->in_turns)
        for (size_t s = 0; s < 2; s++)
            if (sw_compared_is_invalid(c, s, f->energy == NO_ENERGY, &reason))
                return s == 0 ? "the verdict of A is INVALID" : "the verdict of B is INVALID";
    if (f->energy == NO_ENERGY)
        return NULL;
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
static void why_absent(char *text, size_t size, const struct sw_compared *c, const struct figure *f)
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
static size_t take_values(const struct sw_compared *c, const struct figure *f, const size_t *order,
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
static void judge(const struct sw_compared *c, const struct figure *f, double level,
                  struct sw_difference *out, size_t *n_pairs)
{
    const struct sw_comparison_options *o = c->options;
    const struct sw_difference_rule rule = {.level = level,
                                            .within = o->within,
                                            .claim_beyond = c->in_turns ? 0 : o->within,
                                            .every_pair_counts = c->in_turns,
                                            .distrust = distrust(c, f)};
    size_t n = take_values(c, f, NULL, c->values[0], c->values[1], n_pairs);
    sw_difference_judge(out, c->values[0], c->values[1], n, &rule);
    if (c->b_order == NULL)
        return;
    struct sw_difference other;
    n = take_values(c, f, c->b_order, c->shuffled[0], c->shuffled[1], n_pairs);
    sw_difference_judge(&other, c->shuffled[0], c->shuffled[1], n, &rule);
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

static void put_sources(const struct sw_compared *c, const struct figure *f, json_t *row)
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
static void put_verdict(const struct sw_compared *c, const struct sw_difference *d, json_t *row)
{
    char text[320];
    const char *what = c->pairing.by_blocks ? "block" : "sample";
    const char *name = sw_difference_verdict_name(d->verdict);
    bool countable = d->n_more > 0 && d->n_more <= MAX_COUNTED;
    if (d->verdict == SW_SAME)
        snprintf(text, sizeof text, "same within %.4g %%", 100 * c->options->within);
    else if (d->verdict != SW_UNDECIDED)
        snprintf(text, sizeof text, "%s%s", name, d->in_every_pair ? " in every pair" : "");
    else if (countable)
        snprintf(text, sizeof text, "undecided: %zu more %s%s needed", d->n_more, what,
                 d->n_more > 1 ? "s" : "");
    else
        snprintf(text, sizeof text, "undecided: %s",
                 d->interval.reason != NULL ? d->interval.reason
                                            : "about as much as counts as none");
    json_object_set_new(row, "verdict", json_string(name));
    json_object_set_new(row, "in_every_pair", json_boolean(d->in_every_pair));
    json_object_set_new(row, "verdict_text", json_string(text));
    json_object_set_new(row, "n_more",
                        countable && d->verdict == SW_UNDECIDED
                            ? json_integer((json_int_t)d->n_more)
                            : json_null());
}

/* An interval that is wrong is wrong on this side half of the time, so of two figures one says so
 * falsely no more often than one of the intervals is wrong. Of more figures each has to be as much
 * surer (Bonferroni): the exit code is one claim. */
static bool is_above(const struct sw_compared *c, const struct figure *f,
                     const struct sw_difference *at_level)
{
    const struct sw_comparison_options *o = c->options;
    struct sw_difference surer;
    size_t n_pairs;
    if (o->n_figures > 2) {
        judge(c, f, 1 - (1 - o->level) * 2 / (double)o->n_figures, &surer, &n_pairs);
        at_level = &surer;
    }
    return isnan(o->threshold) ? at_level->verdict == SW_WORSE
                               : sw_difference_is_above(at_level, o->threshold);
}

json_t *sw_compared_figure(struct sw_compared *c, size_t i)
{
    const struct figure *f = &figures[i];
    struct sw_difference d;
    char absent[600];
    size_t n_pairs = 0;
    json_t *row = json_pack("{s:s, s:s}", "figure", f->name, "unit", f->unit);
    why_absent(absent, sizeof absent, c, f);
    judge(c, f, c->options->level, &d, &n_pairs);
    size_t n = d.interval.n;
    double a = mean_of(c->values[0], n), b = mean_of(c->values[1], n);
    double stored[2] = {(double)NAN, (double)NAN};
    for (size_t s = 0; s < 2 && f->record != NULL; s++) {
        const json_t *value = sw_compared_at(c->run[s]->record, f->record);
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
        json_object_set_new(row, "in_every_pair", json_false());
        json_object_set_new(row, "verdict_text", json_null());
        json_object_set_new(row, "n_more", json_null());
    }
    bool chosen = is_chosen(c->options, f->name);
    bool above = chosen && is_above(c, f, &d);
    bool regression = chosen && has_pairs && !zero && above;
    json_object_set_new(row, "chosen", json_boolean(chosen));
    json_object_set_new(row, "regression", json_boolean(regression));
    c->regression |= regression;
    return row;
}
