/*
 * Rows of weights times a few tokens' input (input.cuh): what decoding does with every matrix.
 *
 * A row belongs to `lanes` neighbouring threads (4, 8, 16 or 32). Thread i of them takes chunks i,
 * i + lanes, ... of the row, so that a load instruction of the warp covers whole lines; R rows are
 * under way together, because they share each piece of input and because the loads of all of them,
 * up to STEPS chunks each, are issued before the first is needed. Sums of the lanes meet in a
 * butterfly. Nothing of a result depends on blocks, warps, or the other tokens: only on the row's
 * length and on `lanes`, which is chosen by the matrix's shape alone; S8B64 does not even depend on
 * that.
 *
 *     pair of matrix and input    a product                          and then
 *     F32, BF16 x F32             fmaf, two chains (even and odd)    + bias
 *     BF16 x BF16, F16 x F16      widened, likewise                  + bias
 *     S4 x F16                    fmaf over a group of 32, then      + bias
 *                                 times its scale
 *     FP4 x F32                   code * largest of the block, fmaf  + bias
 *     S8 x F16                    fmaf                               * scale of the row + bias
 *     S8 x S8B64                  exact over a block of 64, then     * scale of the row + bias
 *                                 fmaf of blocks in their order
 *     S8 x LLM8                   exact over the row                 formats.h
 *
 * The pieces can be had one by one, for weights that do not come from global memory: a
 * sw_weight_chunk<FORM> is filled by sw_weights_load or by other means, sw_dot_add takes it.
 */
#ifndef SW_BACKEND_CUDA_PRODUCT_CUH
#define SW_BACKEND_CUDA_PRODUCT_CUH

#include "backend/cuda/input.cuh"

/* A chunk of a row, and the scale of its columns where it has one, as they were loaded. */
template <sw_gpu_form FORM> struct sw_weight_chunk {
    sw_chunk chunk;
};
template <> struct sw_weight_chunk<SW_GPU_S4> {
    sw_chunk chunk;
    uint16_t scale; /* f16 */
};
template <> struct sw_weight_chunk<SW_GPU_FP4> {
    sw_chunk chunk;
    float scale;
};

/* Chunk c of a row. */
template <sw_gpu_form FORM>
SW_DEVICE sw_weight_chunk<FORM> sw_weights_load(const sw_gpu_matrix &matrix, uint32_t row,
                                                uint32_t c)
{
    sw_weight_chunk<FORM> w;
    w.chunk = sw_load_weights(static_cast<const uint8_t *>(matrix.rows) +
                              (size_t)row * matrix.row_bytes + (size_t)c * SW_GPU_CHUNK);
    if constexpr (FORM == SW_GPU_S4) {
        uint32_t n_groups = matrix.row_bytes / SW_GPU_CHUNK;
        w.scale = static_cast<const uint16_t *>(matrix.scales)[(size_t)row * n_groups + c];
    }
    if constexpr (FORM == SW_GPU_FP4) {
        uint32_t n_blocks = (matrix.row_bytes / SW_GPU_CHUNK + 1) / 2;
        w.scale = static_cast<const float *>(matrix.scales)[(size_t)row * n_blocks + c / 2];
    }
    return w;
}

/* One row's, beside its chunks. */
struct sw_row_facts {
    float scale; /* S8; else 1 */
    float bias;  /* 0: none */
};
template <sw_gpu_form FORM>
SW_DEVICE sw_row_facts sw_row_facts_load(const sw_gpu_matrix &matrix, uint32_t row)
{
    sw_row_facts facts = {1.0f, 0.0f};
    if constexpr (FORM == SW_GPU_S8)
        facts.scale = static_cast<const float *>(matrix.scales)[row];
    if (matrix.bias != nullptr)
        facts.bias = matrix.bias[row];
    return facts;
}

/* What a thread has summed of one row and one token. */
template <sw_gpu_input INPUT> struct sw_sum {
    float even, odd; /* columns of a chunk; S8B64: even alone, and all lanes have the same */
};
template <> struct sw_sum<SW_GPU_IN_LLM8> {
    int32_t exact;
    float outliers;
};

/* A token's input in the block's memory. */
SW_DEVICE sw_chunk sw_input_piece(uint32_t at, const sw_input_layout &l, uint32_t piece, uint32_t c)
{
    return sw_shared_load16(sw_shared_take<sw_chunk>(at), piece * l.n_chunks + c);
}

/* The two 16-bit numbers of a word. */
template <sw_gpu_form FORM> SW_DEVICE float sw_low(uint32_t word)
{
    return FORM == SW_GPU_BF16 ? sw_as_float(word << 16) : sw_from_f16((uint16_t)word);
}
template <sw_gpu_form FORM> SW_DEVICE float sw_high(uint32_t word)
{
    return FORM == SW_GPU_BF16 ? sw_as_float(word & 0xffff0000u)
                               : sw_from_f16((uint16_t)(word >> 16));
}

/* Code of FP4 times the block's largest. A table in registers, so to say. */
SW_DEVICE float sw_fp4_value(uint32_t code)
{
    constexpr float values[16] = SW_GPU_FP4_VALUES;
    float low = code & 1 ? (code & 2 ? values[3] : values[1]) : code & 2 ? values[2] : values[0];
    float high = code & 1 ? (code & 2 ? values[7] : values[5]) : code & 2 ? values[6] : values[4];
    float value = code & 4 ? high : low;
    return sw_as_float(sw_as_bits(value) | (code & 8) << 28);
}

/*
 * Columns of a chunk come in units: 4 of F32, else 8 (of the nibble forms those of one word, low
 * ones first). A unit of weights as floats; those of S4 and S8 without their scale.
 */
template <sw_gpu_form FORM> struct sw_unit {
    static constexpr int size = FORM == SW_GPU_F32 ? 4 : 8;
};
template <sw_gpu_form FORM>
SW_DEVICE void sw_unit_widen(float (&f)[sw_unit<FORM>::size], const sw_weight_chunk<FORM> &w,
                             int unit)
{
    if constexpr (FORM == SW_GPU_F32) {
        for (int i = 0; i < 4; i++)
            f[i] = sw_as_float(w.chunk.w[i]);
    } else if constexpr (FORM == SW_GPU_BF16 || FORM == SW_GPU_F16) {
        for (int i = 0; i < 4; i++) {
            f[2 * i] = sw_low<FORM>(w.chunk.w[i]);
            f[2 * i + 1] = sw_high<FORM>(w.chunk.w[i]);
        }
    } else if constexpr (FORM == SW_GPU_S8) {
        for (int i = 0; i < 8; i++)
            f[i] = (float)(int8_t)(w.chunk.w[2 * unit + i / 4] >> i % 4 * 8);
    } else {
        for (int i = 0; i < 8; i++) {
            uint32_t code = w.chunk.w[unit] >> (i % 4 * 8 + i / 4 * 4) & 15;
            if constexpr (FORM == SW_GPU_S4)
                f[i] = (float)((int32_t)code - 8);
            else
                f[i] = sw_fp4_value(code) * w.scale;
        }
    }
}
/* The same unit of a token's input. */
template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE void sw_unit_input(float (&f)[sw_unit<FORM>::size], uint32_t at, const sw_input_layout &l,
                             uint32_t c, int unit)
{
    constexpr int size = sw_unit<FORM>::size;
    if constexpr (INPUT == SW_GPU_IN_F32) {
        for (int p = 0; p < size / 4; p++) {
            sw_chunk x = sw_input_piece(at, l, unit * (size / 4) + p, c);
            for (int i = 0; i < 4; i++)
                f[4 * p + i] = sw_as_float(x.w[i]);
        }
    } else {
        constexpr sw_gpu_form as = INPUT == SW_GPU_IN_BF16 ? SW_GPU_BF16 : SW_GPU_F16;
        sw_chunk x = sw_input_piece(at, l, unit, c);
        for (int i = 0; i < 4; i++) {
            f[2 * i] = sw_low<as>(x.w[i]);
            f[2 * i + 1] = sw_high<as>(x.w[i]);
        }
    }
}

/* Word i, where i is not known when compiling: registers have no index. */
SW_DEVICE uint32_t sw_chunk_word(const sw_chunk &chunk, uint32_t i)
{
    const uint32_t low = i == 0 ? chunk.w[0] : chunk.w[1], high = i == 2 ? chunk.w[2] : chunk.w[3];
    return i < 2 ? low : high;
}

/* A chunk of weights times 16 bytes, exact. */
SW_DEVICE int32_t sw_dot16(const sw_chunk &a, const sw_chunk &b)
{
    int32_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum = sw_dot4(a.w[i], b.w[i], sum);
    return sum;
}

/*
 * Chunk c of R rows times T tokens, added. Token t's input begins at byte at[t] of the block's
 * memory. is_there is false in lanes whose chunk lies behind the row's end: S8B64 needs all lanes
 * of the warp to call, and all threads of a row to be at the same multiple of `lanes`; the others
 * may leave such lanes out.
 */
template <sw_gpu_form FORM, sw_gpu_input INPUT, int R, int T>
SW_DEVICE void sw_dot_add(sw_sum<INPUT> (&sums)[R][T], const sw_weight_chunk<FORM> (&w)[R],
                          const uint32_t (&at)[T], const sw_input_layout &l, uint32_t c,
                          uint32_t lanes, bool is_there, const sw_row_facts (&facts)[R])
{
    if constexpr (INPUT == SW_GPU_IN_S8B64) {
        const uint32_t lane = threadIdx.x % SW_WARP, own = lane % lanes;
        const uint32_t first_block = (c - own) / 4, n_blocks = (l.n_chunks + 3) / 4;
        SW_UNROLL
        for (int t = 0; t < T; t++) {
            sw_chunk x = {};
            if (is_there)
                x = sw_input_piece(at[t], l, 0, c);
            sw_shared<float> scales = sw_shared_take<float>(at[t] + l.scales_at);
            SW_UNROLL
            for (int r = 0; r < R; r++) {
                int32_t exact = is_there ? sw_dot16(w[r].chunk, x) : 0;
                exact += sw_shuffle_xor(exact, 1);
                exact += sw_shuffle_xor(exact, 2);
                /* Four lanes have a block's sum; all lanes of the row add them up in order. */
                for (uint32_t i = 0; i < lanes / 4 && first_block + i < n_blocks; i++) {
                    int32_t block =
                        lanes == 4 ? exact : sw_shuffle(exact, (int)(lane - own + 4 * i));
                    sums[r][t].even = fmaf((float)block, scales[first_block + i], sums[r][t].even);
                }
            }
        }
    } else if constexpr (INPUT == SW_GPU_IN_LLM8) {
        if (!is_there)
            return;
        SW_UNROLL
        for (int t = 0; t < T; t++) {
            sw_chunk x = sw_input_piece(at[t], l, 0, c);
            SW_UNROLL
            for (int r = 0; r < R; r++)
                sums[r][t].exact += sw_dot16(w[r].chunk, x);
            if (sw_shared_take<uint8_t>(at[t] + l.marks_at)[c] == 0)
                continue;
            /* Few chunks have an outlier: the code of 16 columns would take longer to arrive than
             * the loop to run, and as long to compile as all the rest. */
            SW_NO_UNROLL
            for (uint32_t i = 0; i < 16; i++) {
                uint32_t word = sw_shared_take<uint32_t>(
                    at[t] + l.halves_at)[(i / 8 * l.n_chunks + c) * 4 + i % 8 / 2];
                float outlier = sw_from_f16((uint16_t)(word >> i % 2 * 16));
                if (fabsf(outlier) < SW_GPU_OUTLIER)
                    continue;
                SW_UNROLL
                for (int r = 0; r < R; r++) {
                    float weight = (float)(int8_t)(sw_chunk_word(w[r].chunk, i / 4) >> i % 4 * 8);
                    weight = sw_round_f16(weight * facts[r].scale * SW_GPU_LLM8_PART);
                    sums[r][t].outliers = fmaf(outlier, weight, sums[r][t].outliers);
                }
            }
        }
    } else {
        if (!is_there)
            return;
        constexpr int size = sw_unit<FORM>::size;
        constexpr int n_units = (int)sw_pair<FORM, INPUT>::columns / size;
        auto add_to = [&](sw_sum<INPUT>(&to)[R][T]) {
            SW_UNROLL
            for (int u = 0; u < n_units; u++) {
                float f[R][size];
                SW_UNROLL
                for (int r = 0; r < R; r++)
                    sw_unit_widen<FORM>(f[r], w[r], u);
                SW_UNROLL
                for (int t = 0; t < T; t++) {
                    float x[size];
                    sw_unit_input<FORM, INPUT>(x, at[t], l, c, u);
                    SW_UNROLL
                    for (int r = 0; r < R; r++) {
                        SW_UNROLL
                        for (int i = 0; i < size; i += 2) {
                            to[r][t].even = fmaf(f[r][i], x[i], to[r][t].even);
                            to[r][t].odd = fmaf(f[r][i + 1], x[i + 1], to[r][t].odd);
                        }
                    }
                }
            }
        };
        if constexpr (FORM == SW_GPU_S4) { /* a chunk is a group, which has a scale */
            sw_sum<INPUT> groups[R][T] = {};
            add_to(groups);
            SW_UNROLL
            for (int r = 0; r < R; r++) {
                float scale = sw_from_f16(w[r].scale);
                SW_UNROLL
                for (int t = 0; t < T; t++)
                    sums[r][t].even =
                        fmaf(groups[r][t].even + groups[r][t].odd, scale, sums[r][t].even);
            }
        } else {
            add_to(sums);
        }
    }
}

/* Sums of a row's lanes; each of them gets the total. All lanes of the warp call. */
template <sw_gpu_input INPUT>
SW_DEVICE sw_sum<INPUT> sw_sum_of_lanes(sw_sum<INPUT> sum, uint32_t lanes)
{
    if constexpr (INPUT == SW_GPU_IN_LLM8) {
        for (uint32_t mask = lanes / 2; mask > 0; mask /= 2) {
            sum.exact += sw_shuffle_xor(sum.exact, (int)mask);
            sum.outliers += sw_shuffle_xor(sum.outliers, (int)mask);
        }
    } else if constexpr (INPUT != SW_GPU_IN_S8B64) {
        sum.even += sum.odd;
        sum.odd = 0;
        for (uint32_t mask = lanes / 2; mask > 0; mask /= 2)
            sum.even += sw_shuffle_xor(sum.even, (int)mask);
    }
    return sum;
}

/* The product, from the total; `at` as in sw_dot_add, of the one token. */
template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE float sw_product_of(const sw_sum<INPUT> &sum, const sw_row_facts &facts, uint32_t at,
                              const sw_input_layout &l, bool rounds_to_f16)
{
    if constexpr (INPUT == SW_GPU_IN_LLM8) {
        float scale = sw_shared_take<float>(at + l.scales_at)[0];
        float y = fmaf((float)sum.exact * scale * facts.scale, SW_GPU_LLM8_UNIT, facts.bias);
        return sw_round_f16(sw_round_f16(y) + sum.outliers);
    } else {
        float y = sum.even;
        if constexpr (FORM == SW_GPU_S8)
            y *= facts.scale;
        y += facts.bias;
        return rounds_to_f16 ? sw_round_f16(y) : y;
    }
}

/*
 * How many lanes a row gets, by the shape alone. A thread's time is about its steps through the
 * row, times how often the threads of all rows fill the GPU (an H100's 132 x 4 schedulers of 32
 * lanes: with fewer threads than that, more lanes cost nothing), plus a shuffle for each halving.
 */
SW_ANYWHERE uint32_t sw_product_lanes(uint32_t n_chunks, uint32_t n_units)
{
    const float n_places = 132 * 4 * 32;
    uint32_t best = 4;
    float least = 0;
    for (uint32_t lanes = 4, halvings = 2; lanes <= SW_WARP; lanes *= 2, halvings++) {
        uint32_t steps = (n_chunks + lanes - 1) / lanes;
        float waves = (float)n_units * (float)lanes / n_places;
        float cost = (float)steps * (waves > 1 ? waves : 1);
        if (lanes == 4) /* a load takes half a line of memory from each row */
            cost *= 1.1f;
        cost += (float)halvings;
        if (lanes == 4 || cost < least) {
            best = lanes;
            least = cost;
        }
    }
    return best;
}

/* Which R rows a sub-warp takes together. */
enum sw_product_rows {
    SW_ROWS_NEXT,   /* R unit, R unit + 1, ...: those of gate and up belong together */
    SW_ROWS_HALVES, /* of each head: i and i + head_dim / 2, which the rotation mixes */
};
template <int R, sw_product_rows ROWS>
SW_DEVICE uint32_t sw_product_row(uint32_t unit, int r, uint32_t half)
{
    if constexpr (ROWS == SW_ROWS_HALVES)
        return unit / half * 2 * half + unit % half + (uint32_t)r * half;
    return unit * R + (uint32_t)r;
}

/* STEPS chunks of R rows: what is loaded at a time. */
template <sw_gpu_form FORM, int R, int STEPS> struct sw_product_tile {
    sw_weight_chunk<FORM> w[STEPS][R];
};

/* Chunks first, first + lanes, ... of the rows; zeros behind the end of a row or of the matrix. */
template <sw_gpu_form FORM, int R, int STEPS>
SW_DEVICE void sw_product_load(sw_product_tile<FORM, R, STEPS> &tile, const sw_gpu_matrix &matrix,
                               const uint32_t (&rows)[R], uint32_t first, uint32_t lanes,
                               uint32_t n_chunks)
{
    SW_UNROLL
    for (int s = 0; s < STEPS; s++) {
        uint32_t c = first + (uint32_t)s * lanes;
        SW_UNROLL
        for (int r = 0; r < R; r++) {
            tile.w[s][r] = {};
            if (c < n_chunks && rows[r] < matrix.n_rows)
                tile.w[s][r] = sw_weights_load<FORM>(matrix, rows[r], c);
        }
    }
}

/*
 * A kernel's whole product. The epilogue is a struct with
 *     extra                           what it needs of global memory besides
 *     extra load(unit, token)         is asked for early, so that it is there in the end
 *     void store(own, unit, token, y, extra)     y[R]: the products of the unit's rows; own: the
 *                                     lane's first or second token, 0 or 1
 *     void end(at, lanes)             behind the last one, all threads; may use memory from `at` on
 * of which load and store are called by one lane for each (unit, token).
 *
 * In front of the wait for the kernel before: the first tile of weights into registers, the rows'
 * scales and biases, and the norm's weights to the second cache; all of these no kernel ever
 * writes. Everything else is behind it.
 */
template <sw_gpu_form FORM, sw_gpu_input INPUT, sw_input_kind KIND, int R, int STEPS, int T,
          sw_product_rows ROWS, class EPILOGUE>
SW_DEVICE void sw_product_run(const sw_gpu_matrix &matrix, const sw_input_source &source,
                              uint32_t n_tokens, uint32_t n_units, uint32_t half, uint32_t lanes,
                              EPILOGUE &epilogue)
{
    const sw_input_layout l = sw_input_layout_of<FORM, INPUT>(matrix.n_cols);
    const uint32_t lane = threadIdx.x % SW_WARP, own = lane % lanes;
    const uint32_t units_of_warp = SW_WARP / lanes;
    const uint32_t n_warps = gridDim.x * (blockDim.x / SW_WARP);
    /* Neighbouring units to different blocks: each SM gets its share of a short matrix. */
    uint32_t warp = threadIdx.x / SW_WARP * gridDim.x + blockIdx.x;
    const uint32_t n_turns = (n_units + units_of_warp - 1) / units_of_warp;

    sw_product_tile<FORM, R, STEPS> tile;
    uint32_t rows[R];
    sw_row_facts facts[R];
    uint32_t unit = warp * units_of_warp + lane / lanes;
    auto begin_unit = [&]() {
        SW_UNROLL
        for (int r = 0; r < R; r++) {
            rows[r] = unit < n_units ? sw_product_row<R, ROWS>(unit, r, half) : matrix.n_rows;
            facts[r] = {};
            if (rows[r] < matrix.n_rows)
                facts[r] = sw_row_facts_load<FORM>(matrix, rows[r]);
        }
        sw_product_load(tile, matrix, rows, own, lanes, l.n_chunks);
    };
    begin_unit();
    if constexpr (KIND == SW_INPUT_NORM) { /* its weights were last read a token ago */
        enum : uint32_t { LINE = 128 / sizeof(float) };
        for (uint32_t i = threadIdx.x * LINE; i < matrix.n_cols; i += blockDim.x * LINE)
            sw_prefetch_l2(source.weight + i);
    }
    sw_dependents_launch();
    sw_dependency_wait();

    /* Each lane finishes the tokens own, own + lanes: with 4 lanes and 8 tokens two, else one. */
    const uint32_t tokens[2] = {own, own + lanes};
    constexpr int n_own = T > 4 ? 2 : 1;
    typename EPILOGUE::extra extras[n_own] = {};
    auto load_extras = [&]() {
        SW_UNROLL
        for (int i = 0; i < n_own; i++) {
            if (unit < n_units && tokens[i] < n_tokens)
                extras[i] = epilogue.load(unit, tokens[i]);
        }
    };
    load_extras();
    sw_input_prepare<FORM, INPUT, KIND>(0, l, source, n_tokens);

    uint32_t at[T];
    SW_UNROLL
    for (int t = 0; t < T; t++)
        at[t] = ((uint32_t)t < n_tokens ? (uint32_t)t : n_tokens - 1) * l.token_bytes;
    for (; warp < n_turns; warp += n_warps) {
        sw_sum<INPUT> sums[R][T] = {};
        for (uint32_t first = 0;;) { /* of the chunks; the same in all lanes of the warp */
            SW_UNROLL
            for (int s = 0; s < STEPS; s++) {
                uint32_t from = first + (uint32_t)s * lanes;
                if (from < l.n_chunks)
                    sw_dot_add<FORM, INPUT, R, T>(sums, tile.w[s], at, l, from + own, lanes,
                                                  from + own < l.n_chunks, facts);
            }
            first += STEPS * lanes;
            if (first >= l.n_chunks)
                break;
            sw_product_load(tile, matrix, rows, first + own, lanes, l.n_chunks);
        }
        /* The next rows are on their way while these are finished. */
        uint32_t done = unit;
        sw_row_facts facts_done[R];
        typename EPILOGUE::extra extras_done[n_own];
        SW_UNROLL
        for (int r = 0; r < R; r++)
            facts_done[r] = facts[r];
        SW_UNROLL
        for (int i = 0; i < n_own; i++)
            extras_done[i] = extras[i];
        unit += n_warps * units_of_warp;
        if (warp + n_warps < n_turns) {
            begin_unit();
            load_extras();
        }
        sw_sum<INPUT> totals[n_own][R] = {};
        SW_UNROLL
        for (int t = 0; t < T; t++) {
            SW_UNROLL
            for (int r = 0; r < R; r++) {
                sw_sum<INPUT> total = sw_sum_of_lanes<INPUT>(sums[r][t], lanes);
                SW_UNROLL
                for (int i = 0; i < n_own; i++) {
                    if (tokens[i] == (uint32_t)t)
                        totals[i][r] = total;
                }
            }
        }
        SW_UNROLL
        for (int i = 0; i < n_own; i++) {
            if (done >= n_units || tokens[i] >= n_tokens)
                continue;
            float y[R];
            SW_UNROLL
            for (int r = 0; r < R; r++)
                y[r] =
                    sw_product_of<FORM, INPUT>(totals[i][r], facts_done[r],
                                               tokens[i] * l.token_bytes, l, source.rounds_to_f16);
            epilogue.store(i, done, tokens[i], y, extras_done[i]);
        }
    }
    epilogue.end(n_tokens * l.token_bytes, lanes);
}

#endif
