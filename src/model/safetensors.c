/*
 * The format: https://github.com/huggingface/safetensors, README "Format". Beyond what it asks for,
 * a tensor must lie at a multiple of its element's size (writers have padded the header to 8 bytes
 * and sorted tensors by element size since 2023), so that kernels may read it in place.
 */
#include "model/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"

static enum sw_code parse_dtype(enum sw_dtype *out, const json_t *value, const char *file,
                                const char *name, struct sw_error *err)
{
    static const struct {
        const char *text;
        enum sw_dtype dtype;
    } dtypes[] = {{"F32", SW_F32}, {"F16", SW_F16}, {"BF16", SW_BF16}};
    const char *text = json_string_value(value);
    if (text == NULL)
        return sw_fail(err, SW_EFORMAT, "%s: tensor \"%s\": \"dtype\" is not a string", file, name);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(text, dtypes[i].text) == 0) {
            *out = dtypes[i].dtype;
            return SW_OK;
        }
    }
    return sw_fail(err, SW_EUNSUPPORTED,
                   "%s: tensor \"%s\": dtype \"%s\" is not supported, only F32, F16 and BF16", file,
                   name, text);
}

/* A vector of n is (1, n); a matrix is itself. */
static enum sw_code parse_shape(struct sw_safetensors_entry *entry, size_t *n_bytes,
                                const json_t *value, const char *file, struct sw_error *err)
{
    if (!json_is_array(value))
        return sw_fail(err, SW_EFORMAT, "%s: tensor \"%s\": \"shape\" is not a list", file,
                       entry->name);
    entry->n_dims = json_array_size(value);
    if (entry->n_dims < 1 || entry->n_dims > 2)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: tensor \"%s\" has %zu dimensions; only vectors and matrices are "
                       "supported",
                       file, entry->name, entry->n_dims);
    size_t sizes[2] = {1, 1};
    for (size_t i = 0; i < entry->n_dims; i++) {
        const json_t *size = json_array_get(value, i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return sw_fail(err, SW_EFORMAT,
                           "%s: tensor \"%s\": a size in \"shape\" is not a whole number from 0",
                           file, entry->name);
        sizes[2 - entry->n_dims + i] = (size_t)json_integer_value(size);
    }
    entry->tensor.n_rows = sizes[0];
    entry->tensor.n_cols = sizes[1];
    if (!sw_size_mul(n_bytes, sizes[0], sizes[1]) ||
        !sw_size_mul(n_bytes, *n_bytes, sw_dtype_size(entry->tensor.dtype)))
        return sw_fail(err, SW_EFORMAT,
                       "%s: tensor \"%s\": the product of its shape [%zu, %zu] overflows", file,
                       entry->name, sizes[0], sizes[1]);
    return SW_OK;
}

static enum sw_code parse_entry(struct sw_safetensors_entry *entry, json_t *value,
                                const unsigned char *data, size_t data_size, const char *file,
                                struct sw_error *err)
{
    if (!json_is_object(value))
        return sw_fail(err, SW_EFORMAT, "%s: tensor \"%s\" is not an object", file, entry->name);
    size_t n_bytes;
    enum sw_code code =
        parse_dtype(&entry->tensor.dtype, json_object_get(value, "dtype"), file, entry->name, err);
    if (code == SW_OK)
        code = parse_shape(entry, &n_bytes, json_object_get(value, "shape"), file, err);
    if (code != SW_OK)
        return code;
    const json_t *offsets = json_object_get(value, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return sw_fail(err, SW_EFORMAT,
                       "%s: tensor \"%s\": \"data_offsets\" is not a list of two rising offsets",
                       file, entry->name);
    entry->begin = (size_t)json_integer_value(begin);
    entry->end = (size_t)json_integer_value(end);
    if (entry->end > data_size)
        return sw_fail(err, SW_EFORMAT,
                       "%s: tensor \"%s\" ends at byte %zu of the data, which has %zu (is the file "
                       "cut short?)",
                       file, entry->name, entry->end, data_size);
    if (entry->end - entry->begin != n_bytes)
        return sw_fail(err, SW_EFORMAT,
                       "%s: tensor \"%s\": its shape needs %zu bytes, its offsets span %zu", file,
                       entry->name, n_bytes, entry->end - entry->begin);
    entry->tensor.data_view = data + entry->begin;
    if ((uintptr_t)entry->tensor.data_view % sw_dtype_size(entry->tensor.dtype) != 0)
        return sw_fail(err, SW_EFORMAT,
                       "%s: tensor \"%s\" is misaligned: byte %zu of the data is no multiple of "
                       "its element's %zu bytes in the file",
                       file, entry->name, entry->begin, sw_dtype_size(entry->tensor.dtype));
    return SW_OK;
}

static int compare_begins(const void *a, const void *b)
{
    const struct sw_safetensors_entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int compare_names(const void *a, const void *b)
{
    const struct sw_safetensors_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The tensors must cover the data without overlap or gap, as the format asks: what is neither
 * could hide another file. */
static enum sw_code check_cover(struct sw_safetensors *out, size_t data_size, const char *file,
                                struct sw_error *err)
{
    qsort(out->entries, out->n_entries, sizeof *out->entries, compare_begins);
    size_t covered = 0;
    const char *last = "the header";
    for (size_t i = 0; i < out->n_entries; i++) {
        const struct sw_safetensors_entry *entry = &out->entries[i];
        if (entry->begin < covered)
            return sw_fail(err, SW_EFORMAT, "%s: tensors \"%s\" and \"%s\" overlap at byte %zu",
                           file, last, entry->name, entry->begin);
        if (entry->begin > covered)
            return sw_fail(err, SW_EFORMAT,
                           "%s: %zu bytes before tensor \"%s\" belong to no tensor", file,
                           entry->begin - covered, entry->name);
        covered = entry->end;
        last = entry->name;
    }
    if (covered != data_size)
        return sw_fail(err, SW_EFORMAT, "%s: the last %zu bytes belong to no tensor", file,
                       data_size - covered);
    qsort(out->entries, out->n_entries, sizeof *out->entries, compare_names);
    return SW_OK;
}

static enum sw_code check_metadata(const json_t *metadata, const char *file, struct sw_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return sw_fail(err, SW_EFORMAT, "%s: \"__metadata__\" is not an object", file);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value))
            return sw_fail(err, SW_EFORMAT, "%s: \"__metadata__\": \"%s\" is not a string", file,
                           key);
    }
    return SW_OK;
}

/* Names live in one allocation behind the entries. */
static enum sw_code make_entries(struct sw_safetensors *out, json_t *header,
                                 const unsigned char *data, size_t data_size, const char *file,
                                 struct sw_error *err)
{
    const char *key;
    json_t *value;
    size_t n = 0, n_name_bytes = 0;
    json_object_foreach(header, key, value)
    {
        n++;
        n_name_bytes += strlen(key) + 1;
    }
    char *names;
    out->entries = calloc(1, n * sizeof *out->entries + n_name_bytes + 1);
    if (out->entries == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory for %zu tensors", file, n);
    names = (char *)(out->entries + n);
    json_object_foreach(header, key, value)
    {
        enum sw_code code;
        if (strcmp(key, "__metadata__") == 0) {
            code = check_metadata(value, file, err);
        } else {
            struct sw_safetensors_entry *entry = &out->entries[out->n_entries++];
            size_t size = strlen(key) + 1;
            entry->name = memcpy(names, key, size);
            names += size;
            code = parse_entry(entry, value, data, data_size, file, err);
        }
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

enum sw_code sw_safetensors_parse(struct sw_safetensors *out, const unsigned char *bytes,
                                  size_t size, const char *name, struct sw_error *err)
{
    *out = (struct sw_safetensors){0};
    if (size < 8)
        return sw_fail(err, SW_EFORMAT, "%s: %zu bytes are too few for a safetensors file", name,
                       size);
    uint64_t header_size = 0;
    for (int i = 7; i >= 0; i--)
        header_size = header_size << 8 | bytes[i];
    if (header_size > size - 8)
        return sw_fail(err, SW_EFORMAT,
                       "%s: the header's length %" PRIu64 " is past the file's end at %zu", name,
                       header_size, size);
    if (header_size > SW_SAFETENSORS_MAX_HEADER_BYTES)
        return sw_fail(err, SW_EFORMAT,
                       "%s: the header's length %" PRIu64 " is above the %d bytes allowed", name,
                       header_size, SW_SAFETENSORS_MAX_HEADER_BYTES);
    out->header_view = (const char *)bytes + 8;
    out->header_size = (size_t)header_size;
    size_t data_size = size - 8 - out->header_size;

    json_t *header = NULL;
    enum sw_code code = sw_json_parse(&header, out->header_view, out->header_size, name, err);
    if (code == SW_OK && !json_is_object(header))
        code = sw_fail(err, SW_EFORMAT, "%s: the header is not a JSON object", name);
    if (code == SW_OK)
        code = make_entries(out, header, bytes + 8 + out->header_size, data_size, name, err);
    if (code == SW_OK)
        code = check_cover(out, data_size, name, err);
    json_decref(header);
    if (code != SW_OK)
        sw_safetensors_close(out);
    return code;
}

enum sw_code sw_safetensors_open(struct sw_safetensors *out, const char *path, struct sw_error *err)
{
    struct sw_map map;
    *out = (struct sw_safetensors){0};
    enum sw_code code = sw_map_open(&map, path, err);
    if (code != SW_OK)
        return code;
    code = sw_safetensors_parse(out, map.data, map.size, path, err);
    if (code == SW_OK)
        out->map = map;
    else
        sw_map_close(&map);
    return code;
}

void sw_safetensors_close(struct sw_safetensors *file)
{
    free(file->entries);
    sw_map_close(&file->map);
    *file = (struct sw_safetensors){0};
}

struct sw_safetensors_entry *sw_safetensors_find(const struct sw_safetensors *file,
                                                 const char *name)
{
    struct sw_safetensors_entry key = {.name = name};
    if (file->n_entries == 0)
        return NULL;
    return bsearch(&key, file->entries, file->n_entries, sizeof key, compare_names);
}
