/*
 * Every kernel of every level that this program has and this machine can run, against the scalar
 * definition: equal bits over all tails, with memory that ends where the arguments end, poisoned
 * padding, and a bound against double precision that follows from the number of roundings. Output
 * is TAP. Without cmocka, because the same program also runs emulated and for another architecture
 * (rules.mk).
 *
 *     test_kernels          checks; SW_SEED=n for other numbers
 *     test_kernels --bench  speed of each kernel at each level
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static int n_tests, n_failed;

static void report(const char *what, const char *level)
{
    bool ok = first_failure[0] == 0 && n_cases > 0;
    n_tests++;
    n_failed += !ok;
    printf("%s %d - %s %s: %zu cases\n", ok ? "ok" : "not ok", n_tests, what, level, n_cases);
    if (!ok)
        printf("# %s\n", n_cases > 0 ? first_failure : "no case ran");
    first_failure[0] = 0;
    n_cases = 0;
}

static bool can_run(enum sw_cpu_level level)
{
#ifdef SW_EMULATED
    return level < SW_CPU_NEON;
#else
    return sw_cpu_level_is_here(level);
#endif
}

/* A level is asked for the kernels that it does not take from below, which is the table checked
 * before. */
static void check_level(const struct sw_kernels *kernels, const struct sw_kernels *below,
                        enum sw_cpu_level level)
{
    const char *name = sw_cpu_level_name(level);
    if (kernels->level != level)
        failed("the table says %s", sw_cpu_level_name(kernels->level));
    n_cases++;
    report("level", name);
#define X(type, kernel, arguments)                                                                 \
    if (below == NULL || kernels->kernel != below->kernel) {                                       \
        check_##kernel(kernels);                                                                   \
        report(#kernel, name);                                                                     \
    }
    SW_KERNELS(X)
#undef X
}

int main(int argc, char **argv)
{
    bool is_bench = argc > 1 && strcmp(argv[1], "--bench") == 0;
    if (getenv("SW_SEED") != NULL)
        rng.seed = strtoull(getenv("SW_SEED"), NULL, 10);
    printf("# seed %llu\n", (unsigned long long)rng.seed);
    if (!is_bench) {
        check_exp();
        report("exp", "scalar");
    }
    const struct sw_kernels *below = NULL;
    for (int i = 0; i < SW_CPU_LEVELS; i++) {
        enum sw_cpu_level level = (enum sw_cpu_level)i;
        const struct sw_kernels *kernels = sw_kernels_of(level);
        if (kernels == NULL)
            continue;
        if (!can_run(level))
            printf("ok %d - %s # SKIP this machine lacks it\n", ++n_tests,
                   sw_cpu_level_name(level));
        else if (is_bench)
            bench_level(kernels);
        else
            check_level(kernels, below, level);
        below = kernels;
    }
    if (is_bench)
        return 0;
    printf("1..%d\n", n_tests);
    return n_failed > 0 || n_tests == 0;
}
