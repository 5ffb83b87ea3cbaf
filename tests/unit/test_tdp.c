/* Names of processors to watts: the cases that CodeCarbon's own tests pin, masked names of virtual
 * machines, and names nobody should send. */
#include "support/close.h"

#include <string.h>

#include "meter/tdp.h"

static const struct {
    const char *cpu, *row; /* row NULL: no match */
    double watts;          /* 0: not asked */
} cases[] = {
    {"AMD Ryzen 3 1200", "AMD Ryzen 3 1200", 0},
    {"amd ryzen 3 1200", "AMD Ryzen 3 1200", 0},
    {"AMD Ryzen 1950", "AMD Ryzen Threadripper 1950", 0},
    {"5800K", "AMD A10-5800K", 0},
    {"AMD Ryzen 1950x", "AMD Ryzen Threadripper 1950X", 180},
    {"AMD Ryzen Threadripper 1950 16-Core Processor", "AMD Ryzen Threadripper 1950", 0},
    {"AMD Ryzen Threadripper 1950X 16-Core Processor", "AMD Ryzen Threadripper 1950X", 180},
    {"AMD Ryzen Threadripper 1950X", "AMD Ryzen Threadripper 1950X", 180},
    {"Intel Core i7-8850H", "Intel Core i7-8850H", 45},
    {"Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz", "Intel Core i7-8850H", 45},
    {"Intel(R) Xeon(R) Gold 6330N CPU @ 2.20Ghz", "Intel Xeon Gold 6330N", 0},
    {"Intel(R) Xeon(R) Silver 4208 CPU @ 2.10GHz", "Intel Xeon Silver 4208", 0},
    {"Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", "Intel Xeon E5-2620 v3", 85},
    {"AMD 4600M", "AMD A10-4600M", 0},
    {"Intel 5800K", NULL, 0},
    {"AMD Ryzen 3", NULL, 0},
    {"AMD Ryzen PRO 3", NULL, 0},
    {"AMD Ryzen 3 1200 PRO", NULL, 0},
    {"AMD A10-4600", NULL, 0},
    {"AMD A10-4650M", NULL, 0},
    {"AMD Threadripper 1950X 16-Core Processor", NULL, 0},
    {"13th Gen Intel(R) Core(TM) i9-13900K", "Intel Core i9-13900K", 125},
    {"AMD EPYC 7R13 Processor", "AMD EPYC 7R13", 225},
    {"AMD EPYC 7B12", "AMD EPYC 7B12", 240},
    /* What clouds show. */
    {"AMD EPYC", NULL, 0},
    {"Intel(R) Xeon(R) CPU @ 2.20GHz", NULL, 0},
    {"Intel(R) Xeon(R) Processor @ 2.90GHz", NULL, 0},
    {"AMD EPYC-Milan Processor", NULL, 0},
    {"Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", NULL, 0},
    {"Neoverse-N1", NULL, 0},
    {"Cortex-A76", NULL, 0},
    {"", NULL, 0},
    {" ", NULL, 0},
    {"(R)(R)(R) CPU CPU @ ", NULL, 0},
    {" CPU @ 2.20GHz", NULL, 0},
    {"|", NULL, 0},
    {"\xff\xfe\xc2\xae", NULL, 0},
};

static void names_find_their_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_tdp_match match = {0};
        bool found = sw_tdp_find(&match, cases[i].cpu);
        if (found != (cases[i].row != NULL))
            fail_msg("\"%s\" found \"%.*s\"", cases[i].cpu, (int)match.length,
                     found ? match.name_view : "");
        if (!found)
            continue;
        if (strlen(cases[i].row) != match.length ||
            memcmp(cases[i].row, match.name_view, match.length) != 0)
            fail_msg("\"%s\" found \"%.*s\"", cases[i].cpu, (int)match.length, match.name_view);
        if (cases[i].watts > 0)
            assert_close(match.watts, cases[i].watts, 0);
    }
}

static void a_name_without_end_finds_nothing(void **state)
{
    (void)state;
    static char name[100000];
    struct sw_tdp_match match;
    memset(name, 'a', sizeof name - 1);
    assert_false(sw_tdp_find(&match, name));
    char words[200] = "";
    for (int i = 0; i < 60; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%x ", (unsigned)i);
    assert_false(sw_tdp_find(&match, words));
}

static void a_malformed_power_is_known_as_unknown(void **state)
{
    (void)state;
    struct sw_tdp_match match;
    assert_true(sw_tdp_find(&match, "Intel Celeron 1000A"));
    assert_close(match.watts, 0, 0);
    assert_true(sw_tdp_find(&match, "Intel Quark Microcontroller D1000"));
    assert_close(match.watts, 0, 0);
}

static void the_table_is_whole(void **state)
{
    (void)state;
    size_t names = 0, unknown = 0;
    for (size_t i = 0; i < sw_n_tdp_groups; i++) {
        const char *text = sw_tdp_groups[i].names;
        assert_true(sw_tdp_groups[i].watts >= 0 && sw_tdp_groups[i].watts < 1000);
        assert_int_equal(text[strlen(text) - 1], '|');
        for (; *text != 0; text++) {
            names += *text == '|';
            unknown += *text == '|' && sw_tdp_groups[i].watts <= 0;
        }
    }
    assert_int_equal(names, 4903);
    assert_int_equal(unknown, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_their_row),
        cmocka_unit_test(a_name_without_end_finds_nothing),
        cmocka_unit_test(a_malformed_power_is_known_as_unknown),
        cmocka_unit_test(the_table_is_whole),
    };
    return cmocka_run_group_tests_name("tdp", tests, NULL, NULL);
}
