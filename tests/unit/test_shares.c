/* Pieces that threads take: each once, whoever is late. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/shares.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/random.h"
#include "support/skip.h"

enum { MAX_THREADS = 5, MAX_PIECES = 300, N_PHASES = 400, N_SHORT_PHASES = 5000 };

struct walk {
    struct sw_pool *pool;
    struct sw_share *shares;
    int n_threads;
    uint32_t first_phase;
    size_t n_phases;
    int late;                                     /* this thread sleeps in its first piece */
    unsigned char taken[MAX_PIECES][MAX_THREADS]; /* by whom, in the phase under way */
    size_t n_taken[MAX_THREADS], n_wrong;         /* over all phases */
    size_t (*n_pieces)(size_t phase);
};

static void walk(void *ctx, int thread)
{
    struct walk *w = ctx;
    for (size_t phase = 0; phase < w->n_phases; phase++) {
        size_t piece, n = w->n_pieces(phase);
        struct sw_taker taker =
            sw_shares_begin(w->shares, w->first_phase + (uint32_t)phase, n, thread, w->n_threads);
        while (sw_shares_take(&taker, &piece)) {
            if (piece < n)
                w->taken[piece][thread]++;
            w->n_taken[thread]++;
            if (thread == w->late && phase < 4)
                sw_clock_sleep_until(sw_clock_ns() + 10000000);
        }
        sw_pool_barrier(w->pool, thread);
        if (thread == 0) {
            for (size_t i = 0; i < MAX_PIECES; i++) {
                unsigned times = 0;
                for (int t = 0; t < w->n_threads; t++)
                    times += w->taken[i][t];
                w->n_wrong += times != (i < n);
            }
            memset(w->taken, 0, sizeof w->taken);
        }
        sw_pool_barrier(w->pool, thread);
    }
}

static size_t any_number(size_t phase)
{
    return phase % 7 == 0 ? phase % 4 : sw_random_mix(phase + 1) % (MAX_PIECES + 1);
}

static size_t a_few(size_t phase)
{
    return 1 + phase % (2 * MAX_THREADS);
}

static size_t fifty(size_t phase)
{
    (void)phase;
    return 50;
}

static void run(struct walk *w, int n_threads)
{
    struct sw_error err;
    assert_int_equal(
        sw_pool_create(&w->pool, &(struct sw_pool_options){.n_threads = n_threads}, &err), SW_OK);
    w->n_threads = n_threads;
    w->shares = aligned_alloc(alignof(struct sw_share), (size_t)n_threads * sizeof *w->shares);
    assert_non_null(w->shares);
    for (int i = 0; i < n_threads; i++)
        atomic_init(&w->shares[i].left, 0);
    sw_pool_run(w->pool, walk, w);
    free(w->shares);
    sw_pool_destroy(w->pool);
    assert_int_equal(w->n_wrong, 0);
}

static void each_piece_is_taken_once(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= MAX_THREADS; n_threads++) {
        /* The second count wraps: 24 bits of it are kept. */
        static const uint32_t firsts[] = {1, (UINT32_C(1) << 24) - N_PHASES / 2};
        for (size_t i = 0; i < 2; i++) {
            struct walk w = {
                .first_phase = firsts[i], .n_phases = N_PHASES, .late = -1, .n_pieces = any_number};
            run(&w, n_threads);
        }
    }
}

/* A last piece is taken by its owner and by a thief at once only now and then. */
static void few_pieces_are_taken_once_however_often(void **state)
{
    (void)state;
    for (int n_threads = 2; n_threads <= MAX_THREADS; n_threads++) {
        struct walk w = {
            .first_phase = 1, .n_phases = N_SHORT_PHASES, .late = -1, .n_pieces = a_few};
        run(&w, n_threads);
    }
}

static void others_take_what_a_late_thread_leaves(void **state)
{
    (void)state;
    struct walk w = {.first_phase = 1, .n_phases = N_PHASES, .late = 1, .n_pieces = fifty};
    run(&w, 2);
    /* In the first four phases it is asleep with its first piece while the other one works. */
    assert_true(w.n_taken[0] >= 4 * 40);
    assert_int_equal(w.n_taken[0] + w.n_taken[1], 50 * N_PHASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_is_taken_once),
        cmocka_unit_test(few_pieces_are_taken_once_however_often),
        cmocka_unit_test(others_take_what_a_late_thread_leaves),
    };
    return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}
