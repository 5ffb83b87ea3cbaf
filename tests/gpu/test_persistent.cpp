/*
 * One kernel for a whole answer against the same model decoded step by step (step.cuh): ids, which
 * must be the same, and log-probabilities. Shapes that no tile divides, groups of query heads, any
 * number of blocks, and orders in which their threads run.
 */
#include "gpu/gpu_test.h"

#include <math.h>

#include <algorithm>
#include <string>

#include "backend/cuda/persistent.cuh"
#include "backend/cuda/step.cuh"
#include "gpu/definition.h"
#include "gpu/memory.h"

struct shape {
    uint32_t n_layers, dim, hidden_dim, n_heads, n_kv_heads, head_dim, vocab_size;
    bool has_bias;
};

/* One row of arithmetic.c. */
struct arithmetic {
    const char *name;
    sw_gpu_form layers;
    sw_gpu_input layer_input;
    sw_gpu_form head;
    sw_gpu_input head_input;
    sw_gpu_form cache, embedding;
    bool rounds;
};
static const arithmetic arithmetics[] = {
    {"f32", SW_GPU_F32, SW_GPU_IN_F32, SW_GPU_F32, SW_GPU_IN_F32, SW_GPU_F32, SW_GPU_F32, false},
    {"w16_a32", SW_GPU_BF16, SW_GPU_IN_F32, SW_GPU_BF16, SW_GPU_IN_F32, SW_GPU_F32, SW_GPU_BF16,
     false},
    {"bf16", SW_GPU_BF16, SW_GPU_IN_BF16, SW_GPU_BF16, SW_GPU_IN_BF16, SW_GPU_BF16, SW_GPU_BF16,
     false},
    {"f16", SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, SW_GPU_F16, false},
    {"w8c_a8b64", SW_GPU_S8, SW_GPU_IN_S8B64, SW_GPU_S8, SW_GPU_IN_S8B64, SW_GPU_F32, SW_GPU_F32,
     false},
    {"llm_int8", SW_GPU_S8, SW_GPU_IN_LLM8, SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, SW_GPU_F16,
     true},
    {"w4b32_a16", SW_GPU_S4, SW_GPU_IN_F16, SW_GPU_S8, SW_GPU_IN_F16, SW_GPU_F16, SW_GPU_F16,
     false},
    {"fp4_a32", SW_GPU_FP4, SW_GPU_IN_F32, SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, SW_GPU_F16, true},
};
enum { F32, W16_A32, BF16, F16, W8C_A8B64, LLM_INT8, W4B32_A16, FP4_A32 };

enum : uint32_t { MAX_POSITIONS = 48, N_SEQUENCES = 2, N_SMS = 8, SHARED = 96 * 1024 };

struct model {
    memory device;
    sw_gpu_model m;
    std::vector<sw_gpu_layer> layers; /* the host's copy */
};

static sw_gpu_matrix matrix_put(memory &device, sw_gpu_form form, sw_gpu_input input,
                                uint32_t n_rows, uint32_t n_cols, bool has_bias, uint64_t seed)
{
    sw_gpu_matrix made = definition_random_matrix(form, input, n_rows, n_cols, has_bias, seed);
    sw_gpu_matrix out = made;
    auto put = [&](const void *from, size_t bytes) {
        const unsigned char *begin = static_cast<const unsigned char *>(from);
        return memory_put(device, std::vector<unsigned char>(begin, begin + bytes));
    };
    out.rows = put(made.rows, static_cast<size_t>(n_rows) * made.row_bytes);
    if (made.scales != nullptr)
        out.scales = put(made.scales, sw_gpu_scale_bytes(form, n_rows, n_cols));
    if (made.bias != nullptr)
        out.bias = reinterpret_cast<float *>(put(made.bias, 4 * static_cast<size_t>(n_rows)));
    definition_matrix_free(&made);
    return out;
}

static const float *norm_put(memory &device, uint32_t n, noise &random)
{
    std::vector<float> weights(n);
    for (float &w : weights)
        w = 1.0f + 0.25f * noise_next(random);
    return memory_put(device, weights);
}

/* Numbers of the cache, keys or values; a float has room for any of them. */
static size_t cached(const sw_gpu_model &m)
{
    return static_cast<size_t>(m.n_layers) * N_SEQUENCES * m.n_kv_heads * MAX_POSITIONS *
           m.head_dim;
}

/* The same for the same arguments, so that two of them can be decoded side by side. */
static void model_open(model &out, const shape &s, const arithmetic &a)
{
    memory &device = out.device;
    noise random = {s.dim * 31 + s.hidden_dim};
    const uint32_t q_rows = s.n_heads * s.head_dim, half = s.head_dim / 2;
    sw_gpu_model &m = out.m;
    m = {};
    m.n_layers = s.n_layers;
    m.dim = s.dim;
    m.hidden_dim = s.hidden_dim;
    m.n_heads = s.n_heads;
    m.n_kv_heads = s.n_kv_heads;
    m.head_dim = s.head_dim;
    m.vocab_size = s.vocab_size;
    m.max_positions = MAX_POSITIONS;
    m.n_sequences = N_SEQUENCES;
    m.max_batch = m.max_logits = 1;
    m.rms_eps = 1e-5f;
    m.score_scale = 1.0f / sqrtf(static_cast<float>(s.head_dim));
    m.layer_form = a.layers;
    m.head_form = a.head;
    m.cache_form = a.cache;
    m.embedding_form = a.embedding;
    m.layer_input = a.layer_input;
    m.head_input = a.head_input;
    m.rounds_to_f16 = a.rounds;
    for (uint32_t l = 0; l < s.n_layers; l++) {
        sw_gpu_layer layer = {};
        auto put = [&](uint32_t n_rows, uint32_t n_cols, uint32_t which) {
            return matrix_put(device, a.layers, a.layer_input, n_rows, n_cols, s.has_bias,
                              100 * l + which);
        };
        layer.attention_norm = norm_put(device, s.dim, random);
        layer.mlp_norm = norm_put(device, s.dim, random);
        layer.qkv = put(q_rows + 2 * s.n_kv_heads * s.head_dim, s.dim, 1);
        layer.o = put(s.dim, q_rows, 2);
        layer.gate_up = put(2 * s.hidden_dim, s.dim, 3);
        layer.down = put(s.dim, s.hidden_dim, 4);
        out.layers.push_back(layer);
    }
    m.layers = memory_put(device, out.layers);
    m.embedding = matrix_put(device, a.embedding, SW_GPU_IN_F32, s.vocab_size, s.dim, false, 5);
    m.head = matrix_put(device, a.head, a.head_input, s.vocab_size, s.dim, false, 6);
    m.final_norm = norm_put(device, s.dim, random);
    std::vector<float> cosines, sines;
    for (uint32_t p = 0; p < MAX_POSITIONS; p++) {
        for (uint32_t i = 0; i < half; i++) {
            double angle =
                p / pow(1e4, 2.0 * static_cast<double>(i) / static_cast<double>(s.head_dim));
            cosines.push_back(static_cast<float>(cos(angle)));
            sines.push_back(static_cast<float>(sin(angle)));
        }
    }
    m.cosines = memory_put(device, cosines);
    m.sines = memory_put(device, sines);
    m.keys = memory_take<float>(device, cached(m));
    m.values = memory_take<float>(device, cached(m));
    m.n_splits = 3;
    m.tokens = memory_take<sw_gpu_token>(device, 1);
    m.x = memory_take<float>(device, s.dim);
    m.q = memory_take<float>(device, q_rows);
    m.parts = memory_take<float>(device, s.n_heads * m.n_splits * (s.head_dim + 2));
    m.attended = memory_take<float>(device, q_rows);
    m.hidden = memory_take<float>(device, s.hidden_dim);
    m.logits = memory_take<float>(device, s.vocab_size);
    m.wanted = memory_put(device, std::vector<uint32_t>{0});
    m.n_sms = N_SMS;
}

static void model_close(model &of)
{
    memory_free(of.device);
}

/* One token the ordinary way. */
static std::vector<float> step_logits(const model &of, int32_t id, uint32_t position,
                                      uint32_t sequence)
{
    const sw_gpu_token token = {id, position, sequence, 0};
    sw_step step = {};
    step.m = of.m;
    step.layers = of.layers.data();
    step.n_sms = N_SMS;
    step.shared_bytes = SHARED;
    GPU_OK(cudaMemcpy(of.m.tokens, &token, sizeof token, cudaMemcpyHostToDevice));
    GPU_OK(sw_step_layers(step, 1));
    const sw_head_out out = {of.m.logits, nullptr};
    uint32_t n_parts;
    GPU_OK(sw_step_head(step, 1, out, &n_parts));
    GPU_OK(cudaDeviceSynchronize());
    return memory_get(of.m.logits, of.m.vocab_size);
}

static const int32_t prompt[] = {3, 17, 11, 5, 29};
enum : uint32_t { N_PROMPT = sizeof prompt / sizeof *prompt };

/* The prompt but its last id, into the cache of a sequence. */
static void prefill(const model &of, uint32_t sequence)
{
    for (uint32_t i = 0; i + 1 < N_PROMPT; i++)
        step_logits(of, prompt[i], i, sequence);
}

/* What the other one has seen. */
static void prefill_as(const model &of, const model &other)
{
    const size_t bytes = cached(of.m) * sizeof(float);
    GPU_OK(cudaMemcpy(of.m.keys, other.m.keys, bytes, cudaMemcpyDeviceToDevice));
    GPU_OK(cudaMemcpy(of.m.values, other.m.values, bytes, cudaMemcpyDeviceToDevice));
}

struct answer {
    std::vector<int32_t> ids;
    std::vector<double> logprobs;
};

static answer decode_by_steps(const model &of, int32_t id, uint32_t position, uint32_t sequence,
                              uint32_t n)
{
    answer out;
    for (uint32_t i = 0; i < n; i++) {
        const std::vector<float> logits = step_logits(of, id, position + i, sequence);
        id = definition_greedy(logits.data(), logits.size());
        out.ids.push_back(id);
        if (id < 0)
            break;
        out.logprobs.push_back(definition_logprob(logits.data(), logits.size(), id));
    }
    return out;
}

/* on_id of an answer that is to end behind so many ids. */
static bool counts_down(void *ctx, int32_t)
{
    uint32_t *n_left = static_cast<uint32_t *>(ctx);
    return --*n_left > 0;
}

struct ask {
    int32_t id;
    uint32_t position, sequence, max_ids;
    std::vector<int32_t> stop_ids;
    uint32_t n_wanted; /* on_id ends the answer behind so many; 0: it does not */
    bool wants_logprobs;
};

static answer decode_at_once(sw_gpu_persistent *p, const ask &a)
{
    enum : int64_t { OFFSET = 1000 };
    std::vector<int32_t> ids(a.max_ids, -7);
    std::vector<uint64_t> stamps(a.max_ids);
    std::vector<double> logprobs(a.max_ids);
    uint32_t n_left = a.n_wanted;
    sw_backend_answer answer = {};
    answer.id = a.id;
    answer.position = a.position;
    answer.sequence = a.sequence;
    answer.max_ids = a.max_ids;
    answer.stop_ids = a.stop_ids.data();
    answer.n_stop_ids = a.stop_ids.size();
    answer.on_id = a.n_wanted != 0 ? counts_down : nullptr;
    answer.ctx = &n_left;
    answer.ids = ids.data();
    answer.stamps_ns = stamps.data();
    answer.logprobs = a.wants_logprobs ? logprobs.data() : nullptr;
    cudaError_t error;
    const char *failed = sw_gpu_persistent_decode(p, nullptr, OFFSET, &answer, &error);
    if (failed != nullptr)
        fail_msg("%s: %s: %s", failed, cudaGetErrorName(error), sw_emulated_report());
    struct answer out;
    assert_in_range(answer.n_ids, 1, a.max_ids);
    for (size_t i = 0; i < answer.n_ids; i++) {
        out.ids.push_back(ids[i]);
        if (a.wants_logprobs)
            out.logprobs.push_back(logprobs[i]);
        assert_true(stamps[i] > (i == 0 ? static_cast<uint64_t>(OFFSET) : stamps[i - 1]));
    }
    return out;
}

static sw_gpu_persistent *persistent_open(const model &of, const sw_gpu_persistent_options &options)
{
    sw_gpu_persistent *p = nullptr;
    cudaError_t error;
    const char *failed = sw_gpu_persistent_create(&p, &of.m, 90, N_SMS, SHARED, &options, &error);
    if (failed != nullptr)
        fail_msg("%s: %s", failed, cudaGetErrorName(error));
    return p;
}

static void compare(const answer &got, const answer &expected, const char *what)
{
    for (size_t i = 0; i < got.ids.size() && i < expected.ids.size(); i++) {
        if (got.ids[i] != expected.ids[i])
            fail_msg("%s: id %zu is %d, not %d", what, i, got.ids[i], expected.ids[i]);
    }
    assert_int_equal(got.ids.size(), expected.ids.size());
    for (size_t i = 0; i < got.logprobs.size(); i++) {
        double off = fabs(got.logprobs[i] - expected.logprobs[i]);
        if (!(off <= 1e-3 * (1 + fabs(expected.logprobs[i]))))
            fail_msg("%s: logprob %zu is %g, not %g", what, i, got.logprobs[i],
                     expected.logprobs[i]);
    }
}

/* A model, its answer by steps, and the same by the one kernel in several ways. */
static void check(const shape &s, const arithmetic &a,
                  const std::vector<sw_gpu_persistent_options> &ways, uint32_t n)
{
    model by_steps, at_once;
    model_open(by_steps, s, a);
    model_open(at_once, s, a);
    prefill(by_steps, 1);
    prefill_as(at_once, by_steps);
    const answer expected = decode_by_steps(by_steps, prompt[N_PROMPT - 1], N_PROMPT - 1, 1, n);
    uint64_t seed = 1;
    for (const sw_gpu_persistent_options &way : ways) {
        const std::string what = std::string(a.name) + ", variant " + std::to_string(way.variant) +
                                 ", " + std::to_string(way.n_blocks) + " blocks of " +
                                 std::to_string(way.n_threads) + ", stretch " +
                                 std::to_string(way.stretch) + ", seed " + std::to_string(seed);
        sw_gpu_persistent *p = persistent_open(at_once, way);
        sw_emulated_seed(seed++);
        compare(decode_at_once(p, {prompt[N_PROMPT - 1], N_PROMPT - 1, 1, n, {}, 0, true}),
                expected, what.c_str());
        sw_emulated_seed(0);
        sw_gpu_persistent_destroy(p);
    }
    model_close(by_steps);
    model_close(at_once);
}

static sw_gpu_persistent_options way(sw_gpu_persistent_variant variant, uint32_t n_blocks,
                                     uint32_t n_threads, uint32_t stretch, uint32_t ring_bytes)
{
    sw_gpu_persistent_options options = {};
    options.variant = variant;
    options.n_blocks = n_blocks;
    options.n_threads = n_threads;
    options.stretch = stretch;
    options.ring_bytes = ring_bytes;
    return options;
}

/* Golden-like: nothing divides anything; heads of 10 are no whole chunks. */
static const shape odd = {2, 30, 50, 3, 1, 10, 131, true};
static const shape grouped = {2, 48, 70, 6, 2, 8, 67, false};
static const shape four_heads = {1, 64, 96, 8, 2, 16, 40, true};
static const shape alone = {1, 7, 9, 1, 1, 2, 33, false};

static void decodes_any_arithmetic(void **)
{
    for (const arithmetic &a : arithmetics) {
        check(odd, a, {way(SW_GPU_PERSISTENT_FIVE, 3, 64, 0, 0)}, 4);
        check(four_heads, a, {way(SW_GPU_PERSISTENT_FIVE, 2, 64, 0, 0)}, 3);
    }
}

static void decodes_any_shape_with_any_blocks(void **)
{
    for (const shape &s : {odd, grouped, four_heads, alone}) {
        check(s, arithmetics[F32],
              {way(SW_GPU_PERSISTENT_FIVE, 1, 32, 0, 0), way(SW_GPU_PERSISTENT_FIVE, 2, 96, 0, 0),
               way(SW_GPU_PERSISTENT_FIVE, 3, 64, 0, 0), way(SW_GPU_PERSISTENT_FIVE, 7, 32, 0, 0)},
              3);
    }
}

/* A KV head's columns of O: whole chunks in every form that FOUR takes, blocks of 64 for S8B64. */
static const shape cut = {2, 64, 40, 8, 2, 16, 50, true};
static const shape cut_in_three = {1, 36, 33, 9, 3, 8, 41, false};

static void decodes_with_four_exchanges(void **)
{
    for (int i : {F32, W16_A32, BF16, F16, W8C_A8B64})
        check(cut, arithmetics[i],
              {way(SW_GPU_PERSISTENT_FOUR, 2, 64, 0, 0), way(SW_GPU_PERSISTENT_FOUR, 5, 32, 0, 0)},
              4);
    check(cut_in_three, arithmetics[F32], {way(SW_GPU_PERSISTENT_FOUR, 7, 32, 0, 0)}, 4);
}

/* Parts from several blocks, several of them in one block, and a part for every position. */
static void attends_to_many_stretches(void **)
{
    check(grouped, arithmetics[F32],
          {way(SW_GPU_PERSISTENT_FIVE, 5, 32, 4, 0), way(SW_GPU_PERSISTENT_FIVE, 2, 64, 7, 0),
           way(SW_GPU_PERSISTENT_FIVE, 3, 32, 1, 0), way(SW_GPU_PERSISTENT_FOUR, 3, 32, 0, 0)},
          12);
    check(odd, arithmetics[BF16], {way(SW_GPU_PERSISTENT_FIVE, 3, 32, 4, 0)}, 12);
}

/* A ring of a few rows: slices come in many pieces, and wrap around. */
static void reads_weights_in_pieces(void **)
{
    check(
        odd, arithmetics[F32],
        {way(SW_GPU_PERSISTENT_FIVE, 3, 32, 0, 1536), way(SW_GPU_PERSISTENT_FIVE, 3, 32, 0, 2960)},
        3);
    check(odd, arithmetics[W4B32_A16], {way(SW_GPU_PERSISTENT_FIVE, 2, 32, 0, 1088)}, 3);
    check(cut, arithmetics[W8C_A8B64], {way(SW_GPU_PERSISTENT_FOUR, 3, 32, 0, 1872)}, 3);
}

static void any_order_of_threads_gives_the_same(void **)
{
    std::vector<sw_gpu_persistent_options> ways;
    for (int i = 0; i < 4; i++) {
        ways.push_back(way(i % 2 == 0 ? SW_GPU_PERSISTENT_FIVE : SW_GPU_PERSISTENT_FOUR, 4, 32,
                           i % 2 == 0 ? 3 : 0, 4096));
        ways.back().head_layers = static_cast<uint32_t>(i);
        ways.back().n_copies = static_cast<uint32_t>(i + 1);
    }
    check(grouped, arithmetics[F32], ways, 5);
}

/* One model with its answer by steps, for what is asked of an answer. */
struct answered {
    model by_steps, at_once;
    answer expected;
};
enum : uint32_t { N_ANSWERED = 9 };

static void answered_open(answered &out)
{
    model_open(out.by_steps, grouped, arithmetics[F32]);
    model_open(out.at_once, grouped, arithmetics[F32]);
    prefill(out.by_steps, 0);
    prefill(out.by_steps, 1);
    prefill_as(out.at_once, out.by_steps);
    out.expected = decode_by_steps(out.by_steps, prompt[N_PROMPT - 1], N_PROMPT - 1, 1, N_ANSWERED);
    assert_int_equal(out.expected.ids.size(), N_ANSWERED);
}

static void answered_close(answered &a)
{
    model_close(a.by_steps);
    model_close(a.at_once);
}

static answer first_of(const answer &a, size_t n)
{
    answer out = a;
    out.ids.resize(n);
    out.logprobs.resize(n);
    return out;
}

static void ends_where_it_is_to_end(void **)
{
    answered a;
    answered_open(a);
    sw_gpu_persistent *p = persistent_open(a.at_once, way(SW_GPU_PERSISTENT_FIVE, 3, 32, 0, 0));
    const int32_t id = prompt[N_PROMPT - 1];
    /* The first time that an id comes which has not come before, from the third on. */
    size_t stop = 2;
    while (std::count(a.expected.ids.begin(), a.expected.ids.begin() + (long)stop,
                      a.expected.ids[stop]) != 0)
        stop++;
    assert_in_range(stop, 2, N_ANSWERED - 2);
    compare(
        decode_at_once(p, {id, N_PROMPT - 1, 1, N_ANSWERED, {-5, a.expected.ids[stop]}, 0, true}),
        first_of(a.expected, stop + 1), "stop id");
    compare(decode_at_once(p, {id, N_PROMPT - 1, 1, N_ANSWERED, {}, 4, true}),
            first_of(a.expected, 4), "on_id");
    compare(decode_at_once(p, {id, N_PROMPT - 1, 1, 1, {}, 0, false}), first_of(a.expected, 1),
            "one id");

    /* The host's word, which is there from the start here: the token under way is the last one. */
    sw_persistent_launch launch = p->launch;
    const uint32_t *stop_word = p->launch.stop;
    launch.id = id;
    launch.position = N_PROMPT - 1;
    launch.sequence = 1;
    launch.max_ids = N_ANSWERED;
    launch.stretch = 64;
    *const_cast<uint32_t *>(stop_word) = 1;
    p->launch.epoch += N_ANSWERED * grouped.n_layers;
    GPU_OK(sw_launch(p->kernel, p->n_blocks, p->n_threads, launch.memory.total, nullptr,
                     SW_LAUNCH_COOPERATIVE, launch));
    uint32_t numbers[SW_TOLD_WORDS];
    assert_true(sw_persistent_heard(p, 0, launch.epoch, numbers));
    assert_int_equal(numbers[0], a.expected.ids[0]);
    assert_false(sw_persistent_heard(p, 1, launch.epoch + grouped.n_layers, numbers));
    sw_gpu_persistent_destroy(p);
    answered_close(a);
}

/* Answer behind answer, in both sequences, on the same buffers; epochs reach their end in between.
 */
static void answers_follow_each_other(void **)
{
    answered a;
    answered_open(a);
    const answer in_first =
        decode_by_steps(a.by_steps, prompt[N_PROMPT - 1], N_PROMPT - 1, 0, N_ANSWERED);
    const uint32_t n_layers = grouped.n_layers;
    for (int variant : {SW_GPU_PERSISTENT_FIVE, SW_GPU_PERSISTENT_FOUR}) {
        sw_gpu_persistent *p =
            persistent_open(a.at_once, way((sw_gpu_persistent_variant)variant, 3, 32, 0, 0));
        /* In two parts: the second one begins with what the first one ended with. */
        compare(decode_at_once(p, {prompt[N_PROMPT - 1], N_PROMPT - 1, 1, 4, {}, 0, true}),
                first_of(a.expected, 4), "first part");
        answer rest =
            decode_at_once(p, {a.expected.ids[3], N_PROMPT + 3, 1, N_ANSWERED - 4, {}, 0, false});
        for (size_t i = 0; i < rest.ids.size(); i++)
            assert_int_equal(rest.ids[i], a.expected.ids[4 + i]);
        assert_int_equal(p->launch.epoch, 1 + N_ANSWERED * n_layers);

        /* The last epochs that there are, then none are left. */
        p->launch.epoch = UINT32_MAX - N_ANSWERED * n_layers;
        compare(decode_at_once(p, {prompt[N_PROMPT - 1], N_PROMPT - 1, 0, N_ANSWERED, {}, 0, true}),
                in_first, "the last epochs");
        assert_int_equal(p->launch.epoch, UINT32_MAX);
        compare(decode_at_once(p, {prompt[N_PROMPT - 1], N_PROMPT - 1, 1, N_ANSWERED, {}, 0, true}),
                a.expected, "epochs begin anew");
        assert_int_equal(p->launch.epoch, 1 + N_ANSWERED * n_layers);
        sw_gpu_persistent_destroy(p);
    }
    answered_close(a);
}

/* A row that nobody computes: the others give up, say so, and the next answer is right. */
static void gives_up_in_the_end(void **)
{
    answered a;
    answered_open(a);
    sw_gpu_persistent_options options = way(SW_GPU_PERSISTENT_FIVE, 3, 32, 0, 0);
    options.patience_ns = 1000000;
    sw_gpu_persistent *p = persistent_open(a.at_once, options);
    int32_t ids[N_ANSWERED];
    uint64_t stamps[N_ANSWERED];
    sw_backend_answer answer = {};
    answer.id = prompt[N_PROMPT - 1];
    answer.position = N_PROMPT - 1;
    answer.sequence = 1;
    answer.max_ids = N_ANSWERED;
    answer.ids = ids;
    answer.stamps_ns = stamps;
    cudaError_t error;
    p->launch.shapes[SW_PART_O].n_rows--;
    const char *failed = sw_gpu_persistent_decode(p, nullptr, 0, &answer, &error);
    assert_non_null(failed);
    assert_string_equal(failed, "blocks of the kernel waited for each other in vain");
    assert_int_equal(error, cudaSuccess);
    p->launch.shapes[SW_PART_O].n_rows++;
    compare(decode_at_once(p, {prompt[N_PROMPT - 1], N_PROMPT - 1, 1, N_ANSWERED, {}, 0, true}),
            a.expected, "behind a failure");
    sw_gpu_persistent_destroy(p);
    answered_close(a);
}

/* Logits that are no numbers, or all the same. */
static void chooses_as_the_sampler_does(void **)
{
    model by_steps, at_once;
    model_open(by_steps, grouped, arithmetics[F32]);
    model_open(at_once, grouped, arithmetics[F32]);
    const size_t n = static_cast<size_t>(grouped.vocab_size) * grouped.dim;
    float *head[2] = {static_cast<float *>(const_cast<void *>(by_steps.m.head.rows)),
                      static_cast<float *>(const_cast<void *>(at_once.m.head.rows))};
    sw_gpu_persistent *p = persistent_open(at_once, way(SW_GPU_PERSISTENT_FIVE, 3, 64, 0, 0));
    const std::vector<float> before = memory_get(head[0], n);
    for (int i = 0; i < 4; i++) {
        std::vector<float> rows = before;
        for (size_t k = 0; k < n; k++) {
            const size_t row = k / grouped.dim;
            if (i == 0) /* all equal: the lowest id */
                rows[k] = 0.0f;
            else if (i == 1) /* none is a number */
                rows[k] = NAN;
            else if (i == 2 && row % 3 != 1) /* few are */
                rows[k] = NAN;
            else if (i == 3) /* ties across blocks */
                rows[k] = before[k % (7 * grouped.dim)];
        }
        for (float *to : head)
            GPU_OK(cudaMemcpy(to, rows.data(), n * sizeof(float), cudaMemcpyHostToDevice));
        const answer expected = decode_by_steps(by_steps, 3, 0, 0, 3);
        const answer got = decode_at_once(p, {3, 0, 0, 3, {}, 0, true});
        assert_int_equal(got.ids.size(), expected.ids.size());
        for (size_t k = 0; k < got.ids.size(); k++) {
            assert_int_equal(got.ids[k], expected.ids[k]);
            if (i == 1 || i == 2)
                assert_true(isnan(got.logprobs[k]));
            else
                assert_true(fabs(got.logprobs[k] - expected.logprobs[k]) < 1e-4);
        }
        if (i == 0)
            assert_int_equal(got.ids[0], 0);
        if (i == 1)
            assert_int_equal(got.ids[0], -1);
    }
    sw_gpu_persistent_destroy(p);
    model_close(by_steps);
    model_close(at_once);
}

static const char *refusal(const model &of, const sw_gpu_persistent_options &options, size_t shared)
{
    const char *reason = sw_gpu_persistent_can(&of.m, 90, N_SMS, shared, &options);
    sw_gpu_persistent *p = nullptr;
    cudaError_t error;
    const char *failed = sw_gpu_persistent_create(&p, &of.m, 90, N_SMS, shared, &options, &error);
    if (reason == nullptr) {
        assert_null(failed);
        sw_gpu_persistent_destroy(p);
        return "";
    }
    assert_non_null(failed);
    assert_string_equal(failed, reason);
    assert_null(p);
    return reason;
}

static void refuses_what_it_cannot_do(void **)
{
    const sw_gpu_persistent_options five = way(SW_GPU_PERSISTENT_FIVE, 0, 0, 0, 0);
    const sw_gpu_persistent_options four = way(SW_GPU_PERSISTENT_FOUR, 0, 0, 0, 0);
    model of;
    model_open(of, odd, arithmetics[LLM_INT8]);
    assert_string_equal(refusal(of, five, SHARED), "");
    assert_non_null(strstr(refusal(of, four, SHARED), "LLM.int8()"));
    assert_non_null(strstr(refusal(of, five, 1024), "activations"));
    assert_non_null(strstr(refusal(of, way(SW_GPU_PERSISTENT_FIVE, 0, 0, 0, 256), SHARED), "rows"));
    assert_non_null(
        strstr(refusal(of, way(SW_GPU_PERSISTENT_FIVE, 0, 33, 0, 0), SHARED), "threads"));
    assert_non_null(
        strstr(refusal(of, way(SW_GPU_PERSISTENT_FIVE, 0, 2048, 0, 0), SHARED), "threads"));
    of.m.cache_form = SW_GPU_BF16;
    assert_non_null(strstr(refusal(of, five, SHARED), "arithmetic"));
    model_close(of);
    model_open(of, odd, arithmetics[F32]);
    assert_non_null(strstr(refusal(of, four, SHARED), "chunks"));
    model_close(of);
    model_open(of, cut, arithmetics[FP4_A32]);
    assert_non_null(strstr(refusal(of, four, SHARED), "scales"));
    assert_non_null(
        strstr(refusal(of, way(SW_GPU_PERSISTENT_FOUR, 1, 0, 0, 0), SHARED), "KV head"));
    model_close(of);
}

static void reads_options(void **)
{
    sw_gpu_persistent_options o;
    assert_null(sw_gpu_persistent_options_read(&o, nullptr));
    assert_int_equal(o.variant, SW_GPU_PERSISTENT_BEST);
    assert_null(sw_gpu_persistent_options_read(
        &o, "variant=four,blocks=7,threads=96,ring=4096,stretch=5,head=3,copies=4,patience_ms=20"));
    assert_int_equal(o.variant, SW_GPU_PERSISTENT_FOUR);
    assert_int_equal(o.n_blocks, 7);
    assert_int_equal(o.n_threads, 96);
    assert_int_equal(o.ring_bytes, 4096);
    assert_int_equal(o.stretch, 5);
    assert_int_equal(o.head_layers, 3);
    assert_int_equal(o.n_copies, 4);
    assert_int_equal(o.patience_ns, 20000000);
    for (const char *wrong : {"variant=six", "blocks=", "blocks=-1", "blocks=1x", "threads",
                              "ring=1 ", "head=99999999999"})
        assert_non_null(sw_gpu_persistent_options_read(&o, wrong));
}

/* Every allocation and every call that can fail leaves nothing behind. */
static void fails_without_leaks(void **)
{
    model of;
    model_open(of, alone, arithmetics[F32]);
    const uint32_t n_before = sw_emulated_n_allocations();
    for (uint32_t n = 1; n <= 2; n++) {
        sw_gpu_persistent *p = nullptr;
        cudaError_t error;
        sw_emulated_fail_allocation(n);
        const char *failed =
            sw_gpu_persistent_create(&p, &of.m, 90, N_SMS, SHARED, nullptr, &error);
        sw_emulated_fail_allocation(0);
        assert_non_null(failed);
        assert_int_equal(error, cudaErrorMemoryAllocation);
        assert_null(p);
        assert_int_equal(sw_emulated_n_allocations(), n_before);
    }
    sw_gpu_persistent_destroy(nullptr);
    model_close(of);
}

int main(void)
{
    sw_emulated_sms(N_SMS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_any_arithmetic),
        cmocka_unit_test(decodes_any_shape_with_any_blocks),
        cmocka_unit_test(decodes_with_four_exchanges),
        cmocka_unit_test(attends_to_many_stretches),
        cmocka_unit_test(reads_weights_in_pieces),
        cmocka_unit_test(any_order_of_threads_gives_the_same),
        cmocka_unit_test(ends_where_it_is_to_end),
        cmocka_unit_test(answers_follow_each_other),
        cmocka_unit_test(gives_up_in_the_end),
        cmocka_unit_test(chooses_as_the_sampler_does),
        cmocka_unit_test(refuses_what_it_cannot_do),
        cmocka_unit_test(reads_options),
        cmocka_unit_test(fails_without_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
