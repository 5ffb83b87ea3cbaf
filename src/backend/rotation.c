#include "backend/rotation.h"

#include <math.h>

void sw_rotation_fill(float *cosines, float *sines, size_t row_stride, size_t n_positions,
                      const struct sw_config *config, float *frequency)
{
    size_t half = config->head_dim / 2;
    sw_config_rope_frequencies(frequency, config);
    for (size_t p = 0; p < n_positions; p++) {
        for (size_t i = 0; i < half; i++) {
            float angle = (float)p * frequency[i];
            if (cosines != NULL)
                cosines[p * row_stride + i] = (float)cos((double)angle);
            if (sines != NULL)
                sines[p * row_stride + i] = (float)sin((double)angle);
        }
    }
}
