/* What the kernel for whole answers is told by the host, which plans it (persistent.cu). */
#ifndef SW_BACKEND_CUDA_PERSISTENT_LAUNCH_CUH
#define SW_BACKEND_CUDA_PERSISTENT_LAUNCH_CUH

#include "backend/backend.h"
#include "backend/cuda/input.cuh"
#include "backend/cuda/model.cuh"
#include "backend/cuda/persistent_ring.cuh"

enum : uint32_t {
    SW_PERSISTENT_MOST_THREADS = 256, /* one block on an SM: 255 registers for each */
    SW_MOST_COPIES = 4, /* the fewest lanes that a row can have: each of them writes one */
    SW_TOLD_WORDS = 4,  /* of a token, for the host: id, stamp (2), log-probability */
};

/* Where things are in the block's memory, in bytes. */
struct sw_persistent_memory {
    uint32_t sources_at, shapes_at, shares_at;
    uint32_t x_at[2];   /* (dim) floats: the residual in front of a layer's first and second half */
    uint32_t raw_at;    /* floats as they were gathered */
    uint32_t input_at;  /* a product's input, input.cuh */
    uint32_t attend_at; /* floats: q, key, value, cosines, sines */
    uint32_t lists_at;  /* floats, persistent_attention.cuh */
    uint32_t scratch_at;
    uint32_t ring_at, ring_bytes;
    uint32_t total;
};

/* The words of each exchange, persistent_exchange.cuh. */
struct sw_persistent_words {
    uint64_t *qkv;    /* (n_heads + 2 n_kv_heads, head_dim) not rotated */
    uint64_t *parts;  /* (n_heads, parts of this position, head_dim + 2) */
    uint64_t *middle; /* (dim) x behind O; FOUR: (dim, n_kv_heads) what is to be added */
    uint64_t *hidden; /* (hidden_dim) */
    uint64_t *x;      /* (dim) behind down */
    uint64_t *choice; /* 1 whether the host wants the end, then of each block's sw_candidate
                         (n_blocks) greatest logits, (n_blocks) ids, (2, n_blocks) words of the
                         sums, these only where asked for */
};

/* One answer. */
struct sw_persistent_launch {
    sw_gpu_model m;
    sw_persistent_shape shapes[SW_N_PARTS];
    uint32_t lanes[SW_N_PARTS];          /* of a row, sw_product_lanes */
    sw_input_layout layouts[SW_N_PARTS]; /* of each part's input */
    sw_persistent_memory memory;
    sw_persistent_words words; /* the first copy of them */
    uint32_t n_copies;         /* of all words, for readers to share; SW_MOST_COPIES at most */
    uint32_t copy_words;       /* from one copy to the next */
    uint32_t epoch;            /* of the first token's first layer */
    bool is_four;
    uint32_t stretch, n_stretches; /* FIVE: positions of a stretch, and stretches of the answer */
    uint32_t n_lanes;              /* of a key */
    bool is_chunked;
    uint32_t head_layers; /* the last ones, in which the head comes to L2 ahead of the ring */

    int32_t id; /* the first token to run */
    uint32_t position, sequence, max_ids;
    int32_t stop_ids[SW_MAX_EOS];
    uint32_t n_stop_ids;
    bool wants_logprobs;

    uint64_t *told; /* (max_ids, SW_TOLD_WORDS) the host's memory, each half a number, half the
                       epoch of the token's first layer: no order among them is needed */
    const uint32_t *stop; /* the host's memory: not 0 where it wants the end */
    uint32_t *abandoned;
    uint64_t patience_ns;
};

typedef void sw_persistent_function(sw_persistent_launch);

/* The kernel for the model's arithmetic, of the file that has it; NULL: not there. */
sw_persistent_function *sw_persistent_of_floats(const sw_gpu_model &m);
sw_persistent_function *sw_persistent_of_quantized(const sw_gpu_model &m);

#endif
