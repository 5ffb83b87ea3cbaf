/*
 * Speed and energy of prefill and decode alone, in the manner of llama-bench: no data set, random
 * token ids, several repetitions, the median told. The machine's own limits are measured between
 * the repetitions, since a shared machine drifts.
 */
#ifndef SW_BENCH_SPEED_H
#define SW_BENCH_SPEED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "meter/meter.h"

enum { SW_SPEED_MAX_REPETITIONS = 1000 };

struct sw_speed_plan {
    const struct sw_backend_api *api;
    enum sw_strategy strategy;
    const char *onnx_graph; /* backend/backend.h, as the next one */
    struct sw_gpu_options gpu;
    const struct sw_model *model;
    struct sw_pool *pool;
    struct sw_meter_set *meters;
    size_t n_prompt;      /* tokens of the prefill row, 0: no such row */
    size_t n_gen;         /* tokens of the decode row, 0: no such row */
    size_t batch;         /* sequences at once, from 1 */
    size_t n_repetitions; /* from 1, after one that is not counted */
    bool (*is_interrupted)(void *ctx);
    void *ctx;
};

/* Appends one object per row to rows (an array): test, backend, strategy, batch, threads, isa,
 * tokens_per_second, tokens_per_second_samples, weight_bytes_per_token, limit_fraction,
 * energy_j_per_token, weights, the limits seen, wait, passes (of n_prompt or n_gen tokens in one
 * repetition: as many as the counters' ticks need), cpu_ns_per_token, runtime and device (null, or
 * what bench/opening.h and bench/device.h say of them). */
enum sw_code sw_speed_measure(const struct sw_speed_plan *plan, json_t *rows, struct sw_error *err);

#endif
