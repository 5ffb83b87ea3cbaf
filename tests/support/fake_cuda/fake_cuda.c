#include "support/fake_cuda/fake_cuda.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct fake_cuda state;

struct fake_cuda *fake_cuda(void)
{
    return &state;
}

struct sw_gpu {
    struct sw_gpu_plan plan;
};

static bool says(const char *word)
{
    const char *words = state.words != NULL ? state.words : getenv("FAKE_CUDA");
    size_t size = strlen(word);
    while (words != NULL && *words != 0) {
        size_t n = strcspn(words, " ");
        if (n == size && memcmp(words, word, n) == 0)
            return true;
        words += n + strspn(words + n, " ");
    }
    return false;
}

static enum sw_code fail_if(const char *word, enum sw_code code, struct sw_error *err)
{
    if (!says(word))
        return SW_OK;
    err->code = code;
    if (!says("mute"))
        snprintf(err->text, sizeof err->text, "%s: the device said no\nand no again", word);
    return code;
}

static enum sw_code probe(struct sw_gpu_device *out, int gpu, struct sw_error *err)
{
    state.gpu = gpu;
    if (says("absent")) {
        snprintf(err->text, sizeof err->text, "no CUDA driver is installed");
        return err->code = SW_EABSENT;
    }
    *out = (struct sw_gpu_device){.name = "Fake GPU",
                                  .index = gpu,
                                  .sm = state.sm != 0 ? state.sm : 90,
                                  .n_sms = 4,
                                  .driver = 13000,
                                  .runtime = 12080,
                                  .memory_bytes = 1u << 30,
                                  .l2_bytes = 1u << 20,
                                  .is_emulated = state.is_emulated || says("emulated")};
    return fail_if("probe", SW_ESYSTEM, err);
}

static enum sw_code open_gpu(struct sw_gpu **out, const struct sw_gpu_plan *plan,
                             struct sw_error *err)
{
    enum sw_code code = fail_if("open", SW_ENOMEM, err);
    *out = NULL;
    if (code != SW_OK)
        return code;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return SW_ENOMEM;
    (*out)->plan = state.plan = *plan;
    state.n_open++;
    return SW_OK;
}

static enum sw_code load(struct sw_gpu *gpu, enum sw_gpu_slot slot, uint32_t layer,
                         const struct sw_gpu_matrix *matrix, struct sw_error *err)
{
    (void)gpu;
    if (state.on_load != NULL)
        state.on_load(state.ctx, slot, layer, matrix);
    return state.n_loads++ == state.fail_load ? fail_if("load", SW_ENOMEM, err) : SW_OK;
}

static enum sw_code ready(struct sw_gpu *gpu, struct sw_error *err)
{
    (void)gpu;
    state.n_ready++;
    return fail_if("ready", SW_ESYSTEM, err);
}

static int32_t next_id(const struct sw_gpu *gpu, int32_t id, uint32_t position, uint32_t sequence)
{
    if (says("no_number"))
        return -1;
    if (says("wild"))
        return (int32_t)gpu->plan.vocab_size;
    return (int32_t)((7 * (uint64_t)id + position + sequence + 1) % gpu->plan.vocab_size);
}

/* ln of the greatest one's probability: it is 4, all others are 0. */
static double logprob(const struct sw_gpu *gpu)
{
    return 4.0 - log(exp(4.0) + (double)(gpu->plan.vocab_size - 1));
}

static void note(const struct sw_batch_token *tokens, size_t n_tokens)
{
    state.n_tokens = n_tokens;
    memcpy(state.tokens, tokens, (n_tokens < 64 ? n_tokens : 64) * sizeof *tokens);
}

static enum sw_code forward(struct sw_gpu *gpu, const struct sw_batch_token *tokens,
                            size_t n_tokens, float *logits, struct sw_error *err)
{
    state.n_forward++;
    note(tokens, n_tokens);
    for (size_t i = 0; i < n_tokens; i++) {
        if (!tokens[i].want_logits)
            continue;
        int32_t id = next_id(gpu, tokens[i].id, tokens[i].position, tokens[i].sequence);
        for (uint32_t j = 0; j < gpu->plan.vocab_size; j++)
            *logits++ = id < 0 ? NAN : (int32_t)j == id ? 4.0f : 0.0f;
    }
    return fail_if("forward", SW_ESYSTEM, err);
}

static enum sw_code greedy(struct sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                           int32_t *ids, double *logprobs, struct sw_error *err)
{
    size_t n = 0;
    state.n_greedy++;
    note(tokens, n_tokens);
    for (size_t i = 0; i < n_tokens; i++) {
        if (!tokens[i].want_logits)
            continue;
        ids[n] = next_id(gpu, tokens[i].id, tokens[i].position, tokens[i].sequence);
        if (logprobs != NULL)
            logprobs[n] = logprob(gpu);
        n++;
    }
    return fail_if("greedy", SW_ESYSTEM, err);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static enum sw_code decode(struct sw_gpu *gpu, struct sw_backend_answer *answer,
                           struct sw_error *err)
{
    int32_t id = answer->id;
    bool goes_on = true;
    state.n_decode++;
    for (answer->n_ids = 0; answer->n_ids < answer->max_ids && goes_on;) {
        size_t i = answer->n_ids++;
        id = next_id(gpu, id, answer->position + (uint32_t)i, answer->sequence);
        answer->ids[i] = id;
        answer->stamps_ns[i] = now_ns();
        if (answer->logprobs != NULL)
            answer->logprobs[i] = logprob(gpu);
        goes_on = id >= 0;
        for (size_t j = 0; j < answer->n_stop_ids; j++)
            goes_on &= answer->stop_ids[j] != id;
        if (id >= 0 && answer->on_id != NULL)
            goes_on &= answer->on_id(answer->ctx, id);
    }
    if (says("none"))
        answer->n_ids = 0;
    if (says("many"))
        answer->n_ids = answer->max_ids + 1;
    return fail_if("decode", SW_ESYSTEM, err);
}

static enum sw_code measure_limits(struct sw_gpu *gpu, struct sw_device_rates *out,
                                   struct sw_error *err)
{
    (void)gpu;
    state.n_limits++;
    *out = (struct sw_device_rates){.read_bytes_per_second = 3e12, .operations_per_second = 4e14};
    return fail_if("limits", SW_ESYSTEM, err);
}

static void describe(const struct sw_gpu *gpu, struct sw_gpu_info *out)
{
    struct sw_error err;
    *out =
        (struct sw_gpu_info){.mode = gpu->plan.mode == SW_GPU_PERSISTENT ? "persistent" : "graph",
                             .mode_reason = gpu->plan.mode == SW_GPU_AUTO ? "one is faster" : "",
                             .weight_bytes = 111,
                             .cache_bytes = 222,
                             .scratch_bytes = 333};
    (void)probe(&out->device, gpu->plan.gpu, &err);
}

static void close_gpu(struct sw_gpu *gpu)
{
    state.n_close += gpu != NULL;
    free(gpu);
}

const struct sw_cuda_plugin *sw_cuda_plugin(void)
{
    static struct sw_cuda_plugin plugin;
    plugin = (struct sw_cuda_plugin){
        .abi = says("abi") ? SW_CUDA_ABI + 1 : SW_CUDA_ABI,
        .sizes = {sizeof(struct sw_gpu_plan), sizeof(struct sw_gpu_info),
                  sizeof(struct sw_batch_token), sizeof(struct sw_backend_answer)},
        .probe = probe,
        .open = open_gpu,
        .load = load,
        .ready = ready,
        .forward = forward,
        .greedy = greedy,
        .decode = says("incomplete") ? NULL : decode,
        .measure_limits = measure_limits,
        .describe = describe,
        .close = close_gpu,
    };
    if (says("sizes"))
        plugin.sizes[1]++;
    return says("nothing") ? NULL : &plugin;
}
