/* Numbers, buffers, errors, quantiles: the small things that everything else trusts. */
#include "support/skip.h"

#include <string.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"
#include "base/statistics.h"

static void numbers_are_parsed_to_the_end(void **state)
{
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    double d = 7;
    static const char *const no_u64[] = {"",   " 1",  "1 ",  "+1",
                                         "-1", "0x1", "1.0", "18446744073709551616"};
    for (size_t k = 0; k < sizeof no_u64 / sizeof no_u64[0]; k++)
        assert_false(sw_parse_u64(&u, no_u64[k], 0, UINT64_MAX));
    assert_int_equal(u, 7);
    assert_true(sw_parse_u64(&u, "18446744073709551615", 0, UINT64_MAX));
    assert_true(u == UINT64_MAX);
    assert_false(sw_parse_u64(&u, "4", 5, 6));
    assert_true(sw_parse_i64(&i, "-9223372036854775808", INT64_MIN, INT64_MAX));
    assert_true(i == INT64_MIN);
    assert_false(sw_parse_i64(&i, "--1", INT64_MIN, INT64_MAX));
    static const char *const no_double[] = {"",    "nan", "inf", "1e999", "0x1p3",
                                            "1,5", " 1",  "1 ",  "1e"};
    for (size_t k = 0; k < sizeof no_double / sizeof no_double[0]; k++)
        assert_false(sw_parse_double(&d, no_double[k], -1e300, 1e300));
    assert_true(d == 7);
    assert_true(sw_parse_double(&d, "-1.5e-3", -1, 1));
    assert_true(d == -1.5e-3);
}

static void sizes_do_not_overflow(void **state)
{
    (void)state;
    size_t n;
    assert_true(sw_size_mul(&n, 1u << 20, 1u << 20));
    assert_false(sw_size_mul(&n, SIZE_MAX / 2, 3));
    assert_false(sw_size_add(&n, SIZE_MAX, 1));
}

static void errors_hold_one_clean_line(void **state)
{
    (void)state;
    struct sw_error err = {0};
    assert_int_equal(sw_fail(&err, SW_EFORMAT, "tensor %s", "a\n\x1b[31mb"), SW_EFORMAT);
    assert_string_equal(err.text, "tensor a??[31mb");
    assert_int_equal(sw_fail_prefix(&err, "%s", "file"), SW_EFORMAT);
    assert_string_equal(err.text, "file: tensor a??[31mb");
    char longest[2000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    sw_fail(&err, SW_EFILE, "%s", longest);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(sw_fail(NULL, SW_ENET, "x"), SW_ENET);
}

static void buffers_grow_and_hand_over(void **state)
{
    (void)state;
    struct sw_buffer b = {0};
    for (int i = 0; i < 1000; i++)
        sw_buffer_printf(&b, "%d,", i);
    size_t size;
    char *text = sw_buffer_take(&b, &size);
    assert_int_equal(size, strlen(text));
    assert_true(strncmp(text, "0,1,2,", 6) == 0);
    free(text);
    assert_null(b.data);
    text = sw_buffer_take(&b, NULL);
    assert_string_equal(text, "");
    free(text);
    assert_false(sw_buffer_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    sw_buffer_free(&b);
}

static void quantiles_are_linear_between_neighbours(void **state)
{
    (void)state;
    double v[] = {4, 1, 3, 2};
    assert_true(sw_median(v, 4) == 2.5);
    assert_true(sw_quantile(v, 4, 0) == 1);
    assert_true(sw_quantile(v, 4, 1) == 4);
    assert_true(sw_quantile(v, 4, 0.95) > 3.84 && sw_quantile(v, 4, 0.95) < 3.86);
    double one[] = {9};
    assert_true(sw_quantile(one, 1, 0.95) == 9);
}

static void digests_match_the_standards_vectors(void **state)
{
    (void)state;
    char hex[65];
    /* FIPS 180-2, appendix B.1 and A.1: "abc". */
    sw_sha256_hex(hex, "abc", 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct sw_digest *d;
    assert_int_equal(sw_digest_create(&d, SW_SHA1, NULL), SW_OK);
    sw_digest_update(d, "a", 1);
    sw_digest_update(d, "bc", 2);
    sw_digest_hex(d, hex);
    sw_digest_destroy(d);
    assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void json_that_is_hostile_is_refused(void **state)
{
    (void)state;
    json_t *value;
    struct sw_error err = {0};
    struct sw_buffer deep = {0};
    for (int i = 0; i < 100000; i++)
        sw_buffer_puts(&deep, "[");
    assert_int_equal(sw_json_parse(&value, deep.data, deep.size, "deep.json", &err), SW_EFORMAT);
    assert_true(strncmp(err.text, "deep.json: line 1, column", 25) == 0);
    sw_buffer_free(&deep);
    static const char *const bad[] = {
        "",      "{\"a\":1,\"a\":2}",   "{\"a\":NaN}", "\"\\ud800\"", "{\"a\":1}x",
        "1e999", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sw_json_parse(&value, bad[i], strlen(bad[i]), "bad", &err), SW_EFORMAT);
}

static void files_that_are_none_are_refused(void **state)
{
    (void)state;
    struct sw_map map;
    struct sw_buffer text;
    struct sw_error err = {0};
    assert_int_equal(sw_map_open(&map, "/nowhere/at/all", &err), SW_EABSENT);
    assert_int_equal(sw_map_open(&map, "/", &err), SW_EFILE);
    assert_string_equal(err.text, "/: not a regular file");
    assert_int_equal(sw_file_read(&text, "/", 100, &err), SW_EFILE);
    assert_int_equal(sw_file_read(&text, "/dev/zero", 100, &err), SW_EFORMAT);
    assert_string_equal(err.text, "/dev/zero: larger than the 100 bytes allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_parsed_to_the_end),
        cmocka_unit_test(sizes_do_not_overflow),
        cmocka_unit_test(errors_hold_one_clean_line),
        cmocka_unit_test(buffers_grow_and_hand_over),
        cmocka_unit_test(quantiles_are_linear_between_neighbours),
        cmocka_unit_test(digests_match_the_standards_vectors),
        cmocka_unit_test(json_that_is_hostile_is_refused),
        cmocka_unit_test(files_that_are_none_are_refused),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
