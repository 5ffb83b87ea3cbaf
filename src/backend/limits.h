/*
 * What this machine can do at most: the rates that speed is stated against. Each call is one timed
 * repetition, so that a caller can interleave them with the work and take medians: a shared machine
 * drifts within minutes.
 */
#ifndef SW_BACKEND_LIMITS_H
#define SW_BACKEND_LIMITS_H

#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/pool.h"

struct sw_limits;

/* Allocates and touches a buffer of size_bytes (the weights one token reads), split over the
 * threads of the pool as weights are. compute says which multiply-adds are to be counted. */
enum sw_code sw_limits_open(struct sw_limits **out, struct sw_pool *pool, size_t size_bytes,
                            enum sw_compute_limit compute, struct sw_error *err);
void sw_limits_close(struct sw_limits *limits);

/* All threads read the buffer once, front to back, in the widest loads of the kernel level in use.
 */
double sw_limits_read_bytes_per_second(struct sw_limits *limits);

/* All threads multiply and add in registers alone at the kernel level in use, with the fewest
 * instructions that it has for these numbers; a multiply-add counts as two operations. */
double sw_limits_operations_per_second(struct sw_limits *limits);

/* "fma_f32", "dot_bf16", "dot_s8", "dot_f16", "dot_tf32" */
const char *sw_compute_limit_name(enum sw_compute_limit compute);

#endif
