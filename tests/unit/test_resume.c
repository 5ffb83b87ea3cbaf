/* What a journal says of the run that is to go on. */
#include "support/skip.h"

#include <string.h>
#include <unistd.h>

#include "record/resume.h"

static char path[64];

static void put_journal(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

#define RUN(id) "{\"schema_version\":1,\"type\":\"run\",\"run_id\":\"" id "\"}\n"
#define SAMPLE(id, index)                                                                          \
    "{\"schema_version\":1,\"type\":\"sample\",\"run_id\":\"" id "\",\"index\":" index "}\n"
#define WINDOW(id, index)                                                                          \
    "{\"schema_version\":1,\"type\":\"window\",\"run_id\":\"" id "\",\"index\":" index "}\n"

static void find(struct sw_resume *r)
{
    struct sw_error err = {0};
    if (sw_resume_find(r, path, &err) != SW_OK)
        fail_msg("%s", err.text);
}

static long long index_at(const json_t *array, size_t i)
{
    return json_integer_value(json_object_get(json_array_get(array, i), "index"));
}

static void samples_of_a_batch_end_in_any_order(void **state)
{
    (void)state;
    struct sw_resume r;
    bool is_done[5];
    put_journal(RUN("a") SAMPLE("a", "0") RUN("b") WINDOW("b", "0") WINDOW("b", "1") SAMPLE(
        "b", "2") WINDOW("b", "2") SAMPLE("b", "0") WINDOW("a", "7") SAMPLE("b", "4"));
    find(&r);
    assert_int_equal(json_array_size(r.windows), 3);
    assert_int_equal(sw_resume_keep(&r, 5), 3);
    assert_int_equal(sw_resume_mark(&r, 0, is_done, 5), 3);
    static const bool expected[5] = {true, false, true, false, true};
    assert_memory_equal(is_done, expected, sizeof expected);
    assert_int_equal(index_at(r.samples, 0), 2);
    assert_int_equal(index_at(r.samples, 1), 0);
    assert_int_equal(index_at(r.samples, 2), 4);
    sw_resume_free(&r);
}

/* A line that was lost leaves its sample to be done again; none counts twice, or for another. */
static void lost_repeated_and_strange_lines(void **state)
{
    (void)state;
    struct sw_resume r;
    bool is_done[4];
    put_journal(RUN("a") SAMPLE("a", "0") "{torn\n" SAMPLE("a", "2") SAMPLE("a", "2")
                    SAMPLE("a", "-1") SAMPLE("a", "4") SAMPLE("a", "9223372036854775807")
                        SAMPLE("a", "\"1\"") SAMPLE("a", "1.0") SAMPLE("b", "3"));
    find(&r);
    assert_int_equal(r.n_skipped_lines, 1);
    assert_int_equal(sw_resume_keep(&r, 4), 2);
    assert_int_equal(sw_resume_mark(&r, 0, is_done, 4), 2);
    static const bool expected[4] = {true, false, true, false};
    assert_memory_equal(is_done, expected, sizeof expected);
    assert_int_equal(json_array_size(r.samples), 2);
    sw_resume_free(&r);
    put_journal("");
    find(&r);
    assert_null(r.run);
    assert_int_equal(sw_resume_keep(&r, 4), 0);
    assert_int_equal(sw_resume_mark(&r, 0, is_done, 4), 0);
    sw_resume_free(&r);
}

#define BLOCK(id, block, index)                                                                    \
    "{\"schema_version\":1,\"type\":\"sample\",\"run_id\":\"" id "\",\"block\":" block             \
    ",\"index\":" index "}\n"

static void blocks_have_places_of_their_own(void **state)
{
    (void)state;
    struct sw_resume r;
    bool is_done[2];
    put_journal(RUN("a") BLOCK("a", "0", "1") BLOCK("a", "0", "0") BLOCK("a", "1", "0")
                    BLOCK("a", "1", "0") BLOCK("a", "3", "1") BLOCK("a", "-1", "1")
                        BLOCK("a", "\"0\"", "1") BLOCK("a", "2", "2"));
    find(&r);
    assert_int_equal(sw_resume_keep(&r, 2), 4);
    static const size_t n_done[] = {2, 1, 0, 1, 0};
    for (size_t block = 0; block < 5; block++)
        assert_int_equal(sw_resume_mark(&r, block, is_done, 2), n_done[block]);
    sw_resume_mark(&r, 3, is_done, 2);
    assert_true(!is_done[0] && is_done[1]);
    sw_resume_free(&r);
}

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/sw-resume-%ld", (long)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_a_batch_end_in_any_order),
        cmocka_unit_test(lost_repeated_and_strange_lines),
        cmocka_unit_test(blocks_have_places_of_their_own),
    };
    return cmocka_run_group_tests_name("resume", tests, make_path, remove_path);
}
