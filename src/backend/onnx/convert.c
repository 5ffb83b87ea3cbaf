#include "backend/onnx/convert.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/cpu/kernels.h"
#include "backend/quantum.h"
#include "base/half.h"

/* Elements that a thread converts at a time, where the shape allows: 1 MiB of floats. */
enum { PIECE = 1 << 18 };

/* Rows that are transposed, or packed in 4 bits, together. */
enum { TILE = SW_TILE };

/* Owned by one thread. */
struct worker {
    float *rows;   /* what was read */
    char *out;     /* what is written */
    float *scales; /* of the piece */
    uint8_t *tile; /* 4 bits as the CPU engine packs them */
    struct sw_range range;
    int failure; /* errno of the first write that failed */
};

struct conversion {
    int fd;
    const struct sw_onnx_job *job;
    const struct sw_kernels *kernels;
    float *frequencies; /* (head_dim / 2) */
    size_t piece;       /* rows of a piece, or columns where the form is transposed */
    size_t n_pieces;
    float *column_scales; /* (n_rows) of COLUMNS_* */
    struct sw_quantum table;
    struct worker *workers; /* (n_threads) */
    int n_threads;
};

static bool is_transposed(enum sw_onnx_form form)
{
    return form == SW_ONNX_TRANSPOSED || form == SW_ONNX_COLUMNS_S8 || form == SW_ONNX_COLUMNS_U8;
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static void put(const struct conversion *c, struct worker *own, uint64_t offset, const void *bytes,
                size_t size)
{
    const char *next = bytes;
    while (size > 0 && own->failure == 0) {
        ssize_t n = pwrite(c->fd, next, size, (off_t)offset);
        if (n < 0 && errno != EINTR)
            own->failure = errno;
        if (n <= 0)
            continue;
        next += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
}

/* Columns [column, column + width) of rows [first, first + n): (n, width). Vectors follow one
 * another in the only row. */
static void read_rows(float *out, const struct sw_onnx_source *source, size_t first, size_t n,
                      size_t column, size_t width)
{
    if (source->is_vector) {
        for (size_t i = 0; i < source->n_parts; i++) {
            sw_tensor_read(out, source->parts[i], 0, source->parts[i]->n_cols);
            out += source->parts[i]->n_cols;
        }
        return;
    }
    size_t begin = 0;
    for (size_t i = 0; i < source->n_parts; i++) {
        const struct sw_tensor *part = source->parts[i];
        for (; n > 0 && first < begin + part->n_rows; first++, n--, out += width)
            sw_tensor_read(out, part, (first - begin) * part->n_cols + column, width);
        begin += part->n_rows;
    }
}

static void to_halves(char *out, const float *x, size_t n)
{
    uint16_t *halves = (uint16_t *)(void *)out;
    for (size_t i = 0; i < n; i++)
        halves[i] = sw_float_to_f16(x[i]);
}

static void put_reals(const struct conversion *c, struct worker *own, uint64_t first, size_t n)
{
    const struct sw_onnx_job *job = c->job;
    if (!job->source.half) {
        put(c, own, job->values + first * sizeof(float), own->rows, n * sizeof(float));
        return;
    }
    to_halves(own->out, own->rows, n);
    put(c, own, job->values + first * sizeof(uint16_t), own->out, n * sizeof(uint16_t));
}

static void convert_rows(const struct conversion *c, struct worker *own, size_t first, size_t n)
{
    const struct sw_onnx_source *source = &c->job->source;
    size_t k = source->n_columns;
    switch (source->form) {
    case SW_ONNX_COSINES:
    case SW_ONNX_SINES:
        for (size_t i = 0; i < n * k; i++) {
            /* The angle is a float, as in the reference library; see base_cpu.c. */
            float angle = (float)(first + i / k) * c->frequencies[i % k];
            own->rows[i] =
                (float)(source->form == SW_ONNX_SINES ? sin((double)angle) : cos((double)angle));
        }
        break;
    case SW_ONNX_FREQUENCIES:
        memcpy(own->rows, c->frequencies, k * sizeof *own->rows);
        break;
    default:
        read_rows(own->rows, source, first, n, 0, k);
    }
    put_reals(c, own, first * k, n * k);
}

/* Largest |x| / 127; 0 where that is too small to divide by, NaN where a number is none. */
static float scale_of(const float *x, size_t n)
{
    struct sw_range range = sw_range_of(x, n, 1);
    float most = -range.min > range.max ? -range.min : range.max;
    if (isnan(range.max))
        return NAN;
    return most > SW_S8_LEAST ? most / 127 : 0;
}

/* x / scale to the nearest integer, plus 128; 128 without a scale. */
static void to_bytes(uint8_t *out, const float *x, size_t n, float scale)
{
    if (!(scale > 0)) {
        memset(out, 128, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(int)(x[i] / scale + SW_ROUND - SW_ROUND + 128);
}

static void convert_blocks8(const struct conversion *c, struct worker *own, size_t first, size_t n)
{
    const struct sw_onnx_source *source = &c->job->source;
    size_t k = source->n_columns, blocks = round_up(k, SW_ONNX_BLOCK8) / SW_ONNX_BLOCK8;
    uint8_t *out = (uint8_t *)own->out;
    float *scale = own->scales;
    read_rows(own->rows, source, first, n, 0, k);
    for (size_t r = 0; r < n; r++) {
        for (size_t begin = 0; begin < k; begin += SW_ONNX_BLOCK8, out += SW_ONNX_BLOCK8, scale++) {
            const float *x = own->rows + r * k + begin;
            size_t width = min_of(k - begin, SW_ONNX_BLOCK8);
            *scale = scale_of(x, width);
            to_bytes(out, x, width, *scale);
            memset(out + width, 128, SW_ONNX_BLOCK8 - width);
        }
    }
    put(c, own, c->job->values + first * blocks * SW_ONNX_BLOCK8, own->out,
        n * blocks * SW_ONNX_BLOCK8);
    put(c, own, c->job->scales + first * blocks * sizeof(float), own->scales,
        n * blocks * sizeof(float));
}

/* One group of one row out of a tile of the CPU engine. */
static void unpack_group(uint8_t out[SW_ONNX_BLOCK4 / 2], float *scale, const uint8_t *group,
                         size_t r)
{
    uint16_t half;
    memset(out, 0, SW_ONNX_BLOCK4 / 2);
    for (size_t i = 0; i < SW_ONNX_BLOCK4; i++) {
        unsigned both = group[(i / 8 * SW_TILE + r) * 4 + i % 4];
        unsigned value = i % 8 < 4 ? both & 15 : both >> 4;
        out[i / 2] |= (uint8_t)(value << i % 2 * 4);
    }
    memcpy(&half, group + SW_TILE * SW_GROUP_S4 / 2 + r * sizeof half, sizeof half);
    *scale = sw_f16_to_float(half);
}

static void convert_blocks4(const struct conversion *c, struct worker *own, size_t first, size_t n)
{
    const struct sw_onnx_source *source = &c->job->source;
    size_t k = source->n_columns, blocks = round_up(k, SW_ONNX_BLOCK4) / SW_ONNX_BLOCK4;
    size_t row_bytes = blocks * (SW_ONNX_BLOCK4 / 2);
    read_rows(own->rows, source, first, n, 0, k);
    for (size_t begin = 0; begin < n; begin += TILE) {
        size_t n_rows = min_of(n - begin, TILE);
        c->kernels->pack_s4(own->tile, own->rows + begin * k, k, n_rows, k);
        for (size_t r = 0; r < n_rows; r++) {
            uint8_t *out = (uint8_t *)own->out + (begin + r) * row_bytes;
            for (size_t b = 0; b < blocks; b++)
                unpack_group(out + b * (SW_ONNX_BLOCK4 / 2), own->scales + (begin + r) * blocks + b,
                             own->tile + b * SW_GROUP_BYTES, r);
        }
    }
    put(c, own, c->job->values + first * row_bytes, own->out, n * row_bytes);
    put(c, own, c->job->scales + first * blocks * sizeof(float), own->scales,
        n * blocks * sizeof(float));
}

static void convert_table(const struct conversion *c, struct worker *own, size_t first, size_t n)
{
    const struct sw_onnx_source *source = &c->job->source;
    size_t size = n * source->n_columns;
    read_rows(own->rows, source, first, n, 0, source->n_columns);
    for (size_t i = 0; i < size; i++)
        own->out[i] = (char)(uint8_t)sw_quantum_value(own->rows[i], c->table);
    put(c, own, c->job->values + first * source->n_columns, own->out, size);
}

/* One row of a tile, width columns of it, down a column of out (width, n_rows). */
static void put_column(const struct conversion *c, struct worker *own, size_t row, const float *x,
                       size_t width)
{
    const struct sw_onnx_source *source = &c->job->source;
    size_t n = source->n_rows;
    if (source->form == SW_ONNX_TRANSPOSED && source->half) {
        uint16_t *out = (uint16_t *)(void *)own->out + row;
        for (size_t i = 0; i < width; i++)
            out[i * n] = sw_float_to_f16(x[i]);
    } else if (source->form == SW_ONNX_TRANSPOSED) {
        float *out = (float *)(void *)own->out + row;
        for (size_t i = 0; i < width; i++)
            out[i * n] = x[i];
    } else {
        uint8_t *out = (uint8_t *)own->out + row, bytes[PIECE / SW_TILE];
        uint8_t flip = source->form == SW_ONNX_COLUMNS_S8 ? 128 : 0; /* + 128 without the carry */
        to_bytes(bytes, x, width, c->column_scales[row]);
        for (size_t i = 0; i < width; i++)
            out[i * n] = bytes[i] ^ flip;
    }
}

/* Columns [first, first + width) become rows of the file. */
static void convert_columns(const struct conversion *c, struct worker *own, size_t first,
                            size_t width)
{
    const struct sw_onnx_source *source = &c->job->source;
    size_t n = source->n_rows;
    size_t size = source->form != SW_ONNX_TRANSPOSED ? 1 : source->half ? 2 : 4;
    for (size_t begin = 0; begin < n; begin += TILE) {
        size_t n_rows = min_of(n - begin, TILE);
        read_rows(own->rows, source, begin, n_rows, first, width);
        for (size_t r = 0; r < n_rows; r++)
            put_column(c, own, begin + r, own->rows + r * width, width);
    }
    put(c, own, c->job->values + first * n * size, own->out, width * n * size);
}

static void convert_piece(const struct conversion *c, struct worker *own, size_t i)
{
    const struct sw_onnx_source *source = &c->job->source;
    size_t end = is_transposed(source->form) ? source->n_columns : source->n_rows;
    size_t first = i * c->piece, n = min_of(c->piece, end - first);
    switch (source->form) {
    case SW_ONNX_BLOCKS8:
        convert_blocks8(c, own, first, n);
        break;
    case SW_ONNX_BLOCKS4:
        convert_blocks4(c, own, first, n);
        break;
    case SW_ONNX_TABLE_U8:
        convert_table(c, own, first, n);
        break;
    case SW_ONNX_TRANSPOSED:
    case SW_ONNX_COLUMNS_S8:
    case SW_ONNX_COLUMNS_U8:
        convert_columns(c, own, first, n);
        break;
    default:
        convert_rows(c, own, first, n);
    }
}

static void convert_part(void *ctx, int thread)
{
    struct conversion *c = ctx;
    struct worker *own = &c->workers[thread];
    size_t begin, end;
    sw_pool_part(&begin, &end, c->n_pieces, thread, c->n_threads);
    for (size_t i = begin; i < end && own->failure == 0; i++)
        convert_piece(c, own, i);
}

/* What has to be known of all rows before the first is written. */
static void survey_part(void *ctx, int thread)
{
    struct conversion *c = ctx;
    struct worker *own = &c->workers[thread];
    const struct sw_onnx_source *source = &c->job->source;
    size_t begin, end, k = source->n_columns;
    sw_pool_part(&begin, &end, source->n_rows, thread, c->n_threads);
    own->range = (struct sw_range){0};
    for (size_t row = begin; row < end; row++) {
        read_rows(own->rows, source, row, 1, 0, k);
        if (source->form == SW_ONNX_TABLE_U8) {
            sw_range_widen(&own->range, sw_range_of(own->rows, k, 1));
        } else {
            float scale = scale_of(own->rows, k);
            c->column_scales[row] = scale == 0 ? 1 : scale;
        }
    }
}

static void put_survey(struct conversion *c)
{
    const struct sw_onnx_job *job = c->job;
    struct worker *own = &c->workers[0];
    if (job->source.form == SW_ONNX_TABLE_U8) {
        struct sw_range range = {0};
        for (int t = 0; t < c->n_threads; t++)
            sw_range_widen(&range, c->workers[t].range);
        c->table = sw_quantum_of(range);
        uint8_t zero = (uint8_t)c->table.zero;
        put(c, own, job->scales, &c->table.scale, sizeof c->table.scale);
        put(c, own, job->zero, &zero, sizeof zero);
    } else {
        put(c, own, job->scales, c->column_scales, job->source.n_rows * sizeof(float));
    }
}

/* How a job is cut, and what its pieces need at most. */
struct needs {
    size_t piece, rows, out, scales, tile;
};

static struct needs needs_of(const struct sw_onnx_source *source)
{
    size_t n = source->n_rows, k = source->n_columns;
    struct needs needs;
    if (is_transposed(source->form)) {
        size_t width = min_of(PIECE / n / TILE * TILE, PIECE / SW_TILE);
        needs.piece = min_of(width > TILE ? width : TILE, k);
        needs.rows = needs.piece * TILE;
        needs.out = needs.piece * n * sizeof(float);
    } else {
        size_t rows = PIECE / k / TILE * TILE;
        needs.piece = min_of(rows > TILE ? rows : TILE, n);
        needs.rows = needs.piece * k;
        needs.out = needs.piece * round_up(k, SW_ONNX_BLOCK8) * sizeof(uint16_t);
    }
    needs.rows = needs.rows > k ? needs.rows : k; /* the survey reads whole rows */
    needs.scales = needs.piece * (k / SW_ONNX_BLOCK4 + 1);
    needs.tile = round_up(k, SW_GROUP_S4) / SW_GROUP_S4 * SW_GROUP_BYTES;
    return needs;
}

static enum sw_code convert_job(struct conversion *c, const char *name, struct sw_pool *pool,
                                struct sw_error *err)
{
    const struct sw_onnx_source *source = &c->job->source;
    enum sw_onnx_form form = source->form;
    size_t all = is_transposed(form) ? source->n_columns : source->n_rows;
    c->piece = needs_of(source).piece;
    c->n_pieces = (all + c->piece - 1) / c->piece;
    if (form == SW_ONNX_TABLE_U8 || form == SW_ONNX_COLUMNS_S8 || form == SW_ONNX_COLUMNS_U8) {
        sw_pool_run(pool, survey_part, c);
        put_survey(c);
    }
    sw_pool_run(pool, convert_part, c);
    for (int t = 0; t < c->n_threads; t++) {
        if (c->workers[t].failure != 0)
            return sw_fail(err, SW_EFILE, "%s: cannot be written: %s", name,
                           strerror(c->workers[t].failure));
    }
    return SW_OK;
}

static void widen_needs(struct needs *most, const struct sw_onnx_source *source)
{
    struct needs n = needs_of(source);
    most->rows = n.rows > most->rows ? n.rows : most->rows;
    most->out = n.out > most->out ? n.out : most->out;
    most->scales = n.scales > most->scales ? n.scales : most->scales;
    most->tile = n.tile > most->tile ? n.tile : most->tile;
}

/* Sized for the job that needs most. */
static bool allocate(struct conversion *c, const struct sw_onnx_jobs *jobs,
                     const struct sw_config *config)
{
    struct needs most = {0};
    size_t n_scales = 1;
    for (size_t i = 0; i < jobs->n; i++) {
        const struct sw_onnx_source *source = &jobs->list[i].source;
        widen_needs(&most, source);
        n_scales = source->n_rows > n_scales ? source->n_rows : n_scales;
    }
    c->frequencies = calloc(config->head_dim / 2, sizeof(float));
    c->column_scales = calloc(n_scales, sizeof(float));
    c->workers = calloc((size_t)c->n_threads, sizeof *c->workers);
    bool good = c->frequencies != NULL && c->column_scales != NULL && c->workers != NULL;
    for (int t = 0; t < c->n_threads && good; t++) {
        struct worker *own = &c->workers[t];
        own->rows = calloc(most.rows + 1, sizeof(float));
        own->out = calloc(most.out + 1, 1);
        own->scales = calloc(most.scales + 1, sizeof(float));
        own->tile = calloc(most.tile + 1, 1);
        good = own->rows != NULL && own->out != NULL && own->scales != NULL && own->tile != NULL;
    }
    return good;
}

static void release(struct conversion *c)
{
    for (int t = 0; t < c->n_threads && c->workers != NULL; t++) {
        free(c->workers[t].rows);
        free(c->workers[t].out);
        free(c->workers[t].scales);
        free(c->workers[t].tile);
    }
    free(c->workers);
    free(c->column_scales);
    free(c->frequencies);
}

enum sw_code sw_onnx_convert(int fd, const char *name, const struct sw_onnx_jobs *jobs,
                             const struct sw_config *config, struct sw_pool *pool,
                             struct sw_error *err)
{
    struct conversion c = {.fd = fd, .n_threads = sw_pool_size(pool)};
    enum sw_cpu_level level;
    enum sw_code code = sw_cpu_level_detect(&level, err);
    if (code != SW_OK)
        return code;
    c.kernels = sw_kernels_of(level);
    if (!allocate(&c, jobs, config)) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
        goto done;
    }
    sw_config_rope_frequencies(c.frequencies, config);
    for (size_t i = 0; i < jobs->n && code == SW_OK; i++) {
        c.job = &jobs->list[i];
        code = convert_job(&c, name, pool, err);
    }
done:
    release(&c);
    return code;
}
