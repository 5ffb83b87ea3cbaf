/*
 * The part of ONNX Runtime's function table that we call, declared by ourselves, so that the build
 * needs no header of it: the table (API version 21) only ever grows at its end, and a function's
 * place in it never changes. SW_ORT_SLOTS names each function as the runtime's own header does,
 * with its place; tests/unit/test_onnx_runtime.c checks them where such a header is installed.
 */
#ifndef SW_BACKEND_ONNX_SLOTS_H
#define SW_BACKEND_ONNX_SLOTS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum { SW_ORT_API_VERSION = 21 }; /* of ONNX Runtime 1.21 */

/* Objects of the runtime; opaque. */
struct sw_ort_status; /* NULL: all went well; else to be released */
struct sw_ort_env;
struct sw_ort_session_handle;
struct sw_ort_options_handle;
struct sw_ort_run_options;
struct sw_ort_binding_handle;
struct sw_ort_memory_info;
struct sw_ort_value;
struct sw_ort_allocator;
struct sw_ort_cuda_options;

typedef struct sw_ort_status *sw_ort_result;
typedef void sw_ort_log_function(void *param, int severity, const char *category,
                                 const char *log_id, const char *place, const char *message);

struct sw_ort_api {
    void *unused_0;
    int (*get_error_code)(const struct sw_ort_status *status);
    const char *(*get_error_message)(const struct sw_ort_status *status);
    void *unused_3;
    sw_ort_result (*create_env_with_custom_logger)(sw_ort_log_function *log, void *param,
                                                   int severity, const char *log_id,
                                                   struct sw_ort_env **out);
    void *unused_5[2];
    sw_ort_result (*create_session)(const struct sw_ort_env *env, const char *path,
                                    const struct sw_ort_options_handle *options,
                                    struct sw_ort_session_handle **out);
    void *unused_8[2];
    sw_ort_result (*create_session_options)(struct sw_ort_options_handle **out);
    void *unused_11[3];
    sw_ort_result (*enable_profiling)(struct sw_ort_options_handle *options, const char *prefix);
    void *unused_15[8];
    sw_ort_result (*set_graph_optimization_level)(struct sw_ort_options_handle *options, int level);
    sw_ort_result (*set_intra_op_num_threads)(struct sw_ort_options_handle *options, int n);
    sw_ort_result (*set_inter_op_num_threads)(struct sw_ort_options_handle *options, int n);
    void *unused_26[4];
    sw_ort_result (*session_get_input_count)(const struct sw_ort_session_handle *session,
                                             size_t *out);
    void *unused_31[5];
    sw_ort_result (*session_get_input_name)(const struct sw_ort_session_handle *session,
                                            size_t index, struct sw_ort_allocator *allocator,
                                            char **out);
    void *unused_37[12];
    sw_ort_result (*create_tensor_with_data)(const struct sw_ort_memory_info *info, void *data,
                                             size_t size_bytes, const int64_t *dims, size_t n_dims,
                                             int type, struct sw_ort_value **out);
    void *unused_50[18];
    sw_ort_result (*create_memory_info)(const char *name, int allocator_type, int id,
                                        int memory_type, struct sw_ort_memory_info **out);
    sw_ort_result (*create_cpu_memory_info)(int allocator_type, int memory_type,
                                            struct sw_ort_memory_info **out);
    void *unused_70[5];
    sw_ort_result (*allocator_alloc)(struct sw_ort_allocator *allocator, size_t size_bytes,
                                     void **out);
    sw_ort_result (*allocator_free)(struct sw_ort_allocator *allocator, void *data);
    void *unused_77;
    sw_ort_result (*get_default_allocator)(struct sw_ort_allocator **out);
    void *unused_79[13];
    void (*release_env)(struct sw_ort_env *env);
    void (*release_status)(struct sw_ort_status *status);
    void (*release_memory_info)(struct sw_ort_memory_info *info);
    void (*release_session)(struct sw_ort_session_handle *session);
    void (*release_value)(struct sw_ort_value *value);
    void *unused_97[3];
    void (*release_session_options)(struct sw_ort_options_handle *options);
    void *unused_101[24];
    sw_ort_result (*get_available_providers)(char ***out, int *n);
    sw_ort_result (*release_available_providers)(char **providers, int n);
    void *unused_127[3];
    sw_ort_result (*add_session_config_entry)(struct sw_ort_options_handle *options,
                                              const char *key, const char *value);
    sw_ort_result (*create_allocator)(const struct sw_ort_session_handle *session,
                                      const struct sw_ort_memory_info *info,
                                      struct sw_ort_allocator **out);
    void (*release_allocator)(struct sw_ort_allocator *allocator);
    sw_ort_result (*run_with_binding)(struct sw_ort_session_handle *session,
                                      const struct sw_ort_run_options *options,
                                      const struct sw_ort_binding_handle *binding);
    sw_ort_result (*create_io_binding)(struct sw_ort_session_handle *session,
                                       struct sw_ort_binding_handle **out);
    void (*release_io_binding)(struct sw_ort_binding_handle *binding);
    sw_ort_result (*bind_input)(struct sw_ort_binding_handle *binding, const char *name,
                                const struct sw_ort_value *value);
    sw_ort_result (*bind_output)(struct sw_ort_binding_handle *binding, const char *name,
                                 const struct sw_ort_value *value);
    void *unused_138[66];
    sw_ort_result (*append_cuda)(struct sw_ort_options_handle *options,
                                 const struct sw_ort_cuda_options *cuda);
    sw_ort_result (*create_cuda_options)(struct sw_ort_cuda_options **out);
    sw_ort_result (*update_cuda_options)(struct sw_ort_cuda_options *cuda, const char *const *keys,
                                         const char *const *values, size_t n);
    void *unused_207[1];
    void (*release_cuda_options)(struct sw_ort_cuda_options *cuda);
};

/* name in the runtime's header, ours, place */
#define SW_ORT_SLOTS(X)                                                                            \
    X(GetErrorCode, get_error_code, 1)                                                             \
    X(GetErrorMessage, get_error_message, 2)                                                       \
    X(CreateEnvWithCustomLogger, create_env_with_custom_logger, 4)                                 \
    X(CreateSession, create_session, 7)                                                            \
    X(CreateSessionOptions, create_session_options, 10)                                            \
    X(EnableProfiling, enable_profiling, 14)                                                       \
    X(SetSessionGraphOptimizationLevel, set_graph_optimization_level, 23)                          \
    X(SetIntraOpNumThreads, set_intra_op_num_threads, 24)                                          \
    X(SetInterOpNumThreads, set_inter_op_num_threads, 25)                                          \
    X(SessionGetInputCount, session_get_input_count, 30)                                           \
    X(SessionGetInputName, session_get_input_name, 36)                                             \
    X(CreateTensorWithDataAsOrtValue, create_tensor_with_data, 49)                                 \
    X(CreateMemoryInfo, create_memory_info, 68)                                                    \
    X(CreateCpuMemoryInfo, create_cpu_memory_info, 69)                                             \
    X(AllocatorAlloc, allocator_alloc, 75)                                                         \
    X(AllocatorFree, allocator_free, 76)                                                           \
    X(GetAllocatorWithDefaultOptions, get_default_allocator, 78)                                   \
    X(ReleaseEnv, release_env, 92)                                                                 \
    X(ReleaseStatus, release_status, 93)                                                           \
    X(ReleaseMemoryInfo, release_memory_info, 94)                                                  \
    X(ReleaseSession, release_session, 95)                                                         \
    X(ReleaseValue, release_value, 96)                                                             \
    X(ReleaseSessionOptions, release_session_options, 100)                                         \
    X(GetAvailableProviders, get_available_providers, 125)                                         \
    X(ReleaseAvailableProviders, release_available_providers, 126)                                 \
    X(AddSessionConfigEntry, add_session_config_entry, 130)                                        \
    X(CreateAllocator, create_allocator, 131)                                                      \
    X(ReleaseAllocator, release_allocator, 132)                                                    \
    X(RunWithBinding, run_with_binding, 133)                                                       \
    X(CreateIoBinding, create_io_binding, 134)                                                     \
    X(ReleaseIoBinding, release_io_binding, 135)                                                   \
    X(BindInput, bind_input, 136)                                                                  \
    X(BindOutput, bind_output, 137)                                                                \
    X(SessionOptionsAppendExecutionProvider_CUDA_V2, append_cuda, 204)                             \
    X(CreateCUDAProviderOptions, create_cuda_options, 205)                                         \
    X(UpdateCUDAProviderOptions, update_cuda_options, 206)                                         \
    X(ReleaseCUDAProviderOptions, release_cuda_options, 208)

#define X(theirs, ours, place)                                                                     \
    static_assert(offsetof(struct sw_ort_api, ours) == (place) * sizeof(void *), #theirs);
SW_ORT_SLOTS(X)
#undef X

/* What the library's one exported function, OrtGetApiBase, gives. */
struct sw_ort_api_base {
    const struct sw_ort_api *(*get_api)(uint32_t version); /* NULL: the library is older */
    const char *(*get_version)(void);                      /* "1.32.0" */
};

#endif
