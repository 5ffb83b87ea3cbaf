/*
 * Every kernel of every level that this program has and this machine can run, against the scalar
 * definition: equal bits over all tails, with memory that ends where the arguments end, poisoned
 * padding, and a bound against double precision that follows from the number of roundings. Output
 * is TAP. Without cmocka, because the same program also runs emulated and for another architecture
 * (rules.mk).
 *
 *     test_kernels          checks; SW_SEED=n for other numbers
 *     test_kernels --bench  speed of each kernel at each level
 */
#include <float.h>
#include <stdarg.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "backend/cpu/kernels.h"
#include "backend/cpu/lanes.h"
#include "base/random.h"

static struct sw_random rng = {.seed = 20261123};
static size_t n_cases;          /* of the check under way */
static char first_failure[256]; /* "" while all is well */

__attribute__((format(printf, 1, 2))) static void failed(const char *format, ...)
{
    if (first_failure[0] != 0)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(first_failure, sizeof first_failure, format, args);
    va_end(args);
}

/* Arrays whose last element is the last before an unreadable page: one float too far is a crash. */
enum { N_ARRAYS = 8 };
static struct {
    void *map;
    size_t size;
} arrays[N_ARRAYS];
static size_t n_arrays;

static float *array(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (n * sizeof(float) + page - 1) / page * page;
    unsigned char *map =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || n_arrays == N_ARRAYS || mprotect(map + size, page, PROT_NONE) != 0) {
        printf("Bail out! no memory\n");
        exit(1);
    }
    arrays[n_arrays].map = map;
    arrays[n_arrays++].size = size + page;
    float *floats = (float *)(void *)(map + size) - n;
    for (size_t i = 0; i < n; i++)
        floats[i] = NAN;
    return floats;
}

static void free_arrays(void)
{
    while (n_arrays > 0) {
        n_arrays--;
        munmap(arrays[n_arrays].map, arrays[n_arrays].size);
    }
}

/* Signed, over some powers of two, now and then an exact zero. */
static float number(void)
{
    if (sw_random_below(&rng, 50) == 0)
        return sw_random_below(&rng, 2) ? 0.0f : -0.0f;
    float x = (float)(2 * sw_random_unit(&rng) - 1);
    return ldexpf(x, (int)sw_random_below(&rng, 5) - 2);
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

/* gemm_f32 */

enum { MOST_ROWS = 17, MOST_TILES = 5 };

/* One set of operands, defined once and then asked for in every smaller size. */
struct product {
    size_t m, n_tiles, k, x_stride, tile_stride;
    float *x, *tiles, *expected; /* expected: (m, n_tiles * 16) */
};

static void bound_product(const struct product *p)
{
    for (size_t i = 0; i < p->m; i++) {
        for (size_t n = 0; n < p->n_tiles * SW_TILE; n++) {
            double sum = 0, sum_abs = 0;
            for (size_t c = 0; c < p->k; c++) {
                double term =
                    (double)p->x[i * p->x_stride + c] *
                    (double)p->tiles[n / SW_TILE * p->tile_stride + c * SW_TILE + n % SW_TILE];
                sum += term;
                sum_abs += fabs(term);
            }
            /* k roundings of partial sums, none larger than sum_abs, half an epsilon each; twice
             * that for the growth of the error itself. */
            double bound = (double)p->k * FLT_EPSILON * sum_abs;
            double got = (double)p->expected[i * p->n_tiles * SW_TILE + n];
            if (!(fabs(got - sum) <= bound))
                failed("row %zu output %zu of k %zu: %.9g, in double %.17g", i, n, p->k, got, sum);
        }
    }
}

static void make_product(struct product *p, size_t m, size_t n_tiles, size_t k)
{
    *p = (struct product){.m = m, .n_tiles = n_tiles, .k = k};
    p->x_stride = k + sw_random_below(&rng, 9);
    p->tile_stride = k * SW_TILE + sw_random_below(&rng, 9);
    p->x = array((m - 1) * p->x_stride + k);
    p->tiles = array((n_tiles - 1) * p->tile_stride + k * SW_TILE);
    p->expected = array(m * n_tiles * SW_TILE);
    for (size_t i = 0; i < m; i++) {
        for (size_t c = 0; c < k; c++)
            p->x[i * p->x_stride + c] = number();
    }
    for (size_t t = 0; t < n_tiles; t++) {
        for (size_t c = 0; c < k * SW_TILE; c++)
            p->tiles[t * p->tile_stride + c] = number();
    }
    sw_kernels_scalar.gemm_f32(p->expected, n_tiles * SW_TILE, p->x, p->x_stride, m, p->tiles,
                               p->tile_stride, n_tiles, k);
    bound_product(p);
}

/* The last m rows and n_tiles tiles, so that reading too far would be seen. */
static void compare_product(const struct sw_kernels *kernels, const struct product *p, size_t m,
                            size_t n_tiles)
{
    const float canary = 12345.0f;
    size_t n = n_tiles * SW_TILE, y_stride = n + sw_random_below(&rng, 3) * 8;
    size_t row = p->m - m, tile = p->n_tiles - n_tiles, size = (m - 1) * y_stride + n;
    size_t kept = n_arrays;
    float *y = array(size);
    for (size_t i = 0; i < size; i++)
        y[i] = canary;
    kernels->gemm_f32(y, y_stride, p->x + row * p->x_stride, p->x_stride, m,
                      p->tiles + tile * p->tile_stride, p->tile_stride, n_tiles, p->k);
    for (size_t at = 0; at < size; at++) {
        size_t i = at / y_stride, j = at % y_stride;
        float expected =
            j < n ? p->expected[(row + i) * p->n_tiles * SW_TILE + tile * SW_TILE + j] : canary;
        if (!same_bits(y[at], expected))
            failed("m %zu tiles %zu k %zu: y[%zu][%zu] is %a, not %a", m, n_tiles, p->k, i, j,
                   (double)y[at], (double)expected);
    }
    n_cases++;
    n_arrays--;
    munmap(arrays[kept].map, arrays[kept].size);
}

static void check_gemm_f32(const struct sw_kernels *kernels)
{
    struct product p;
    for (size_t k = 1; k <= 130; k++) {
        make_product(&p, MOST_ROWS, MOST_TILES, k);
        for (size_t m = 1; m <= MOST_ROWS; m++) {
            for (size_t n_tiles = 1; n_tiles <= MOST_TILES; n_tiles++)
                compare_product(kernels, &p, m, n_tiles);
        }
        free_arrays();
    }
    /* Deeper than a block of columns, more rows than two blocks, nothing to add up. */
    const size_t large[][3] = {{1, 3, 576}, {29, 4, 1536}, {13, 2, 2048}, {7, 3, 4999}, {3, 2, 0}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        make_product(&p, large[i][0], large[i][1], large[i][2]);
        compare_product(kernels, &p, large[i][0], large[i][1]);
        free_arrays();
    }
}

/* rms_norm_f32 */

static void check_norm_of(const struct sw_kernels *kernels, size_t n)
{
    const float eps = 1e-5f;
    float *x = array(n), *weight = array(n), *expected = array(n), *y = array(n);
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = number();
        weight[i] = number();
        squares += (double)x[i] * (double)x[i];
    }
    sw_kernels_scalar.rms_norm_f32(expected, x, weight, n, eps);
    kernels->rms_norm_f32(y, x, weight, n, eps);
    for (size_t i = 0; i < n; i++) {
        double exact = (double)x[i] * (double)weight[i] / sqrt(squares / (double)n + (double)eps);
        /* n / 16 + 4 roundings of the sum, halved by the root; seven more on the way. */
        double bound = ((double)n / 16 + 12) * FLT_EPSILON * fabs(exact);
        if (!same_bits(y[i], expected[i]))
            failed("n %zu: y[%zu] is %a, not %a", n, i, (double)y[i], (double)expected[i]);
        if (!(fabs((double)y[i] - exact) <= bound))
            failed("n %zu: y[%zu] is %.9g, in double %.17g", n, i, (double)y[i], exact);
    }
    n_cases++;
    free_arrays();
}

static void check_rms_norm_f32(const struct sw_kernels *kernels)
{
    for (size_t n = 1; n <= 130; n++)
        check_norm_of(kernels, n);
    check_norm_of(kernels, 576);
    check_norm_of(kernels, 8191);
}

/* softmax_f32 */

static void check_softmax_of(const struct sw_kernels *kernels, size_t n, float scale, bool in_place)
{
    size_t padded = (n + SW_TILE - 1) / SW_TILE * SW_TILE;
    float *x = array(padded), *expected = array(padded), *y = array(padded);
    double max = -INFINITY, largest = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = 20 * number();
        max = fmax(max, (double)x[i] * (double)scale);
        largest = fmax(largest, fabs((double)x[i] * (double)scale));
    }
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] * (double)scale - max);
    float inverse = sw_kernels_scalar.softmax_f32(expected, x, n, scale);
    if (in_place)
        memcpy(y, x, padded * sizeof *y);
    float got = kernels->softmax_f32(y, in_place ? y : x, n, scale);
    if (!same_bits(got, inverse))
        failed("n %zu: inverse %a, not %a", n, (double)got, (double)inverse);
    for (size_t i = 0; i < padded; i++) {
        if (!same_bits(y[i], expected[i]) || (i >= n && y[i] != 0))
            failed("n %zu: y[%zu] is %a, not %a", n, i, (double)y[i], (double)expected[i]);
    }
    for (size_t i = 0; i < n; i++) {
        double exact = exp((double)x[i] * (double)scale - max) / sum;
        /* Roundings of the scaled values (each up to largest) stand in the exponent; the rest are
         * relative: two units of exp, n / 16 + 4 of the sum, the inverse, its product here. The
         * exponential stops at exp(-87). */
        double bound = exact * FLT_EPSILON * (4 * largest + (double)n / 16 + 10) + 1.7e-38;
        if (!(fabs((double)y[i] * (double)got - exact) <= bound))
            failed("n %zu: weight %zu is %.9g, in double %.17g", n, i, (double)y[i] * (double)got,
                   exact);
    }
    n_cases++;
    free_arrays();
}

static void check_softmax_f32(const struct sw_kernels *kernels)
{
    for (size_t n = 1; n <= 130; n++) {
        check_softmax_of(kernels, n, 0.125f, false);
        check_softmax_of(kernels, n, 4.0f, true);
    }
    check_softmax_of(kernels, 2048, 0.125f, true);
}

/* silu_mul_f32 */

static void check_silu_mul_f32(const struct sw_kernels *kernels)
{
    const float special[] = {0.0f,   -0.0f,  87.0f, -87.0f, 88.0f,    -88.0f,    89.0f, -89.0f,
                             200.0f, -200.f, 1e30f, -1e30f, FLT_MIN,  -FLT_MIN,  NAN,   INFINITY,
                             1.0f,   -1.0f,  1e-9f, -1e-9f, INFINITY, -INFINITY, 5.0f,  -5.0f};
    const size_t n_special = sizeof special / sizeof *special;
    for (size_t m = 1; m <= 17; m++) {
        size_t x_stride = 32 + sw_random_below(&rng, 5), y_stride = 16 + sw_random_below(&rng, 5);
        float *x = array((m - 1) * x_stride + 32);
        float *y = array((m - 1) * y_stride + 16), *expected = array((m - 1) * y_stride + 16);
        for (size_t i = 0; i < m; i++) {
            for (size_t r = 0; r < 32; r++)
                x[i * x_stride + r] =
                    m > 8 && r < 16 ? special[(i * 16 + r) % n_special] : 10 * number();
        }
        sw_kernels_scalar.silu_mul_f32(expected, y_stride, x, x_stride, m);
        kernels->silu_mul_f32(y, y_stride, x, x_stride, m);
        for (size_t i = 0; i < (m - 1) * y_stride + 16; i++) {
            if (!same_bits(y[i], expected[i]))
                failed("m %zu: y[%zu] is %a, not %a", m, i, (double)y[i], (double)expected[i]);
        }
        for (size_t i = 0; i < m && m <= 8; i++) {
            for (size_t r = 0; r < 16; r++) {
                double g = (double)x[i * x_stride + r], u = (double)x[i * x_stride + 16 + r];
                double exact = g / (1 + exp(-g)) * u;
                if (!(fabs((double)y[i * y_stride + r] - exact) <= 6 * FLT_EPSILON * fabs(exact)))
                    failed("silu(%a) * %a is %a, in double %a", g, u, (double)y[i * y_stride + r],
                           exact);
            }
        }
        n_cases++;
        free_arrays();
    }
}

/* add_f32: one rounding, so equal bits are all there is to check. */

static void check_add_f32(const struct sw_kernels *kernels)
{
    for (size_t m = 1; m <= 17; m++) {
        size_t n = SW_TILE * (1 + sw_random_below(&rng, 3));
        size_t x_stride = m % 3 == 0 ? 0 : n + sw_random_below(&rng, 5);
        size_t y_stride = n + sw_random_below(&rng, 5), size = (m - 1) * y_stride + n;
        float *x = array((m - 1) * x_stride + n), *y = array(size), *expected = array(size);
        for (size_t i = 0; i < (m - 1) * x_stride + n; i++)
            x[i] = number();
        for (size_t i = 0; i < size; i++)
            y[i] = expected[i] = number();
        sw_kernels_scalar.add_f32(expected, y_stride, x, x_stride, m, n);
        kernels->add_f32(y, y_stride, x, x_stride, m, n);
        for (size_t i = 0; i < size; i++) {
            if (!same_bits(y[i], expected[i]))
                failed("m %zu n %zu: y[%zu] is %a, not %a", m, n, i, (double)y[i],
                       (double)expected[i]);
        }
        n_cases++;
        free_arrays();
    }
}

/* pack_f32 */

static void check_pack_f32(const struct sw_kernels *kernels)
{
    for (size_t n_rows = 1; n_rows <= SW_TILE; n_rows++) {
        for (size_t k = 1; k <= 70; k++) {
            size_t row_stride = k + sw_random_below(&rng, 5);
            float *rows = array((n_rows - 1) * row_stride + k);
            float *tile = array(k * SW_TILE), *expected = array(k * SW_TILE);
            for (size_t i = 0; i < (n_rows - 1) * row_stride + k; i++)
                rows[i] = number();
            sw_kernels_scalar.pack_f32(expected, rows, row_stride, n_rows, k);
            kernels->pack_f32(tile, rows, row_stride, n_rows, k);
            for (size_t i = 0; i < k * SW_TILE; i++) {
                size_t c = i / SW_TILE, r = i % SW_TILE;
                float exact = r < n_rows ? rows[r * row_stride + c] : 0;
                if (!same_bits(tile[i], exact) || !same_bits(expected[i], exact))
                    failed("%zu rows of %zu: tile[%zu][%zu] is %a, not %a", n_rows, k, c, r,
                           (double)tile[i], (double)exact);
            }
            n_cases++;
            free_arrays();
        }
    }
}

/* Sums of ones are exact in any order. */
static void check_read_f32(const struct sw_kernels *kernels)
{
    for (size_t n = 0; n <= 4096; n += 256) {
        float *x = array(n);
        for (size_t i = 0; i < n; i++)
            x[i] = 1;
        float sum = kernels->read_f32(x, n);
        if (sum != (float)n)
            failed("sum of %zu ones is %g", n, (double)sum);
        n_cases++;
        free_arrays();
    }
}

/* x / 2 + 1 goes to 2: after enough rounds every sum of the kernel is 2. */
static void check_fma_f32(const struct sw_kernels *kernels)
{
    float sink = 0;
    double one = kernels->fma_f32(&sink, 1), many = kernels->fma_f32(&sink, 100);
    if (many != 100 * one || one < 2 * SW_TILE)
        failed("%g operations in a round, %g in 100", one, many);
    if (sink != 2.0f * (float)(one / 2))
        failed("sum of %g chains is %g", one / 2, (double)sink);
    n_cases++;
}

/* The exponential itself, in units in the last place. */
static void check_exp(void)
{
    double worst = 0;
    for (uint32_t bits = 0; bits < 0x42b00000u; bits += 1009) { /* 0 to 88 */
        for (int sign = 0; sign < 2; sign++) {
            float x;
            memcpy(&x, &bits, sizeof x);
            x = sign ? -x : x;
            if (x < SW_EXP_MIN)
                continue;
            double exact = exp((double)x);
            double unit = ldexp(1, ilogb(exact) - 23);
            double error = fabs((double)sw_expf(x) - exact) / unit;
            worst = error > worst ? error : worst;
            n_cases++;
        }
    }
    if (!(worst <= 0.9))
        failed("exp is off by %.3f units in the last place", worst);
    if (!isnan(sw_expf(NAN)) || sw_expf(-INFINITY) != sw_expf(SW_EXP_MIN) ||
        sw_expf(INFINITY) != sw_expf(SW_EXP_MAX))
        failed("exp of NaN or infinity");
}

static int n_tests, n_failed;

static void report(const char *what, const char *level)
{
    bool ok = first_failure[0] == 0 && n_cases > 0;
    n_tests++;
    n_failed += !ok;
    printf("%s %d - %s %s: %zu cases\n", ok ? "ok" : "not ok", n_tests, what, level, n_cases);
    if (!ok)
        printf("# %s\n", n_cases > 0 ? first_failure : "no case ran");
    first_failure[0] = 0;
    n_cases = 0;
}

static bool can_run(enum sw_cpu_level level)
{
#ifdef SW_EMULATED
    return level != SW_CPU_NEON;
#else
    return level <= sw_cpu_level_machine();
#endif
}

static void check_level(const struct sw_kernels *kernels, enum sw_cpu_level level)
{
    const char *name = sw_cpu_level_name(level);
    if (kernels->level != level)
        failed("the table says %s", sw_cpu_level_name(kernels->level));
    n_cases++;
    report("level", name);
#define X(type, kernel, arguments)                                                                 \
    check_##kernel(kernels);                                                                       \
    report(#kernel, name);
    SW_KERNELS(X)
#undef X
}

/* Speed of each kernel. Work is given in operations or bytes, whichever its limit is. */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { BENCH_ROWS = 240, BENCH_WIDTH = 1536, BENCH_TILES = 24 };

struct bench {
    const char *kernel;
    const char *unit; /* of work, a nanosecond */
    double (*run)(const struct sw_kernels *k, float *a, float *b, float *c); /* returns work */
};

static double bench_decode(const struct sw_kernels *k, float *a, float *b, float *c)
{
    k->gemm_f32(c, BENCH_TILES * SW_TILE, a, BENCH_WIDTH, 1, b, BENCH_WIDTH * SW_TILE, BENCH_TILES,
                BENCH_WIDTH);
    return 4.0 * BENCH_TILES * SW_TILE * BENCH_WIDTH;
}

static double bench_prefill(const struct sw_kernels *k, float *a, float *b, float *c)
{
    k->gemm_f32(c, BENCH_TILES * SW_TILE, a, BENCH_WIDTH, BENCH_ROWS, b, BENCH_WIDTH * SW_TILE,
                BENCH_TILES, BENCH_WIDTH);
    return 2.0 * BENCH_ROWS * BENCH_TILES * SW_TILE * BENCH_WIDTH;
}

static double bench_norm(const struct sw_kernels *k, float *a, float *b, float *c)
{
    k->rms_norm_f32(c, a, b, BENCH_WIDTH, 1e-5f);
    return BENCH_WIDTH;
}

static double bench_softmax(const struct sw_kernels *k, float *a, float *b, float *c)
{
    (void)b;
    k->softmax_f32(c, a, BENCH_WIDTH, 0.125f);
    return BENCH_WIDTH;
}

static double bench_silu(const struct sw_kernels *k, float *a, float *b, float *c)
{
    (void)b;
    k->silu_mul_f32(c, SW_TILE, a, 2 * SW_TILE, BENCH_ROWS);
    return BENCH_ROWS * SW_TILE;
}

static double bench_pack(const struct sw_kernels *k, float *a, float *b, float *c)
{
    (void)c;
    k->pack_f32(b, a, BENCH_WIDTH, SW_TILE, BENCH_WIDTH);
    return 8.0 * BENCH_WIDTH * SW_TILE;
}

static double bench_read(const struct sw_kernels *k, float *a, float *b, float *c)
{
    (void)a;
    *c = k->read_f32(b, BENCH_TILES * SW_TILE * BENCH_WIDTH);
    return 4.0 * BENCH_TILES * SW_TILE * BENCH_WIDTH;
}

static double bench_fma(const struct sw_kernels *k, float *a, float *b, float *c)
{
    (void)a;
    (void)b;
    return k->fma_f32(c, 100000);
}

static const struct bench benches[] = {
    {"gemm_f32 m=1", "GB/s", bench_decode},    {"gemm_f32 m=240", "Gflop/s", bench_prefill},
    {"rms_norm_f32", "floats/ns", bench_norm}, {"softmax_f32", "floats/ns", bench_softmax},
    {"silu_mul_f32", "floats/ns", bench_silu}, {"pack_f32", "GB/s", bench_pack},
    {"read_f32", "GB/s", bench_read},          {"fma_f32", "Gflop/s", bench_fma},
};

/* Best of many short runs: what the kernel can do, not what the machine was busy with. */
static void bench_level(const struct sw_kernels *kernels)
{
    float *a = array(BENCH_ROWS * BENCH_WIDTH), *b = array(BENCH_TILES * SW_TILE * BENCH_WIDTH);
    float *c = array(BENCH_ROWS * BENCH_TILES * SW_TILE);
    for (size_t i = 0; i < BENCH_ROWS * BENCH_WIDTH; i++)
        a[i] = number();
    for (size_t i = 0; i < BENCH_TILES * SW_TILE * BENCH_WIDTH; i++)
        b[i] = number();
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        double best = 0, deadline = now() + 0.5;
        do {
            double begin = now(), work = 0;
            do
                work += benches[i].run(kernels, a, b, c);
            while (now() - begin < 1e-4);
            best = fmax(best, work / (now() - begin));
        } while (now() < deadline);
        printf("%-8s %-16s %10.2f %s\n", sw_cpu_level_name(kernels->level), benches[i].kernel,
               best * 1e-9, benches[i].unit);
    }
    free_arrays();
}

int main(int argc, char **argv)
{
    const enum sw_cpu_level levels[] = {SW_CPU_SCALAR, SW_CPU_AVX2, SW_CPU_AVX512, SW_CPU_NEON};
    bool is_bench = argc > 1 && strcmp(argv[1], "--bench") == 0;
    if (getenv("SW_SEED") != NULL)
        rng.seed = strtoull(getenv("SW_SEED"), NULL, 10);
    printf("# seed %llu\n", (unsigned long long)rng.seed);
    if (!is_bench) {
        check_exp();
        report("exp", "scalar");
    }
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        const struct sw_kernels *kernels = sw_kernels_of(levels[i]);
        if (kernels == NULL)
            continue;
        if (!can_run(levels[i]))
            printf("ok %d - %s # SKIP this machine lacks it\n", ++n_tests,
                   sw_cpu_level_name(levels[i]));
        else if (is_bench)
            bench_level(kernels);
        else
            check_level(kernels, levels[i]);
    }
    if (is_bench)
        return 0;
    printf("1..%d\n", n_tests);
    return n_failed > 0 || n_tests == 0;
}
