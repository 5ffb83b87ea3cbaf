/* Tests that need what is not here say so by name: SKIP and why. */
#ifndef SW_TESTS_SUPPORT_SKIP_H
#define SW_TESTS_SUPPORT_SKIP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Prints "# SKIP reason" and ends the running cmocka test as skipped. */
#define SW_SKIP(...)                                                                               \
    do {                                                                                           \
        printf("# SKIP %s: ", __func__);                                                           \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        fflush(stdout);                                                                            \
        skip();                                                                                    \
    } while (0)

/* Path below the shared test data (SW_SHARED, default ../shared), or NULL where it is absent. The
 * text lives until the next call. */
static inline const char *sw_shared_path(const char *name)
{
    static char path[4096];
    const char *root = getenv("SW_SHARED");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

/* Path below tests/fixtures (SW_FIXTURES). The text lives until the next call. */
static inline const char *sw_fixture_path(const char *name)
{
    static char path[4096];
    const char *root = getenv("SW_FIXTURES");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : "tests/fixtures", name);
    return path;
}

#endif
