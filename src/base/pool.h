/*
 * A fixed set of threads that walk through the same function together. The caller is thread 0. A
 * NULL pool is one thread: every call then runs in place. Work is split by output rows, so results
 * do not depend on the number of threads.
 */
#ifndef SW_BASE_POOL_H
#define SW_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* How threads wait at a barrier and for work: spinning spends the joules that we report, so the
 * policy is a setting and goes into the record. */
enum sw_wait {
    SW_WAIT_SPIN_SLEEP, /* spin for some microseconds, then sleep (default) */
    SW_WAIT_SPIN,       /* spin only */
    SW_WAIT_SLEEP,      /* sleep at once */
};

struct sw_pool_options {
    int n_threads;     /* from 1; 0 means the physical cores this process may use */
    bool no_pinning;   /* default false: one thread pinned to each core, through hwloc */
    enum sw_wait wait; /* default SW_WAIT_SPIN_SLEEP */
};

struct sw_pool;

enum sw_code sw_pool_create(struct sw_pool **out, const struct sw_pool_options *options,
                            struct sw_error *err);
void sw_pool_destroy(struct sw_pool *pool);

/* Number of threads, the caller included; 1 for NULL. */
int sw_pool_size(const struct sw_pool *pool);
bool sw_pool_is_pinned(const struct sw_pool *pool);
enum sw_wait sw_pool_wait_policy(const struct sw_pool *pool);
const char *sw_wait_name(enum sw_wait wait); /* "spin-sleep", "spin", "sleep" */

/* Calls fn(ctx, i) once on each thread i, and returns when all have returned. Not reentrant. */
void sw_pool_run(struct sw_pool *pool, void (*fn)(void *ctx, int thread), void *ctx);

/* Inside fn: returns once every thread of the pool has come here; what they wrote is visible. */
void sw_pool_barrier(struct sw_pool *pool, int thread);

/* Sends waiting threads to sleep, whatever the policy, until the next call of sw_pool_run: threads
 * that are not the pool's are about to work on the same processors. Cheap. */
void sw_pool_park(struct sw_pool *pool);

/* Same result as: for (i = 0; i < n; i++) fn(ctx, i);  Thread t takes the t-th contiguous part. */
void sw_pool_for(struct sw_pool *pool, size_t n, void (*fn)(void *ctx, size_t i), void *ctx);

/* The t-th of n_parts contiguous parts of 0..n: [*begin, *end). */
void sw_pool_part(size_t *begin, size_t *end, size_t n, int t, int n_parts);

/* Physical cores that this process's affinity mask and cgroup quota leave it; at least 1. */
int sw_pool_physical_cores(void);

#endif
