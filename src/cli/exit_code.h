/* Exit codes that scripts rely on (docs/man/smolwatt.1). */
#ifndef SW_CLI_EXIT_CODE_H
#define SW_CLI_EXIT_CODE_H

#include "base/error.h"

enum sw_exit {
    SW_EXIT_GOOD = 0,
    SW_EXIT_FAILED = 1,
    SW_EXIT_USAGE = 2,
    SW_EXIT_VERDICT = 3,    /* below the one asked for with --require */
    SW_EXIT_REGRESSION = 4, /* found by compare */
    SW_EXIT_INTERRUPTED = 130,
};

static inline int sw_exit_for(enum sw_code code)
{
    switch (code) {
    case SW_OK:
        return SW_EXIT_GOOD;
    case SW_EUSAGE:
        return SW_EXIT_USAGE;
    case SW_EINTERRUPTED:
        return SW_EXIT_INTERRUPTED;
    default:
        return SW_EXIT_FAILED;
    }
}

#endif
