/*
 * Two words make the pool: work counts the calls of sw_pool_run, phase counts barriers passed. Both
 * only grow, so a waiter needs no reset: it waits until the word it saw has changed. A waiter that
 * sleeps announces itself in the word's n_sleepers before it calls futex, and the kernel compares
 * the word once more, so no change is missed; whoever changes a word looks for sleepers afterwards
 * (both sequentially consistent: one of the two sees the other).
 */
#include "base/pool.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cores.h"

enum {
    MAX_THREADS = 1024,
    CACHE_LINE = 128,     /* two lines: neighbours are prefetched in pairs */
    SPIN_NS = 100 * 1000, /* longer than a phase's imbalance and than choosing a token */
    SPINS_PER_CLOCK = 64, /* pauses between two looks at the clock */
};

/* A word that threads wait on, alone in its cache lines. */
struct word {
    alignas(CACHE_LINE) _Atomic uint32_t value; /* changed by one thread at a time */
    _Atomic uint32_t n_sleepers;                /* by each waiter around its futex call */
};

struct worker {
    struct sw_pool *pool;
    pthread_t handle;
    int thread; /* 1 to n_threads - 1 */
    int cpu;    /* to pin to, or -1 */
};

struct sw_pool {
    struct word work;                             /* changed by thread 0 */
    struct word phase;                            /* changed by the last to reach a barrier */
    alignas(CACHE_LINE) _Atomic uint32_t n_there; /* threads at the barrier */
    alignas(CACHE_LINE) void (*fn)(void *ctx, int thread); /* by thread 0 before work changes */
    void *ctx;
    bool is_ending;         /* by thread 0 before work changes */
    _Atomic bool is_parked; /* by thread 0: no work comes soon */
    int n_threads;
    enum sw_wait wait;
    bool is_pinned;
    bool
        is_crowded; /* more threads than processors: a spinning thread keeps another from running */
    _Atomic int n_pin_failures; /* by workers as they start */
    struct worker *workers;     /* (n_threads - 1) */
};

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* waits some tens of cycles; yield is a no-op on most cores */
#endif
}

static bool has_changed(struct word *word, uint32_t seen)
{
    return atomic_load_explicit(&word->value, memory_order_acquire) != seen;
}

static bool is_parked(const struct sw_pool *pool)
{
    return atomic_load_explicit(&pool->is_parked, memory_order_relaxed);
}

/* Spins until the word changes (true), or the time is up or the pool is parked (false). */
static bool spin(const struct sw_pool *pool, struct word *word, uint32_t seen, uint64_t limit_ns)
{
    uint64_t begin_ns = 0;
    for (;;) {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            if (has_changed(word, seen))
                return true;
            relax();
        }
        uint64_t now_ns = sw_clock_ns();
        if (begin_ns == 0)
            begin_ns = now_ns;
        else if (now_ns - begin_ns > limit_ns || is_parked(pool))
            return false;
    }
}

static void wait_for_change(const struct sw_pool *pool, struct word *word, uint32_t seen)
{
    if (pool->wait == SW_WAIT_SPIN) {
        while (!has_changed(word, seen) && !is_parked(pool)) {
            if (pool->is_crowded)
                sched_yield();
            else
                relax();
        }
        if (has_changed(word, seen))
            return;
    }
    if (pool->wait == SW_WAIT_SPIN_SLEEP && !pool->is_crowded && spin(pool, word, seen, SPIN_NS))
        return;
    atomic_fetch_add(&word->n_sleepers, 1);
    while (!has_changed(word, seen))
        futex_wait(&word->value, seen);
    atomic_fetch_sub(&word->n_sleepers, 1);
}

static void change(struct word *word)
{
    atomic_fetch_add(&word->value, 1);
    if (atomic_load(&word->n_sleepers) != 0)
        futex_wake_all(&word->value);
}

void sw_pool_barrier(struct sw_pool *pool, int thread)
{
    (void)thread;
    if (pool == NULL || pool->n_threads == 1)
        return;
    uint32_t seen = atomic_load_explicit(&pool->phase.value, memory_order_relaxed);
    uint32_t n = atomic_fetch_add_explicit(&pool->n_there, 1, memory_order_acq_rel) + 1;
    if (n == (uint32_t)pool->n_threads) {
        atomic_store_explicit(&pool->n_there, 0, memory_order_relaxed);
        change(&pool->phase);
    } else {
        wait_for_change(pool, &pool->phase, seen);
    }
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct sw_pool *pool = self->pool;
    if (self->cpu >= 0 && !sw_cores_pin(self->cpu))
        atomic_fetch_add(&pool->n_pin_failures, 1);
    sw_pool_barrier(pool, self->thread);
    for (uint32_t seen = 0;; seen++) {
        wait_for_change(pool, &pool->work, seen);
        if (pool->is_ending)
            return NULL;
        pool->fn(pool->ctx, self->thread);
        sw_pool_barrier(pool, self->thread);
    }
}

void sw_pool_run(struct sw_pool *pool, void (*fn)(void *ctx, int thread), void *ctx)
{
    if (pool == NULL || pool->n_threads == 1) {
        fn(ctx, 0);
        return;
    }
    pool->fn = fn;
    pool->ctx = ctx;
    atomic_store_explicit(&pool->is_parked, false, memory_order_relaxed);
    change(&pool->work);
    fn(ctx, 0);
    sw_pool_barrier(pool, 0);
}

void sw_pool_park(struct sw_pool *pool)
{
    if (pool != NULL)
        atomic_store_explicit(&pool->is_parked, true, memory_order_relaxed);
}

void sw_pool_part(size_t *begin, size_t *end, size_t n, int t, int n_parts)
{
    size_t part = n / (size_t)n_parts, rest = n % (size_t)n_parts, i = (size_t)t;
    *begin = i * part + (i < rest ? i : rest);
    *end = *begin + part + (i < rest);
}

struct for_loop {
    void (*fn)(void *ctx, size_t i);
    void *ctx;
    size_t n;
    int n_threads;
};

static void run_part(void *ctx, int thread)
{
    const struct for_loop *loop = ctx;
    size_t begin, end;
    sw_pool_part(&begin, &end, loop->n, thread, loop->n_threads);
    for (size_t i = begin; i < end; i++)
        loop->fn(loop->ctx, i);
}

void sw_pool_for(struct sw_pool *pool, size_t n, void (*fn)(void *ctx, size_t i), void *ctx)
{
    struct for_loop loop = {.fn = fn, .ctx = ctx, .n = n, .n_threads = sw_pool_size(pool)};
    sw_pool_run(pool, run_part, &loop);
}

/* Ends the workers 1 to n_started, which wait for work, and frees everything. */
static void end_workers(struct sw_pool *pool, int n_started)
{
    pool->is_ending = true;
    change(&pool->work);
    for (int i = 0; i < n_started; i++)
        pthread_join(pool->workers[i].handle, NULL);
    free(pool->workers);
    free(pool);
}

/* A quota below the mask is a share of somebody's machine: pinning would put all such shares on
 * the same first processors, so the scheduler places the threads there. */
static bool should_pin(const struct sw_pool_options *options, int n_threads,
                       const struct sw_cores *cores)
{
    bool has_share = cores->quota > 0 && cores->quota < (double)cores->n_cpus;
    return !options->no_pinning && !has_share && n_threads <= cores->n_cpus;
}

static int usable_cores(const struct sw_cores *cores)
{
    int n = cores->n_cores;
    if (cores->quota > 0 && cores->quota < (double)n)
        n = (int)cores->quota;
    return n > 0 ? n : 1;
}

int sw_pool_physical_cores(void)
{
    struct sw_cores cores;
    sw_cores_read(&cores);
    return usable_cores(&cores);
}

enum sw_code sw_pool_create(struct sw_pool **out, const struct sw_pool_options *options,
                            struct sw_error *err)
{
    static const struct sw_pool_options defaults;
    if (options == NULL)
        options = &defaults;
    *out = NULL;
    if (options->n_threads < 0 || options->n_threads > MAX_THREADS)
        return sw_fail(err, SW_EUSAGE, "%d threads: from 1 to %d (0: the physical cores)",
                       options->n_threads, (int)MAX_THREADS);
    struct sw_cores cores;
    sw_cores_read(&cores);
    int n_threads = options->n_threads;
    if (n_threads == 0)
        n_threads = usable_cores(&cores) < MAX_THREADS ? usable_cores(&cores) : MAX_THREADS;

    struct sw_pool *pool = aligned_alloc(alignof(struct sw_pool), sizeof *pool);
    struct worker *workers = calloc((size_t)n_threads, sizeof *workers);
    if (pool == NULL || workers == NULL) {
        free(pool);
        free(workers);
        return sw_fail(err, SW_ENOMEM, "no memory for a pool of %d threads", n_threads);
    }
    memset(pool, 0, sizeof *pool);
    pool->workers = workers;
    pool->n_threads = n_threads;
    pool->wait = options->wait;
    pool->is_pinned = should_pin(options, n_threads, &cores);
    pool->is_crowded =
        n_threads > cores.n_cpus || (cores.quota > 0 && (double)n_threads > cores.quota);

    for (int i = 0; i < n_threads - 1; i++) {
        workers[i] = (struct worker){.pool = pool, .thread = i + 1};
        workers[i].cpu = pool->is_pinned ? cores.cpus[i + 1] : -1;
        int code = pthread_create(&workers[i].handle, NULL, worker_main, &workers[i]);
        if (code != 0) {
            /* Those that run wait at their first barrier for the rest: let them through. */
            for (int missing = i; missing < n_threads - 1; missing++)
                atomic_fetch_add(&pool->n_there, 1);
            sw_pool_barrier(pool, 0);
            end_workers(pool, i);
            return sw_fail(err, SW_ESYSTEM, "thread %d of %d could not be started: %s", i + 2,
                           n_threads, strerror(code));
        }
    }
    if (pool->is_pinned && !sw_cores_pin(cores.cpus[0]))
        pool->is_pinned = false;
    sw_pool_barrier(pool, 0);
    if (atomic_load(&pool->n_pin_failures) > 0) {
        if (pool->is_pinned)
            sw_cores_unpin();
        pool->is_pinned = false;
    }
    *out = pool;
    return SW_OK;
}

void sw_pool_destroy(struct sw_pool *pool)
{
    if (pool == NULL)
        return;
    bool is_pinned = pool->is_pinned;
    end_workers(pool, pool->n_threads - 1);
    if (is_pinned)
        sw_cores_unpin();
}

int sw_pool_size(const struct sw_pool *pool)
{
    return pool != NULL ? pool->n_threads : 1;
}

bool sw_pool_is_pinned(const struct sw_pool *pool)
{
    return pool != NULL && pool->is_pinned;
}

enum sw_wait sw_pool_wait_policy(const struct sw_pool *pool)
{
    return pool != NULL ? pool->wait : SW_WAIT_SPIN_SLEEP;
}

const char *sw_wait_name(enum sw_wait wait)
{
    switch (wait) {
    case SW_WAIT_SPIN_SLEEP:
        return "spin-sleep";
    case SW_WAIT_SPIN:
        return "spin";
    case SW_WAIT_SLEEP:
        return "sleep";
    }
    return "unknown";
}
