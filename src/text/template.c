#include "text/template.h"

#include <stdlib.h>
#include <string.h>

#include "text/step_list.h"
#include "text/vocab.h"

enum { MAX_ITEMS = 256 };

struct list {
    int32_t items[MAX_ITEMS];
    size_t n;
};

static enum sw_code append(struct list *list, const int32_t *items, size_t n, const char *where,
                           struct sw_error *err)
{
    if (n > MAX_ITEMS - list->n)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: a template of more than %d ids", where,
                       MAX_ITEMS);
    if (n > 0)
        memcpy(list->items + list->n, items, n * sizeof *items);
    list->n += n;
    return SW_OK;
}

/* {"SpecialToken": {"id": name}}: the ids that special_tokens gives it. */
static enum sw_code append_special(struct list *list, const json_t *piece, const json_t *specials,
                                   const char *where, struct sw_error *err)
{
    const char *id = json_string_value(json_object_get(piece, "id"));
    const json_t *ids = id == NULL ? NULL : json_object_get(json_object_get(specials, id), "ids");
    if (!json_is_array(ids))
        return sw_fail(err, SW_EFORMAT, "%s: special_tokens has no ids for \"%.80s\"", where,
                       id != NULL ? id : "?");
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *value = json_array_get(ids, i);
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
        if (n < 0 || n > SW_MAX_TOKEN_ID)
            return sw_fail(err, SW_EFORMAT, "%s: the id of \"%.80s\" is no integer from 0 to %d",
                           where, id, SW_MAX_TOKEN_ID);
        int32_t item = (int32_t)n;
        enum sw_code code = append(list, &item, 1, where, err);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

/* The template's "single", with what earlier steps made in the place of the text. */
static enum sw_code add_template(struct list *list, const json_t *value, const char *where,
                                 struct sw_error *err)
{
    const json_t *single = json_object_get(value, "single");
    const json_t *specials = json_object_get(value, "special_tokens");
    if (!json_is_array(single))
        return sw_fail(err, SW_EFORMAT, "%s: \"single\" is missing or no list", where);
    const struct list before = *list;
    list->n = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *piece = json_array_get(single, i);
        const json_t *special = json_object_get(piece, "SpecialToken");
        const char *sequence =
            json_string_value(json_object_get(json_object_get(piece, "Sequence"), "id"));
        enum sw_code code;
        if (special != NULL)
            code = append_special(list, special, specials, where, err);
        else if (sequence != NULL && strcmp(sequence, "A") == 0)
            code = append(list, before.items, before.n, where, err);
        else
            code =
                sw_fail(err, SW_EFORMAT,
                        "%s: single[%zu] is neither a SpecialToken nor the Sequence A", where, i);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

static enum sw_code add_step(void *ctx, const char *type, const json_t *value, const char *where,
                             struct sw_error *err)
{
    if (strcmp(type, "ByteLevel") == 0)
        return SW_OK;
    if (strcmp(type, "TemplateProcessing") == 0)
        return add_template(ctx, value, where, err);
    return sw_step_refuse(where, type, "TemplateProcessing, ByteLevel and Sequence", err);
}

enum sw_code sw_template_parse(struct sw_template *out, const json_t *value, const char *name,
                               struct sw_error *err)
{
    struct list list = {.items = {SW_TEMPLATE_TEXT}, .n = 1};
    *out = (struct sw_template){0};
    enum sw_code code =
        sw_step_list_walk(value, name, "post_processor", "processors", add_step, &list, err);
    if (code != SW_OK)
        return code;
    out->items = malloc((list.n + 1) * sizeof *out->items);
    if (out->items == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    memcpy(out->items, list.items, list.n * sizeof *out->items);
    out->n = list.n;
    return SW_OK;
}

void sw_template_free(struct sw_template *template)
{
    free(template->items);
    *template = (struct sw_template){0};
}
