/*
 * ONNX Runtime, loaded at run time: the program starts and everything else works without it.
 *
 *     struct sw_ort *ort;
 *     if (sw_ort_open(&ort, &err) != SW_OK) ...        the line says what to install
 *     sw_ort_session_open(...)                         (session.h)
 *     sw_ort_close(ort);
 *
 * Looked for, in this order; the first one that is there is the one, good or not:
 *
 *   1. SMOLWATT_ONNXRUNTIME: the library, or a folder that holds it or a Python wheel's files
 *   2. the program's own folder
 *   3. onnxruntime/ in the build folder that the program lies in (scripts/setup-onnxruntime)
 *   4. the system's library
 */
#ifndef SW_BACKEND_ONNX_RUNTIME_H
#define SW_BACKEND_ONNX_RUNTIME_H

#include <stdbool.h>

#include "base/error.h"

struct sw_ort;

/* SW_EABSENT where there is none. Log lines of the runtime (warnings and worse) go to standard
 * error, each on a line of its own that begins with "onnxruntime: ". */
enum sw_code sw_ort_open(struct sw_ort **out, struct sw_error *err);
void sw_ort_close(struct sw_ort *ort); /* NULL is fine; the library itself stays loaded */

const char *sw_ort_version_view(const struct sw_ort *ort); /* "1.32.0" */
const char *sw_ort_path_view(const struct sw_ort *ort);    /* of the library */

/* Refuses, by name, what a library older than major.minor lacks: "8-bit MatMulNBits". */
enum sw_code sw_ort_need(const struct sw_ort *ort, int major, int minor, const char *what,
                         struct sw_error *err);

/* "CPUExecutionProvider", "CUDAExecutionProvider": whether this library was built with it. */
bool sw_ort_has_provider(const struct sw_ort *ort, const char *name);

#endif
