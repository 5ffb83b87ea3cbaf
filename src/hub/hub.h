/*
 * Model or data-set name to a folder or file on this machine, in the layout of the user's Hugging
 * Face cache, so that the Python tools find our downloads and we find theirs. docs/hub.md says
 * where things are kept, which environment variables count, and what is sent to whom.
 *
 *     struct sw_hub_options options = {.revision = "main"};
 *     char *folder;
 *     if (sw_hub_model(&folder, "HuggingFaceTB/SmolLM-135M", &options, &err) == SW_OK)
 *         ...; free(folder);
 */
#ifndef SW_HUB_HUB_H
#define SW_HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Progress of one download; called a few times a second from the calling thread, and once when the
 * file is complete. total is 0 where the server does not say. The rows service counts rows instead
 * of bytes, its file is "rows". */
typedef void sw_hub_progress(void *ctx, const char *file, uint64_t done_bytes, uint64_t total_bytes,
                             double bytes_per_second);

/* What a call did, for the person at the terminal. */
struct sw_hub_info {
    bool from_cache;           /* nothing was downloaded */
    uint64_t downloaded_bytes; /* over the network in this call, request heads not counted */
    char commit[41];           /* model: the snapshot's commit */
    char config[128];          /* data set of the rows service: its configuration, else "" */
    char split[128];           /* data set: the split really read */
    char note[256];            /* what the caller must say on stderr ("..."), else "" */
};

struct sw_hub_options {
    const char *revision;      /* branch, tag or commit; NULL: "main". Models only */
    bool offline;              /* as HF_HUB_OFFLINE: cache only */
    sw_hub_progress *progress; /* NULL: silent */
    void *ctx;
    /* Asked several times a second; true ends the call with SW_EINTERRUPTED. NULL: never. What has
     * arrived stays for a later resume. */
    bool (*is_interrupted)(void *ctx);

    const char *dataset_config; /* rows service; NULL: the only one, or "default" */
    bool refresh; /* ask the server even where the cache would do: what `pull` wants; default false,
                     so that a measuring run touches no network */
    struct sw_hub_info *info; /* filled where not NULL, by a failing call too */

    /* 0 means the default. */
    unsigned connect_timeout_ms; /* 5000: resolving, connecting, TLS */
    unsigned stall_timeout_ms;   /* 10000, or HF_HUB_DOWNLOAD_TIMEOUT (seconds): less than 1 KiB in
                                    this time is a broken connection */
    unsigned retry_wait_ms;      /* 1000: first pause of the back-off, doubled up to 16 times it */
    unsigned max_retry_after_s;  /* 120: a server that asks for a longer pause fails the call */
    unsigned n_tries;            /* 5, counted anew for every MiB that arrives */
};

/* Folder of a model's snapshot: from the cache if all needed files are there, else downloaded.
 * *folder is the caller's to free. name is "org/model". options may be NULL. */
enum sw_code sw_hub_model(char **folder, const char *name, const struct sw_hub_options *options,
                          struct sw_error *err);

/* A data-set file for dataset/: "squad" (validation) from its home site into our own cache, any
 * other hub name through the rows service as JSONL. "test" means validation where there is no test
 * split; info's split and note say so. *path is the caller's to free. options may be NULL. */
enum sw_code sw_hub_dataset(char **path, const char *name, const char *split,
                            const struct sw_hub_options *options, struct sw_error *err);

#endif
