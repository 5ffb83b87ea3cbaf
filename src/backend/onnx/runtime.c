#include "backend/onnx/runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/onnx/library.h"
#include "backend/onnx/runtime_parts.h"
#include "base/shared_object.h"

enum {
    LOG_WARNING = 2, /* 0 verbose, 1 information, 2 warning, 3 error, 4 fatal */
    LOG_ERROR = 3,
    LOG_FATAL = 4,
    ARENA_ALLOCATOR = 1,
    DEFAULT_MEMORY = 0,
};

/* What its optimiser says of constants that it made superfluous itself. */
static bool is_chatter(const char *message)
{
    static const char beginning[] = "Removing initializer '";
    return message != NULL && strncmp(message, beginning, sizeof beginning - 1) == 0;
}

/* The runtime's lines have no other way to a person: it calls this from inside its own code, on any
 * of its threads. One call of fprintf is one line. Errors come back as the result of the call that
 * failed, too, and become ours there. */
static void log_line(void *param, int severity, const char *category, const char *log_id,
                     const char *place, const char *message)
{
    char line[1024];
    (void)param, (void)category, (void)log_id, (void)place;
    if (severity == LOG_ERROR || is_chatter(message))
        return;
    snprintf(line, sizeof line, "%s", message != NULL ? message : "");
    for (char *c = line; *c != 0; c++) {
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
    }
    fprintf(stderr, "onnxruntime: %s: %s\n", severity >= LOG_FATAL ? "fatal" : "warning", line);
}

enum sw_code sw_ort_check(const struct sw_ort *ort, sw_ort_result result, struct sw_error *err,
                          const char *context, ...)
{
    char before[512], message[640];
    va_list arguments;
    if (result == NULL)
        return SW_OK;
    va_start(arguments, context);
    vsnprintf(before, sizeof before, context, arguments);
    va_end(arguments);
    snprintf(message, sizeof message, "%s", ort->api->get_error_message(result));
    ort->api->release_status(result);
    size_t length = strlen(message);
    while (length > 0 && (unsigned char)message[length - 1] <= ' ')
        message[--length] = 0;
    for (char *c = message; *c != 0; c++) {
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
    }
    return sw_fail(err, SW_ESYSTEM, "%s: ONNX Runtime: %s", before, message);
}

static enum sw_code read_version(struct sw_ort *ort, const char *text, struct sw_error *err)
{
    int end = 0;
    snprintf(ort->version, sizeof ort->version, "%s", text != NULL ? text : "");
    if (sscanf(ort->version, "%d.%d%n", &ort->major, &ort->minor, &end) != 2 || ort->major < 0 ||
        ort->minor < 0 || (ort->version[end] != '.' && ort->version[end] != 0))
        return sw_fail(err, SW_EFORMAT, "%s: its version, \"%s\", is not understood", ort->path_dup,
                       ort->version);
    return SW_OK;
}

static enum sw_code load(struct sw_ort *ort, struct sw_error *err)
{
    const struct sw_ort_api_base *(*get_base)(void) = NULL;
    enum sw_code code = sw_shared_object_open(&ort->library, ort->path_dup, err);
    if (code != SW_OK)
        return code;
    sw_shared_object_function(&get_base, ort->library, "OrtGetApiBase");
    const struct sw_ort_api_base *base = get_base != NULL ? get_base() : NULL;
    if (base == NULL)
        return sw_fail(err, SW_EFORMAT, "%s: not ONNX Runtime: it has no OrtGetApiBase",
                       ort->path_dup);
    code = read_version(ort, base->get_version(), err);
    if (code != SW_OK)
        return code;
    ort->api = base->get_api(SW_ORT_API_VERSION);
    if (ort->api == NULL)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: ONNX Runtime %s is too old: 1.%d or newer is needed "
                       "(scripts/setup-onnxruntime gets one)",
                       ort->path_dup, ort->version, (int)SW_ORT_API_VERSION);
    return SW_OK;
}

enum sw_code sw_ort_open(struct sw_ort **out, struct sw_error *err)
{
    *out = NULL;
    struct sw_ort *ort = calloc(1, sizeof *ort);
    if (ort == NULL)
        return sw_fail(err, SW_ENOMEM, "ONNX Runtime: out of memory");
    enum sw_code code = sw_ort_library_find(&ort->path_dup, err);
    if (code == SW_OK)
        code = load(ort, err);
    if (code == SW_OK)
        code = sw_ort_check(ort,
                            ort->api->create_env_with_custom_logger(log_line, NULL, LOG_WARNING,
                                                                    "smolwatt", &ort->env),
                            err, "%s", ort->path_dup);
    if (code == SW_OK)
        code = sw_ort_check(
            ort, ort->api->create_cpu_memory_info(ARENA_ALLOCATOR, DEFAULT_MEMORY, &ort->cpu), err,
            "%s", ort->path_dup);
    if (code != SW_OK) {
        sw_ort_close(ort);
        return code;
    }
    *out = ort;
    return SW_OK;
}

void sw_ort_close(struct sw_ort *ort)
{
    if (ort == NULL)
        return;
    if (ort->cpu != NULL)
        ort->api->release_memory_info(ort->cpu);
    if (ort->env != NULL)
        ort->api->release_env(ort->env);
    sw_shared_object_close(ort->library);
    free(ort->path_dup);
    free(ort);
}

const char *sw_ort_version_view(const struct sw_ort *ort)
{
    return ort->version;
}

const char *sw_ort_path_view(const struct sw_ort *ort)
{
    return ort->path_dup;
}

enum sw_code sw_ort_need(const struct sw_ort *ort, int major, int minor, const char *what,
                         struct sw_error *err)
{
    if (ort->major > major || (ort->major == major && ort->minor >= minor))
        return SW_OK;
    return sw_fail(err, SW_EUNSUPPORTED,
                   "ONNX Runtime %s (%s) lacks %s: %d.%d or newer is needed "
                   "(scripts/setup-onnxruntime gets one)",
                   ort->version, ort->path_dup, what, major, minor);
}

bool sw_ort_has_provider(const struct sw_ort *ort, const char *name)
{
    char **providers = NULL;
    int n = 0;
    bool found = false;
    if (sw_ort_check(ort, ort->api->get_available_providers(&providers, &n), NULL, "providers") !=
        SW_OK)
        return false;
    for (int i = 0; i < n && !found; i++)
        found = strcmp(providers[i], name) == 0;
    sw_ort_check(ort, ort->api->release_available_providers(providers, n), NULL, "providers");
    return found;
}
