/* The safetensors files of a checkpoint folder: one, or the shards of an index. */
#ifndef SW_MODEL_SHARDS_H
#define SW_MODEL_SHARDS_H

#include <stddef.h>

#include "base/error.h"
#include "model/safetensors.h"

enum {
    SW_SHARDS_MAX = 1024,
    SW_SHARDS_MAX_INDEX_BYTES = 16 << 20,
};

/* Opens model.safetensors, or else each file that model.safetensors.index.json names, which must be
 * a file of the folder itself and hold exactly the tensors that the index gives it. */
enum sw_code sw_shards_open(struct sw_safetensors **out, size_t *n_out, const char *folder,
                            struct sw_error *err);
void sw_shards_close(struct sw_safetensors *files, size_t n_files);

/* NULL where no file has such a tensor. */
struct sw_safetensors_entry *sw_shards_find(const struct sw_safetensors *files, size_t n_files,
                                            const char *name);

#endif
