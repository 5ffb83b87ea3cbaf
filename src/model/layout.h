/* Which tensors a Llama model has, and in which shapes: one table for reading and for making them.
 */
#ifndef SW_MODEL_LAYOUT_H
#define SW_MODEL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/config.h"
#include "model/model.h"

enum { SW_LAYER_N_TENSORS = 16 };

struct sw_shape {
    size_t n_dims; /* 1: a vector of n_cols, n_rows is 1 */
    size_t n_rows, n_cols;
};

struct sw_shape sw_layout_embedding(const struct sw_config *config); /* the head's too */
struct sw_shape sw_layout_norm(const struct sw_config *config);

/* Shape of a layer's tensor i, i below SW_LAYER_N_TENSORS; false where this model has none. */
bool sw_layout_layer(struct sw_shape *out, size_t i, const struct sw_config *config);

/* Its name behind "model.layers.N.", and its place. */
const char *sw_layout_name(size_t i);
struct sw_tensor *sw_layout_tensor(struct sw_layer_weights *layer, size_t i);

#endif
