#include "backend/onnx/write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/onnx/convert.h"
#include "backend/onnx/decoder.h"
#include "base/file.h"
#include "build_info.h"

static void put_metadata(struct sw_onnx_decoder *d, const struct sw_model *model)
{
    struct sw_onnx_builder *g = &d->g;
    char version[12];
    snprintf(version, sizeof version, "%d", SW_ONNX_WRITER_VERSION);
    sw_onnx_metadata(g, "smolwatt.model", sw_model_hash(model));
    sw_onnx_metadata(g, "smolwatt.weights",
                     sw_model_is_synthetic(model) ? "synthetic" : "checkpoint");
    sw_onnx_metadata(g, "smolwatt.strategy", sw_strategy_name(d->variant.strategy));
    sw_onnx_metadata(g, "smolwatt.arithmetic", sw_onnx_variant_arithmetic(&d->variant));
    sw_onnx_metadata(g, "smolwatt.graph", sw_onnx_graph_name(d->variant.graph));
    sw_onnx_metadata(g, "smolwatt.writer_version", version);
}

/* The graph's bytes, and the jobs that fill its data file. */
static enum sw_code plan(struct sw_buffer *graph, struct sw_onnx_jobs *jobs,
                         struct sw_onnx_sizes *sizes, const struct sw_model *model,
                         const struct sw_onnx_variant *variant, struct sw_error *err)
{
    struct sw_onnx_decoder *d = malloc(sizeof *d);
    *graph = (struct sw_buffer){0};
    *jobs = (struct sw_onnx_jobs){0};
    if (d == NULL)
        return sw_fail(err, SW_ENOMEM, "ONNX graph: out of memory");
    sw_onnx_decoder_build(d, model, variant);
    put_metadata(d, model);
    *sizes = (struct sw_onnx_sizes){.data_bytes = d->g.data_bytes,
                                    .weight_bytes_per_token = d->weight_bytes_per_token};
    *jobs = d->jobs;
    enum sw_code code = sw_onnx_builder_finish(graph, &d->g, SW_VERSION, err);
    sizes->graph_bytes = graph->size;
    if (code == SW_OK && jobs->failed) {
        sw_buffer_free(graph);
        code = sw_fail(err, SW_ENOMEM, "ONNX graph: out of memory");
    }
    if (code != SW_OK)
        sw_onnx_jobs_free(jobs);
    free(d);
    return code;
}

enum sw_code sw_onnx_describe(struct sw_buffer *graph, struct sw_onnx_sizes *sizes,
                              const struct sw_model *model, const struct sw_onnx_variant *variant,
                              struct sw_error *err)
{
    struct sw_onnx_jobs jobs;
    enum sw_code code = plan(graph, &jobs, sizes, model, variant, err);
    sw_onnx_jobs_free(&jobs);
    return code;
}

/* A file of this folder under a name of its own, until it is whole. */
struct draft {
    struct sw_buffer path, temporary;
    int fd; /* -1: not open; the temporary file is there while it is */
};

static enum sw_code open_draft(struct draft *draft, const char *folder, const char *name,
                               uint64_t size, struct sw_error *err)
{
    sw_buffer_printf(&draft->path, "%s/%s", folder, name);
    sw_buffer_printf(&draft->temporary, "%s/.%s.XXXXXX", folder, name);
    if (draft->path.failed || draft->temporary.failed)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    draft->fd = mkstemp(draft->temporary.data);
    if (draft->fd < 0)
        return sw_fail(err, SW_EFILE, "%s: %s", draft->path.data, strerror(errno));
    /* A full disk is told now, not after a minute. Where the file system cannot reserve, the
     * writes tell. */
    if (size > 0 && fallocate(draft->fd, 0, 0, (off_t)size) != 0 && errno != EOPNOTSUPP &&
        errno != ENOSYS && errno != EINTR)
        return sw_fail(err, SW_EFILE, "%s: no room for %" PRIu64 " bytes: %s", draft->path.data,
                       size, strerror(errno));
    return SW_OK;
}

static enum sw_code finish_draft(struct draft *draft, uint64_t size, struct sw_error *err)
{
    bool good = ftruncate(draft->fd, (off_t)size) == 0 && fchmod(draft->fd, 0644) == 0 &&
                fsync(draft->fd) == 0;
    return good ? SW_OK
                : sw_fail(err, SW_EFILE, "%s: cannot be written: %s", draft->path.data,
                          strerror(errno));
}

static enum sw_code publish(struct draft *draft, struct sw_error *err)
{
    if (rename(draft->temporary.data, draft->path.data) != 0)
        return sw_fail(err, SW_EFILE, "%s: %s", draft->path.data, strerror(errno));
    close(draft->fd);
    draft->fd = -1;
    return SW_OK;
}

static void discard(struct draft *draft)
{
    if (draft->fd >= 0) {
        close(draft->fd);
        unlink(draft->temporary.data);
    }
    sw_buffer_free(&draft->path);
    sw_buffer_free(&draft->temporary);
}

static enum sw_code put_graph(struct draft *draft, const struct sw_buffer *graph,
                              struct sw_error *err)
{
    for (size_t done = 0; done < graph->size;) {
        ssize_t n = write(draft->fd, graph->data + done, graph->size - done);
        if (n < 0 && errno != EINTR)
            return sw_fail(err, SW_EFILE, "%s: cannot be written: %s", draft->path.data,
                           strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return finish_draft(draft, graph->size, err);
}

enum sw_code sw_onnx_write(struct sw_onnx_sizes *sizes, const struct sw_model *model,
                           const struct sw_onnx_variant *variant, const char *folder,
                           struct sw_pool *pool, struct sw_error *err)
{
    struct sw_buffer graph;
    struct sw_onnx_jobs jobs;
    struct sw_onnx_sizes own;
    struct draft text = {.fd = -1}, data = {.fd = -1};
    bool is_new = !sw_file_exists(folder);
    enum sw_code code = plan(&graph, &jobs, &own, model, variant, err);
    if (code != SW_OK)
        return code;
    code = sw_folder_create(folder, err);
    if (code == SW_OK)
        code = open_draft(&data, folder, SW_ONNX_DATA_FILE, own.data_bytes, err);
    if (code == SW_OK)
        code = sw_onnx_convert(data.fd, data.path.data, &jobs, sw_model_config(model), pool, err);
    if (code == SW_OK)
        code = finish_draft(&data, own.data_bytes, err);
    if (code == SW_OK)
        code = open_draft(&text, folder, SW_ONNX_FILE, 0, err);
    if (code == SW_OK)
        code = put_graph(&text, &graph, err);
    if (code == SW_OK)
        code = publish(&data, err);
    if (code == SW_OK)
        code = publish(&text, err);
    discard(&text);
    discard(&data);
    if (code != SW_OK && is_new)
        rmdir(folder);
    if (code == SW_OK && sizes != NULL)
        *sizes = own;
    sw_onnx_jobs_free(&jobs);
    sw_buffer_free(&graph);
    return code;
}
