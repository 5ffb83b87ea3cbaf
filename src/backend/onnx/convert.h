/* Fills a graph's data file with the model's weights in the forms of backend/onnx/weights.h. */
#ifndef SW_BACKEND_ONNX_CONVERT_H
#define SW_BACKEND_ONNX_CONVERT_H

#include "backend/onnx/weights.h"
#include "base/error.h"
#include "base/pool.h"
#include "model/config.h"

/* Writes each job's pieces to their offsets of fd; name stands for the file in messages. The bytes
 * do not depend on the number of threads. */
enum sw_code sw_onnx_convert(int fd, const char *name, const struct sw_onnx_jobs *jobs,
                             const struct sw_config *config, struct sw_pool *pool,
                             struct sw_error *err);

#endif
