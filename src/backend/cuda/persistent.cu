/*
 * The host's side of the kernel for whole answers (persistent.h): what a model takes of it, the
 * words that blocks exchange, and an answer from its launch to its last id.
 *
 * The host is told of ids by words in its own memory, each half a number and half the epoch of the
 * token it belongs to: none of them needs a fence on the device, which would stand in the way of
 * the next token.
 */
#include "backend/cuda/persistent.cuh"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/cuda/candidate.cuh"
#include "backend/cuda/step.cuh"

/* Why the layers' O cannot be cut at KV heads; NULL: it can. */
static const char *sw_persistent_four_cannot(const sw_gpu_model &m, uint32_t n_blocks)
{
    const uint32_t n_cols = m.n_heads / m.n_kv_heads * m.head_dim;
    if (n_blocks < m.n_kv_heads)
        return "four exchanges need a block for each KV head";
    if (m.layer_input == SW_GPU_IN_LLM8)
        return "LLM.int8() takes one scale for all heads, which four exchanges cut apart";
    if (m.layer_form == SW_GPU_S4 || m.layer_form == SW_GPU_FP4)
        return "scales of parts of rows are not brought to shared memory";
    if (n_cols % sw_gpu_columns_per_chunk(m.layer_form) != 0 ||
        (m.layer_input == SW_GPU_IN_S8B64 && n_cols % SW_GPU_S8_BLOCK != 0))
        return "a KV head's columns of O are no whole chunks";
    return nullptr;
}

/* Bytes of a row's scales. */
static uint32_t sw_persistent_scale_bytes(sw_gpu_form form, uint32_t n_cols)
{
    return static_cast<uint32_t>(sw_gpu_scale_bytes(form, 1, n_cols));
}

/* Fills in everything that does not depend on an answer. NULL, or why it cannot be. */
static const char *sw_persistent_plan(sw_gpu_persistent *p, const sw_gpu_model &m, int n_sms,
                                      size_t shared_bytes, const sw_gpu_persistent_options &options)
{
    enum : uint32_t {
        LEAST_PARTS = 4,    /* of the ring: a piece takes no more than one of them if it can */
        MOST_STRETCHES = 8, /* more would cost everyone more to merge than they spare */
        BLOCK_THREADS = 256,
    };
    *p = {};
    p->kernel = sw_persistent_of_floats(m);
    if (p->kernel == nullptr)
        p->kernel = sw_persistent_of_quantized(m);
    if (p->kernel == nullptr)
        return "no kernel of this mode has this arithmetic";
    if (m.n_kv_heads == 0 || m.n_heads % m.n_kv_heads != 0 || m.head_dim % 2 != 0)
        return "query heads are no multiple of the KV heads, or heads have no halves";
    p->n_threads = options.n_threads != 0 ? options.n_threads : BLOCK_THREADS;
    if (p->n_threads % SW_WARP != 0 || p->n_threads > SW_PERSISTENT_MOST_THREADS)
        return "a block has no such number of threads";
    const uint32_t n_qkv = (m.n_heads + 2 * m.n_kv_heads) * m.head_dim;
    const uint32_t group = m.n_heads / m.n_kv_heads, list = m.head_dim + 2;

    /* Every block has a row of every matrix (persistent_exchange.cuh). */
    uint32_t n_blocks = options.n_blocks != 0 ? options.n_blocks : static_cast<uint32_t>(n_sms);
    const uint32_t at_most[] = {static_cast<uint32_t>(n_sms), n_qkv, m.dim, m.hidden_dim,
                                m.vocab_size};
    for (uint32_t most : at_most)
        n_blocks = n_blocks < most ? n_blocks : most;
    p->n_blocks = n_blocks;
    sw_persistent_launch &launch = p->launch;
    launch.m = m;
    launch.head_layers = options.head_layers < m.n_layers ? options.head_layers : m.n_layers;
    launch.n_copies = options.n_copies > 0 ? options.n_copies : 1;
    if (launch.n_copies > SW_MOST_COPIES)
        return "words have not so many copies";
    launch.is_four = options.variant == SW_GPU_PERSISTENT_FOUR;
    if (launch.is_four) {
        const char *reason = sw_persistent_four_cannot(m, n_blocks);
        if (reason != nullptr)
            return reason;
    }

    /* Threads of a key. */
    const uint32_t width = m.cache_form == SW_GPU_F32 ? 4 : 8;
    launch.is_chunked = m.head_dim % width == 0 && m.head_dim <= width * SW_WARP;
    if (!launch.is_chunked && m.head_dim > width * SW_WARP)
        return "heads are too long for the lanes of a warp";
    launch.n_lanes = SW_WARP;
    while (launch.is_chunked && launch.n_lanes / 2 * width >= m.head_dim)
        launch.n_lanes /= 2;

    /* Shapes, and inputs. */
    struct part {
        uint32_t n_rows, n_cols, unit;
        bool has_norm;
    };
    const uint32_t o_cols = (launch.is_four ? group : m.n_heads) * m.head_dim;
    const part parts[SW_N_PARTS] = {
        {n_qkv, m.dim, 2, true},
        {m.dim, o_cols, 1, false},
        {2 * m.hidden_dim, m.dim, 2, true},
        {m.dim, m.hidden_dim, 1, false},
        {m.vocab_size, m.dim, 2, true},
    };
    uint32_t input_bytes = 0;
    for (uint32_t i = 0; i < SW_N_PARTS; i++) {
        const bool is_head = i == SW_PART_HEAD;
        const sw_gpu_form form = is_head ? m.head_form : m.layer_form;
        sw_persistent_shape &shape = launch.shapes[i];
        shape.n_rows = parts[i].n_rows;
        shape.n_cols = parts[i].n_cols;
        shape.used_bytes = sw_gpu_row_bytes(form, parts[i].n_cols);
        shape.row_bytes =
            i == SW_PART_O ? sw_gpu_row_bytes(form, m.n_heads * m.head_dim) : shape.used_bytes;
        shape.scale_bytes = sw_persistent_scale_bytes(form, parts[i].n_cols);
        shape.norm_bytes = parts[i].has_norm ? 4 * parts[i].n_cols : 0;
        auto fill = [&](auto pair) {
            using P = decltype(pair);
            launch.layouts[i] = sw_input_layout_of<P::form, P::input>(parts[i].n_cols);
            launch.lanes[i] = sw_step_lanes<P>(
                parts[i].n_cols, (parts[i].n_rows + parts[i].unit - 1) / parts[i].unit, 1);
            return cudaSuccess;
        };
        cudaError_t known = is_head ? sw_for_head_pair(m.head_form, m.head_input, fill)
                                    : sw_for_layer_pair(m.layer_form, m.layer_input, fill);
        if (known != cudaSuccess)
            return "no product takes this form and input";
        input_bytes = input_bytes > launch.layouts[i].token_bytes ? input_bytes
                                                                  : launch.layouts[i].token_bytes;
    }

    /* Stretches of the context. */
    p->stretch = options.stretch;
    uint32_t of_blocks = n_blocks / m.n_kv_heads > 0 ? n_blocks / m.n_kv_heads : 1;
    p->most_stretches = p->stretch != 0 ? (m.max_positions + p->stretch - 1) / p->stretch
                        : of_blocks < MOST_STRETCHES ? of_blocks
                                                     : static_cast<uint32_t>(MOST_STRETCHES);

    /* Shared memory. */
    sw_persistent_memory &memory = launch.memory;
    size_t end = 0;
    auto take = [&](size_t bytes) {
        const size_t at = end;
        end += (bytes + 15) / 16 * 16;
        return static_cast<uint32_t>(at);
    };
    const size_t n_warps = p->n_threads / SW_WARP;
    const size_t n_parts_words = launch.is_four
                                     ? static_cast<size_t>(m.dim) * m.n_kv_heads
                                     : static_cast<size_t>(m.n_heads) * p->most_stretches * list;
    size_t n_raw = n_parts_words;
    n_raw = n_raw > m.hidden_dim ? n_raw : m.hidden_dim;
    n_raw = n_raw > 1 + 4 * static_cast<size_t>(n_blocks) ? n_raw
                                                          : 1 + 4 * static_cast<size_t>(n_blocks);
    memory.sources_at =
        take((4 * static_cast<size_t>(m.n_layers) + 1) * sizeof(sw_persistent_source));
    memory.shapes_at = take(SW_N_PARTS * sizeof(sw_persistent_shape));
    memory.shares_at = take(SW_N_PARTS * sizeof(sw_persistent_share));
    memory.x_at[0] = take(4 * static_cast<size_t>(m.dim));
    memory.x_at[1] = take(4 * static_cast<size_t>(m.dim));
    memory.raw_at = take(4 * n_raw);
    memory.input_at = take(input_bytes);
    memory.attend_at = take(4 * static_cast<size_t>(group + 3) * m.head_dim);
    memory.lists_at = take(4 * n_warps * group * list);
    memory.scratch_at = take(n_warps * (sizeof(sw_candidate) + 4));
    memory.ring_at = take(0);
    if (end >= shared_bytes)
        return "a block's shared memory does not hold the activations";
    size_t ring_bytes = (shared_bytes - end) / 16 * 16;
    if (options.ring_bytes != 0 && options.ring_bytes / 16 * 16 < ring_bytes)
        ring_bytes = options.ring_bytes / 16 * 16;
    memory.ring_bytes = static_cast<uint32_t>(ring_bytes);
    memory.total = static_cast<uint32_t>(end + ring_bytes);
    for (uint32_t i = 0; i < SW_N_PARTS; i++) {
        sw_persistent_shape &shape = launch.shapes[i];
        const uint32_t unit = i == SW_PART_GATE_UP ? 2 : 1;
        /* Scales and biases with what their chunks have around them, and the norm. */
        const size_t fixed = 64 + (shape.norm_bytes + 15) / 16 * 16;
        const size_t of_unit =
            unit * (static_cast<size_t>(shape.used_bytes) + shape.scale_bytes + 4);
        if (fixed + of_unit > ring_bytes / 3) /* sw_ring_ready */
            return "a block's shared memory does not hold three rows";
        size_t n =
            ring_bytes / LEAST_PARTS > fixed ? (ring_bytes / LEAST_PARTS - fixed) / of_unit : 0;
        shape.rows_per_piece = static_cast<uint32_t>(n > 0 ? n : 1) * unit;
    }
    return nullptr;
}

const char *sw_gpu_persistent_options_read(struct sw_gpu_persistent_options *out, const char *text)
{
    const char *wrong = "the text of the persistent kernel's options is not understood";
    *out = {};
    while (text != nullptr && *text != '\0') {
        auto is = [&](const char *name) {
            const size_t n = strlen(name);
            if (strncmp(text, name, n) != 0)
                return false;
            text += n;
            return true;
        };
        uint32_t *number = nullptr;
        bool is_patience = false;
        if (is("variant=five"))
            out->variant = SW_GPU_PERSISTENT_FIVE;
        else if (is("variant=four"))
            out->variant = SW_GPU_PERSISTENT_FOUR;
        else if (is("variant=best"))
            out->variant = SW_GPU_PERSISTENT_BEST;
        else if (is("blocks="))
            number = &out->n_blocks;
        else if (is("threads="))
            number = &out->n_threads;
        else if (is("ring="))
            number = &out->ring_bytes;
        else if (is("stretch="))
            number = &out->stretch;
        else if (is("head="))
            number = &out->head_layers;
        else if (is("copies="))
            number = &out->n_copies;
        else if (is("patience_ms="))
            is_patience = true;
        else
            return wrong;
        if (number != nullptr || is_patience) {
            if (*text < '0' || *text > '9')
                return wrong;
            char *end;
            const unsigned long value = strtoul(text, &end, 10);
            if (value > INT32_MAX)
                return wrong;
            if (is_patience)
                out->patience_ns = static_cast<uint64_t>(value) * 1000000;
            else
                *number = static_cast<uint32_t>(value);
            text = end;
        }
        if (*text == ',')
            text++;
        else if (*text != '\0')
            return wrong;
    }
    return nullptr;
}

const char *sw_gpu_persistent_can(const struct sw_gpu_model *model, int sm, int n_sms,
                                  size_t shared_bytes,
                                  const struct sw_gpu_persistent_options *options)
{
    (void)sm; /* what differs is in device.h */
    sw_gpu_persistent p;
    return sw_persistent_plan(&p, *model, n_sms, shared_bytes,
                              options != nullptr ? *options : sw_gpu_persistent_options());
}

void sw_gpu_persistent_destroy(struct sw_gpu_persistent *p)
{
    if (p == nullptr)
        return;
    if (p->device != nullptr)
        cudaFree(p->device);
    if (p->host != nullptr)
        cudaFreeHost(p->host);
    free(p);
}

/* All flags of the buffers to an epoch that is never waited for. */
static cudaError_t sw_persistent_clear(sw_gpu_persistent *p, cudaStream_t stream)
{
    p->launch.epoch = 1;
    memset(p->host, 0, p->host_bytes);
    return cudaMemsetAsync(p->device, 0, p->device_bytes, stream);
}

const char *sw_gpu_persistent_create(struct sw_gpu_persistent **out,
                                     const struct sw_gpu_model *model, int sm, int n_sms,
                                     size_t shared_bytes,
                                     const struct sw_gpu_persistent_options *options,
                                     cudaError_t *error)
{
    (void)sm;
    enum : uint64_t { PATIENCE_NS = 2000000000 };
    enum : size_t { LINE = 128 };
    const sw_gpu_persistent_options chosen =
        options != nullptr ? *options : sw_gpu_persistent_options();
    *out = nullptr;
    *error = cudaSuccess;
    sw_gpu_persistent *p = static_cast<sw_gpu_persistent *>(malloc(sizeof *p));
    if (p == nullptr)
        return "out of memory";
    const char *reason = sw_persistent_plan(p, *model, n_sms, shared_bytes, chosen);
    if (reason != nullptr) {
        free(p);
        return reason;
    }
    const sw_gpu_model &m = p->launch.m;
    sw_persistent_words &words = p->launch.words;
    const size_t n_words[] = {
        static_cast<size_t>(m.n_heads + 2 * m.n_kv_heads) * m.head_dim,
        static_cast<size_t>(m.n_heads) * p->most_stretches * (m.head_dim + 2),
        static_cast<size_t>(m.dim) * (p->launch.is_four ? m.n_kv_heads : 1),
        m.hidden_dim,
        m.dim,
        1 + 4 * static_cast<size_t>(p->n_blocks),
    };
    uint64_t **const pointers[] = {&words.qkv,    &words.parts, &words.middle,
                                   &words.hidden, &words.x,     &words.choice};
    enum { N_EXCHANGES = sizeof pointers / sizeof *pointers };
    size_t at[N_EXCHANGES];
    for (int i = 0; i < N_EXCHANGES; i++) {
        at[i] = p->device_bytes;
        p->device_bytes += (n_words[i] * sizeof(uint64_t) + LINE - 1) / LINE * LINE;
    }
    p->launch.copy_words = static_cast<uint32_t>(p->device_bytes / sizeof(uint64_t));
    p->device_bytes *= p->launch.n_copies;
    const size_t abandoned_at = p->device_bytes;
    p->device_bytes += LINE;
    const size_t stop_at = m.max_positions * SW_TOLD_WORDS * sizeof(uint64_t);
    p->host_bytes = stop_at + sizeof(uint32_t);
    unsigned char *mapped = nullptr;
    reason = "no memory for the words that blocks exchange";
    *error = cudaMalloc(&p->device, p->device_bytes);
    if (*error != cudaSuccess)
        goto failed;
    reason = "no memory for what the host is told";
    *error = cudaHostAlloc(&p->host, p->host_bytes, cudaHostAllocMapped);
    if (*error == cudaSuccess)
        *error = cudaHostGetDevicePointer(&mapped, p->host, 0);
    if (*error != cudaSuccess)
        goto failed;
    reason = "the kernel of the whole answer cannot have its shared memory";
    *error = cudaFuncSetAttribute(p->kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(p->launch.memory.total));
    if (*error != cudaSuccess)
        goto failed;
    for (int i = 0; i < N_EXCHANGES; i++)
        *pointers[i] = reinterpret_cast<uint64_t *>(p->device + at[i]);
    p->launch.abandoned = reinterpret_cast<uint32_t *>(p->device + abandoned_at);
    p->launch.told = reinterpret_cast<uint64_t *>(mapped);
    p->launch.stop = reinterpret_cast<const uint32_t *>(mapped + stop_at);
    p->launch.patience_ns = chosen.patience_ns != 0 ? chosen.patience_ns : PATIENCE_NS;
    reason = "the words that blocks exchange cannot be cleared";
    *error = sw_persistent_clear(p, nullptr);
    if (*error == cudaSuccess)
        *error = cudaDeviceSynchronize();
    if (*error != cudaSuccess)
        goto failed;
    *out = p;
    return nullptr;
failed:
    sw_gpu_persistent_destroy(p);
    return reason;
}

size_t sw_gpu_persistent_bytes(const struct sw_gpu_persistent *p)
{
    return p->device_bytes;
}

bool sw_persistent_heard(const sw_gpu_persistent *p, size_t t, uint32_t epoch,
                         uint32_t (&numbers)[SW_TOLD_WORDS])
{
    const uint64_t *words = reinterpret_cast<const uint64_t *>(p->host) + t * SW_TOLD_WORDS;
    for (uint32_t i = 0; i < SW_TOLD_WORDS; i++) {
        const uint64_t word = __atomic_load_n(words + i, __ATOMIC_ACQUIRE);
        if (static_cast<uint32_t>(word >> 32) != epoch)
            return false;
        numbers[i] = static_cast<uint32_t>(word);
    }
    return true;
}

const char *sw_gpu_persistent_decode(struct sw_gpu_persistent *p, cudaStream_t stream,
                                     int64_t offset_ns, struct sw_backend_answer *answer,
                                     cudaError_t *error)
{
    /* Stamps are the device's, so nothing is lost by sleeping; a core that spins costs joules. */
    const struct timespec rest = {0, 20000};
    const sw_gpu_model &m = p->launch.m;
    answer->n_ids = 0;
    *error = cudaSuccess;
    if (answer->n_stop_ids > SW_MAX_EOS)
        return "more stop ids than a kernel takes";
    const uint64_t n_epochs = static_cast<uint64_t>(answer->max_ids) * m.n_layers;
    if (n_epochs >= UINT32_MAX)
        return "an answer of more layers than epochs can be counted";
    if (UINT32_MAX - p->launch.epoch < n_epochs) {
        *error = sw_persistent_clear(p, stream);
        if (*error != cudaSuccess)
            return "the words that blocks exchange cannot be cleared";
    }
    sw_persistent_launch launch = p->launch;
    launch.id = answer->id;
    launch.position = answer->position;
    launch.sequence = answer->sequence;
    launch.max_ids = static_cast<uint32_t>(answer->max_ids);
    launch.n_stop_ids = static_cast<uint32_t>(answer->n_stop_ids);
    for (size_t i = 0; i < answer->n_stop_ids; i++)
        launch.stop_ids[i] = answer->stop_ids[i];
    launch.wants_logprobs = answer->logprobs != nullptr;
    const uint32_t n_positions = launch.position + launch.max_ids;
    launch.stretch = p->stretch;
    if (launch.stretch == 0) {
        enum : uint32_t { LEAST = 64, STEP = 16 };
        launch.stretch = (n_positions + p->most_stretches - 1) / p->most_stretches;
        launch.stretch = (launch.stretch + STEP - 1) / STEP * STEP;
        launch.stretch = launch.stretch > LEAST ? launch.stretch : static_cast<uint32_t>(LEAST);
    }
    uint32_t *stop =
        reinterpret_cast<uint32_t *>(p->host + m.max_positions * SW_TOLD_WORDS * sizeof(uint64_t));
    __atomic_store_n(stop, 0, __ATOMIC_RELEASE);
    p->launch.epoch += static_cast<uint32_t>(n_epochs); /* whatever becomes of this answer */
    *error = sw_launch(p->kernel, p->n_blocks, p->n_threads, launch.memory.total, stream,
                       SW_LAUNCH_COOPERATIVE, launch);
    if (*error != cudaSuccess)
        return "the kernel of the whole answer cannot be launched";

    bool is_over = false, has_ended = false;
    uint32_t epoch = launch.epoch;
    while (!is_over) {
        uint32_t numbers[SW_TOLD_WORDS];
        if (!sw_persistent_heard(p, answer->n_ids, epoch, numbers)) {
            if (has_ended) /* and had told all it would */
                break;
            const cudaError_t state = cudaStreamQuery(stream);
            has_ended = state != cudaErrorNotReady;
            if (!has_ended)
                nanosleep(&rest, nullptr);
            continue;
        }
        const size_t t = answer->n_ids++;
        const int32_t id = static_cast<int32_t>(numbers[0]);
        const uint64_t stamp = static_cast<uint64_t>(numbers[2]) << 32 | numbers[1];
        answer->ids[t] = id;
        answer->stamps_ns[t] = stamp + static_cast<uint64_t>(offset_ns);
        if (answer->logprobs != nullptr) {
            float logprob;
            memcpy(&logprob, &numbers[3], sizeof logprob);
            answer->logprobs[t] = static_cast<double>(logprob);
        }
        is_over = id < 0 || answer->n_ids == answer->max_ids;
        for (size_t i = 0; i < answer->n_stop_ids; i++)
            is_over = is_over || id == answer->stop_ids[i];
        if (answer->on_id != nullptr && !answer->on_id(answer->ctx, id))
            is_over = true;
        epoch += m.n_layers;
    }
    __atomic_store_n(stop, 1, __ATOMIC_RELEASE);
    *error = cudaStreamSynchronize(stream);
    if (*error != cudaSuccess)
        return "the kernel of the whole answer failed";
    uint32_t abandoned = 0;
    if (!is_over || has_ended)
        *error = cudaMemcpy(&abandoned, launch.abandoned, sizeof abandoned, cudaMemcpyDeviceToHost);
    if (*error != cudaSuccess)
        return "the kernel of the whole answer failed";
    if (is_over && abandoned == 0)
        return nullptr;
    *error = sw_persistent_clear(p, stream);
    return abandoned != 0 ? "blocks of the kernel waited for each other in vain"
                          : "the kernel of the whole answer ended early";
}
