/* The CPU engine's table of functions. */
#ifndef SW_BACKEND_CPU_BASE_CPU_H
#define SW_BACKEND_CPU_BASE_CPU_H

#include "backend/backend.h"

extern const struct sw_backend_api sw_base_cpu;

#endif
