/*
 * What goes to stderr while work is under way: a bar on a terminal, plain lines otherwise. Nothing
 * is printed inside a measured window; the caller sees to that.
 */
#ifndef SW_CLI_TERMINAL_H
#define SW_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct sw_progress {
    bool is_terminal;
    bool quiet;
    bool bar_is_shown;
    uint64_t start_ns;
};

/* Decides by stderr; NO_COLOR and TERM=dumb are respected (no bar on a dumb terminal). */
void sw_progress_begin(struct sw_progress *progress, bool quiet);

/* Redraws the bar: done of total, and a tail such as "31.2 tokens/s"; the time left is derived. */
void sw_progress_bar(struct sw_progress *progress, uint64_t done, uint64_t total, const char *tail);

/* A whole line on stderr, the bar out of its way. Quiet keeps it back. */
void sw_progress_line(struct sw_progress *progress, const char *format, ...) SW_PRINTF(2, 3);
void sw_progress_end(struct sw_progress *progress);

/* "1.2 GB", "1:05", in a static buffer each of 8 calls; for messages only. */
const char *sw_text_bytes(uint64_t bytes);
const char *sw_text_seconds(double seconds);

/* "smolwatt: text" on stderr, always. */
void sw_say(const char *format, ...) SW_PRINTF(1, 2);

#endif
