/*
 * The Hugging Face cache layout of one model:
 *
 *     HUB/models--org--name/blobs/<etag>                   content, named by its hash
 *                           refs/main                      commit that a branch or tag names
 *                           snapshots/<commit>/<file>  ->  ../../blobs/<etag>
 *     HUB/.locks/models--org--name/<etag>.lock             flock while <etag> is written
 */
#ifndef SW_HUB_CACHE_H
#define SW_HUB_CACHE_H

#include <stdbool.h>

#include "base/error.h"
#include "hub/answer.h"
#include "hub/settings.h"

/* Path pieces joined with '/'; ends with NULL. Caller frees; NULL if out of memory. */
char *sw_hub_path_dup(const char *first, ...) __attribute__((sentinel));

/* "models--org--name". Caller frees; NULL if out of memory. */
char *sw_hub_repo_folder_dup(const char *id);

/* mkdir -p of the folder that path lies in. */
enum sw_code sw_hub_parent_create(const char *path, struct sw_error *err);

/* Commit that refs/<revision> holds, or revision itself where it is one. SW_EABSENT where the cache
 * does not know it. */
enum sw_code sw_hub_cache_commit(char commit[41], const char *repo_path, const char *revision,
                                 struct sw_error *err);

/* Writes refs/<revision>, unless revision is the commit or the file says so already. */
enum sw_code sw_hub_cache_write_ref(const char *repo_path, const char *revision, const char *commit,
                                    struct sw_error *err);

/* SW_OK if the snapshot folder has all that a model needs: config, tokenizer, weights. SW_EABSENT
 * names the first that is missing. */
enum sw_code sw_hub_cache_check(const char *snapshot_path, struct sw_error *err);

/* Makes pointer_path (snapshots/<commit>/<file>) stand for blob_path: a relative link, or, where
 * links are impossible or not wanted, the file itself, moved. */
enum sw_code sw_hub_cache_point(const char *pointer_path, const char *blob_path, const char *file,
                                bool no_symlinks, struct sw_error *err);

#endif
