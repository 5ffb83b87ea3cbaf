#include "backend/onnx/library.h"

#include <elf.h>
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
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - sizeof "/onnxruntime");
    if (size <= 0)
        return NULL;
    path[size] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return NULL;
    *slash = 0;
    char *found = find_in(path, N_OWN_FOLDER);
    while (found == NULL && (slash = strrchr(path, '/')) != NULL) {
        if (strcmp(slash, "/build") == 0) {
            strcat(path, "/onnxruntime");
            return find_in(path, N_PATTERNS);
        }
        *slash = 0;
    }
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

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#else
enum { OWN_MACHINE = EM_NONE };
#endif

/* Largest end of what the header names; UINT64_MAX where a sum overflows. */
static uint64_t end_of(uint64_t so_far, uint64_t offset, uint64_t size)
{
    uint64_t end;
    if (__builtin_add_overflow(offset, size, &end))
        end = UINT64_MAX;
    return end > so_far ? end : so_far;
}

enum sw_code sw_ort_library_check(const char *path, struct sw_error *err)
{
    struct sw_map map;
    Elf64_Ehdr header;
    enum sw_code code = sw_map_open(&map, path, err);
    if (code != SW_OK)
        return code;
    if (map.size < sizeof header || memcmp(map.data, ELFMAG, SELFMAG) != 0) {
        code = sw_fail(err, SW_EFORMAT, "%s: no shared library (%zu bytes, no ELF header)", path,
                       map.size);
        goto done;
    }
    memcpy(&header, map.data, sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != OWN_MACHINE ||
        header.e_type != ET_DYN || header.e_phentsize != sizeof(Elf64_Phdr)) {
        code = sw_fail(err, SW_EFORMAT, "%s: no shared library of this machine", path);
        goto done;
    }
    uint64_t end = end_of(0, header.e_shoff, (uint64_t)header.e_shnum * header.e_shentsize);
    uint64_t programs = end_of(0, header.e_phoff, (uint64_t)header.e_phnum * header.e_phentsize);
    end = end_of(end, programs, 0);
    for (size_t i = 0; i < header.e_phnum && programs <= map.size; i++) {
        Elf64_Phdr part;
        memcpy(&part, map.data + header.e_phoff + i * sizeof part, sizeof part);
        end = end_of(end, part.p_offset, part.p_filesz);
    }
    if (end > map.size)
        code = sw_fail(err, SW_EFORMAT, "%s: truncated: %zu bytes, its header names %llu", path,
                       map.size, (unsigned long long)end);
done:
    sw_map_close(&map);
    return code;
}
