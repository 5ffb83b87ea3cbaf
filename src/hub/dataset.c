/*
 * Data-set names: SQuAD v1.1 from its home site (the hub's copy is Parquet), all others through the
 * rows service.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "hub/cache.h"
#include "hub/download.h"
#include "hub/http.h"
#include "hub/hub.h"
#include "hub/rows.h"
#include "hub/settings.h"

/* The files at https://rajpurkar.github.io/SQuAD-explorer/, their SHA-256 as ParlAI and the
 * data-set card of the Python library "datasets" record them too. */
static const struct squad_file {
    const char *split, *name, *sha256;
    uint64_t size_bytes;
} squad_files[] = {
    {"validation", "dev-v1.1.json",
     "95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9", 4854279},
    {"train", "train-v1.1.json", "3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955",
     30288272},
};

static const struct squad_file *find_squad_file(const char *split)
{
    if (strcmp(split, "test") == 0 || strcmp(split, "dev") == 0)
        split = "validation";
    for (size_t i = 0; i < sizeof squad_files / sizeof squad_files[0]; i++) {
        if (strcmp(split, squad_files[i].split) == 0)
            return &squad_files[i];
    }
    return NULL;
}

/* Fetches under the lock; another process may have done so while we waited. */
static enum sw_code fetch_squad(const struct sw_hub_download *download, const char *folder,
                                const struct sw_hub_settings *settings, struct sw_hub_info *info,
                                struct sw_error *err)
{
    int lock = -1;
    struct sw_http *http = NULL;
    char *lock_path = sw_hub_path_dup(folder, ".lock", NULL);
    enum sw_code code = lock_path != NULL ? sw_folder_create(folder, err)
                                          : sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
    if (code == SW_OK)
        code = sw_hub_lock(&lock, lock_path, settings, err);
    if (code == SW_OK)
        code = sw_http_create(&http, settings, err);
    if (code == SW_OK)
        code = sw_hub_download(http, download, err);
    if (http != NULL)
        info->downloaded_bytes = sw_http_received_bytes(http);
    sw_http_destroy(http);
    sw_hub_unlock(lock);
    free(lock_path);
    return code;
}

static enum sw_code get_squad(char **out, const char *split, const struct sw_hub_settings *settings,
                              struct sw_hub_info *info, struct sw_error *err)
{
    const struct squad_file *file = find_squad_file(split);
    if (file == NULL)
        return sw_fail(err, SW_EABSENT,
                       "data set squad: no split \"%.100s\"; there is: train, validation", split);
    snprintf(info->split, sizeof info->split, "%s", file->split);
    if (strcmp(split, "test") == 0)
        snprintf(info->note, sizeof info->note,
                 "data set squad has no split \"test\"; \"validation\" is read");
    enum sw_code code = SW_OK;
    char *folder = sw_hub_path_dup(settings->own_cache, "datasets", "squad", NULL);
    char *path = folder != NULL ? sw_hub_path_dup(folder, file->name, NULL) : NULL;
    char *url = sw_hub_path_dup(settings->squad_url, file->name, NULL);
    if (path == NULL || url == NULL) {
        code = sw_fail(err, SW_ENOMEM, "data set squad: out of memory");
        goto done;
    }
    struct sw_hub_download download = {.url = url,
                                       .name = file->name,
                                       .path = path,
                                       .hash = SW_HUB_SHA256,
                                       .hash_hex = file->sha256,
                                       .has_size = true,
                                       .size_bytes = file->size_bytes};
    struct stat found; /* its name is its version: nothing to refresh */
    info->from_cache = stat(path, &found) == 0 && (uint64_t)found.st_size == file->size_bytes;
    if (!info->from_cache && settings->offline)
        code =
            sw_fail(err, SW_EABSENT,
                    "%s: not in the cache, and offline nothing is fetched (data set squad)", path);
    else if (!info->from_cache)
        code = fetch_squad(&download, folder, settings, info, err);
    if (code == SW_OK) {
        *out = path;
        path = NULL;
    }
done:
    free(folder);
    free(path);
    free(url);
    return code;
}

enum sw_code sw_hub_dataset(char **path, const char *name, const char *split,
                            const struct sw_hub_options *options, struct sw_error *err)
{
    struct sw_hub_info info = {0};
    struct sw_hub_settings settings;
    struct sw_error unread;
    err = err != NULL ? err : &unread; /* prefixes hand on the code that it holds */
    *path = NULL;
    enum sw_code code = sw_hub_settings_read(&settings, options, err);
    if (code != SW_OK)
        return code;
    if (strcmp(name, "squad") == 0 || strcmp(name, "rajpurkar/squad") == 0)
        code = get_squad(path, split, &settings, &info, err);
    else
        code = sw_hub_rows(path, name, split, &settings, &info, err);
    if (settings.options.info != NULL)
        *settings.options.info = info;
    sw_hub_settings_free(&settings);
    return code;
}
