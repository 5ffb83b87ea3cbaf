/* One product of a step, between step.cu, which knows the model, and the two files that have the
 * kernels. */
#ifndef SW_BACKEND_CUDA_STEP_JOB_CUH
#define SW_BACKEND_CUDA_STEP_JOB_CUH

#include "backend/cuda/step.cuh"

/* Which product. */
enum sw_step_part {
    SW_STEP_QKV,
    SW_STEP_O,
    SW_STEP_GATE_UP,
    SW_STEP_DOWN,
    SW_STEP_HEAD,
};

struct sw_step_job {
    sw_gpu_matrix matrix;
    const float *norm; /* QKV, GATE_UP, HEAD */
    uint32_t layer;    /* QKV */
    uint32_t n_tokens; /* HEAD: rows of logits */
    uint32_t lanes;    /* of a row; set by the launch */
    sw_head_out out;   /* HEAD */
};

/* job.n_tokens is 1, or more; n_blocks: of the grid. */
cudaError_t sw_step_multiply_one(const sw_step &step, sw_step_part part, const sw_step_job &job,
                                 uint32_t *n_blocks);
cudaError_t sw_step_multiply_few(const sw_step &step, sw_step_part part, const sw_step_job &job,
                                 uint32_t *n_blocks);

#endif
