/* Where ONNX Runtime's library lies, and whether the file is whole enough to be loaded. */
#ifndef SW_BACKEND_ONNX_LIBRARY_H
#define SW_BACKEND_ONNX_LIBRARY_H

#include "base/error.h"

/* The library to load as runtime.h says: a path, which the caller frees. SW_EABSENT with the text
 * that says what to install. */
enum sw_code sw_ort_library_find(char **path_dup, struct sw_error *err);

/* Refuses what is no shared library of this machine, or ends before its header says: loading such a
 * file would end the program with SIGBUS. */
enum sw_code sw_ort_library_check(const char *path, struct sw_error *err);

#endif
