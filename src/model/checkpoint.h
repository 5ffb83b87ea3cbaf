/*
 * A Hugging Face folder as weights: config.json, and model.safetensors or the shards that
 * model.safetensors.index.json names. Each tensor that the config asks for must be there in its
 * shape; one that we would not use is refused by name, because the model it comes from computes
 * something that we do not (left-over rotary tables excepted).
 */
#ifndef SW_MODEL_CHECKPOINT_H
#define SW_MODEL_CHECKPOINT_H

#include <stddef.h>

#include "base/error.h"
#include "model/config.h"
#include "model/model.h"
#include "model/safetensors.h"

struct sw_checkpoint {
    struct sw_config config;
    struct sw_safetensors *files; /* (n_files), in the order of their names; owned */
    size_t n_files;
    struct sw_layer_weights *layers; /* (config.n_layers); owned */
    struct sw_weights weights;       /* views into files and layers */
    char hash[72];                   /* "sha256:..." */
};

/* On failure nothing is left open. */
enum sw_code sw_checkpoint_open(struct sw_checkpoint *out, const char *folder,
                                struct sw_error *err);
void sw_checkpoint_close(struct sw_checkpoint *checkpoint);

#endif
