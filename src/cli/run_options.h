/* What a run is made of, as options: for run itself, and for what compares two of them. */
#ifndef SW_CLI_RUN_OPTIONS_H
#define SW_CLI_RUN_OPTIONS_H

#include <stddef.h>

#include "cli/options.h"
#include "cli/run_session.h"

enum { SW_RUN_OPTIONS_ROOM = 64 };

/* Fills the first of list with the options that set o, groups included, and returns how many. Where
 * the record goes is not among them. */
size_t sw_run_options_list(struct sw_option list[SW_RUN_OPTIONS_ROOM], struct sw_run_options *o);

#endif
