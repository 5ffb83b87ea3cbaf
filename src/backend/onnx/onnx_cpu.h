/* ONNX Runtime behind the table of backend.h: on the CPU, and on an NVIDIA GPU. */
#ifndef SW_BACKEND_ONNX_ONNX_CPU_H
#define SW_BACKEND_ONNX_ONNX_CPU_H

#include "backend/backend.h"

extern const struct sw_backend_api sw_onnx_cpu;
extern const struct sw_backend_api sw_onnx_gpu;

#endif
