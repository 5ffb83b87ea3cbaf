/* Commands as children at a gate, command lines without a shell, and what runs come to. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/child.h"
#include "cli/words.h"
#include "record/command_summary.h"

static struct sw_child_result run(char *const *argv, int stdout_fd)
{
    struct sw_child_signals signals;
    struct sw_child child;
    struct sw_child_result result;
    struct sw_error err = {0};
    sw_child_signals_begin(&signals, NULL);
    assert_int_equal(
        sw_child_start(&child, &signals,
                       &(struct sw_child_plan){
                           .argv = argv, .stdin_fd = -1, .stdout_fd = stdout_fd, .stderr_fd = -1},
                       &err),
        SW_OK);
    sw_child_release(&child);
    sw_child_wait(&child);
    sw_child_reap(&child, &result);
    sw_child_signals_end(&signals);
    return result;
}

static struct sw_child_result run_line(const char *line)
{
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)line,
                    NULL};
    return run(argv, -1);
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(run_line("exit 0").exit_code, 0);
    assert_int_equal(run_line("exit 42").exit_code, 42);
    struct sw_child_result killed = run_line("kill -KILL $$");
    assert_int_equal(killed.signal, SIGKILL);
    assert_int_equal(killed.exit_code, 137);
    char *nowhere[] = {(char *)(uintptr_t) "/nowhere/at/all", NULL};
    struct sw_child_result absent = run(nowhere, -1);
    assert_int_equal(absent.exit_code, 127);
    assert_int_equal(absent.start_errno, ENOENT);
    char *folder[] = {(char *)(uintptr_t) "/", NULL};
    assert_int_equal(run(folder, -1).exit_code, 126);
}

static void test_gate_holds(void **state)
{
    (void)state;
    struct sw_child_signals signals;
    struct sw_child child;
    struct sw_error err = {0};
    char path[] = "/tmp/sw_gate_XXXXXX";
    int fd = mkstemp(path);
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                    (char *)(uintptr_t) "echo ran", NULL};
    struct sw_child_plan plan = {.argv = argv, .stdin_fd = -1, .stdout_fd = fd, .stderr_fd = -1};
    sw_child_signals_begin(&signals, NULL);
    assert_int_equal(sw_child_start(&child, &signals, &plan, &err), SW_OK);
    usleep(50000);
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    /* Never released: nothing ran, and nothing is left. */
    sw_child_cancel(&child);
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    sw_child_signals_end(&signals);
    run(argv, fd);
    assert_int_equal(lseek(fd, 0, SEEK_END), 4);
    close(fd);
    unlink(path);
}

static void test_closed_streams(void **state)
{
    (void)state;
    /* A caller without standard streams: pipes must not become the child's streams. */
    pid_t pid = fork();
    if (pid == 0) {
        close(0);
        close(1);
        char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                        (char *)(uintptr_t) "[ ! -e /proc/$$/fd/0 ] && [ ! -e /proc/$$/fd/1 ]",
                        NULL};
        _exit(run(argv, -1).exit_code);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_time_of_orphans(void **state)
{
    (void)state;
    /* The grandchild outlives its parent, becomes ours, and ends before the command does. */
    struct sw_child_result r =
        run_line("rm -f /tmp/sw_orphan.$$; (sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); "
                 "done; : >/tmp/sw_orphan.'$$ &); while ! [ -e /tmp/sw_orphan.$$ ]; do sleep 0.01; "
                 "done; sleep 0.05; rm -f /tmp/sw_orphan.$$");
    assert_int_equal(r.exit_code, 0);
    assert_true(r.children_ns > 10000000);
    assert_true(r.user_ns + r.system_ns >= r.children_ns);
    assert_false(r.left_behind);
}

static void test_left_behind(void **state)
{
    (void)state;
    struct sw_child_result r = run_line("sleep 0.3 >/dev/null 2>&1 &");
    assert_true(r.left_behind);
    usleep(400000);
    assert_true(waitpid(-1, NULL, 0) > 0);
    assert_false(run_line(":").left_behind);
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *words[5];
    } cases[] = {
        {"a b", {"a", "b"}},
        {"  a\tb\n", {"a", "b"}},
        {"'a b' \"c d\"", {"a b", "c d"}},
        {"a\\ b \"\\\"\\x\"", {"a b", "\"\\x"}},
        {"''", {""}},
        {"x''y", {"xy"}},
        {"'' ''", {"", ""}},
        {"$HOME *", {"$HOME", "*"}},
        {"a\\", {"a\\"}},
    };
    struct sw_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_words w;
        assert_int_equal(sw_words_split(&w, cases[i].line, &err), SW_OK);
        size_t n = 0;
        for (; cases[i].words[n] != NULL; n++) {
            assert_true(n < w.n);
            assert_string_equal(w.items[n], cases[i].words[n]);
        }
        assert_int_equal(w.n, n);
        assert_null(w.items[n]);
        /* Written as a line and split again, they are the same words. */
        struct sw_words again;
        char *line = sw_words_join_dup(w.items);
        assert_int_equal(sw_words_split(&again, line, &err), SW_OK);
        assert_int_equal(again.n, n);
        for (size_t k = 0; k < n; k++)
            assert_string_equal(again.items[k], w.items[k]);
        free(line);
        sw_words_free(&w);
        sw_words_free(&again);
    }
    static const char *const refused[] = {"", "  ", "'a", "\"a", "a 'b"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct sw_words w;
        assert_int_equal(sw_words_split(&w, refused[i], &err), SW_EUSAGE);
        sw_words_free(&w);
    }
}

/* A run of so many ms and, measured, so many mJ of CPU; RAM modelled at 1 J; no GPU. */
static json_t *new_run(int ms, int cpu_mj, int exit_code)
{
    static const char absent[] = "{s:n, s:n, s:s, s:n, s:s}";
    json_t *gpu = json_pack(absent, "uj", "meter", "source", "absent", "uncertainty_percent",
                            "reason", "no GPU");
    json_t *machine = json_deep_copy(gpu);
    return json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:i, s:{s:{s:i, s:s, s:s, s:f, s:n}, s:o, s:{s:i, "
        "s:s, s:s, s:f, s:s}, s:o}}",
        "start_ns", 100, "end_ns", 100 + ms * 1000000, "wall_ns", ms * 1000000, "user_ns", 2,
        "exit_code", exit_code, "peak_memory_bytes", ms * 1000, "peak_memory_is_bound", 0,
        "children_ns", 0, "energy", "cpu", "uj", cpu_mj * 1000, "meter", "powercap:package-0",
        "source", "measured", "uncertainty_percent", 5.0, "reason", "gpu", gpu, "ram", "uj",
        1000000, "meter", "model:ram_v2", "source", "modelled", "uncertainty_percent", 70.0,
        "reason", "a model", "machine", machine);
}

static double number(const json_t *object, const char *a, const char *b, const char *c)
{
    const json_t *value = json_object_get(json_object_get(object, a), b);
    if (c != NULL)
        value = json_object_get(value, c);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void assert_near(double a, double b, double within)
{
    assert_true(fabs(a - b) <= within);
}

static void test_summary(void **state)
{
    (void)state;
    struct sw_error err = {0};
    json_t *place = json_pack("{s:f}", "value", 360.0);
    json_t *a = json_pack("{s:[o, o, o]}", "runs", new_run(100, 2000, 0), new_run(200, 4000, 3),
                          new_run(300, 6000, 4));
    json_t *b = json_pack("{s:[o, o]}", "runs", new_run(50, 1000, 0), new_run(150, 2000, 0));
    json_t *empty = json_pack("{s:[]}", "runs");
    assert_int_equal(sw_command_summarise(a, place, &err), SW_OK);
    assert_int_equal(sw_command_summarise(b, place, &err), SW_OK);
    assert_int_equal(sw_command_summarise(empty, place, &err), SW_OK);
    assert_int_equal(json_integer_value(json_object_get(a, "wall_ns")), 200000000);
    assert_int_equal(json_integer_value(json_object_get(a, "exit_code")), 3);
    assert_int_equal(json_integer_value(json_object_get(a, "peak_memory_bytes")), 300000);
    assert_int_equal(json_integer_value(json_object_get(a, "end_ns")), 300000100);
    assert_near(number(a, "energy_j", "cpu", "value"), 4, 1e-12);
    assert_near(number(a, "energy_j", "total", "value"), 5, 1e-12);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_object_get(a, "energy_j"), "total"), "source")),
                        "modelled");
    /* 5 J at 360 g/kWh, which is 1e-4 g a joule. */
    assert_near(json_number_value(json_object_get(a, "co2e_g")), 5e-4, 1e-15);
    assert_near(number(a, "statistics", "wall_s", "sd"), 0.1, 1e-12);
    assert_near(number(a, "statistics", "cpu_j", "sd"), 2, 1e-12);
    assert_true(json_is_null(json_object_get(json_object_get(a, "statistics"), "gpu_j")));
    assert_true(json_is_null(json_object_get(empty, "wall_ns")));
    assert_true(json_is_null(json_object_get(empty, "co2e_g")));
    json_t *results = json_pack("[o, o, o]", a, b, empty);
    sw_command_summary_compare(results);
    assert_near(number(b, "relative", "wall", "times"), 1, 1e-12);
    assert_near(number(a, "relative", "wall", "times"), 2, 1e-12);
    assert_near(number(a, "relative", "wall", "of"), 1, 0);
    /* sd 0.1 of 0.2 s, and sqrt(0.005) of 0.1 s. */
    assert_near(number(a, "relative", "wall", "plus_minus"), 2 * sqrt(0.25 + 0.5), 1e-9);
    assert_near(number(a, "relative", "energy", "times"), 2, 1e-12);
    assert_true(json_is_null(json_object_get(json_object_get(empty, "relative"), "wall")));
    /* A malformed run is refused, not summed. */
    json_t *bad = json_pack("{s:[{s:i}]}", "runs", "wall_ns", 1);
    assert_int_equal(sw_command_summarise(bad, place, &err), SW_EFORMAT);
    json_decref(bad);
    json_decref(results);
    json_decref(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),     cmocka_unit_test(test_gate_holds),
        cmocka_unit_test(test_closed_streams), cmocka_unit_test(test_time_of_orphans),
        cmocka_unit_test(test_left_behind),    cmocka_unit_test(test_words),
        cmocka_unit_test(test_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
