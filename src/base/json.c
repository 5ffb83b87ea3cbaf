#include "base/json.h"

#include <string.h>

#include "base/file.h"

/* Upper bound of the values in a text: each but the first stands behind a comma or an opening
 * bracket outside of strings; a key and its value count as one. Compact text of n bytes counts at
 * most n / 2 + 1. */
static bool has_too_many_values(const char *bytes, size_t size)
{
    size_t n = 1;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        char next = i + 1 < size ? bytes[i + 1] : 0;
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == ',' || (c == '[' && next != ']') || (c == '{' && next != '}')))
            n++;
    }
    return n > SW_JSON_MAX_VALUES;
}

enum sw_code sw_json_parse_line(json_t **out, const char *bytes, size_t size, const char *name,
                                size_t first_line, struct sw_error *err)
{
    *out = NULL;
    if (has_too_many_values(bytes, size))
        return sw_fail(err, SW_EFORMAT, "%s: line %zu: more than %d JSON values in one text", name,
                       first_line, SW_JSON_MAX_VALUES);
    json_error_t at;
    *out = json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &at);
    if (*out == NULL)
        return sw_fail(err, SW_EFORMAT, "%s: line %zu, column %d: %s", name,
                       first_line + (at.line > 1 ? (size_t)at.line - 1 : 0), at.column, at.text);
    return SW_OK;
}

enum sw_code sw_json_parse(json_t **out, const char *bytes, size_t size, const char *name,
                           struct sw_error *err)
{
    return sw_json_parse_line(out, bytes, size, name, 1, err);
}

enum sw_code sw_json_load(json_t **out, const char *path, size_t max_bytes, struct sw_error *err)
{
    struct sw_buffer text;
    *out = NULL;
    enum sw_code code = sw_file_read(&text, path, max_bytes, err);
    if (code != SW_OK)
        return code;
    code = sw_json_parse(out, text.data != NULL ? text.data : "", text.size, path, err);
    sw_buffer_free(&text);
    return code;
}

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

enum sw_code sw_json_u64_or(uint64_t *out, const json_t *object, const char *key, uint64_t fallback,
                            uint64_t min, uint64_t max, const char *where, struct sw_error *err)
{
    const json_t *value = member(object, key);
    if (value == NULL) {
        *out = fallback;
        return SW_OK;
    }
    if (!json_is_integer(value))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is not an integer", where, key);
    json_int_t n = json_integer_value(value);
    if (n < 0 || (uint64_t)n < min || (uint64_t)n > max)
        return sw_fail(err, SW_EFORMAT,
                       "%s: \"%s\" is %" JSON_INTEGER_FORMAT ", outside %llu to %llu", where, key,
                       n, (unsigned long long)min, (unsigned long long)max);
    *out = (uint64_t)n;
    return SW_OK;
}

enum sw_code sw_json_u64(uint64_t *out, const json_t *object, const char *key, uint64_t min,
                         uint64_t max, const char *where, struct sw_error *err)
{
    if (member(object, key) == NULL)
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is missing", where, key);
    return sw_json_u64_or(out, object, key, 0, min, max, where, err);
}

enum sw_code sw_json_double_or(double *out, const json_t *object, const char *key, double fallback,
                               double min, double max, const char *where, struct sw_error *err)
{
    const json_t *value = member(object, key);
    if (value == NULL) {
        *out = fallback;
        return SW_OK;
    }
    if (!json_is_number(value))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is not a number", where, key);
    double x = json_number_value(value);
    if (!(x >= min && x <= max))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is %g, outside %g to %g", where, key, x, min,
                       max);
    *out = x;
    return SW_OK;
}

enum sw_code sw_json_bool_or(bool *out, const json_t *object, const char *key, bool fallback,
                             const char *where, struct sw_error *err)
{
    const json_t *value = member(object, key);
    if (value != NULL && !json_is_boolean(value))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is not true or false", where, key);
    *out = value == NULL ? fallback : json_is_true(value);
    return SW_OK;
}

enum sw_code sw_json_string_or(const char **out_view, const json_t *object, const char *key,
                               const char *fallback, const char *where, struct sw_error *err)
{
    const json_t *value = member(object, key);
    if (value == NULL) {
        *out_view = fallback;
        return SW_OK;
    }
    if (!json_is_string(value))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is not a string", where, key);
    if (strlen(json_string_value(value)) != json_string_length(value))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" holds a NUL character", where, key);
    *out_view = json_string_value(value);
    return SW_OK;
}
