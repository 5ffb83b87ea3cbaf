/* cmocka's assert_float_equal rounds to float; figures in double need this. */
#ifndef SW_TESTS_SUPPORT_CLOSE_H
#define SW_TESTS_SUPPORT_CLOSE_H

#include <math.h>

#include "support/skip.h"

/* got differs from expected by at most tolerance; NaN never passes. */
#define assert_close(got, expected, tolerance)                                                     \
    do {                                                                                           \
        double close_got = (got), close_expected = (expected);                                     \
        if (!(fabs(close_got - close_expected) <= (tolerance)))                                    \
            fail_msg("%s is %.17g, not %.17g", #got, close_got, close_expected);                   \
    } while (0)

#endif
