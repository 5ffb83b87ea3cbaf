/* The pool: every thread runs once, parts cover all, barriers hold under every waiting policy, with
 * more threads than processors too. Also what a process may use: mask and cgroup quota. */
#include "support/skip.h"

#include <unistd.h>
#include <time.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cores.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/pool.h"

enum { N_ROUNDS = 2000, MAX_THREADS = 9 };

static struct sw_pool *create(int n_threads, enum sw_wait wait)
{
    struct sw_pool_options options = {.n_threads = n_threads, .wait = wait};
    struct sw_pool *pool;
    struct sw_error err;
    assert_int_equal(sw_pool_create(&pool, &options, &err), SW_OK);
    return pool;
}

static void parts_are_contiguous_and_even(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        for (int n_parts = 1; n_parts < 12; n_parts++) {
            size_t next = 0;
            for (int t = 0; t < n_parts; t++) {
                size_t begin, end;
                sw_pool_part(&begin, &end, n, t, n_parts);
                assert_int_equal(begin, next);
                assert_true(end - begin == n / (size_t)n_parts ||
                            end - begin == n / (size_t)n_parts + 1);
                next = end;
            }
            assert_int_equal(next, n);
        }
    }
}

/* Plain fields, so that ThreadSanitizer sees an access that no barrier orders. */
struct stress {
    struct sw_pool *pool;
    int n_threads;
    unsigned long slots[MAX_THREADS][16];
    unsigned long sums[MAX_THREADS];
};

/* Each round every thread writes its slot, and after a barrier reads all of them. */
static void stress_round(void *ctx, int thread)
{
    struct stress *s = ctx;
    for (unsigned long round = 1; round <= N_ROUNDS; round++) {
        s->slots[thread][0] = round * (unsigned long)(thread + 1);
        sw_pool_barrier(s->pool, thread);
        for (int t = 0; t < s->n_threads; t++)
            s->sums[thread] += s->slots[t][0];
        sw_pool_barrier(s->pool, thread);
    }
}

static void barriers_order_what_threads_write(void **state)
{
    (void)state;
    const enum sw_wait waits[] = {SW_WAIT_SPIN_SLEEP, SW_WAIT_SPIN, SW_WAIT_SLEEP};
    const int counts[] = {1, 2, 3, MAX_THREADS};
    for (size_t w = 0; w < 3; w++) {
        for (size_t c = 0; c < 4; c++) {
            struct stress s = {.n_threads = counts[c]};
            s.pool = create(counts[c], waits[w]);
            assert_int_equal(sw_pool_size(s.pool), counts[c]);
            assert_int_equal(sw_pool_wait_policy(s.pool), waits[w]);
            sw_pool_run(s.pool, stress_round, &s);
            unsigned long n = (unsigned long)counts[c];
            unsigned long expected =
                n * (n + 1) / 2 * ((unsigned long)N_ROUNDS * (N_ROUNDS + 1) / 2);
            for (int t = 0; t < counts[c]; t++)
                assert_int_equal(s.sums[t], expected);
            sw_pool_destroy(s.pool);
        }
    }
}

static void mark(void *ctx, size_t i)
{
    ((unsigned char *)ctx)[i]++;
}

static void for_calls_every_index_once(void **state)
{
    (void)state;
    struct sw_pool *pools[] = {NULL, create(1, 0), create(2, 0), create(5, SW_WAIT_SLEEP)};
    for (size_t p = 0; p < 4; p++) {
        for (size_t n = 0; n < 70; n++) {
            unsigned char marks[70] = {0};
            sw_pool_for(pools[p], n, mark, marks);
            for (size_t i = 0; i < 70; i++)
                assert_int_equal(marks[i], i < n);
        }
        sw_pool_destroy(pools[p]);
    }
}

static void count_threads(void *ctx, int thread)
{
    ((int *)ctx)[thread]++;
}

static void many_short_runs(void **state)
{
    (void)state;
    struct sw_pool *pool = create(3, SW_WAIT_SPIN_SLEEP);
    int calls[3] = {0};
    for (int i = 0; i < 5000; i++) {
        sw_pool_run(pool, count_threads, calls);
        if (i % 1000 == 0)
            usleep(2000); /* long enough for workers to fall asleep */
    }
    for (int t = 0; t < 3; t++)
        assert_int_equal(calls[t], 5000);
    sw_pool_destroy(pool);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void count_up(void *ctx, int thread)
{
    (void)thread;
    atomic_fetch_add((_Atomic int *)ctx, 1);
}

/* Even threads that only ever spin use no time of the CPU, and wake for the next run. */
static void parked_threads_sleep(void **state)
{
    (void)state;
    static const enum sw_wait policies[] = {SW_WAIT_SPIN, SW_WAIT_SPIN_SLEEP, SW_WAIT_SLEEP};
    for (size_t i = 0; i < 3; i++) {
        struct sw_pool_options options = {.n_threads = 2, .no_pinning = true, .wait = policies[i]};
        struct sw_pool *pool;
        _Atomic int n = 0;
        assert_int_equal(sw_pool_create(&pool, &options, NULL), SW_OK);
        for (int round = 0; round < 3; round++) {
            sw_pool_run(pool, count_up, (void *)&n);
            sw_pool_park(pool);
            usleep(20000); /* until the one that spins has seen it */
            double before = cpu_seconds();
            usleep(100000);
            double used = cpu_seconds() - before;
            if (!(used < 0.03))
                fail_msg("policy %s used %g s of 0.1 s", sw_wait_name(policies[i]), used);
        }
        assert_int_equal(n, 6);
        sw_pool_destroy(pool);
    }
    sw_pool_park(NULL);
}

static void without_a_pool_the_caller_is_alone(void **state)
{
    (void)state;
    int calls[1] = {0};
    assert_int_equal(sw_pool_size(NULL), 1);
    assert_false(sw_pool_is_pinned(NULL));
    sw_pool_run(NULL, count_threads, calls);
    sw_pool_barrier(NULL, 0);
    sw_pool_destroy(NULL);
    assert_int_equal(calls[0], 1);
}

static void bad_thread_counts_are_refused(void **state)
{
    (void)state;
    const int bad[] = {-1, 1025, INT32_MIN};
    for (size_t i = 0; i < 3; i++) {
        struct sw_pool *pool;
        struct sw_error err;
        struct sw_pool_options options = {.n_threads = bad[i]};
        assert_int_equal(sw_pool_create(&pool, &options, &err), SW_EUSAGE);
        assert_null(pool);
        assert_non_null(strstr(err.text, "from 1 to 1024"));
    }
}

/* Runs in a thread of its own, whose affinity the test may change. */
static void *on_one_processor(void *arg)
{
    (void)arg;
    cpu_set_t all, one, now;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &one);
            break;
        }
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(sw_pool_physical_cores(), 1);
    struct sw_pool *pool = create(0, 0);
    assert_int_equal(sw_pool_size(pool), 1);
    sw_pool_destroy(pool);
    pool = create(2, 0);
    assert_false(sw_pool_is_pinned(pool)); /* two threads would share the one processor */
    sw_pool_destroy(pool);
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_EQUAL(&now, &one));
    return NULL;
}

static void the_affinity_mask_is_respected(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, on_one_processor, NULL), 0);
    pthread_join(thread, NULL);
}

static void pinning_ends_with_the_pool(void **state)
{
    (void)state;
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    int n = sw_pool_physical_cores();
    struct sw_pool *outer = create(0, 0);
    assert_int_equal(sw_pool_size(outer), n);
    assert_int_equal(sw_pool_physical_cores(), n); /* the caller's own pin does not count */
    struct sw_pool *inner = create(0, 0);
    assert_int_equal(sw_pool_size(inner), n);
    sw_pool_destroy(inner);
    sw_pool_destroy(outer);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    struct sw_pool_options options = {.n_threads = 1, .no_pinning = true};
    assert_int_equal(sw_pool_create(&outer, &options, NULL), SW_OK);
    assert_false(sw_pool_is_pinned(outer));
    sw_pool_destroy(outer);
}

static void write_file(const char *root, const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(sw_folder_create(path, NULL), SW_OK);
    *slash = '/';
    assert_int_equal(sw_file_write_atomic(path, text, strlen(text), NULL), SW_OK);
}

static void the_smallest_quota_on_the_way_counts(void **state)
{
    (void)state;
    char root[] = "/tmp/sw_cores_XXXXXX";
    assert_non_null(mkdtemp(root));
    assert_true(sw_cores_quota(root) == 0);
    write_file(root, "proc/self/cgroup", "0::/a/b\n");
    assert_true(sw_cores_quota(root) == 0);
    write_file(root, "sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    assert_true(sw_cores_quota(root) == 0);
    write_file(root, "sys/fs/cgroup/a/cpu.max", "250000 100000\n");
    assert_true(sw_cores_quota(root) == 2.5);
    write_file(root, "sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
    assert_true(sw_cores_quota(root) == 1.5);
    write_file(root, "sys/fs/cgroup/a/b/cpu.max", "nonsense\n");
    assert_true(sw_cores_quota(root) == 2.5);
    write_file(root, "proc/self/cgroup", "5:memory:/m\n3:cpu,cpuacct:/c\n0::/\n");
    assert_true(sw_cores_quota(root) == 0);
    write_file(root, "sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "-1\n");
    write_file(root, "sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
    assert_true(sw_cores_quota(root) == 0);
    write_file(root, "sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "50000\n");
    assert_true(sw_cores_quota(root) == 0.5);
    char command[256];
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

static void the_level_is_capped_by_the_environment(void **state)
{
    (void)state;
    struct sw_error err;
    enum sw_cpu_level level;
    setenv("SMOLWATT_ISA", "scalar", 1);
    assert_int_equal(sw_cpu_level_detect(&level, &err), SW_OK);
    assert_int_equal(level, SW_CPU_SCALAR);
    assert_string_equal(sw_cpu_level_name(level), "scalar");
    setenv("SMOLWATT_ISA", "sse9", 1);
    assert_int_equal(sw_cpu_level_detect(&level, &err), SW_EUSAGE);
    assert_string_equal(err.text, "SMOLWATT_ISA: unknown level 'sse9' (scalar, avx2, avxvnni, "
                                  "avx512, avx512vnni, avx512bf16, neon, neondot)");
#if defined(__x86_64__)
    setenv("SMOLWATT_ISA", "neon", 1);
    assert_int_equal(sw_cpu_level_detect(&level, &err), SW_EUNSUPPORTED);
    assert_string_equal(err.text, "SMOLWATT_ISA: neon is not a level of this architecture");
    for (int cap = SW_CPU_AVX2; cap <= SW_CPU_AVX512_BF16; cap++) {
        setenv("SMOLWATT_ISA", sw_cpu_level_name((enum sw_cpu_level)cap), 1);
        assert_int_equal(sw_cpu_level_detect(&level, &err), SW_OK);
        int machine = (int)sw_cpu_level_machine();
        int highest = cap < machine ? cap : machine;
        if (!sw_cpu_level_is_here((enum sw_cpu_level)highest)) /* AVX-VNNI, beside AVX-512 */
            highest = SW_CPU_AVX2;
        assert_int_equal(level, highest);
    }
#endif
    unsetenv("SMOLWATT_ISA");
    assert_int_equal(sw_cpu_level_detect(&level, &err), SW_OK);
    assert_int_equal(level, sw_cpu_level_machine());
}

int main(void)
{
    unsetenv("SMOLWATT_ISA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_contiguous_and_even),
        cmocka_unit_test(barriers_order_what_threads_write),
        cmocka_unit_test(for_calls_every_index_once),
        cmocka_unit_test(many_short_runs),
        cmocka_unit_test(parked_threads_sleep),
        cmocka_unit_test(without_a_pool_the_caller_is_alone),
        cmocka_unit_test(bad_thread_counts_are_refused),
        cmocka_unit_test(the_affinity_mask_is_respected),
        cmocka_unit_test(pinning_ends_with_the_pool),
        cmocka_unit_test(the_smallest_quota_on_the_way_counts),
        cmocka_unit_test(the_level_is_capped_by_the_environment),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
