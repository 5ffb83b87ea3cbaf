#include "base/shared_object.h"

#include <dlfcn.h>
#include <elf.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

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

enum sw_code sw_shared_object_check(const char *path, struct sw_error *err)
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

enum sw_code sw_shared_object_open(void **out, const char *path, struct sw_error *err)
{
    *out = NULL;
    enum sw_code code = sw_shared_object_check(path, err);
    if (code != SW_OK)
        return code;
    *out = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (*out != NULL)
        return SW_OK;
    const char *text = dlerror();
    return sw_fail(err, SW_EFORMAT, "%s cannot be loaded: %s", path,
                   text != NULL ? text : "unknown reason");
}

void sw_shared_object_close(void *library)
{
    if (library != NULL)
        dlclose(library);
}

void sw_shared_object_function(void *target, void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    /* The copy turns an object pointer into a function pointer, as POSIX allows for dlsym. */
    memcpy(target, &symbol, sizeof symbol);
}

char *sw_program_folder_dup(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0)
        return NULL;
    path[size] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return NULL;
    *slash = 0;
    return strdup(path);
}
