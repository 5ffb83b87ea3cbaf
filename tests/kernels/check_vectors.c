/* Kernels of vectors: norm, softmax, activation, sum, and the machine's limits. */
#include "check.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/lanes.h"

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
    definition()->rms_norm_f32(expected, x, weight, n, eps);
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

void check_rms_norm_f32(const struct sw_kernels *kernels)
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
    float inverse = definition()->softmax_f32(expected, x, n, scale);
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

void check_softmax_f32(const struct sw_kernels *kernels)
{
    for (size_t n = 1; n <= 130; n++) {
        check_softmax_of(kernels, n, 0.125f, false);
        check_softmax_of(kernels, n, 4.0f, true);
    }
    check_softmax_of(kernels, 2048, 0.125f, true);
}

/* silu_mul_f32 */

void check_silu_mul_f32(const struct sw_kernels *kernels)
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
        definition()->silu_mul_f32(expected, y_stride, x, x_stride, m);
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

void check_add_f32(const struct sw_kernels *kernels)
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
        definition()->add_f32(expected, y_stride, x, x_stride, m, n);
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

/* Sums of ones are exact in any order. */
void check_read_f32(const struct sw_kernels *kernels)
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
void check_fma_f32(const struct sw_kernels *kernels)
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
void check_exp(void)
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
