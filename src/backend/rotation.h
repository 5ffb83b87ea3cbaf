/* The angles of the rotary embedding, as tables. */
#ifndef SW_BACKEND_ROTATION_H
#define SW_BACKEND_ROTATION_H

#include <stddef.h>

#include "model/config.h"

/* cosines, sines (n_positions, row_stride), of which head_dim / 2 a row are written: of position
 * times frequency, that product rounded to a float as the reference library does it. Either may be
 * NULL. frequency is scratch of head_dim / 2. */
void sw_rotation_fill(float *cosines, float *sines, size_t row_stride, size_t n_positions,
                      const struct sw_config *config, float *frequency);

#endif
