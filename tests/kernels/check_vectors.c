/* Kernels of vectors: norm, softmax, activation, sum, choice, and the machine's limits. */
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

/* scale_f32 and rotate_f32: the definition is C's own arithmetic. */

void check_scale_f32(const struct sw_kernels *kernels)
{
    for (size_t n = 0; n <= 70; n++) {
        float *x = array(n), *y = array(n), *expected = array(n), scale = number();
        for (size_t i = 0; i < n; i++)
            x[i] = number();
        definition()->scale_f32(expected, x, n, scale);
        kernels->scale_f32(y, x, n, scale);
        for (size_t i = 0; i < n; i++) {
            if (!same_bits(y[i], expected[i]) || !same_bits(y[i], x[i] * scale))
                failed("n %zu: y[%zu] is %a, not %a", n, i, (double)y[i], (double)expected[i]);
        }
        n_cases++;
        free_arrays();
    }
}

void check_rotate_f32(const struct sw_kernels *kernels)
{
    enum { ROUNDS = 50, N = 2 * SW_TILE };
    for (int round = 0; round < ROUNDS; round++) {
        float *x = array(N), *angles = array(N), *y = array(N), *expected = array(N);
        for (size_t i = 0; i < N; i++) {
            x[i] = number();
            angles[i] = number();
        }
        definition()->rotate_f32(expected, expected + SW_TILE, x, angles, angles + SW_TILE);
        kernels->rotate_f32(y, y + SW_TILE, x, angles, angles + SW_TILE);
        for (size_t r = 0; r < SW_TILE; r++) {
            double a = (double)x[r], b = (double)x[SW_TILE + r];
            double c = (double)angles[r], s = (double)angles[SW_TILE + r];
            double error = (fabs(a) + fabs(b)) * (fabs(c) + fabs(s)) * 0x1p-22;
            if (!same_bits(y[r], expected[r]) || !same_bits(y[SW_TILE + r], expected[SW_TILE + r]))
                failed("pair %zu differs from the definition", r);
            if (!(fabs((double)y[r] - (a * c - b * s)) <= error) ||
                !(fabs((double)y[SW_TILE + r] - (b * c + a * s)) <= error))
                failed("pair %zu is %a, %a", r, (double)y[r], (double)y[SW_TILE + r]);
        }
        n_cases++;
        free_arrays();
    }
}

/* choose_f32 */

/* What rows are drawn from beside the operands of fill_row. */
static const struct draw {
    float numbers[5];
    uint32_t n;
} draws[] = {
    {{NAN, -NAN}, 2},
    {{1, -1, 0.0f, -0.0f}, 4},
    {{1, -1, 0.0f, -0.0f, NAN}, 5},
    {{0.0f, -0.0f, -1, NAN}, 4},
    {{-INFINITY}, 1},
    {{-INFINITY, -INFINITY, NAN}, 3},
    {{-INFINITY, -FLT_MAX, FLT_MAX}, 3},
    {{-INFINITY, FLT_MAX, INFINITY, NAN}, 4},
};
enum { N_DRAWS = sizeof draws / sizeof *draws };

static void fill_choices(float *row, size_t n, size_t kind)
{
    if (kind < N_OPERANDS) {
        fill_row(row, n, (enum operands)kind);
        return;
    }
    const struct draw *draw = &draws[kind - N_OPERANDS];
    for (size_t i = 0; i < n; i++)
        row[i] = draw->numbers[sw_random_below(&rng, draw->n)];
}

/* The choice against what it says itself, and its sum against double. */
static void check_choice(const struct sw_choice *choice, const float *x, size_t n, bool wants_sum)
{
    double sum = 0, largest = 0, greatest = (double)choice->greatest;
    bool has_index = choice->index >= 0;
    if (choice->index < -1 || choice->index >= (int32_t)n ||
        !same_bits(choice->greatest, has_index ? x[choice->index] : -INFINITY))
        failed("n %zu: choice %d of %g", n, (int)choice->index, greatest);
    for (size_t r = 0; r < n; r++) {
        bool is_before = has_index && r < (size_t)choice->index;
        if (x[r] > choice->greatest || (is_before && x[r] == choice->greatest) ||
            (!has_index && !isnan(x[r])))
            failed("n %zu: %g at %zu, not %g at %d", n, (double)x[r], r, greatest,
                   (int)choice->index);
        sum += exp((double)x[r] - (greatest > (double)-INFINITY ? greatest : 0));
        if (isfinite(x[r]))
            largest = fmax(largest, fmin(greatest - (double)x[r], 88));
    }
    /* A difference is rounded to half a unit, and stands in the exponent; two units of exp,
     * five roundings of the sum. The exponential stops at exp(-87). */
    double bound = sum * FLT_EPSILON * (largest + 6) + 32 * 1.7e-38;
    if (!wants_sum ? choice->sum != 0
                   : isnan(choice->sum) != isnan(sum) || fabs((double)choice->sum - sum) > bound)
        failed("n %zu: sum %.9g, in double %.17g", n, (double)choice->sum, sum);
}

static void check_choices_of(const struct sw_kernels *kernels, size_t m, size_t n, size_t kind)
{
    size_t stride = 2 * SW_TILE + sw_random_below(&rng, 5), choice_stride = 1 + m % 3;
    size_t n_choices = (m - 1) * choice_stride + 1;
    bool wants_sum = sw_random_below(&rng, 4) > 0;
    float *x = array((m - 1) * stride + 2 * SW_TILE);
    struct sw_choice *expected = bytes(n_choices * sizeof *expected);
    struct sw_choice *choices = bytes(n_choices * sizeof *choices);
    for (size_t i = 0; i < m; i++) {
        for (size_t r = n; r < 2 * SW_TILE && i % 2 == 0; r++) /* else NaN */
            x[i * stride + r] = INFINITY;
        fill_choices(&x[i * stride], n, kind);
    }
    definition()->choose_f32(expected, choice_stride, x, stride, m, n, wants_sum);
    kernels->choose_f32(choices, choice_stride, x, stride, m, n, wants_sum);
    for (size_t i = 0; i < m; i++) {
        struct sw_choice *got = &choices[i * choice_stride], *wanted = &expected[i * choice_stride];
        check_choice(got, &x[i * stride], n, wants_sum);
        if (got->index != wanted->index || !same_bits(got->greatest, wanted->greatest) ||
            !same_bits(got->sum, wanted->sum))
            failed("m %zu n %zu kind %zu: %g at %d, sum %a, not %g at %d, sum %a", m, n, kind,
                   (double)got->greatest, (int)got->index, (double)got->sum,
                   (double)wanted->greatest, (int)wanted->index, (double)wanted->sum);
        got->sum = wanted->sum; /* one NaN or another */
    }
    if (memcmp(choices, expected, n_choices * sizeof *choices) != 0)
        failed("m %zu: memory between the choices was written", m);
    n_cases++;
    free_arrays();
}

void check_choose_f32(const struct sw_kernels *kernels)
{
    for (size_t n = 1; n <= 2 * SW_TILE; n++) {
        for (size_t kind = 0; kind < N_OPERANDS + N_DRAWS; kind++) {
            for (size_t m = 1; m <= 25; m += 3 * ROWS_STEP)
                check_choices_of(kernels, m, n, kind);
        }
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
