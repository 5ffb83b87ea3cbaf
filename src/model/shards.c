#include "model/shards.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

/* A name that stays in its folder. */
static bool is_plain_file_name(const char *name)
{
    return name[0] != 0 && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct file names of the weight map, sorted; views into it. */
static enum sw_code list_files(const char ***out, size_t *n_out, const json_t *weight_map,
                               const char *where, struct sw_error *err)
{
    const char *tensor;
    json_t *value;
    size_t n = 0, n_distinct = 0;
    const char **names = calloc(json_object_size(weight_map) + 1, sizeof *names);
    if (names == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    json_object_foreach((json_t *)(uintptr_t)weight_map, tensor, value)
    {
        const char *name = json_string_value(value);
        if (name == NULL || strlen(name) != json_string_length(value) ||
            !is_plain_file_name(name)) {
            free(names);
            return sw_fail(err, SW_EFORMAT,
                           "%s: tensor \"%s\" is given %s%s%s, which is no file name of this "
                           "folder",
                           where, tensor, name != NULL ? "\"" : "",
                           name != NULL ? name : "something that is not a string",
                           name != NULL ? "\"" : "");
        }
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, compare_strings);
    for (size_t i = 0; i < n; i++) {
        if (n_distinct == 0 || strcmp(names[n_distinct - 1], names[i]) != 0)
            names[n_distinct++] = names[i];
    }
    *out = names;
    *n_out = n_distinct;
    return SW_OK;
}

/* Index and shards must agree both ways: a tensor found twice would have two meanings. */
static enum sw_code check_map(const json_t *weight_map, const struct sw_safetensors *files,
                              const char *const *names, size_t n_files, const char *where,
                              struct sw_error *err)
{
    const char *tensor;
    json_t *value;
    for (size_t i = 0; i < n_files; i++) {
        for (size_t j = 0; j < files[i].n_entries; j++) {
            tensor = files[i].entries[j].name;
            const char *expected = json_string_value(json_object_get(weight_map, tensor));
            if (expected == NULL || strcmp(expected, names[i]) != 0)
                return sw_fail(err, SW_EFORMAT,
                               "%s: tensor \"%s\" is in \"%s\", but the index puts it in %s%s%s",
                               where, tensor, names[i], expected != NULL ? "\"" : "",
                               expected != NULL ? expected : "no file",
                               expected != NULL ? "\"" : "");
        }
    }
    json_object_foreach((json_t *)(uintptr_t)weight_map, tensor, value)
    {
        if (sw_shards_find(files, n_files, tensor) == NULL)
            return sw_fail(err, SW_EFORMAT, "%s: tensor \"%s\" is missing from \"%s\"", where,
                           tensor, json_string_value(value));
    }
    return SW_OK;
}

static enum sw_code open_file(struct sw_safetensors *out, const char *folder, const char *name,
                              struct sw_error *err)
{
    char *path = sw_path_join_dup(folder, name);
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    enum sw_code code = sw_safetensors_open(out, path, err);
    free(path);
    return code;
}

static enum sw_code open_index(struct sw_safetensors **out, size_t *n_out, const char *folder,
                               const char *index_path, struct sw_error *err)
{
    json_t *index = NULL;
    const char **names = NULL;
    size_t n_files = 0;
    struct sw_safetensors *files = NULL;
    enum sw_code code = sw_json_load(&index, index_path, SW_SHARDS_MAX_INDEX_BYTES, err);
    if (code != SW_OK)
        return code;
    const json_t *weight_map = json_object_get(index, "weight_map");
    if (!json_is_object(weight_map) || json_object_size(weight_map) == 0) {
        code = sw_fail(err, SW_EFORMAT, "%s: \"weight_map\" is not an object with tensors",
                       index_path);
        goto done;
    }
    code = list_files(&names, &n_files, weight_map, index_path, err);
    if (code != SW_OK)
        goto done;
    if (n_files > SW_SHARDS_MAX) {
        code = sw_fail(err, SW_EUNSUPPORTED, "%s: names %zu files, above %d", index_path, n_files,
                       SW_SHARDS_MAX);
        goto done;
    }
    files = calloc(n_files, sizeof *files);
    if (files == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", index_path);
        goto done;
    }
    for (size_t i = 0; i < n_files && code == SW_OK; i++)
        code = open_file(&files[i], folder, names[i], err);
    if (code == SW_OK)
        code = check_map(weight_map, files, names, n_files, index_path, err);
    if (code == SW_OK) {
        *out = files;
        *n_out = n_files;
        files = NULL;
    }
done:
    sw_shards_close(files, files != NULL ? n_files : 0);
    free(names);
    json_decref(index);
    return code;
}

/* What the folder holds instead, so that the message can say it. */
static enum sw_code fail_without_weights(const char *folder, struct sw_error *err)
{
    static const char *const others[] = {"pytorch_model.bin", "pytorch_model.bin.index.json",
                                         "consolidated.00.pth", "tf_model.h5"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *path = sw_path_join_dup(folder, others[i]);
        bool exists = path != NULL && sw_file_exists(path);
        free(path);
        if (exists)
            return sw_fail(err, SW_EUNSUPPORTED,
                           "%s: holds its weights as %s; only safetensors files are read", folder,
                           others[i]);
    }
    return sw_fail(err, SW_EABSENT,
                   "%s: holds neither model.safetensors nor model.safetensors.index.json", folder);
}

enum sw_code sw_shards_open(struct sw_safetensors **out, size_t *n_out, const char *folder,
                            struct sw_error *err)
{
    enum sw_code code = SW_OK;
    *out = NULL;
    *n_out = 0;
    char *single = sw_path_join_dup(folder, "model.safetensors");
    char *index = sw_path_join_dup(folder, "model.safetensors.index.json");
    if (single == NULL || index == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    } else if (sw_file_exists(single)) {
        struct sw_safetensors *file = calloc(1, sizeof *file);
        if (file == NULL)
            code = sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
        else
            code = sw_safetensors_open(file, single, err);
        if (code == SW_OK) {
            *out = file;
            *n_out = 1;
        } else {
            free(file);
        }
    } else if (sw_file_exists(index)) {
        code = open_index(out, n_out, folder, index, err);
    } else {
        code = fail_without_weights(folder, err);
    }
    free(single);
    free(index);
    return code;
}

void sw_shards_close(struct sw_safetensors *files, size_t n_files)
{
    for (size_t i = 0; i < n_files; i++)
        sw_safetensors_close(&files[i]);
    free(files);
}

struct sw_safetensors_entry *sw_shards_find(const struct sw_safetensors *files, size_t n_files,
                                            const char *name)
{
    for (size_t i = 0; i < n_files; i++) {
        struct sw_safetensors_entry *entry = sw_safetensors_find(&files[i], name);
        if (entry != NULL)
            return entry;
    }
    return NULL;
}
