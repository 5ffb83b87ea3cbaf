/* Ctrl-C and SIGTERM: noted once, so that a run ends cleanly; a second one ends at once. */
#ifndef SW_CLI_INTERRUPT_H
#define SW_CLI_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

void sw_interrupt_install(void);
bool sw_interrupted(void);

/* Signals that our caller had ignored: what we start ignores them too, as if we were not there. */
const sigset_t *sw_interrupt_ignored_at_start(void);

#endif
