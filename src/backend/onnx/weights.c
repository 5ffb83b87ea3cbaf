#include "backend/onnx/weights.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/onnx/write.h"

struct sw_onnx_source sw_onnx_source_of(enum sw_onnx_form form, bool half,
                                        const struct sw_tensor *const *parts, size_t n_parts)
{
    struct sw_onnx_source source = {
        .form = form, .half = half, .n_parts = n_parts, .is_vector = true};
    for (size_t i = 0; i < n_parts; i++) {
        source.parts[i] = parts[i];
        source.is_vector &= parts[i]->n_rows == 1;
    }
    for (size_t i = 0; i < n_parts; i++) {
        if (source.is_vector) {
            source.n_rows = 1;
            source.n_columns += parts[i]->n_cols;
        } else {
            source.n_rows += parts[i]->n_rows;
            source.n_columns = parts[i]->n_cols;
        }
    }
    return source;
}

void sw_onnx_jobs_free(struct sw_onnx_jobs *jobs)
{
    free(jobs->list);
    *jobs = (struct sw_onnx_jobs){0};
}

/* A constant's shape in the graph. */
struct layout {
    enum sw_onnx_type type;
    int64_t dims[3];
    size_t n_dims;
};

static size_t blocks_of(const struct sw_onnx_source *source)
{
    size_t block = source->form == SW_ONNX_BLOCKS8 ? SW_ONNX_BLOCK8 : SW_ONNX_BLOCK4;
    return (source->n_columns + block - 1) / block;
}

static struct layout layout_of_values(const struct sw_onnx_source *source)
{
    enum sw_onnx_type real = source->half ? SW_ONNX_FLOAT16 : SW_ONNX_FLOAT;
    int64_t n = (int64_t)source->n_rows, k = (int64_t)source->n_columns;
    int64_t blocks = (int64_t)blocks_of(source);
    switch (source->form) {
    case SW_ONNX_TRANSPOSED:
        return (struct layout){real, {k, n}, 2};
    case SW_ONNX_BLOCKS8:
        return (struct layout){SW_ONNX_UINT8, {n, blocks, SW_ONNX_BLOCK8}, 3};
    case SW_ONNX_BLOCKS4:
        return (struct layout){SW_ONNX_UINT8, {n, blocks, SW_ONNX_BLOCK4 / 2}, 3};
    case SW_ONNX_COLUMNS_S8:
        return (struct layout){SW_ONNX_INT8, {k, n}, 2};
    case SW_ONNX_COLUMNS_U8:
        return (struct layout){SW_ONNX_UINT8, {k, n}, 2};
    case SW_ONNX_TABLE_U8:
        return (struct layout){SW_ONNX_UINT8, {n, k}, 2};
    case SW_ONNX_FREQUENCIES:
        return (struct layout){real, {1, 1, k}, 3};
    default:
        if (source->is_vector)
            return (struct layout){real, {k}, 1};
        return (struct layout){real, {n, k}, 2};
    }
}

/* false where the form has no scales. */
static bool layout_of_scales(struct layout *out, const struct sw_onnx_source *source)
{
    int64_t n = (int64_t)source->n_rows;
    switch (source->form) {
    case SW_ONNX_BLOCKS8:
    case SW_ONNX_BLOCKS4:
        *out = (struct layout){SW_ONNX_FLOAT, {n, (int64_t)blocks_of(source)}, 2};
        return true;
    case SW_ONNX_COLUMNS_S8:
    case SW_ONNX_COLUMNS_U8:
        *out = (struct layout){SW_ONNX_FLOAT, {n}, 1};
        return true;
    case SW_ONNX_TABLE_U8:
        *out = (struct layout){SW_ONNX_FLOAT, {0}, 0};
        return true;
    default:
        return false;
    }
}

static uint64_t bytes_of(const struct layout *layout)
{
    uint64_t size = sw_onnx_type_size(layout->type);
    for (size_t i = 0; i < layout->n_dims; i++)
        size *= (uint64_t)layout->dims[i];
    return size;
}

uint64_t sw_onnx_source_bytes(const struct sw_onnx_source *source)
{
    struct layout values = layout_of_values(source), scales;
    uint64_t size = bytes_of(&values);
    if (layout_of_scales(&scales, source))
        size += bytes_of(&scales);
    return size + (source->form == SW_ONNX_TABLE_U8);
}

static void add_job(struct sw_onnx_jobs *jobs, const struct sw_onnx_job *job)
{
    if (jobs->n == jobs->capacity) {
        size_t capacity = 2 * jobs->capacity + 64;
        struct sw_onnx_job *list = realloc(jobs->list, capacity * sizeof *list);
        if (list == NULL) {
            jobs->failed = true;
            return;
        }
        jobs->list = list;
        jobs->capacity = capacity;
    }
    jobs->list[jobs->n++] = *job;
}

struct sw_onnx_constant sw_onnx_place(struct sw_onnx_builder *g, struct sw_onnx_jobs *jobs,
                                      const char *name, const struct sw_onnx_source *source)
{
    struct sw_onnx_constant out = {0};
    struct sw_onnx_job job = {.source = *source};
    struct layout layout = layout_of_values(source);
    snprintf(out.values.text, sizeof out.values.text, "%s", name);
    job.values =
        sw_onnx_weight(g, name, layout.type, layout.dims, layout.n_dims, SW_ONNX_DATA_FILE);
    if (layout_of_scales(&layout, source)) {
        snprintf(out.scales.text, sizeof out.scales.text, "%s.scale", name);
        job.scales = sw_onnx_weight(g, out.scales.text, layout.type, layout.dims, layout.n_dims,
                                    SW_ONNX_DATA_FILE);
    }
    if (source->form == SW_ONNX_TABLE_U8) {
        snprintf(out.zero.text, sizeof out.zero.text, "%s.zero_point", name);
        job.zero = sw_onnx_weight(g, out.zero.text, SW_ONNX_UINT8, NULL, 0, SW_ONNX_DATA_FILE);
    }
    add_job(jobs, &job);
    return out;
}
