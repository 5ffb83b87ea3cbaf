/* Two configurations measured in turns, block by block, each with a journal of its own. */
#ifndef SW_CLI_COMPARE_LIVE_H
#define SW_CLI_COMPARE_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/run_session.h"
#include "cli/words.h"

/* What the two have in common, and what each has on top: option words, as on a command line. */
struct sw_compare_live {
    struct sw_run_options common; /* blocks: how many pairs */
    const char *words[2];         /* of A and of B */
    const char *journals[2];
};

/* Runs them, and tells their ids. On Ctrl-C what was finished is kept, and *interrupted is true. */
enum sw_code sw_compare_live_run(const struct sw_compare_live *live, char run_ids[2][17],
                                 bool *interrupted, struct sw_error *err);

/* Whether A has its turn first in a pair: as often as not, in an order that the seed gives. */
bool sw_compare_live_a_is_first(uint64_t seed, size_t block);

#endif
