#include "record/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"

_Static_assert(SW_JOURNAL_MAX_LINE_BYTES <= 2 * (size_t)SW_JSON_MAX_VALUES,
               "a written line is always readable: each value takes two bytes or more");

enum { SYNC_NS = 1000000000, ROOM_BYTES = 65536 };

struct sw_journal {
    int fd;
    char *path;
    off_t whole_bytes; /* file size behind the last whole line */
    bool must_cut;     /* a failed line could not be cut off yet */
    bool dirty;        /* written since the last sync */
    uint64_t dirty_ns; /* when the oldest unsynced line was written */
    uint64_t sync_ns;  /* when the last sync ended */
    struct sw_buffer line;
};

/* Writes all of it; on failure errno says why and part of it may be in the file. */
static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

/* Bytes [begin, end) of the file appended to out. */
static enum sw_code read_range(const struct sw_journal *journal, struct sw_buffer *out, off_t begin,
                               off_t end, struct sw_error *err)
{
    if (!sw_buffer_reserve(out, (size_t)(end - begin)))
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", journal->path);
    while (begin < end) {
        ssize_t n = pread(journal->fd, out->data + out->size, (size_t)(end - begin), begin);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return sw_fail(err, SW_EFILE, "%s: %s", journal->path,
                           n < 0 ? strerror(errno) : "became shorter while it was read");
        out->size += (size_t)n;
        out->data[out->size] = 0;
        begin += n;
    }
    return SW_OK;
}

/* Any other file is named by mistake, and a line more would spoil it. */
static enum sw_code check_is_journal(const struct sw_journal *journal, struct sw_error *err)
{
    static const char begin[] = "{\"schema_version\":";
    off_t size = journal->whole_bytes;
    struct sw_buffer head = {0};
    enum sw_code code = read_range(
        journal, &head, 0, size < (off_t)sizeof begin - 1 ? size : (off_t)sizeof begin - 1, err);
    if (code == SW_OK) {
        /* A first line that a crash cut short is a journal's too. */
        const char *newline = memchr(head.data, '\n', head.size);
        size_t length = newline != NULL ? (size_t)(newline - head.data) : head.size;
        if (memcmp(head.data, begin, length) != 0)
            code = sw_fail(err, SW_EFORMAT,
                           "%s: not a journal (it does not begin with %s); left as it is",
                           journal->path, begin);
    }
    sw_buffer_free(&head);
    return code;
}

/* What stands behind the last newline, at most one byte more than a line may have. */
static enum sw_code read_tail(const struct sw_journal *journal, struct sw_buffer *tail,
                              struct sw_error *err)
{
    off_t end = journal->whole_bytes;
    for (off_t length = 4096;; length *= 4) {
        if (length > (off_t)SW_JOURNAL_MAX_LINE_BYTES + 1)
            length = (off_t)SW_JOURNAL_MAX_LINE_BYTES + 1;
        off_t begin = end > length ? end - length : 0;
        sw_buffer_clear(tail);
        enum sw_code code = read_range(journal, tail, begin, end, err);
        if (code != SW_OK)
            return code;
        const char *newline = memrchr(tail->data, '\n', tail->size);
        if (newline != NULL) {
            size_t used = (size_t)(newline - tail->data) + 1;
            tail->size -= used;
            memmove(tail->data, newline + 1, tail->size + 1);
            return SW_OK;
        }
        if (begin == 0 || length > (off_t)SW_JOURNAL_MAX_LINE_BYTES)
            return SW_OK;
    }
}

static enum sw_code end_last_line(struct sw_journal *journal, bool *torn, struct sw_error *err)
{
    struct sw_buffer tail = {0};
    enum sw_code code = read_tail(journal, &tail, err);
    if (code == SW_OK && tail.size > 0) {
        json_t *object = NULL;
        bool is_empty = tail.size == 1 && tail.data[0] == '\r';
        *torn = tail.size > SW_JOURNAL_MAX_LINE_BYTES ||
                (!is_empty &&
                 (sw_json_parse(&object, tail.data, tail.size, journal->path, NULL) != SW_OK ||
                  !json_is_object(object)));
        json_decref(object);
        if (write_all(journal->fd, "\n", 1))
            journal->whole_bytes++;
        else
            code = sw_fail(err, SW_EFILE, "%s: its unfinished last line cannot be ended: %s",
                           journal->path, strerror(errno));
    }
    sw_buffer_free(&tail);
    return code;
}

/* So that the name of a new file survives a crash of the machine. Best effort: some file systems
 * cannot sync a folder, and the lines' own syncs report a failing disk. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char *folder = strndup(slash == NULL ? "." : path, length);
    int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* A disk that is full now is told now, not after minutes of measuring: room for some lines is taken
 * and given back. File systems that cannot say are believed. */
static enum sw_code check_room(const struct sw_journal *journal, struct sw_error *err)
{
    if (fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, journal->whole_bytes, ROOM_BYTES) == 0)
        return ftruncate(journal->fd, journal->whole_bytes) == 0
                   ? SW_OK
                   : sw_fail(err, SW_EFILE, "%s: %s", journal->path, strerror(errno));
    if (errno == ENOSPC || errno == EDQUOT)
        return sw_fail(err, SW_EFILE, "%s: no room for %d KiB of lines: %s", journal->path,
                       ROOM_BYTES / 1024, strerror(errno));
    return SW_OK;
}

static enum sw_code open_locked(struct sw_journal *journal, struct sw_error *err)
{
    struct stat info;
    const char *path = journal->path;
    /* O_NONBLOCK: a pipe is refused below, not waited for. */
    journal->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (journal->fd < 0 || fstat(journal->fd, &info) != 0)
        return sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return sw_fail(err, SW_EFILE, "%s: not a regular file, so it cannot be a journal", path);
    while (flock(journal->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return sw_fail(err, SW_EFILE, "%s: another process is writing to this journal", path);
        if (errno != EINTR)
            return sw_fail(err, SW_EFILE, "%s: cannot be locked: %s", path, strerror(errno));
    }
    /* Under the lock, as the writer before may have added to it since. */
    if (fstat(journal->fd, &info) != 0)
        return sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
    journal->whole_bytes = info.st_size;
    return check_room(journal, err);
}

enum sw_code sw_journal_open(struct sw_journal **out, const char *path, bool *torn,
                             struct sw_error *err)
{
    bool is_torn = false;
    *out = NULL;
    struct sw_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    journal->fd = -1;
    journal->path = strdup(path);
    enum sw_code code = SW_OK;
    if (journal->path == NULL)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    if (code == SW_OK)
        code = open_locked(journal, err);
    if (code == SW_OK && journal->whole_bytes == 0)
        sync_folder(path);
    if (code == SW_OK && journal->whole_bytes > 0)
        code = check_is_journal(journal, err);
    if (code == SW_OK && journal->whole_bytes > 0)
        code = end_last_line(journal, &is_torn, err);
    if (code == SW_OK) {
        if (torn != NULL)
            *torn = is_torn;
        *out = journal;
    } else {
        sw_journal_close(journal);
    }
    return code;
}

static int append_text(const char *bytes, size_t size, void *line)
{
    sw_buffer_append(line, bytes, size);
    return ((struct sw_buffer *)line)->failed ? -1 : 0;
}

/* The object as one line, newline included, in journal->line. */
static enum sw_code make_line(struct sw_journal *journal, const json_t *object, const char *type,
                              struct sw_error *err)
{
    sw_buffer_clear(&journal->line);
    /* 17 significant digits give every double back. */
    int failed = json_dump_callback(object, append_text, &journal->line,
                                    JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (!failed && journal->line.size > SW_JOURNAL_MAX_LINE_BYTES)
        return sw_fail(err, SW_EFORMAT,
                       "%s: the %s line takes %zu bytes, more than the %zu allowed", journal->path,
                       type, journal->line.size, SW_JOURNAL_MAX_LINE_BYTES);
    sw_buffer_append(&journal->line, "\n", 1);
    if (failed || journal->line.failed)
        return sw_fail(err, SW_ENOMEM, "%s: no memory for the %s line", journal->path, type);
    return SW_OK;
}

/* Key order is jansson's order of insertion. */
static const char *type_of(const json_t *object)
{
    json_t *o = (json_t *)(uintptr_t)object; /* iterators take no const, but change nothing */
    void *first = json_object_iter(o);
    void *second = first != NULL ? json_object_iter_next(o, first) : NULL;
    if (second == NULL || strcmp(json_object_iter_key(first), "schema_version") != 0 ||
        strcmp(json_object_iter_key(second), "type") != 0)
        return NULL;
    return json_string_value(json_object_iter_value(second));
}

/* Cuts off what a failed write left behind the last whole line. */
static bool cut_back(struct sw_journal *journal)
{
    int result;
    do
        result = ftruncate(journal->fd, journal->whole_bytes);
    while (result != 0 && errno == EINTR);
    journal->must_cut = result != 0;
    return !journal->must_cut;
}

static enum sw_code prepare_append(struct sw_journal *journal, struct sw_error *err)
{
    struct stat info;
    if (journal->must_cut && !cut_back(journal))
        return sw_fail(err, SW_EFILE, "%s: cannot be cut back to its last whole line: %s",
                       journal->path, strerror(errno));
    if (fstat(journal->fd, &info) != 0)
        return sw_fail(err, SW_EFILE, "%s: %s", journal->path, strerror(errno));
    if (info.st_nlink == 0)
        return sw_fail(err, SW_EFILE, "%s: was deleted while it was being written", journal->path);
    journal->whole_bytes = info.st_size;
    return SW_OK;
}

enum sw_code sw_journal_append(struct sw_journal *journal, const json_t *object,
                               struct sw_error *err)
{
    const char *type = type_of(object);
    if (type == NULL)
        return sw_fail(err, SW_EUSAGE,
                       "%s: a journal line begins with schema_version and type (a string)",
                       journal->path);
    enum sw_code code = make_line(journal, object, type, err);
    if (code == SW_OK)
        code = prepare_append(journal, err);
    if (code != SW_OK)
        return code;
    if (!write_all(journal->fd, journal->line.data, journal->line.size)) {
        int reason = errno;
        bool cut = cut_back(journal);
        return sw_fail(err, SW_EFILE, "%s: the %s line (%zu bytes) is lost: %s; %s", journal->path,
                       type, journal->line.size, strerror(reason),
                       cut ? "the lines before it are whole"
                           : "part of it stands behind the last whole line");
    }
    uint64_t now = sw_clock_ns();
    journal->whole_bytes += (off_t)journal->line.size;
    if (!journal->dirty)
        journal->dirty_ns = now;
    journal->dirty = true;
    if (now - journal->sync_ns >= SYNC_NS)
        return sw_journal_sync(journal, err);
    return SW_OK;
}

enum sw_code sw_journal_sync(struct sw_journal *journal, struct sw_error *err)
{
    if (!journal->dirty)
        return SW_OK;
    int result;
    do
        result = fdatasync(journal->fd);
    while (result != 0 && errno == EINTR);
    if (result != 0)
        return sw_fail(err, SW_EFILE, "%s: its last lines may not have reached the disk: %s",
                       journal->path, strerror(errno));
    journal->dirty = false;
    journal->sync_ns = sw_clock_ns();
    return SW_OK;
}

enum sw_code sw_journal_sync_if_due(struct sw_journal *journal, struct sw_error *err)
{
    if (!journal->dirty || sw_clock_ns() - journal->dirty_ns < SYNC_NS)
        return SW_OK;
    return sw_journal_sync(journal, err);
}

void sw_journal_close(struct sw_journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->fd >= 0) {
        sw_journal_sync(journal, NULL);
        close(journal->fd); /* gives the lock back */
    }
    sw_buffer_free(&journal->line);
    free(journal->path);
    free(journal);
}
