/* Shared libraries that are loaded at run time, without a crash where a file is not what its name
 * says. */
#ifndef SW_BASE_SHARED_OBJECT_H
#define SW_BASE_SHARED_OBJECT_H

#include "base/error.h"

/* Refuses what is no shared library of this machine, or ends before its header says: loading such a
 * file would end the program with SIGBUS. */
enum sw_code sw_shared_object_check(const char *path, struct sw_error *err);

/* Checks and loads it; it stays mapped to the program's end, since libraries register what is to
 * run then. */
enum sw_code sw_shared_object_open(void **out, const char *path, struct sw_error *err);
void sw_shared_object_close(void *library); /* NULL is fine */

/* Sets the function pointer at target (of sizeof(void *)) to the symbol; NULL where there is none.
 */
void sw_shared_object_function(void *target, void *library, const char *name);

/* The folder that the running program lies in, with symbolic links followed; the caller frees. NULL
 * where it cannot be told. */
char *sw_program_folder_dup(void);

#endif
