/*
 * Temperature, then top-k, then top-p over what top-k left, as the reference's generate() chains
 * them. Candidates leave a heap in order of probability until the smallest sufficient set is
 * complete, so a token costs linear time plus a logarithm per candidate, and no allocation.
 */
#include "engine/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct sw_sampler {
    struct sw_sampler_options options;
    struct sw_random random;
    size_t vocab_size;
    int32_t *heap;   /* (vocab_size) ids; the most probable one first */
    double *weights; /* (vocab_size) of candidates in order; unnormalised probabilities */
    int32_t *ids;    /* (vocab_size) the candidates in order */
};

enum sw_code sw_sampler_create(struct sw_sampler **out, const struct sw_sampler_options *options,
                               size_t vocab_size, struct sw_error *err)
{
    *out = NULL;
    if (!(options->temperature >= 0.0f) || !isfinite(options->temperature))
        return sw_fail(err, SW_EUSAGE, "the temperature %g is not a number from 0",
                       (double)options->temperature);
    if (!(options->top_p >= 0.0f && options->top_p <= 1.0f))
        return sw_fail(err, SW_EUSAGE, "top-p %g is outside 0 to 1", (double)options->top_p);
    struct sw_sampler *sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL)
        return sw_fail(err, SW_ENOMEM, "sampler: out of memory");
    sampler->options = *options;
    sampler->random.seed = sw_random_mix(options->seed);
    sampler->vocab_size = vocab_size;
    if (options->temperature > 0.0f) {
        sampler->heap = calloc(vocab_size, sizeof *sampler->heap);
        sampler->weights = calloc(vocab_size, sizeof *sampler->weights);
        sampler->ids = calloc(vocab_size, sizeof *sampler->ids);
        if (sampler->heap == NULL || sampler->weights == NULL || sampler->ids == NULL) {
            sw_sampler_destroy(sampler);
            return sw_fail(err, SW_ENOMEM, "sampler: out of memory for %zu tokens", vocab_size);
        }
    }
    *out = sampler;
    return SW_OK;
}

void sw_sampler_destroy(struct sw_sampler *sampler)
{
    if (sampler == NULL)
        return;
    free(sampler->heap);
    free(sampler->weights);
    free(sampler->ids);
    free(sampler);
}

int32_t sw_argmax(const float *logits, size_t n)
{
    size_t at = 0;
    while (at < n && isnan(logits[at]))
        at++;
    if (at == n)
        return -1;
    for (size_t i = at + 1; i < n; i++) {
        if (logits[i] > logits[at])
            at = i;
    }
    return (int32_t)at;
}

/* More probable, or as probable and lower. */
static bool is_before(const float *logits, int32_t a, int32_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static void sift_down(int32_t *heap, size_t n, size_t at, const float *logits)
{
    int32_t moving = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && is_before(logits, heap[child + 1], heap[child]))
            child++;
        if (!is_before(logits, heap[child], moving))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

static int32_t pop(int32_t *heap, size_t *n, const float *logits)
{
    int32_t top = heap[0];
    heap[0] = heap[--*n];
    if (*n > 0)
        sift_down(heap, *n, 0, logits);
    return top;
}

static double weight_of(const struct sw_sampler *sampler, float logit, float greatest)
{
    return exp(((double)logit - (double)greatest) / (double)sampler->options.temperature);
}

/* Takes the first of weights whose running sum passes a random part of their total. */
static int32_t draw(struct sw_sampler *sampler, size_t n, double total)
{
    double left = sw_random_unit(&sampler->random) * total;
    for (size_t i = 0; i < n; i++) {
        left -= sampler->weights[i];
        if (left < 0.0)
            return sampler->ids[i];
    }
    return sampler->ids[n - 1]; /* rounding ate the last bit */
}

static int32_t draw_from_all(struct sw_sampler *sampler, const float *logits, float greatest)
{
    size_t n = 0;
    double total = 0.0;
    for (size_t i = 0; i < sampler->vocab_size; i++) {
        if (!(logits[i] > -INFINITY)) /* NaN too */
            continue;
        sampler->ids[n] = (int32_t)i;
        sampler->weights[n] = weight_of(sampler, logits[i], greatest);
        total += sampler->weights[n++];
    }
    return draw(sampler, n, total);
}

static bool has_top_p(const struct sw_sampler *sampler)
{
    return sampler->options.top_p > 0.0f && sampler->options.top_p < 1.0f;
}

/* At most top_k candidates, most probable first, weights set; returns how many. */
static size_t take_candidates(struct sw_sampler *sampler, const float *logits, float greatest)
{
    size_t n_heap = 0, n = 0;
    double total = 0.0;
    bool has_k = sampler->options.top_k > 0, has_p = has_top_p(sampler);
    bool needs_total = has_p && !has_k;
    for (size_t i = 0; i < sampler->vocab_size; i++) {
        if (!(logits[i] > -INFINITY))
            continue;
        sampler->heap[n_heap++] = (int32_t)i;
        if (needs_total)
            total += weight_of(sampler, logits[i], greatest);
    }
    for (size_t i = n_heap / 2; i-- > 0;)
        sift_down(sampler->heap, n_heap, i, logits);

    size_t limit = has_k && sampler->options.top_k < n_heap ? sampler->options.top_k : n_heap;
    double wanted = needs_total ? (double)sampler->options.top_p * total : INFINITY;
    double sum = 0.0;
    while (n < limit && sum < wanted) {
        int32_t id = pop(sampler->heap, &n_heap, logits);
        sampler->ids[n] = id;
        sampler->weights[n] = weight_of(sampler, logits[id], greatest);
        sum += sampler->weights[n++];
    }
    if (!has_p || !has_k)
        return n;
    wanted = (double)sampler->options.top_p * sum; /* of what top-k left */
    sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += sampler->weights[i];
        if (sum >= wanted)
            return i + 1;
    }
    return n;
}

int32_t sw_sampler_next(struct sw_sampler *sampler, const float *logits)
{
    int32_t best = sw_argmax(logits, sampler->vocab_size);
    if (sampler->options.temperature == 0.0f || best < 0 || !isfinite(logits[best]))
        return best;
    if (sampler->options.top_k == 0 && !has_top_p(sampler))
        return draw_from_all(sampler, logits, logits[best]);
    size_t n = take_candidates(sampler, logits, logits[best]);
    double total = 0.0;
    for (size_t i = 0; i < n; i++)
        total += sampler->weights[i];
    return draw(sampler, n, total);
}

double sw_logprob(const float *logits, size_t n, int32_t id)
{
    int32_t best = sw_argmax(logits, n);
    if (best < 0)
        return NAN;
    double greatest = (double)logits[best], sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - greatest);
    return (double)logits[id] - greatest - log(sum);
}
