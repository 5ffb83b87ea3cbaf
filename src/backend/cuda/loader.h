/*
 * The CUDA plug-in: found, checked and loaded at run time, so that the program itself needs nothing
 * of CUDA. Looked for as SMOLWATT_CUDA says (the file, or its folder), else beside the program,
 * else in ../lib/smolwatt from there, where `make install` puts it.
 *
 *     struct sw_cuda_library library;
 *     if (sw_cuda_library_open(&library, &err) != SW_OK) ...    one line that says what to do
 *     library.plugin->probe(...);
 *     sw_cuda_library_close(&library);
 */
#ifndef SW_BACKEND_CUDA_LOADER_H
#define SW_BACKEND_CUDA_LOADER_H

#include "backend/cuda/plugin.h"

struct sw_cuda_library {
    void *handle;
    char *path_dup;
    const struct sw_cuda_plugin *plugin;
};

/* SW_EABSENT: not built; SW_EFORMAT: the file is something else, cut off, or has no
 * sw_cuda_plugin; SW_EUNSUPPORTED: it was built from another source than the program. On failure
 * *out is closed. */
enum sw_code sw_cuda_library_open(struct sw_cuda_library *out, struct sw_error *err);
void sw_cuda_library_close(struct sw_cuda_library *library);

/* CUDA's number of the GPU that --gpu and NVML call gpu: both count in the order of the PCI bus
 * (sw_cuda_library_open asks CUDA for it), but CUDA only those that CUDA_VISIBLE_DEVICES leaves.
 * SW_EABSENT where that hides it. */
enum sw_code sw_cuda_device_of(int *device, unsigned gpu, struct sw_error *err);

#endif
