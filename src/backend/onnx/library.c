#include "backend/onnx/library.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/shared_object.h"

/* Inside a folder that holds the library, or a virtual environment, or an unpacked wheel. */
static const char *const patterns[] = {
    "libonnxruntime.so",
    "libonnxruntime.so.*",
    "onnxruntime/capi/libonnxruntime.so*",
    "capi/libonnxruntime.so*",
    "lib/libonnxruntime.so*",
    "lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so*",
};
enum { N_PATTERNS = sizeof patterns / sizeof *patterns, N_OWN_FOLDER = 2 };

static const char *const system_folders[] = {
    "/usr/local/lib",
#if defined(__x86_64__)
    "/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
    "/usr/lib/aarch64-linux-gnu",
#endif
    "/usr/lib64",
    "/usr/lib",
};

/* The newest file that the first matching one of n patterns finds; NULL: none. The folder's own
 * name is no pattern. */
static char *find_in(const char *folder, size_t n)
{
    char *found = NULL;
    for (size_t i = 0; i < n && found == NULL; i++) {
        struct sw_buffer text = {0};
        glob_t matches = {0};
        for (const char *c = folder; *c != 0; c++)
            sw_buffer_printf(&text, strchr("*?[\\", *c) != NULL ? "\\%c" : "%c", *c);
        sw_buffer_printf(&text, "/%s", patterns[i]);
        if (!text.failed && glob(text.data, 0, NULL, &matches) == 0) {
            const char *newest = matches.gl_pathv[0];
            for (size_t j = 1; j < matches.gl_pathc; j++) {
                if (strverscmp(matches.gl_pathv[j], newest) > 0)
                    newest = matches.gl_pathv[j];
            }
            found = strdup(newest);
        }
        globfree(&matches);
        sw_buffer_free(&text);
    }
    return found;
}

/* What the user named has to be there. */
static enum sw_code find_named(char **path_dup, const char *name, struct sw_error *err)
{
    if (access(name, F_OK) != 0)
        return sw_fail(err, SW_EABSENT, "SMOLWATT_ONNXRUNTIME: %s: %s", name, strerror(errno));
    bool is_folder = sw_file_is_folder(name);
    *path_dup = is_folder ? find_in(name, N_PATTERNS) : realpath(name, NULL);
    if (*path_dup == NULL && is_folder)
        return sw_fail(err, SW_EABSENT, "SMOLWATT_ONNXRUNTIME: %s: holds no libonnxruntime.so",
                       name);
    return *path_dup != NULL ? SW_OK : sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
}

/* Beside the program, or in onnxruntime/ of the nearest folder above it that is called build. */
static char *find_near_program(void)
{
    char *folder = sw_program_folder_dup(), *slash;
    char *found = folder != NULL ? find_in(folder, N_OWN_FOLDER) : NULL;
    while (folder != NULL && found == NULL && (slash = strrchr(folder, '/')) != NULL) {
        if (strcmp(slash, "/build") == 0) {
            char *own = sw_path_join_dup(folder, "onnxruntime");
            found = own != NULL ? find_in(own, N_PATTERNS) : NULL;
            free(own);
            break;
        }
        *slash = 0;
    }
    free(folder);
    return found;
}

enum sw_code sw_ort_library_find(char **path_dup, struct sw_error *err)
{
    const char *name = getenv("SMOLWATT_ONNXRUNTIME");
    *path_dup = NULL;
    if (name != NULL && name[0] != 0)
        return find_named(path_dup, name, err);
    *path_dup = find_near_program();
    for (size_t i = 0; i < sizeof system_folders / sizeof *system_folders && *path_dup == NULL; i++)
        *path_dup = find_in(system_folders[i], N_OWN_FOLDER);
    if (*path_dup != NULL)
        return SW_OK;
    return sw_fail(err, SW_EABSENT,
                   "ONNX Runtime is not installed: run scripts/setup-onnxruntime, or name its "
                   "library (libonnxruntime.so, of the Python package onnxruntime) in "
                   "SMOLWATT_ONNXRUNTIME");
}
