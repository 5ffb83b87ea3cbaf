/* What `run` looks at with the engine once everything is measured, and the options that ask for it.
 */
#ifndef SW_CLI_QUALITY_OPTIONS_H
#define SW_CLI_QUALITY_OPTIONS_H

#include <stdbool.h>

#include "bench/quality.h"
#include "cli/engine_options.h"
#include "cli/options.h"

struct sw_quality_choice {
    bool perplexity, agreement;
};

/* Entries of an options table; c is a struct sw_quality_choice. */
#define SW_QUALITY_OPTIONS(c)                                                                      \
    {.kind = SW_OPTION_FLAG,                                                                       \
     .name = "perplexity",                                                                         \
     .value = &(c).perplexity,                                                                     \
     .help = "after the run, perplexity of the reference answers behind their prompts"},           \
    {                                                                                              \
        .kind = SW_OPTION_FLAG, .name = "agreement", .value = &(c).agreement,                      \
        .help = "after the run, compare each next-token distribution with fp32's: takes the "      \
                "memory of the fp32 weights, and the time of the answers twice"                    \
    }

/* Does what was asked for: opens the fp32 engine where it is needed, and goes through the answers.
 * plan lacks only fp32 and perplexity; nothing happens where nothing was asked for. */
enum sw_code sw_quality_choice_run(const struct sw_quality_choice *choice,
                                   const struct sw_engine_parts *parts,
                                   const struct sw_quality_plan *plan, size_t max_new_tokens,
                                   struct sw_error *err);

#endif
