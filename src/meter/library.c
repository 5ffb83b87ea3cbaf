#include "meter/library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

const char sw_library_gpu_unused[] = "no work runs on a GPU; its joules are listed, not counted";

const char *sw_library_path(struct sw_meter_set *set, const char *variable, const char *name,
                            const char **problem)
{
    const char *path = getenv(variable);
    if (path != NULL && path[0] != 0)
        return sw_set_text(set, "%s", path);
    if (set->root[0] == 0)
        return name;
    *problem = sw_set_text(
        set,
        "a GPU of the real machine is not read below another root (%s names a library that is)",
        variable);
    return NULL;
}

void sw_library_note_missing(struct sw_meter_set *set, const char *name, const char *path,
                             const char *reason, const char *enable)
{
    sw_set_probe(
        set,
        &(struct sw_meter_probe){
            .component = SW_GPU, .name = name, .path = path, .reason = reason, .enable = enable});
}

const char *sw_library_gpu_absent(struct sw_meter_set *set, unsigned index, const char *path,
                                  unsigned n)
{
    return sw_set_text(set, "GPU %u is not there: %s knows %u, counted from 0", index, path, n);
}

void *sw_library_open(struct sw_meter_set *set, const char *path,
                      const struct sw_library_symbol *symbols, size_t n, const char **problem)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *text = dlerror();
        *problem = sw_set_text(set, "%s", text != NULL ? text : path);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (symbol == NULL && symbols[i].other_name != NULL)
            symbol = dlsym(library, symbols[i].other_name);
        /* The copy turns an object pointer into a function pointer, as POSIX allows for dlsym. */
        memcpy(symbols[i].target, &symbol, sizeof symbol);
        if (symbol == NULL && !symbols[i].optional) {
            *problem = sw_set_text(set, "%s: has no %s", path, symbols[i].name);
            dlclose(library);
            return NULL;
        }
    }
    return library;
}

void sw_library_close(void *library)
{
    if (library != NULL)
        dlclose(library);
}
