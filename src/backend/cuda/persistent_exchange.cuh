/*
 * How the blocks of the one kernel hand numbers to each other: words of 8 bytes, a float and the
 * epoch it belongs to, so that data and readiness come together. Who needs numbers polls their very
 * words; there is no barrier of the grid, no counter, no fence.
 *
 * Epochs. Every pass of a token through a layer has an epoch, one more than the one before, over
 * all answers that the buffers live through: nothing is reset between them. Word k of an exchange
 * is written once an epoch, by one block. A word of an older epoch is smaller than what is waited
 * for, so equality tells; before 2^32 are used up, the host clears the buffers and begins anew
 * (persistent.cu), so a word never holds an epoch to come.
 *
 * Why one buffer for each kind of exchange is enough, that is, why no block overwrites a number
 * that another one still needs. In the order in which every block comes to them, for layer l:
 *
 *     qkv      W1(l) rows of the product       R1(l) a KV head's rows, by who attends to it
 *     parts    W2(l) by who attends            R2(l) all, by all
 *     middle   W3(l) x behind O                R3(l) all, by all
 *     hidden   W4(l) behind gate and up        R4(l) all, by all
 *     x        W5(l) behind down               R5(l) all, by all
 *     choice   W6(t) behind the last layer     R6(t) all, by all
 *
 * Every block has at least one row of each matrix (sw_persistent_plan), so it writes in W1, W3, W4,
 * W5 and W6 each time, and "read all" waits for all blocks. Rk(B) is over before block B begins
 * W(k + 1)(B): its threads meet at a barrier in between. With that, for any blocks B and C:
 *
 *     W1(B, l + 1) is behind R5(B, l), so behind W5(C, l), R4(C, l), ... and R1(C, l)
 *     W2(B, l + 1) is behind R5(B, l), so behind W5(C, l), ... and R2(C, l)
 *     W3(B, l + 1) is behind R5(B, l), so behind W5(C, l), R4(C, l) and R3(C, l)
 *     W4(B, l + 1) is behind R5(B, l), so behind W5(C, l) and R4(C, l)
 *     W5(B, l + 1) is behind R4(B, l + 1), so behind W4(C, l + 1), R3(C, l + 1) and R5(C, l)
 *     W6(B, t + 1) is behind R5(B) of token t + 1, so behind W5(C) of it and R6(C, t)
 *
 * which is what was to be shown: C has read epoch e of a buffer before B writes e + 1 into it. The
 * same holds from the last layer of a token to the first of the next one. In the form with four
 * exchanges R1 is done by who then writes W3, and R2, W2 fall away; nothing else changes.
 * Each step is a value that went through a load, a product and a store (and, within a block, a
 * barrier), so no relaxed ordering can turn it around: a store cannot be seen before the loads that
 * its value was made of have returned.
 *
 * Patience. A block that waits much longer than anything can take gives up, tells the others
 * through one word, and goes on without waiting: the kernel ends after garbage, and the host hears
 * of it.
 */
#ifndef SW_BACKEND_CUDA_PERSISTENT_EXCHANGE_CUH
#define SW_BACKEND_CUDA_PERSISTENT_EXCHANGE_CUH

#include "backend/cuda/input.cuh"

enum : uint32_t {
    SW_EAGER_POLLS = 64,      /* before a thread rests between polls */
    SW_POLLS_PER_LOOK = 1024, /* at the clock and at the others: some 300 us */
};

/* A thread's patience, over the whole kernel. */
struct sw_patience {
    uint64_t limit_ns;
    uint32_t *abandoned; /* of all blocks, 0: nobody has given up */
    bool is_lost;
};

/* After a poll in vain: whether to poll again. n_polls and since begin at 0 for each wait. */
SW_DEVICE bool sw_poll_again(sw_patience &patience, uint32_t &n_polls, uint64_t &since)
{
    if (patience.is_lost)
        return false;
    if (++n_polls > SW_EAGER_POLLS)
        sw_relax();
    if (n_polls % SW_POLLS_PER_LOOK == 0) {
        uint64_t now = sw_device_ns();
        since = since == 0 ? now : since;
        if (now - since > patience.limit_ns)
            sw_store_release(patience.abandoned, 1);
        patience.is_lost = sw_load_relaxed(patience.abandoned) != 0;
    }
    return !patience.is_lost;
}

/* The numbers of two words, which may be the same, once they have the epoch. */
SW_DEVICE void sw_await(float (&out)[2], const uint64_t *first, const uint64_t *second,
                        uint32_t epoch, sw_patience &patience)
{
    uint32_t n_polls = 0;
    uint64_t since = 0, a, b;
    do {
        a = sw_load_flagged(first);
        b = sw_load_flagged(second);
    } while ((static_cast<uint32_t>(a >> 32) != epoch || static_cast<uint32_t>(b >> 32) != epoch) &&
             sw_poll_again(patience, n_polls, since));
    out[0] = sw_as_float(static_cast<uint32_t>(a));
    out[1] = sw_as_float(static_cast<uint32_t>(b));
}

/* BATCH words of each thread are under way at once: words first, first + blockDim.x, ... */
template <int BATCH>
SW_DEVICE void sw_gather_batch(sw_shared<float> to, const uint64_t *words, uint32_t first,
                               uint32_t n, uint32_t epoch, sw_patience &patience)
{
    uint64_t got[BATCH];
    uint32_t n_polls = 0;
    uint64_t since = 0;
    for (;;) {
        SW_UNROLL
        for (int k = 0; k < BATCH; k++) {
            uint32_t i = first + static_cast<uint32_t>(k) * blockDim.x;
            got[k] = static_cast<uint64_t>(epoch) << 32;
            if (i < n)
                got[k] = sw_load_flagged(words + i);
        }
        bool is_all = true;
        SW_UNROLL
        for (int k = 0; k < BATCH; k++)
            is_all = is_all && static_cast<uint32_t>(got[k] >> 32) == epoch;
        if (is_all || !sw_poll_again(patience, n_polls, since))
            break;
    }
    SW_UNROLL
    for (int k = 0; k < BATCH; k++) {
        uint32_t i = first + static_cast<uint32_t>(k) * blockDim.x;
        if (i < n)
            to[i] = sw_as_float(static_cast<uint32_t>(got[k]));
    }
}

/* All n words of an exchange to the block's memory; a barrier of the block must follow. */
SW_DEVICE void sw_gather(sw_shared<float> to, const uint64_t *words, uint32_t n, uint32_t epoch,
                         sw_patience &patience)
{
    uint32_t i = threadIdx.x;
    for (; i + 4 * blockDim.x < n; i += 8 * blockDim.x)
        sw_gather_batch<8>(to, words, i, n, epoch, patience);
    for (; i < n; i += 4 * blockDim.x)
        sw_gather_batch<4>(to, words, i, n, epoch, patience);
}

#endif
