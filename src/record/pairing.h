/*
 * Two runs, pair by pair: by the blocks that both went through where they have any, else by the
 * answers that both gave. Sums, not figures: a block's figure is its sum of seconds over its sum of
 * tokens.
 */
#ifndef SW_RECORD_PAIRING_H
#define SW_RECORD_PAIRING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "record/measured_run.h"

/* What one run has of a pair. Of a batch, seconds, joules and n_tokens are its windows', which
 * answers share: NaN where pairs are single answers. */
struct sw_pair_side {
    double n_answers;
    double n_tokens, seconds, joules[SW_RECORD_COMPONENTS];
    double n_decoded, decode_s; /* tokens behind the first of each answer */
    double ttft_s;              /* summed over answers */
    size_t position;            /* of the pair in its run, in the order of time */
    uint64_t start_ns;          /* of its first answer */
};

struct sw_pair {
    struct sw_pair_side side[2];
};

struct sw_pairing {
    struct sw_pair *items; /* (n) in A's order of time */
    size_t n;
    bool by_blocks;
    bool windows_hold_others; /* of a batch whose answers are not all in common */
    bool in_turns;            /* by their times: the runs took turns, pair by pair */
    size_t n_answers[2], n_common, n_duplicates[2];
    size_t n_same_length, n_same_ids; /* of n_common; ids that are not stored are not the same */
};

/* Pairs nothing, n 0, where one of the runs has no answers stored; fails where both have, and none
 * in common. */
enum sw_code sw_pairing_create(struct sw_pairing *out, const struct sw_measured_run *a,
                               const struct sw_measured_run *b, struct sw_error *err);
void sw_pairing_free(struct sw_pairing *pairing);

#endif
