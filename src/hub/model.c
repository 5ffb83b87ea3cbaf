/*
 * A model's files: which are needed, what the server says of each, and the snapshot that they make.
 * The protocol is the hub's: GET /api/models/{id}/revision/{revision} for commit and names, HEAD
 * and GET /{id}/resolve/{commit}/{file} for content.
 */
#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hub/cache.h"
#include "hub/download.h"
#include "hub/http.h"
#include "hub/name.h"
#include "hub/settings.h"

/* One pull under way. */
struct pull {
    const struct sw_hub_settings *settings;
    struct sw_http *http;
    const char *id;
    char *repo_path;     /* owned: HUB/models--org--name */
    char *lock_folder;   /* owned: HUB/.locks/models--org--name */
    char *snapshot_path; /* owned: repo_path/snapshots/<commit> */
    struct sw_hub_listing listing;
};

static const struct {
    const char *name;
    bool is_required;
} small_files[] = {
    {"config.json", true},
    {"tokenizer.json", true},
    {"generation_config.json", false},
    {"tokenizer_config.json", false},
    {"special_tokens_map.json", false},
};

/* Asks the server what revision is now, and which files it has. */
static enum sw_code fetch_listing(struct pull *pull, struct sw_error *err)
{
    const struct sw_hub_settings *settings = pull->settings;
    struct sw_buffer url = {0};
    struct sw_http_answer answer = {0};
    sw_buffer_printf(&url, "%s/api/models/%s/revision/", settings->endpoint, pull->id);
    sw_url_append_escaped(&url, settings->options.revision, false);
    if (url.failed)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", pull->id);
    struct sw_http_request request = {.url = url.data,
                                      .token = sw_hub_token_for_view(settings, url.data, true),
                                      .max_bytes = SW_HUB_MAX_LISTING_BYTES};
    enum sw_code code = sw_http_fetch(pull->http, &request, &answer, err);
    if (code == SW_OK)
        code =
            sw_hub_listing_parse(&pull->listing, answer.body.data, answer.body.size, url.data, err);
    sw_http_answer_free(&answer);
    sw_buffer_free(&url);
    return code;
}

/* What a HEAD says of a file: the hash that names its blob, and its size. */
static enum sw_code describe(struct sw_hub_download *download, char etag[SW_HTTP_TEXT_SIZE],
                             struct pull *pull, struct sw_error *err)
{
    struct sw_http_request request = {
        .url = download->url, .token = download->token, .is_head = true};
    struct sw_http_answer answer;
    enum sw_code code = sw_http_fetch(pull->http, &request, &answer, err);
    if (code != SW_OK)
        goto done;
    memcpy(etag, answer.linked_etag[0] != 0 ? answer.linked_etag : answer.etag, SW_HTTP_TEXT_SIZE);
    if (answer.repo_commit[0] != 0 && strcmp(answer.repo_commit, pull->listing.commit) != 0) {
        code = sw_fail(err, SW_EFORMAT, "%s: answer is of commit \"%.64s\", asked for %s",
                       download->url, answer.repo_commit, pull->listing.commit);
        goto done;
    }
    if (sw_hub_is_hex(etag, 64)) {
        download->hash = SW_HUB_SHA256;
    } else if (sw_hub_is_hex(etag, 40)) {
        download->hash = SW_HUB_GIT_BLOB;
    } else {
        code = sw_fail(err, SW_EFORMAT,
                       "%s: etag \"%.100s\" is neither a SHA-256 nor a git blob id, so the file "
                       "cannot be checked",
                       download->url, etag);
        goto done;
    }
    download->hash_hex = etag;
    /* A redirect's Content-Length is that of its own page. */
    download->has_size = answer.has_linked_size || (answer.has_length && answer.status == 200);
    download->size_bytes = answer.has_linked_size ? answer.linked_size_bytes : answer.length_bytes;
    if (download->hash == SW_HUB_SHA256 && !download->has_size)
        code =
            sw_fail(err, SW_EFORMAT, "%s: the server does not say the file's size", download->url);
done:
    sw_http_answer_free(&answer);
    return code;
}

/* Under the lock of the blob: another process may have done it all meanwhile. */
static enum sw_code place(struct pull *pull, const struct sw_hub_download *download,
                          const char *pointer_path, struct sw_error *err)
{
    int lock = -1;
    char *lock_path = NULL;
    if (asprintf(&lock_path, "%s/%s.lock", pull->lock_folder, download->hash_hex) < 0)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", download->name);
    enum sw_code code = sw_hub_lock(&lock, lock_path, pull->settings, err);
    if (code == SW_OK && !sw_file_exists(pointer_path)) {
        code = sw_hub_download(pull->http, download, err);
        if (code == SW_OK)
            code = sw_hub_cache_point(pointer_path, download->path, download->name,
                                      pull->settings->no_symlinks, err);
    }
    sw_hub_unlock(lock);
    free(lock_path);
    return code;
}

/* One file of the commit into its snapshot. */
static enum sw_code pull_file(struct pull *pull, const char *file, struct sw_error *err)
{
    const struct sw_hub_settings *settings = pull->settings;
    char etag[SW_HTTP_TEXT_SIZE] = "";
    char *blob_path = NULL;
    struct sw_buffer url = {0};
    enum sw_code code = SW_OK;
    char *pointer_path = sw_hub_path_dup(pull->snapshot_path, file, NULL);
    sw_buffer_printf(&url, "%s/%s/resolve/%s/", settings->endpoint, pull->id, pull->listing.commit);
    sw_url_append_escaped(&url, file, true);
    if (pointer_path == NULL || url.failed) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", file);
        goto done;
    }
    if (sw_file_exists(pointer_path))
        goto done; /* content of a commit does not change */
    struct sw_hub_download download = {
        .url = url.data, .token = sw_hub_token_for_view(settings, url.data, true), .name = file};
    code = describe(&download, etag, pull, err);
    if (code != SW_OK)
        goto done;
    download.path = blob_path = sw_hub_path_dup(pull->repo_path, "blobs", etag, NULL);
    code = blob_path != NULL ? place(pull, &download, pointer_path, err)
                             : sw_fail(err, SW_ENOMEM, "%s: out of memory", file);
done:
    sw_buffer_free(&url);
    free(blob_path);
    free(pointer_path);
    return code;
}

static enum sw_code pull_shards(struct pull *pull, struct sw_error *err)
{
    struct sw_buffer text = {0};
    struct sw_hub_names shards = {0};
    char *path = sw_hub_path_dup(pull->snapshot_path, "model.safetensors.index.json", NULL);
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", pull->id);
    enum sw_code code = sw_file_read(&text, path, SW_HUB_MAX_INDEX_BYTES, err);
    if (code == SW_OK)
        code = sw_hub_index_parse(&shards, text.data, text.size, path, err);
    for (size_t i = 0; code == SW_OK && i < shards.n; i++) {
        if (!sw_hub_names_has(&pull->listing.files, shards.names[i]))
            code = sw_fail(err, SW_EABSENT, "%s: names shard \"%.100s\", which %s does not have",
                           path, shards.names[i], pull->id);
        else
            code = pull_file(pull, shards.names[i], err);
    }
    sw_hub_names_free(&shards);
    sw_buffer_free(&text);
    free(path);
    return code;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

/* Weights in formats that the program does not read, by name. */
static enum sw_code refuse_weights(const struct pull *pull, struct sw_error *err)
{
    static const struct {
        const char *suffix, *kind;
    } others[] = {{".bin", "PyTorch (pickled)"},
                  {".pt", "PyTorch (pickled)"},
                  {".pth", "PyTorch (pickled)"},
                  {".gguf", "GGUF"},
                  {".h5", "TensorFlow"},
                  {".msgpack", "Flax"},
                  {".onnx", "ONNX"},
                  {".safetensors", "otherwise named safetensors"}};
    const struct sw_hub_names *files = &pull->listing.files;
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        for (size_t i = 0; i < files->n; i++) {
            if (has_suffix(files->names[i], others[k].suffix))
                return sw_fail(err, SW_EUNSUPPORTED,
                               "%s: has no model.safetensors, only %s weights (%.100s), which are "
                               "not read",
                               pull->id, others[k].kind, files->names[i]);
        }
    }
    return sw_fail(err, SW_EUNSUPPORTED, "%s: has no weights (model.safetensors)", pull->id);
}

static enum sw_code create_folders(struct pull *pull, struct sw_error *err)
{
    char *blobs = sw_hub_path_dup(pull->repo_path, "blobs", NULL);
    enum sw_code code = blobs != NULL ? sw_folder_create(blobs, err)
                                      : sw_fail(err, SW_ENOMEM, "%s: out of memory", pull->id);
    if (code == SW_OK)
        code = sw_folder_create(pull->lock_folder, err);
    free(blobs);
    return code;
}

static enum sw_code set_snapshot(struct pull *pull, const char *commit, struct sw_error *err)
{
    free(pull->snapshot_path);
    pull->snapshot_path = sw_hub_path_dup(pull->repo_path, "snapshots", commit, NULL);
    return pull->snapshot_path != NULL ? SW_OK
                                       : sw_fail(err, SW_ENOMEM, "%s: out of memory", pull->id);
}

static enum sw_code download_model(struct pull *pull, struct sw_error *err)
{
    enum sw_code code = fetch_listing(pull, err);
    const struct sw_hub_names *files = &pull->listing.files;
    if (code != SW_OK)
        return code;
    code = set_snapshot(pull, pull->listing.commit, err);
    /* Before anything large is fetched: is this a model for us at all? */
    const char *weights = "model.safetensors";
    if (!sw_hub_names_has(files, weights))
        weights = "model.safetensors.index.json";
    if (code == SW_OK && !sw_hub_names_has(files, weights))
        code = refuse_weights(pull, err);
    for (size_t i = 0; code == SW_OK && i < sizeof small_files / sizeof small_files[0]; i++) {
        if (small_files[i].is_required && !sw_hub_names_has(files, small_files[i].name))
            code = sw_fail(err, SW_EUNSUPPORTED, "%s: has no %s", pull->id, small_files[i].name);
    }
    if (code == SW_OK)
        code = create_folders(pull, err);
    for (size_t i = 0; code == SW_OK && i < sizeof small_files / sizeof small_files[0]; i++) {
        if (sw_hub_names_has(files, small_files[i].name))
            code = pull_file(pull, small_files[i].name, err);
    }
    if (code == SW_OK)
        code = pull_file(pull, weights, err);
    if (code == SW_OK && strcmp(weights, "model.safetensors") != 0)
        code = pull_shards(pull, err);
    /* Last, so that the name leads to a complete snapshot, the old or the new one. */
    if (code == SW_OK)
        code = sw_hub_cache_write_ref(pull->repo_path, pull->settings->options.revision,
                                      pull->listing.commit, err);
    return code;
}

/* The snapshot that the cache has for the revision, if it is complete. */
static enum sw_code find_in_cache(struct pull *pull, char commit[41], struct sw_error *err)
{
    enum sw_code code =
        sw_hub_cache_commit(commit, pull->repo_path, pull->settings->options.revision, err);
    if (code == SW_OK)
        code = set_snapshot(pull, commit, err);
    if (code == SW_OK)
        code = sw_hub_cache_check(pull->snapshot_path, err);
    return code;
}

static enum sw_code prepare(struct pull *pull, struct sw_error *err)
{
    const char *hub = pull->settings->hub_cache;
    const char *revision = pull->settings->options.revision;
    enum sw_code code = sw_hub_check_id(pull->id, err);
    if (code != SW_OK)
        return code;
    if (!sw_hub_path_is_safe(revision))
        return sw_fail(err, SW_EUSAGE, "revision \"%.100s\": not a branch, tag or commit",
                       revision);
    char *folder = sw_hub_repo_folder_dup(pull->id);
    if (folder != NULL) {
        pull->repo_path = sw_hub_path_dup(hub, folder, NULL);
        pull->lock_folder = sw_hub_path_dup(hub, ".locks", folder, NULL);
    }
    free(folder);
    if (pull->repo_path == NULL || pull->lock_folder == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", pull->id);
    return SW_OK;
}

enum sw_code sw_hub_model(char **folder, const char *name, const struct sw_hub_options *options,
                          struct sw_error *err)
{
    struct sw_hub_info info = {0};
    struct sw_hub_settings settings;
    struct pull pull = {.settings = &settings, .id = name};
    struct sw_error unread;
    err = err != NULL ? err : &unread; /* prefixes hand on the code that it holds */
    *folder = NULL;
    enum sw_code code = sw_hub_settings_read(&settings, options, err);
    if (code != SW_OK)
        return code;
    code = prepare(&pull, err);
    if (code != SW_OK)
        goto done;
    if (!settings.options.refresh || settings.offline) {
        code = find_in_cache(&pull, info.commit, err);
        info.from_cache = code == SW_OK;
        if (settings.offline && code != SW_OK) {
            code =
                sw_fail_prefix(err, "%s is not in the cache, and offline nothing is fetched", name);
            goto done;
        }
    }
    if (!info.from_cache) {
        code = sw_http_create(&pull.http, &settings, err);
        if (code == SW_OK)
            code = download_model(&pull, err);
        memcpy(info.commit, pull.listing.commit, sizeof info.commit);
    }
    if (code == SW_OK) {
        *folder = pull.snapshot_path;
        pull.snapshot_path = NULL;
    }
done:
    if (pull.http != NULL)
        info.downloaded_bytes = sw_http_received_bytes(pull.http);
    if (settings.options.info != NULL)
        *settings.options.info = info;
    sw_http_destroy(pull.http);
    sw_hub_listing_free(&pull.listing);
    free(pull.repo_path);
    free(pull.lock_folder);
    free(pull.snapshot_path);
    sw_hub_settings_free(&settings);
    return code;
}
