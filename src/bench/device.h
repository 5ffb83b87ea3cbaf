/* The device that computes, for a record. */
#ifndef SW_BENCH_DEVICE_H
#define SW_BENCH_DEVICE_H

#include <jansson.h>

#include "backend/backend.h"

/* {"name", "gpu", "mode", "mode_reason", "tf32", "emulated", "cuda_driver", "cuda_runtime",
 * "plugin"}; null where the backend computes on the processors, or has a runtime that does. */
json_t *sw_device_to_json(const struct sw_backend_info *info);

#endif
