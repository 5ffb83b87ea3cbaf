#include "cli/interrupt.h"

#include <signal.h>
#include <string.h>

/* Written by the handler, read by the main thread. */
static volatile sig_atomic_t interrupted;

static sigset_t ignored_at_start;

static void note(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void sw_interrupt_install(void)
{
    struct sigaction action;
    sigemptyset(&ignored_at_start);
    for (int n = 1; n < SIGRTMIN; n++)
        if (sigaction(n, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(&ignored_at_start, n);
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

const sigset_t *sw_interrupt_ignored_at_start(void)
{
    return &ignored_at_start;
}
