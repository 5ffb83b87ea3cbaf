/* A library that comes with a driver, loaded at run time: the program starts without it. */
#ifndef SW_METER_LIBRARY_H
#define SW_METER_LIBRARY_H

#include "meter/set.h"

/* A function of the library, under its name or else under another one (NULL: none). The target is
 * a function pointer; an optional one stays NULL where the library has neither. */
struct sw_library_symbol {
    const char *name, *other_name;
    void *target;
    bool optional;
};

/* NULL, and why in *problem, where the library or a function is missing. */
void *sw_library_open(struct sw_meter_set *set, const char *path,
                      const struct sw_library_symbol *symbols, size_t n, const char **problem);
void sw_library_close(void *library); /* NULL is fine */

/* The library to load: that of the environment variable, else name; NULL, and why in *problem,
 * where the set reads below a root, and a GPU of the real machine would be read. */
const char *sw_library_path(struct sw_meter_set *set, const char *variable, const char *name,
                            const char **problem);

/* A probe that says why a library, "nvml" or "amd_smi", gives no GPU. */
void sw_library_note_missing(struct sw_meter_set *set, const char *name, const char *path,
                             const char *reason, const char *enable);

/* That GPU index is asked for, and the library knows only n. */
const char *sw_library_gpu_absent(struct sw_meter_set *set, unsigned index, const char *path,
                                  unsigned n);

/* Why boards are listed where nothing runs on them. */
extern const char sw_library_gpu_unused[];

#endif
