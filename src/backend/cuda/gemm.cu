/*
 * The kernels of products of many tokens (gemm.cuh).
 *
 * First the input's rows come into the matrix's form, in global memory (many.cuh): through a small
 * kernel, norm included, or left so by the kernel in front. Then one of two kernels multiplies.
 *
 * On tensor cores (sw_many_kernel). A product of 16 tokens x 8 rows takes fragments in which four
 * threads share a row. Which columns of a plane they hold is free as long as both sides agree, so
 * each takes 16 neighbouring bytes: a warp's load covers 8 rows x 64 bytes, whole sectors, and
 * comes as it is needed; two steps of the tensor core use it up. Warps share the columns of a tile
 * (plane p belongs to warp p % n), so no number is needed by two of them where a tile has one row
 * of warps, and nothing is staged: for the shapes at hand (9 to 24 planes of bf16) all of a warp's
 * loads are under way within two rounds, and the only barrier is the one before the warps' sums are
 * added, in the order of the warps. Wide tiles (the vocabulary, a prompt) have several warps side
 * by side and fewer along the columns.
 *
 * In fp32 (sw_many_f32_kernel): tiles in shared memory, 8 x 4 or 4 x 2 sums a thread, each one
 * chain of fmaf in the order of the columns, whatever the tile.
 *
 *     pair of matrix and input    a product                                   and then
 *     BF16 x BF16, F16 x F16      tensor core, fp32 sums                      + bias
 *     F32 x F32 with tf32         both rounded to tf32, likewise              + bias
 *     S4 x F16                    tensor core over a group of 32 (nibble - 8  + bias
 *                                 is exact in f16), then times its scale
 *     S8 x F16                    tensor core (s8 is exact in f16)            * scale + bias
 *     S8 x S8B64                  exact over a block of 64, then fmaf of      * scale + bias
 *                                 blocks in their order: bit for bit what
 *                                 product.cuh and base_cpu compute
 *     S8 x LLM8                   exact over the row; outliers in order of    formats.h
 *                                 the columns
 *     F32, BF16, FP4 x F32        one chain of fmaf over the columns          + bias
 *
 * A token's results do not depend on the other tokens' numbers. The order of sums on tensor cores
 * depends on how many warps share the columns, which sw_many_shape_of chooses by n_tokens and the
 * matrix's shape: the same token in batches of different size may differ in the last bits, and does
 * from product.cuh's; not for S8 x S8B64 and the fp32 chains.
 */
#include "backend/cuda/gemm.cuh"

#include "backend/cuda/cache.cuh"
#include "backend/cuda/device.h"
#include "backend/cuda/input.cuh"
#include "backend/cuda/product.cuh"
#include "backend/cuda/silu.cuh"

enum : uint32_t {
    SW_MANY_THREADS = 256,
    SW_MANY_F32_THREADS = 128,
    SW_MANY_PREPARE_THREADS = 128,
};

SW_DEVICE uint32_t sw_many_count(uint32_t bits)
{
    bits -= bits >> 1 & 0x55555555u;
    bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
    return ((bits + (bits >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24;
}

/* One quad of a prepared row's numbers; zeros behind the last column, also of a row without
 * numbers. */
SW_DEVICE void sw_many_quad(float (&v)[4], const sw_input_source &source, const float *row,
                            uint32_t quad, uint32_t n_cols, float norm_scale)
{
    sw_quad_load(v, row, quad, n_cols);
    if (source.weight != nullptr) {
        float weight[4];
        sw_quad_load(weight, source.weight, quad, n_cols);
        for (uint32_t i = 0; i < 4; i++)
            v[i] = 4 * quad + i < n_cols ? v[i] * norm_scale * weight[i] : 0;
    }
    if (source.rounds_to_f16) {
        for (int i = 0; i < 4; i++)
            v[i] = sw_round_f16(v[i]);
    }
}

/* A row by each warp; no barrier. */
template <sw_gpu_input INPUT>
static SW_KERNEL(SW_MANY_PREPARE_THREADS) void sw_many_prepare_kernel(
    sw_input_source source, sw_many_rows out, uint32_t n_cols, uint32_t n_tokens, bool use_tf32)
{
    const uint32_t lane = threadIdx.x % SW_WARP;
    const uint32_t t = blockIdx.x * (SW_MANY_PREPARE_THREADS / SW_WARP) + threadIdx.x / SW_WARP;
    constexpr uint32_t width = INPUT == SW_GPU_IN_F32                              ? 4
                               : INPUT == SW_GPU_IN_BF16 || INPUT == SW_GPU_IN_F16 ? 2
                                                                                   : 1;
    sw_dependents_launch();
    sw_dependency_wait();
    if (t >= n_tokens)
        return;
    const float *row = source.x + (size_t)(source.rows != nullptr ? source.rows[t] : t) * n_cols;
    uint8_t *to = out.rows + (size_t)t * out.row_bytes;
    const uint32_t n_quads = out.row_bytes / (4 * width);
    float norm_scale = source.weight != nullptr ? sw_norm_scale(row, n_cols, source.eps) : 1;

    float llm8_inverse = 0;
    uint32_t n_outliers = 0;
    if constexpr (INPUT == SW_GPU_IN_LLM8) {
        float largest = 0;
        for (uint32_t quad = lane; quad < n_quads; quad += SW_WARP) {
            float v[4];
            sw_many_quad(v, source, row, quad, n_cols, norm_scale);
            for (int i = 0; i < 4; i++) {
                float size = fabsf(sw_round_f16(v[i]));
                largest = fmaxf(largest, size < SW_GPU_OUTLIER ? size : 0.0f);
            }
        }
        largest = sw_warp_max(largest);
        llm8_inverse = largest > 0 ? 127.0f / largest : 0.0f;
        if (lane == 0)
            out.scales[t] = largest;
    }

    /* The warp stays together: all lanes go round as often. */
    for (uint32_t first = 0; first < n_quads; first += SW_WARP) {
        const uint32_t quad = first + lane;
        const bool is_there = quad < n_quads;
        float v[4];
        sw_many_quad(v, source, row, quad, n_cols, norm_scale);
        if constexpr (INPUT == SW_GPU_IN_F32) {
            sw_chunk chunk;
            for (int i = 0; i < 4; i++)
                chunk.w[i] = use_tf32 ? sw_many_tf32(sw_as_bits(v[i])) : sw_as_bits(v[i]);
            if (is_there)
                reinterpret_cast<sw_chunk *>(to)[quad] = chunk;
        } else if constexpr (INPUT == SW_GPU_IN_BF16 || INPUT == SW_GPU_IN_F16) {
            uint16_t halves[4];
            for (int i = 0; i < 4; i++)
                halves[i] = INPUT == SW_GPU_IN_BF16 ? sw_to_bf16(v[i]) : sw_to_f16(v[i]);
            uint64_t word = (uint64_t)sw_two_halves(halves[2], halves[3]) << 32 |
                            sw_two_halves(halves[0], halves[1]);
            if (is_there)
                reinterpret_cast<uint64_t *>(to)[quad] = word;
        } else if constexpr (INPUT == SW_GPU_IN_S8B64) {
            /* As sw_input_store: a block is 16 lanes. */
            float largest = fmaxf(fmaxf(fabsf(v[0]), fabsf(v[1])), fmaxf(fabsf(v[2]), fabsf(v[3])));
            largest = sw_lanes_largest(largest, 16);
            const bool is_zero = !(largest > SW_GPU_S8_LEAST);
            const float inverse = is_zero ? 0.0f : 127.0f / largest;
            float check = 0;
            uint32_t bytes = 0;
            for (int i = 0; i < 4; i++) {
                float x = v[i] * inverse;
                bytes |= sw_byte_of(x) << 8 * i;
                check += x;
            }
            const bool is_bad =
                (sw_ballot(!(fabsf(check) < INFINITY)) >> lane / 16 * 16 & 0xffff) != 0;
            if (is_there) {
                reinterpret_cast<uint32_t *>(to)[quad] = bytes;
                if (lane % 16 == 0)
                    out.scales[(size_t)t * out.n_scales + quad / 16] = is_bad    ? NAN
                                                                       : is_zero ? 0.0f
                                                                                 : largest / 127.0f;
            }
        } else {
            uint32_t bytes = 0, before = n_outliers, own = 0;
            uint16_t halves[4];
            for (int i = 0; i < 4; i++) {
                halves[i] = sw_to_f16(v[i]);
                const float x = sw_from_f16(halves[i]);
                const bool is_outlier = is_there && !(fabsf(x) < SW_GPU_OUTLIER);
                const uint32_t all = sw_ballot(is_outlier);
                before += sw_many_count(all & ((1u << lane) - 1));
                n_outliers += sw_many_count(all);
                own |= (uint32_t)is_outlier << i;
                bytes |= (is_outlier ? 0 : sw_byte_of(x * llm8_inverse)) << 8 * i;
            }
            if (is_there)
                reinterpret_cast<uint32_t *>(to)[quad] = bytes;
            for (uint32_t i = 0; i < 4; i++) {
                if (own >> i & 1)
                    out.outliers[(size_t)t * out.most_outliers + before++] = {4 * quad + i,
                                                                              halves[i]};
            }
        }
    }
    if (INPUT == SW_GPU_IN_LLM8 && lane == 0)
        out.n_outliers[t] = n_outliers;
}

/*
 * The order in which tiles take the matrix's rows: as they are, but of a query or key head the two
 * rows that the rotation mixes side by side, so that one thread has both. Rows v and v + 1, v even,
 * belong together everywhere.
 */
SW_DEVICE uint32_t sw_many_row(const sw_gpu_model &m, sw_many_end end, uint32_t v)
{
    if (end != SW_MANY_QKV || v >= (m.n_heads + m.n_kv_heads) * m.head_dim)
        return v;
    const uint32_t in_head = v % m.head_dim;
    return v - in_head + in_head / 2 + in_head % 2 * (m.head_dim / 2);
}

SW_DEVICE float sw_many_round(const sw_gpu_model &m, float x)
{
    return m.rounds_to_f16 ? sw_round_f16(x) : x;
}

/* Tile rows v (even) and v + 1, which a thread finishes for several tokens: what is the same for
 * all of them. */
struct sw_many_two {
    uint32_t v, n; /* n: 2, or fewer behind the last row */
    uint32_t row[2];
    sw_row_facts facts[2];
    uint32_t head, column; /* QKV: of v */
};

template <sw_gpu_form FORM>
SW_DEVICE sw_many_two sw_many_two_of(const sw_gpu_model &m, const sw_many_job &job, uint32_t v)
{
    sw_many_two two = {};
    two.v = v;
    two.n = v + 1 < job.matrix.n_rows ? 2 : v < job.matrix.n_rows ? 1 : 0;
    for (uint32_t i = 0; i < 2; i++) {
        if (i < two.n) {
            two.row[i] = sw_many_row(m, job.end, v + i);
            two.facts[i] = sw_row_facts_load<FORM>(job.matrix, two.row[i]);
        }
    }
    if (job.end == SW_MANY_QKV) {
        two.head = v / m.head_dim;
        two.column = v % m.head_dim;
    }
    return two;
}

/* What a thread needs of global memory besides, asked for early. */
struct sw_many_extra {
    float x[2]; /* RESIDUAL: what is there; QKV: cosine, sine */
    uint32_t position, sequence;
};

SW_DEVICE sw_many_extra sw_many_ahead(const sw_gpu_model &m, const sw_many_job &job, uint32_t t,
                                      const sw_many_two &two)
{
    sw_many_extra e = {};
    if (job.end == SW_MANY_RESIDUAL) {
        for (uint32_t i = 0; i < 2; i++) {
            if (i < two.n)
                e.x[i] = m.x[(size_t)t * m.dim + two.v + i];
        }
    } else if (job.end == SW_MANY_QKV) {
        e.position = m.tokens[t].position;
        e.sequence = m.tokens[t].sequence;
        if (two.head < m.n_heads + m.n_kv_heads) {
            const size_t at = (size_t)e.position * (m.head_dim / 2) + two.column / 2;
            e.x[0] = m.cosines[at];
            e.x[1] = m.sines[at];
        }
    }
    return e;
}

/* Their products y with token t, finished but for what they are for. */
SW_DEVICE void sw_many_store(const sw_gpu_model &m, const sw_many_job &job, uint32_t t,
                             const sw_many_two &two, const float (&y)[2], const sw_many_extra &e)
{
    if (job.end == SW_MANY_QKV) {
        const uint32_t half = m.head_dim / 2;
        const bool is_rotated = two.head < m.n_heads + m.n_kv_heads;
        const uint32_t column = is_rotated ? two.column / 2 : two.column;
        const uint32_t step = is_rotated ? half : 1; /* from the first row to the second */
        float z[2] = {y[0], y[1]};
        if (is_rotated) {
            z[0] = y[0] * e.x[0] - y[1] * e.x[1];
            z[1] = y[1] * e.x[0] + y[0] * e.x[1];
        }
        if (two.head < m.n_heads) {
            float *q = m.q + ((size_t)t * m.n_heads + two.head) * m.head_dim + column;
            q[0] = z[0];
            q[step] = z[1];
            return;
        }
        const uint32_t kv_head = two.head - m.n_heads - (is_rotated ? 0 : m.n_kv_heads);
        const size_t head =
            ((size_t)job.layer * m.n_sequences + e.sequence) * m.n_kv_heads + kv_head;
        const size_t at = (head * m.max_positions + e.position) * m.head_dim + column;
        void *cache = is_rotated ? m.keys : m.values;
        for (uint32_t i = 0; i < 2; i++)
            sw_cache_put(cache, at + i * step, z[i], m.cache_form);
    } else if (job.end == SW_MANY_GATE_UP) {
        const float x = sw_many_round(m, sw_silu_times(y[0], y[1]));
        if (job.left.rows != nullptr)
            sw_many_put(job.left, t, two.v / 2, x);
        else
            m.hidden[(size_t)t * m.hidden_dim + two.v / 2] = x;
    } else {
        float *to = job.end == SW_MANY_LOGITS ? m.logits + (size_t)t * m.vocab_size
                                              : m.x + (size_t)t * m.dim;
        for (uint32_t i = 0; i < 2; i++) {
            if (i < two.n)
                to[two.v + i] = job.end == SW_MANY_LOGITS ? y[i] : sw_many_round(m, e.x[i] + y[i]);
        }
    }
}

/* A product from its exact or fp32 sum. */
template <sw_gpu_form FORM, sw_gpu_input INPUT, class SUM>
SW_DEVICE float sw_many_finish(const sw_gpu_model &m, const sw_many_job &job, uint32_t t,
                               uint32_t row, const sw_row_facts &facts, SUM sum)
{
    if constexpr (INPUT == SW_GPU_IN_LLM8) {
        float y = fmaf((float)sum * job.in.scales[t] * facts.scale, SW_GPU_LLM8_UNIT, facts.bias);
        y = sw_round_f16(y);
        const uint32_t n = job.in.n_outliers[t];
        if (n == 0)
            return y;
        const sw_many_outlier *outliers = job.in.outliers + (size_t)t * job.in.most_outliers;
        const int8_t *weights =
            static_cast<const int8_t *>(job.matrix.rows) + (size_t)row * job.matrix.row_bytes;
        float apart = 0;
        for (uint32_t i = 0; i < n; i++)
            apart = fmaf(
                sw_from_f16((uint16_t)outliers[i].half),
                sw_round_f16((float)weights[outliers[i].column] * facts.scale * SW_GPU_LLM8_PART),
                apart);
        return sw_round_f16(y + apart);
    } else {
        float y = sum;
        if constexpr (FORM == SW_GPU_S8)
            y *= facts.scale;
        return sw_many_round(m, y + facts.bias);
    }
}

/*
 * The end of a tile whose sums lie in the block's memory, behind a barrier: (n_parts, n_tokens,
 * line), added in order. A thread has two rows, and one token in so many, two at a time: code that
 * were unrolled for all of them would take longer to arrive than to run.
 */
template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE void sw_many_finish_tile(const sw_gpu_model &m, const sw_many_job &job,
                                   uint32_t first_token, uint32_t n_tokens, uint32_t first_row,
                                   uint32_t n_rows, uint32_t n_parts, uint32_t line)
{
    const uint32_t own_v = threadIdx.x % (n_rows / 2) * 2;
    const uint32_t step = blockDim.x / (n_rows / 2);
    const sw_many_two two = sw_many_two_of<FORM>(m, job, first_row + own_v);
    const uint32_t left = job.n_tokens - first_token;
    const uint32_t end = two.n == 0 ? 0 : left < n_tokens ? left : n_tokens;
    sw_shared<float> sums = sw_shared_take<float>(0);
    sw_shared<int32_t> exact_sums = sw_shared_take<int32_t>(0);
    SW_NO_UNROLL
    for (uint32_t token = threadIdx.x / (n_rows / 2); token < end; token += 2 * step) {
        sw_many_extra extras[2];
        SW_UNROLL
        for (uint32_t i = 0; i < 2; i++) {
            const uint32_t of = token + i * step;
            extras[i] = sw_many_ahead(m, job, first_token + (of < end ? of : token), two);
        }
        SW_UNROLL
        for (uint32_t i = 0; i < 2; i++) {
            const uint32_t of = token + i * step, t = first_token + of;
            if (of >= end)
                continue;
            float y[2];
            SW_UNROLL
            for (uint32_t j = 0; j < 2; j++) {
                if constexpr (INPUT == SW_GPU_IN_LLM8) {
                    int32_t sum = 0;
                    for (uint32_t p = 0; p < n_parts; p++)
                        sum += exact_sums[(p * n_tokens + of) * line + own_v + j];
                    y[j] = sw_many_finish<FORM, INPUT>(m, job, t, two.row[j], two.facts[j], sum);
                } else {
                    float sum = 0;
                    for (uint32_t p = 0; p < n_parts; p++)
                        sum += sums[(p * n_tokens + of) * line + own_v + j];
                    y[j] = sw_many_finish<FORM, INPUT>(m, job, t, two.row[j], two.facts[j], sum);
                }
            }
            sw_many_store(m, job, t, two, y, extras[i]);
        }
    }
}

/* Half by half, two f16 numbers minus two others. */
SW_DEVICE uint32_t sw_many_minus(uint32_t a, uint32_t b)
{
#ifdef SW_EMULATED
    return sw_two_halves(
        sw_to_f16(sw_from_f16((uint16_t)a) - sw_from_f16((uint16_t)b)),
        sw_to_f16(sw_from_f16((uint16_t)(a >> 16)) - sw_from_f16((uint16_t)(b >> 16))));
#else
    uint32_t c;
    asm("sub.f16x2 %0, %1, %2;" : "=r"(c) : "r"(a), "r"(b));
    return c;
#endif
}

/* Bytes 0 and 1 of u as f16 numbers, minus the one in both halves of `minus`: an f16 of 0x6400 | u
 * is 1024 + u. */
SW_DEVICE uint32_t sw_many_halves(uint32_t u, uint32_t minus)
{
    return sw_many_minus((u & 0xff) | (u & 0xff00) << 8 | 0x64006400u, minus);
}

/* A thread's part of a plane of one row: what it takes of a token's, 16 bytes, and of weights. */
template <sw_gpu_form FORM, sw_gpu_input INPUT> struct sw_many_weights {
    static constexpr bool is_s8_in_f16 = FORM == SW_GPU_S8 && INPUT == SW_GPU_IN_F16;
    static constexpr bool is_short = FORM == SW_GPU_S4 || is_s8_in_f16;
    /* Bytes of a row's weights that meet a plane. */
    static constexpr uint32_t plane = FORM == SW_GPU_S4 ? 16 : is_s8_in_f16 ? 32 : 64;
    uint32_t w[is_short ? 2 : 4];
};

struct alignas(8) sw_many_pair {
    uint32_t w[2];
};

template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE void sw_many_load(sw_many_weights<FORM, INPUT> &out, const sw_gpu_matrix &matrix,
                            const uint8_t *row, uint32_t plane, uint32_t quarter)
{
    using weights = sw_many_weights<FORM, INPUT>;
    if constexpr (weights::is_short) {
        const uint32_t at =
            plane * weights::plane + (FORM == SW_GPU_S4 ? quarter % 2 : quarter) * 8;
        sw_many_pair two = {};
        if (at < matrix.row_bytes)
            two = *reinterpret_cast<const sw_many_pair *>(row + at);
        out.w[0] = two.w[0];
        out.w[1] = two.w[1];
    } else {
        const uint32_t at = plane * weights::plane + quarter * 16;
        sw_chunk chunk = {};
        if (at < matrix.row_bytes)
            chunk = sw_load_weights(row + at);
        for (int i = 0; i < 4; i++)
            out.w[i] = chunk.w[i];
    }
}

/* What the tensor core takes of them: words 0, 1 in its first step, 2, 3 in its second. */
template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE void sw_many_widen(uint32_t (&out)[4], const sw_many_weights<FORM, INPUT> &in,
                             uint32_t quarter)
{
    using weights = sw_many_weights<FORM, INPUT>;
    if constexpr (FORM == SW_GPU_S4) {
        for (int i = 0; i < 2; i++) {
            const uint32_t codes = in.w[i] >> quarter / 2 * 4 & 0x0f0f0f0fu;
            out[2 * i] = sw_many_halves(codes, 0x64086408u);
            out[2 * i + 1] = sw_many_halves(codes >> 16, 0x64086408u);
        }
    } else if constexpr (weights::is_s8_in_f16) {
        for (int i = 0; i < 2; i++) {
            const uint32_t above = in.w[i] ^ 0x80808080u;
            out[2 * i] = sw_many_halves(above, 0x64806480u);
            out[2 * i + 1] = sw_many_halves(above >> 16, 0x64806480u);
        }
    } else {
        for (int i = 0; i < 4; i++)
            out[i] = FORM == SW_GPU_F32 ? sw_many_tf32(in.w[i]) : in.w[i];
    }
}

template <sw_gpu_input INPUT> struct sw_many_tile {
    using type = sw_tile_f32;
};
template <> struct sw_many_tile<SW_GPU_IN_S8B64> {
    using type = sw_tile_s32;
};
template <> struct sw_many_tile<SW_GPU_IN_LLM8> {
    using type = sw_tile_s32;
};

template <sw_gpu_input INPUT>
SW_DEVICE void sw_many_mma(typename sw_many_tile<INPUT>::type &c, const uint32_t (&a)[4],
                           const uint32_t (&b)[2])
{
    if constexpr (INPUT == SW_GPU_IN_F32)
        sw_mma_tf32(c, a, b);
    else if constexpr (INPUT == SW_GPU_IN_BF16)
        sw_mma_bf16(c, a, b);
    else if constexpr (INPUT == SW_GPU_IN_F16)
        sw_mma_f16(c, a, b);
    else
        sw_mma_s8(c, a, b);
}

/* Two blocks of an SM: while one's loads are under way, the other multiplies; and 144 tiles go into
 * 132 SMs at once. */
#ifdef SW_EMULATED
#define SW_MANY_KERNEL SW_KERNEL(SW_MANY_THREADS)
#else
#define SW_MANY_KERNEL __global__ __launch_bounds__(SW_MANY_THREADS, 2)
#endif

/*
 * A tile of 16 MT tokens x 8 NT n_row_warps rows a block. Shared memory: the warps' sums (warps
 * along the columns, tokens, rows + 8), 4 bytes each; 8 more in a line, so that the eight tokens of
 * a fragment are in different banks.
 */
template <sw_gpu_form FORM, sw_gpu_input INPUT, int MT, int NT>
static SW_MANY_KERNEL void sw_many_kernel(sw_gpu_model m, sw_many_job job)
{
    using weights = sw_many_weights<FORM, INPUT>;
    using tile = typename sw_many_tile<INPUT>::type;
    constexpr bool is_blocked = INPUT == SW_GPU_IN_S8B64;
    constexpr uint32_t TOKENS = 16 * MT;
    /* Sums that a thread adds up in the end, in pairs; at most 4 warps side by side. */
    constexpr int MOST_PAIRS = MT * NT;
    const uint32_t lane = threadIdx.x % SW_WARP, warp = threadIdx.x / SW_WARP;
    const uint32_t group = lane / 4, quarter = lane % 4;
    const uint32_t n_column_warps = blockDim.x / SW_WARP / job.n_row_warps;
    const uint32_t row_warp = warp % job.n_row_warps, column_warp = warp / job.n_row_warps;
    const uint32_t n_rows = job.n_row_warps * NT * 8, line = n_rows + 8;
    const uint32_t n_token_tiles = (job.n_tokens + TOKENS - 1) / TOKENS;
    const uint32_t first_token = blockIdx.x % n_token_tiles * TOKENS;
    const uint32_t first_row = blockIdx.x / n_token_tiles * n_rows;
    const uint32_t n_planes = job.in.row_bytes / SW_MANY_PLANE;
    sw_shared<float> sums = sw_shared_take<float>(0);
    sw_shared<int32_t> exact_sums = sw_shared_take<int32_t>(0);

    const uint8_t *rows[NT];
    const uint16_t *group_scales[NT][2];
    const uint32_t n_groups = job.matrix.row_bytes / SW_GPU_CHUNK;
    for (uint32_t n = 0; n < NT; n++) {
        const uint32_t v = first_row + (row_warp * NT + n) * 8;
        uint32_t row = v + group < job.matrix.n_rows ? v + group : job.matrix.n_rows - 1;
        row = sw_many_row(m, job.end, row);
        rows[n] =
            static_cast<const uint8_t *>(job.matrix.rows) + (size_t)row * job.matrix.row_bytes;
        if constexpr (FORM == SW_GPU_S4) {
            for (uint32_t i = 0; i < 2; i++) { /* of the sums that the thread gets */
                row = v + 2 * quarter + i;
                row = row < job.matrix.n_rows ? row : job.matrix.n_rows - 1;
                group_scales[n][i] = static_cast<const uint16_t *>(job.matrix.scales) +
                                     (size_t)sw_many_row(m, job.end, row) * n_groups;
            }
        }
    }
    /* Of the prepared rows, from the tile's first; a tile is far below 4 GiB. */
    const uint8_t *first_rows = job.in.rows + (size_t)first_token * job.in.row_bytes + quarter * 16;
    uint32_t tokens[MT][2];
    for (uint32_t i = 0; i < MT; i++) {
        for (uint32_t h = 0; h < 2; h++) {
            const uint32_t t = 16 * i + 8 * h + group, last = job.n_tokens - 1 - first_token;
            tokens[i][h] = (t < last ? t : last) * job.in.row_bytes;
        }
    }

    weights next[NT];
    uint16_t next_scales[NT][2] = {}; /* S4 */
    auto load_weights = [&](uint32_t plane) {
        for (int n = 0; n < NT; n++) {
            sw_many_load(next[n], job.matrix, rows[n], plane, quarter);
            if constexpr (FORM == SW_GPU_S4) {
                for (int i = 0; i < 2; i++)
                    next_scales[n][i] = group_scales[n][i][plane];
            }
        }
    };
    for (int n = 0; n < NT; n++)
        next[n] = {};
    if (column_warp < n_planes)
        load_weights(column_warp);
    sw_dependents_launch();
    sw_dependency_wait();

    tile total[MT][NT] = {};
    sw_chunk next_tokens[MT][2] = {};
    if (column_warp < n_planes) {
        for (int i = 0; i < MT; i++) {
            for (int h = 0; h < 2; h++)
                next_tokens[i][h] = *reinterpret_cast<const sw_chunk *>(
                    first_rows + tokens[i][h] + column_warp * SW_MANY_PLANE);
        }
    }
    /* is_blocked: sums so far of the thread's two rows and the tokens that it has of the tile. */
    float own[MOST_PAIRS][2] = {};
    const uint32_t own_v = threadIdx.x % (n_rows / 2) * 2;
    const uint32_t own_token = threadIdx.x / (n_rows / 2), token_step = blockDim.x / (n_rows / 2);

    for (uint32_t first = 0; first < n_planes; first += n_column_warps) {
        const uint32_t plane = first + column_warp, plane_after = plane + n_column_warps;
        weights now[NT];
        sw_chunk now_tokens[MT][2];
        uint16_t now_scales[NT][2];
        for (int n = 0; n < NT; n++) {
            now[n] = next[n];
            for (int i = 0; i < 2; i++)
                now_scales[n][i] = next_scales[n][i];
        }
        for (int i = 0; i < MT; i++) {
            for (int h = 0; h < 2; h++)
                now_tokens[i][h] = next_tokens[i][h];
        }
        if (plane_after < n_planes) {
            load_weights(plane_after);
            for (int i = 0; i < MT; i++) {
                for (int h = 0; h < 2; h++)
                    next_tokens[i][h] = *reinterpret_cast<const sw_chunk *>(
                        first_rows + tokens[i][h] + plane_after * SW_MANY_PLANE);
            }
        }
        if (plane < n_planes) {
            for (int n = 0; n < NT; n++) {
                uint32_t b[4];
                sw_many_widen(b, now[n], quarter);
                for (int i = 0; i < MT; i++) {
                    tile of_plane = {};
                    tile &to = FORM == SW_GPU_S4 ? of_plane : total[i][n];
                    for (int s = 0; s < 2; s++) {
                        const uint32_t a[4] = {now_tokens[i][0].w[2 * s], now_tokens[i][1].w[2 * s],
                                               now_tokens[i][0].w[2 * s + 1],
                                               now_tokens[i][1].w[2 * s + 1]};
                        const uint32_t of_step[2] = {b[2 * s], b[2 * s + 1]};
                        sw_many_mma<INPUT>(to, a, of_step);
                    }
                    if constexpr (FORM == SW_GPU_S4) {
                        for (int j = 0; j < 4; j++)
                            total[i][n].v[j] = fmaf(
                                of_plane.v[j], sw_from_f16(now_scales[n][j % 2]), total[i][n].v[j]);
                    }
                }
            }
        }
        if constexpr (is_blocked) {
            /* The planes of this round, in order, to the sums of the tile. */
            for (uint32_t i = 0; i < MT; i++) {
                for (uint32_t n = 0; n < NT; n++) {
                    const uint32_t at = (column_warp * TOKENS + 16 * i + group) * line +
                                        (row_warp * NT + n) * 8 + 2 * quarter;
                    for (uint32_t j = 0; j < 4; j++) {
                        exact_sums[at + j / 2 * 8 * line + j % 2] = total[i][n].v[j];
                        total[i][n].v[j] = 0;
                    }
                }
            }
            sw_sync_block();
            SW_UNROLL
            for (uint32_t i = 0; i < MOST_PAIRS; i++) {
                const uint32_t token = own_token + i * token_step, t = first_token + token;
                if (token >= TOKENS || t >= job.n_tokens)
                    continue;
                for (uint32_t w = 0; w < n_column_warps && first + w < n_planes; w++) {
                    const float scale = job.in.scales[(size_t)t * job.in.n_scales + first + w];
                    for (uint32_t j = 0; j < 2; j++) {
                        const int32_t exact = exact_sums[(w * TOKENS + token) * line + own_v + j];
                        own[i][j] = fmaf((float)exact, scale, own[i][j]);
                    }
                }
            }
            sw_sync_block();
        }
    }

    if constexpr (!is_blocked) {
        for (uint32_t i = 0; i < MT; i++) {
            for (uint32_t n = 0; n < NT; n++) {
                const uint32_t at = (column_warp * TOKENS + 16 * i + group) * line +
                                    (row_warp * NT + n) * 8 + 2 * quarter;
                for (uint32_t j = 0; j < 4; j++) {
                    if constexpr (INPUT == SW_GPU_IN_LLM8)
                        exact_sums[at + j / 2 * 8 * line + j % 2] = total[i][n].v[j];
                    else
                        sums[at + j / 2 * 8 * line + j % 2] = total[i][n].v[j];
                }
            }
        }
    } else {
        SW_UNROLL
        for (uint32_t i = 0; i < MOST_PAIRS; i++) {
            const uint32_t token = own_token + i * token_step;
            if (token >= TOKENS)
                continue;
            for (uint32_t j = 0; j < 2; j++)
                sums[token * line + own_v + j] = own[i][j];
        }
    }
    sw_sync_block();
    sw_many_finish_tile<FORM, INPUT>(m, job, first_token, TOKENS, first_row, n_rows,
                                     is_blocked ? 1 : n_column_warps, line);
}

/* Columns 32 k.. of a tile row as floats in shared memory, from `at` on: chunk c of them. */
template <sw_gpu_form FORM>
SW_DEVICE void sw_many_f32_put(sw_shared<float> to, uint32_t at, const sw_weight_chunk<FORM> &w)
{
    constexpr int size = sw_unit<FORM>::size;
    constexpr int n_units = (int)sw_pair<FORM, SW_GPU_IN_F32>::columns / size;
    for (int u = 0; u < n_units; u++) {
        float f[size];
        sw_unit_widen<FORM>(f, w, u);
        for (int i = 0; i < size; i += 4) {
            sw_chunk chunk;
            for (int j = 0; j < 4; j++)
                chunk.w[j] = sw_as_bits(f[i + j]);
            /* Units of nibbles have columns 4u.. and 16 + 4u.. */
            const uint32_t column = sw_pair<FORM, SW_GPU_IN_F32>::is_nibbles
                                        ? 4 * (uint32_t)u + 4 * (uint32_t)i
                                        : (uint32_t)(u * size + i);
            sw_shared_store16(to, at + column, chunk);
        }
    }
}

/*
 * In fp32: a tile of 8 PM tokens x 16 PN rows a block, PM x PN sums a thread. Both operands lie in
 * shared memory row by row, 32 columns and 4 of padding, so that 16-byte loads of eight
 * neighbouring rows meet no bank twice; even rows of the tile before odd ones, because a thread
 * takes pairs. Two buffers: while one is multiplied, the other fills.
 */
template <sw_gpu_form FORM, int PM, int PN>
static SW_KERNEL(SW_MANY_F32_THREADS) void sw_many_f32_kernel(sw_gpu_model m, sw_many_job job)
{
    constexpr uint32_t COLUMNS = SW_MANY_F32_COLUMNS, LINE = COLUMNS + 4;
    constexpr uint32_t TOKENS = 8 * PM, ROWS = 16 * PN;
    constexpr uint32_t CHUNKS = COLUMNS / sw_pair<FORM, SW_GPU_IN_F32>::columns; /* of a row */
    constexpr uint32_t LOADS = (ROWS * CHUNKS + SW_MANY_F32_THREADS - 1) / SW_MANY_F32_THREADS;
    const uint32_t n_token_tiles = (job.n_tokens + TOKENS - 1) / TOKENS;
    const uint32_t first_token = blockIdx.x % n_token_tiles * TOKENS;
    const uint32_t first_row = blockIdx.x / n_token_tiles * ROWS;
    const uint32_t tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    const uint32_t n_tiles = job.in.row_bytes / (COLUMNS * 4);
    const uint32_t n_chunks = job.matrix.row_bytes / SW_GPU_CHUNK;
    sw_shared<float> memory = sw_shared_take<float>(0); /* 2 x (TOKENS + ROWS, LINE) */

    sw_weight_chunk<FORM> loaded[LOADS];
    auto load_weights = [&](uint32_t k) {
        for (uint32_t i = 0; i < LOADS; i++) {
            const uint32_t which = threadIdx.x + i * SW_MANY_F32_THREADS;
            const uint32_t v = first_row + which / CHUNKS, c = k * CHUNKS + which % CHUNKS;
            loaded[i] = {};
            if (which < ROWS * CHUNKS && v < job.matrix.n_rows && c < n_chunks)
                loaded[i] = sw_weights_load<FORM>(job.matrix, sw_many_row(m, job.end, v), c);
        }
    };
    auto put_weights = [&](uint32_t buffer) {
        for (uint32_t i = 0; i < LOADS; i++) {
            const uint32_t which = threadIdx.x + i * SW_MANY_F32_THREADS;
            const uint32_t row = which / CHUNKS, c = which % CHUNKS;
            const uint32_t line = TOKENS + row % 2 * (ROWS / 2) + row / 2;
            if (which < ROWS * CHUNKS)
                sw_many_f32_put<FORM>(
                    memory, (buffer * (TOKENS + ROWS) + line) * LINE + c * (COLUMNS / CHUNKS),
                    loaded[i]);
        }
    };
    auto copy_tokens = [&](uint32_t k, uint32_t buffer) {
        for (uint32_t i = threadIdx.x; i < TOKENS * (COLUMNS / 4); i += SW_MANY_F32_THREADS) {
            const uint32_t token = i / (COLUMNS / 4), c = i % (COLUMNS / 4);
            uint32_t t = first_token + token;
            t = t < job.n_tokens ? t : job.n_tokens - 1;
            sw_copy16(memory, (buffer * (TOKENS + ROWS) + token) * LINE + 4 * c,
                      job.in.rows + (size_t)t * job.in.row_bytes + (k * COLUMNS + 4 * c) * 4);
        }
        sw_copy_commit();
    };

    load_weights(0);
    sw_dependents_launch();
    sw_dependency_wait();
    copy_tokens(0, 0);
    put_weights(0);
    sw_copy_wait<0>();
    sw_sync_block();

    float sums[PM][PN] = {};
    for (uint32_t k = 0; k < n_tiles; k++) {
        const uint32_t base = k % 2 * (TOKENS + ROWS);
        if (k + 1 < n_tiles) {
            load_weights(k + 1);
            copy_tokens(k + 1, (k + 1) % 2);
        }
        for (uint32_t c = 0; c < COLUMNS; c += 4) {
            sw_chunk a[PM], b[PN];
            for (uint32_t i = 0; i < PM; i++)
                a[i] = sw_shared_load16(memory, (base + ty + 8 * i) * LINE + c);
            for (uint32_t j = 0; j < PN; j++)
                b[j] = sw_shared_load16(
                    memory, (base + TOKENS + j % 2 * (ROWS / 2) + tx + 16 * (j / 2)) * LINE + c);
            for (int e = 0; e < 4; e++) {
                for (int i = 0; i < PM; i++) {
                    for (int j = 0; j < PN; j++)
                        sums[i][j] =
                            fmaf(sw_as_float(a[i].w[e]), sw_as_float(b[j].w[e]), sums[i][j]);
                }
            }
        }
        if (k + 1 < n_tiles) {
            put_weights((k + 1) % 2);
            sw_copy_wait<0>();
        }
        sw_sync_block();
    }

    /* The last tile's barrier is behind: its memory is free. */
    constexpr uint32_t END_LINE = ROWS + 8;
    for (uint32_t i = 0; i < PM; i++) {
        for (uint32_t j = 0; j < PN; j++)
            memory[(ty + 8 * i) * END_LINE + 2 * tx + 32 * (j / 2) + j % 2] = sums[i][j];
    }
    sw_sync_block();
    sw_many_finish_tile<FORM, SW_GPU_IN_F32>(m, job, first_token, TOKENS, first_row, ROWS, 1,
                                             END_LINE);
}

/* Tile of a product on tensor cores. */
struct sw_many_shape {
    uint32_t n_token_tiles16, n_row_tiles8; /* of a warp: 2 or 4, 1 or 2 */
    uint32_t n_row_warps;                   /* of the block's 8: 1, 2, 4 */
    uint32_t n_blocks;
};

/*
 * The largest tile of which there are enough to fill the GPU; of two as large the squarer one: a
 * block reads its tokens and its rows once each, through an L2 of some 5.5 TB/s. What that comes to
 * for SmolLM-135M in bf16 on 132 SMs, to be checked against a measurement:
 *
 *     256 tokens x    columns   tile      blocks   MB read   us
 *     qkv       960       576   32 x 32      240        18    3
 *     o         576       576   32 x 32      144        11    2
 *     gate_up  3072       576   64 x 64      192        28    5
 *     down      576      1536   32 x 32      144        28    5
 *
 * 15 us a layer against 1.8 GFLOP, 3 us of the tensor cores at 600 TFLOP/s: loads are the limit,
 * and tiles larger than these leave SMs without one. With 64 tokens: 240 of 32 x 8, 144 of 32 x 8,
 * 192 of 32 x 32 and 144 of 32 x 8 read 11, 7, 14 and 18 MB while 7 MB of weights come from memory.
 */
static sw_many_shape sw_many_shape_of(uint32_t n_tokens, uint32_t n_rows, uint32_t n_sms)
{
    static const uint32_t tries[][3] = {{4, 2, 4}, {4, 2, 2}, {2, 2, 4},
                                        {2, 2, 2}, {2, 2, 1}, {2, 1, 1}};
    sw_many_shape s = {};
    for (const auto &try_ : tries) {
        if (try_[0] == 4 && n_tokens <= 32)
            continue;
        const uint32_t tokens = 16 * try_[0], rows = 8 * try_[1] * try_[2];
        s = {try_[0], try_[1], try_[2],
             (n_tokens + tokens - 1) / tokens * ((n_rows + rows - 1) / rows)};
        if (s.n_blocks >= n_sms)
            break;
    }
    return s;
}

template <sw_gpu_form FORM, sw_gpu_input INPUT, int MT, int NT>
static cudaError_t sw_many_tensor_launch(const sw_gpu_model &m, const sw_many_job &job,
                                         const sw_many_shape &shape, cudaStream_t stream,
                                         sw_launch_kind kind)
{
    const uint32_t n_column_warps = SW_MANY_THREADS / SW_WARP / shape.n_row_warps;
    const size_t shared =
        n_column_warps * 16 * MT * (shape.n_row_warps * NT * 8 + 8) * sizeof(float);
    return sw_launch(sw_many_kernel<FORM, INPUT, MT, NT>, shape.n_blocks, SW_MANY_THREADS, shared,
                     stream, kind, m, job);
}

template <sw_gpu_form FORM, sw_gpu_input INPUT>
static cudaError_t sw_many_tensor(const sw_gpu_model &m, sw_many_job job, cudaStream_t stream,
                                  sw_launch_kind kind)
{
    const sw_many_shape s = sw_many_shape_of(job.n_tokens, job.matrix.n_rows, m.n_sms);
    job.n_row_warps = s.n_row_warps;
    if (s.n_token_tiles16 == 4)
        return sw_many_tensor_launch<FORM, INPUT, 4, 2>(m, job, s, stream, kind);
    if (s.n_row_tiles8 == 2)
        return sw_many_tensor_launch<FORM, INPUT, 2, 2>(m, job, s, stream, kind);
    return sw_many_tensor_launch<FORM, INPUT, 2, 1>(m, job, s, stream, kind);
}

template <sw_gpu_form FORM, int PM, int PN>
static cudaError_t sw_many_f32_launch(const sw_gpu_model &m, const sw_many_job &job,
                                      cudaStream_t stream, sw_launch_kind kind)
{
    const uint32_t tokens = 8 * PM, rows = 16 * PN;
    const size_t shared = 2 * (tokens + rows) * (SW_MANY_F32_COLUMNS + 4) * sizeof(float);
    return sw_launch(sw_many_f32_kernel<FORM, PM, PN>,
                     (job.n_tokens + tokens - 1) / tokens * ((job.matrix.n_rows + rows - 1) / rows),
                     SW_MANY_F32_THREADS, shared, stream, kind, m, job);
}

/* 64 x 64 where these fill the GPU, else 32 x 32. */
template <sw_gpu_form FORM>
static cudaError_t sw_many_f32(const sw_gpu_model &m, const sw_many_job &job, cudaStream_t stream,
                               sw_launch_kind kind)
{
    const uint32_t n_large = (job.n_tokens + 63) / 64 * ((job.matrix.n_rows + 63) / 64);
    if (n_large >= m.n_sms)
        return sw_many_f32_launch<FORM, 8, 4>(m, job, stream, kind);
    return sw_many_f32_launch<FORM, 4, 2>(m, job, stream, kind);
}

template <sw_gpu_input INPUT>
static cudaError_t sw_many_prepare(const sw_input_source &source, const sw_many_job &job,
                                   cudaStream_t stream, sw_launch_kind kind)
{
    const uint32_t per_block = SW_MANY_PREPARE_THREADS / SW_WARP;
    return sw_launch(sw_many_prepare_kernel<INPUT>, (job.n_tokens + per_block - 1) / per_block,
                     SW_MANY_PREPARE_THREADS, 0, stream, kind, source, job.in, job.matrix.n_cols,
                     job.n_tokens, job.use_tf32);
}

cudaError_t sw_many_prepare_any(const sw_input_source &source, sw_gpu_input input,
                                const sw_many_job &job, cudaStream_t stream, sw_launch_kind kind)
{
    switch (input) {
    case SW_GPU_IN_F32:
        return sw_many_prepare<SW_GPU_IN_F32>(source, job, stream, kind);
    case SW_GPU_IN_BF16:
        return sw_many_prepare<SW_GPU_IN_BF16>(source, job, stream, kind);
    case SW_GPU_IN_F16:
        return sw_many_prepare<SW_GPU_IN_F16>(source, job, stream, kind);
    case SW_GPU_IN_S8B64:
        return sw_many_prepare<SW_GPU_IN_S8B64>(source, job, stream, kind);
    case SW_GPU_IN_LLM8:
        return sw_many_prepare<SW_GPU_IN_LLM8>(source, job, stream, kind);
    }
    return cudaErrorInvalidValue;
}

/* Times the matrix. */
static cudaError_t sw_many_multiply(const sw_gpu_model &m, sw_gpu_input input,
                                    const sw_many_job &job, cudaStream_t stream,
                                    sw_launch_kind kind)
{
    const sw_gpu_form form = job.matrix.form;
    switch (input) {
    case SW_GPU_IN_F32:
        if (form == SW_GPU_BF16)
            return sw_many_f32<SW_GPU_BF16>(m, job, stream, kind);
        if (form == SW_GPU_FP4)
            return sw_many_f32<SW_GPU_FP4>(m, job, stream, kind);
        if (job.use_tf32)
            return sw_many_tensor<SW_GPU_F32, SW_GPU_IN_F32>(m, job, stream, kind);
        return sw_many_f32<SW_GPU_F32>(m, job, stream, kind);
    case SW_GPU_IN_BF16:
        return sw_many_tensor<SW_GPU_BF16, SW_GPU_IN_BF16>(m, job, stream, kind);
    case SW_GPU_IN_F16:
        if (form == SW_GPU_S4)
            return sw_many_tensor<SW_GPU_S4, SW_GPU_IN_F16>(m, job, stream, kind);
        if (form == SW_GPU_S8)
            return sw_many_tensor<SW_GPU_S8, SW_GPU_IN_F16>(m, job, stream, kind);
        return sw_many_tensor<SW_GPU_F16, SW_GPU_IN_F16>(m, job, stream, kind);
    case SW_GPU_IN_S8B64:
        return sw_many_tensor<SW_GPU_S8, SW_GPU_IN_S8B64>(m, job, stream, kind);
    case SW_GPU_IN_LLM8:
        return sw_many_tensor<SW_GPU_S8, SW_GPU_IN_LLM8>(m, job, stream, kind);
    }
    return cudaErrorInvalidValue;
}

/* A product of rows that are there already (left.rows not NULL), or are prepared from source. */
static cudaError_t sw_many_run(const sw_gpu_model &m, const sw_gpu_matrix &matrix,
                               sw_gpu_input input, const sw_many_left &left,
                               const sw_input_source &source, uint32_t n_tokens, uint32_t layer,
                               sw_many_end end, cudaStream_t stream)
{
    const sw_launch_kind kind = m.overlaps ? SW_LAUNCH_OVERLAPPED : SW_LAUNCH_PLAIN;
    sw_many_job job = {};
    job.matrix = matrix;
    job.in = sw_many_rows_of(m, input, matrix.n_cols, NULL);
    job.n_tokens = n_tokens;
    job.layer = layer;
    job.end = end;
    job.use_tf32 = m.use_tf32 && matrix.form == SW_GPU_F32;
    if (end == SW_MANY_GATE_UP)
        job.left = sw_many_left_of(m, m.hidden_dim);
    if (left.rows != NULL) {
        job.in.rows = left.rows;
    } else {
        cudaError_t code = sw_many_prepare_any(source, input, job, stream, kind);
        if (code != cudaSuccess)
            return code;
    }
    return sw_many_multiply(m, input, job, stream, kind);
}

cudaError_t sw_gpu_many_qkv(const sw_gpu_model &m, const sw_gpu_layer &layer, uint32_t layer_index,
                            uint32_t n_tokens, cudaStream_t stream)
{
    return sw_many_run(m, layer.qkv, m.layer_input, {},
                       sw_many_source(m, m.x, layer.attention_norm), n_tokens, layer_index,
                       SW_MANY_QKV, stream);
}

cudaError_t sw_gpu_many_o(const sw_gpu_model &m, const sw_gpu_layer &layer, uint32_t layer_index,
                          uint32_t n_tokens, cudaStream_t stream)
{
    return sw_many_run(m, layer.o, m.layer_input, sw_many_left_of(m, layer.o.n_cols),
                       sw_many_source(m, m.attended, NULL), n_tokens, layer_index, SW_MANY_RESIDUAL,
                       stream);
}

cudaError_t sw_gpu_many_gate_up(const sw_gpu_model &m, const sw_gpu_layer &layer,
                                uint32_t layer_index, uint32_t n_tokens, cudaStream_t stream)
{
    return sw_many_run(m, layer.gate_up, m.layer_input, {}, sw_many_source(m, m.x, layer.mlp_norm),
                       n_tokens, layer_index, SW_MANY_GATE_UP, stream);
}

cudaError_t sw_gpu_many_down(const sw_gpu_model &m, const sw_gpu_layer &layer, uint32_t layer_index,
                             uint32_t n_tokens, cudaStream_t stream)
{
    return sw_many_run(m, layer.down, m.layer_input, sw_many_left_of(m, layer.down.n_cols),
                       sw_many_source(m, m.hidden, NULL), n_tokens, layer_index, SW_MANY_RESIDUAL,
                       stream);
}

cudaError_t sw_gpu_many_head(const sw_gpu_model &m, uint32_t n_logits, cudaStream_t stream)
{
    sw_input_source source = sw_many_source(m, m.x, m.final_norm);
    source.rows = m.wanted;
    return sw_many_run(m, m.head, m.head_input, {}, source, n_logits, 0, SW_MANY_LOGITS, stream);
}
