/* Where ONNX Runtime's library lies. */
#ifndef SW_BACKEND_ONNX_LIBRARY_H
#define SW_BACKEND_ONNX_LIBRARY_H

#include "base/error.h"

/* The library to load as runtime.h says: a path, which the caller frees. SW_EABSENT with the text
 * that says what to install. */
enum sw_code sw_ort_library_find(char **path_dup, struct sw_error *err);

#endif
