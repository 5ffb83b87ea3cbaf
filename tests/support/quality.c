#include "support/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum sw_code open_backend(struct sw_backend **out, const struct sw_backend_api *api,
                                 const struct sw_model *model, enum sw_strategy strategy,
                                 struct sw_pool *pool, struct sw_error *err)
{
    size_t most = sw_model_config(model)->max_positions;
    most = most < SW_QUALITY_POSITIONS ? most : SW_QUALITY_POSITIONS;
    struct sw_backend_options options = {.strategy = strategy,
                                         .pool = pool,
                                         .n_sequences = 1,
                                         .max_positions = most,
                                         .max_batch = most,
                                         .max_logits = most};
    *out = NULL;
    return api->open(out, model, &options, err);
}

/* logits (n, vocab_size) of ids at positions first ... */
static enum sw_code run(const struct sw_backend_api *api, struct sw_backend *backend, float *logits,
                        const int32_t *ids, size_t n, size_t first, struct sw_error *err)
{
    struct sw_batch_token tokens[SW_QUALITY_POSITIONS];
    if (n > SW_QUALITY_POSITIONS)
        return sw_fail(err, SW_EUSAGE, "a window of %zu ids: at most %d", n, SW_QUALITY_POSITIONS);
    for (size_t i = 0; i < n; i++)
        tokens[i] = (struct sw_batch_token){
            .id = ids[i], .position = (uint32_t)(first + i), .want_logits = true};
    if (first == 0)
        api->reset(backend, 0);
    return api->forward(backend, tokens, n, logits, err);
}

static size_t greatest(const float *logits, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

enum sw_code sw_quality_read(struct sw_quality_text *text, FILE *file, struct sw_error *err)
{
    char line[8 * SW_QUALITY_POSITIONS];
    *text = (struct sw_quality_text){0};
    while (fgets(line, sizeof line, file) != NULL) {
        if (text->n == SW_QUALITY_WINDOWS)
            return sw_fail(err, SW_EUSAGE, "more than %d windows", SW_QUALITY_WINDOWS);
        struct sw_quality_window *w = &text->windows[text->n++];
        w->ids = calloc(SW_QUALITY_POSITIONS, sizeof *w->ids);
        if (w->ids == NULL)
            return sw_fail(err, SW_ENOMEM, "out of memory");
        char *next = strtok(line, ",\n");
        for (; next != NULL && w->n < SW_QUALITY_POSITIONS; next = strtok(NULL, ",\n"))
            w->ids[w->n++] = (int32_t)strtol(next, NULL, 10);
        w->n_text = w->n;
        if (w->n < SW_QUALITY_PROMPT || next != NULL)
            return sw_fail(err, SW_EUSAGE, "window %zu: not %d to %d ids", text->n,
                           SW_QUALITY_PROMPT, SW_QUALITY_POSITIONS);
    }
    return SW_OK;
}

void sw_quality_free(struct sw_quality_text *text)
{
    for (size_t i = 0; i < text->n; i++) {
        free(text->windows[i].ids);
        free(text->windows[i].logits);
    }
    *text = (struct sw_quality_text){0};
}

/* Room for a window's logits, and a continuation's ids. */
static enum sw_code take_room(struct sw_quality_window *w, size_t vocab_size, struct sw_error *err)
{
    w->logits = calloc(w->n * vocab_size, sizeof *w->logits);
    if (w->ids == NULL)
        w->ids = calloc(w->n, sizeof *w->ids);
    return w->logits == NULL || w->ids == NULL ? sw_fail(err, SW_ENOMEM, "out of memory") : SW_OK;
}

enum sw_code sw_quality_prepare(struct sw_quality_text *text, const struct sw_model *model,
                                struct sw_pool *pool, struct sw_error *err)
{
    const struct sw_backend_api *api = sw_backend_find("base_cpu", err);
    struct sw_backend *backend;
    if (api == NULL)
        return err->code;
    size_t n = text->n, vocab_size = text->vocab_size = sw_model_config(model)->vocab_size;
    enum sw_code code = open_backend(&backend, api, model, SW_STRATEGY_NONE, pool, err);
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        struct sw_quality_window *w = &text->windows[i], *next = &text->windows[text->n++];
        code = take_room(w, vocab_size, err);
        if (code == SW_OK)
            code = run(api, backend, w->logits, w->ids, w->n, 0, err);
        next->n = SW_QUALITY_PROMPT + SW_QUALITY_NEW;
        if (code == SW_OK)
            code = take_room(next, vocab_size, err);
        if (code != SW_OK)
            break;
        memcpy(next->ids, w->ids, SW_QUALITY_PROMPT * sizeof *w->ids);
        for (size_t p = 0, size; p < next->n && code == SW_OK; p += size) {
            size = p == 0 ? SW_QUALITY_PROMPT : 1;
            code = run(api, backend, next->logits + p * vocab_size, next->ids + p, size, p, err);
            if (p + size < next->n)
                next->ids[p + size] =
                    (int32_t)greatest(next->logits + (p + size - 1) * vocab_size, vocab_size);
        }
    }
    if (backend != NULL)
        api->close(backend);
    return code;
}

static double nll_of(const float *logits, size_t n, int32_t id)
{
    double most = logits[greatest(logits, n)], sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - most);
    return log(sum) + most - (double)logits[id];
}

static void compare(struct sw_quality *out, const struct sw_quality_window *w, const float *logits,
                    size_t vocab_size)
{
    for (size_t i = 0; i < w->n * vocab_size; i++) {
        double error = fabs((double)logits[i] - (double)w->logits[i]);
        if (!(error <= out->worst_error)) /* a NaN stays */
            out->worst_error = error;
        out->greatest_logit = fmax(out->greatest_logit, fabs((double)w->logits[i]));
    }
    for (size_t p = 0; p + 1 < w->n_text; p++, out->n_text++)
        out->nll += nll_of(logits + p * vocab_size, vocab_size, w->ids[p + 1]);
    for (size_t p = SW_QUALITY_PROMPT - 1; w->n_text == 0 && p + 1 < w->n; p++, out->n_greedy++)
        out->agreement +=
            greatest(logits + p * vocab_size, vocab_size) == (size_t)w->ids[p + 1] ? 1 : 0;
}

enum sw_code sw_quality_measure(struct sw_quality *out, const struct sw_quality_text *text,
                                const struct sw_model *model, const struct sw_backend_api *api,
                                enum sw_strategy strategy, struct sw_pool *pool,
                                struct sw_error *err)
{
    struct sw_backend *backend;
    *out = (struct sw_quality){0};
    float *logits = calloc((size_t)SW_QUALITY_POSITIONS * text->vocab_size, sizeof *logits);
    if (logits == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    enum sw_code code = open_backend(&backend, api, model, strategy, pool, err);
    for (size_t i = 0; i < text->n && code == SW_OK; i++) {
        const struct sw_quality_window *w = &text->windows[i];
        code = run(api, backend, logits, w->ids, w->n, 0, err);
        if (code == SW_OK)
            compare(out, w, logits, text->vocab_size);
    }
    out->nll /= (double)out->n_text;
    out->agreement /= (double)out->n_greedy;
    if (backend != NULL)
        api->close(backend);
    free(logits);
    return code;
}
