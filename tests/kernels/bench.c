/* Speed of each kernel. Work is given in operations or bytes, whichever its limit is. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum {
    ROWS = 240,
    WIDTH = 1536, /* columns of x and of a tile */
    TILES = 24,
    OUTPUTS = TILES * SW_TILE,
    S8_BYTES = WIDTH * SW_TILE,
    S4_BYTES = WIDTH / SW_GROUP_S4 * SW_GROUP_BYTES,
};

struct operands_of_benches {
    float *x;                         /* (ROWS, WIDTH) */
    uint16_t *x_bf16;                 /* the same */
    struct sw_rows_s8 blocks, groups; /* the same in bytes, as s8 and s4 take it */
    float *f32;                       /* TILES of each form */
    uint16_t *w16;
    uint8_t *s8, *s4;
    float *scales;             /* of s8 */
    float *y;                  /* (ROWS, OUTPUTS) */
    struct sw_choice *choices; /* (ROWS) */
};

static struct sw_rows_s8 rows_of(size_t block)
{
    size_t n = WIDTH / block;
    return (struct sw_rows_s8){.values = bytes(ROWS * WIDTH),
                               .scales = array(ROWS * n),
                               .biases = bytes(ROWS * n * sizeof(int32_t)),
                               .stride = WIDTH,
                               .block_stride = n,
                               .block = block};
}

static void quantise_rows(const struct sw_kernels *k, const struct sw_rows_s8 *rows, const float *x,
                          size_t n)
{
    k->quantise_s8(rows->values, rows->scales, rows->biases, x, n, rows->block);
}

static void make_operands(struct operands_of_benches *o, const struct sw_kernels *k)
{
    o->x = array(ROWS * WIDTH);
    o->x_bf16 = bytes(ROWS * WIDTH * sizeof *o->x_bf16);
    o->blocks = rows_of(SW_BLOCK_S8);
    o->groups = rows_of(SW_GROUP_S4);
    o->f32 = array(TILES * SW_TILE * WIDTH);
    o->w16 = bytes(TILES * SW_TILE * WIDTH * sizeof *o->w16);
    o->s8 = bytes(TILES * S8_BYTES);
    o->s4 = bytes(TILES * S4_BYTES);
    o->scales = array(OUTPUTS);
    o->y = array(ROWS * OUTPUTS);
    o->choices = bytes(ROWS * sizeof *o->choices);
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        o->x[i] = number();
    k->to_bf16(o->x_bf16, o->x, ROWS * WIDTH);
    quantise_rows(k, &o->blocks, o->x, ROWS * WIDTH);
    quantise_rows(k, &o->groups, o->x, ROWS * WIDTH);
    for (size_t t = 0; t < TILES; t++) {
        const float *rows = o->x + t % (ROWS / SW_TILE) * SW_TILE * WIDTH;
        k->pack_f32(o->f32 + t * SW_TILE * WIDTH, rows, WIDTH, SW_TILE, WIDTH);
        k->pack_w16(o->w16 + t * SW_TILE * WIDTH, rows, WIDTH, SW_TILE, WIDTH);
        k->pack_s8(o->s8 + t * S8_BYTES, o->scales + t * SW_TILE, rows, WIDTH, SW_TILE, WIDTH);
        k->pack_s4(o->s4 + t * S4_BYTES, rows, WIDTH, SW_TILE, WIDTH);
    }
}

/* Bytes of weights where one row is multiplied, which is bound by reading them, else operations. */
static double work_of(size_t m, double tile_bytes)
{
    return m == 1 ? TILES * tile_bytes : 2.0 * (double)m * OUTPUTS * WIDTH;
}

/* As weights are multiplied: something is asked for, here nothing. */
static double gemm_f32(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    const struct sw_ahead nothing = {o->f32, 0};
    k->gemm_f32(o->y, OUTPUTS, o->x, WIDTH, m, o->f32, WIDTH * SW_TILE, TILES, WIDTH, &nothing);
    return work_of(m, 4.0 * WIDTH * SW_TILE);
}

/* As attention multiplies what is in the caches. */
static double gemm_f32_cached(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->gemm_f32(o->y, OUTPUTS, o->x, WIDTH, m, o->f32, WIDTH * SW_TILE, TILES, WIDTH, NULL);
    return 2.0 * (double)m * OUTPUTS * WIDTH;
}

static double gemm_w16(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->gemm_w16(o->y, OUTPUTS, o->x, WIDTH, m, o->w16, WIDTH * SW_TILE, TILES, WIDTH, NULL);
    return work_of(m, 2.0 * WIDTH * SW_TILE);
}

static double gemm_bf16(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->gemm_bf16(o->y, OUTPUTS, o->x_bf16, WIDTH, m, o->w16, WIDTH * SW_TILE, TILES, WIDTH, NULL);
    return work_of(m, 2.0 * WIDTH * SW_TILE);
}

static double gemm_s8(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->gemm_s8(o->y, OUTPUTS, &o->blocks, 0, m, o->s8, S8_BYTES, o->scales, TILES, WIDTH, NULL);
    return work_of(m, S8_BYTES);
}

static double gemm_s4(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->gemm_s4(o->y, OUTPUTS, &o->groups, 0, m, o->s4, S4_BYTES, TILES, WIDTH, NULL, NULL);
    return work_of(m, S4_BYTES);
}

static double rms_norm(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->rms_norm_f32(o->y, o->x, o->x + WIDTH, m, 1e-5f);
    return (double)m;
}

static double softmax(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->softmax_f32(o->y, o->x, m, 0.125f);
    return (double)m;
}

static double silu_mul(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->silu_mul_f32(o->y, SW_TILE, o->x, 2 * SW_TILE, m);
    return (double)m * SW_TILE;
}

static double choose(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->choose_f32(o->choices, 1, o->x, 2 * SW_TILE, m, 2 * SW_TILE, false);
    return (double)m * 2 * SW_TILE;
}

static double choose_and_sum(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->choose_f32(o->choices, 1, o->x, 2 * SW_TILE, m, 2 * SW_TILE, true);
    return (double)m * 2 * SW_TILE;
}

static double quantise(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    quantise_rows(k, &o->blocks, o->x, m);
    return (double)m;
}

static double to_bf16(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->to_bf16(o->x_bf16, o->x, m);
    return (double)m;
}

static double pack_f32(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->pack_f32(o->f32, o->x, m, SW_TILE, m);
    return 4.0 * (double)m * SW_TILE;
}

static double pack_w16(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->pack_w16(o->w16, o->x, m, SW_TILE, m);
    return 4.0 * (double)m * SW_TILE;
}

static double pack_s8(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->pack_s8(o->s8, o->scales, o->x, m, SW_TILE, m);
    return 4.0 * (double)m * SW_TILE;
}

static double pack_s4(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    k->pack_s4(o->s4, o->x, m, SW_TILE, m);
    return 4.0 * (double)m * SW_TILE;
}

static double read(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    *o->y = k->read_f32(o->f32, m);
    return 4.0 * (double)m;
}

static double fma_rounds(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    return k->fma_f32(o->y, m);
}

static double dot_rounds(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    return k->dot_s8(o->y, m);
}

static double dot_bf16_rounds(const struct sw_kernels *k, struct operands_of_benches *o, size_t m)
{
    return k->dot_bf16(o->y, m);
}

/* m: rows of a product, else what the kernel counts. The unit is of work in a nanosecond; products
 * of one row are in GB/s of weights. */
static const struct bench {
    const char *kernel;
    double (*run)(const struct sw_kernels *k, struct operands_of_benches *o, size_t m);
    const char *unit;
    size_t m[4];
} benches[] = {
    {"gemm_f32", gemm_f32, "Gop/s", {1, 4, 16, ROWS}},
    {"gemm_f32_cached", gemm_f32_cached, "Gop/s", {1, 3, 6}},
    {"gemm_w16", gemm_w16, "Gop/s", {1, 4, 16, ROWS}},
    {"gemm_bf16", gemm_bf16, "Gop/s", {1, 4, 16, ROWS}},
    {"gemm_s8", gemm_s8, "Gop/s", {1, 4, 16, ROWS}},
    {"gemm_s4", gemm_s4, "Gop/s", {1, 4, 16, ROWS}},
    {"rms_norm_f32", rms_norm, "floats/ns", {WIDTH}},
    {"softmax_f32", softmax, "floats/ns", {24, WIDTH}},
    {"silu_mul_f32", silu_mul, "floats/ns", {ROWS}},
    {"choose_f32", choose, "floats/ns", {24}},
    {"choose+sum", choose_and_sum, "floats/ns", {24}},
    {"quantise_s8", quantise, "floats/ns", {WIDTH}},
    {"to_bf16", to_bf16, "floats/ns", {WIDTH}},
    {"pack_f32", pack_f32, "GB/s", {WIDTH}},
    {"pack_w16", pack_w16, "GB/s", {WIDTH}},
    {"pack_s8", pack_s8, "GB/s", {WIDTH}},
    {"pack_s4", pack_s4, "GB/s", {WIDTH}},
    {"read_f32", read, "GB/s", {TILES * SW_TILE * WIDTH}},
    {"fma_f32", fma_rounds, "Gop/s", {100000}},
    {"dot_bf16", dot_bf16_rounds, "Gop/s", {100000}},
    {"dot_s8", dot_rounds, "Gop/s", {100000}},
};

/* Best of many short runs: what the kernel can do, not what the machine was busy with. */
static double best_rate(const struct bench *bench, const struct sw_kernels *kernels,
                        struct operands_of_benches *operands, size_t m)
{
    double best = 0, deadline = now() + 0.1;
    do {
        double begin = now(), work = 0;
        do
            work += bench->run(kernels, operands, m);
        while (now() - begin < 1e-4);
        best = fmax(best, work / (now() - begin));
    } while (now() < deadline);
    return best;
}

void bench_level(const struct sw_kernels *kernels)
{
    struct operands_of_benches operands;
    make_operands(&operands, kernels);
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        const struct bench *bench = &benches[i];
        for (size_t j = 0; j < sizeof bench->m / sizeof *bench->m && bench->m[j] > 0; j++)
            printf("%-10s %-12s m=%-7zu %10.2f %s\n", sw_cpu_level_name(kernels->level),
                   bench->kernel, bench->m[j],
                   1e-9 * best_rate(bench, kernels, &operands, bench->m[j]),
                   bench->m[j] == 1 ? "GB/s" : bench->unit);
    }
    free_arrays();
}
