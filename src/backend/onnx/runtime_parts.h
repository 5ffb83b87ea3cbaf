/* What runtime.c and session.c share: the loaded library. For these two files alone. */
#ifndef SW_BACKEND_ONNX_RUNTIME_PARTS_H
#define SW_BACKEND_ONNX_RUNTIME_PARTS_H

#include "backend/onnx/runtime.h"
#include "backend/onnx/slots.h"

struct sw_ort {
    void *library; /* of dlopen; NULL: not open */
    const struct sw_ort_api *api;
    struct sw_ort_env *env;
    struct sw_ort_memory_info *cpu;
    int major, minor;
    char version[32];
    char *path_dup;
};

/* A result of the runtime as ours: "context: its message", on one line. Releases the status. */
enum sw_code sw_ort_check(const struct sw_ort *ort, sw_ort_result result, struct sw_error *err,
                          const char *context, ...) SW_PRINTF(4, 5);

#endif
