/* The journal: order, whole lines whatever happens to the writer, and what a reader makes of it. */
#include "support/skip.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "record/journal.h"

static char folder[64];
static char path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sw-journal-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.jsonl", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static json_t *sample(int index, size_t padding)
{
    char *text = malloc(padding + 1);
    assert_non_null(text);
    memset(text, 'x', padding);
    text[padding] = 0;
    json_t *object = json_pack("{s:i, s:s, s:i, s:s}", "schema_version", SW_SCHEMA_VERSION, "type",
                               "sample", "index", index, "text", text);
    assert_non_null(object);
    free(text);
    return object;
}

static struct sw_journal *open_journal(bool *torn)
{
    struct sw_journal *journal;
    struct sw_error err = {0};
    if (sw_journal_open(&journal, path, torn, &err) != SW_OK)
        fail_msg("%s", err.text);
    return journal;
}

static enum sw_code append(struct sw_journal *journal, int index, size_t padding,
                           struct sw_error *err)
{
    json_t *object = sample(index, padding);
    enum sw_code code = sw_journal_append(journal, object, err);
    json_decref(object);
    return code;
}

static void put_file(const char *bytes, size_t size)
{
    struct sw_error err = {0};
    assert_int_equal(sw_file_write_atomic(path, bytes, size, &err), SW_OK);
}

static void file_is(const char *expected)
{
    struct sw_buffer text;
    struct sw_error err = {0};
    assert_int_equal(sw_file_read(&text, path, 1u << 26, &err), SW_OK);
    assert_string_equal(text.data != NULL ? text.data : "", expected);
    sw_buffer_free(&text);
}

/* What was read: "line:index" of each sample. */
struct seen {
    struct sw_buffer text;
    int n;
    int last_index;
    bool in_order; /* indices count up by one from 0 */
    int stop_after;
};

static bool see(void *ctx, const json_t *object, size_t line)
{
    struct seen *seen = ctx;
    int index = (int)json_integer_value(json_object_get(object, "index"));
    seen->in_order = (seen->n == 0 || seen->in_order) && index == seen->n;
    seen->last_index = index;
    seen->n++;
    if (seen->text.size < 1000)
        sw_buffer_printf(&seen->text, "%zu:%d ", line, index);
    return seen->n != seen->stop_after;
}

static void reads_as(const char *expected, size_t n_skipped, const char *first_skipped)
{
    struct seen seen = {0};
    struct sw_error err = {0};
    struct sw_error skipped_err = {0};
    size_t skipped = 99;
    char message[256] = "";
    sw_buffer_puts(&seen.text, "");
    assert_int_equal(sw_journal_read(path, see, &seen, &skipped, &skipped_err, &err), SW_OK);
    assert_string_equal(seen.text.data, expected);
    assert_int_equal(skipped, n_skipped);
    if (first_skipped[0] != 0)
        snprintf(message, sizeof message, "%s: %s", path, first_skipped);
    assert_string_equal(skipped_err.text, message);
    sw_buffer_free(&seen.text);
}

static void open_fails(const char *name, enum sw_code code, const char *reason)
{
    struct sw_journal *journal;
    struct sw_error err = {0};
    char message[256];
    assert_int_equal(sw_journal_open(&journal, name, NULL, &err), code);
    assert_null(journal);
    snprintf(message, sizeof message, "%s: %s", name, reason);
    assert_string_equal(err.text, message);
}

static void lines_keep_order_and_digits(void **state)
{
    (void)state;
    bool torn = true;
    struct sw_error err = {0};
    struct sw_journal *journal = open_journal(&torn);
    assert_false(torn);
    json_t *object = json_pack("{s:i, s:s, s:f, s:f, s:s, s:n}", "schema_version", 1, "type", "run",
                               "z", 0.1, "a", 1e300, "text", "a\nb\xc3\xa9\"", "none");
    assert_int_equal(sw_journal_append(journal, object, &err), SW_OK);
    json_decref(object);
    assert_int_equal(append(journal, 1, 0, &err), SW_OK);
    assert_int_equal(sw_journal_sync(journal, &err), SW_OK);
    assert_int_equal(sw_journal_sync_if_due(journal, &err), SW_OK);
    sw_journal_close(journal);
    file_is("{\"schema_version\":1,\"type\":\"run\",\"z\":0.10000000000000001,"
            "\"a\":1.0000000000000001e300,\"text\":\"a\\nb\xc3\xa9\\\"\",\"none\":null}\n"
            "{\"schema_version\":1,\"type\":\"sample\",\"index\":1,\"text\":\"\"}\n");

    /* A second writer in time goes on behind the first. */
    journal = open_journal(&torn);
    assert_false(torn);
    assert_int_equal(append(journal, 2, 0, &err), SW_OK);
    sw_journal_close(journal);
    sw_journal_close(NULL);
    reads_as("1:0 2:1 3:2 ", 0, "");
}

static void every_double_comes_back(void **state)
{
    (void)state;
    const uint64_t seed = 20;
    struct sw_random random = {.seed = seed};
    struct sw_error err = {0};
    struct sw_journal *journal = open_journal(NULL);
    json_t *array = json_array();
    double values[1000];
    printf("# seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < 1000; i++) {
        uint64_t bits = sw_random_next(&random);
        bits &= ~(UINT64_C(1) << 62); /* below 2, denormal numbers included: all finite */
        memcpy(&values[i], &bits, sizeof bits);
        assert_int_equal(json_array_append_new(array, json_real(values[i])), 0);
    }
    json_t *object = json_pack("{s:i, s:s, s:o}", "schema_version", 1, "type", "end", "x", array);
    assert_int_equal(sw_journal_append(journal, object, &err), SW_OK);
    json_decref(object);
    sw_journal_close(journal);
    json_t *back;
    assert_int_equal(sw_json_load(&back, path, 1u << 20, &err), SW_OK);
    array = json_object_get(back, "x");
    for (size_t i = 0; i < 1000; i++) {
        double value = json_real_value(json_array_get(array, i));
        assert_memory_equal(&value, &values[i], sizeof value);
    }
    json_decref(back);
}

static void objects_begin_with_version_and_type(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}",
                                      "[1]",
                                      "{\"type\":\"run\",\"schema_version\":1}",
                                      "{\"schema_version\":1,\"x\":2}",
                                      "{\"schema_version\":1,\"type\":2}",
                                      "{\"schema_version\":1}"};
    struct sw_journal *journal = open_journal(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *object = json_loads(bad[i], 0, NULL);
        struct sw_error err = {0};
        assert_non_null(object);
        assert_int_equal(sw_journal_append(journal, object, &err), SW_EUSAGE);
        assert_non_null(
            strstr(err.text, "a journal line begins with schema_version and type (a string)"));
        json_decref(object);
    }
    sw_journal_close(journal);
    file_is("");
}

static void a_second_writer_is_refused_by_name(void **state)
{
    (void)state;
    struct sw_journal *journal = open_journal(NULL);
    open_fails(path, SW_EFILE, "another process is writing to this journal");
    sw_journal_close(journal);
    sw_journal_close(open_journal(NULL));
}

static void only_journals_are_appended_to(void **state)
{
    (void)state;
    open_fails(folder, SW_EFILE, "Is a directory");
    open_fails("/dev/full", SW_EFILE, "not a regular file, so it cannot be a journal");
    open_fails("/dev/null", SW_EFILE, "not a regular file, so it cannot be a journal");
    open_fails("/nowhere/at/all", SW_EFILE, "No such file or directory");
    assert_int_equal(mkfifo(path, 0600), 0);
    open_fails(path, SW_EFILE, "not a regular file, so it cannot be a journal");
    unlink(path);
#define NOT_A_JOURNAL "not a journal (it does not begin with {\"schema_version\":); left as it is"
    put_file("my thesis", 9);
    open_fails(path, SW_EFORMAT, NOT_A_JOURNAL);
    file_is("my thesis");
    put_file("{\"schema\":1}\n", 13);
    open_fails(path, SW_EFORMAT, NOT_A_JOURNAL);
    file_is("{\"schema\":1}\n");
}

static void a_torn_last_line_is_ended(void **state)
{
    (void)state;
#define WHOLE "{\"schema_version\":1,\"type\":\"sample\",\"index\":0,\"text\":\"\"}"
    struct sw_error err = {0};
    bool torn = false;
    put_file(WHOLE "\n{\"schema_version\":1,\"ty", strlen(WHOLE) + 24);
    reads_as("1:0 ", 1, "line 2: torn, the file ends within it after 23 bytes");
    struct sw_journal *journal = open_journal(&torn);
    assert_true(torn);
    assert_int_equal(append(journal, 1, 0, &err), SW_OK);
    sw_journal_close(journal);
    reads_as("1:0 3:1 ", 1, "line 2, column 23: premature end of input near '\"ty'");

    /* Opened once more, nothing changes. */
    journal = open_journal(&torn);
    assert_false(torn);
    sw_journal_close(journal);

    /* Even the first line may be torn. */
    put_file("{\"sch", 5);
    reads_as("", 1, "line 1: torn, the file ends within it after 5 bytes");
    sw_journal_close(open_journal(&torn));
    assert_true(torn);
    file_is("{\"sch\n");
    sw_journal_close(open_journal(&torn));
    assert_false(torn);
}

/* Reader and next writer must agree, lest a resumed run does the sample twice. */
static void a_line_that_lacks_only_its_newline_is_whole(void **state)
{
    (void)state;
    bool torn = true;
    put_file(WHOLE, strlen(WHOLE));
    reads_as("1:0 ", 0, "");
    sw_journal_close(open_journal(&torn));
    assert_false(torn);
    file_is(WHOLE "\n");
    reads_as("1:0 ", 0, "");
}

static void lines_without_use_are_skipped_and_counted(void **state)
{
    (void)state;
    static const char text[] =
        "\n\r\n" WHOLE "\r\n[1]\n{\"a\":1,\"a\":2}\n\0\0\0\n{\"x\":\xff}\n42\n"
        "{\"index\":1} {}\n{\"index\":1}\n";
    put_file(text, sizeof text - 1);
    reads_as("3:0 10:1 ", 6, "line 4: not a JSON object");
    /* NUL bytes are what a crash of the machine may leave of a line. */
    put_file("{\"index\":0}\n\r\0\0\0\n", 17);
    reads_as("1:0 ", 1, "line 2, column 2: invalid token near end of file");
    put_file("{\"a\":1,\"a\":2}\n", 14);
    reads_as("", 1, "line 1, column 10: duplicate object key near '\"a\"'");

    struct seen seen = {.stop_after = 1};
    put_file("{\"index\":0}\n{\"index\":1}\nrubbish\n", 32);
    assert_int_equal(sw_journal_read(path, see, &seen, NULL, NULL, NULL), SW_OK);
    assert_string_equal(seen.text.data, "1:0 ");
    sw_buffer_free(&seen.text);

    struct sw_error err = {0};
    char message[200];
    assert_int_equal(sw_journal_read(folder, see, NULL, NULL, NULL, &err), SW_EFILE);
    snprintf(message, sizeof message, "%s: a folder, not a journal", folder);
    assert_string_equal(err.text, message);
    assert_int_equal(sw_journal_read("/dev/zero", see, NULL, NULL, NULL, &err), SW_EFILE);
    assert_string_equal(err.text, "/dev/zero: neither a regular file nor a pipe");
    unlink(path);
    assert_int_equal(sw_journal_read(path, see, NULL, NULL, NULL, &err), SW_EABSENT);
}

static void very_long_lines_are_bounded(void **state)
{
    (void)state;
    struct sw_error err = {0};
    struct sw_journal *journal = open_journal(NULL);
    const size_t longest = SW_JOURNAL_MAX_LINE_BYTES - strlen(WHOLE);
    assert_int_equal(append(journal, 0, longest, &err), SW_OK);
    assert_int_equal(append(journal, 1, longest + 1, &err), SW_EFORMAT);
    char message[200];
    snprintf(message, sizeof message,
             "%s: the sample line takes 8388609 bytes, more than the 8388608 allowed", path);
    assert_string_equal(err.text, message);
    assert_int_equal(append(journal, 1, 0, &err), SW_OK);
    sw_journal_close(journal);
    reads_as("1:0 2:1 ", 0, "");

    /* One that somebody else wrote is passed over without being held. */
    struct sw_buffer text = {0};
    assert_true(sw_buffer_reserve(&text, 40u << 20));
    sw_buffer_puts(&text, WHOLE "\n");
    memset(text.data + text.size, 'y', 30u << 20);
    text.size += 30u << 20;
    sw_buffer_puts(&text, "\n{\"index\":1}\n");
    put_file(text.data, text.size);
    reads_as("1:0 3:1 ", 1, "line 2: longer than the 8388608 bytes allowed");
    /* The same as a torn tail. */
    put_file(text.data, text.size - 13);
    bool torn = false;
    journal = open_journal(&torn);
    assert_true(torn);
    assert_int_equal(append(journal, 1, 0, &err), SW_OK);
    sw_journal_close(journal);
    reads_as("1:0 3:1 ", 1, "line 2: longer than the 8388608 bytes allowed");
    sw_buffer_free(&text);
}

/* A limit on the file's size stands for the full disk: part of the line is written, then no more.
 */
static void a_full_disk_loses_one_line_and_says_so(void **state)
{
    (void)state;
    struct sw_error err = {0};
    struct rlimit old;
    struct sw_journal *journal = open_journal(NULL);
    assert_int_equal(append(journal, 0, 1000, &err), SW_OK);
    assert_int_equal(append(journal, 1, 1000, &err), SW_OK);
    struct stat before;
    assert_int_equal(stat(path, &before), 0);

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit tight = {(rlim_t)before.st_size + 500, old.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum sw_code full = append(journal, 2, 1000, &err);
    struct stat after;
    int stat_failed = stat(path, &after);
    enum sw_code still_full = append(journal, 2, 1000, &err);
    enum sw_code small = append(journal, 2, 100, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);

    assert_int_equal(full, SW_EFILE);
    assert_int_equal(stat_failed, 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(still_full, SW_EFILE);
    char message[256];
    snprintf(message, sizeof message,
             "%s: the sample line (1057 bytes) is lost: File too large; the lines before it are "
             "whole",
             path);
    assert_string_equal(err.text, message);
    /* What fits is still written, and so is all once there is room again. */
    assert_int_equal(small, SW_OK);
    assert_int_equal(append(journal, 3, 1000, &err), SW_OK);
    sw_journal_close(journal);
    reads_as("1:0 2:1 3:2 4:3 ", 0, "");
}

static void a_deleted_journal_is_reported(void **state)
{
    (void)state;
    struct sw_error err = {0};
    struct sw_journal *journal = open_journal(NULL);
    assert_int_equal(append(journal, 0, 0, &err), SW_OK);
    unlink(path);
    assert_int_equal(append(journal, 1, 0, &err), SW_EFILE);
    assert_non_null(strstr(err.text, "run.jsonl: was deleted while it was being written"));
    sw_journal_close(journal);
}

static void pipes_can_be_read(void **state)
{
    (void)state;
    struct seen seen = {0};
    int ends[2];
    char name[64];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "{\"index\":0}\n{\"index\":1}", 23), 23);
    close(ends[1]);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    assert_int_equal(sw_journal_read(name, see, &seen, NULL, NULL, NULL), SW_OK);
    assert_string_equal(seen.text.data, "1:0 2:1 ");
    close(ends[0]);
    sw_buffer_free(&seen.text);
}

/* Appends without end; after each line the number of whole ones goes into the pipe. */
static void write_until_killed(int acknowledge, size_t padding)
{
    struct sw_journal *journal;
    if (sw_journal_open(&journal, path, NULL, NULL) != SW_OK)
        _exit(3);
    for (int i = 0;; i++) {
        if (append(journal, i, padding, NULL) != SW_OK)
            _exit(4);
        if (write(acknowledge, &i, sizeof i) != sizeof i)
            _exit(5);
    }
}

static void sigkill_loses_at_most_the_line_under_way(void **state)
{
    (void)state;
    const uint64_t seed = 1;
    const int rounds = 40;
    struct sw_random random = {.seed = seed};
    int n_torn = 0;
    int n_lines = 0;
    printf("# seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < rounds; round++) {
        int ends[2];
        unlink(path);
        assert_int_equal(pipe(ends), 0);
        /* Long lines make it likely that the kill comes in the middle of one. */
        size_t padding = 1 + sw_random_below(&random, 2u << 20);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            write_until_killed(ends[1], padding);
        }
        close(ends[1]);
        /* The first line must be there, then any moment may come. */
        int acknowledged;
        assert_int_equal(read(ends[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
        struct timespec pause = {.tv_nsec = (long)sw_random_below(&random, 30000000)};
        nanosleep(&pause, NULL);
        int status;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        int next;
        while (read(ends[0], &next, sizeof next) == sizeof next)
            acknowledged = next;
        close(ends[0]);

        struct seen seen = {0};
        size_t skipped;
        struct sw_error skipped_err = {0};
        assert_int_equal(sw_journal_read(path, see, &seen, &skipped, &skipped_err, NULL), SW_OK);
        assert_true(seen.in_order);
        assert_in_range(seen.last_index, acknowledged, acknowledged + 1);
        assert_true(skipped <= 1);
        if (skipped == 1)
            assert_non_null(strstr(skipped_err.text, ": torn, the file ends within it"));
        /* The next writer goes on, and only the torn line is missing. */
        bool torn;
        int n_before = seen.n;
        struct sw_journal *journal = open_journal(&torn);
        assert_int_equal(torn, skipped == 1);
        assert_int_equal(append(journal, n_before, 10, NULL), SW_OK);
        sw_journal_close(journal);
        sw_buffer_free(&seen.text);
        seen = (struct seen){0};
        assert_int_equal(sw_journal_read(path, see, &seen, NULL, NULL, NULL), SW_OK);
        assert_true(seen.in_order);
        assert_int_equal(seen.n, n_before + 1);
        sw_buffer_free(&seen.text);
        n_torn += torn;
        n_lines += n_before;
    }
    printf("# %d kills, %d lines, %d torn\n", rounds, n_lines, n_torn);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(lines_keep_order_and_digits),
        T(every_double_comes_back),
        T(objects_begin_with_version_and_type),
        T(a_second_writer_is_refused_by_name),
        T(only_journals_are_appended_to),
        T(a_torn_last_line_is_ended),
        T(a_line_that_lacks_only_its_newline_is_whole),
        T(lines_without_use_are_skipped_and_counted),
        T(very_long_lines_are_bounded),
        T(a_full_disk_loses_one_line_and_says_so),
        T(a_deleted_journal_is_reported),
        T(pipes_can_be_read),
        T(sigkill_loses_at_most_the_line_under_way),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
