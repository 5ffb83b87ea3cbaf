#include "backend/cuda/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/number.h"
#include "base/shared_object.h"

static const char file_name[] = "libsmolwatt_cuda.so";

/* What the user named has to be there. */
static enum sw_code find_named(char **path_dup, const char *name, struct sw_error *err)
{
    if (access(name, F_OK) != 0)
        return sw_fail(err, SW_EABSENT, "SMOLWATT_CUDA: %s: %s", name, strerror(errno));
    bool is_folder = sw_file_is_folder(name);
    /* A name without a slash would be looked for in the system's folders. */
    char *inside = is_folder ? sw_path_join_dup(name, file_name) : strdup(name);
    *path_dup = inside != NULL ? realpath(inside, NULL) : NULL;
    enum sw_code code = SW_OK;
    if (inside == NULL || (*path_dup == NULL && errno == ENOMEM))
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    else if (*path_dup == NULL)
        code = sw_fail(err, SW_EABSENT, "SMOLWATT_CUDA: %s: holds no %s", name, file_name);
    free(inside);
    return code;
}

static enum sw_code find(char **path_dup, struct sw_error *err)
{
    static const char *const places[] = {"", "../lib/smolwatt"};
    const char *name = sw_environment_view("SMOLWATT_CUDA");
    *path_dup = NULL;
    if (name != NULL)
        return find_named(path_dup, name, err);
    char *folder = sw_program_folder_dup();
    for (size_t i = 0; folder != NULL && i < 2 && *path_dup == NULL; i++) {
        char *place = sw_path_join_dup(places[i], file_name);
        char *path = place != NULL ? sw_path_join_dup(folder, place) : NULL;
        *path_dup = path != NULL ? realpath(path, NULL) : NULL;
        free(path);
        free(place);
    }
    free(folder);
    if (*path_dup != NULL)
        return SW_OK;
    return sw_fail(err, SW_EABSENT,
                   "the CUDA plug-in, %s, is not built: install NVIDIA's CUDA toolkit (nvcc) and "
                   "run `make cuda`, or name the file in SMOLWATT_CUDA; base_cpu needs neither",
                   file_name);
}

static bool is_complete(const struct sw_cuda_plugin *p)
{
    return p->probe != NULL && p->open != NULL && p->load != NULL && p->ready != NULL &&
           p->forward != NULL && p->greedy != NULL && p->decode != NULL &&
           p->measure_limits != NULL && p->describe != NULL && p->close != NULL;
}

static enum sw_code check(const struct sw_cuda_library *library, struct sw_error *err)
{
    static const uint32_t sizes[] = {sizeof(struct sw_gpu_plan), sizeof(struct sw_gpu_info),
                                     sizeof(struct sw_batch_token),
                                     sizeof(struct sw_backend_answer)};
    const struct sw_cuda_plugin *plugin = library->plugin;
    _Static_assert(sizeof sizes == sizeof plugin->sizes, "a size for each");
    if (plugin->abi != SW_CUDA_ABI)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: is of plug-in version %u, this program of %d: build both from the same "
                       "source (`make cuda`)",
                       library->path_dup, (unsigned)plugin->abi, (int)SW_CUDA_ABI);
    if (memcmp(plugin->sizes, sizes, sizeof sizes) != 0 || !is_complete(plugin))
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: is of plug-in version %d, but was built from another source than this "
                       "program (`make cuda` builds it anew)",
                       library->path_dup, (int)SW_CUDA_ABI);
    return SW_OK;
}

enum sw_code sw_cuda_library_open(struct sw_cuda_library *out, struct sw_error *err)
{
    const struct sw_cuda_plugin *(*get)(void) = NULL;
    *out = (struct sw_cuda_library){0};
    /* CUDA's own default is the fastest first. It is read when CUDA starts. */
    setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);
    enum sw_code code = find(&out->path_dup, err);
    if (code == SW_OK)
        code = sw_shared_object_open(&out->handle, out->path_dup, err);
    if (code == SW_OK) {
        sw_shared_object_function(&get, out->handle, "sw_cuda_plugin");
        out->plugin = get != NULL ? get() : NULL;
        if (out->plugin == NULL)
            code =
                sw_fail(err, SW_EFORMAT, "%s: not smolwatt's CUDA plug-in: %s", out->path_dup,
                        get == NULL ? "it has no sw_cuda_plugin" : "sw_cuda_plugin gives nothing");
    }
    if (code == SW_OK)
        code = check(out, err);
    if (code != SW_OK)
        sw_cuda_library_close(out);
    return code;
}

void sw_cuda_library_close(struct sw_cuda_library *library)
{
    sw_shared_object_close(library->handle);
    free(library->path_dup);
    *library = (struct sw_cuda_library){0};
}

enum sw_code sw_cuda_device_of(int *device, unsigned gpu, struct sw_error *err)
{
    /* "" hides all, which CUDA tells by itself. */
    const char *list = getenv("CUDA_VISIBLE_DEVICES"), *at = list;
    *device = (int)gpu;
    if (list == NULL || list[0] == 0)
        return SW_OK;
    for (int i = 0;; i++) {
        char entry[16];
        uint64_t number;
        size_t size = strcspn(at, ",");
        snprintf(entry, sizeof entry, "%.*s", (int)(size < 15 ? size : 15), at);
        if (!sw_parse_u64(&number, entry, 0, 1000)) {
            *device = 0;
            if (i == 0 && at[size] == 0) /* one UUID: which board it is, only --gpu can say */
                return SW_OK;
            return sw_fail(err, SW_EABSENT,
                           "GPU %u: CUDA_VISIBLE_DEVICES (%s) must hold numbers in nvidia-smi's "
                           "order, or one UUID: which board's joules to count is not known",
                           gpu, list);
        }
        *device = i;
        if (number == gpu)
            return SW_OK;
        if (at[size] == 0)
            return sw_fail(err, SW_EABSENT, "GPU %u is hidden: CUDA_VISIBLE_DEVICES is %s", gpu,
                           list);
        at += size + 1;
    }
}
