/* Prompt templates, stop rules and the way from generated text to answer. */
#include "support/skip.h"

#include <string.h>

#include "dataset/prompt.h"

static const struct sw_question sample = {
    .id = (char *)(uintptr_t) "q7",
    .question = (char *)(uintptr_t) "Who {context} {{?",
    .context = (char *)(uintptr_t) "It was me.",
};
static const struct sw_question bare = {
    .id = (char *)(uintptr_t) "q8",
    .question = (char *)(uintptr_t) "Why?",
};

static void make(struct sw_prompt_template *out, const char *spec, const char *stop)
{
    struct sw_error err = {0};
    if (sw_prompt_template_create(out, spec, &stop, stop != NULL ? 1 : 0, &err) != SW_OK)
        fail_msg("%s", err.text);
}

static void prompt_is(const char *spec, const struct sw_question *question, const char *expected)
{
    struct sw_prompt_template prompt;
    struct sw_buffer out = {0};
    struct sw_error err = {0};
    make(&prompt, spec, NULL);
    assert_int_equal(sw_prompt_build(&prompt, question, &out, &err), SW_OK);
    assert_string_equal(out.data, expected);
    sw_buffer_free(&out);
    sw_prompt_template_free(&prompt);
}

static void templates_are_filled_once(void **state)
{
    (void)state;
    prompt_is("study", &bare, "Why?");
    prompt_is("study", &sample, "Who {context} {{?");
    prompt_is("squad", &sample, "It was me.\n\nQuestion: Who {context} {{?\nAnswer:");
    prompt_is("{{{question}}} {{}} {context}{context}", &sample,
              "{Who {context} {{?} {} It was me.It was me.");
    prompt_is("\xc3\xa9{question}", &bare, "\xc3\xa9Why?");
}

static void names_and_rules(void **state)
{
    (void)state;
    struct sw_prompt_template prompt;
    make(&prompt, "study", NULL);
    assert_string_equal(prompt.name, "study");
    assert_string_equal(prompt.text, "{question}");
    assert_false(prompt.cut_at_newline);
    assert_string_equal(sw_prompt_extraction_rule(&prompt),
                        "text before the first stop text, white space trimmed at both ends");
    sw_prompt_template_free(&prompt);
    make(&prompt, "squad", NULL);
    assert_string_equal(prompt.name, "squad");
    assert_true(prompt.cut_at_newline);
    assert_string_equal(
        sw_prompt_extraction_rule(&prompt),
        "text before the first newline or stop text, white space trimmed at both ends");
    sw_prompt_template_free(&prompt);
    make(&prompt, "{question}!", NULL);
    assert_string_equal(prompt.name, "custom");
    sw_prompt_template_free(&prompt);
}

static void create_fails(const char *spec, const char *stop, const char *message)
{
    struct sw_prompt_template prompt;
    struct sw_error err = {0};
    const char *stops[] = {"ok", stop};
    assert_int_equal(sw_prompt_template_create(&prompt, spec, stops, stop != NULL ? 2 : 0, &err),
                     SW_EUSAGE);
    assert_string_equal(err.text, message);
    assert_null(prompt.text);
    assert_null(prompt.stops);
}

static void bad_templates_are_refused_by_name(void **state)
{
    (void)state;
    create_fails("Squad", NULL,
                 "prompt template \"Squad\" is neither study nor squad, and holds no {question}");
    create_fails("", NULL,
                 "prompt template \"\" is neither study nor squad, and holds no {question}");
    create_fails("{{question}}", NULL,
                 "prompt template \"{{question}}\" is neither study nor squad, and holds no "
                 "{question}");
    create_fails("{question} {titel}", NULL,
                 "prompt template: unknown placeholder {titel} at byte 12; known are {question} "
                 "and {context} (a literal brace is doubled)");
    create_fails("{} {question}", NULL,
                 "prompt template: unknown placeholder {} at byte 1; known are {question} "
                 "and {context} (a literal brace is doubled)");
    create_fails("{question", NULL,
                 "prompt template: single '{' at byte 1 (a literal brace is doubled)");
    create_fails("{a {question}", NULL,
                 "prompt template: single '{' at byte 1 (a literal brace is doubled)");
    create_fails("{question} }", NULL,
                 "prompt template: single '}' at byte 12 (a literal brace is doubled)");
    create_fails("{question}\xff", NULL, "prompt template: invalid UTF-8");
    create_fails("study", "", "stop text 2 is empty");
    create_fails("study", "\xc3", "stop text 2: invalid UTF-8");
}

static void a_missing_context_names_the_question(void **state)
{
    (void)state;
    struct sw_prompt_template prompt;
    struct sw_buffer out = {0};
    struct sw_error err = {0};
    make(&prompt, "squad", NULL);
    assert_int_equal(sw_prompt_build(&prompt, &bare, &out, &err), SW_EUSAGE);
    assert_string_equal(err.text,
                        "question q8 has no context, which the prompt template \"squad\" needs");
    sw_buffer_free(&out);
    sw_prompt_template_free(&prompt);
}

static void answer_is(const struct sw_prompt_template *prompt, const char *text, bool finished,
                      const char *expected)
{
    struct sw_buffer out = {0};
    assert_int_equal(sw_prompt_is_finished(prompt, text, strlen(text)), finished);
    sw_prompt_extract(prompt, text, strlen(text), &out);
    assert_string_equal(out.data, expected);
    sw_buffer_free(&out);
}

static void answers_end_at_the_first_stop(void **state)
{
    (void)state;
    struct sw_prompt_template prompt;
    make(&prompt, "study", NULL);
    answer_is(&prompt, "", false, "");
    answer_is(&prompt, " \t a b\n\nc \r\n", false, "a b\n\nc");
    struct sw_buffer empty = {0};
    sw_prompt_extract(&prompt, NULL, 0, &empty);
    assert_string_equal(empty.data, "");
    sw_buffer_free(&empty);
    sw_prompt_template_free(&prompt);

    make(&prompt, "squad", NULL);
    answer_is(&prompt, " Denver Broncos", false, "Denver Broncos");
    answer_is(&prompt, " Denver Broncos \nQuestion:", true, "Denver Broncos");
    answer_is(&prompt, "\nlate", true, "");
    sw_prompt_template_free(&prompt);

    struct sw_error err = {0};
    const char *stops[] = {"###", "END\nX"};
    assert_int_equal(sw_prompt_template_create(&prompt, "squad", stops, 2, &err), SW_OK);
    assert_int_equal(prompt.n_stops, 2);
    answer_is(&prompt, "one ## two", false, "one ## two");
    answer_is(&prompt, "one ### two\n", true, "one");
    answer_is(&prompt, "one END\nX two ###", true, "one");
    answer_is(&prompt, "one\n### END\nX", true, "one");
    answer_is(&prompt, "###", true, "");
    sw_prompt_template_free(&prompt);
}

static void hash_covers_text_stops_and_rule(void **state)
{
    (void)state;
    static const char *const stops[][2] = {{NULL}, {"ab"}, {"a", "b"}, {"b", "a"}};
    static const size_t n_stops[] = {0, 1, 2, 2};
    static const char *const specs[] = {"study", "squad", "{question} ",
                                        "{context}\n\nQuestion: {question}\nAnswer:"};
    char hashes[16][72];
    for (size_t i = 0; i < 16; i++) {
        struct sw_prompt_template prompt;
        struct sw_error err = {0};
        assert_int_equal(
            sw_prompt_template_create(&prompt, specs[i % 4], stops[i / 4], n_stops[i / 4], &err),
            SW_OK);
        memcpy(hashes[i], prompt.hash, sizeof hashes[i]);
        assert_int_equal(strlen(hashes[i]), 71);
        sw_prompt_template_free(&prompt);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(hashes[i], hashes[k]);
    }
    /* The name is only a name. */
    struct sw_prompt_template prompt;
    make(&prompt, "{question}", NULL);
    assert_string_equal(prompt.hash, hashes[0]);
    sw_prompt_template_free(&prompt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_filled_once),
        cmocka_unit_test(names_and_rules),
        cmocka_unit_test(bad_templates_are_refused_by_name),
        cmocka_unit_test(a_missing_context_names_the_question),
        cmocka_unit_test(answers_end_at_the_first_stop),
        cmocka_unit_test(hash_covers_text_stops_and_rule),
    };
    return cmocka_run_group_tests_name("prompt", tests, NULL, NULL);
}
