#include "backend/cpu/shares.h"

#include "base/pool.h"

enum { FIELD_BITS = 20 };
static const uint64_t field_mask = (UINT64_C(1) << FIELD_BITS) - 1;
static const uint32_t phase_mask = (UINT32_C(1) << (64 - 2 * FIELD_BITS)) - 1;

struct left {
    size_t begin, end;
};

static uint64_t pack(const struct sw_taker *taker, struct left left)
{
    return (uint64_t)taker->phase << (2 * FIELD_BITS) | (uint64_t)left.begin << FIELD_BITS |
           left.end;
}

/* What is left of a thread's share, whose word was read. */
static struct left unpack(const struct sw_taker *taker, int thread, uint64_t word)
{
    struct left left = {.begin = (size_t)(word >> FIELD_BITS & field_mask),
                        .end = (size_t)(word & field_mask)};
    if (word >> (2 * FIELD_BITS) != taker->phase)
        sw_pool_part(&left.begin, &left.end, taker->n_pieces, thread, taker->n_threads);
    return left;
}

struct sw_taker sw_shares_begin(struct sw_share *shares, uint32_t phase, size_t n_pieces,
                                int thread, int n_threads)
{
    return (struct sw_taker){.shares = shares,
                             .n_pieces = n_pieces,
                             .phase = phase & phase_mask,
                             .thread = thread,
                             .n_threads = n_threads};
}

/* Several pieces at once while many are left, since a change of the share waits for all that this
 * thread has written; few enough of them that the others still find work: an eighth. */
static bool take_own(struct sw_taker *taker)
{
    enum { PART = 8 };
    _Atomic uint64_t *own = &taker->shares[taker->thread].left;
    uint64_t word = atomic_load_explicit(own, memory_order_relaxed);
    for (;;) {
        struct left left = unpack(taker, taker->thread, word);
        if (left.begin >= left.end)
            return false;
        size_t begin = left.begin, n = left.end - left.begin;
        left.begin += taker->n_threads == 1 ? n : (n + PART - 1) / PART;
        /* Pieces publish nothing: what they were computed from lies before a barrier, and what
         * they wrote is read behind one. */
        if (atomic_compare_exchange_weak_explicit(own, &word, pack(taker, left),
                                                  memory_order_relaxed, memory_order_relaxed)) {
            taker->next = begin;
            taker->end = left.begin;
            return true;
        }
    }
}

/* The rear half of what the thread has left, the greater one, becomes ours. */
static bool take_from(struct sw_taker *taker, int thread)
{
    _Atomic uint64_t *other = &taker->shares[thread].left;
    uint64_t word = atomic_load_explicit(other, memory_order_relaxed);
    for (;;) {
        struct left left = unpack(taker, thread, word);
        if (left.begin >= left.end)
            return false;
        size_t middle = left.begin + (left.end - left.begin) / 2;
        struct left taken = {.begin = middle, .end = left.end};
        left.end = middle;
        if (atomic_compare_exchange_weak_explicit(other, &word, pack(taker, left),
                                                  memory_order_relaxed, memory_order_relaxed)) {
            atomic_store_explicit(&taker->shares[taker->thread].left, pack(taker, taken),
                                  memory_order_relaxed);
            return true;
        }
    }
}

bool sw_shares_take(struct sw_taker *taker, size_t *piece)
{
    for (;;) {
        if (taker->next < taker->end || take_own(taker)) {
            *piece = taker->next++;
            return true;
        }
        bool found = false;
        for (int i = 1; i < taker->n_threads && !found; i++)
            found = take_from(taker, (taker->thread + i) % taker->n_threads);
        if (!found)
            return false;
    }
}
