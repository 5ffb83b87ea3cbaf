/*
 * A call of forward as runs of the session. Neighbouring tokens of one sequence are one run
 * (prefill). Neighbours that are single tokens of rising sequences are one run, too (decode), where
 * the graph is fused: its cache is one tensor over all sequences, so a run takes a contiguous range
 * of them, and those in between that have no token in this call are padded: what a run writes for
 * them lies behind what they have seen. Where a scale is taken from all of a run's activations,
 * graphs are never fused, so that no sequence sees another.
 */
#include <stdio.h>

#include "backend/onnx/engine.h"

enum {
    MAX_PADDED = 2, /* sequences without a token between two that have one: a run of its own costs
                       more, as it reads all weights once more */
};

/* Tokens of a call that are one run. */
struct part {
    const struct sw_batch_token *tokens; /* (n_tokens) */
    size_t n_tokens;
    size_t first, n_sequences; /* the range */
    size_t n_new;              /* tokens of each of them */
    size_t n_rows;             /* wanted */
};

static size_t stretch_of(const struct sw_batch_token *tokens, size_t n)
{
    size_t m = 1;
    while (m < n && tokens[m].sequence == tokens[0].sequence)
        m++;
    return m;
}

/* The first part of n tokens. */
static struct part cut(const struct sw_backend *b, const struct sw_batch_token *tokens, size_t n)
{
    size_t m = stretch_of(tokens, n);
    struct part part = {
        .tokens = tokens, .first = tokens[0].sequence, .n_sequences = 1, .n_new = m};
    while (b->is_fused && part.n_new == 1 && m < n) {
        size_t last = tokens[m - 1].sequence, next = tokens[m].sequence;
        if (next <= last || next > last + 1 + MAX_PADDED || stretch_of(tokens + m, n - m) > 1)
            break;
        m++;
    }
    part.n_tokens = m;
    part.n_sequences = tokens[m - 1].sequence - part.first + 1;
    for (size_t i = 0; i < m; i++)
        part.n_rows += tokens[i].want_logits;
    return part;
}

static enum sw_code bind_cache(struct sw_backend *b, const struct sw_onnx_run *run, size_t layer,
                               size_t kind, enum sw_ort_direction direction, size_t n_positions,
                               size_t side, struct sw_error *err)
{
    static const char *const formats[2][2] = {
        {"past_key_values.%zu.key", "past_key_values.%zu.value"},
        {"present.%zu.key", "present.%zu.value"},
    };
    char name[64];
    size_t place = ((layer * 2 + kind) * b->options.n_sequences + run->first) * b->n_sides + side;
    struct sw_ort_view view = {
        .type = b->cache_type,
        .place = b->cache_is_on_gpu ? SW_ORT_CUDA : SW_ORT_CPU,
        .data = b->cache + place * b->cache_bytes_each,
        .n_dims = 4,
        .dims = {(int64_t)run->n_sequences, (int64_t)b->config.n_kv_heads, (int64_t)n_positions,
                 (int64_t)b->config.head_dim},
    };
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(name, sizeof name, formats[direction == SW_ORT_OUTPUT][kind], layer);
#pragma GCC diagnostic pop
    return sw_ort_bind(run->binding, direction, name, &view, err);
}

/* A fused graph takes the whole buffer as past and as present. */
static enum sw_code bind_caches(struct sw_backend *b, const struct sw_onnx_run *run,
                                size_t n_before, struct sw_error *err)
{
    size_t side = b->is_fused ? 0 : b->side[run->first];
    size_t past = b->is_fused ? b->options.max_positions : n_before;
    size_t present = b->is_fused ? past : n_before + run->n_new;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < 2 * b->config.n_layers && code == SW_OK; i++) {
        code = bind_cache(b, run, i / 2, i % 2, SW_ORT_INPUT, past, side, err);
        if (code == SW_OK)
            code = bind_cache(b, run, i / 2, i % 2, SW_ORT_OUTPUT, present,
                              b->is_fused ? 0 : 1 - side, err);
    }
    return code;
}

/* n_dims 1: (d0); 2: (d0, d1); 0: a scalar. */
static enum sw_code bind_vector(const struct sw_onnx_run *run, enum sw_ort_direction direction,
                                const char *name, enum sw_ort_type type, void *data, size_t n_dims,
                                size_t d0, size_t d1, struct sw_error *err)
{
    struct sw_ort_view view = {
        .type = type, .data = data, .n_dims = n_dims, .dims = {(int64_t)d0, (int64_t)d1}};
    return sw_ort_bind(run->binding, direction, name, &view, err);
}

static enum sw_code bind_tokens(struct sw_backend *b, const struct sw_onnx_run *run,
                                struct sw_error *err)
{
    size_t n = run->n_sequences;
    enum sw_code code =
        bind_vector(run, SW_ORT_INPUT, "input_ids", SW_ORT_I64, b->ids, 2, n, run->n_new, err);
    if (code == SW_OK && b->is_fused)
        code = bind_vector(run, SW_ORT_INPUT, "seqlens_k", SW_ORT_I32, b->lengths, 1, n, 0, err);
    if (code == SW_OK && b->is_fused)
        code = bind_vector(run, SW_ORT_INPUT, "total_sequence_length", SW_ORT_I32, b->total, 0, 0,
                           0, err);
    if (code == SW_OK && b->has_positions)
        code = bind_vector(run, SW_ORT_INPUT, "position_ids", SW_ORT_I64, b->positions, 2, n,
                           run->n_new, err);
    return code;
}

/* Binds what differs from the last run. After a failure everything is bound anew. */
static enum sw_code bind_all(struct sw_backend *b, struct sw_onnx_run *run, const struct part *part,
                             float *logits, struct sw_error *err)
{
    bool has_range = run->n_sequences == part->n_sequences && run->first == part->first;
    bool has_tokens = has_range && run->n_new == part->n_new;
    size_t n_rows = part->n_rows > 0 ? part->n_rows : 1, n_before = part->tokens[0].position;
    bool has_rows = run->n_rows == n_rows && run->logits == logits;
    enum sw_code code = SW_OK;
    *run = (struct sw_onnx_run){.binding = run->binding,
                                .first = part->first,
                                .n_sequences = part->n_sequences,
                                .n_new = part->n_new,
                                .n_rows = n_rows,
                                .logits = logits};
    if (!has_tokens)
        code = bind_tokens(b, run, err);
    if (code == SW_OK && (!has_range || !b->is_fused))
        code = bind_caches(b, run, n_before, err);
    if (code == SW_OK && b->has_mask)
        code = bind_vector(run, SW_ORT_INPUT, "attention_mask", SW_ORT_I64, b->mask, 2, 1,
                           n_before + part->n_new, err);
    if (code == SW_OK && !has_rows)
        code =
            bind_vector(run, SW_ORT_INPUT, "logits_rows", SW_ORT_I64, b->rows, 1, n_rows, 0, err);
    if (code == SW_OK && !has_rows)
        code = bind_vector(run, SW_ORT_OUTPUT, "logits", SW_ORT_F32, logits, 2, n_rows,
                           b->config.vocab_size, err);
    if (code != SW_OK)
        run->n_sequences = run->n_rows = 0;
    return code;
}

/* One sequence's tokens. */
static void fill_stretch(struct sw_backend *b, const struct part *part)
{
    const struct sw_batch_token *tokens = part->tokens;
    size_t n_rows = 0;
    for (size_t i = 0; i < part->n_tokens; i++) {
        b->ids[i] = tokens[i].id;
        b->positions[i] = tokens[i].position;
        if (tokens[i].want_logits)
            b->rows[n_rows++] = (int64_t)i;
    }
    b->lengths[0] = (int32_t)tokens[part->n_tokens - 1].position;
    *b->total = b->lengths[0] + 1;
    if (n_rows == 0)
        b->rows[0] = (int64_t)part->n_tokens - 1;
}

/* A token of each sequence in a range. One that is padded has its token behind what it has seen,
 * or, where it is full, in its last position: nothing of it is asked for again then. */
static void fill_range(struct sw_backend *b, const struct part *part)
{
    size_t n_rows = 0;
    int32_t longest = 0;
    for (size_t i = 0; i < part->n_sequences; i++) {
        uint32_t n_seen = b->n_seen[part->first + i];
        b->ids[i] = 0;
        b->lengths[i] =
            (int32_t)(n_seen < b->options.max_positions ? n_seen : b->options.max_positions - 1);
    }
    for (size_t i = 0; i < part->n_tokens; i++) {
        const struct sw_batch_token *token = &part->tokens[i];
        size_t place = token->sequence - part->first;
        b->ids[place] = token->id;
        b->positions[place] = token->position;
        b->lengths[place] = (int32_t)token->position;
        if (token->want_logits)
            b->rows[n_rows++] = (int64_t)place;
    }
    for (size_t i = 0; i < part->n_sequences; i++)
        longest = b->lengths[i] > longest ? b->lengths[i] : longest;
    *b->total = longest + 1;
    if (n_rows == 0)
        b->rows[0] = 0;
}

enum sw_code sw_onnx_forward(struct sw_backend *b, const struct sw_batch_token *tokens,
                             size_t n_tokens, float *logits, struct sw_error *err)
{
    while (n_tokens > 0) {
        struct part part = cut(b, tokens, n_tokens);
        struct sw_onnx_run *run = part.n_new == 1 ? &b->decode : &b->prefill;
        if (part.n_new == 1)
            fill_range(b, &part);
        else
            fill_stretch(b, &part);
        enum sw_code code = bind_all(b, run, &part, part.n_rows > 0 ? logits : b->unwanted, err);
        if (code == SW_OK)
            code = sw_ort_run(run->binding, err);
        if (code != SW_OK)
            return sw_fail_prefix(err, "%s", b->name);
        b->n_runs++;
        if (!b->is_fused)
            b->side[part.first] ^= 1;
        logits += part.n_rows * b->config.vocab_size;
        tokens += part.n_tokens;
        n_tokens -= part.n_tokens;
    }
    return SW_OK;
}
