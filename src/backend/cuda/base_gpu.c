/*
 * The program's side of the GPU: what may run is checked here, weights are packed one matrix after
 * another into one buffer on the host and copied, and calls are checked before they cross to the
 * plug-in, so that a kernel never sees an id, a position or a sequence outside its ranges.
 */
#include "backend/cuda/base_gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/batch_check.h"
#include "backend/cuda/arithmetic.h"
#include "backend/cuda/loader.h"
#include "backend/cuda/pack.h"
#include "base/arena.h"

struct sw_backend {
    struct sw_config config;
    struct sw_backend_options options;
    struct sw_gpu_arithmetic arithmetic;
    struct sw_cuda_library library;
    struct sw_gpu *gpu; /* NULL: not open */
    struct sw_gpu_info gpu_info;
    uint32_t *n_seen, *n_seen_next; /* (n_sequences) */
    uint64_t weight_bytes_per_token;
    char isa[16]; /* "sm_90" */
};

/* The plug-in's result as ours: and never without a text. */
static enum sw_code taken(enum sw_code code, struct sw_error *theirs, struct sw_error *err)
{
    if (code == SW_OK)
        return SW_OK;
    theirs->text[sizeof theirs->text - 1] = 0;
    return sw_fail(err, code, "base_gpu: %s",
                   theirs->text[0] != 0 ? theirs->text : sw_code_text(code));
}

static enum sw_code parse_mode(enum sw_gpu_mode *out, const char *text, struct sw_error *err)
{
    static const char *const names[] = {
        [SW_GPU_AUTO] = "auto", [SW_GPU_GRAPH] = "graph", [SW_GPU_PERSISTENT] = "persistent"};
    *out = SW_GPU_AUTO;
    for (size_t i = 0; text != NULL && i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum sw_gpu_mode)i;
            return SW_OK;
        }
    }
    return text == NULL ? SW_OK
                        : sw_fail(err, SW_EUSAGE,
                                  "base_gpu: mode \"%s\" is not auto, graph or persistent", text);
}

/* What can be told without a GPU. */
static enum sw_code check_options(const struct sw_config *config,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    struct sw_gpu_arithmetic any;
    enum sw_gpu_mode mode;
    enum sw_code code = sw_gpu_arithmetic_of(&any, options->strategy, 0, err);
    if (code == SW_OK)
        code = sw_batch_check_options("base_gpu", config, options, err);
    if (code == SW_OK && (options->max_batch > UINT32_MAX || options->max_logits > UINT32_MAX))
        code = sw_fail(err, SW_EUSAGE, "base_gpu: tokens and logits of a batch beyond 32 bits");
    if (code == SW_OK)
        code = parse_mode(&mode, options->gpu.mode, err);
    if (code == SW_OK && options->gpu.use_tf32 && options->strategy != SW_STRATEGY_NONE)
        code = sw_fail(err, SW_EUSAGE, "base_gpu: TF32 is for strategy none, not %s",
                       sw_strategy_name(options->strategy));
    return code;
}

static void base_gpu_close(struct sw_backend *b)
{
    if (b == NULL)
        return;
    if (b->gpu != NULL)
        b->library.plugin->close(b->gpu);
    sw_cuda_library_close(&b->library);
    free(b->n_seen);
    free(b->n_seen_next);
    free(b);
}

/* Plug-in, driver and GPU. */
static enum sw_code find_device(struct sw_backend *b, struct sw_gpu_device *device,
                                struct sw_error *err)
{
    struct sw_error theirs = {0};
    int number;
    enum sw_code code = sw_cuda_library_open(&b->library, err);
    if (code == SW_OK)
        code = sw_cuda_device_of(&number, b->options.gpu.index, err);
    if (code != SW_OK)
        return sw_fail_prefix(err, "base_gpu"), code;
    *device = (struct sw_gpu_device){0};
    code = taken(b->library.plugin->probe(device, number, &theirs), &theirs, err);
    device->index = number;
    if (code == SW_EABSENT) /* CUDA says in this case what it found, not what it takes */
        return sw_fail(err, code,
                       "base_gpu: %s: it takes an NVIDIA GPU (compute capability 7.5 or "
                       "newer) and its driver",
                       theirs.text);
    return code;
}

static struct sw_gpu_plan plan_of(const struct sw_backend *b, int number)
{
    const struct sw_config *c = &b->config;
    const struct sw_backend_options *o = &b->options;
    struct sw_gpu_plan plan = {
        .arithmetic = b->arithmetic,
        .n_layers = (uint32_t)c->n_layers,
        .dim = (uint32_t)c->dim,
        .hidden_dim = (uint32_t)c->hidden_dim,
        .n_heads = (uint32_t)c->n_heads,
        .n_kv_heads = (uint32_t)c->n_kv_heads,
        .head_dim = (uint32_t)c->head_dim,
        .vocab_size = (uint32_t)c->vocab_size,
        .max_positions = (uint32_t)o->max_positions,
        .n_sequences = (uint32_t)o->n_sequences,
        .max_batch = (uint32_t)o->max_batch,
        .max_logits = (uint32_t)o->max_logits,
        .rms_eps = c->rms_eps,
        .gpu = number,
        .use_tf32 = o->gpu.use_tf32,
    };
    (void)parse_mode(&plan.mode, o->gpu.mode, NULL); /* checked before */
    return plan;
}

/* Every matrix and vector, one after the other through one buffer. */
static enum sw_code load_weights(struct sw_backend *b, const struct sw_gpu_packer *packer,
                                 struct sw_error *err)
{
    const struct sw_cuda_plugin *plugin = b->library.plugin;
    struct sw_error theirs = {0};
    struct sw_arena staging = {0};
    sw_arena_take(&staging, sw_gpu_packer_most_bytes(packer), 1);
    enum sw_code code = sw_arena_map(&staging, "base_gpu: a matrix on its way to the GPU", err);
    for (int slot = 0; slot < SW_GPU_N_SLOTS && code == SW_OK; slot++) {
        enum sw_gpu_slot place = (enum sw_gpu_slot)slot;
        size_t n = sw_gpu_slot_is_of_layer(place) ? b->config.n_layers : 1;
        if (!sw_gpu_packer_has(packer, place))
            continue;
        for (size_t layer = 0; layer < n && code == SW_OK; layer++) {
            struct sw_gpu_matrix matrix;
            sw_gpu_pack(packer, place, layer, staging.base, &matrix);
            code =
                taken(plugin->load(b->gpu, place, (uint32_t)layer, &matrix, &theirs), &theirs, err);
        }
    }
    sw_arena_unmap(&staging);
    return code;
}

static enum sw_code open_gpu(struct sw_backend *b, const struct sw_model *model, int number,
                             struct sw_error *err)
{
    const struct sw_cuda_plugin *plugin = b->library.plugin;
    struct sw_error theirs = {0};
    struct sw_gpu_packer packer;
    enum sw_code code = sw_gpu_packer_open(&packer, model, &b->arithmetic, b->options.max_positions,
                                           b->options.pool, err);
    if (code != SW_OK)
        return code;
    b->weight_bytes_per_token = sw_gpu_packer_bytes_per_token(&packer);
    struct sw_gpu_plan plan = plan_of(b, number);
    code = taken(plugin->open(&b->gpu, &plan, &theirs), &theirs, err);
    if (code == SW_OK)
        code = load_weights(b, &packer, err);
    if (code == SW_OK)
        code = taken(plugin->ready(b->gpu, &theirs), &theirs, err);
    if (code == SW_OK)
        plugin->describe(b->gpu, &b->gpu_info);
    return code;
}

static enum sw_code base_gpu_open(struct sw_backend **out, const struct sw_model *model,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    const struct sw_config *config = sw_model_config(model);
    struct sw_gpu_device device;
    *out = NULL;
    enum sw_code code = check_options(config, options, err);
    if (code != SW_OK)
        return code;
    struct sw_backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        return sw_fail(err, SW_ENOMEM, "base_gpu: out of memory");
    b->config = *config;
    b->options = *options;
    b->n_seen = calloc(options->n_sequences, sizeof *b->n_seen);
    b->n_seen_next = calloc(options->n_sequences, sizeof *b->n_seen_next);
    if (b->n_seen == NULL || b->n_seen_next == NULL)
        code = sw_fail(err, SW_ENOMEM, "base_gpu: out of memory");
    if (code == SW_OK)
        code = find_device(b, &device, err);
    if (code == SW_OK)
        code = sw_gpu_arithmetic_of(&b->arithmetic, options->strategy, device.sm, err);
    if (code == SW_OK)
        code = open_gpu(b, model, device.index, err);
    if (code != SW_OK) {
        base_gpu_close(b);
        return code;
    }
    if (device.is_emulated)
        snprintf(b->isa, sizeof b->isa, "emulated");
    else
        snprintf(b->isa, sizeof b->isa, "sm_%d", device.sm);
    *out = b;
    return SW_OK;
}

static enum sw_code check_batch(struct sw_backend *b, size_t *n_wanted,
                                const struct sw_batch_token *tokens, size_t n_tokens, bool has_room,
                                struct sw_error *err)
{
    return sw_batch_check(n_wanted, b->n_seen, b->n_seen_next, tokens, n_tokens, has_room,
                          &b->options, b->config.vocab_size, err);
}

static enum sw_code base_gpu_forward(struct sw_backend *b, const struct sw_batch_token *tokens,
                                     size_t n_tokens, float *logits, struct sw_error *err)
{
    struct sw_error theirs = {0};
    size_t n_wanted;
    enum sw_code code = check_batch(b, &n_wanted, tokens, n_tokens, logits != NULL, err);
    if (code != SW_OK)
        return code;
    return taken(b->library.plugin->forward(b->gpu, tokens, n_tokens, logits, &theirs), &theirs,
                 err);
}

/* An id that no vocabulary has would be read behind the end of tables later on. */
static enum sw_code check_ids(const struct sw_backend *b, const int32_t *ids, size_t n,
                              struct sw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < -1 || (ids[i] >= 0 && (size_t)ids[i] >= b->config.vocab_size))
            return sw_fail(err, SW_ESYSTEM, "base_gpu: the GPU chose id %d of %zu", (int)ids[i],
                           b->config.vocab_size);
    }
    return SW_OK;
}

static enum sw_code base_gpu_greedy(struct sw_backend *b, const struct sw_batch_token *tokens,
                                    size_t n_tokens, int32_t *ids, double *logprobs,
                                    struct sw_error *err)
{
    struct sw_error theirs = {0};
    size_t n_wanted;
    enum sw_code code = check_batch(b, &n_wanted, tokens, n_tokens, ids != NULL, err);
    if (code != SW_OK)
        return code;
    code = taken(b->library.plugin->greedy(b->gpu, tokens, n_tokens, ids, logprobs, &theirs),
                 &theirs, err);
    return code == SW_OK ? check_ids(b, ids, n_wanted, err) : code;
}

/* The answer's first step is a token of a batch; the others follow at the next positions. */
static enum sw_code check_answer(struct sw_backend *b, const struct sw_backend_answer *answer,
                                 struct sw_error *err)
{
    size_t n_wanted;
    uint32_t n_seen = answer->sequence < b->options.n_sequences ? b->n_seen[answer->sequence] : 0;
    enum sw_code code = check_batch(b, &n_wanted,
                                    &(struct sw_batch_token){.id = answer->id,
                                                             .position = answer->position,
                                                             .sequence = answer->sequence},
                                    1, false, err);
    if (code != SW_OK)
        return code;
    b->n_seen[answer->sequence] = n_seen;
    if (answer->max_ids < 1 || answer->max_ids > b->options.max_positions - answer->position)
        return sw_fail(err, SW_EUSAGE, "an answer of %zu ids behind position %u: from 1 to %zu",
                       answer->max_ids, (unsigned)answer->position,
                       b->options.max_positions - answer->position);
    if (answer->n_stop_ids > SW_MAX_EOS)
        return sw_fail(err, SW_EUSAGE, "an answer with %zu ids that end it: at most %d",
                       answer->n_stop_ids, (int)SW_MAX_EOS);
    return SW_OK;
}

static enum sw_code base_gpu_decode(struct sw_backend *b, struct sw_backend_answer *answer,
                                    struct sw_error *err)
{
    struct sw_error theirs = {0};
    enum sw_code code = check_answer(b, answer, err);
    answer->n_ids = 0;
    if (code == SW_OK)
        code = taken(b->library.plugin->decode(b->gpu, answer, &theirs), &theirs, err);
    if (code != SW_OK)
        return code;
    if (answer->n_ids < 1 || answer->n_ids > answer->max_ids)
        return sw_fail(err, SW_ESYSTEM, "base_gpu: the GPU gave %zu ids of %zu", answer->n_ids,
                       answer->max_ids);
    /* What the device made beyond is not counted: its places are written again. */
    b->n_seen[answer->sequence] = answer->position + (uint32_t)answer->n_ids;
    return check_ids(b, answer->ids, answer->n_ids, err);
}

static enum sw_code base_gpu_measure_limits(struct sw_backend *b, struct sw_device_rates *out,
                                            struct sw_error *err)
{
    struct sw_error theirs = {0};
    return taken(b->library.plugin->measure_limits(b->gpu, out, &theirs), &theirs, err);
}

static void base_gpu_reset(struct sw_backend *b, uint32_t sequence)
{
    if (sequence < b->options.n_sequences)
        b->n_seen[sequence] = 0;
}

static void base_gpu_describe(const struct sw_backend *b, struct sw_backend_info *out)
{
    const struct sw_gpu_info *gpu = &b->gpu_info;
    *out = (struct sw_backend_info){
        .backend = "base_gpu",
        .arithmetic = b->arithmetic.name,
        .isa = b->isa,
        .weight_dtype = b->arithmetic.weight_dtype,
        .compute_dtype = b->arithmetic.compute_dtype,
        .kv_dtype = b->arithmetic.kv_dtype,
        .compute_limit = sw_gpu_compute_limit(b->arithmetic.layer_input, b->options.gpu.use_tf32),
        .weight_bytes_per_token = b->weight_bytes_per_token,
        .packed_bytes = gpu->weight_bytes,
        .cache_bytes = gpu->cache_bytes,
        .scratch_bytes = gpu->scratch_bytes,
        .device = {.name = gpu->device.name,
                   .plugin = b->library.path_dup,
                   .mode = gpu->mode,
                   .mode_reason = gpu->mode_reason,
                   .index = b->options.gpu.index,
                   .driver = gpu->device.driver,
                   .runtime = gpu->device.runtime,
                   .uses_tf32 = b->options.gpu.use_tf32,
                   .is_emulated = gpu->device.is_emulated != 0},
    };
}

const struct sw_backend_api sw_base_gpu = {
    .name = "base_gpu",
    .open = base_gpu_open,
    .forward = base_gpu_forward,
    .greedy = base_gpu_greedy,
    .decode = base_gpu_decode,
    .measure_limits = base_gpu_measure_limits,
    .reset = base_gpu_reset,
    .describe = base_gpu_describe,
    .close = base_gpu_close,
};
