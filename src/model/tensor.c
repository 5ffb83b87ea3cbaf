/* Views of a tensor's elements, whatever their storage type. */
#include <string.h>

#include "base/half.h"
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

void sw_tensor_read(float *out, const struct sw_tensor *tensor, size_t first, size_t n)
{
    const uint16_t *halves = (const uint16_t *)tensor->data_view + first;
    switch (tensor->dtype) {
    case SW_F32:
        memcpy(out, (const float *)tensor->data_view + first, n * sizeof *out);
        break;
    case SW_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = sw_f16_to_float(halves[i]);
        break;
    case SW_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = sw_bf16_to_float(halves[i]);
        break;
    }
}

float sw_tensor_at(const struct sw_tensor *tensor, size_t i)
{
    float x;
    sw_tensor_read(&x, tensor, i, 1);
    return x;
}
