/* One figure of a comparison: its values pair by pair, what may be said of it, and why not. */
#ifndef SW_RECORD_COMPARISON_FIGURE_H
#define SW_RECORD_COMPARISON_FIGURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "record/comparison.h"
#include "record/measured_run.h"
#include "record/pairing.h"

/* Two runs while they are compared. */
struct sw_compared {
    const struct sw_measured_run *run[2];
    const struct sw_comparison_options *options;
    struct sw_pairing pairing;
    bool is_batch[2];
    bool in_turns; /* on one machine */
    bool regression;
    double *values[2];   /* (pairing.n + 1) of the figure at hand */
    double *shuffled[2]; /* (pairing.n + 1) the same in B's order */
    size_t *b_order;     /* (pairing.n) pairs in B's order of time; NULL: it is A's */
};

enum { SW_COMPARED_FIGURES = 10 };

/* {"figure", "unit", "a", "b", "difference", "low", "high", ...}; sets c->regression where it is
 * one. NULL if memory is out. */
json_t *sw_compared_figure(struct sw_compared *c, size_t i);

const char *sw_compared_figure_name(size_t i);

/* The verdict of the run is INVALID; reason, where it is, becomes why: a view, or NULL. Seconds
 * too: by something that spoils them as well. */
bool sw_compared_is_invalid(const struct sw_compared *c, size_t side, bool seconds_too,
                            const char **reason_view);

/* The value at a dotted path, or NULL. Borrowed. */
const json_t *sw_compared_at(const json_t *record, const char *path);

#endif
