#include "backend/onnx/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/onnx/runtime_parts.h"
#include "base/buffer.h"

enum { ALL_OPTIMIZATIONS = 99, DEVICE_ALLOCATOR = 0, DEFAULT_MEMORY = 0 };

struct sw_ort_session {
    struct sw_ort *ort;
    struct sw_ort_session_handle *handle;
    struct sw_ort_memory_info *cuda; /* NULL: runs on the CPU */
    struct sw_ort_allocator *device; /* NULL: nothing was asked for */
    void *device_data;
    char **inputs; /* (n_inputs) names, owned */
    size_t n_inputs;
    int gpu;
    char *path_dup;
};

struct sw_ort_binding {
    struct sw_ort_session *session;
    struct sw_ort_binding_handle *handle;
};

/* For each thread but the caller's: processors counted from 1. */
static enum sw_code set_affinities(struct sw_ort *ort, struct sw_ort_options_handle *handle,
                                   const struct sw_ort_session_options *options,
                                   struct sw_error *err)
{
    struct sw_buffer text = {0};
    for (int i = 1; i < options->n_threads; i++)
        sw_buffer_printf(&text, "%s%d", i > 1 ? ";" : "", options->cpus[i] + 1);
    enum sw_code code =
        text.failed ? sw_fail(err, SW_ENOMEM, "out of memory for %d threads", options->n_threads)
                    : sw_ort_check(ort,
                                   ort->api->add_session_config_entry(
                                       handle, "session.intra_op_thread_affinities", text.data),
                                   err, "pinning threads");
    sw_buffer_free(&text);
    return code;
}

static enum sw_code set_entry(struct sw_ort *ort, struct sw_ort_options_handle *handle,
                              const char *key, const char *value, struct sw_error *err)
{
    return sw_ort_check(ort, ort->api->add_session_config_entry(handle, key, value), err, "%s=%s",
                        key, value);
}

static enum sw_code append_cuda(struct sw_ort *ort, struct sw_ort_options_handle *handle, int gpu,
                                struct sw_error *err)
{
    static const char *const keys[] = {"device_id"};
    struct sw_ort_cuda_options *cuda = NULL;
    char number[16];
    const char *values[] = {number};
    snprintf(number, sizeof number, "%d", gpu);
    enum sw_code code =
        sw_ort_check(ort, ort->api->create_cuda_options(&cuda), err, "CUDA provider");
    if (code == SW_OK)
        code = sw_ort_check(ort, ort->api->update_cuda_options(cuda, keys, values, 1), err,
                            "CUDA provider");
    if (code == SW_OK)
        code = sw_ort_check(ort, ort->api->append_cuda(handle, cuda), err, "CUDA provider");
    if (cuda != NULL)
        ort->api->release_cuda_options(cuda);
    return code;
}

static enum sw_code set_options(struct sw_ort *ort, struct sw_ort_options_handle *handle,
                                const struct sw_ort_session_options *options, struct sw_error *err)
{
    const struct sw_ort_api *api = ort->api;
    enum sw_code code = sw_ort_check(ort, api->set_intra_op_num_threads(handle, options->n_threads),
                                     err, "threads");
    if (code == SW_OK)
        code = sw_ort_check(ort, api->set_inter_op_num_threads(handle, 1), err, "threads");
    if (code == SW_OK)
        code = sw_ort_check(ort, api->set_graph_optimization_level(handle, ALL_OPTIMIZATIONS), err,
                            "optimization level");
    if (code == SW_OK)
        code = set_entry(ort, handle, "session.intra_op.allow_spinning",
                         options->allow_spinning ? "1" : "0", err);
    if (code == SW_OK && options->exact_u8s8)
        code = set_entry(ort, handle, "session.x64quantprecision", "1", err);
    if (code == SW_OK && options->cpus != NULL && options->n_threads > 1)
        code = set_affinities(ort, handle, options, err);
    if (code == SW_OK && options->use_cuda)
        code = append_cuda(ort, handle, options->gpu, err);
    if (code == SW_OK && options->log_path != NULL)
        code = sw_ort_check(ort, api->enable_profiling(handle, options->log_path), err, "%s",
                            options->log_path);
    return code;
}

static enum sw_code read_inputs(struct sw_ort_session *session, struct sw_error *err)
{
    const struct sw_ort_api *api = session->ort->api;
    struct sw_ort_allocator *allocator = NULL;
    size_t n = 0;
    enum sw_code code = sw_ort_check(session->ort, api->get_default_allocator(&allocator), err,
                                     "%s", session->path_dup);
    if (code == SW_OK)
        code = sw_ort_check(session->ort, api->session_get_input_count(session->handle, &n), err,
                            "%s", session->path_dup);
    if (code != SW_OK)
        return code;
    session->inputs = calloc(n > 0 ? n : 1, sizeof *session->inputs);
    if (session->inputs == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", session->path_dup);
    for (; session->n_inputs < n; session->n_inputs++) {
        char *name = NULL;
        code = sw_ort_check(
            session->ort,
            api->session_get_input_name(session->handle, session->n_inputs, allocator, &name), err,
            "%s", session->path_dup);
        if (code != SW_OK)
            return code;
        char *copy = session->inputs[session->n_inputs] = strdup(name);
        sw_ort_check(session->ort, api->allocator_free(allocator, name), NULL, "name");
        if (copy == NULL)
            return sw_fail(err, SW_ENOMEM, "%s: out of memory", session->path_dup);
    }
    return SW_OK;
}

enum sw_code sw_ort_session_open(struct sw_ort_session **out, struct sw_ort *ort, const char *path,
                                 const struct sw_ort_session_options *options, struct sw_error *err)
{
    struct sw_ort_options_handle *handle = NULL;
    enum sw_code code;
    *out = NULL;
    struct sw_ort_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    session->ort = ort;
    session->gpu = options->gpu;
    session->path_dup = strdup(path);
    if (session->path_dup == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
        goto done;
    }
    code = sw_ort_check(ort, ort->api->create_session_options(&handle), err, "%s", path);
    if (code == SW_OK)
        code = set_options(ort, handle, options, err);
    if (code == SW_OK)
        code = sw_ort_check(ort, ort->api->create_session(ort->env, path, handle, &session->handle),
                            err, "%s", path);
    if (code == SW_OK)
        code = read_inputs(session, err);
    if (code != SW_OK)
        goto done;
    *out = session;
    session = NULL;
done:
    if (handle != NULL)
        ort->api->release_session_options(handle);
    sw_ort_session_close(session);
    return code;
}

void sw_ort_session_close(struct sw_ort_session *session)
{
    if (session == NULL)
        return;
    const struct sw_ort_api *api = session->ort->api;
    if (session->device_data != NULL)
        sw_ort_check(session->ort, api->allocator_free(session->device, session->device_data), NULL,
                     "GPU memory");
    if (session->device != NULL)
        api->release_allocator(session->device);
    if (session->cuda != NULL)
        api->release_memory_info(session->cuda);
    if (session->handle != NULL)
        api->release_session(session->handle);
    for (size_t i = 0; i < session->n_inputs; i++)
        free(session->inputs[i]);
    free(session->inputs);
    free(session->path_dup);
    free(session);
}

bool sw_ort_session_has_input(const struct sw_ort_session *session, const char *name)
{
    for (size_t i = 0; i < session->n_inputs; i++) {
        if (strcmp(session->inputs[i], name) == 0)
            return true;
    }
    return false;
}

enum sw_code sw_ort_binding_open(struct sw_ort_binding **out, struct sw_ort_session *session,
                                 struct sw_error *err)
{
    *out = NULL;
    struct sw_ort_binding *binding = calloc(1, sizeof *binding);
    if (binding == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", session->path_dup);
    binding->session = session;
    enum sw_code code = sw_ort_check(
        session->ort, session->ort->api->create_io_binding(session->handle, &binding->handle), err,
        "%s", session->path_dup);
    if (code != SW_OK) {
        free(binding);
        return code;
    }
    *out = binding;
    return SW_OK;
}

void sw_ort_binding_close(struct sw_ort_binding *binding)
{
    if (binding == NULL)
        return;
    binding->session->ort->api->release_io_binding(binding->handle);
    free(binding);
}

static size_t type_size(enum sw_ort_type type)
{
    switch (type) {
    case SW_ORT_F16:
        return 2;
    case SW_ORT_I64:
        return 8;
    case SW_ORT_F32:
    case SW_ORT_I32:
        return 4;
    }
    return 0;
}

/* The binding keeps a reference of its own to the tensor. */
enum sw_code sw_ort_bind(struct sw_ort_binding *binding, enum sw_ort_direction direction,
                         const char *name, const struct sw_ort_view *view, struct sw_error *err)
{
    const struct sw_ort_session *session = binding->session;
    const struct sw_ort_api *api = session->ort->api;
    const struct sw_ort_memory_info *info =
        view->place == SW_ORT_CUDA ? session->cuda : session->ort->cpu;
    struct sw_ort_value *value = NULL;
    size_t size = type_size(view->type);
    for (size_t i = 0; i < view->n_dims; i++)
        size *= (size_t)view->dims[i];
    enum sw_code code =
        sw_ort_check(session->ort,
                     api->create_tensor_with_data(info, view->data, size, view->dims, view->n_dims,
                                                  (int)view->type, &value),
                     err, "%s: tensor %s", session->path_dup, name);
    if (code == SW_OK)
        code =
            sw_ort_check(session->ort,
                         direction == SW_ORT_INPUT ? api->bind_input(binding->handle, name, value)
                                                   : api->bind_output(binding->handle, name, value),
                         err, "%s: tensor %s", session->path_dup, name);
    if (value != NULL)
        api->release_value(value);
    return code;
}

enum sw_code sw_ort_run(struct sw_ort_binding *binding, struct sw_error *err)
{
    struct sw_ort_session *session = binding->session;
    return sw_ort_check(session->ort,
                        session->ort->api->run_with_binding(session->handle, NULL, binding->handle),
                        err, "%s", session->path_dup);
}

enum sw_code sw_ort_device_alloc(void **out, struct sw_ort_session *session, size_t size_bytes,
                                 struct sw_error *err)
{
    const struct sw_ort_api *api = session->ort->api;
    enum sw_code code = sw_ort_check(session->ort,
                                     api->create_memory_info("Cuda", DEVICE_ALLOCATOR, session->gpu,
                                                             DEFAULT_MEMORY, &session->cuda),
                                     err, "GPU memory");
    if (code == SW_OK)
        code = sw_ort_check(session->ort,
                            api->create_allocator(session->handle, session->cuda, &session->device),
                            err, "GPU memory");
    if (code == SW_OK)
        code = sw_ort_check(
            session->ort, api->allocator_alloc(session->device, size_bytes, &session->device_data),
            err, "%zu bytes of GPU memory", size_bytes);
    *out = session->device_data;
    return code;
}
