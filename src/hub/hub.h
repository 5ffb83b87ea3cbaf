/*
 * Model or data-set name to a folder or file on this machine, in the layout of the user's Hugging
 * Face cache, so that the Python tools find our downloads and we find theirs.
 */
#ifndef SW_HUB_HUB_H
#define SW_HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Progress of one download; called a few times a second from the calling thread. total is 0 where
 * the server does not say. */
typedef void sw_hub_progress(void *ctx, const char *file, uint64_t done_bytes, uint64_t total_bytes,
                             double bytes_per_second);

struct sw_hub_options {
    const char *revision;      /* branch, tag or commit; NULL: "main" */
    bool offline;              /* as HF_HUB_OFFLINE: cache only */
    sw_hub_progress *progress; /* NULL: silent */
    void *ctx;
    /* Asked a few times a second; true ends the call with SW_EINTERRUPTED. NULL: never. What has
     * arrived stays for a later resume. */
    bool (*is_interrupted)(void *ctx);
};

/* Folder of a model's snapshot: from the cache if all needed files are there, else downloaded.
 * *folder is the caller's to free. name is "org/model". */
enum sw_code sw_hub_model(char **folder, const char *name, const struct sw_hub_options *options,
                          struct sw_error *err);

/* A data-set file for dataset/: "squad" (validation) from its home site into our own cache, any
 * other hub name through the rows service as JSONL. *path is the caller's to free. */
enum sw_code sw_hub_dataset(char **path, const char *name, const char *split,
                            const struct sw_hub_options *options, struct sw_error *err);

#endif
