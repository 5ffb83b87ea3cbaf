#include "text/step_list.h"

#include <stdio.h>
#include <string.h>

struct walk {
    const char *name, *section, *members;
    sw_step_add add;
    void *ctx;
    size_t n_steps;
    struct sw_error *err;
};

static enum sw_code walk(struct walk *w, const json_t *value, const char *place, unsigned depth)
{
    char where[SW_STEP_WHERE_SIZE];
    const char *type = json_string_value(json_object_get(value, "type"));
    if (type == NULL)
        return sw_fail(w->err, SW_EFORMAT, "%s: %s is no object with a \"type\"", w->name, place);
    snprintf(where, sizeof where, "%s: %s (%.40s)", w->name, place, type);
    if (strcmp(type, "Sequence") != 0) {
        if (++w->n_steps > SW_MAX_STEPS)
            return sw_fail(w->err, SW_EUNSUPPORTED, "%s: more than %d steps", where, SW_MAX_STEPS);
        return w->add(w->ctx, type, value, where, w->err);
    }
    if (depth == 8)
        return sw_fail(w->err, SW_EUNSUPPORTED, "%s: sequences nested more than %u deep", where,
                       depth);
    const json_t *list = json_object_get(value, w->members);
    if (!json_is_array(list))
        return sw_fail(w->err, SW_EFORMAT, "%s: \"%s\" is not a list", where, w->members);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char inner[160];
        snprintf(inner, sizeof inner, "%.120s[%zu]", place, i);
        enum sw_code code = walk(w, json_array_get(list, i), inner, depth + 1);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

enum sw_code sw_step_list_walk(const json_t *value, const char *name, const char *section,
                               const char *members, sw_step_add add, void *ctx,
                               struct sw_error *err)
{
    struct walk w = {
        .name = name, .section = section, .members = members, .add = add, .ctx = ctx, .err = err};
    if (value == NULL || json_is_null(value))
        return SW_OK;
    return walk(&w, value, section, 0);
}

enum sw_code sw_step_refuse(const char *where, const char *type, const char *supported,
                            struct sw_error *err)
{
    return sw_fail(err, SW_EUNSUPPORTED, "%s: kind \"%.40s\" is not supported (%s are)", where,
                   type, supported);
}

enum sw_code sw_step_string(const char **out_view, size_t *size, const json_t *value,
                            const char *key, const char *where, struct sw_error *err)
{
    const json_t *member = json_object_get(value, key);
    if (!json_is_string(member))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is missing or not a string", where, key);
    *out_view = json_string_value(member);
    *size = json_string_length(member);
    return SW_OK;
}

enum sw_code sw_step_bool(bool *out, const json_t *value, const char *key, const char *where,
                          struct sw_error *err)
{
    const json_t *member = json_object_get(value, key);
    if (!json_is_boolean(member))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is missing or not true or false", where, key);
    *out = json_is_true(member);
    return SW_OK;
}
