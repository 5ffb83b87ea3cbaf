/* Inside of a verdict: what its lines said, and the rules that judge it (verdict_rules.c). */
#ifndef SW_RECORD_VERDICT_RULES_H
#define SW_RECORD_VERDICT_RULES_H

#include "record/energy.h"
#include "record/verdict.h"

/* Whom a reason concerns: bits 1 << component, and the row. */
enum {
    SW_CONCERNS_CPU = 1 << SW_RECORD_CPU,
    SW_CONCERNS_GPU = 1 << SW_RECORD_GPU,
    SW_CONCERNS_RAM = 1 << SW_RECORD_RAM,
    SW_CONCERNS_ROW = 1 << SW_RECORD_COMPONENTS,
};
enum {
    SW_VERDICT_COMPONENTS = SW_RECORD_MACHINE
}; /* the machine's meters stand beside, not in the row */

struct sw_verdict_reason {
    enum sw_verdict_level level;
    unsigned concerns;
    char text[320];
};

enum { SW_MAX_VERDICT_REASONS = 40 };
struct sw_verdict_reasons {
    struct sw_verdict_reason items[SW_MAX_VERDICT_REASONS];
    size_t n;
};

/* Faults of a meter that leave its joules a value. */
enum sw_verdict_fault {
    SW_MARK_UNREADABLE,
    SW_MARK_LATE,
    SW_MARK_CLOCK_STEPPED,
    SW_MARK_STALLED,
    SW_N_MARKS
};
struct sw_verdict_component {
    size_t n_parts, n_without;   /* energies of phases, those without value */
    double uj, edge_uj2;         /* sum; squares of what the edges leave open */
    bool edges_unknown;          /* a counter's energy that says nothing of its edges */
    size_t n_faults[SW_N_MARKS]; /* parts that have a value, and this fault */
};

struct sw_verdict {
    json_t *run;
    size_t n_lines;
    struct sw_verdict_component components[SW_VERDICT_COMPONENTS];
    struct sw_conditions_sum conditions;
    double *pace; /* (n_pace) seconds per decoded token of each line that decoded some; owned */
    size_t n_pace, capacity;
};

/* What the end line's sums say of a component. */
struct sw_verdict_figure {
    bool has_value;
    int rank; /* weakest source */
    const char *reason;
};

/* All rules; gpu: the work ran on it. */
void sw_verdict_judge(struct sw_verdict_reasons *reasons, const struct sw_verdict *verdict,
                      const struct sw_verdict_figure figures[SW_VERDICT_COMPONENTS], bool gpu,
                      const json_t *end);

#endif
