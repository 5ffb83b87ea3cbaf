#include "cli/interrupt.h"

#include <signal.h>
#include <string.h>

/* Written by the handler, read by the main thread. */
static volatile sig_atomic_t interrupted;

static void note(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void sw_interrupt_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    sigemptyset(&action.sa_mask);
    /* Back to the default after the first: whoever insists is obeyed. */
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* A closed pipe is a failed write, reported as such, and not a silent death. */
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    sigaction(SIGPIPE, &action, NULL);
    /* Past a file-size limit, too. */
    sigaction(SIGXFSZ, &action, NULL);
}

bool sw_interrupted(void)
{
    return interrupted != 0;
}
