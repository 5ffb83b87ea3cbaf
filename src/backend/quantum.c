#include "backend/quantum.h"

/* Sums and extremes of so many neighbours run side by side. */
enum { LANES = 16 };

static float sum_of(const float lanes[LANES])
{
    float sum = 0;
    for (size_t r = 0; r < LANES; r++)
        sum += lanes[r];
    return sum;
}

struct sw_range sw_range_of(const float *x, size_t n, size_t step)
{
    float min[LANES] = {0}, max[LANES] = {0}, check[LANES] = {0};
    size_t whole = step == 1 ? n / LANES * LANES : 0;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t r = 0; r < LANES; r++) {
            float value = x[i + r];
            min[r] = value < min[r] ? value : min[r];
            max[r] = value > max[r] ? value : max[r];
            check[r] += value * 0; /* NaN where a number is none */
        }
    }
    for (size_t i = whole; i < n; i++) {
        float value = x[i * step];
        min[0] = value < min[0] ? value : min[0];
        max[0] = value > max[0] ? value : max[0];
        check[0] += value * 0;
    }
    struct sw_range range = {min[0], max[0]};
    for (size_t r = 1; r < LANES; r++)
        sw_range_widen(&range, (struct sw_range){min[r], max[r]});
    if (isnan(sum_of(check)))
        range = (struct sw_range){NAN, NAN};
    return range;
}

struct sw_quantum sw_quantum_of(struct sw_range range)
{
    float width = range.max - range.min;
    if (isnan(width))
        return (struct sw_quantum){.scale = NAN};
    if (width <= SW_S8_LEAST)
        return (struct sw_quantum){.scale = 1};
    float scale = width / 255.0f, zero = -range.min / scale + SW_ROUND - SW_ROUND;
    return (struct sw_quantum){.scale = scale, .zero = zero < 255 ? zero : 255};
}
