#include "text/normalize.h"

#include <stdlib.h>
#include <string.h>

#include "text/step_list.h"

struct step {
    struct sw_pattern *pattern; /* NULL: Prepend */
    char *content;              /* (size), owned */
    size_t size;
};

struct sw_normalizer {
    struct step *steps; /* (n) */
    size_t n;
};

static enum sw_code add_step(void *ctx, const char *type, const json_t *value, const char *where,
                             struct sw_error *err)
{
    struct sw_normalizer *normalizer = ctx;
    struct step step = {0};
    const char *text = NULL;
    enum sw_code code;
    if (strcmp(type, "Prepend") == 0) {
        code = sw_step_string(&text, &step.size, value, "prepend", where, err);
    } else if (strcmp(type, "Replace") == 0) {
        code = sw_step_string(&text, &step.size, value, "content", where, err);
        if (code == SW_OK)
            code = sw_pattern_parse(&step.pattern, json_object_get(value, "pattern"), where, err);
    } else {
        code = sw_step_refuse(where, type, "Prepend, Replace and Sequence", err);
    }
    if (code != SW_OK)
        return code;
    struct step *steps = realloc(normalizer->steps, (normalizer->n + 1) * sizeof *steps);
    if (steps != NULL)
        normalizer->steps = steps;
    step.content = malloc(step.size + 1);
    if (steps == NULL || step.content == NULL) {
        free(step.content);
        sw_pattern_destroy(step.pattern);
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    }
    memcpy(step.content, text, step.size);
    steps[normalizer->n++] = step;
    return SW_OK;
}

enum sw_code sw_normalizer_parse(struct sw_normalizer **out, const json_t *value, const char *name,
                                 struct sw_error *err)
{
    *out = NULL;
    if (value == NULL || json_is_null(value))
        return SW_OK;
    struct sw_normalizer *normalizer = calloc(1, sizeof *normalizer);
    if (normalizer == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    enum sw_code code =
        sw_step_list_walk(value, name, "normalizer", "normalizers", add_step, normalizer, err);
    if (code == SW_OK)
        *out = normalizer;
    else
        sw_normalizer_destroy(normalizer);
    return code;
}

void sw_normalizer_destroy(struct sw_normalizer *normalizer)
{
    if (normalizer == NULL)
        return;
    for (size_t i = 0; i < normalizer->n; i++) {
        sw_pattern_destroy(normalizer->steps[i].pattern);
        free(normalizer->steps[i].content);
    }
    free(normalizer->steps);
    free(normalizer);
}

/* A chain of replacements that each lengthen the text must not outgrow memory. */
static const size_t growth_limit = 64;

static enum sw_code apply_step(const struct step *step, const char *text, size_t size, size_t most,
                               struct sw_buffer *out, struct sw_spans *spans, struct sw_error *err)
{
    const size_t before = out->size;
    if (step->pattern == NULL) {
        if (size > 0)
            sw_buffer_append(out, step->content, step->size);
        sw_buffer_append(out, text, size);
        return SW_OK;
    }
    enum sw_code code = sw_pattern_find(step->pattern, text, size, spans, err);
    for (size_t i = 0; code == SW_OK && i < spans->n; i++) {
        const struct sw_span *span = &spans->items[i];
        if (span->is_match)
            sw_buffer_append(out, step->content, step->size);
        else
            sw_buffer_append(out, text + span->start, span->end - span->start);
        if (out->size - before > most)
            code =
                sw_fail(err, SW_EUNSUPPORTED,
                        "the normalizer makes the text more than %zu times as long", growth_limit);
    }
    return code;
}

enum sw_code sw_normalizer_apply(const struct sw_normalizer *normalizer, const char *text,
                                 size_t size, struct sw_buffer *out, struct sw_spans *spans,
                                 struct sw_error *err)
{
    size_t n = normalizer == NULL ? 0 : normalizer->n;
    if (n == 0) {
        sw_buffer_append(out, text, size);
        return SW_OK;
    }
    struct sw_buffer between[2] = {{0}, {0}};
    enum sw_code code = SW_OK;
    const size_t most = (size + 65536) * growth_limit;
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        struct sw_buffer *target = i + 1 == n ? out : &between[i % 2];
        size_t before = target == out ? out->size : 0;
        if (target != out)
            sw_buffer_clear(target);
        code = apply_step(&normalizer->steps[i], text, size, most, target, spans, err);
        if (code == SW_OK && target->failed)
            code = sw_fail(err, SW_ENOMEM, "out of memory");
        text = target->data != NULL ? target->data + before : "";
        size = target->size - before;
    }
    sw_buffer_free(&between[0]);
    sw_buffer_free(&between[1]);
    return code;
}
