#include "hub/answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "hub/name.h"

enum { MAX_FILES = 100000, MAX_SPLITS = 10000, MAX_PAGE_ROWS = 100 };

void sw_hub_names_free(struct sw_hub_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct sw_hub_names){0};
}

bool sw_hub_names_has(const struct sw_hub_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], name) == 0)
            return true;
    }
    return false;
}

/* Room for n names was made before. */
static bool add_name(struct sw_hub_names *names, const char *name)
{
    names->names[names->n] = strdup(name);
    if (names->names[names->n] == NULL)
        return false;
    names->n++;
    return true;
}

/* The text of a JSON string without NUL, or NULL. */
static const char *plain_string(const json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

static enum sw_code parse_object(json_t **out, const char *bytes, size_t size, const char *where,
                                 struct sw_error *err)
{
    enum sw_code code = sw_json_parse(out, bytes != NULL ? bytes : "", size, where, err);
    if (code == SW_OK && !json_is_object(*out))
        code = sw_fail(err, SW_EFORMAT, "%s: not a JSON object", where);
    return code;
}

enum sw_code sw_hub_listing_parse(struct sw_hub_listing *out, const char *bytes, size_t size,
                                  const char *where, struct sw_error *err)
{
    *out = (struct sw_hub_listing){0};
    json_t *root = NULL;
    enum sw_code code = parse_object(&root, bytes, size, where, err);
    if (code != SW_OK)
        goto done;
    const char *commit = plain_string(json_object_get(root, "sha"));
    if (commit == NULL || !sw_hub_is_hex(commit, 40)) {
        code =
            sw_fail(err, SW_EFORMAT, "%s: \"sha\" is not a commit of 40 hexadecimal digits", where);
        goto done;
    }
    memcpy(out->commit, commit, sizeof out->commit);
    const json_t *siblings = json_object_get(root, "siblings");
    size_t n = json_array_size(siblings);
    if (!json_is_array(siblings) || n > MAX_FILES) {
        code = sw_fail(err, SW_EFORMAT, "%s: \"siblings\" is not an array of at most %d files",
                       where, MAX_FILES);
        goto done;
    }
    out->files.names = calloc(n + 1, sizeof *out->files.names);
    for (size_t i = 0; out->files.names != NULL && i < n; i++) {
        const json_t *sibling = json_array_get(siblings, i);
        const char *name = plain_string(json_object_get(sibling, "rfilename"));
        if (name == NULL) {
            code = sw_fail(err, SW_EFORMAT, "%s: siblings[%zu]: \"rfilename\" is not a string",
                           where, i);
            goto done;
        }
        if (!sw_hub_path_is_safe(name)) {
            code = sw_fail(err, SW_EFORMAT,
                           "%s: siblings[%zu]: file name \"%.100s\" is not a path inside the "
                           "repository",
                           where, i, name);
            goto done;
        }
        if (!add_name(&out->files, name))
            break;
    }
    if (out->files.n != n)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
done:
    json_decref(root);
    if (code != SW_OK)
        sw_hub_listing_free(out);
    return code;
}

void sw_hub_listing_free(struct sw_hub_listing *listing)
{
    sw_hub_names_free(&listing->files);
}

enum sw_code sw_hub_index_parse(struct sw_hub_names *out, const char *bytes, size_t size,
                                const char *where, struct sw_error *err)
{
    *out = (struct sw_hub_names){0};
    json_t *root = NULL;
    enum sw_code code = parse_object(&root, bytes, size, where, err);
    if (code != SW_OK)
        goto done;
    json_t *map = json_object_get(root, "weight_map");
    if (json_object_size(map) == 0) {
        code = sw_fail(err, SW_EFORMAT, "%s: \"weight_map\" is no object with tensors", where);
        goto done;
    }
    out->names = calloc(SW_HUB_MAX_SHARDS, sizeof *out->names);
    if (out->names == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
        goto done;
    }
    const char *tensor;
    json_t *value;
    json_object_foreach(map, tensor, value)
    {
        const char *shard = plain_string(value);
        if (shard == NULL || !sw_hub_path_is_safe(shard)) {
            code = sw_fail(err, SW_EFORMAT,
                           "%s: weight_map: tensor \"%.100s\": \"%.100s\" is not a path inside the "
                           "repository",
                           where, tensor, shard != NULL ? shard : "(no string)");
            goto done;
        }
        /* Neighbours mostly share a shard, so the last name is looked at first. */
        if (out->n > 0 && strcmp(out->names[out->n - 1], shard) == 0)
            continue;
        if (sw_hub_names_has(out, shard))
            continue;
        if (out->n == SW_HUB_MAX_SHARDS) {
            code = sw_fail(err, SW_EFORMAT, "%s: weight_map: more than %d shards", where,
                           SW_HUB_MAX_SHARDS);
            goto done;
        }
        if (!add_name(out, shard)) {
            code = sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
            goto done;
        }
    }
done:
    json_decref(root);
    if (code != SW_OK)
        sw_hub_names_free(out);
    return code;
}

/* True where some element of splits has this configuration and (unless NULL) this split. */
static bool splits_have(const json_t *splits, const char *config, const char *split)
{
    for (size_t i = 0; i < json_array_size(splits); i++) {
        const json_t *entry = json_array_get(splits, i);
        const char *c = plain_string(json_object_get(entry, "config"));
        const char *s = plain_string(json_object_get(entry, "split"));
        if (c != NULL && s != NULL && strcmp(c, config) == 0 &&
            (split == NULL || strcmp(s, split) == 0))
            return true;
    }
    return false;
}

/* The names at key, each once, of the entries with config (NULL: any), for a message. */
static void list_names(char *out, size_t size, const json_t *splits, const char *key,
                       const char *config)
{
    struct sw_buffer text = {0};
    for (size_t i = 0; i < json_array_size(splits) && text.size < size; i++) {
        const json_t *entry = json_array_get(splits, i);
        const char *name = plain_string(json_object_get(entry, key));
        const char *c = plain_string(json_object_get(entry, "config"));
        if (name == NULL || c == NULL || (config != NULL && strcmp(c, config) != 0))
            continue;
        if (config == NULL && i > 0) {
            const json_t *before = json_object_get(json_array_get(splits, i - 1), key);
            if (json_equal(before, json_object_get(entry, key)))
                continue; /* the service lists a configuration's splits together */
        }
        sw_buffer_printf(&text, "%s%s", text.size > 0 ? ", " : "", name);
    }
    size_t n = text.data != NULL && text.size < size ? text.size : 0;
    if (n > 0)
        memcpy(out, text.data, n);
    else if (text.size >= size && text.data != NULL) {
        n = size - 4;
        memcpy(out, text.data, n);
        memcpy(out + n, "...", 3);
        n += 3;
    }
    out[n] = 0;
    sw_buffer_free(&text);
}

/* The configuration to use, a view into splits or wanted; NULL where the choice is not clear. */
static const char *pick_config(const json_t *splits, const char *wanted)
{
    if (wanted != NULL)
        return splits_have(splits, wanted, NULL) ? wanted : NULL;
    if (splits_have(splits, "default", NULL))
        return "default";
    const char *only = NULL;
    for (size_t i = 0; i < json_array_size(splits); i++) {
        const char *config = plain_string(json_object_get(json_array_get(splits, i), "config"));
        if (config == NULL || (only != NULL && strcmp(only, config) != 0))
            return NULL;
        only = config;
    }
    return only;
}

/* What stands in for a split: the names that authors give to the same thing, in order. */
static const char *pick_split(const json_t *splits, const char *config, const char *wanted)
{
    static const char *const stand_ins[] = {"validation", "dev", "valid", NULL};
    if (splits_have(splits, config, wanted))
        return wanted;
    bool is_known = strcmp(wanted, "test") == 0 || strcmp(wanted, "validation") == 0 ||
                    strcmp(wanted, "dev") == 0;
    for (const char *const *s = stand_ins; is_known && *s != NULL; s++) {
        if (splits_have(splits, config, *s))
            return *s;
    }
    return NULL;
}

enum sw_code sw_hub_splits_pick(char **config, char **split, bool *is_other, const char *bytes,
                                size_t size, const char *wanted_config, const char *wanted_split,
                                const char *where, struct sw_error *err)
{
    char names[256];
    *config = *split = NULL;
    *is_other = false;
    json_t *root = NULL;
    enum sw_code code = parse_object(&root, bytes, size, where, err);
    if (code != SW_OK)
        goto done;
    const json_t *splits = json_object_get(root, "splits");
    size_t n = json_array_size(splits);
    if (n == 0 || n > MAX_SPLITS) {
        code = sw_fail(err, SW_EFORMAT, "%s: \"splits\" is not an array of 1 to %d entries", where,
                       MAX_SPLITS);
        goto done;
    }
    const char *picked_config = pick_config(splits, wanted_config);
    if (picked_config == NULL) {
        list_names(names, sizeof names, splits, "config", NULL);
        code = wanted_config != NULL
                   ? sw_fail(err, SW_EABSENT, "%s: no configuration \"%.100s\"; there is: %s",
                             where, wanted_config, names)
                   : sw_fail(err, SW_EUSAGE, "%s: several configurations, name one of: %s", where,
                             names);
        goto done;
    }
    const char *picked_split = pick_split(splits, picked_config, wanted_split);
    if (picked_split == NULL) {
        list_names(names, sizeof names, splits, "split", picked_config);
        code = sw_fail(err, SW_EABSENT, "%s: no split \"%.100s\" in \"%.100s\"; there is: %s",
                       where, wanted_split, picked_config, names);
        goto done;
    }
    *is_other = strcmp(picked_split, wanted_split) != 0;
    *config = strdup(picked_config);
    *split = strdup(picked_split);
    if (*config == NULL || *split == NULL)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
done:
    json_decref(root);
    if (code != SW_OK) {
        free(*config);
        free(*split);
        *config = *split = NULL;
    }
    return code;
}

static int append_to_buffer(const char *bytes, size_t size, void *ctx)
{
    struct sw_buffer *buffer = ctx;
    sw_buffer_append(buffer, bytes, size);
    return buffer->failed ? -1 : 0;
}

enum sw_code sw_hub_page_parse(struct sw_hub_page *out, struct sw_buffer *lines, uint64_t first,
                               const char *bytes, size_t size, const char *where,
                               struct sw_error *err)
{
    *out = (struct sw_hub_page){0};
    json_t *root = NULL;
    enum sw_code code = parse_object(&root, bytes, size, where, err);
    if (code == SW_OK)
        code = sw_json_u64(&out->n_total, root, "num_rows_total", 0, INT64_MAX, where, err);
    if (code == SW_OK)
        code = sw_json_bool_or(&out->is_partial, root, "partial", false, where, err);
    if (code != SW_OK)
        goto done;
    const json_t *rows = json_object_get(root, "rows");
    if (!json_is_array(rows) || json_array_size(rows) > MAX_PAGE_ROWS) {
        code = sw_fail(err, SW_EFORMAT, "%s: \"rows\" is not an array of at most %d rows", where,
                       MAX_PAGE_ROWS);
        goto done;
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *entry = json_array_get(rows, i);
        const json_t *index = json_object_get(entry, "row_idx");
        const json_t *row = json_object_get(entry, "row");
        if (!json_is_object(row)) {
            code = sw_fail(err, SW_EFORMAT, "%s: rows[%zu]: \"row\" is not an object", where, i);
            goto done;
        }
        if (!json_is_integer(index) || json_integer_value(index) < 0 ||
            (uint64_t)json_integer_value(index) != first + i) {
            code = sw_fail(err, SW_EFORMAT, "%s: rows[%zu]: \"row_idx\" is not %" PRIu64, where, i,
                           first + i);
            goto done;
        }
        if (json_array_size(json_object_get(entry, "truncated_cells")) > 0)
            out->n_truncated++;
        if (json_dump_callback(row, append_to_buffer, lines, JSON_COMPACT) != 0) {
            code = sw_fail(err, SW_ENOMEM, "%s: rows[%zu]: out of memory", where, i);
            goto done;
        }
        sw_buffer_puts(lines, "\n");
        out->n_rows++;
    }
    if (lines->failed)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
done:
    json_decref(root);
    return code;
}
