/*
 * The greatest logit, the log-probability of its id, and the id as the next step's token, all on
 * the device. As engine/sampler.c has it: the lowest id wins a tie; what is not a number is passed
 * over, and the id is -1 where none is one; the log-probability is then, or where any logit is not
 * a number or the greatest is infinite, not a number itself.
 *
 *     head's product, or sw_candidates_kernel over logits     candidates (n_rows, n_parts)
 *     sw_choose_kernel                                        a choice a row, to the host
 *     sw_next_kernel                                          one answer's next token and its
 * record
 */
#ifndef SW_BACKEND_CUDA_CHOICE_CUH
#define SW_BACKEND_CUDA_CHOICE_CUH

#include "backend/cuda/candidate.cuh"
#include "backend/cuda/device.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/model.cuh"

enum { SW_CHOICE_THREADS = 512 };

/* Parts of rows of logits: block = (row, part); candidates (n_rows, n_parts). */
static SW_KERNEL(SW_CHOICE_THREADS) void sw_candidates_kernel(const float *logits, uint32_t n,
                                                              uint32_t n_parts,
                                                              sw_candidate *candidates)
{
    sw_dependents_launch();
    sw_dependency_wait();
    const uint32_t row = blockIdx.x / n_parts, part = blockIdx.x % n_parts;
    const uint32_t first = (uint32_t)((uint64_t)n * part / n_parts);
    const uint32_t last = (uint32_t)((uint64_t)n * (part + 1) / n_parts);
    const uint32_t warp = threadIdx.x / SW_WARP, n_warps = blockDim.x / SW_WARP;
    const float *own = logits + (size_t)row * n;
    sw_candidate c = sw_candidate_none();
    for (uint32_t i = first + threadIdx.x; i < last; i += blockDim.x)
        sw_candidate_add(c, own[i], (int32_t)i);
    c = sw_candidate_of_lanes(c, 1, SW_WARP);
    sw_shared<sw_candidate> of_warps = sw_shared_take<sw_candidate>(0);
    if (threadIdx.x % SW_WARP == 0)
        of_warps[warp] = c;
    sw_sync_block();
    if (warp == 0) {
        c = sw_candidate_none();
        if (threadIdx.x < n_warps)
            c = of_warps[threadIdx.x];
        c = sw_candidate_of_lanes(c, 1, SW_WARP);
        if (threadIdx.x == 0)
            candidates[blockIdx.x] = c;
    }
}

/* One row's candidates merged by a warp. */
SW_DEVICE sw_candidate sw_candidates_merge(const sw_candidate *candidates, uint32_t n_parts)
{
    sw_candidate c = sw_candidate_none();
    for (uint32_t i = threadIdx.x % SW_WARP; i < n_parts; i += SW_WARP)
        c = sw_candidate_merge(c, candidates[i]);
    return sw_candidate_of_lanes(c, 1, SW_WARP);
}

struct sw_choice {
    int32_t id;
    float logprob;
};

/* A block of one warp for each row; choices in memory that the host maps. */
static SW_KERNEL(SW_WARP) void sw_choose_kernel(const sw_candidate *candidates, uint32_t n_parts,
                                                sw_choice *choices)
{
    sw_dependents_launch();
    sw_dependency_wait();
    sw_candidate c = sw_candidates_merge(candidates + (size_t)blockIdx.x * n_parts, n_parts);
    if (threadIdx.x == 0)
        choices[blockIdx.x] = {c.id, sw_candidate_logprob(c)};
}

enum { SW_ANSWER_STOPS = 16 }; /* SW_MAX_EOS */

/* An answer under way, on the device. */
struct sw_answer_state {
    int32_t stop_ids[SW_ANSWER_STOPS];
    uint32_t n_stop_ids, max_ids;
    uint32_t n_ids;
    uint32_t is_over; /* further steps repeat the last one: they write what is there already */
};

/* One id of it, as the host reads it. */
struct sw_answer_entry {
    uint64_t stamp_ns; /* of the device's clock */
    int32_t id;
    float logprob;
};

/* In memory that the host maps. */
struct sw_answer_record {
    uint32_t *n_ready;        /* entries that are whole; written behind them */
    sw_answer_entry *entries; /* (max_positions) */
};

/*
 * A block of one warp: chooses, tells the host, and makes the id the next step's token. Behind the
 * last id, or one that ends the answer, nothing moves any more: a step that the host had asked for
 * by then runs the same token at the same position again, whose key and value are the same, and its
 * choice is dropped here.
 */
static SW_KERNEL(SW_WARP) void sw_next_kernel(const sw_candidate *candidates, uint32_t n_parts,
                                              sw_gpu_token *token, sw_answer_state *state,
                                              sw_answer_record record)
{
    sw_dependents_launch();
    sw_dependency_wait();
    const uint32_t lane = threadIdx.x;
    /* What is needed behind the merge is asked for in front of it. */
    const uint32_t is_over = state->is_over, n_ids = state->n_ids, max_ids = state->max_ids;
    const bool has_stop = lane < SW_ANSWER_STOPS && lane < state->n_stop_ids;
    const int32_t stop = has_stop ? state->stop_ids[lane] : -1;
    const uint32_t position = token->position;
    const sw_candidate c = sw_candidates_merge(candidates, n_parts);
    const bool ends = sw_ballot(has_stop && stop == c.id) != 0 || c.id < 0 || n_ids + 1 >= max_ids;
    if (lane != 0 || is_over)
        return;
    if (!ends) {
        token->id = c.id;
        token->position = position + 1;
    }
    state->n_ids = n_ids + 1;
    state->is_over = ends;
    record.entries[n_ids] = {sw_device_ns(), c.id, sw_candidate_logprob(c)};
    sw_store_release_system(record.n_ready, n_ids + 1);
}

#endif
