#include "hub/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/number.h"

enum {
    MAX_UNKNOWN_BYTES = 64 << 20, /* of a file whose size the server does not say */
    PROGRESS_MS = 200,
    FRESH_TRIES_BYTES = 1 << 20, /* after this much new content, failures count from 0 again */
};

/* The file under way. */
struct transfer {
    struct sw_http *http;
    const struct sw_hub_download *download;
    char *incomplete_path; /* owned */
    int fd;
    uint64_t size_bytes;  /* in the file now */
    uint64_t asked_bytes; /* where this exchange was asked to begin */
    bool has_begun;       /* the first bytes of this exchange have been placed */
    bool was_resumed;     /* the file is not of one exchange alone */
    bool must_restart;    /* the server cannot go on from asked_bytes */
    uint64_t shown_ns, shown_bytes;
    double rate; /* bytes per second, smoothed */
};

static enum sw_code fail_errno(const struct transfer *t, struct sw_error *err)
{
    return sw_fail(err, SW_EFILE, "%s: %s", t->incomplete_path, strerror(errno));
}

static void show_progress(struct transfer *t, bool is_last)
{
    const struct sw_hub_options *options = &sw_http_settings_view(t->http)->options;
    uint64_t now_ns = sw_clock_ns();
    uint64_t passed_ns = now_ns - t->shown_ns;
    if (options->progress == NULL || (!is_last && passed_ns < PROGRESS_MS * UINT64_C(1000000)))
        return;
    if (passed_ns > 0 && t->size_bytes > t->shown_bytes) {
        double rate = (double)(t->size_bytes - t->shown_bytes) / ((double)passed_ns * 1e-9);
        t->rate = t->rate > 0 ? 0.7 * t->rate + 0.3 * rate : rate;
    }
    t->shown_ns = now_ns;
    t->shown_bytes = t->size_bytes;
    options->progress(options->ctx, t->download->name, t->size_bytes,
                      t->download->has_size ? t->download->size_bytes : 0, t->rate);
}

/* Empties the file. */
static enum sw_code restart(struct transfer *t, struct sw_error *err)
{
    t->size_bytes = t->shown_bytes = 0;
    t->was_resumed = false;
    return ftruncate(t->fd, 0) == 0 ? SW_OK : fail_errno(t, err);
}

/* "bytes FIRST-LAST/TOTAL" begins where we asked, and TOTAL is what we know. */
static bool range_fits(const struct transfer *t, const char *range)
{
    unsigned long long first, last, total;
    int end = 0;
    if (sscanf(range, "bytes %llu-%llu/%llu%n", &first, &last, &total, &end) != 3 ||
        range[end] != 0)
        return false;
    return first == t->asked_bytes && last >= first && last < total &&
           (!t->download->has_size || total == t->download->size_bytes);
}

/* Decides at the first bytes of a response where they belong. */
static bool begin(struct transfer *t, const struct sw_http_answer *answer, struct sw_error *err)
{
    t->has_begun = true;
    if (answer->status == 206 && !range_fits(t, answer->range)) {
        t->must_restart = true;
        sw_fail(err, SW_EFORMAT, "%s: asked for bytes from %" PRIu64 ", got \"%s\"",
                t->download->name, t->asked_bytes, answer->range);
        return false;
    }
    if (answer->status == 200 && t->asked_bytes > 0)
        return restart(t, err) == SW_OK; /* the server ignores ranges: from the start then */
    return true;
}

static bool on_bytes(void *ctx, const struct sw_http_answer *answer, const void *bytes, size_t size,
                     struct sw_error *err)
{
    struct transfer *t = ctx;
    const char *data = bytes;
    uint64_t max_bytes = t->download->has_size ? t->download->size_bytes : MAX_UNKNOWN_BYTES;
    if (!t->has_begun && !begin(t, answer, err))
        return false;
    if (size > max_bytes - t->size_bytes) {
        sw_fail(err, SW_EFORMAT, "%s: the server sends more than the %" PRIu64 " bytes expected",
                t->download->name, max_bytes);
        return false;
    }
    while (size > 0) {
        ssize_t n = pwrite(t->fd, data, size, (off_t)t->size_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fail_errno(t, err);
            return false;
        }
        data += n;
        size -= (size_t)n;
        t->size_bytes += (uint64_t)n;
    }
    show_progress(t, false);
    return true;
}

/* One exchange, or two where the first shows that the server cannot go on from what we hold. SW_OK
 * if the file is complete then. */
static enum sw_code attempt(struct transfer *t, struct sw_http_request *request,
                            struct sw_http_answer *answer, struct sw_error *err)
{
    enum sw_code code;
    for (;;) {
        request->from_bytes = t->asked_bytes = t->size_bytes;
        t->was_resumed = t->was_resumed || t->asked_bytes > 0;
        t->has_begun = t->must_restart = false;
        code = sw_http_try(t->http, request, answer, err);
        /* 416: there is nothing from where we asked on, so what we hold cannot be right. */
        bool cannot_resume = t->must_restart || (code == SW_OK && answer->status == 416);
        if (!cannot_resume || t->asked_bytes == 0)
            break;
        code = restart(t, err);
        if (code != SW_OK)
            return code;
        sw_http_answer_free(answer);
    }
    if (code != SW_OK)
        return code;
    if (answer->status != 200 && answer->status != 206)
        return sw_http_fail_status(request, answer, err);
    if (t->download->has_size && t->size_bytes < t->download->size_bytes) {
        answer->is_transient = true;
        return sw_fail(err, SW_ENET, "%s: the server ends after %" PRIu64 " of %" PRIu64 " bytes",
                       t->download->name, t->size_bytes, t->download->size_bytes);
    }
    return SW_OK;
}

/* Fetches until the file has its size or the tries are used up. */
static enum sw_code fetch(struct transfer *t, struct sw_error *err)
{
    const struct sw_hub_download *download = t->download;
    struct sw_http_request request = {
        .url = download->url, .token = download->token, .sink = on_bytes, .ctx = t};
    unsigned n_failed = 0;
    uint64_t counted_bytes = t->size_bytes;
    if (download->has_size && t->size_bytes == download->size_bytes)
        return SW_OK;
    for (;;) {
        struct sw_http_answer answer;
        enum sw_code code = attempt(t, &request, &answer, err);
        if (t->size_bytes < counted_bytes)
            counted_bytes = t->size_bytes;
        if (t->size_bytes - counted_bytes >= FRESH_TRIES_BYTES) {
            counted_bytes = t->size_bytes;
            n_failed = 0;
        }
        bool again =
            code != SW_OK && sw_http_wait_retry(t->http, &request, &answer, &n_failed, &code, err);
        sw_http_answer_free(&answer);
        if (!again)
            return code;
    }
}

/* Hashes what is on disk, not what passed through memory. SW_EFORMAT where it differs. */
static enum sw_code verify(struct transfer *t, struct sw_error *err)
{
    const struct sw_hub_download *download = t->download;
    const struct sw_hub_settings *settings = sw_http_settings_view(t->http);
    bool is_git = download->hash == SW_HUB_GIT_BLOB;
    struct sw_digest *digest = NULL;
    unsigned char *chunk = NULL;
    const size_t chunk_size = 1 << 20;
    char hex[65];
    enum sw_code code = sw_digest_create(&digest, is_git ? SW_SHA1 : SW_SHA256, err);
    if (code != SW_OK)
        return code;
    chunk = malloc(chunk_size);
    if (chunk == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", t->incomplete_path);
        goto done;
    }
    if (is_git) {
        char head[32];
        int n = snprintf(head, sizeof head, "blob %" PRIu64, t->size_bytes);
        sw_digest_update(digest, head, (size_t)n + 1); /* its NUL is part of it */
    }
    for (uint64_t at = 0; at < t->size_bytes;) {
        ssize_t n = pread(t->fd, chunk, chunk_size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            code = n < 0 ? fail_errno(t, err)
                         : sw_fail(err, SW_EFILE, "%s: became shorter", t->incomplete_path);
            goto done;
        }
        sw_digest_update(digest, chunk, (size_t)n);
        at += (uint64_t)n;
        if (sw_hub_is_interrupted(settings)) {
            code = sw_fail(err, SW_EINTERRUPTED, "%s: interrupted; what has arrived is kept",
                           download->name);
            goto done;
        }
    }
    sw_digest_hex(digest, hex);
    if (strcmp(hex, download->hash_hex) != 0)
        code = sw_fail(err, SW_EFORMAT, "%s: %s is %s, expected %s (%.*s)", download->name,
                       is_git ? "git blob id" : "SHA-256", hex, download->hash_hex,
                       (int)strcspn(download->url, "?#"), download->url);
done:
    free(chunk);
    sw_digest_destroy(digest);
    return code;
}

static enum sw_code check_space(const struct transfer *t, struct sw_error *err)
{
    struct statvfs space;
    const struct sw_hub_download *download = t->download;
    if (!download->has_size || fstatvfs(t->fd, &space) != 0)
        return SW_OK;
    uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    uint64_t needed_bytes = download->size_bytes - t->size_bytes;
    if (needed_bytes > free_bytes)
        return sw_fail(err, SW_EFILE, "%s: %" PRIu64 " more bytes needed, %" PRIu64 " free on disk",
                       t->incomplete_path, needed_bytes, free_bytes);
    return SW_OK;
}

static enum sw_code open_incomplete(struct transfer *t, struct sw_error *err)
{
    struct stat info;
    t->fd = open(t->incomplete_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (t->fd < 0 || fstat(t->fd, &info) != 0)
        return fail_errno(t, err);
    if (!S_ISREG(info.st_mode))
        return sw_fail(err, SW_EFILE, "%s: not a regular file", t->incomplete_path);
    t->size_bytes = t->shown_bytes = (uint64_t)info.st_size;
    t->was_resumed = t->size_bytes > 0;
    if (t->download->has_size && t->size_bytes > t->download->size_bytes)
        return restart(t, err);
    return SW_OK;
}

/* The folder's entry must be on disk before the file counts as there. */
static enum sw_code commit(const struct transfer *t, struct sw_error *err)
{
    const char *path = t->download->path;
    if (fsync(t->fd) != 0)
        return fail_errno(t, err);
    if (rename(t->incomplete_path, path) != 0)
        return sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd); /* not every file system can; the rename itself has worked */
        close(fd);
    }
    free(folder);
    return SW_OK;
}

enum sw_code sw_hub_download(struct sw_http *http, const struct sw_hub_download *download,
                             struct sw_error *err)
{
    struct transfer t = {.http = http, .download = download, .fd = -1, .shown_ns = sw_clock_ns()};
    struct stat info;
    if (stat(download->path, &info) == 0 && S_ISREG(info.st_mode) &&
        (!download->has_size || (uint64_t)info.st_size == download->size_bytes))
        return SW_OK;
    enum sw_code code = SW_OK;
    if (asprintf(&t.incomplete_path, "%s.incomplete", download->path) < 0) {
        t.incomplete_path = NULL;
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", download->path);
    }
    code = open_incomplete(&t, err);
    if (code == SW_OK)
        code = check_space(&t, err);
    for (bool is_second = false; code == SW_OK; is_second = true) {
        code = fetch(&t, err);
        if (code != SW_OK)
            break;
        code = verify(&t, err);
        if (code != SW_EFORMAT)
            break;
        if (t.was_resumed && !is_second) {
            code = restart(&t, err); /* the older part may be what is wrong */
            continue;
        }
        unlink(t.incomplete_path);
    }
    if (code == SW_OK)
        code = commit(&t, err);
    if (code == SW_OK)
        show_progress(&t, true);
    if (t.fd >= 0)
        close(t.fd);
    free(t.incomplete_path);
    return code;
}
