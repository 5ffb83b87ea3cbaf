#include "backend/cpu/base_cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/batch_check.h"
#include "backend/cpu/dynamic.h"
#include "backend/cpu/engine.h"
#include "backend/cpu/layout.h"
#include "backend/rotation.h"
#include "base/clock.h"

/* Why a strategy does not run here; NULL for those that do. */
static const char *refusal(enum sw_strategy strategy)
{
    switch (strategy) {
    case SW_STRATEGY_NONE:
        return NULL;
    case SW_STRATEGY_8BIT_W8A8:
        return "is an arithmetic of base_gpu; base_cpu's int8 is quantization8bit";
    case SW_STRATEGY_STUDY_FP4:
        return "is what the study's GPU rows ran; only base_gpu computes it";
    case SW_STRATEGY_8BIT:
    case SW_STRATEGY_DYNAMIC_8BIT:
    case SW_STRATEGY_16BIT:
    case SW_STRATEGY_DYNAMIC_16BIT:
    case SW_STRATEGY_4BIT:
        return NULL;
    }
    return "is unknown";
}

/* Operations a nanosecond of some rounds. */
static double rate(double (*rounds)(float *sink, size_t n))
{
    enum { ROUNDS = 2000 };
    float sink[SW_TILE];
    uint64_t begin_ns = sw_clock_ns();
    double operations = rounds(sink, ROUNDS);
    return operations / (double)(sw_clock_ns() - begin_ns + 1);
}

/* Zen 4 does twice the operations of fp32's multiply-adds with the instruction for bf16, a Xeon
 * of model 207 half of them. The best of some turns each, and a margin, so that one machine always
 * chooses the same. */
static bool is_bf16_faster(const struct sw_kernels *kernels)
{
    enum { TURNS = 5 };
    const double margin = 1.2;
    double native = 0, widened = 0;
    for (int i = 0; i < TURNS; i++) {
        native = fmax(native, rate(kernels->dot_bf16));
        widened = fmax(widened, rate(kernels->fma_f32));
    }
    return native > margin * widened;
}

/* Whether bf16 is multiplied by the instruction for it, where there is one: measured (0.2 ms)
 * unless SMOLWATT_BF16 says it. */
static enum sw_code choose_bf16(bool *is_native, const struct sw_kernels *kernels,
                                struct sw_error *err)
{
    const char *asked = getenv("SMOLWATT_BF16");
    bool is_asked = asked != NULL && asked[0] != 0;
    if (is_asked && strcmp(asked, "native") != 0 && strcmp(asked, "widened") != 0)
        return sw_fail(err, SW_EUSAGE, "SMOLWATT_BF16: '%s' is neither native nor widened", asked);
    if (!kernels->has_bf16)
        *is_native = false;
    else if (is_asked)
        *is_native = strcmp(asked, "native") == 0;
    else
        *is_native = is_bf16_faster(kernels);
    return SW_OK;
}

/* docs/strategies.md says of each what it stores and computes. */
static struct sw_cpu_arithmetic arithmetic_of(enum sw_strategy strategy, bool is_native_bf16)
{
    switch (strategy) {
    case SW_STRATEGY_DYNAMIC_16BIT:
        return (struct sw_cpu_arithmetic){
            "w16_a32", "bf16", "f32", SW_FORM_W16, SW_FORM_W16, SW_COMPUTE_FMA_F32, true};
    case SW_STRATEGY_16BIT:
        if (is_native_bf16)
            return (struct sw_cpu_arithmetic){
                "bf16", "bf16", "bf16", SW_FORM_BF16, SW_FORM_BF16, SW_COMPUTE_DOT_BF16, true};
        return (struct sw_cpu_arithmetic){
            "bf16", "bf16", "f32", SW_FORM_ROUNDED, SW_FORM_ROUNDED, SW_COMPUTE_FMA_F32, true};
    case SW_STRATEGY_8BIT:
        return (struct sw_cpu_arithmetic){"w8c_a8b64",       "s8", "s8", SW_FORM_S8, SW_FORM_S8,
                                          SW_COMPUTE_DOT_S8, false};
    case SW_STRATEGY_DYNAMIC_8BIT:
        return (struct sw_cpu_arithmetic){
            "dynamic_u8s8", "s8, embedding and head u8", "u8 x s8", SW_FORM_U8S8,
            SW_FORM_U8S8,   SW_COMPUTE_DOT_S8,           false};
    case SW_STRATEGY_4BIT:
        return (struct sw_cpu_arithmetic){"w4b32_a8b32", "s4, head s8",     "s8", SW_FORM_S4,
                                          SW_FORM_S8,    SW_COMPUTE_DOT_S8, false};
    default:
        return (struct sw_cpu_arithmetic){
            "f32", "f32", "f32", SW_FORM_F32, SW_FORM_F32, SW_COMPUTE_FMA_F32, false};
    }
}

static enum sw_code check_options(const struct sw_config *config,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    const char *reason = refusal(options->strategy);
    if (reason != NULL)
        return sw_fail(err, SW_EUNSUPPORTED, "base_cpu: strategy %s %s",
                       sw_strategy_name(options->strategy), reason);
    return sw_batch_check_options("base_cpu", config, options, err);
}

static uint64_t bytes_per_token(const struct sw_backend *b)
{
    const struct sw_config *c = &b->config;
    uint64_t bytes = sw_matrix_bytes(&b->head) + c->dim * sizeof(float);
    for (size_t l = 0; l < c->n_layers; l++) {
        const struct sw_cpu_layer *layer = &b->layers[l];
        bytes += sw_matrix_bytes(&layer->qkv) + sw_matrix_bytes(&layer->o) +
                 sw_matrix_bytes(&layer->gate_up) + sw_matrix_bytes(&layer->down) +
                 2 * c->dim * sizeof(float);
    }
    const struct sw_tensor *table = &sw_model_weights(b->model)->embedding;
    return bytes + c->dim * sw_dtype_size(table->dtype);
}

static void fill_info(struct sw_backend *b)
{
    b->info = (struct sw_backend_info){
        .backend = "base_cpu",
        .arithmetic = b->arithmetic.name,
        .isa = sw_cpu_level_name(b->kernels->level),
        .weight_dtype = b->arithmetic.weight_dtype,
        .compute_dtype = b->arithmetic.compute_dtype,
        .kv_dtype = "f32",
        .compute_limit = b->arithmetic.limit,
        .weight_bytes_per_token = bytes_per_token(b),
        .packed_bytes = b->weights.size,
        .cache_bytes = b->cache.size,
        .scratch_bytes = b->scratch.size,
    };
}

static void base_cpu_close(struct sw_backend *b)
{
    if (b == NULL)
        return;
    sw_dynamic_close(b);
    sw_arena_unmap(&b->weights);
    sw_arena_unmap(&b->cache);
    sw_arena_unmap(&b->scratch);
    free(b->layers);
    free(b->shares);
    free(b->threads);
    free(b);
}

static enum sw_code map_everything(struct sw_backend *b, struct sw_arena *lists,
                                   struct sw_error *err)
{
    sw_layout_take(b, lists);
    enum sw_code code = sw_arena_map(&b->weights, "base_cpu: packed weights", err);
    if (code == SW_OK)
        code = sw_arena_map(&b->cache, "base_cpu: KV cache", err);
    if (code == SW_OK)
        code = sw_arena_map(&b->scratch, "base_cpu: buffers of a batch", err);
    if (code == SW_OK)
        code = sw_arena_map(lists, "base_cpu: list of tiles", err);
    if (code == SW_OK)
        sw_layout_take(b, lists);
    return code;
}

static enum sw_code base_cpu_open(struct sw_backend **out, const struct sw_model *model,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    const struct sw_config *config = sw_model_config(model);
    struct sw_arena lists = {0};
    *out = NULL;
    enum sw_cpu_level level;
    bool is_native_bf16 = false;
    enum sw_code code = check_options(config, options, err);
    if (code == SW_OK)
        code = sw_cpu_level_detect(&level, err);
    if (code == SW_OK && options->strategy == SW_STRATEGY_16BIT)
        code = choose_bf16(&is_native_bf16, sw_kernels_of(level), err);
    if (code != SW_OK)
        return code;

    struct sw_backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        return sw_fail(err, SW_ENOMEM, "base_cpu: out of memory");
    b->model = model;
    b->config = *config;
    b->options = *options;
    b->kernels = sw_kernels_of(level);
    b->arithmetic = arithmetic_of(options->strategy, is_native_bf16);
    b->n_threads = sw_pool_size(options->pool);
    b->layers = calloc(config->n_layers, sizeof *b->layers);
    b->threads = calloc((size_t)b->n_threads, sizeof *b->threads);
    b->shares = aligned_alloc(alignof(struct sw_share), (size_t)b->n_threads * sizeof *b->shares);
    if (b->layers == NULL || b->threads == NULL || b->shares == NULL) {
        code = sw_fail(err, SW_ENOMEM, "base_cpu: out of memory");
        goto done;
    }
    for (int i = 0; i < b->n_threads; i++)
        atomic_init(&b->shares[i].left, 0);
    if (options->strategy == SW_STRATEGY_DYNAMIC_8BIT) {
        code = sw_dynamic_open(b, err);
        if (code != SW_OK)
            goto done;
    }
    sw_layout_sizes(b);
    code = map_everything(b, &lists, err);
    if (code != SW_OK)
        goto done;
    sw_layout_sources(b);
    sw_pool_run(options->pool, sw_layout_pack, b);
    /* q has at least head_dim floats and is not in use yet */
    sw_rotation_fill(b->cosines, b->sines, b->head_pairs * SW_TILE, b->options.max_positions,
                     config, b->q);
    fill_info(b);
    *out = b;
    b = NULL;
done:
    sw_arena_unmap(&lists);
    base_cpu_close(b);
    return code;
}

/* Cuts the batch into blocks of tokens of one sequence at neighbouring positions. */
static void find_blocks(struct sw_backend *b)
{
    const struct sw_batch_token *tokens = b->tokens;
    size_t most = b->attention_rows / b->group;
    b->n_blocks = 0;
    for (size_t i = 0; i < b->n_tokens; i++) {
        struct sw_token_block *last = b->n_blocks > 0 ? &b->blocks[b->n_blocks - 1] : NULL;
        if (last != NULL && last->n < most && tokens[i].sequence == tokens[i - 1].sequence)
            last->n++;
        else
            b->blocks[b->n_blocks++] = (struct sw_token_block){.first = i, .n = 1};
    }
}

/* A pass whose results go to b->logits or b->ids. */
static enum sw_code run(struct sw_backend *b, const struct sw_batch_token *tokens, size_t n_tokens,
                        struct sw_error *err)
{
    size_t n_wanted = 0;
    enum sw_code code =
        sw_batch_check(&n_wanted, b->n_seen, b->n_seen_next, tokens, n_tokens,
                       b->logits != NULL || b->ids != NULL, &b->options, b->config.vocab_size, err);
    if (code != SW_OK)
        return code;
    n_wanted = 0;
    for (size_t i = 0; i < n_tokens; i++) {
        if (tokens[i].want_logits)
            b->wanted[n_wanted++] = i;
    }
    b->tokens = tokens;
    b->n_tokens = n_tokens;
    b->n_wanted = n_wanted;
    find_blocks(b);
    sw_pool_run(b->options.pool, sw_cpu_forward, b);
    return SW_OK;
}

static enum sw_code base_cpu_forward(struct sw_backend *b, const struct sw_batch_token *tokens,
                                     size_t n_tokens, float *logits, struct sw_error *err)
{
    b->logits = logits;
    b->ids = NULL;
    b->logprobs = NULL;
    return run(b, tokens, n_tokens, err);
}

static enum sw_code base_cpu_greedy(struct sw_backend *b, const struct sw_batch_token *tokens,
                                    size_t n_tokens, int32_t *ids, double *logprobs,
                                    struct sw_error *err)
{
    b->logits = NULL;
    b->ids = ids;
    b->logprobs = logprobs;
    return run(b, tokens, n_tokens, err);
}

static void base_cpu_reset(struct sw_backend *b, uint32_t sequence)
{
    if (sequence < b->options.n_sequences)
        b->n_seen[sequence] = 0;
}

static void base_cpu_describe(const struct sw_backend *b, struct sw_backend_info *out)
{
    *out = b->info;
}

const struct sw_backend_api sw_base_cpu = {
    .name = "base_cpu",
    .open = base_cpu_open,
    .forward = base_cpu_forward,
    .greedy = base_cpu_greedy,
    .reset = base_cpu_reset,
    .describe = base_cpu_describe,
    .close = base_cpu_close,
};
