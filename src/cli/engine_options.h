/* Options that run, bench and generate share, and what they open: pool, model, tokenizer. */
#ifndef SW_CLI_ENGINE_OPTIONS_H
#define SW_CLI_ENGINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/pool.h"
#include "cli/meter_options.h"
#include "cli/options.h"
#include "model/model.h"
#include "text/tokenizer.h"

struct sw_engine_choice {
    const char *model_name, *revision, *backend, *strategy, *wait;
    const char *onnx_graph; /* NULL: the best that can run */
    const char *gpu_mode;   /* NULL: auto */
    uint64_t gpu;           /* of --gpu, which the meters share */
    uint64_t n_threads;     /* 0: the physical cores */
    bool tf32, no_pinning;
};

#define SW_ENGINE_CHOICE_DEFAULT                                                                   \
    {                                                                                              \
        .backend = "base_cpu", .strategy = "none", .wait = "spin-sleep"                            \
    }

/* Entries of an options table; c is a struct sw_engine_choice. */
#define SW_MODEL_OPTION(c, default_text)                                                           \
    {                                                                                              \
        .kind = SW_OPTION_TEXT, .name = "model_name", .letter = 'm', .value = &(c).model_name,     \
        .argument = "NAME",                                                                        \
        .help = "checkpoint folder, hub id, or synthetic:smollm-135m, -360m, -1.7b, or "           \
                "synthetic:LAYERS,DIM,HIDDEN,HEADS,KV_HEADS,VOCAB[,POSITIONS] (" default_text ")"  \
    }
#define SW_ENGINE_OPTIONS(c)                                                                       \
    {.kind = SW_OPTION_TEXT,                                                                       \
     .name = "revision",                                                                           \
     .value = &(c).revision,                                                                       \
     .argument = "REV",                                                                            \
     .help = "branch, tag or commit of a hub model (main)"},                                       \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "backend",                                                                        \
         .value = &(c).backend,                                                                    \
         .argument = "NAME",                                                                       \
         .help =                                                                                   \
             "base_cpu: our engine on the CPU (default); base_gpu: our engine on an NVIDIA GPU, "  \
             "where its plug-in is built; onnx_cpu, onnx_gpu: ONNX Runtime, where it is "          \
             "installed"},                                                                         \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "strategy",                                                                       \
         .value = &(c).strategy,                                                                   \
         .argument = "NAME",                                                                       \
         .help = "none: fp32 (default); quantization: 16-bit weights; quantization16bit: 16-bit "  \
                 "weights and activations; quantization8bit; quantization_dynamic8bit; "           \
                 "quantization4bit; of base_gpu alone quantization8bit_w8a8 and study_fp4"},       \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "onnx_graph",                                                                     \
         .value = &(c).onnx_graph,                                                                 \
         .argument = "NAME",                                                                       \
         .help = "of onnx_cpu and onnx_gpu: fused (default where it can run), plain (default "     \
                 "elsewhere), or exporter, the shape that the study ran"},                         \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "gpu_mode",                                                                       \
         .value = &(c).gpu_mode,                                                                   \
         .argument = "NAME",                                                                       \
         .help = "of base_gpu: graph, a captured graph of kernels for each token; persistent, "    \
                 "one kernel for the whole answer; auto (default), the faster one that can run"},  \
        {.kind = SW_OPTION_FLAG,                                                                   \
         .name = "tf32",                                                                           \
         .value = &(c).tf32,                                                                       \
         .help = "of base_gpu with strategy none: products of many tokens in TF32, which keeps "   \
                 "10 bits of the fraction; recorded"},                                             \
        {.kind = SW_OPTION_COUNT,                                                                  \
         .name = "threads",                                                                        \
         .letter = 't',                                                                            \
         .value = &(c).n_threads,                                                                  \
         .argument = "N",                                                                          \
         .help = "threads (default: the physical cores this process may use)",                     \
         .min = 1,                                                                                 \
         .max = 1024},                                                                             \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "wait",                                                                           \
         .value = &(c).wait,                                                                       \
         .argument = "POLICY",                                                                     \
         .help = "how threads wait: spin-sleep (default), spin, or sleep; recorded, since "        \
                 "spinning spends joules"},                                                        \
    {                                                                                              \
        .kind = SW_OPTION_FLAG, .name = "no_pinning", .value = &(c).no_pinning,                    \
        .help = "leave it to the kernel where threads run"                                         \
    }

/* A choice after its names were checked. */
struct sw_engine_parts {
    const struct sw_backend_api *api;
    enum sw_strategy strategy;
    const char *onnx_graph;
    struct sw_gpu_options gpu;
    struct sw_pool *pool;
    struct sw_model *model;
    struct sw_tokenizer *tokenizer; /* NULL where the folder has none and none was required */
};

/* Checks backend and strategy and starts the threads. */
enum sw_code sw_engine_parts_begin(struct sw_engine_parts *parts,
                                   const struct sw_engine_choice *choice, struct sw_error *err);

/* Whether the choice computes on a GPU, whose joules then count. */
bool sw_engine_choice_uses_gpu(const struct sw_engine_choice *choice);

/* Opens model and tokenizer of a folder or synthetic name. */
enum sw_code sw_engine_parts_load(struct sw_engine_parts *parts, const char *folder_or_synthetic,
                                  bool tokenizer_is_required, struct sw_error *err);
void sw_engine_parts_close(struct sw_engine_parts *parts);

#endif
