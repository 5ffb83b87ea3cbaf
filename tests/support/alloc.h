/* Allocation failure on the n-th call. The library's malloc, calloc, realloc and strdup are wrapped
 * in test programs (tests/support/rules.mk); those inside other libraries are not, but jansson can
 * be told to use ours. */
#ifndef SW_TESTS_SUPPORT_ALLOC_H
#define SW_TESTS_SUPPORT_ALLOC_H

#include <stdbool.h>

/* Call n from now on (counting from 0) fails, and every one after it. */
void sw_test_alloc_fail_from(long n);

/* Back to normal; true if a call failed since. */
bool sw_test_alloc_normal(void);

/* jansson's allocations count too from here on. */
void sw_test_alloc_count_json(void);

#endif
