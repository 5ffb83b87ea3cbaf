/*
 * What one open CPU backend holds. Everything is sized at open; a forward pass allocates nothing.
 * Fields without a remark are written at open and only read afterwards.
 */
#ifndef SW_BACKEND_CPU_ENGINE_H
#define SW_BACKEND_CPU_ENGINE_H

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/matrix.h"
#include "backend/cpu/shares.h"
#include "base/arena.h"

enum {
    /* Up to here every thread repeats the norms, and one head's attention is shared out over
     * threads; above, rows and heads are enough to share out. */
    SW_FEW_TOKENS = 4,
    /* Rows that one product writes to a thread's scratch before they are finished: two blocks of
     * the widest kernel, so that the scratch stays in the first cache. */
    SW_SCRATCH_ROWS = 24,
    /* Rows (tokens times heads of a group) of one piece of attention, if a group has no more. */
    SW_ATTENTION_ROWS = 12,
};

struct sw_cpu_layer {
    float *attention_norm, *mlp_norm; /* (dim) */

    /* Query and key heads, then value heads. A query or key head is head_pairs pairs of tiles: the
     * first of a pair holds 16 rows of the head's first half, the second the rows of the second
     * half that the rotation mixes with them. A value head is head_tiles tiles. */
    struct sw_matrix qkv;
    struct sw_matrix o;       /* (dim, n_heads * head_dim) */
    struct sw_matrix gate_up; /* tiles of gate and up in turn */
    struct sw_matrix down;    /* (dim, hidden_dim) */

    /* The cache is packed like a matrix, so that attention is two products. Written where a token
     * is new, by the thread that computes it. Keys are packed as soon as a tile of positions is
     * full, by the thread that completes it; until then they lie as they came, since each would
     * touch every line of its tile. */
    float *keys;     /* (n_sequences, n_kv_heads, position_tiles, head_dim, 16 positions) */
    float *new_keys; /* (n_sequences, n_kv_heads, 16 positions, head_dim) */
    float *values; /* (n_sequences, n_kv_heads, head_tiles, position_tiles * 16, 16 of head_dim) */
};

/* Tokens of one sequence at neighbouring positions, whose attention is computed at once. */
struct sw_token_block {
    size_t first; /* index in the batch */
    size_t n;
};

/* What a strategy computes with. */
struct sw_cpu_arithmetic {
    const char *name, *weight_dtype, *compute_dtype;
    enum sw_form layers, head;
    enum sw_compute_limit limit;
    bool embedding_is_bf16; /* rows of the embedding are rounded like the matrices */
};

/* Owned by one thread. */
struct sw_cpu_thread {
    float *product;             /* (SW_SCRATCH_ROWS, 32) */
    float *normed;              /* (dim_stride) a row before it takes its form */
    struct sw_rows prepared[2]; /* (SW_FEW_TOKENS) of the layers, of the head */
    void *widened;   /* two widened tiles of the widest matrix, NULL unless a form has them */
    float *key_tile; /* (head_dim, 16) new keys, packed */
    float *scores;   /* (attention_rows, position_tiles * 16) */
    float *mixed;    /* (attention_rows, head_tiles * 16) */
    float *inverses; /* (attention_rows) */
    float *rows;     /* (16, columns of the widest matrix) until the weights are packed */
    uint32_t phase;  /* of the shares, counted */
};

struct sw_backend {
    const struct sw_kernels *kernels;
    struct sw_cpu_arithmetic arithmetic;
    const struct sw_model *model; /* borrowed; embedding rows are read from it */
    struct sw_config config;
    struct sw_backend_options options;
    struct sw_backend_info info;
    int n_threads;

    size_t group;          /* query heads that share a key and value head */
    size_t head_tiles;     /* tiles of a head */
    size_t head_pairs;     /* pairs of tiles of a query or key head */
    size_t qk_tiles;       /* tiles of qkv that hold query and key heads */
    size_t position_tiles; /* tiles of max_positions */
    size_t attention_rows; /* rows of one piece of attention */
    size_t dim_stride, hidden_stride, attention_stride; /* floats between two tokens' rows */

    struct sw_cpu_layer *layers; /* (n_layers) */
    float *final_norm;           /* (dim) */
    struct sw_matrix head;
    float *cosines, *sines; /* (max_positions, head_pairs * 16) */

    /* Activations of a batch; each phase writes its own and barriers lie between. */
    float *x;                      /* (max_batch, dim_stride) residual */
    struct sw_rows prepared[2];    /* (max_batch) inputs of the layers' matrices, of the head's */
    float *q;                      /* (n_kv_heads, max_batch, group, head_dim) */
    float *scores;                 /* (SW_FEW_TOKENS, n_heads, position_tiles * 16) */
    float *attended;               /* (max_batch, attention_stride) */
    float *activated;              /* (max_batch, hidden_stride) silu(gate) * up */
    struct sw_cpu_thread *threads; /* (n_threads) */
    struct sw_share *shares;       /* (n_threads) of the phase under way */
    struct sw_choice *choices;     /* (max_logits, choice_stride), one of each pair of head tiles */
    size_t choice_stride;

    /* The batch under way; written by the caller before the threads start. */
    const struct sw_batch_token *tokens;
    size_t n_tokens, n_wanted, n_blocks;
    size_t *wanted;                /* (max_batch) indices of tokens whose logits are wanted */
    struct sw_token_block *blocks; /* (max_batch) */
    float *logits;                 /* (n_wanted, vocab_size) the caller's; or, where it is NULL: */
    int32_t *ids;                  /* (n_wanted) the caller's */
    double *logprobs;              /* (n_wanted) the caller's, or NULL */

    /* (n_sequences) positions each sequence has, those of the batch counted. */
    uint32_t *n_seen, *n_seen_next;

    struct sw_dynamic *dynamic; /* of quantization_dynamic8bit (dynamic.h), else NULL */

    struct sw_arena weights, cache, scratch;
};

/* The whole pass, called on every thread; ctx is the backend. */
void sw_cpu_forward(void *ctx, int thread);

/* Attention of the batch from q and the cache to attended. Contains barriers. */
void sw_cpu_attend(struct sw_backend *b, const struct sw_cpu_layer *layer, int thread);

/* A thread's way through a phase whose n pieces are shared out. */
static inline struct sw_taker sw_cpu_phase(const struct sw_backend *b, size_t n, int thread)
{
    return sw_shares_begin(b->shares, ++b->threads[thread].phase, n, thread, b->n_threads);
}

/* Asks for memory to be brought to the second cache. gcc takes a function that does nothing else
 * for one without effect, and drops its calls; the empty instruction forbids it. */
static inline void sw_ask_for(const void *memory, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += SW_LINE)
        __builtin_prefetch((const char *)memory + at, 0, 2);
    __asm__ volatile("");
}

/* First float of a cached head: keys (position_tiles, head_dim, 16), of which those of full tiles
 * count; new keys (16, head_dim), of which those behind the last full tile count; values
 * (head_tiles, position_tiles * 16, 16). */
static inline float *sw_cached_keys(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                                    size_t sequence, size_t kv_head)
{
    return layer->keys + (sequence * b->config.n_kv_heads + kv_head) * b->position_tiles *
                             b->config.head_dim * SW_TILE;
}

static inline float *sw_new_keys(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                                 size_t sequence, size_t kv_head)
{
    return layer->new_keys +
           (sequence * b->config.n_kv_heads + kv_head) * SW_TILE * b->config.head_dim;
}

/* Tiles of a sequence's keys that are packed, in a pass whose keys are all there. */
static inline size_t sw_packed_key_tiles(const struct sw_backend *b, size_t sequence)
{
    return b->n_seen[sequence] / SW_TILE;
}

/* The tile behind the packed ones, packed into the thread's own. */
const float *sw_cpu_pack_new_keys(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                                  size_t sequence, size_t kv_head, int thread);

static inline float *sw_cached_values(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                                      size_t sequence, size_t kv_head)
{
    return layer->values + (sequence * b->config.n_kv_heads + kv_head) * b->head_tiles *
                               b->position_tiles * SW_TILE * SW_TILE;
}

/* The queries of a token's heads in one group: (group, head_dim). */
static inline float *sw_queries(const struct sw_backend *b, size_t kv_head, size_t token)
{
    return b->q + (kv_head * b->options.max_batch + token) * b->group * b->config.head_dim;
}

#endif
