/*
 * What cudaMalloc and cudaHostAlloc give. Each block has pages of its own between pages that fault,
 * and ends within 256 bytes of the one behind it; what lies between is a margin that must keep its
 * bytes. Memory of the device faults as long as no kernel and no copy runs: the host must not touch
 * it. A fault in a kernel is a report, like those of device.h; the address sanitizer sees the
 * margins.
 */
#ifndef SW_BACKEND_CUDA_EMULATION_MEMORY_H
#define SW_BACKEND_CUDA_EMULATION_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct sw_memory_block {
    unsigned char *data;
    size_t bytes;
    bool of_device;
    unsigned char *mapping; /* with the pages that fault */
    size_t mapping_bytes;
};

/* Full of 0xff; data is a multiple of 256 bytes. NULL: no memory. */
void *sw_memory_take(size_t bytes, bool of_device);
/* False: no block of that kind begins there. */
bool sw_memory_release(void *data, bool of_device);

/* The block that holds all the bytes, or NULL. */
const sw_memory_block *sw_memory_around(const void *address, size_t bytes);
/* The block that holds the address, or is the nearest before it; for reports. */
const sw_memory_block *sw_memory_near(const void *address);

/* The device's turn, and the host's. In pairs, which nest. */
void sw_memory_open(void);
void sw_memory_close(void);

/* NULL, or a block whose margin was written. The margin is mended. */
const sw_memory_block *sw_memory_damaged(void);

/* What all blocks held when a kernel began, and whether these bytes still do. Memory that is not
 * kept, because it is larger than SW_MEMORY_KEPT in all or newer, counts as unchanged. */
enum { SW_MEMORY_KEPT = 16 << 20 };
struct sw_memory_copy;
sw_memory_copy *sw_memory_keep(void); /* NULL: not kept */
bool sw_memory_is_as_kept(const sw_memory_copy *copy, const void *address, size_t bytes);
void sw_memory_forget(sw_memory_copy *copy); /* NULL is fine */

size_t sw_memory_n_blocks(void);
size_t sw_memory_device_bytes(void);

#endif
