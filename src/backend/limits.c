#include "backend/limits.h"

#include <stdlib.h>

#include "backend/cpu/kernels.h"
#include "base/arena.h"
#include "base/clock.h"

enum {
    READ_UNIT = 256,               /* floats; the read kernel takes whole units */
    COMPUTE_NS = 10 * 1000 * 1000, /* one repetition: long against a barrier, short against drift */
};

struct sw_limits {
    const struct sw_kernels *kernels;
    struct sw_pool *pool;
    struct sw_arena arena;
    float *buffer; /* (n_units, READ_UNIT) */
    size_t n_units;
    float *sinks; /* (threads, 32): keeps the compiler from dropping the work */
    double (*compute)(float *sink, size_t n);
    size_t n_rounds;           /* on each thread */
    double operations;         /* of one thread; written by thread 0 */
    uint64_t begin_ns, end_ns; /* by thread 0 */
};

static float *sink_of(const struct sw_limits *limits, int thread)
{
    return limits->sinks + (size_t)thread * 32;
}

static void my_units(const struct sw_limits *limits, int thread, float **begin, size_t *n)
{
    size_t first, last;
    sw_pool_part(&first, &last, limits->n_units, thread, sw_pool_size(limits->pool));
    *begin = limits->buffer + first * READ_UNIT;
    *n = (last - first) * READ_UNIT;
}

static void touch(void *ctx, int thread)
{
    float *begin;
    size_t n;
    my_units(ctx, thread, &begin, &n);
    for (size_t i = 0; i < n; i++)
        begin[i] = 1;
}

/* Thread 0 holds the watch: from all being there to all being done. */
static void start_watch(struct sw_limits *limits, int thread)
{
    sw_pool_barrier(limits->pool, thread);
    if (thread == 0)
        limits->begin_ns = sw_clock_ns();
}

static void stop_watch(struct sw_limits *limits, int thread)
{
    sw_pool_barrier(limits->pool, thread);
    if (thread == 0)
        limits->end_ns = sw_clock_ns();
}

static void read_part(void *ctx, int thread)
{
    struct sw_limits *limits = ctx;
    float *begin;
    size_t n;
    my_units(limits, thread, &begin, &n);
    start_watch(limits, thread);
    *sink_of(limits, thread) = limits->kernels->read_f32(begin, n);
    stop_watch(limits, thread);
}

static void multiply_add(void *ctx, int thread)
{
    struct sw_limits *limits = ctx;
    start_watch(limits, thread);
    double operations = limits->compute(sink_of(limits, thread), limits->n_rounds);
    stop_watch(limits, thread);
    if (thread == 0)
        limits->operations = operations;
}

static double seconds(const struct sw_limits *limits)
{
    uint64_t ns = limits->end_ns - limits->begin_ns;
    return (double)(ns > 0 ? ns : 1) * 1e-9;
}

double sw_limits_read_bytes_per_second(struct sw_limits *limits)
{
    sw_pool_run(limits->pool, read_part, limits);
    return (double)(limits->n_units * READ_UNIT * sizeof(float)) / seconds(limits);
}

double sw_limits_operations_per_second(struct sw_limits *limits)
{
    sw_pool_run(limits->pool, multiply_add, limits);
    return limits->operations * sw_pool_size(limits->pool) / seconds(limits);
}

const char *sw_compute_limit_name(enum sw_compute_limit compute)
{
    static const char *const names[] = {
        [SW_COMPUTE_FMA_F32] = "fma_f32",
        [SW_COMPUTE_DOT_BF16] = "dot_bf16",
        [SW_COMPUTE_DOT_S8] = "dot_s8",
        [SW_COMPUTE_DOT_F16] = "dot_f16",
        [SW_COMPUTE_DOT_TF32] = "dot_tf32",
    };
    return names[compute];
}

enum sw_code sw_limits_open(struct sw_limits **out, struct sw_pool *pool, size_t size_bytes,
                            enum sw_compute_limit compute, struct sw_error *err)
{
    enum sw_cpu_level level;
    *out = NULL;
    enum sw_code code = sw_cpu_level_detect(&level, err);
    if (code != SW_OK)
        return code;
    struct sw_limits *limits = calloc(1, sizeof *limits);
    if (limits == NULL)
        return sw_fail(err, SW_ENOMEM, "limits: out of memory");
    limits->kernels = sw_kernels_of(level);
    limits->compute = compute == SW_COMPUTE_DOT_S8     ? limits->kernels->dot_s8
                      : compute == SW_COMPUTE_DOT_BF16 ? limits->kernels->dot_bf16
                                                       : limits->kernels->fma_f32;
    limits->pool = pool;
    limits->n_units = size_bytes / (READ_UNIT * sizeof(float));
    if (limits->n_units == 0)
        limits->n_units = 1;
    for (int pass = 0; pass < 2 && code == SW_OK; pass++) {
        limits->buffer = sw_arena_take(&limits->arena, limits->n_units, READ_UNIT * sizeof(float));
        limits->sinks =
            sw_arena_take(&limits->arena, (size_t)sw_pool_size(pool), 32 * sizeof(float));
        if (pass == 0)
            code = sw_arena_map(&limits->arena, "buffer to measure the read limit", err);
    }
    if (code != SW_OK) {
        sw_limits_close(limits);
        return code;
    }
    sw_pool_run(pool, touch, limits);
    limits->n_rounds = 1000;
    do {
        limits->n_rounds *= 2;
        sw_limits_operations_per_second(limits);
    } while (limits->end_ns - limits->begin_ns < COMPUTE_NS);
    *out = limits;
    return SW_OK;
}

void sw_limits_close(struct sw_limits *limits)
{
    if (limits == NULL)
        return;
    sw_arena_unmap(&limits->arena);
    free(limits);
}
