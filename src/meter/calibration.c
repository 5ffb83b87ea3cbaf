#include "meter/calibration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

enum { MAX_BYTES = 1 << 20, VERSION = 1 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != 0 ? value : NULL;
}

char *sw_calibration_path_dup(const char *root)
{
    const char *named = environment("SMOLWATT_CALIBRATION");
    const char *config = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    if (named != NULL)
        return strcmp(named, "none") == 0 ? NULL : strdup(named);
    if (root[0] != 0)
        return NULL;
    if (config != NULL)
        return sw_path_join_dup(config, "smolwatt/calibration.json");
    return home != NULL ? sw_path_join_dup(home, ".config/smolwatt/calibration.json") : NULL;
}

static enum sw_code text(char *out, size_t size, const json_t *object, const char *key,
                         const char *where, struct sw_error *err)
{
    const char *value;
    enum sw_code code = sw_json_string_or(&value, object, key, NULL, where, err);
    if (code == SW_OK && value == NULL)
        code = sw_fail(err, SW_EFORMAT, "%s: \"%s\" is missing", where, key);
    if (code == SW_OK)
        snprintf(out, size, "%s", value);
    return code;
}

static enum sw_code real(double *out, const json_t *object, const char *key, double min, double max,
                         const char *where, struct sw_error *err)
{
    if (!json_is_number(json_object_get(object, key)))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is missing, or no number", where, key);
    return sw_json_double_or(out, object, key, 0, min, max, where, err);
}

static enum sw_code parse(struct sw_calibration *out, const json_t *o, const char *path,
                          struct sw_error *err)
{
    uint64_t version, n_logical = 0, n_sockets = 0;
    const char *type;
    enum sw_code code = sw_json_string_or(&type, o, "type", "", path, err);
    if (code == SW_OK && strcmp(type, "calibration") != 0)
        code = sw_fail(err, SW_EFORMAT, "%s: not a calibration", path);
    if (code == SW_OK)
        code = sw_json_u64(&version, o, "schema_version", VERSION, VERSION, path, err);
    if (code == SW_OK)
        code = text(out->cpu_name, sizeof out->cpu_name, o, "cpu", path, err);
    if (code == SW_OK)
        code = sw_json_u64(&n_logical, o, "n_logical_cpus", 1, 1 << 20, path, err);
    if (code == SW_OK)
        code = sw_json_u64(&n_sockets, o, "n_sockets", 1, 1 << 20, path, err);
    if (code == SW_OK)
        code = text(out->component, sizeof out->component, o, "component", path, err);
    if (code == SW_OK && strcmp(out->component, "cpu") != 0 &&
        strcmp(out->component, "machine") != 0)
        code = sw_fail(err, SW_EFORMAT, "%s: \"component\" is neither cpu nor machine", path);
    if (code == SW_OK)
        code = text(out->meter, sizeof out->meter, o, "meter", path, err);
    if (code == SW_OK)
        code = text(out->made_at, sizeof out->made_at, o, "made_at", path, err);
    if (code == SW_OK)
        code = real(&out->curve.full_w, o, "full_w", 1e-3, 1e6, path, err);
    if (code == SW_OK)
        code = real(&out->curve.idle_share, o, "idle_share", 0, 1, path, err);
    if (code == SW_OK)
        code = real(&out->curve.knee, o, "knee", 1e-6, 1e6, path, err);
    if (code == SW_OK)
        code = real(&out->uncertainty_percent, o, "uncertainty_percent", 0.01, 1000, path, err);
    if (code == SW_OK)
        code = real(&out->left_out_percent, o, "left_out_percent", 0, 1e6, path, err);
    out->n_logical = (unsigned)n_logical;
    out->n_sockets = (unsigned)n_sockets;
    return code;
}

enum sw_code sw_calibration_load(struct sw_calibration *out, const char *path, struct sw_error *err)
{
    json_t *object = NULL;
    *out = (struct sw_calibration){0};
    if (!sw_file_exists(path))
        return sw_fail(err, SW_EABSENT, "%s: no such file", path);
    enum sw_code code = sw_json_load(&object, path, MAX_BYTES, err);
    if (code == SW_OK && !json_is_object(object))
        code = sw_fail(err, SW_EFORMAT, "%s: not a JSON object", path);
    if (code == SW_OK)
        code = parse(out, object, path, err);
    json_decref(object);
    return code;
}

bool sw_calibration_fits(const struct sw_calibration *calibration, const struct sw_machine *machine)
{
    return strcmp(calibration->cpu_name, machine->cpu_name) == 0 &&
           calibration->n_logical == machine->logical && calibration->n_sockets == machine->sockets;
}
