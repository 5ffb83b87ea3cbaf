/*
 * The plug-in: one model on one GPU behind the table of plugin.h.
 *
 * Memory is had once: matrices as they are loaded, everything else in ready. A call of forward or
 * greedy copies its tokens, runs the kernels of few tokens (step.cuh) or of many (gemm.cuh), and
 * waits. Passes whose shape comes again and again are captured as graphs in ready: those of tokens
 * that all want logits, up to one of each sequence, in sizes that engine_pass.cuh chooses, and the
 * step of an answer.
 *
 * decode gives the device an answer's first token; each launch of the step's graph then runs the
 * token that the one before has chosen. The host stays a few launches ahead of what it has read, so
 * that the device never waits for it, and reads ids and stamps from memory that both see. Stamps
 * are of the device's clock; it is compared with the host's before and after the answer.
 */
#include "backend/cuda/engine_load.cuh"
#include "backend/cuda/engine_pass.cuh"
#include "backend/cuda/engine_ready.cuh"

namespace
{

/* Calls. */

/* A batch through the layers, and the head for n_wanted rows; waits for it. */
enum sw_code run_batch(sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                       uint32_t *n_wanted, struct sw_error *err)
{
    if (n_tokens == 0 || n_tokens > gpu->plan.max_batch || !gpu->is_ready)
        return fail(err, SW_EUSAGE, "a batch of %zu tokens", n_tokens);
    const uint32_t n = (uint32_t)n_tokens;
    uint32_t wanted = 0;
    TRY(cudaSetDevice(gpu->plan.gpu));
    for (uint32_t i = 0; i < n; i++) {
        const struct sw_batch_token &t = tokens[i];
        if (t.want_logits && wanted == gpu->plan.max_logits)
            return fail(err, SW_EUSAGE, "more than %u tokens want logits", wanted);
        gpu->tokens[i] = {t.id, t.position, t.sequence,
                          t.want_logits ? wanted : (uint32_t)SW_GPU_NO_LOGITS};
        if (t.want_logits)
            gpu->wanted[wanted++] = i;
    }
    const uint32_t n_run = wanted == n ? batch_size_of(gpu, n) : n;
    for (uint32_t i = n; i < n_run; i++) {
        gpu->tokens[i] = gpu->tokens[n - 1];
        gpu->tokens[i].logits_row = gpu->wanted[i] = i;
    }
    const uint32_t n_rows = wanted == n ? n_run : wanted;
    TRY(cudaMemcpyAsync(gpu->model.tokens, gpu->tokens, n_run * sizeof *gpu->tokens,
                        cudaMemcpyHostToDevice, gpu->stream));
    if (n_rows > 0)
        TRY(cudaMemcpyAsync(gpu->model.wanted, gpu->wanted, n_rows * sizeof *gpu->wanted,
                            cudaMemcpyHostToDevice, gpu->stream));
    cudaGraphExec_t *graph = wanted == n ? batch_graph_of(gpu, n_run) : NULL;
    if (graph != NULL && *graph != NULL) {
        TRY(cudaGraphLaunch(*graph, gpu->stream));
    } else {
        TRY(run_layers(gpu, n_run));
        if (n_rows > 0)
            TRY(run_head(gpu, n_rows));
    }
    *n_wanted = wanted;
    return SW_OK;
}

enum sw_code gpu_forward(struct sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                         float *logits, struct sw_error *err)
{
    uint32_t n_wanted = 0;
    enum sw_code code = run_batch(gpu, tokens, n_tokens, &n_wanted, err);
    if (code != SW_OK)
        return code;
    const size_t n = (size_t)n_wanted * gpu->plan.vocab_size;
    for (size_t at = 0; at < n; at += gpu->n_staged) {
        size_t bytes = (n - at < gpu->n_staged ? n - at : gpu->n_staged) * sizeof *logits;
        TRY(cudaMemcpyAsync(gpu->logits, gpu->model.logits + at, bytes, cudaMemcpyDeviceToHost,
                            gpu->stream));
        TRY(cudaStreamSynchronize(gpu->stream));
        memcpy(logits + at, gpu->logits, bytes);
    }
    TRY(cudaStreamSynchronize(gpu->stream));
    return SW_OK;
}

enum sw_code gpu_greedy(struct sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                        int32_t *ids, double *logprobs, struct sw_error *err)
{
    uint32_t n_wanted = 0;
    enum sw_code code = run_batch(gpu, tokens, n_tokens, &n_wanted, err);
    if (code != SW_OK)
        return code;
    TRY(cudaStreamSynchronize(gpu->stream));
    for (uint32_t i = 0; i < n_wanted; i++) {
        ids[i] = gpu->choices[i].id;
        if (logprobs != NULL)
            logprobs[i] = (double)gpu->choices[i].logprob;
    }
    return SW_OK;
}

/* The device's clock to the host's: a line through two moments. */
uint64_t host_time_of(const moment &a, const moment &b, uint64_t device_ns)
{
    double rate = 1;
    if (b.device_ns > a.device_ns)
        rate = (double)(b.host_ns - a.host_ns) / (double)(b.device_ns - a.device_ns);
    double ns = ((double)device_ns - (double)a.device_ns) * rate;
    return a.host_ns + (uint64_t)(ns > 0 ? ns : 0);
}

/* The answer's first token and its rules, to the device. */
enum sw_code begin_answer(sw_gpu *gpu, const struct sw_backend_answer *answer, struct sw_error *err)
{
    const sw_gpu_plan &p = gpu->plan;
    const uint32_t id = (uint32_t)answer->id;
    if (answer->n_stop_ids > SW_ANSWER_STOPS || answer->max_ids == 0 || id >= p.vocab_size ||
        answer->sequence >= p.n_sequences || answer->position >= p.max_positions ||
        answer->max_ids > p.max_positions - answer->position)
        return fail(err, SW_EUSAGE, "an answer of %zu ids from position %u of %u", answer->max_ids,
                    answer->position, p.max_positions);
    sw_answer_state *state = gpu->state;
    *state = {};
    for (size_t i = 0; i < answer->n_stop_ids; i++)
        state->stop_ids[i] = answer->stop_ids[i];
    state->n_stop_ids = (uint32_t)answer->n_stop_ids;
    state->max_ids = (uint32_t)answer->max_ids;
    gpu->tokens[0] = {answer->id, answer->position, answer->sequence, 0};
    gpu->wanted[0] = 0;
    __atomic_store_n(gpu->n_ready, 0, __ATOMIC_RELEASE);
    TRY(cudaMemcpyAsync(gpu->state_device, state, sizeof *state, cudaMemcpyHostToDevice,
                        gpu->stream));
    TRY(cudaMemcpyAsync(gpu->model.tokens, gpu->tokens, sizeof *gpu->tokens, cudaMemcpyHostToDevice,
                        gpu->stream));
    TRY(cudaMemcpyAsync(gpu->model.wanted, gpu->wanted, sizeof *gpu->wanted, cudaMemcpyHostToDevice,
                        gpu->stream));
    return SW_OK;
}

/* Until the device has more than n_read ids. Sleeps between looks: the device has work for several
 * steps, so a late look costs nothing, and spinning would cost joules. */
enum sw_code wait_for_id(sw_gpu *gpu, uint32_t n_read, uint32_t *n_ready, struct sw_error *err)
{
    enum { SLEEP_NS = 20000 };
    for (bool is_idle = false;;) {
        *n_ready = __atomic_load_n(gpu->n_ready, __ATOMIC_ACQUIRE);
        if (*n_ready > n_read)
            return SW_OK;
        if (is_idle)
            return fail(err, SW_ESYSTEM, "the GPU ran the step of an answer and chose no id");
        cudaError_t error = cudaStreamQuery(gpu->stream);
        if (error != cudaSuccess && error != cudaErrorNotReady)
            return cuda_failed(error, "cudaGraphLaunch", err);
        is_idle = error == cudaSuccess; /* then what it has written is to be seen: one more look */
        const struct timespec pause = {0, SLEEP_NS};
        if (!is_idle)
            nanosleep(&pause, NULL);
    }
}

bool is_stop(const struct sw_backend_answer *answer, int32_t id)
{
    for (size_t i = 0; i < answer->n_stop_ids; i++) {
        if (answer->stop_ids[i] == id)
            return true;
    }
    return id < 0;
}

enum sw_code decode_by_graph(sw_gpu *gpu, struct sw_backend_answer *answer, struct sw_error *err)
{
    moment begin, end;
    enum sw_code code = read_clocks(gpu, &begin, err);
    if (code == SW_OK)
        code = begin_answer(gpu, answer, err);
    if (code != SW_OK)
        return code;
    uint32_t n_launched = 0, n_read = 0, n_ready = 0;
    const uint32_t max_ids = (uint32_t)answer->max_ids;
    for (bool is_over = false; !is_over;) {
        for (; n_launched < max_ids && n_launched < n_read + RUN_AHEAD; n_launched++)
            TRY(cudaGraphLaunch(gpu->answer_step, gpu->stream));
        if (n_read == n_ready) {
            code = wait_for_id(gpu, n_read, &n_ready, err);
            if (code != SW_OK)
                return code;
        }
        const int32_t id = gpu->entries[n_read].id;
        answer->ids[n_read++] = id;
        answer->n_ids = n_read;
        is_over = n_read == max_ids || is_stop(answer, id);
        if (answer->on_id != NULL && !answer->on_id(answer->ctx, id))
            is_over = true;
    }
    code = read_clocks(gpu, &end, err); /* behind the steps that nobody reads */
    if (code != SW_OK)
        return code;
    uint64_t last = begin.host_ns;
    for (uint32_t i = 0; i < n_read; i++) {
        uint64_t at = host_time_of(begin, end, gpu->entries[i].stamp_ns);
        at = at < last ? last : at > end.host_ns ? end.host_ns : at;
        last = answer->stamps_ns[i] = at;
        if (answer->logprobs != NULL)
            answer->logprobs[i] = (double)gpu->entries[i].logprob;
    }
    return SW_OK;
}

enum sw_code gpu_decode(struct sw_gpu *gpu, struct sw_backend_answer *answer, struct sw_error *err)
{
    answer->n_ids = 0;
    if (!gpu->is_ready)
        return fail(err, SW_EUSAGE, "the model is not ready");
    TRY(cudaSetDevice(gpu->plan.gpu));
    if (gpu->persistent != NULL) {
        moment now;
        enum sw_code code = read_clocks(gpu, &now, err);
        if (code != SW_OK)
            return code;
        cudaError_t error = cudaSuccess;
        const char *failed = sw_gpu_persistent_decode(
            gpu->persistent, gpu->stream, (int64_t)(now.host_ns - now.device_ns), answer, &error);
        if (failed == NULL)
            return SW_OK;
        return error != cudaSuccess ? cuda_failed(error, failed, err)
                                    : fail(err, SW_ESYSTEM, "%s", failed);
    }
    return decode_by_graph(gpu, answer, err);
}

enum sw_compute_limit limit_of(const sw_gpu_plan &p)
{
    switch (p.arithmetic.layer_input) {
    case SW_GPU_IN_F32:
        return p.use_tf32 ? SW_COMPUTE_DOT_TF32 : SW_COMPUTE_FMA_F32;
    case SW_GPU_IN_BF16:
        return SW_COMPUTE_DOT_BF16;
    case SW_GPU_IN_F16:
        return SW_COMPUTE_DOT_F16;
    case SW_GPU_IN_S8B64:
    case SW_GPU_IN_LLM8:
        return SW_COMPUTE_DOT_S8;
    }
    return SW_COMPUTE_FMA_F32;
}

enum sw_code gpu_measure_limits(struct sw_gpu *gpu, struct sw_device_rates *out,
                                struct sw_error *err)
{
    if (!gpu->is_ready)
        return fail(err, SW_EUSAGE, "the model is not ready");
    TRY(cudaSetDevice(gpu->plan.gpu));
    TRY(sw_gpu_limits_measure(&gpu->limits, limit_of(gpu->plan),
                              gpu->weight_bytes - gpu->table_bytes, (uint32_t)gpu->device.n_sms,
                              gpu->stream, out));
    return SW_OK;
}

void gpu_describe(const struct sw_gpu *gpu, struct sw_gpu_info *out)
{
    memset(out, 0, sizeof *out);
    out->device = gpu->device;
    out->mode = "graph";
    out->mode_reason = gpu->mode_reason;
    if (gpu->persistent != NULL)
        out->mode = "persistent";
    out->weight_bytes = gpu->weight_bytes;
    out->cache_bytes = gpu->cache_bytes;
    out->scratch_bytes = gpu->scratch_bytes;
    if (gpu->persistent != NULL)
        out->scratch_bytes += sw_gpu_persistent_bytes(gpu->persistent);
}

} // namespace

extern "C" const struct sw_cuda_plugin *sw_cuda_plugin(void)
{
    static const struct sw_cuda_plugin plugin = {
        SW_CUDA_ABI,
        {sizeof(struct sw_gpu_plan), sizeof(struct sw_gpu_info), sizeof(struct sw_batch_token),
         sizeof(struct sw_backend_answer)},
        gpu_probe,
        gpu_open,
        gpu_load,
        gpu_ready,
        gpu_forward,
        gpu_greedy,
        gpu_decode,
        gpu_measure_limits,
        gpu_describe,
        gpu_close,
    };
    return &plugin;
}
