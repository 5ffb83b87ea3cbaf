/*
 * One file from a URL to its place, so that a reader of the place sees the checked file or none:
 * resume <path>.incomplete, check size and hash of what is on disk, fsync, rename. The caller holds
 * the lock.
 */
#ifndef SW_HUB_DOWNLOAD_H
#define SW_HUB_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "hub/http.h"

/* How the content is known beforehand. */
enum sw_hub_hash {
    SW_HUB_SHA256,   /* 64 digits: SHA-256 of the content (LFS) */
    SW_HUB_GIT_BLOB, /* 40 digits: SHA-1 of "blob <size>", NUL, content */
};

struct sw_hub_download {
    const char *url;
    const char *token; /* NULL: none */
    const char *name;  /* for progress and messages */
    const char *path;  /* final place; its folder exists */
    enum sw_hub_hash hash;
    const char *hash_hex;
    bool has_size;
    uint64_t size_bytes; /* valid if has_size */
};

/* Returns at once where path exists already with the right size. A break leaves
 * <path>.incomplete, from which the next call goes on; a wrong hash removes it. */
enum sw_code sw_hub_download(struct sw_http *http, const struct sw_hub_download *download,
                             struct sw_error *err);

/* A lock that other processes (the Python library too) respect: flock on a file. *fd is to be
 * closed through sw_hub_unlock. Waits, asking for interruption. */
enum sw_code sw_hub_lock(int *fd, const char *path, const struct sw_hub_settings *settings,
                         struct sw_error *err);
void sw_hub_unlock(int fd);

#endif
