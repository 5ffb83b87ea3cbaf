/* UTF-8: every boundary of table 3-7 of the Unicode Standard, and the streaming tail. */
#include "support/skip.h"

#include <string.h>

#include "base/utf8.h"

static void repair_is(const char *bytes, size_t size, const char *expected)
{
    struct sw_buffer out = {0};
    sw_utf8_append_repaired(&out, bytes, size);
    char *text = sw_buffer_take(&out, NULL);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void valid_characters_round_trip(void **state)
{
    (void)state;
    for (int32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        char bytes[4];
        size_t size = sw_utf8_encode(bytes, c);
        size_t length;
        assert_int_equal(sw_utf8_decode((unsigned char *)bytes, size, &length), c);
        assert_int_equal(length, size);
    }
}

static void maximal_invalid_parts_become_one_replacement(void **state)
{
    (void)state;
#define FFFD "\xef\xbf\xbd"
    /* The example of Unicode 15, table 3-8 (D93b). */
    repair_is("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9, FFFD FFFD FFFD FFFD "A");
    repair_is("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", 9,
              FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
    repair_is("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", 9,
              FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
    repair_is("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", 9,
              FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B");
    repair_is("good \xc3\xa9", 7, "good \xc3\xa9");
    repair_is("cut \xe2\x82", 6, "cut " FFFD);
}

static void incomplete_tail_counts_only_valid_beginnings(void **state)
{
    (void)state;
    assert_int_equal(sw_utf8_incomplete_tail("a", 1), 0);
    assert_int_equal(sw_utf8_incomplete_tail("a\xe2\x82", 3), 2);
    assert_int_equal(sw_utf8_incomplete_tail("a\xe2\x82\xac", 4), 0);
    assert_int_equal(sw_utf8_incomplete_tail("\xf0\x9f\x98", 3), 3);
    assert_int_equal(sw_utf8_incomplete_tail("\xe0\x80", 2), 0);
    assert_int_equal(sw_utf8_incomplete_tail("\xff", 1), 0);
    assert_int_equal(sw_utf8_incomplete_tail("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_characters_round_trip),
        cmocka_unit_test(maximal_invalid_parts_become_one_replacement),
        cmocka_unit_test(incomplete_tail_counts_only_valid_beginnings),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
