/* Reading a journal: a line at a time, whatever a crash or an editor left between the good ones. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json.h"
#include "record/journal.h"

struct line_reader {
    const char *path;
    bool (*on_line)(void *ctx, const json_t *object, size_t line);
    void *ctx;
    struct sw_buffer line;
    size_t number;  /* of the line being read, from 1 */
    bool too_long;  /* its beginning was dropped */
    bool is_ended;  /* it has its newline */
    bool stopped;   /* on_line asked for the end */
    size_t skipped; /* lines */
    struct sw_error *first_skipped;
};

/* Why the line cannot be used, into err (may be NULL). */
static enum sw_code parse_line(const struct line_reader *reader, json_t **object,
                               struct sw_error *err)
{
    *object = NULL;
    if (reader->too_long)
        return sw_fail(err, SW_EFORMAT, "%s: line %zu: longer than the %zu bytes allowed",
                       reader->path, reader->number, SW_JOURNAL_MAX_LINE_BYTES);
    enum sw_code code = sw_json_parse_line(object, reader->line.data, reader->line.size,
                                           reader->path, reader->number, err);
    if (code == SW_OK && !json_is_object(*object))
        code = sw_fail(err, SW_EFORMAT, "%s: line %zu: not a JSON object", reader->path,
                       reader->number);
    if (code != SW_OK && !reader->is_ended)
        code =
            sw_fail(err, SW_EFORMAT, "%s: line %zu: torn, the file ends within it after %zu bytes",
                    reader->path, reader->number, reader->line.size);
    return code;
}

static void take_line(struct line_reader *reader)
{
    json_t *object = NULL;
    const struct sw_buffer *line = &reader->line;
    bool is_empty =
        !reader->too_long && (line->size == 0 || (line->size == 1 && line->data[0] == '\r'));
    if (!is_empty) {
        struct sw_error *err = reader->skipped == 0 ? reader->first_skipped : NULL;
        if (parse_line(reader, &object, err) != SW_OK)
            reader->skipped++;
        else if (!reader->on_line(reader->ctx, object, reader->number))
            reader->stopped = true;
    }
    json_decref(object);
    sw_buffer_clear(&reader->line);
    reader->too_long = false;
    reader->number++;
}

/* Appends to the line under way, dropping one that exceeds the limit. */
static bool append(struct line_reader *reader, const char *bytes, size_t size)
{
    if (reader->too_long)
        return true;
    if (size > SW_JOURNAL_MAX_LINE_BYTES - reader->line.size) {
        reader->too_long = true;
        sw_buffer_clear(&reader->line);
        return true;
    }
    sw_buffer_append(&reader->line, bytes, size);
    return !reader->line.failed;
}

static bool take_chunk(struct line_reader *reader, const char *bytes, size_t size)
{
    while (size > 0 && !reader->stopped) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline != NULL ? (size_t)(newline - bytes) : size;
        if (!append(reader, bytes, length))
            return false;
        if (newline == NULL)
            break;
        reader->is_ended = true;
        take_line(reader);
        reader->is_ended = false;
        bytes += length + 1;
        size -= length + 1;
    }
    return true;
}

static enum sw_code read_lines(struct line_reader *reader, int fd, struct sw_error *err)
{
    char chunk[65536];
    while (!reader->stopped) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sw_fail(err, SW_EFILE, "%s: %s", reader->path, strerror(errno));
        if (!take_chunk(reader, chunk, (size_t)n))
            return sw_fail(err, SW_ENOMEM, "%s: line %zu: out of memory", reader->path,
                           reader->number);
        if (n == 0) {
            if (reader->line.size > 0 || reader->too_long)
                take_line(reader);
            break;
        }
    }
    return SW_OK;
}

enum sw_code sw_journal_read(const char *path,
                             bool (*on_line)(void *ctx, const json_t *object, size_t line),
                             void *ctx, size_t *n_skipped, struct sw_error *first_skipped,
                             struct sw_error *err)
{
    enum sw_code code = SW_OK;
    struct line_reader reader = {
        .path = path,
        .on_line = on_line,
        .ctx = ctx,
        .number = 1,
        .first_skipped = first_skipped,
    };
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sw_fail(err, errno == ENOENT ? SW_EABSENT : SW_EFILE, "%s: %s", path,
                       strerror(errno));
    if (fstat(fd, &info) != 0) {
        code = sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) {
        /* A device may never end. */
        code = sw_fail(err, SW_EFILE, "%s: %s", path,
                       S_ISDIR(info.st_mode) ? "a folder, not a journal"
                                             : "neither a regular file nor a pipe");
    } else {
        code = read_lines(&reader, fd, err);
    }
    close(fd);
    sw_buffer_free(&reader.line);
    if (n_skipped != NULL)
        *n_skipped = reader.skipped;
    return code;
}
