/*
 * The one table between an engine and a device: a batch of tokens goes in, logits, or the
 * ids that they lead to, come out. A batch, not a token, crosses it: prefill, decode and decoding
 * many sequences at once are the same call. Only plain C types cross; what a device needs stays in
 * its folder.
 */
#ifndef SW_BACKEND_BACKEND_H
#define SW_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "model/model.h"

/* The study's strategies and those beyond it; the spelling is the study's. */
#define SW_STRATEGIES(X)                                                                           \
    X(SW_STRATEGY_NONE, "none")                                                                    \
    X(SW_STRATEGY_8BIT, "quantization8bit")                                                        \
    X(SW_STRATEGY_16BIT, "quantization16bit")                                                      \
    X(SW_STRATEGY_DYNAMIC_16BIT, "quantization")                                                   \
    X(SW_STRATEGY_8BIT_W8A8, "quantization8bit_w8a8")                                              \
    X(SW_STRATEGY_DYNAMIC_8BIT, "quantization_dynamic8bit")                                        \
    X(SW_STRATEGY_4BIT, "quantization4bit")                                                        \
    X(SW_STRATEGY_STUDY_FP4, "study_fp4")

enum sw_strategy {
#define X(name, text) name,
    SW_STRATEGIES(X)
#undef X
};

bool sw_strategy_parse(enum sw_strategy *out, const char *text);
const char *sw_strategy_name(enum sw_strategy strategy);

/* Whether the result depends on which tokens of a sequence come in one forward call, so that a
 * prompt must come in one: true where a scale is taken from all of a call's activations. */
bool sw_strategy_needs_whole_prompts(enum sw_strategy strategy);

/* Tokens of one prefill call unless asked otherwise: enough to reuse a weight that is in a register
 * or in L2, few enough that the activations stay in the cache, too. */
enum { SW_PREFILL_BLOCK = 256 };

/* Parts of opening that a record tells apart, where a runtime computes for the backend: the graph
 * is looked up or converted; the runtime loads and prepares it. */
enum sw_open_stage { SW_OPEN_CONVERSION, SW_OPEN_SESSION, SW_N_OPEN_STAGES };

/* base_gpu: which GPU, and how. All zero: the first one, the faster mode, no TF32. */
struct sw_gpu_options {
    unsigned index;   /* in the order of the PCI bus, which is NVML's */
    const char *mode; /* how tokens are decoded: "auto", "graph", "persistent"; NULL: auto */
    bool use_tf32;    /* fp32 products of many tokens in TF32; strategy none alone */
};

struct sw_backend_options {
    enum sw_strategy strategy;
    struct sw_pool *pool;   /* borrowed until close; NULL: one thread */
    size_t n_sequences;     /* sequences at once, from 1 */
    size_t max_positions;   /* positions kept per sequence, from 1 to the model's max_positions */
    size_t max_batch;       /* most tokens in one forward call, from 1 */
    size_t max_logits;      /* most tokens with want_logits in one call, from 1 */
    const char *onnx_graph; /* onnx_cpu, onnx_gpu: "fused", "plain", "exporter"; NULL: the best
                               that can run */
    struct sw_gpu_options gpu;
    /* Called at the edges of each stage that the backend has, on the caller's thread; NULL: not. */
    void (*on_stage)(void *ctx, enum sw_open_stage stage, bool is_end);
    void *stage_ctx;
};

struct sw_batch_token {
    int32_t id;        /* 0 to vocab_size - 1 */
    uint32_t position; /* 0 to max_positions - 1; tokens of a sequence come in rising order,
                          each right behind the last one this sequence has seen */
    uint32_t sequence; /* 0 to n_sequences - 1 */
    bool want_logits;
};

/* Which of the machine's limits (backend/limits.h) bounds the products. */
enum sw_compute_limit {
    SW_COMPUTE_FMA_F32,
    SW_COMPUTE_DOT_BF16,
    SW_COMPUTE_DOT_S8,
    SW_COMPUTE_DOT_F16, /* a GPU's, as the next one */
    SW_COMPUTE_DOT_TF32,
};

/* What a device can do at most. */
struct sw_device_rates {
    double read_bytes_per_second;
    double operations_per_second; /* of the kind that the backend's compute_limit names; a
                                     multiply-add counts as two */
};

/* Of a runtime that computes for the backend: what it is, and what opening it took. */
struct sw_runtime_info {
    const char *name;             /* "onnxruntime"; NULL: the backend computes by itself */
    const char *version;          /* "1.32.0" */
    const char *path;             /* of its library */
    const char *graph;            /* "fused", "plain", "exporter" */
    const char *graph_reason;     /* why it is not the fused one; "" where it is */
    const char *operators;        /* that do the products and the attention */
    const char *conversion;       /* why the graph was built now; "": it was in the cache */
    uint64_t conversion_start_ns; /* CLOCK_MONOTONIC: looking into the cache, building the graph */
    uint64_t conversion_end_ns;
    uint64_t session_start_ns, session_end_ns; /* the runtime loads and prepares the graph */
    bool spins;                                /* its threads wait for work without sleeping */
    bool is_pinned;                            /* its threads, each to a processor */
};

/* Of a backend that computes on a GPU of its own. */
struct sw_device_info {
    const char *name;        /* "NVIDIA H100 80GB HBM3", "emulated"; NULL: it computes elsewhere */
    const char *plugin;      /* path of the library that computes */
    const char *mode;        /* "graph", "persistent" */
    const char *mode_reason; /* why not the one asked for, or why auto chose it; "" */
    unsigned index;          /* struct sw_gpu_options */
    int driver, runtime;     /* CUDA versions, 13000 for 13.0 */
    bool uses_tf32;
    bool is_emulated; /* on the CPU, for tests: its times and joules say nothing of a GPU */
};

/* What really runs, for the record. Strings live as long as the backend. */
struct sw_backend_info {
    const char *backend;    /* "base_cpu" */
    const char *arithmetic; /* "f32", "w16_a32", ... as docs/strategies.md explains */
    const char *isa;        /* kernel level that runs: "scalar", "avx2", "sm_90", "emulated" */
    const char *weight_dtype, *compute_dtype, *kv_dtype;
    enum sw_compute_limit compute_limit;
    uint64_t weight_bytes_per_token; /* bytes of weights one decoded token reads, batch 1 */
    uint64_t packed_bytes;           /* memory of the packed weights */
    uint64_t cache_bytes;            /* memory of the KV cache */
    uint64_t scratch_bytes;          /* everything else sized at open */
    struct sw_runtime_info runtime;
    struct sw_device_info device;
};

/* A greedy answer that a backend generates by itself. */
struct sw_backend_answer {
    int32_t id;        /* the newest id, not run yet */
    uint32_t position; /* its position */
    uint32_t sequence;
    size_t max_ids;          /* from 1; position + max_ids is not above max_positions */
    const int32_t *stop_ids; /* (n_stop_ids) the answer ends behind one of these */
    size_t n_stop_ids;       /* to SW_MAX_EOS */

    /* Told of each id as soon as the host knows it, in order; false: the answer ends behind it. The
     * device may be ahead by then: what it has made beyond is thrown away. NULL: nobody asks. */
    bool (*on_id)(void *ctx, int32_t id);
    void *ctx;

    int32_t *ids;        /* (max_ids) out; -1 where no logit is a number, which ends the answer */
    uint64_t *stamps_ns; /* (max_ids) out, CLOCK_MONOTONIC, when the device knew each id */
    double *logprobs;    /* (max_ids) out, or NULL */
    size_t n_ids;        /* out */
};

struct sw_backend; /* opaque; one open model on one device */

struct sw_backend_api {
    const char *name;

    /* Packs the weights and sizes every buffer; nothing is allocated afterwards. A strategy that
     * cannot honestly run here is refused by name with SW_EUNSUPPORTED. The model must outlive the
     * backend. */
    enum sw_code (*open)(struct sw_backend **out, const struct sw_model *model,
                         const struct sw_backend_options *options, struct sw_error *err);

    /* Runs tokens (n_tokens from 1) and writes, in their order, the logits of those that want
     * them: (n_wanted, vocab_size). Refuses a token outside the ranges above. */
    enum sw_code (*forward)(struct sw_backend *backend, const struct sw_batch_token *tokens,
                            size_t n_tokens, float *logits, struct sw_error *err);

    /* As forward, but the greatest logit of each token that wants them is chosen where they are:
     * ids (n_wanted), logprobs (n_wanted) natural log of each id's probability, or NULL. An id is
     * -1 where no logit is a number. NULL: the backend has no such call. */
    enum sw_code (*greedy)(struct sw_backend *backend, const struct sw_batch_token *tokens,
                           size_t n_tokens, int32_t *ids, double *logprobs, struct sw_error *err);

    /* One sequence's greedy answer, token after token, without the host in between. NULL: the
     * backend has no such call. */
    enum sw_code (*decode)(struct sw_backend *backend, struct sw_backend_answer *answer,
                           struct sw_error *err);

    /* One timed repetition of the limits of the device that computes: it reads as many bytes as the
     * weights of a token have, and multiplies and adds in registers alone. NULL: the processors
     * compute, and backend/limits.h measures them. */
    enum sw_code (*measure_limits)(struct sw_backend *backend, struct sw_device_rates *out,
                                   struct sw_error *err);

    /* Forgets what the sequence has seen. */
    void (*reset)(struct sw_backend *backend, uint32_t sequence);

    void (*describe)(const struct sw_backend *backend, struct sw_backend_info *out);
    void (*close)(struct sw_backend *backend);
};

/* The table for "base_cpu", ...; NULL with err filled for a name that is unknown. */
const struct sw_backend_api *sw_backend_find(const char *name, struct sw_error *err);

#endif
