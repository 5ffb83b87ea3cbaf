/* SQuAD's scores against those that Python gives (tests/fixtures/score.jsonl, made by
 * scripts/make-score-fixture.py). */
#include "support/skip.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/utf8.h"
#include "dataset/dataset.h"
#include "dataset/score.h"

static void normalized_is(const char *text, size_t size, const char *expected, size_t expected_size)
{
    struct sw_buffer out = {0};
    sw_score_normalize(&out, text, size);
    if (out.size != expected_size || memcmp(out.data, expected, expected_size) != 0)
        fail_msg("\"%s\" becomes \"%s\", not \"%s\"", text, out.data, expected);
    sw_buffer_free(&out);
}

static void check_case(const json_t *row)
{
    const json_t *answer = json_object_get(row, "answer");
    const json_t *normalized = json_object_get(row, "normalized");
    const json_t *list = json_object_get(row, "references");
    const char *references[8];
    size_t n = json_array_size(list);
    assert_in_range(n, 1, 8);
    normalized_is(json_string_value(answer), json_string_length(answer),
                  json_string_value(normalized), json_string_length(normalized));
    for (size_t i = 0; i < n; i++) {
        const json_t *reference = json_array_get(list, i);
        references[i] = json_string_value(reference);
        /* References are C strings, which a NUL would cut. */
        if (strlen(references[i]) != json_string_length(reference))
            return;
    }
    struct sw_score score;
    struct sw_error err = {0};
    assert_int_equal(sw_score_answer(&score, json_string_value(answer), json_string_length(answer),
                                     references, n, &err),
                     SW_OK);
    double exact_match = json_number_value(json_object_get(row, "exact_match"));
    double f1 = json_number_value(json_object_get(row, "f1"));
    if (score.exact_match != exact_match || score.f1 != f1)
        fail_msg("\"%s\": exact match %g, F1 %.17g; Python gives %g, %.17g",
                 json_string_value(answer), score.exact_match, score.f1, exact_match, f1);
}

static void every_character_is_treated_alike(const char *expected_sha256)
{
    struct sw_digest *digest;
    struct sw_buffer text = {0};
    struct sw_buffer out = {0};
    char hex[65];
    assert_int_equal(sw_digest_create(&digest, SW_SHA256, NULL), SW_OK);
    for (int32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        static const char *const around[] = {"a", " ", "the b", "a a", "B"};
        char bytes[4];
        size_t size = sw_utf8_encode(bytes, c);
        sw_buffer_clear(&text);
        sw_buffer_clear(&out);
        for (size_t i = 0; i < 5; i++) {
            sw_buffer_puts(&text, around[i]);
            if (i < 4)
                sw_buffer_append(&text, bytes, size);
        }
        sw_score_normalize(&out, text.data, text.size);
        sw_buffer_append(&out, "\n", 1);
        sw_digest_update(digest, out.data, out.size);
    }
    sw_digest_hex(digest, hex);
    sw_digest_destroy(digest);
    sw_buffer_free(&text);
    sw_buffer_free(&out);
    assert_string_equal(hex, expected_sha256);
}

static void scores_equal_pythons(void **state)
{
    (void)state;
    FILE *file = fopen(sw_fixture_path("score.jsonl"), "r");
    char *line = NULL;
    size_t capacity = 0;
    size_t n_cases = 0;
    bool all_characters = false;
    assert_non_null(file);
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
        json_t *row;
        struct sw_error err = {0};
        assert_int_equal(sw_json_parse(&row, line, (size_t)size, "score.jsonl", &err), SW_OK);
        const json_t *sha256 = json_object_get(row, "all_characters_sha256");
        if (sha256 != NULL) {
            every_character_is_treated_alike(json_string_value(sha256));
            all_characters = true;
        } else {
            check_case(row);
            n_cases++;
        }
        json_decref(row);
    }
    free(line);
    fclose(file);
    assert_int_equal(n_cases, 328);
    assert_true(all_characters);
}

static void invalid_utf8_and_no_reference(void **state)
{
    (void)state;
    struct sw_score score = {1, 1, 1};
    struct sw_error err = {0};
    normalized_is("A \xff\xe2\x82 The", 9, "\xef\xbf\xbd\xef\xbf\xbd", 6);
    normalized_is("", 0, "", 0);
    normalized_is(NULL, 0, "", 0);
    assert_int_equal(sw_score_answer(&score, "x", 1, NULL, 0, &err), SW_EABSENT);
    assert_string_equal(err.text, "score: the question has no reference answer");
    assert_true(score.exact_match == 0 && score.f1 == 0 && score.contains == 0);
}

static void builtin_answers_score_full_marks(void **state)
{
    (void)state;
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_int_equal(sw_dataset_builtin(&dataset, &err), SW_OK);
    for (size_t i = 0; i < dataset.n_questions; i++) {
        const struct sw_question *q = &dataset.questions[i];
        struct sw_score score;
        const char *last = q->answers[q->n_answers - 1];
        assert_int_equal(sw_score_answer(&score, last, strlen(last),
                                         (const char *const *)q->answers, q->n_answers, &err),
                         SW_OK);
        assert_true(score.exact_match == 1 && score.f1 == 1 && score.contains == 1);
    }
    sw_dataset_free(&dataset);
}

static void whole_words_are_contained(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *reference;
        double contains;
    } cases[] = {
        {"It was the Denver Broncos, I think.", "Denver Broncos", 1},
        {"Denver's Broncos", "Denver Broncos", 0},
        {"Denver Broncos", "Denver Broncos of 2016", 0},
        {"Broncos of Denver", "Denver Broncos", 0},
        {"fortytwo", "two", 0},
        {"two fortytwo", "two", 1},
        {"fortytwo two", "two", 1},
        {"forty-two two-forty", "two", 0}, /* punctuation goes: "fortytwo twoforty" */
        {"in 1997", "1997.", 1},
        {"anything", "the", 0}, /* nothing is left of it */
        {"", "x", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_score score;
        struct sw_error err = {0};
        assert_int_equal(sw_score_answer(&score, cases[i].answer, strlen(cases[i].answer),
                                         &cases[i].reference, 1, &err),
                         SW_OK);
        if (score.contains != cases[i].contains)
            fail_msg("\"%s\" and \"%s\": %g", cases[i].answer, cases[i].reference, score.contains);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_equal_pythons),
        cmocka_unit_test(invalid_utf8_and_no_reference),
        cmocka_unit_test(builtin_answers_score_full_marks),
        cmocka_unit_test(whole_words_are_contained),
    };
    return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
