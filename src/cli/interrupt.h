/* Ctrl-C and SIGTERM: noted once, so that a run ends cleanly; a second one ends at once. */
#ifndef SW_CLI_INTERRUPT_H
#define SW_CLI_INTERRUPT_H

#include <stdbool.h>

void sw_interrupt_install(void);
bool sw_interrupted(void);

#endif
