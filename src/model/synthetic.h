/*
 * Seeded random weights of a given shape, made in memory. Speed and energy of a dense model do not
 * depend on the values; the text is noise. Values depend on shape and seed alone, not on the number
 * of threads that make them.
 */
#ifndef SW_MODEL_SYNTHETIC_H
#define SW_MODEL_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "model/config.h"
#include "model/model.h"

struct sw_synthetic {
    struct sw_config config;
    float *memory; /* all weights, each tensor at a multiple of 64 bytes; owned, mapped */
    size_t memory_bytes;
    struct sw_layer_weights *layers; /* (config.n_layers); owned */
    struct sw_weights weights;       /* views into memory and layers */
};

/* The shape that text behind "synthetic:" names: "smollm-135m", "smollm-360m", "smollm-1.7b", or
 * "layers,dim,hidden,heads,kv_heads,vocab[,positions]" (tied, 2048 positions unless given). */
enum sw_code sw_synthetic_config(struct sw_config *out, const char *name, struct sw_error *err);

/* pool may be NULL. */
enum sw_code sw_synthetic_open(struct sw_synthetic *out, const char *name, uint64_t seed,
                               struct sw_pool *pool, struct sw_error *err);
void sw_synthetic_close(struct sw_synthetic *synthetic);

#endif
