/* Options: spelling, ranges, positionals, and the messages for wrong use. */
#include "support/skip.h"

#include <string.h>

#include "cli/options.h"

struct values {
    bool flag, given;
    const char *text;
    struct sw_texts texts;
    uint64_t count;
    double real;
};

static enum sw_code parse(struct values *v, const char *words, const char **positionals,
                          size_t *n_positionals, bool *help, struct sw_error *err)
{
    static char copy[512];
    char *argv[32] = {(char *)"command"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "flag"},
        {.kind = SW_OPTION_FLAG, .name = "flag", .letter = 'f', .value = &v->flag},
        {.kind = SW_OPTION_TEXT, .name = "some_text", .value = &v->text, .argument = "T"},
        {.kind = SW_OPTION_TEXTS, .name = "stop", .value = &v->texts, .argument = "T"},
        {.kind = SW_OPTION_COUNT,
         .name = "count",
         .letter = 'n',
         .value = &v->count,
         .argument = "N",
         .min = 1,
         .max = 100,
         .given = &v->given},
        {.kind = SW_OPTION_REAL,
         .name = "real",
         .value = &v->real,
         .argument = "X",
         .min = 0,
         .max = 2},
    };
    return sw_options_parse(options, sizeof options / sizeof options[0], argc, argv, positionals,
                            n_positionals, help, err);
}

static void parse_is_good(struct values *v, const char *words)
{
    const char *positionals[32];
    size_t n;
    bool help;
    struct sw_error err = {0};
    assert_int_equal(parse(v, words, positionals, &n, &help, &err), SW_OK);
    assert_int_equal(n, 0);
    assert_false(help);
}

static void parse_fails(const char *words, const char *message)
{
    struct values v = {0};
    const char *positionals[32];
    size_t n;
    bool help;
    struct sw_error err = {0};
    assert_int_equal(parse(&v, words, positionals, &n, &help, &err), SW_EUSAGE);
    assert_string_equal(err.text, message);
}

static void every_spelling_reaches_its_value(void **state)
{
    (void)state;
    struct values v = {0};
    parse_is_good(&v, "-f --some-text a --stop x --stop=y -n5 --real 1.5");
    assert_true(v.flag);
    assert_string_equal(v.text, "a");
    assert_int_equal(v.texts.n, 2);
    assert_string_equal(v.texts.items[1], "y");
    assert_int_equal(v.count, 5);
    assert_true(v.given);
    assert_true(v.real == 1.5);
    v = (struct values){0};
    parse_is_good(&v, "--some_text=--flag -n 7 --count 8");
    assert_string_equal(v.text, "--flag");
    assert_false(v.flag);
    assert_int_equal(v.count, 8);
}

static void words_behind_two_dashes_are_positionals(void **state)
{
    (void)state;
    struct values v = {0};
    const char *positionals[32];
    size_t n;
    bool help;
    struct sw_error err = {0};
    assert_int_equal(parse(&v, "one - -f -- --flag -n", positionals, &n, &help, &err), SW_OK);
    assert_int_equal(n, 4);
    assert_string_equal(positionals[0], "one");
    assert_string_equal(positionals[1], "-");
    assert_string_equal(positionals[2], "--flag");
    assert_string_equal(positionals[3], "-n");
    assert_int_equal(parse(&v, "--help --nonsense", positionals, &n, &help, &err), SW_OK);
    assert_true(help);
}

static void wrong_use_is_named(void **state)
{
    (void)state;
    parse_fails("--fla", "--fla: no such option");
    parse_fails("--flag_", "--flag_: no such option");
    parse_fails("-x", "-x: no such option");
    parse_fails("--flag=1", "--flag=1: --flag takes no argument");
    parse_fails("--count", "--count: N is missing");
    parse_fails("-n 0", "--count: \"0\" is not a whole number from 1 to 100");
    parse_fails("-n 101", "--count: \"101\" is not a whole number from 1 to 100");
    parse_fails("-n 5k", "--count: \"5k\" is not a whole number from 1 to 100");
    parse_fails("-n -5", "--count: \"-5\" is not a whole number from 1 to 100");
    parse_fails("-n 99999999999999999999",
                "--count: \"99999999999999999999\" is not a whole number "
                "from 1 to 100");
    parse_fails("--real nan", "--real: \"nan\" is not a number from 0 to 2");
    parse_fails("--real 1.5.2", "--real: \"1.5.2\" is not a number from 0 to 2");
    parse_fails("--real 0x1", "--real: \"0x1\" is not a number from 0 to 2");
}

static void lists_of_counts(void **state)
{
    (void)state;
    uint64_t items[3];
    size_t n;
    struct sw_error err = {0};
    assert_int_equal(sw_parse_counts(items, &n, 3, "1,16,50", 1, 64, "-b", &err), SW_OK);
    assert_int_equal(n, 3);
    assert_int_equal(items[2], 50);
    assert_int_equal(sw_parse_counts(items, &n, 3, "1,2,3,4", 1, 64, "-b", &err), SW_EUSAGE);
    assert_int_equal(sw_parse_counts(items, &n, 3, "1,,3", 1, 64, "-b", &err), SW_EUSAGE);
    assert_int_equal(sw_parse_counts(items, &n, 3, "", 1, 64, "-b", &err), SW_EUSAGE);
    assert_int_equal(sw_parse_counts(items, &n, 3, "65", 1, 64, "-b", &err), SW_EUSAGE);
    assert_string_equal(err.text, "-b: \"65\" in \"65\" is not a whole number from 1 to 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_reaches_its_value),
        cmocka_unit_test(words_behind_two_dashes_are_positionals),
        cmocka_unit_test(wrong_use_is_named),
        cmocka_unit_test(lists_of_counts),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
