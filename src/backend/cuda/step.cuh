/*
 * One pass of a few tokens (up to SW_FEW_TOKENS): embed, five kernels a layer, head. Norms, merging
 * of attention's parts and roundings are in the prologue of the product that reads them
 * (input.cuh), all else in the epilogue of the one that makes them:
 *
 *     embed       x = row of the table
 *     qkv         norm of x, product, rotation; query to q, key and value to the cache
 *     attend      q, cache -> parts (attention.cu)
 *     o           merged parts, product, + x -> x
 *     gate_up     norm of x, product, silu(gate) * up -> hidden
 *     down        hidden, product, + x -> x
 *     head        final norm of x, product -> logits and candidates of the greatest
 *
 * Overlap (programmatic dependent launch). Every kernel, right after it has asked for its first
 * weights, says that its successor may begin (sw_dependents_launch), and then waits for its
 * predecessor (sw_dependency_wait) before it reads or writes anything but weights, norms, scales
 * and biases, which no kernel ever writes. Why that is safe:
 *   - The wait ends when the predecessor has ended, all of its blocks, and its writes are to be
 * seen. No block ends before its own wait does. So behind the wait of kernel n, kernels n - 1, n -
 * 2, ... have all ended, back to the first, which is launched plainly and so begins behind
 * everything before it: reads see all earlier writes, and no earlier kernel still reads what is
 * written.
 *   - Several kernels may stand at their waits at once. A kernel begins only when all blocks of its
 *     predecessor have begun, so one that waits never keeps the place of one that it waits for.
 *   - This holds as long as every thread of every kernel in the chain waits, also in blocks that
 * have nothing to do, and returns nowhere before.
 *
 * What it should take on an H100 (SmolLM-135M, bf16, one token), per layer: a phase is the wait's
 * end and the launch behind it (some 0.9 us as measured by others on graphs, less with overlap),
 * then one read of x or the parts from L2 (0.3 us), the sums of the norm (0.15), two barriers
 * (0.05), the product from registers (bf16: some 150 instructions a lane, 0.2) and a store (0.3
 * until seen). Five phases of 1.0 to 1.3 us, the weights of 3.5 M parameters being under way
 * meanwhile (7 MB, 2.1 us at 3.35 TB/s): 5 to 6.5 us a layer, 150 to 195 us for 30, head 57 MB 20
 * us, choice 2 us: 170 to 220 us.
 */
#ifndef SW_BACKEND_CUDA_STEP_CUH
#define SW_BACKEND_CUDA_STEP_CUH

#include "backend/cuda/candidate.cuh"
#include "backend/cuda/input.cuh"
#include "backend/cuda/launch.h"
#include "backend/cuda/model.cuh"
#include "backend/cuda/product.cuh"

enum : uint32_t {
    SW_FEW_TOKENS = 8,
    SW_STEP_THREADS = 512, /* of a block at most */
    SW_STEP_WARPS = SW_STEP_THREADS / SW_WARP,
    SW_STEP_LEAST_WARPS = 4, /* that prepare the input */
    SW_STEP_S8_LANES = 4,    /* of a row of S8B64 with several tokens */
};

/* Where a head's results go. */
struct sw_head_out {
    float *logits;            /* (n_rows, vocab_size); NULL: nobody asks */
    sw_candidate *candidates; /* (n_rows, blocks of the grid); NULL: nobody asks */
};

/* How kernels are launched. */
struct sw_step {
    sw_gpu_model m;
    const sw_gpu_layer *layers; /* (n_layers) the host's copy */
    uint32_t n_sms;
    size_t shared_bytes; /* that a block may have */
    cudaStream_t stream;
    bool is_overlapped;
};

/* Calls call(sw_pair<form, input>()) for the pair of the table; cudaErrorInvalidValue: no such
 * pair. */
#define SW_PAIR_CASE(FORM, INPUT)                                                                  \
    if (form == FORM && input == INPUT)                                                            \
        return call(sw_pair<FORM, INPUT>());
template <class CALL>
static inline cudaError_t sw_for_layer_pair(sw_gpu_form form, sw_gpu_input input, CALL call)
{
    SW_PAIR_CASE(SW_GPU_F32, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_BF16)
    SW_PAIR_CASE(SW_GPU_F16, SW_GPU_IN_F16)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_LLM8)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_S8B64)
    SW_PAIR_CASE(SW_GPU_S4, SW_GPU_IN_F16)
    SW_PAIR_CASE(SW_GPU_FP4, SW_GPU_IN_F32)
    return cudaErrorInvalidValue;
}
template <class CALL>
static inline cudaError_t sw_for_head_pair(sw_gpu_form form, sw_gpu_input input, CALL call)
{
    SW_PAIR_CASE(SW_GPU_F32, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_BF16)
    SW_PAIR_CASE(SW_GPU_F16, SW_GPU_IN_F16)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_S8B64)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_F16)
    return cudaErrorInvalidValue;
}
#undef SW_PAIR_CASE

/* Blocks and threads for n_units of `lanes` threads: one block for each SM, where there is work for
 * it, of as many warps as take everything in one turn. Results do not depend on it. */
struct sw_step_grid {
    uint32_t n_blocks, n_threads;
};
static inline sw_step_grid sw_step_grid_of(uint32_t n_units, uint32_t lanes, uint32_t n_sms)
{
    uint32_t units_of_warp = SW_WARP / lanes;
    uint32_t n_warps = (n_units + units_of_warp - 1) / units_of_warp;
    uint32_t n_blocks = n_warps < n_sms ? n_warps : n_sms;
    uint32_t of_block = (n_warps + n_blocks - 1) / n_blocks;
    if (of_block < SW_STEP_LEAST_WARPS)
        of_block = SW_STEP_LEAST_WARPS;
    if (of_block > SW_STEP_WARPS)
        of_block = SW_STEP_WARPS;
    return {n_blocks, of_block * SW_WARP};
}

/* Lanes of a row; S8B64's results are the same with any, and with several tokens those of a block
 * are fastest: four lanes need no exchange to add its sum. */
template <class PAIR>
static inline uint32_t sw_step_lanes(uint32_t n_cols, uint32_t n_units, uint32_t n_tokens)
{
    if (PAIR::input == SW_GPU_IN_S8B64 && n_tokens > 1)
        return SW_STEP_S8_LANES;
    return sw_product_lanes((n_cols + PAIR::columns - 1) / PAIR::columns, n_units);
}

cudaError_t sw_step_embed(const sw_step &step, uint32_t n_tokens);

/* One product of a layer. */
cudaError_t sw_step_qkv(const sw_step &step, uint32_t layer, uint32_t n_tokens);
cudaError_t sw_step_o(const sw_step &step, uint32_t layer, uint32_t n_tokens);
cudaError_t sw_step_gate_up(const sw_step &step, uint32_t layer, uint32_t n_tokens);
cudaError_t sw_step_down(const sw_step &step, uint32_t layer, uint32_t n_tokens);

/* Rows of logits, candidates of each from n_parts blocks: n_sms at most. */
cudaError_t sw_step_head(const sw_step &step, uint32_t n_rows, const sw_head_out &out,
                         uint32_t *n_parts);

/* All layers: from tokens to x. */
cudaError_t sw_step_layers(const sw_step &step, uint32_t n_tokens);

/* Tokens, up to SW_FEW_TOKENS, whose inputs fit into a block's memory in every product; 0: not even
 * one's. */
uint32_t sw_step_most_tokens(const sw_step &step);

#endif
