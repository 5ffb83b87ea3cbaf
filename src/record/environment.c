#include "record/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "base/utf8.h"

enum { MAX_PROC_FILE_BYTES = 16 << 20 };

/* A JSON string of bytes that a kernel or firmware chose. */
static json_t *json_text(const char *text)
{
    struct sw_buffer repaired = {0};
    sw_utf8_append_repaired(&repaired, text, strlen(text));
    char *bytes = sw_buffer_take(&repaired, NULL);
    json_t *value = bytes != NULL ? json_string(bytes) : NULL;
    free(bytes);
    return value;
}

static bool first_line(char *line, size_t size, const char *root, const char *name)
{
    char *path = sw_path_join_dup(root, name);
    bool ok = path != NULL && sw_file_first_line(line, size, path, NULL) == SW_OK && line[0] != 0;
    free(path);
    return ok;
}

static json_t *line_or_null(const char *root, const char *name)
{
    char line[256];
    return first_line(line, sizeof line, root, name) ? json_text(line) : json_null();
}

static bool read_file(struct sw_buffer *out, const char *root, const char *name)
{
    char *path = sw_path_join_dup(root, name);
    bool ok = path != NULL && sw_file_read(out, path, MAX_PROC_FILE_BYTES, NULL) == SW_OK;
    free(path);
    return ok && out->data != NULL;
}

/* Value behind the first line "key<separator> value" into line; false if there is none. */
static bool keyed_value(char *line, size_t size, const char *text, const char *key, char separator)
{
    size_t key_size = strlen(key);
    for (const char *at = text; at != NULL && *at != 0;) {
        size_t length = strcspn(at, "\n");
        if (length > key_size && strncmp(at, key, key_size) == 0 &&
            strchr(" \t:=", at[key_size]) != NULL) {
            const char *value = memchr(at, separator, length);
            if (value != NULL) {
                value++;
                while (*value == ' ' || *value == '\t' || *value == '"')
                    value++;
                size_t value_size = strcspn(value, "\"\n");
                snprintf(line, size, "%.*s", (int)(value_size < size ? value_size : size - 1),
                         value);
                return true;
            }
        }
        at += length;
        at += *at == '\n';
    }
    return false;
}

static void read_cpu(json_t *out, const char *root)
{
    struct sw_buffer text = {0};
    char line[256];
    json_t *name = json_null();
    json_t *n_cpus = json_null();
    json_t *hypervisor = json_null();
    if (read_file(&text, root, "/proc/cpuinfo")) {
        if (keyed_value(line, sizeof line, text.data, "model name", ':'))
            name = json_text(line);
        size_t n = 0;
        for (const char *at = text.data; (at = strstr(at, "processor")) != NULL; at++)
            n += at == text.data || at[-1] == '\n';
        n_cpus = json_integer((json_int_t)n);
        hypervisor = json_boolean(strstr(text.data, " hypervisor") != NULL);
    }
    sw_buffer_free(&text);
    json_object_set_new(out, "cpu", name);
    json_object_set_new(out, "n_logical_cpus", n_cpus);
    json_object_set_new(out, "hypervisor", hypervisor);
    json_object_set_new(
        out, "governor",
        line_or_null(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
}

static json_t *memory_total(const char *root)
{
    struct sw_buffer text = {0};
    char line[64];
    uint64_t kib;
    json_t *value = json_null();
    if (read_file(&text, root, "/proc/meminfo") &&
        keyed_value(line, sizeof line, text.data, "MemTotal", ':')) {
        line[strcspn(line, " ")] = 0;
        if (sw_parse_u64(&kib, line, 0, UINT64_C(1) << 50))
            value = json_integer((json_int_t)(kib * 1024));
    }
    sw_buffer_free(&text);
    return value;
}

static json_t *load_average(const char *root)
{
    char line[128];
    double load;
    if (!first_line(line, sizeof line, root, "/proc/loadavg"))
        return json_null();
    line[strcspn(line, " ")] = 0;
    return sw_parse_double(&load, line, 0, 1e9) ? json_real(load) : json_null();
}

static json_t *temperature(const char *root)
{
    char line[64];
    int64_t milli_c;
    if (!first_line(line, sizeof line, root, "/sys/class/thermal/thermal_zone0/temp") ||
        !sw_parse_i64(&milli_c, line, -100000, 200000))
        return json_null();
    return json_real((double)milli_c / 1000);
}

static json_t *os_name(void)
{
    struct sw_buffer text = {0};
    char line[128];
    json_t *value = json_null();
    if (read_file(&text, "", "/etc/os-release") &&
        keyed_value(line, sizeof line, text.data, "PRETTY_NAME", '='))
        value = json_text(line);
    sw_buffer_free(&text);
    return value;
}

json_t *sw_environment_read(const char *root)
{
    json_t *out = json_object();
    if (out == NULL)
        return NULL;
    read_cpu(out, root);
    json_object_set_new(out, "kernel", line_or_null(root, "/proc/sys/kernel/osrelease"));
    json_object_set_new(out, "os", os_name());
    json_object_set_new(out, "memory_total_bytes", memory_total(root));
    json_object_set_new(out, "load_average_1m", load_average(root));
    json_object_set_new(out, "temperature_c", temperature(root));
    json_object_set_new(out, "cgroup_cpu_max", line_or_null(root, "/sys/fs/cgroup/cpu.max"));
    json_object_set_new(out, "cgroup_memory_max", line_or_null(root, "/sys/fs/cgroup/memory.max"));
    return out;
}
