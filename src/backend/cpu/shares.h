/*
 * Pieces of a phase that threads take: each has a contiguous share of its own and takes it from the
 * front, as weights lie in memory, an eighth of what is left at a time; one that is done takes the
 * rear half of what another has left. Parts of equal size are not done in equal time on a machine
 * that others share. Which thread computes a piece changes no bit of it.
 *
 * All threads walk through the same phases with barriers between them, so each counts the phases
 * for itself, and nothing has to be set up: a share that is still of an earlier phase is untouched,
 * and whoever comes first knows where it begins and ends.
 */
#ifndef SW_BACKEND_CPU_SHARES_H
#define SW_BACKEND_CPU_SHARES_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SW_SHARES_MAX_PIECES = (1 << 20) - 1 };

struct sw_share {
    /* Phase, its lowest 24 bits; first piece left; 1 behind the last one. */
    alignas(64) _Atomic uint64_t left;
};

/* A thread on its way through a phase. */
struct sw_taker {
    struct sw_share *shares; /* (n_threads) */
    size_t n_pieces;
    size_t next, end; /* taken already, and not yet handed out */
    uint32_t phase;
    int thread, n_threads;
};

/* At the begin of a phase of n_pieces, at most SW_SHARES_MAX_PIECES; phase: this thread's count of
 * them, the same on all threads, 1 more with each. Zeroed shares are ready for phase 1. */
struct sw_taker sw_shares_begin(struct sw_share *shares, uint32_t phase, size_t n_pieces,
                                int thread, int n_threads);

/* The next piece, or false when nothing is left anywhere. */
bool sw_shares_take(struct sw_taker *taker, size_t *piece);

#endif
