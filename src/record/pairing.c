#include "record/pairing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Answers of one run in the order of block, index and question; each once. */
struct answers {
    const struct sw_measured_run *run;
    size_t *at; /* (n) indices into run->parts, owned */
    size_t n;
    bool is_batch;
};

/* A block in which both runs have answers. */
struct block {
    uint64_t number;
    struct sw_pair pair;
    size_t n_common;
    bool has_windows[2];
};

static int compare_parts(const struct sw_measured_part *x, const struct sw_measured_part *y)
{
    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return strcmp(x->question_id, y->question_id);
}

static int by_key(const void *x, const void *y, void *parts)
{
    const size_t *i = x, *k = y;
    const struct sw_measured_part *all = parts;
    int order = compare_parts(&all[*i], &all[*k]);
    return order != 0 ? order : (*i > *k) - (*i < *k);
}

static enum sw_code list_answers(struct answers *out, const struct sw_measured_run *run,
                                 size_t *n_duplicates, struct sw_error *err)
{
    size_t n = 0;
    *out = (struct answers){.run = run, .is_batch = run->n_windows > 0};
    out->at = calloc(run->n_parts + 1, sizeof *out->at);
    if (out->at == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    for (size_t i = 0; i < run->n_parts; i++)
        if (run->parts[i].question_id != NULL)
            out->at[n++] = i;
    qsort_r(out->at, n, sizeof *out->at, by_key, run->parts);
    for (size_t i = 0; i < n; i++) {
        const struct sw_measured_part *part = &run->parts[out->at[i]];
        bool is_again = out->n > 0 && compare_parts(&run->parts[out->at[out->n - 1]], part) == 0;
        if (!is_again)
            out->at[out->n++] = out->at[i];
    }
    *n_duplicates = n - out->n;
    return SW_OK;
}

static void add_latency(struct sw_pair_side *side, const struct sw_measured_part *part)
{
    side->n_answers++;
    side->n_decoded += (double)(part->n_generated - 1);
    side->decode_s += part->decode_s;
    side->ttft_s += part->prefill_s;
}

static void add_shared(struct sw_pair_side *side, const struct sw_measured_part *part)
{
    side->n_tokens += (double)part->n_generated;
    side->seconds += part->prefill_s + part->decode_s;
    for (size_t c = 0; c < SW_RECORD_COMPONENTS; c++)
        side->joules[c] += part->joules[c];
}

static void add_answer(struct sw_pair_side *side, const struct answers *answers, size_t at)
{
    const struct sw_measured_part *part = &answers->run->parts[at];
    if (side->n_answers == 0 || at < side->position)
        side->position = at;
    if (side->n_answers == 0 || part->start_ns < side->start_ns)
        side->start_ns = part->start_ns;
    add_latency(side, part);
    if (!answers->is_batch)
        add_shared(side, part);
}

static void hide_shared(struct sw_pair_side *side)
{
    side->n_tokens = side->seconds = (double)NAN;
    for (size_t c = 0; c < SW_RECORD_COMPONENTS; c++)
        side->joules[c] = (double)NAN;
}

static int by_position(const void *x, const void *y)
{
    const struct sw_pair *p = x, *q = y;
    return (p->side[0].position > q->side[0].position) -
           (p->side[0].position < q->side[0].position);
}

static int by_number(const void *x, const void *y)
{
    const struct block *p = x, *q = y;
    return (p->number > q->number) - (p->number < q->number);
}

/* Windows go to the block that they say; those of a block without common answers are left out. */
static void add_windows(struct block *blocks, size_t n, const struct answers *answers, size_t side)
{
    const struct sw_measured_run *run = answers->run;
    for (size_t i = 0; i < run->n_parts; i++) {
        if (run->parts[i].question_id != NULL)
            continue;
        struct block key = {.number = run->parts[i].block};
        struct block *block = n > 0 ? bsearch(&key, blocks, n, sizeof key, by_number) : NULL;
        if (block == NULL)
            continue;
        add_shared(&block->pair.side[side], &run->parts[i]);
        block->has_windows[side] = true;
    }
}

/* A common answer at i of A and k of B, into its block, which is the last one or a new one. */
static void take_common(struct sw_pairing *out, struct block *blocks, size_t *n_blocks,
                        const struct answers sides[2], size_t i, size_t k)
{
    const struct sw_measured_part *a = &sides[0].run->parts[i], *b = &sides[1].run->parts[k];
    struct sw_pair *pair = &out->items[out->n_common++];
    if (*n_blocks == 0 || blocks[*n_blocks - 1].number != a->block)
        blocks[(*n_blocks)++] = (struct block){.number = a->block};
    struct block *block = &blocks[*n_blocks - 1];
    *pair = (struct sw_pair){0};
    block->n_common++;
    add_answer(&pair->side[0], &sides[0], i);
    add_answer(&pair->side[1], &sides[1], k);
    add_answer(&block->pair.side[0], &sides[0], i);
    add_answer(&block->pair.side[1], &sides[1], k);
    out->n_same_length += a->n_generated == b->n_generated;
    out->n_same_ids += a->ids_hash != 0 && a->ids_hash == b->ids_hash;
}

static void find_common(struct sw_pairing *out, struct block *blocks, size_t *n_blocks,
                        const struct answers sides[2])
{
    for (size_t i = 0, k = 0; i < sides[0].n && k < sides[1].n;) {
        int order = compare_parts(&sides[0].run->parts[sides[0].at[i]],
                                  &sides[1].run->parts[sides[1].at[k]]);
        if (order == 0)
            take_common(out, blocks, n_blocks, sides, sides[0].at[i], sides[1].at[k]);
        i += order <= 0;
        k += order >= 0;
    }
}

/* Answers that a run has in blocks number, common or not. */
static size_t answers_in_block(const struct answers *answers, uint64_t number)
{
    size_t n = 0;
    for (size_t i = 0; i < answers->n; i++)
        n += answers->run->parts[answers->at[i]].block == number;
    return n;
}

static void pair_blocks(struct sw_pairing *out, struct block *blocks, size_t n_blocks,
                        const struct answers sides[2])
{
    out->by_blocks = true;
    out->n = n_blocks;
    for (size_t s = 0; s < 2; s++) {
        if (!sides[s].is_batch)
            continue;
        add_windows(blocks, n_blocks, &sides[s], s);
        for (size_t i = 0; i < n_blocks; i++) {
            if (!blocks[i].has_windows[s])
                hide_shared(&blocks[i].pair.side[s]);
            /* Common blocks are few; a batch of many with other answers shows in the first. */
            if (i < 1000 && answers_in_block(&sides[s], blocks[i].number) != blocks[i].n_common)
                out->windows_hold_others = true;
        }
    }
    for (size_t i = 0; i < n_blocks; i++)
        out->items[i] = blocks[i].pair;
}

struct turn {
    uint64_t start_ns;
    size_t side;
};

static int by_start(const void *x, const void *y)
{
    const struct turn *p = x, *q = y;
    return p->start_ns != q->start_ns ? (p->start_ns > q->start_ns) - (p->start_ns < q->start_ns)
                                      : (p->side > q->side) - (p->side < q->side);
}

/* A B, B A, A B, ...: it is the other's turn at least as often as there are pairs. Times are
 * CLOCK_MONOTONIC of one boot, or of several, and the caller knows. */
static enum sw_code look_for_turns(struct sw_pairing *out, struct sw_error *err)
{
    size_t n = 2 * out->n, n_changes = 0;
    struct turn *turns = calloc(n, sizeof *turns);
    if (turns == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        turns[i] = (struct turn){out->items[i / 2].side[i % 2].start_ns, i % 2};
    qsort(turns, n, sizeof *turns, by_start);
    for (size_t i = 1; i < n; i++)
        n_changes += turns[i].side != turns[i - 1].side;
    out->in_turns = out->n > 1 && n_changes >= out->n;
    free(turns);
    return SW_OK;
}

enum sw_code sw_pairing_create(struct sw_pairing *out, const struct sw_measured_run *a,
                               const struct sw_measured_run *b, struct sw_error *err)
{
    struct answers sides[2] = {{0}, {0}};
    struct block *blocks = NULL;
    size_t n_blocks = 0;
    *out = (struct sw_pairing){0};
    enum sw_code code = list_answers(&sides[0], a, &out->n_duplicates[0], err);
    if (code == SW_OK)
        code = list_answers(&sides[1], b, &out->n_duplicates[1], err);
    if (code != SW_OK || sides[0].n == 0 || sides[1].n == 0)
        goto done;
    size_t most = sides[0].n < sides[1].n ? sides[0].n : sides[1].n;
    out->items = calloc(most, sizeof *out->items);
    blocks = calloc(most, sizeof *blocks);
    if (out->items == NULL || blocks == NULL) {
        code = sw_fail(err, SW_ENOMEM, "out of memory");
        goto done;
    }
    find_common(out, blocks, &n_blocks, sides);
    if (out->n_common == 0) {
        code = sw_fail(err, SW_EFORMAT,
                       "nothing in common: none of the %zu answers of run %s in %s is to a "
                       "question that run %s in %s answered at the same place",
                       sides[0].n, a->id, a->path, b->id, b->path);
        goto done;
    }
    if (n_blocks >= 2) {
        pair_blocks(out, blocks, n_blocks, sides);
    } else {
        out->n = out->n_common;
        for (size_t i = 0; i < out->n; i++)
            for (size_t s = 0; s < 2; s++)
                if (sides[s].is_batch)
                    hide_shared(&out->items[i].side[s]);
    }
    qsort(out->items, out->n, sizeof *out->items, by_position);
    code = look_for_turns(out, err);
done:
    out->n_answers[0] = sides[0].n;
    out->n_answers[1] = sides[1].n;
    if (code != SW_OK)
        sw_pairing_free(out);
    free(blocks);
    free(sides[0].at);
    free(sides[1].at);
    return code;
}

void sw_pairing_free(struct sw_pairing *pairing)
{
    free(pairing->items);
    pairing->items = NULL;
    pairing->n = 0;
}
