#include "model/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "model/layout.h"
#include "model/shards.h"

static void format_shape(char text[48], size_t n_dims, size_t n_rows, size_t n_cols)
{
    if (n_dims == 1)
        snprintf(text, 48, "[%zu]", n_cols);
    else
        snprintf(text, 48, "[%zu, %zu]", n_rows, n_cols);
}

/* A tensor that is not there leaves *out absent. */
static enum sw_code bind_if_there(struct sw_tensor *out, const struct sw_checkpoint *checkpoint,
                                  const char *name, struct sw_shape shape, const char *folder,
                                  struct sw_error *err)
{
    struct sw_safetensors_entry *entry =
        sw_shards_find(checkpoint->files, checkpoint->n_files, name);
    *out = (struct sw_tensor){0};
    if (entry == NULL)
        return SW_OK;
    if (entry->n_dims != shape.n_dims || entry->tensor.n_rows != shape.n_rows ||
        entry->tensor.n_cols != shape.n_cols) {
        char expected[48], found[48];
        format_shape(expected, shape.n_dims, shape.n_rows, shape.n_cols);
        format_shape(found, entry->n_dims, entry->tensor.n_rows, entry->tensor.n_cols);
        return sw_fail(err, SW_EFORMAT, "%s: tensor \"%s\" has shape %s, config.json asks for %s",
                       folder, name, found, expected);
    }
    entry->used = true;
    *out = entry->tensor;
    return SW_OK;
}

static enum sw_code bind_tensor(struct sw_tensor *out, const struct sw_checkpoint *checkpoint,
                                const char *name, struct sw_shape shape, const char *folder,
                                struct sw_error *err)
{
    enum sw_code code = bind_if_there(out, checkpoint, name, shape, folder, err);
    if (code == SW_OK && out->data_view == NULL)
        code = sw_fail(err, SW_EFORMAT, "%s: tensor \"%s\" is missing", folder, name);
    return code;
}

static bool same_bytes(const struct sw_tensor *a, const struct sw_tensor *b)
{
    size_t n_bytes = a->n_rows * a->n_cols * sw_dtype_size(a->dtype);
    return a->dtype == b->dtype && memcmp(a->data_view, b->data_view, n_bytes) == 0;
}

/* A tied matrix is stored under either name, or under both. Where both differ, the reference
 * (transformers, PreTrainedModel.tie_weights) keeps them apart whatever config.json says. */
static enum sw_code bind_embedding(struct sw_checkpoint *checkpoint, const char *folder,
                                   struct sw_error *err)
{
    static const char *const embedding_name = "model.embed_tokens.weight";
    static const char *const head_name = "lm_head.weight";
    struct sw_tensor *embedding = &checkpoint->weights.embedding;
    struct sw_tensor *head = &checkpoint->weights.head;
    struct sw_shape shape = sw_layout_embedding(&checkpoint->config);
    if (!checkpoint->config.tied) {
        enum sw_code code = bind_tensor(embedding, checkpoint, embedding_name, shape, folder, err);
        return code != SW_OK ? code : bind_tensor(head, checkpoint, head_name, shape, folder, err);
    }
    enum sw_code code = bind_if_there(embedding, checkpoint, embedding_name, shape, folder, err);
    if (code == SW_OK)
        code = bind_if_there(head, checkpoint, head_name, shape, folder, err);
    if (code != SW_OK)
        return code;
    if (embedding->data_view == NULL && head->data_view == NULL)
        return sw_fail(err, SW_EFORMAT, "%s: tensors \"%s\" and \"%s\" are both missing", folder,
                       embedding_name, head_name);
    if (embedding->data_view == NULL)
        *embedding = *head;
    else if (head->data_view == NULL || same_bytes(embedding, head))
        *head = *embedding;
    else
        checkpoint->config.tied = false;
    return SW_OK;
}

static enum sw_code bind_layer(struct sw_layer_weights *layer, size_t index,
                               const struct sw_checkpoint *checkpoint, const char *folder,
                               struct sw_error *err)
{
    for (size_t i = 0; i < SW_LAYER_N_TENSORS; i++) {
        struct sw_shape shape;
        char name[96];
        if (!sw_layout_layer(&shape, i, &checkpoint->config))
            continue;
        snprintf(name, sizeof name, "model.layers.%zu.%s", index, sw_layout_name(i));
        struct sw_tensor *tensor = sw_layout_tensor(layer, i);
        enum sw_code code = bind_tensor(tensor, checkpoint, name, shape, folder, err);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

/* Rotary tables were saved by transformers before 4.32 and are computed from config.json. */
static bool is_left_over(const char *name)
{
    static const char suffix[] = ".rotary_emb.inv_freq";
    size_t length = strlen(name);
    return length >= sizeof suffix - 1 && strcmp(name + length - (sizeof suffix - 1), suffix) == 0;
}

static enum sw_code check_all_used(const struct sw_checkpoint *checkpoint, const char *folder,
                                   struct sw_error *err)
{
    for (size_t i = 0; i < checkpoint->n_files; i++) {
        const struct sw_safetensors *file = &checkpoint->files[i];
        for (size_t j = 0; j < file->n_entries; j++) {
            if (!file->entries[j].used && !is_left_over(file->entries[j].name))
                return sw_fail(err, SW_EUNSUPPORTED,
                               "%s: tensor \"%s\" is no part of the model that config.json "
                               "describes",
                               folder, file->entries[j].name);
        }
    }
    return SW_OK;
}

static enum sw_code bind(struct sw_checkpoint *checkpoint, const char *folder, struct sw_error *err)
{
    size_t n_layers = checkpoint->config.n_layers;
    checkpoint->layers = calloc(n_layers, sizeof *checkpoint->layers);
    if (checkpoint->layers == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory for %zu layers", folder, n_layers);
    checkpoint->weights.layers = checkpoint->layers;
    enum sw_code code = bind_embedding(checkpoint, folder, err);
    if (code == SW_OK)
        code = bind_tensor(&checkpoint->weights.final_norm, checkpoint, "model.norm.weight",
                           sw_layout_norm(&checkpoint->config), folder, err);
    for (size_t i = 0; i < n_layers && code == SW_OK; i++)
        code = bind_layer(&checkpoint->layers[i], i, checkpoint, folder, err);
    return code == SW_OK ? check_all_used(checkpoint, folder, err) : code;
}

/* config.json, then of each file its size (8 bytes, little-endian) and its header. */
static enum sw_code hash_checkpoint(struct sw_checkpoint *checkpoint, const char *folder,
                                    struct sw_error *err)
{
    struct sw_buffer config = {0};
    struct sw_digest *digest = NULL;
    char hex[65];
    char *path = sw_path_join_dup(folder, "config.json");
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    enum sw_code code = sw_file_read(&config, path, 1 << 20, err);
    if (code == SW_OK)
        code = sw_digest_create(&digest, SW_SHA256, err);
    if (code != SW_OK)
        goto done;
    sw_digest_update(digest, config.data, config.size);
    for (size_t i = 0; i < checkpoint->n_files; i++) {
        const struct sw_safetensors *file = &checkpoint->files[i];
        unsigned char size[8];
        for (int byte = 0; byte < 8; byte++)
            size[byte] = (unsigned char)((uint64_t)file->map.size >> (8 * byte));
        sw_digest_update(digest, size, sizeof size);
        sw_digest_update(digest, file->header_view, file->header_size);
    }
    sw_digest_hex(digest, hex);
    snprintf(checkpoint->hash, sizeof checkpoint->hash, "sha256:%s", hex);
done:
    sw_digest_destroy(digest);
    sw_buffer_free(&config);
    free(path);
    return code;
}

enum sw_code sw_checkpoint_open(struct sw_checkpoint *out, const char *folder, struct sw_error *err)
{
    *out = (struct sw_checkpoint){0};
    if (!sw_file_is_folder(folder))
        return sw_fail(err, SW_EABSENT, "%s: not a folder", folder);
    enum sw_code code = sw_config_load(&out->config, folder, err);
    if (code == SW_OK)
        code = sw_shards_open(&out->files, &out->n_files, folder, err);
    if (code == SW_OK)
        code = bind(out, folder, err);
    if (code == SW_OK)
        code = hash_checkpoint(out, folder, err);
    if (code != SW_OK)
        sw_checkpoint_close(out);
    return code;
}

void sw_checkpoint_close(struct sw_checkpoint *checkpoint)
{
    sw_shards_close(checkpoint->files, checkpoint->n_files);
    free(checkpoint->layers);
    *checkpoint = (struct sw_checkpoint){0};
}
