/* Whose turn it is first, when two configurations are measured in turns. */
#include "support/close.h"

#include "cli/compare_live.h"

static void each_is_first_as_often_as_the_other(void **state)
{
    (void)state;
    size_t n_equal = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        size_t n_first = 0, n_odd = 0;
        for (size_t block = 0; block < 100; block++) {
            bool first = sw_compare_live_a_is_first(seed, block);
            n_first += first;
            n_odd += first && block % 2 == 0;
            n_equal += first == sw_compare_live_a_is_first(seed + 1, block);
            assert_int_equal(first, sw_compare_live_a_is_first(seed, block));
            if (block % 2 == 1)
                assert_int_equal(n_first, (block + 1) / 2);
        }
        /* Not always the even blocks: 25 of 50 by chance, six deviations of 3.5 around. */
        assert_in_range(n_odd, 4, 46);
    }
    assert_in_range(n_equal, 2200, 2800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_first_as_often_as_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
