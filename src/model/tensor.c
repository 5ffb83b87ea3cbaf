/* Views of a tensor's elements, whatever their storage type. */
#include <string.h>

#include "model/model.h"

const char *sw_dtype_name(enum sw_dtype dtype)
{
    static const char *const names[] = {[SW_F32] = "f32", [SW_F16] = "f16", [SW_BF16] = "bf16"};
    return names[dtype];
}

size_t sw_dtype_size(enum sw_dtype dtype)
{
    return dtype == SW_F32 ? 4 : 2;
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE 754 binary16, exactly. A subnormal is its 10 bits times 2^-24. */
static float from_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 0x1f, mantissa = half & 0x3ff;
    if (exponent == 0) {
        float x = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -x : x;
    }
    if (exponent == 31)
        return from_bits(sign | 0x7f800000 | mantissa << 13);
    return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

void sw_tensor_read(float *out, const struct sw_tensor *tensor, size_t first, size_t n)
{
    const uint16_t *halves = (const uint16_t *)tensor->data_view + first;
    switch (tensor->dtype) {
    case SW_F32:
        memcpy(out, (const float *)tensor->data_view + first, n * sizeof *out);
        break;
    case SW_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = from_f16(halves[i]);
        break;
    case SW_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = from_bits((uint32_t)halves[i] << 16);
        break;
    }
}

float sw_tensor_at(const struct sw_tensor *tensor, size_t i)
{
    float x;
    sw_tensor_read(&x, tensor, i, 1);
    return x;
}
