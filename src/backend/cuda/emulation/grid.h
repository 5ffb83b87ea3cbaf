/*
 * One kernel under way: blocks, warps, the order in which their threads run, and what is known of
 * shared memory. Between runtime.cpp, which launches, and device.cpp, which kernels call.
 */
#ifndef SW_BACKEND_CUDA_EMULATION_GRID_H
#define SW_BACKEND_CUDA_EMULATION_GRID_H

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <string>

#include "backend/cuda/launch.h"

struct sw_grid_launch {
    std::string text; /* how the launch names the kernel */
    const void *function = NULL;
    uint32_t grid = 0, block = 0;
    size_t shared_bytes = 0;
    bool is_overlapped = false; /* it may begin before the kernel in front has ended */
    std::function<void()> body; /* the kernel with its arguments, for one thread */
};

struct sw_grid_options {
    uint64_t seed;       /* 0: threads go in turn */
    uint32_t n_resident; /* blocks that run at once */
    uint32_t n_threads;  /* of all grids at once that the device has room for: one that runs ahead
                            has what the others leave, or one block */
    bool is_ahead;       /* begun while the kernel in front has not ended */
    int capability;      /* 90 for 9.0 */
};

struct sw_grid;

/* NULL: no memory. */
sw_grid *sw_grid_begin(const sw_grid_launch *launch, const sw_grid_options *options);
/* What may run before the kernel in front has ended: up to sw_dependency_wait. */
cudaError_t sw_grid_run_ahead(sw_grid *grid);
/* Whether the kernel behind may begin, too: each block has called sw_dependents_launch or ended. */
bool sw_grid_lets_next_begin(const sw_grid *grid);
/* To the end. */
cudaError_t sw_grid_run(sw_grid *grid);
void sw_grid_end(sw_grid *grid);

/* The first report since it was cleared; "" if none. */
const char *sw_grid_report(void);
void sw_grid_clear_report(void);

/* Before each kernel and copy: from now on a fault in a kernel ends its launch with a report, and
 * one of the host in memory of the device is told before whoever handled faults so far sees it. */
void sw_grid_catch_faults(void);

/* Reports what no thread did, or no one knows which. */
void sw_grid_report_fault(cudaError_t code, const sw_grid_launch *launch, const char *text);

#endif
