#include "backend/onnx/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/lock.h"
#include "model/layout.h"

#define MANIFEST_FILE "manifest.json"

/* One graph's place in the cache, and what it must hold. */
struct entry {
    const struct sw_model *model;
    const struct sw_onnx_variant *variant;
    struct sw_pool *pool;
    struct sw_buffer root, folder, draft, old, lock; /* paths */
    struct sw_buffer graph;                          /* bytes of model.onnx */
    struct sw_onnx_sizes sizes;
    char weights[65]; /* checksum of the model's values */
};

/* Every value of the model, a tied matrix once. */
static enum sw_code sum_weights(struct entry *e, struct sw_error *err)
{
    const struct sw_config *c = sw_model_config(e->model);
    const struct sw_weights *w = sw_model_weights(e->model);
    size_t n = 0, capacity = 3 + c->n_layers * SW_LAYER_N_TENSORS;
    const struct sw_tensor **tensors = calloc(capacity, sizeof *tensors);
    struct sw_checksum_span *spans = calloc(capacity, sizeof *spans);
    enum sw_code code;
    if (tensors == NULL || spans == NULL) {
        code = sw_fail(err, SW_ENOMEM, "ONNX cache: out of memory");
        goto done;
    }
    tensors[n++] = &w->embedding;
    tensors[n++] = &w->final_norm;
    if (w->head.data_view != w->embedding.data_view)
        tensors[n++] = &w->head;
    for (size_t l = 0; l < c->n_layers; l++) {
        for (size_t i = 0; i < SW_LAYER_N_TENSORS; i++) {
            struct sw_shape shape;
            if (sw_layout_layer(&shape, i, c))
                tensors[n++] = sw_layout_tensor(&w->layers[l], i);
        }
    }
    for (size_t i = 0; i < n; i++)
        spans[i] = (struct sw_checksum_span){tensors[i]->data_view,
                                             tensors[i]->n_rows * tensors[i]->n_cols *
                                                 sw_dtype_size(tensors[i]->dtype)};
    code = sw_checksum_memory(e->weights, spans, n, e->pool, err);
done:
    free(tensors);
    free(spans);
    return code;
}

static enum sw_code fill_entry(struct entry *e, struct sw_error *err)
{
    struct sw_buffer key = {0};
    char hex[65], *own_cache = sw_own_cache_dup();
    enum sw_code code = SW_OK;
    if (own_cache == NULL)
        code = sw_fail(err, SW_EUSAGE,
                       "no place for a cache of graphs: set HOME, or "
                       "SMOLWATT_CACHE");
    if (code == SW_OK)
        code = sw_onnx_describe(&e->graph, &e->sizes, e->model, e->variant, err);
    if (code == SW_OK)
        code = sum_weights(e, err);
    if (code != SW_OK)
        goto done;
    sw_buffer_printf(&key, "%d\n%s\n%s\n%s\n%s\n%d %d %d\n", SW_ONNX_WRITER_VERSION,
                     sw_model_hash(e->model), e->weights, sw_strategy_name(e->variant->strategy),
                     sw_onnx_graph_name(e->variant->graph), e->variant->half, e->variant->prefill,
                     e->variant->on_gpu);
    sw_sha256_hex(hex, key.data, key.size);
    sw_buffer_printf(&e->root, "%s/onnx", own_cache);
    sw_buffer_printf(&e->folder, "%s/%.32s", e->root.data, hex);
    sw_buffer_printf(&e->draft, "%s.new", e->folder.data);
    sw_buffer_printf(&e->old, "%s.old", e->folder.data);
    sw_buffer_printf(&e->lock, "%s.lock", e->folder.data);
    if (key.failed || e->root.failed || e->folder.failed || e->draft.failed || e->old.failed ||
        e->lock.failed)
        code = sw_fail(err, SW_ENOMEM, "ONNX cache: out of memory");
done:
    sw_buffer_free(&key);
    free(own_cache);
    return code;
}

static void free_entry(struct entry *e)
{
    sw_buffer_free(&e->root);
    sw_buffer_free(&e->folder);
    sw_buffer_free(&e->draft);
    sw_buffer_free(&e->old);
    sw_buffer_free(&e->lock);
    sw_buffer_free(&e->graph);
}

/* What the manifest says beside this data file: written when the graph is made, and compared as a
 * whole, not parsed, when it is found. */
static enum sw_code describe_data(struct sw_buffer *out, const struct entry *e, const char *folder,
                                  struct sw_error *err)
{
    char sum[65] = "";
    uint64_t size = 0;
    char *path = sw_path_join_dup(folder, SW_ONNX_DATA_FILE);
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    enum sw_code code = sw_checksum_file(sum, &size, path, e->pool, err);
    if (code == SW_OK)
        sw_buffer_printf(
            out,
            "{\"writer_version\": %d, \"model\": \"%s\", \"weights\": \"%s\",\n"
            " \"strategy\": \"%s\", \"graph\": \"%s\", \"arithmetic\": \"%s\",\n"
            " \"graph_bytes\": %zu, \"data_bytes\": %" PRIu64 ", \"data_checksum\": \"%s\"}\n",
            SW_ONNX_WRITER_VERSION, sw_model_hash(e->model), e->weights,
            sw_strategy_name(e->variant->strategy), sw_onnx_graph_name(e->variant->graph),
            sw_onnx_variant_arithmetic(e->variant), e->graph.size, size, sum);
    if (code == SW_OK && out->failed)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    free(path);
    return code;
}

/* Whether folder/name holds these bytes. */
static bool has_bytes(const char *folder, const char *name, const struct sw_buffer *expected)
{
    struct sw_buffer found = {0};
    char *path = sw_path_join_dup(folder, name);
    bool same = path != NULL && sw_file_read(&found, path, expected->size, NULL) == SW_OK &&
                found.size == expected->size &&
                memcmp(found.data, expected->data, expected->size) == 0;
    sw_buffer_free(&found);
    free(path);
    return same;
}

/* True if the graph found is what this call would write; why not goes to why. */
static bool is_good(const struct entry *e, char *why, size_t size)
{
    struct sw_buffer manifest = {0};
    struct sw_error error = {0};
    const char *folder = e->folder.data;
    bool good = false;
    why[0] = 0;
    if (!sw_file_is_folder(folder))
        snprintf(why, size, "not there yet");
    else if (!has_bytes(folder, SW_ONNX_FILE, &e->graph))
        snprintf(why, size, "%s was damaged or missing", SW_ONNX_FILE);
    else if (describe_data(&manifest, e, folder, &error) != SW_OK)
        snprintf(why, size, "%s was missing or could not be read", SW_ONNX_DATA_FILE);
    else if (!has_bytes(folder, MANIFEST_FILE, &manifest))
        snprintf(why, size, "%s did not match its checksum", SW_ONNX_DATA_FILE);
    else
        good = true;
    sw_buffer_free(&manifest);
    return good;
}

/* A folder of ours and the files in it; nothing happens where it is not there. */
static void remove_folder(const char *folder)
{
    DIR *list = opendir(folder);
    if (list == NULL)
        return;
    for (const struct dirent *f = readdir(list); f != NULL; f = readdir(list)) {
        if (strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0)
            unlinkat(dirfd(list), f->d_name, 0);
    }
    closedir(list);
    rmdir(folder);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

/* What processes left that did not come to their end, of other graphs than this one: their locks
 * are held by nobody. Without it, half of a graph that is not asked for again would stay for good.
 */
static void sweep(const struct entry *e)
{
    static const char *const ends[] = {".new", ".old", ".lock"};
    DIR *list = opendir(e->root.data);
    if (list == NULL)
        return;
    for (const struct dirent *f = readdir(list); f != NULL; f = readdir(list)) {
        char path[4096];
        int lock = -1;
        const char *dot = strchr(f->d_name, '.');
        bool is_left = false;
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
            is_left = is_left || (dot != NULL && strcmp(dot, ends[i]) == 0);
        int n = snprintf(path, sizeof path - sizeof ".lock", "%s/%.*s", e->root.data,
                         dot != NULL ? (int)(dot - f->d_name) : 0, f->d_name);
        if (!is_left || n < 0 || (size_t)n >= sizeof path - sizeof ".lock" ||
            strcmp(path, e->folder.data) == 0)
            continue;
        strcpy(path + n, ".lock");
        if (sw_lock_take(&lock, path, at_once, NULL, NULL) != SW_OK)
            continue;
        for (size_t i = 0; i + 1 < sizeof ends / sizeof *ends; i++) {
            strcpy(path + n, ends[i]);
            remove_folder(path);
        }
        strcpy(path + n, ".lock");
        unlink(path);
        sw_lock_release(lock);
    }
    closedir(list);
}

/* Makes a rename in it survive a crash; where that is not possible, the next start finds out. */
static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Writes everything beside the final place, then moves it there. The caller holds the lock, so
 * drafts that are found belong to a process that did not come to its end. */
static enum sw_code build(struct entry *e, struct sw_error *err)
{
    struct sw_buffer manifest = {0};
    const char *draft = e->draft.data, *old = e->old.data, *folder = e->folder.data;
    remove_folder(draft);
    remove_folder(old);
    sweep(e);
    char *path = sw_path_join_dup(draft, MANIFEST_FILE);
    enum sw_code code = path != NULL ? SW_OK : sw_fail(err, SW_ENOMEM, "%s: out of memory", draft);
    if (code == SW_OK)
        code = sw_onnx_write(NULL, e->model, e->variant, draft, e->pool, err);
    if (code == SW_OK)
        code = describe_data(&manifest, e, draft, err);
    if (code == SW_OK)
        code = sw_file_write_atomic(path, manifest.data, manifest.size, err);
    if (code == SW_OK)
        sync_folder(draft);
    if (code == SW_OK && sw_file_exists(folder) && rename(folder, old) != 0)
        code = sw_fail(err, SW_EFILE, "%s: cannot be replaced: %s", folder, strerror(errno));
    if (code == SW_OK && rename(draft, folder) != 0)
        code = sw_fail(err, SW_EFILE, "%s: %s", folder, strerror(errno));
    if (code == SW_OK)
        sync_folder(e->root.data);
    remove_folder(draft);
    remove_folder(old);
    sw_buffer_free(&manifest);
    free(path);
    return code;
}

/* What stood in the way may be the folder itself: say how to choose another. */
static enum sw_code fail_to_cache(enum sw_code code, struct sw_error *err)
{
    if (code != SW_EFILE || err == NULL)
        return code;
    return sw_fail_prefix(err, "cache of ONNX graphs (another folder: SMOLWATT_CACHE)");
}

static enum sw_code find_or_build(struct entry *e, struct sw_onnx_outcome *outcome,
                                  struct sw_error *err)
{
    int lock = -1;
    /* Most often it is there, and then nothing has to be written, not even a lock. */
    if (is_good(e, outcome->why, sizeof outcome->why))
        return SW_OK;
    enum sw_code code = sw_folder_create(e->root.data, err);
    if (code == SW_OK)
        code = sw_lock_take(&lock, e->lock.data, NULL, NULL, err);
    /* Another process may have built it meanwhile. */
    if (code == SW_OK && !is_good(e, outcome->why, sizeof outcome->why)) {
        code = build(e, err);
        outcome->was_built = code == SW_OK;
    }
    if (lock >= 0)
        unlink(e->lock.data); /* who waits for it finds out and makes another */
    sw_lock_release(lock);
    return fail_to_cache(code, err);
}

enum sw_code sw_onnx_cache_get(char **path_dup, struct sw_onnx_outcome *outcome,
                               const struct sw_model *model, const struct sw_onnx_variant *variant,
                               struct sw_pool *pool, struct sw_error *err)
{
    uint64_t begin = sw_clock_ns();
    struct entry e = {.model = model, .variant = variant, .pool = pool};
    *path_dup = NULL;
    *outcome = (struct sw_onnx_outcome){0};
    enum sw_code code = fill_entry(&e, err);
    if (code == SW_OK)
        code = find_or_build(&e, outcome, err);
    if (code == SW_OK) {
        *path_dup = sw_path_join_dup(e.folder.data, SW_ONNX_FILE);
        if (*path_dup == NULL)
            code = sw_fail(err, SW_ENOMEM, "%s: out of memory", e.folder.data);
    }
    outcome->sizes = e.sizes;
    outcome->ns = sw_clock_ns() - begin;
    free_entry(&e);
    return code;
}
