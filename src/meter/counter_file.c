#include "meter/counter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/number.h"

/* A writer that truncates before it writes (never sysfs; a replayed tree may) leaves the file empty
 * for a moment, so an unreadable text is tried again. */
enum { LINE_BYTES = 64, TRIES = 8 };

bool sw_counter_parse(uint64_t *value, const char *bytes, size_t size)
{
    char line[LINE_BYTES];
    const char *newline = memchr(bytes, '\n', size);
    size_t length = newline != NULL ? (size_t)(newline - bytes) : size;
    while (length > 0 &&
           (bytes[length - 1] == ' ' || bytes[length - 1] == '\t' || bytes[length - 1] == '\r'))
        length--;
    if (length == 0 || length >= sizeof line || memchr(bytes, 0, length) != NULL)
        return false;
    memcpy(line, bytes, length);
    line[length] = 0;
    return sw_parse_u64(value, line, 0, INT64_MAX);
}

static ssize_t read_text(int fd, char text[LINE_BYTES])
{
    ssize_t n;
    do
        n = pread(fd, text, LINE_BYTES, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

static int open_path(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static bool is_plain(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) != 0 || system.f_type != SYSFS_MAGIC;
}

static void describe(struct sw_error *err, const char *path, int error)
{
    struct stat info;
    if ((error == EACCES || error == EPERM) && stat(path, &info) == 0)
        sw_fail(err, SW_EFILE, "%s: %s (mode %04o, owner uid %u, gid %u)", path, strerror(error),
                (unsigned)(info.st_mode & 07777), (unsigned)info.st_uid, (unsigned)info.st_gid);
    else
        sw_fail(err, error == ENOENT ? SW_EABSENT : SW_EFILE, "%s: %s", path, strerror(error));
}

enum sw_code sw_counter_file_open(struct sw_counter_file *out, const char *path,
                                  uint64_t *first_value, bool *denied, struct sw_error *err)
{
    struct sw_error local;
    if (err == NULL)
        err = &local;
    enum sw_code code = SW_OK;
    *out = (struct sw_counter_file){.fd = -1};
    if (denied != NULL)
        *denied = false;
    out->fd = open_path(path);
    char text[LINE_BYTES] = "";
    ssize_t n = out->fd < 0 ? -1 : read_text(out->fd, text);
    if (n < 0) {
        int error = errno;
        if (denied != NULL)
            *denied = error == EACCES || error == EPERM;
        describe(err, path, error);
        code = err->code;
        goto done;
    }
    for (int i = 1; !sw_counter_parse(first_value, text, (size_t)n); i++) {
        if (i == TRIES) {
            code = sw_fail(err, SW_EFORMAT, "%s: holds \"%.*s\", not a count", path,
                           (int)strcspn(text, "\n") < (int)n ? (int)strcspn(text, "\n") : (int)n,
                           text);
            goto done;
        }
        usleep(100);
        memset(text, 0, sizeof text);
        n = read_text(out->fd, text);
        if (n < 0)
            n = 0;
        text[sizeof text - 1] = 0;
    }
    out->plain = is_plain(out->fd);
    out->path = strdup(path);
    if (out->path == NULL)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
done:
    if (code != SW_OK)
        sw_counter_file_close(out);
    return code;
}

void sw_counter_file_close(struct sw_counter_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    *file = (struct sw_counter_file){.fd = -1};
}

/* A removed sysfs file fails to be read; one of a plain file system lives on in the descriptor and
 * would give its last value for ever, hence the look at the link count. */
static bool is_gone(int fd)
{
    struct stat info;
    return fstat(fd, &info) != 0 || info.st_nlink == 0;
}

static void drop(struct sw_counter_file *file)
{
    close(file->fd);
    file->fd = -1;
    file->last_size = 0;
}

/* A plain file is looked at twice: where its text is that of the reading before, it may be gone;
 * where it is another, it may be half written. */
static bool is_settled(struct sw_counter_file *file, const char *text, ssize_t n)
{
    char again[LINE_BYTES];
    if (n == file->last_size && memcmp(text, file->last, (size_t)n) == 0) {
        if (!is_gone(file->fd))
            return true;
        drop(file);
        return false;
    }
    memcpy(file->last, text, (size_t)n);
    file->last_size = n;
    return read_text(file->fd, again) == n && memcmp(text, again, (size_t)n) == 0;
}

bool sw_counter_file_read(struct sw_counter_file *file, uint64_t *value)
{
    for (int i = 0; i < TRIES; i++) {
        if (file->fd < 0)
            file->fd = open_path(file->path);
        if (file->fd < 0)
            return false;
        char text[LINE_BYTES];
        ssize_t n = read_text(file->fd, text);
        if (n < 0) {
            /* A zone that was taken away may have come back as another file. */
            drop(file);
            if (i > 0)
                return false;
            continue;
        }
        if (file->plain && i + 1 < TRIES && !is_settled(file, text, n))
            continue;
        if (sw_counter_parse(value, text, (size_t)n))
            return true;
        if (n > 0 && memchr(text, '\n', (size_t)n) != NULL)
            return false; /* a whole line, and not a number */
    }
    return false;
}
