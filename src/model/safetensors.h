/*
 * One safetensors file: eight bytes of header length (little-endian), a JSON object that maps
 * tensor names to {dtype, shape, data_offsets}, then the bytes of the tensors. The file is mapped
 * read-only and checked whole at open: afterwards every entry lies inside the map, aligned to its
 * element, and no two overlap. A file that another program cuts short while it is mapped is out of
 * scope: reading past its new end ends the process (SIGBUS).
 */
#ifndef SW_MODEL_SAFETENSORS_H
#define SW_MODEL_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/file.h"
#include "model/model.h"

enum {
    SW_SAFETENSORS_MAX_HEADER_BYTES = 16 << 20, /* 1,000 times that of a model of 200 tensors */
};

struct sw_safetensors_entry {
    const char *name; /* owned by the file */
    size_t n_dims;    /* as written: 1 for a vector, 2 for a matrix */
    struct sw_tensor tensor;
    size_t begin, end; /* byte offsets behind the header */
    bool used;         /* for the caller: false at open */
};

struct sw_safetensors {
    struct sw_map map;
    const char *header_view; /* the JSON text, header_size bytes */
    size_t header_size;
    struct sw_safetensors_entry *entries; /* (n_entries), by name; owned */
    size_t n_entries;
};

enum sw_code sw_safetensors_open(struct sw_safetensors *out, const char *path,
                                 struct sw_error *err);
void sw_safetensors_close(struct sw_safetensors *file);

/* The same over bytes that the caller keeps (aligned to 8); name stands for the file in messages.
 * Closing it leaves the bytes alone. */
enum sw_code sw_safetensors_parse(struct sw_safetensors *out, const unsigned char *bytes,
                                  size_t size, const char *name, struct sw_error *err);

/* NULL where the file has no such tensor. */
struct sw_safetensors_entry *sw_safetensors_find(const struct sw_safetensors *file,
                                                 const char *name);

#endif
