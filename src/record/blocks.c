#include "record/blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "record/block_figure.h"

/* As many as a run may have, and no more memory than they need. */
enum { MOST_BLOCKS = 10000, MOST_LISTED = 20 };

static const char *const phase_names[] = {"prefill", "decode"};

static void *grow(void *items, size_t *capacity, size_t n, size_t size)
{
    size_t more = *capacity == 0 ? 16 : *capacity;
    while (more < n)
        more *= 2;
    void *grown = realloc(items, more * size);
    if (grown != NULL)
        *capacity = more;
    return grown;
}

/* The block of a line, NULL with SW_OK where the line has none. */
static enum sw_code find(struct sw_block **out, size_t *number, struct sw_blocks *b,
                         const json_t *line, const char *where, struct sw_error *err)
{
    uint64_t at;
    *out = NULL;
    if (json_object_get(line, "block") == NULL)
        return SW_OK;
    if (sw_json_u64(&at, line, "block", 0, MOST_BLOCKS - 1, where, err) != SW_OK)
        return err->code;
    if (at >= b->capacity) {
        void *grown = grow(b->items, &b->capacity, (size_t)at + 1, sizeof *b->items);
        if (grown == NULL)
            return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
        b->items = grown;
    }
    for (; b->n <= at; b->n++)
        b->items[b->n] = (struct sw_block){0};
    *number = (size_t)at;
    *out = &b->items[at];
    return SW_OK;
}

static void add_energy(struct sw_block *block, const json_t *energy)
{
    for (int c = 0; c < SW_RECORD_COMPONENTS; c++) {
        const json_t *one = json_object_get(energy, sw_record_component_names[c]);
        const json_t *uj = json_object_get(one, "uj");
        const char *source = json_string_value(json_object_get(one, "source"));
        int rank = source != NULL ? sw_record_source_rank(source) : -1;
        block->is_measured[c] = block->is_measured[c] || rank == 0 || rank == 1;
        if (!json_is_integer(uj) || json_integer_value(uj) < 0 ||
            __builtin_add_overflow(block->uj[c], (uint64_t)json_integer_value(uj), &block->uj[c]))
            block->is_missing[c] = true;
    }
}

/* Checked by the summary: within 0 and 2^53. */
static uint64_t count_at(const json_t *line, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(line, key));
}

enum sw_code sw_blocks_add_sample(struct sw_blocks *b, const json_t *sample, struct sw_error *err)
{
    struct sw_block *block;
    size_t number = 0;
    enum sw_code code = find(&block, &number, b, sample, "sample", err);
    if (code != SW_OK || block == NULL)
        return code;
    uint64_t n = count_at(sample, "n_generated_tokens");
    double decode_ns = (double)count_at(sample, "decode_ns");
    if (n > 1) {
        if (b->n_samples == b->samples_capacity) {
            void *grown =
                grow(b->samples, &b->samples_capacity, b->n_samples + 1, sizeof *b->samples);
            if (grown == NULL)
                return sw_fail(err, SW_ENOMEM, "sample: out of memory");
            b->samples = grown;
        }
        struct sw_block_sample *one = &b->samples[b->n_samples++];
        *one = (struct sw_block_sample){number, (size_t)count_at(sample, "index"),
                                        decode_ns / (double)(n - 1)};
        block->tpot_ns += one->tpot_ns;
        block->n_tpot++;
    }
    block->n_samples++;
    block->ttft_ns += (double)count_at(sample, "prefill_ns");
    if (b->is_batch)
        return SW_OK;
    block->n_tokens += n;
    block->ns += count_at(sample, "prefill_ns") + count_at(sample, "decode_ns");
    const json_t *energy = json_object_get(sample, "energy");
    for (int p = 0; p < 2; p++)
        add_energy(block, json_object_get(energy, phase_names[p]));
    return SW_OK;
}

enum sw_code sw_blocks_add_window(struct sw_blocks *b, const json_t *window, struct sw_error *err)
{
    struct sw_block *block;
    size_t number;
    enum sw_code code = find(&block, &number, b, window, "window", err);
    if (code != SW_OK || block == NULL)
        return code;
    block->n_tokens += count_at(window, "n_generated_tokens");
    block->ns += count_at(window, "end_ns") - count_at(window, "start_ns");
    add_energy(block, json_object_get(window, "energy"));
    return SW_OK;
}

void sw_blocks_free(struct sw_blocks *b)
{
    free(b->items);
    free(b->samples);
    *b = (struct sw_blocks){0};
}

/* Figures by number: components first. */
enum {
    TOTAL = SW_RECORD_COMPONENTS,
    SECONDS,
    TTFT,
    TPOT,
    N_FIGURES,
};

static bool is_complete(const struct sw_blocks *b, size_t i)
{
    return b->n_questions > 0 && b->items[i].n_samples >= b->n_questions &&
           b->items[i].n_tokens > 0;
}

static size_t count_complete(const struct sw_blocks *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        n += is_complete(b, i);
    return n;
}

/* Which components make up the total: cpu, gpu and ram as far as no complete block lacks them, so
 * that every block's total holds the same. *measured: one of them is more than a formula. */
static unsigned parts_of_total(const struct sw_blocks *b, bool *measured)
{
    unsigned parts = (1u << SW_RECORD_MACHINE) - 1;
    *measured = false;
    for (size_t i = 0; i < b->n; i++)
        for (unsigned c = 0; c < SW_RECORD_MACHINE && is_complete(b, i); c++)
            if (b->items[i].is_missing[c])
                parts &= ~(1u << c);
    for (size_t i = 0; i < b->n; i++)
        for (unsigned c = 0; c < SW_RECORD_MACHINE && is_complete(b, i); c++)
            *measured = *measured || ((parts & 1u << c) != 0 && b->items[i].is_measured[c]);
    return parts;
}

/* NaN where the block has none. */
static double value_of(const struct sw_block *block, int figure, unsigned parts)
{
    double tokens = (double)block->n_tokens;
    double uj = 0;
    switch (figure) {
    case SECONDS:
        return (double)block->ns * 1e-9 / tokens;
    case TTFT:
        return block->ttft_ns / (double)block->n_samples;
    case TPOT:
        return block->n_tpot > 0 ? block->tpot_ns / (double)block->n_tpot : NAN;
    case TOTAL:
        for (unsigned c = 0; c < SW_RECORD_MACHINE; c++)
            uj += (parts & 1u << c) != 0 ? (double)block->uj[c] : 0;
        return parts != 0 ? uj * 1e-6 / tokens : NAN;
    default:
        return block->is_missing[figure] ? NAN : (double)block->uj[figure] * 1e-6 / tokens;
    }
}

/* Values of the complete blocks that have one, and which blocks those are. */
static enum sw_code take_figure(struct sw_block_figure *out, const struct sw_blocks *b, int figure,
                                unsigned parts, struct sw_error *err)
{
    *out = (struct sw_block_figure){.values = calloc(b->n + 1, sizeof(double)),
                                    .blocks = calloc(b->n + 1, sizeof(size_t)),
                                    .is_looked_at = b->is_looked_at};
    if (out->values == NULL || out->blocks == NULL) {
        sw_block_figure_free(out);
        return sw_fail(err, SW_ENOMEM, "statistics: out of memory");
    }
    for (size_t i = 0; i < b->n; i++) {
        if (!is_complete(b, i))
            continue;
        double value = value_of(&b->items[i], figure, parts);
        if (isnan(value)) {
            out->n_without++;
            continue;
        }
        out->blocks[out->n] = i;
        out->values[out->n++] = value;
    }
    return SW_OK;
}

enum sw_code sw_blocks_precision(const struct sw_blocks *b, struct sw_precision *out,
                                 struct sw_error *err)
{
    bool measured;
    struct sw_block_figure figure;
    unsigned parts = parts_of_total(b, &measured);
    *out = (struct sw_precision){.n_blocks = count_complete(b),
                                 .figure =
                                     measured ? "energy_j_per_token.total" : "seconds_per_token"};
    enum sw_code code = take_figure(&figure, b, measured ? TOTAL : SECONDS, parts, err);
    if (code != SW_OK)
        return code;
    sw_block_interval(figure.values, figure.n, b->is_looked_at, &out->interval);
    sw_block_figure_free(&figure);
    return SW_OK;
}

static json_t *figure_to_json(const struct sw_blocks *b, int number, unsigned parts)
{
    struct sw_block_figure figure;
    if (take_figure(&figure, b, number, parts, NULL) != SW_OK)
        return NULL;
    json_t *object = sw_block_figure_to_json(&figure);
    sw_block_figure_free(&figure);
    return object;
}

/* Samples whose time per token stands out of all samples'. */
static json_t *sample_outliers(const struct sw_blocks *b)
{
    struct sw_outlier_range range;
    double *copy = calloc(b->n_samples + 1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < b->n_samples; i++)
        copy[i] = b->samples[i].tpot_ns;
    bool has_range = sw_outlier_range_find(&range, copy, b->n_samples);
    free(copy);
    json_t *list = json_array();
    size_t n = 0;
    for (size_t i = 0; i < b->n_samples && has_range; i++) {
        const struct sw_block_sample *s = &b->samples[i];
        if (s->tpot_ns >= range.low && s->tpot_ns <= range.high)
            continue;
        if (n++ < MOST_LISTED)
            json_array_append_new(list,
                                  json_pack("{s:I, s:I, s:f}", "block", (json_int_t)s->block,
                                            "index", (json_int_t)s->index, "tpot_ns", s->tpot_ns));
    }
    return json_pack("{s:I, s:I, s:o}", "n", (json_int_t)n, "of", (json_int_t)b->n_samples,
                     "samples", list);
}

json_t *sw_blocks_to_json(const struct sw_blocks *b)
{
    bool measured;
    unsigned parts = parts_of_total(b, &measured);
    json_t *joules = json_object();
    for (int c = 0; c < SW_RECORD_COMPONENTS; c++)
        json_object_set_new(joules, sw_record_component_names[c], figure_to_json(b, c, parts));
    json_object_set_new(joules, "total", figure_to_json(b, TOTAL, parts));
    json_t *out = json_pack("{s:o, s:o, s:o, s:o, s:o}", "seconds_per_token",
                            figure_to_json(b, SECONDS, parts), "energy_j_per_token", joules,
                            "ttft_ns", figure_to_json(b, TTFT, parts), "tpot_ns",
                            figure_to_json(b, TPOT, parts), "sample_outliers", sample_outliers(b));
    return out;
}
