#include "hub/cache.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "hub/name.h"

char *sw_hub_path_dup(const char *first, ...)
{
    struct sw_buffer path = {0};
    va_list args;
    sw_buffer_puts(&path, first);
    va_start(args, first);
    for (const char *piece; (piece = va_arg(args, const char *)) != NULL;)
        sw_buffer_printf(&path, "/%s", piece);
    va_end(args);
    return sw_buffer_take(&path, NULL);
}

char *sw_hub_repo_folder_dup(const char *id)
{
    struct sw_buffer name = {0};
    sw_buffer_puts(&name, "models--");
    for (; *id != 0; id++) {
        if (*id == '/')
            sw_buffer_puts(&name, "--");
        else
            sw_buffer_append(&name, id, 1);
    }
    return sw_buffer_take(&name, NULL);
}

enum sw_code sw_hub_parent_create(const char *path, struct sw_error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return SW_OK;
    char *folder = strndup(path, (size_t)(slash - path));
    if (folder == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    enum sw_code code = sw_folder_create(folder, err);
    free(folder);
    return code;
}

enum sw_code sw_hub_cache_commit(char commit[41], const char *repo_path, const char *revision,
                                 struct sw_error *err)
{
    if (sw_hub_is_hex(revision, 40)) {
        memcpy(commit, revision, 41);
        return SW_OK;
    }
    char line[64];
    char *path = sw_hub_path_dup(repo_path, "refs", revision, NULL);
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", repo_path);
    enum sw_code code = sw_file_first_line(line, sizeof line, path, err);
    if (code == SW_OK) {
        line[strcspn(line, " \t\r")] = 0;
        if (sw_hub_is_hex(line, 40))
            memcpy(commit, line, 41);
        else
            code = sw_fail(err, SW_EFORMAT, "%s: not a commit of 40 hexadecimal digits", path);
    }
    free(path);
    return code;
}

enum sw_code sw_hub_cache_write_ref(const char *repo_path, const char *revision, const char *commit,
                                    struct sw_error *err)
{
    char known[41];
    if (sw_hub_cache_commit(known, repo_path, revision, NULL) == SW_OK &&
        strcmp(known, commit) == 0)
        return SW_OK;
    char *path = sw_hub_path_dup(repo_path, "refs", revision, NULL);
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", repo_path);
    enum sw_code code = sw_hub_parent_create(path, err);
    if (code == SW_OK)
        code = sw_file_write_atomic(path, commit, strlen(commit), err);
    free(path);
    return code;
}

/* A regular file is there, links followed. */
static enum sw_code check_file(const char *folder, const char *name, struct sw_error *err)
{
    struct stat info;
    char *path = sw_hub_path_dup(folder, name, NULL);
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    enum sw_code code = SW_OK;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        code = sw_fail(err, SW_EABSENT, "%s: %s is missing", folder, name);
    free(path);
    return code;
}

static enum sw_code check_shards(const char *folder, struct sw_error *err)
{
    struct sw_buffer text = {0};
    struct sw_hub_names shards = {0};
    char *path = sw_hub_path_dup(folder, "model.safetensors.index.json", NULL);
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    enum sw_code code = sw_file_read(&text, path, SW_HUB_MAX_INDEX_BYTES, err);
    if (code == SW_OK)
        code = sw_hub_index_parse(&shards, text.data, text.size, path, err);
    for (size_t i = 0; code == SW_OK && i < shards.n; i++)
        code = check_file(folder, shards.names[i], err);
    sw_hub_names_free(&shards);
    sw_buffer_free(&text);
    free(path);
    return code;
}

enum sw_code sw_hub_cache_check(const char *snapshot_path, struct sw_error *err)
{
    enum sw_code code = check_file(snapshot_path, "config.json", err);
    if (code == SW_OK)
        code = check_file(snapshot_path, "tokenizer.json", err);
    if (code != SW_OK || check_file(snapshot_path, "model.safetensors", NULL) == SW_OK)
        return code;
    if (check_file(snapshot_path, "model.safetensors.index.json", NULL) == SW_OK)
        return check_shards(snapshot_path, err);
    return sw_fail(err, SW_EABSENT, "%s: model.safetensors is missing", snapshot_path);
}

/* The link's text: up from the folder of file to the model's folder, then to the blob. */
static char *link_text_dup(const char *blob_path, const char *file)
{
    struct sw_buffer text = {0};
    sw_buffer_puts(&text, "../../");
    for (; (file = strchr(file, '/')) != NULL; file++)
        sw_buffer_puts(&text, "../");
    sw_buffer_printf(&text, "blobs/%s", strrchr(blob_path, '/') + 1);
    return sw_buffer_take(&text, NULL);
}

/* Creates the link under a name of this process and renames it, so that a reader never misses the
 * file and two processes do not disturb each other. False with errno where links cannot be. */
static bool link_atomically(const char *target, const char *path)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.%ld.tmp", path, (long)getpid()) < 0) {
        errno = ENOMEM;
        return false;
    }
    unlink(temporary);
    bool good = symlink(target, temporary) == 0 && rename(temporary, path) == 0;
    int saved_errno = errno;
    if (!good)
        unlink(temporary);
    free(temporary);
    errno = saved_errno;
    return good;
}

enum sw_code sw_hub_cache_point(const char *pointer_path, const char *blob_path, const char *file,
                                bool no_symlinks, struct sw_error *err)
{
    enum sw_code code = sw_hub_parent_create(pointer_path, err);
    if (code != SW_OK)
        return code;
    char *target = link_text_dup(blob_path, file);
    if (target == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", pointer_path);
    bool is_impossible = no_symlinks;
    if (!is_impossible && !link_atomically(target, pointer_path)) {
        is_impossible = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;
        if (!is_impossible)
            code = sw_fail(err, SW_EFILE, "%s: %s", pointer_path, strerror(errno));
    }
    if (is_impossible && rename(blob_path, pointer_path) != 0)
        code = sw_fail(err, SW_EFILE, "%s: %s", pointer_path, strerror(errno));
    free(target);
    return code;
}
