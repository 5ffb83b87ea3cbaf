/*
 * One graph in ONNX Runtime, and runs of it over memory of ours: nothing is copied on the way in or
 * out.
 *
 *     sw_ort_session_open(&session, ort, "folder/model.onnx", &options, &err);
 *     sw_ort_binding_open(&binding, session, &err);
 *     sw_ort_bind(binding, SW_ORT_INPUT, "input_ids", &view, &err); ...   once per shape
 *     sw_ort_run(binding, &err);                                          once per step
 */
#ifndef SW_BACKEND_ONNX_SESSION_H
#define SW_BACKEND_ONNX_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "backend/onnx/runtime.h"

struct sw_ort_session;
struct sw_ort_binding;

struct sw_ort_session_options {
    int n_threads;       /* from 1, the caller's included */
    bool allow_spinning; /* the runtime's threads wait for work without sleeping */
    const int *cpus;     /* (n_threads) processors to pin threads to, the caller's first (it is
                            not touched); NULL: not pinned */
    bool use_cuda;       /* the CUDA provider first, on this gpu */
    int gpu;
    bool exact_u8s8;      /* sums of u8 times s8 never saturate on CPUs without VNNI */
    const char *log_path; /* profile written beside the run, for measurements by hand; or NULL */
};

enum sw_code sw_ort_session_open(struct sw_ort_session **out, struct sw_ort *ort, const char *path,
                                 const struct sw_ort_session_options *options,
                                 struct sw_error *err);
void sw_ort_session_close(struct sw_ort_session *session);
bool sw_ort_session_has_input(const struct sw_ort_session *session, const char *name);

/* Numbered as in the runtime. */
enum sw_ort_type { SW_ORT_F32 = 1, SW_ORT_I32 = 6, SW_ORT_I64 = 7, SW_ORT_F16 = 10 };
enum sw_ort_place { SW_ORT_CPU, SW_ORT_CUDA };
enum { SW_ORT_MAX_DIMS = 4 };

/* Memory of the caller's as a tensor; it must stay until the name is bound anew or the binding is
 * closed. */
struct sw_ort_view {
    enum sw_ort_type type;
    enum sw_ort_place place;
    void *data;
    size_t n_dims; /* 0: a scalar */
    int64_t dims[SW_ORT_MAX_DIMS];
};

enum sw_ort_direction { SW_ORT_INPUT, SW_ORT_OUTPUT };

enum sw_code sw_ort_binding_open(struct sw_ort_binding **out, struct sw_ort_session *session,
                                 struct sw_error *err);
void sw_ort_binding_close(struct sw_ort_binding *binding);
enum sw_code sw_ort_bind(struct sw_ort_binding *binding, enum sw_ort_direction direction,
                         const char *name, const struct sw_ort_view *view, struct sw_error *err);
enum sw_code sw_ort_run(struct sw_ort_binding *binding, struct sw_error *err);

/* Memory of the GPU that the session runs on; freed with the session. */
enum sw_code sw_ort_device_alloc(void **out, struct sw_ort_session *session, size_t size_bytes,
                                 struct sw_error *err);

#endif
