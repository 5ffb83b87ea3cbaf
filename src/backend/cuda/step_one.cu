/* The products of a step of one token. */
#include "backend/cuda/step_job.cuh"
#include "backend/cuda/step_kernel.cuh"

cudaError_t sw_step_multiply_one(const sw_step &step, sw_step_part part, const sw_step_job &job,
                                 uint32_t *n_blocks)
{
    return sw_step_multiply<1>(step, part, job, n_blocks);
}
