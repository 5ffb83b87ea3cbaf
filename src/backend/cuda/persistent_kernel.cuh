/*
 * One kernel for the whole greedy answer of one sequence (persistent.h): one block on each SM, all
 * of them resident (cooperative launch), each with the same rows of every matrix for every token.
 * There is no barrier of the grid: blocks exchange flagged numbers (persistent_exchange.cuh), and
 * weights come ahead of their use (persistent_ring.cuh).
 *
 * A layer, five exchanges:
 *     norm of x, the block's rows of QKV                              -> qkv, not rotated
 *     rotation, cache, attention of a KV head's stretch (some blocks) -> parts
 *     parts merged, the block's rows of O, + x                        -> middle
 *     norm, the block's rows of gate and up, SiLU                     -> hidden
 *     the block's rows of down, + middle                              -> x
 * and with four (SW_GPU_PERSISTENT_FOUR): each block attends to the whole context of one KV head
 * for itself and multiplies what comes out with that head's columns of O, for its share of all
 * rows; the sums of the KV heads are added by who reads them. Norms, merging, the input's form, the
 * choice of the id and its row of the embedding are computed by every block for itself: a number
 * that everybody computes costs less than one that is waited for.
 *
 * What a token takes, estimated for SmolLM-135M (30 layers) on an H100 with 132 blocks of 256
 * threads; to be measured:
 *     exchange  0.7 us: a store to L2 0.25, half a poll in vain 0.15, one that succeeds 0.3; all
 *               blocks read the same lines at the same moment, up to 0.15 more (n_copies)
 *     phase     0.2 us at best, barriers, norm, the input's form, sums of lanes; each 0.1 us more
 *               is 15 us a token
 *     product   from shared memory at 128 bytes a clock, 1.7 GHz: QKV 9 KB, O 6, gate and up 28,
 *               down 15 KB in bf16, together 0.27 us a layer; int8 half of it
 *     attention 0.3 us for 64 positions, 0.4 where all blocks read them
 *     head      429 KB of bf16 a block, of which the ring has 190 KB: the rest at 25 GB/s, 10 to
 *               15 us (head_layers); choice and embedding 2 us
 * so that a token of bf16 takes
 *     five      30 (5 * 0.7 + 5 * 0.2 + 0.27 + 0.3) + 15 + 2 = 169 us
 *     four      30 (4 * 0.7 + 4 * 0.2 + 0.27 + 0.4) + 15 + 2 = 145 us
 * and of int8, whose input takes 0.05 us more and whose head 8 us, 166 and 140 us, against 80 and
 * 40 us for the bytes at 3.35 TB/s. Waiting dominates, not memory: fewer and faster exchanges are
 * what to work on. Keeping weights on chip between tokens spares memory's time only, and is not
 * worth its shared memory until a layer takes less than its bytes do, 2.1 us (bf16). With an
 * exchange of 0.45 us, which two L2 latencies would allow, five are 131 us and four 115 us.
 */
#ifndef SW_BACKEND_CUDA_PERSISTENT_KERNEL_CUH
#define SW_BACKEND_CUDA_PERSISTENT_KERNEL_CUH

#include <string.h>

#include "backend/cuda/persistent_phases.cuh"

/* The kernel's state that all phases share. */
struct sw_persistent_block {
    sw_ring ring;
    sw_patience patience;
    sw_shared<float> x[2], raw, cosines, sines;
    sw_stretch_memory attend;
    sw_persistent_words words; /* the copy that this block reads */
};

SW_DEVICE void sw_persistent_begin(sw_persistent_block &b, const sw_persistent_launch &p)
{
    const sw_gpu_model &m = p.m;
    const uint32_t group = m.n_heads / m.n_kv_heads;
    b.patience = {p.patience_ns, p.abandoned, false};
    const size_t copy = static_cast<size_t>(blockIdx.x % p.n_copies) * p.copy_words;
    b.words = {p.words.qkv + copy,    p.words.parts + copy, p.words.middle + copy,
               p.words.hidden + copy, p.words.x + copy,     p.words.choice + copy};
    b.x[0] = sw_shared_take<float>(p.memory.x_at[0]);
    b.x[1] = sw_shared_take<float>(p.memory.x_at[1]);
    b.raw = sw_shared_take<float>(p.memory.raw_at);
    b.attend.q = sw_shared_take<float>(p.memory.attend_at);
    b.attend.key = b.attend.q + group * m.head_dim;
    b.attend.value = b.attend.key + m.head_dim;
    b.cosines = b.attend.value + m.head_dim;
    b.sines = b.cosines + m.head_dim / 2;
    b.attend.lists = sw_shared_take<float>(p.memory.lists_at);

    sw_ring &ring = b.ring;
    ring = {};
    ring.data_at = p.memory.ring_at;
    ring.data = sw_shared_take<unsigned char>(ring.data_at);
    ring.size = p.memory.ring_bytes;
    ring.n_sources = 4 * m.n_layers + 1;
    ring.sources = sw_shared_take<sw_persistent_source>(p.memory.sources_at);
    ring.shapes = sw_shared_take<sw_persistent_shape>(p.memory.shapes_at);
    ring.shares = sw_shared_take<sw_persistent_share>(p.memory.shares_at);
    auto bytes = [](const void *at) { return static_cast<const unsigned char *>(at); };
    for (uint32_t l = threadIdx.x; l < m.n_layers; l += blockDim.x) {
        const sw_gpu_layer layer = m.layers[l];
        const sw_gpu_matrix *matrices[4] = {&layer.qkv, &layer.o, &layer.gate_up, &layer.down};
        SW_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            ring.sources[4 * l + i] = sw_persistent_source{
                bytes(matrices[i]->rows), bytes(matrices[i]->scales), bytes(matrices[i]->bias),
                bytes(i == 0   ? layer.attention_norm
                      : i == 2 ? layer.mlp_norm
                               : nullptr)};
    }
    if (threadIdx.x == 0)
        ring.sources[4 * m.n_layers] = sw_persistent_source{
            bytes(m.head.rows), bytes(m.head.scales), bytes(m.head.bias), bytes(m.final_norm)};
    if (threadIdx.x < SW_N_PARTS) {
        const uint32_t part = threadIdx.x, unit = part == SW_PART_GATE_UP ? 2 : 1;
        sw_persistent_shape shape = p.shapes[part];
        uint64_t index = blockIdx.x, n = gridDim.x, n_units = shape.n_rows / unit;
        if (part == SW_PART_O && p.is_four) { /* among the blocks of the same KV head */
            n = (n - index % m.n_kv_heads + m.n_kv_heads - 1) / m.n_kv_heads;
            index /= m.n_kv_heads;
        }
        if (part == SW_PART_O && p.is_four)
            shape.used_at = shape.used_bytes * (blockIdx.x % m.n_kv_heads);
        ring.shapes[part] = shape;
        ring.shares[part] =
            sw_persistent_share{static_cast<uint32_t>(n_units * index / n) * unit,
                                static_cast<uint32_t>(n_units * (index + 1) / n) * unit};
    }
    sw_sync_block();
    ring.row = static_cast<sw_persistent_share>(ring.shares[SW_PART_QKV]).begin;
}

/* The residual of a new token, and its rotation. The barrier behind QKV's gathering follows. */
SW_DEVICE void sw_persistent_embed(sw_persistent_block &b, const sw_persistent_launch &p,
                                   int32_t id, uint32_t position)
{
    const sw_gpu_model &m = p.m;
    const unsigned char *row = static_cast<const unsigned char *>(m.embedding.rows) +
                               static_cast<size_t>(id) * m.embedding.row_bytes;
    for (uint32_t i = threadIdx.x; i < m.dim; i += blockDim.x)
        b.x[0][i] = m.embedding_form == SW_GPU_F32    ? sw_cache_read<SW_GPU_F32>(row, i)
                    : m.embedding_form == SW_GPU_BF16 ? sw_cache_read<SW_GPU_BF16>(row, i)
                                                      : sw_cache_read<SW_GPU_F16>(row, i);
    const uint32_t half = m.head_dim / 2;
    for (uint32_t i = threadIdx.x; i < half; i += blockDim.x) {
        b.cosines[i] = m.cosines[static_cast<size_t>(position) * half + i];
        b.sines[i] = m.sines[static_cast<size_t>(position) * half + i];
    }
}

/* Attention to positions [begin, end) for a KV head: the parts are in the lists, behind a barrier.
 */
template <sw_gpu_form CACHE>
SW_DEVICE void sw_persistent_attend(sw_persistent_block &b, const sw_persistent_launch &p,
                                    uint32_t layer, uint32_t kv_head, uint32_t begin, uint32_t end,
                                    uint32_t position, bool appends, uint32_t epoch)
{
    const sw_gpu_model &m = p.m;
    const uint32_t group = m.n_heads / m.n_kv_heads;
    const size_t offset = sw_cache_offset<CACHE>(m, layer, p.sequence, kv_head);
    const sw_stretch stretch = {begin,
                                end,
                                position,
                                p.n_lanes,
                                p.is_chunked,
                                static_cast<unsigned char *>(m.keys) + offset,
                                static_cast<unsigned char *>(m.values) + offset};
    sw_stretch_batch ahead;
    sw_stretch_load<CACHE>(ahead, stretch, m.head_dim, begin);
    sw_stretch_gather<CACHE>(m, stretch, b.attend, b.cosines, b.sines, b.words.qkv, kv_head,
                             position < end, appends && position < end, epoch, b.patience);
    sw_sync_block();
    for (uint32_t first = 0; first < group; first += SW_STRETCH_HEADS)
        sw_stretch_attend<CACHE>(m, stretch, b.attend, ahead, first, group);
    sw_sync_block();
}

/* Attention of a layer. FIVE: the stretches that are this block's, to the words of the parts. FOUR:
 * the whole context of the block's KV head, left in the lists. */
template <sw_gpu_form CACHE>
SW_DEVICE void sw_persistent_attend_all(sw_persistent_block &b, const sw_persistent_launch &p,
                                        uint32_t layer, uint32_t position, uint32_t epoch)
{
    const sw_gpu_model &m = p.m;
    const uint32_t group = m.n_heads / m.n_kv_heads, list = m.head_dim + 2;
    const uint32_t n_warps = blockDim.x / SW_WARP;
    const uint32_t n_parts = p.is_four ? 1 : position / p.stretch + 1;
    const uint32_t n_items = p.is_four ? blockIdx.x + 1 : n_parts * m.n_kv_heads;
    for (uint32_t item = blockIdx.x; item < n_items; item += gridDim.x) {
        const uint32_t kv_head = item % m.n_kv_heads, part = item / m.n_kv_heads;
        const uint32_t begin = p.is_four ? 0 : part * p.stretch;
        const uint32_t end =
            p.is_four || position + 1 < begin + p.stretch ? position + 1 : begin + p.stretch;
        sw_persistent_attend<CACHE>(b, p, layer, kv_head, begin, end, position,
                                    !p.is_four || part == 0, epoch);
        if (p.is_four)
            break;
        for (uint32_t i = threadIdx.x; i < group * m.head_dim; i += blockDim.x) {
            const uint32_t head = i / m.head_dim, column = i - head * m.head_dim;
            const sw_mixed mixed =
                sw_mix_lists(b.attend.lists + head * list, n_warps, group * list, column);
            uint64_t *to = p.words.parts +
                           static_cast<size_t>((kv_head * group + head) * n_parts + part) * list;
            for (uint32_t copy = 0; copy < p.n_copies; copy++, to += p.copy_words) {
                sw_store_flagged(to + 2 + column, mixed.value, epoch);
                if (column == 0) {
                    sw_store_flagged(to, mixed.largest, epoch);
                    sw_store_flagged(to + 1, mixed.sum, epoch);
                }
            }
        }
    }
}

/* FOUR: x from what the KV heads add to it. */
template <bool ROUNDS>
SW_DEVICE void sw_persistent_add_heads(sw_persistent_block &b, const sw_gpu_model &m)
{
    for (uint32_t i = threadIdx.x; i < m.dim; i += blockDim.x) {
        float sum = 0;
        for (uint32_t j = 0; j < m.n_kv_heads; j++)
            sum += b.raw[i * m.n_kv_heads + j];
        sum = b.x[0][i] + (ROUNDS ? sw_round_f16(sum) : sum);
        b.x[1][i] = ROUNDS ? sw_round_f16(sum) : sum;
    }
    sw_sync_block();
}

/* The head is a fifth of all bytes, and while layers wait for each other memory rests: what the
 * ring will not hold of the block's rows comes to the second cache during the last layers, a step
 * of 4 head_layers in front of each product. */
SW_DEVICE void sw_persistent_prefetch(const sw_persistent_block &b, const sw_persistent_launch &p,
                                      uint32_t step)
{
    enum : uint32_t { LINE = 128 };
    const sw_persistent_shape shape = b.ring.shapes[SW_PART_HEAD];
    const sw_persistent_share share = b.ring.shares[SW_PART_HEAD];
    const sw_persistent_source source = b.ring.sources[4 * p.m.n_layers];
    const uint32_t bytes = (share.end - share.begin) * shape.row_bytes;
    const uint32_t skipped = b.ring.size < bytes ? b.ring.size : bytes;
    const uint32_t n_lines = (bytes - skipped + LINE - 1) / LINE, n_steps = 4 * p.head_layers;
    const uint32_t begin = static_cast<uint32_t>(static_cast<uint64_t>(n_lines) * step / n_steps);
    const uint32_t end =
        static_cast<uint32_t>(static_cast<uint64_t>(n_lines) * (step + 1) / n_steps);
    const unsigned char *from =
        source.rows + static_cast<size_t>(share.begin) * shape.row_bytes + skipped;
    for (uint32_t i = begin + threadIdx.x; i < end; i += blockDim.x)
        sw_prefetch_l2(from + static_cast<size_t>(i) * LINE);
}

/* A layer: its four products, each with the exchange in front of it. One loop, so that what they
 * have in common is there once; epoch is the layer's. */
template <sw_gpu_form FORM, sw_gpu_input INPUT, sw_gpu_form CACHE, bool ROUNDS>
SW_DEVICE void sw_persistent_layer(sw_persistent_block &b, const sw_persistent_launch &p,
                                   uint32_t layer, uint32_t position, uint32_t epoch)
{
    const sw_gpu_model &m = p.m;
    const uint32_t input_at = p.memory.input_at, list = m.head_dim + 2;
    const uint32_t n_parts = p.is_four ? 1 : position / p.stretch + 1;
    const uint32_t kv_head = blockIdx.x % m.n_kv_heads; /* FOUR */
    sw_ring &ring = b.ring;
    SW_NO_UNROLL
    for (uint32_t part = SW_PART_QKV; part <= SW_PART_DOWN; part++) {
        const uint64_t *words = b.words.hidden;
        uint32_t n_words = m.hidden_dim, of = epoch;
        uint32_t to_at =
            p.memory.raw_at;       /* not arrays: their addresses would be of no known space */
        if (part == SW_PART_QKV) { /* of the layer before; the first one has the embedding */
            words = b.words.x;
            n_words = layer == 0 ? 0 : m.dim;
            of = epoch - 1;
            to_at = p.memory.x_at[0];
        } else if (part == SW_PART_O) {
            sw_persistent_attend_all<CACHE>(b, p, layer, position, epoch);
            words = b.words.parts;
            n_words = p.is_four ? 0 : m.n_heads * n_parts * list;
        } else if (part == SW_PART_GATE_UP) {
            words = b.words.middle;
            n_words = p.is_four ? m.dim * m.n_kv_heads : m.dim;
            to_at = p.is_four ? p.memory.raw_at : p.memory.x_at[1];
        }
        const sw_ring_work work = sw_persistent_ahead(ring, 4 * layer + part);
        const sw_input_layout l = p.layouts[part];
        const uint32_t lanes = p.lanes[part];
        if (layer + p.head_layers >= m.n_layers)
            sw_persistent_prefetch(b, p, 4 * (layer + p.head_layers - m.n_layers) + part);
        sw_gather(sw_shared_take<float>(to_at), words, n_words, of, b.patience);
        sw_persistent_enter(ring);
        if (part == SW_PART_GATE_UP && p.is_four)
            sw_persistent_add_heads<ROUNDS>(b, m);

        const bool has_norm = part == SW_PART_QKV || part == SW_PART_GATE_UP;
        const sw_shared<float> x = sw_shared_take<float>(
            has_norm ? p.memory.x_at[part == SW_PART_GATE_UP ? 1 : 0] : p.memory.raw_at);
        const float scale = has_norm ? sw_norm_scale_of(x, l.n_cols, m.rms_eps) : 1;
        /* Attention's lists: FIVE those of the parts, FOUR those of the block's own warps. */
        const sw_shared<float> lists =
            sw_shared_take<float>(p.is_four ? p.memory.lists_at : p.memory.raw_at);
        const uint32_t n_lists = p.is_four ? blockDim.x / SW_WARP : n_parts;
        const uint32_t apart = p.is_four ? m.n_heads / m.n_kv_heads * list : list;
        const uint32_t of_head = p.is_four ? list : n_parts * list;
        sw_persistent_input<FORM, INPUT, ROUNDS>(input_at, l, [&](float(&v)[4], uint32_t quad) {
            if (part != SW_PART_O) {
                sw_quad_of(v, x, quad, l.n_cols);
                if (has_norm) {
                    float w[4];
                    sw_quad_of(w, sw_shared_take<float>(ring.data_at + work.piece.norm_at), quad,
                               l.n_cols);
                    for (int i = 0; i < 4; i++)
                        v[i] = v[i] * scale * w[i];
                }
                return;
            }
            if (m.head_dim % 4 == 0) {
                const uint32_t head = 4 * quad / m.head_dim;
                v[0] = v[1] = v[2] = v[3] = 0;
                if (4 * quad < l.n_cols)
                    sw_mix_quad(v, lists + head * of_head, n_lists, apart,
                                4 * quad - head * m.head_dim);
                return;
            }
            SW_NO_UNROLL
            for (uint32_t i = 0; i < 4; i++) {
                const uint32_t k = 4 * quad + i, head = k / m.head_dim;
                float merged = 0;
                if (k < l.n_cols) {
                    const sw_mixed mixed =
                        sw_mix_lists(lists + head * of_head, n_lists, apart, k - head * m.head_dim);
                    merged = mixed.value / mixed.sum;
                }
                sw_quad_put(v, i, merged);
            }
        });

        if (part == SW_PART_GATE_UP) {
            sw_persistent_product<FORM, INPUT, 2, ROUNDS>(
                ring, work, input_at, l, lanes, true, p.n_copies,
                [&](uint32_t row, const float(&y)[2], uint32_t own) {
                    const float hidden = sw_silu_times(y[0], y[1]);
                    sw_store_flagged(p.words.hidden + own * p.copy_words + row,
                                     ROUNDS ? sw_round_f16(hidden) : hidden, epoch);
                });
            continue;
        }
        const bool is_cut = part == SW_PART_O && p.is_four; /* a KV head's share of a sum */
        sw_persistent_product<FORM, INPUT, 1, false>(
            ring, work, input_at, l, lanes, !is_cut || kv_head == 0, p.n_copies,
            [&](uint32_t row, const float(&y)[1], uint32_t own) {
                const uint32_t copy = own * p.copy_words;
                if (is_cut) {
                    sw_store_flagged(p.words.middle + copy +
                                         static_cast<size_t>(row) * m.n_kv_heads + kv_head,
                                     y[0], epoch);
                    return;
                }
                float out = ROUNDS ? sw_round_f16(y[0]) : y[0];
                uint64_t *at = p.words.qkv;
                if (part != SW_PART_QKV) {
                    at = part == SW_PART_O ? p.words.middle : p.words.x;
                    out += part == SW_PART_O ? b.x[0][row] : b.x[1][row];
                    out = ROUNDS ? sw_round_f16(out) : out;
                }
                sw_store_flagged(at + copy + row, out, epoch);
            });
    }
}

/* What everybody knows of a token once its choice is exchanged. */
struct sw_persistent_choice {
    sw_candidate best;
    bool is_over; /* the host wants the end, or somebody has given up */
};

/* The words of a candidate beside each other, `apart` numbers from each other. */
SW_DEVICE sw_candidate sw_persistent_candidate(sw_shared<float> words, uint32_t apart, bool has_sum)
{
    sw_candidate c = sw_candidate_none();
    c.largest = words[0];
    c.id = static_cast<int32_t>(sw_as_bits(words[apart]));
    if (has_sum) {
        uint64_t bits = static_cast<uint64_t>(sw_as_bits(words[3 * apart])) << 32 |
                        sw_as_bits(words[2 * apart]);
        memcpy(&c.sum, &bits, sizeof bits);
    }
    return c;
}

/* Head, and the choice of the greatest logit. epoch: of the token's first layer. asked: the host's
 * word, as the last thread of the first block read it. */
template <sw_gpu_form FORM, sw_gpu_input INPUT, bool ROUNDS>
SW_DEVICE sw_persistent_choice sw_persistent_choose(sw_persistent_block &b,
                                                    const sw_persistent_launch &p, uint32_t asked,
                                                    uint32_t epoch)
{
    const sw_gpu_model &m = p.m;
    const uint32_t input_at = p.memory.input_at, n = gridDim.x;
    const uint32_t warp = threadIdx.x / SW_WARP, lane = threadIdx.x % SW_WARP;
    const uint32_t n_warps = blockDim.x / SW_WARP;
    const sw_ring_work work = sw_persistent_ahead(b.ring, 4 * m.n_layers);
    sw_gather(b.x[0], b.words.x, m.dim, epoch + m.n_layers - 1, b.patience);
    sw_persistent_enter(b.ring);
    sw_persistent_norm<FORM, INPUT, ROUNDS>(
        input_at, p.layouts[SW_PART_HEAD], b.x[0],
        sw_shared_take<float>(b.ring.data_at + work.piece.norm_at), m.rms_eps);
    sw_candidate best = sw_candidate_none();
    sw_persistent_product<FORM, INPUT, 1, ROUNDS>(
        b.ring, work, input_at, p.layouts[SW_PART_HEAD], p.lanes[SW_PART_HEAD], true, 1,
        [&](uint32_t row, const float(&y)[1], uint32_t) {
            if (p.wants_logprobs) {
                sw_candidate_add(best, y[0], static_cast<int32_t>(row));
            } else if (y[0] == y[0] && (best.id < 0 || y[0] > best.largest)) {
                best.largest = y[0];
                best.id = static_cast<int32_t>(row);
            }
        });

    /* The block's: over lanes, over warps. */
    sw_shared<sw_candidate> of_warps = sw_shared_take<sw_candidate>(p.memory.scratch_at);
    sw_shared<uint32_t> lost =
        sw_shared_take<uint32_t>(p.memory.scratch_at + n_warps * sizeof(sw_candidate));
    best = sw_candidate_of_lanes(best, 1, SW_WARP);
    if (lane == 0)
        of_warps[warp] = best;
    sw_sync_block();
    if (warp == 0) {
        best = sw_candidate_none();
        if (lane < n_warps)
            best = of_warps[lane];
        best = sw_candidate_of_lanes(best, 1, SW_WARP);
        if (lane < p.n_copies) { /* all lanes know it */
            if (p.is_four)
                sw_fence(); /* the block's keys and values in front of its choice */
            uint64_t bits, *to = p.words.choice + lane * p.copy_words + 1 + blockIdx.x;
            memcpy(&bits, &best.sum, sizeof bits);
            sw_store_flagged(to, best.largest, epoch);
            sw_store_flagged(to + n, sw_as_float(static_cast<uint32_t>(best.id)), epoch);
            if (p.wants_logprobs) {
                sw_store_flagged(to + 2 * n, sw_as_float(static_cast<uint32_t>(bits)), epoch);
                sw_store_flagged(to + 3 * n, sw_as_float(static_cast<uint32_t>(bits >> 32)), epoch);
            }
        }
    }
    if (blockIdx.x == 0 && threadIdx.x == blockDim.x - 1) {
        for (uint32_t copy = 0; copy < p.n_copies; copy++)
            sw_store_flagged(p.words.choice + copy * p.copy_words, sw_as_float(asked), epoch);
    }

    /* Everyone's: by every warp for itself. */
    sw_ring_fill(b.ring);
    sw_gather(b.raw, b.words.choice, 1 + n * (p.wants_logprobs ? 4 : 2), epoch, b.patience);
    if (p.is_four)
        sw_fence(); /* what the others have put into the cache is behind it */
    const uint32_t is_lost = sw_ballot(b.patience.is_lost);
    if (lane == 0)
        lost[warp] = is_lost;
    sw_sync_block();
    best = sw_candidate_none();
    for (uint32_t i = lane; i < n; i += SW_WARP)
        best =
            sw_candidate_merge(best, sw_persistent_candidate(b.raw + (1 + i), n, p.wants_logprobs));
    sw_persistent_choice choice;
    choice.best = sw_candidate_of_lanes(best, 1, SW_WARP);
    choice.is_over = sw_as_bits(b.raw[0]) != 0;
    for (uint32_t w = 0; w < n_warps; w++)
        choice.is_over = choice.is_over || lost[w] != 0;
    return choice;
}

/* A word of the host's memory: half a number, half which token it is of. Comes as one. */
SW_DEVICE void sw_persistent_tell(uint64_t *to, uint32_t number, uint32_t epoch)
{
    *static_cast<volatile uint64_t *>(to) = static_cast<uint64_t>(epoch) << 32 | number;
}

template <sw_gpu_form FORM, sw_gpu_input INPUT, sw_gpu_form HEAD, sw_gpu_input HEAD_INPUT,
          sw_gpu_form CACHE, bool ROUNDS>
static SW_KERNEL(SW_PERSISTENT_BOUNDS) void sw_persistent_kernel(sw_persistent_launch p)
{
    const sw_gpu_model &m = p.m;
    sw_persistent_block b;
    sw_persistent_begin(b, p);
    int32_t id = p.id;
    uint32_t epoch = p.epoch;
    for (uint32_t t = 0; t < p.max_ids; t++, epoch += m.n_layers) {
        const uint32_t position = p.position + t;
        uint32_t asked = 0; /* on its way over the bus while the layers are computed */
        if (blockIdx.x == 0 && threadIdx.x == blockDim.x - 1)
            asked = *static_cast<const volatile uint32_t *>(p.stop);
        sw_persistent_embed(b, p, id, position);
        for (uint32_t layer = 0; layer < m.n_layers; layer++)
            sw_persistent_layer<FORM, INPUT, CACHE, ROUNDS>(b, p, layer, position, epoch + layer);
        const sw_persistent_choice choice =
            sw_persistent_choose<HEAD, HEAD_INPUT, ROUNDS>(b, p, asked, epoch);
        id = choice.best.id;
        if (blockIdx.x == 0 && threadIdx.x == 0) {
            uint64_t *told = p.told + static_cast<size_t>(t) * SW_TOLD_WORDS, now = sw_device_ns();
            const float logprob = p.wants_logprobs ? sw_candidate_logprob(choice.best) : 0.0f;
            sw_persistent_tell(told, static_cast<uint32_t>(id), epoch);
            sw_persistent_tell(told + 1, static_cast<uint32_t>(now), epoch);
            sw_persistent_tell(told + 2, static_cast<uint32_t>(now >> 32), epoch);
            sw_persistent_tell(told + 3, sw_as_bits(logprob), epoch);
        }
        bool is_over = choice.is_over || id < 0;
        for (uint32_t i = 0; i < p.n_stop_ids; i++)
            is_over = is_over || id == p.stop_ids[i];
        if (is_over)
            break;
    }
    sw_copy_wait<0>(); /* a block's memory is given on when it ends */
}

/* In a function of m: returns the kernel where the model's arithmetic is this one. */
#define SW_PERSISTENT_CASE(LAYERS, INPUT, HEAD, HEAD_INPUT, CACHE, ROUNDS)                         \
    if (m.layer_form == LAYERS && m.layer_input == INPUT && m.head_form == HEAD &&                 \
        m.head_input == HEAD_INPUT && m.cache_form == CACHE && m.rounds_to_f16 == ROUNDS)          \
        return sw_persistent_kernel<LAYERS, INPUT, HEAD, HEAD_INPUT, CACHE, ROUNDS>;

#endif
