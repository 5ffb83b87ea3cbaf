#include "base/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/random.h"

enum { LANES = 8 };

/* For a given word one-to-one in the state, and for a given state one-to-one in the word: what
 * once differs stays different until another word differs, too. */
static inline uint64_t step(uint64_t state, uint64_t word)
{
    uint64_t x = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return x << 29 | x >> 35;
}

uint64_t sw_checksum_block(const void *bytes, size_t size)
{
    const unsigned char *next = bytes;
    uint64_t lanes[LANES], words[LANES], sum = sw_random_mix(size);
    size_t left = size;
    for (size_t i = 0; i < LANES; i++)
        lanes[i] = sw_random_at(1, i);
    for (; left >= sizeof words; left -= sizeof words, next += sizeof words) {
        memcpy(words, next, sizeof words);
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = step(lanes[i], words[i]);
    }
    memset(words, 0, sizeof words);
    if (left > 0)
        memcpy(words, next, left);
    for (size_t i = 0; i < LANES; i++)
        sum = sw_random_mix(sum ^ step(lanes[i], words[i]));
    return sum;
}

/* The blocks of a list of spans, or of a file. */
struct work {
    const struct sw_checksum_span *spans;
    size_t n_spans;
    int fd; /* -1: spans */
    uint64_t size;
    uint64_t *sums; /* (n_blocks) */
    size_t n_blocks;
    int n_threads;
    int *failures; /* (n_threads) errno, or -1 where the file ended early */
};

static size_t blocks_of(uint64_t size)
{
    return (size_t)((size + SW_CHECKSUM_BLOCK - 1) / SW_CHECKSUM_BLOCK);
}

static void sum_spans(struct work *work, size_t begin, size_t end)
{
    size_t block = 0;
    for (size_t s = 0; s < work->n_spans && block < end; s++) {
        const struct sw_checksum_span *span = &work->spans[s];
        size_t n = blocks_of(span->size), first = block < begin ? begin - block : 0;
        for (size_t i = first; i < n && block + i < end; i++) {
            size_t offset = i * SW_CHECKSUM_BLOCK, left = span->size - offset;
            work->sums[block + i] =
                sw_checksum_block((const char *)span->bytes + offset,
                                  left < SW_CHECKSUM_BLOCK ? left : SW_CHECKSUM_BLOCK);
        }
        block += n;
    }
}

static int read_whole(int fd, unsigned char *out, size_t size, off_t offset)
{
    while (size > 0) {
        ssize_t n = pread(fd, out, size, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : -1;
        out += n;
        size -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int sum_file(struct work *work, size_t begin, size_t end)
{
    unsigned char *bytes = malloc(SW_CHECKSUM_BLOCK);
    int failure = bytes == NULL ? ENOMEM : 0;
    for (size_t i = begin; i < end && failure == 0; i++) {
        uint64_t offset = (uint64_t)i * SW_CHECKSUM_BLOCK, left = work->size - offset;
        size_t size = left < SW_CHECKSUM_BLOCK ? (size_t)left : SW_CHECKSUM_BLOCK;
        failure = read_whole(work->fd, bytes, size, (off_t)offset);
        if (failure == 0)
            work->sums[i] = sw_checksum_block(bytes, size);
    }
    free(bytes);
    return failure;
}

static void sum_part(void *ctx, int thread)
{
    struct work *work = ctx;
    size_t begin, end;
    sw_pool_part(&begin, &end, work->n_blocks, thread, work->n_threads);
    if (work->fd < 0)
        sum_spans(work, begin, end);
    else
        work->failures[thread] = sum_file(work, begin, end);
}

static enum sw_code run(char hex[65], struct work *work, const char *name, struct sw_pool *pool,
                        struct sw_error *err)
{
    enum sw_code code = SW_OK;
    work->n_threads = sw_pool_size(pool);
    work->sums = calloc(work->n_blocks + 1, sizeof *work->sums);
    work->failures = calloc((size_t)work->n_threads, sizeof *work->failures);
    if (work->sums == NULL || work->failures == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
        goto done;
    }
    sw_pool_run(pool, sum_part, work);
    for (int t = 0; t < work->n_threads && code == SW_OK; t++) {
        int failure = work->failures[t];
        if (failure != 0)
            code = sw_fail(err, failure == ENOMEM ? SW_ENOMEM : SW_EFILE, "%s: %s", name,
                           failure < 0 ? "cut short while it was read" : strerror(failure));
    }
    work->sums[work->n_blocks] = work->size;
    sw_sha256_hex(hex, work->sums, (work->n_blocks + 1) * sizeof *work->sums);
done:
    free(work->sums);
    free(work->failures);
    return code;
}

enum sw_code sw_checksum_memory(char hex[65], const struct sw_checksum_span *spans, size_t n_spans,
                                struct sw_pool *pool, struct sw_error *err)
{
    struct work work = {.spans = spans, .n_spans = n_spans, .fd = -1};
    for (size_t i = 0; i < n_spans; i++) {
        work.n_blocks += blocks_of(spans[i].size);
        work.size += spans[i].size;
    }
    return run(hex, &work, "checksum", pool, err);
}

enum sw_code sw_checksum_file(char hex[65], uint64_t *size, const char *path, struct sw_pool *pool,
                              struct sw_error *err)
{
    struct stat info;
    struct work work = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (work.fd < 0)
        return sw_fail(err, errno == ENOENT ? SW_EABSENT : SW_EFILE, "%s: %s", path,
                       strerror(errno));
    enum sw_code code;
    if (fstat(work.fd, &info) != 0) {
        code = sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        code = sw_fail(err, SW_EFILE, "%s: not a regular file", path);
    } else {
        *size = work.size = (uint64_t)info.st_size;
        work.n_blocks = blocks_of(work.size);
        code = run(hex, &work, path, pool, err);
    }
    close(work.fd);
    return code;
}
