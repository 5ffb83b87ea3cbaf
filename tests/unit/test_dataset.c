/* SQuAD files, the embedded questions, choice of questions, and what all formats refuse. */
#include "support/skip.h"

#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "dataset/dataset.h"

static void parse_fails(const char *name, const char *bytes, size_t size, enum sw_code code,
                        const char *message)
{
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_int_equal(sw_dataset_parse(&dataset, bytes, size, name, NULL, &err), code);
    assert_string_equal(err.text, message);
    assert_null(dataset.questions);
    assert_null(dataset.name);
    sw_dataset_free(&dataset);
}

#define SQUAD_FAILS(bytes, message)                                                                \
    parse_fails("s.json", bytes, strlen(bytes), SW_EFORMAT, "s.json: " message)

static void squad_file_gives_questions_with_context_and_answers(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf{\"version\": \"1.1\", \"data\": ["
        "{\"title\": \"A\", \"paragraphs\": []},"
        "{\"title\": \"B\", \"paragraphs\": [{\"context\": \"c\\u00e9 one\", \"qas\": ["
        "{\"id\": \"x1\", \"question\": \"Q1?\", \"answers\": ["
        "  {\"text\": \"one\", \"answer_start\": 3}, {\"text\": \"c\\u00e9\"}]},"
        "{\"id\": \"x2\", \"question\": \"Q2?\", \"answers\": []}]}]}]}";
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_int_equal(sw_dataset_parse(&dataset, text, strlen(text), "dir/mine.JSON", NULL, &err),
                     SW_OK);
    assert_string_equal(dataset.name, "mine.JSON");
    assert_string_equal(dataset.source, "dir/mine.JSON");
    assert_string_equal(dataset.split, "all");
    assert_int_equal(dataset.n_questions, 2);
    const struct sw_question *q = dataset.questions;
    assert_string_equal(q[0].id, "x1");
    assert_string_equal(q[0].question, "Q1?");
    assert_string_equal(q[0].context, "c\xc3\xa9 one");
    assert_int_equal(q[0].n_answers, 2);
    assert_string_equal(q[0].answers[0], "one");
    assert_string_equal(q[0].answers[1], "c\xc3\xa9");
    assert_string_equal(q[1].id, "x2");
    assert_int_equal(q[1].n_answers, 0);
    assert_ptr_equal(q[0].context, q[1].context);

    /* The hash is that of all bytes. */
    char hex[65];
    sw_sha256_hex(hex, text, strlen(text));
    assert_string_equal(dataset.hash + strlen("sha256:"), hex);

    assert_int_equal(sw_dataset_label(&dataset, "org/mine", "test", &err), SW_OK);
    assert_string_equal(dataset.name, "org/mine");
    assert_string_equal(dataset.split, "test");
    assert_int_equal(sw_dataset_label(&dataset, NULL, "dev", &err), SW_OK);
    assert_string_equal(dataset.name, "org/mine");
    assert_string_equal(dataset.split, "dev");
    sw_dataset_free(&dataset);
}

#define P(qas) "{\"data\": [{\"paragraphs\": [{\"context\": \"c\", \"qas\": [" qas "]}]}]}"

static void broken_squad_files_name_the_place(void **state)
{
    (void)state;
    SQUAD_FAILS("[]", "the text is an array, not an object");
    SQUAD_FAILS("3", "the text is a number, not an object");
    SQUAD_FAILS("{}", "\"data\" is missing");
    SQUAD_FAILS("{\"data\": {}}", "\"data\" is an object, not an array");
    SQUAD_FAILS("{\"data\": []}", "holds no question");
    SQUAD_FAILS("{\"data\": [null]}", "article 1: the article is null, not an object");
    SQUAD_FAILS("{\"data\": [{\"paragraphs\": []}, {\"title\": \"x\"}]}",
                "article 2: \"paragraphs\" is missing");
    SQUAD_FAILS("{\"data\": [{\"paragraphs\": [{\"context\": \"c\"}]}]}",
                "article 1, paragraph 1: \"qas\" is missing");
    SQUAD_FAILS("{\"data\": [{\"paragraphs\": [{\"qas\": []}]}]}",
                "article 1, paragraph 1: \"context\" is missing, not a string");
    SQUAD_FAILS("{\"data\": [{\"paragraphs\": [{\"context\": 5, \"qas\": []}]}]}",
                "article 1, paragraph 1: \"context\" is a number, not a string");
    SQUAD_FAILS(P("true"),
                "article 1, paragraph 1, question 1: the question is true or false, not an object");
    SQUAD_FAILS(P("{\"id\": \"a\", \"question\": \"q\", \"answers\": []}, {\"id\": \"b\"}"),
                "article 1, paragraph 1, question 2: \"answers\" is missing");
    SQUAD_FAILS(P("{\"question\": \"q\", \"answers\": []}"),
                "article 1, paragraph 1, question 1: \"id\" is missing, not a string");
    SQUAD_FAILS(P("{\"id\": \"\", \"question\": \"q\", \"answers\": []}"),
                "article 1, paragraph 1, question 1: \"id\" is empty");
    SQUAD_FAILS(P("{\"id\": \"a\", \"question\": \"\", \"answers\": []}"),
                "article 1, paragraph 1, question 1: \"question\" is empty");
    SQUAD_FAILS(P("{\"id\": \"a\", \"question\": \"x\\u0000y\", \"answers\": []}"),
                "article 1, paragraph 1, question 1: \"question\" holds a NUL character");
    SQUAD_FAILS(P("{\"id\": \"a\", \"question\": \"q\", \"answers\": [{\"text\": 1}]}"),
                "article 1, paragraph 1, question 1: answer 1 of \"answers\" is a number, not a "
                "string");
    SQUAD_FAILS(P("{\"id\": \"a\", \"question\": \"q\", \"answers\": []},"
                  "{\"id\": \"a\", \"question\": \"r\", \"answers\": []}"),
                "two questions have the id \"a\"");
    SQUAD_FAILS("{\"data\": [], \"data\": []}",
                "line 1, column 19: duplicate object key near '\"data\"'");
    SQUAD_FAILS("{\"data\":\n[}", "line 2, column 2: unexpected token near '}'");
}

static void deep_and_huge_json_is_refused(void **state)
{
    (void)state;
    size_t size = 16u << 20;
    char *text = malloc(size);
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_non_null(text);
    memset(text, '[', size);
    assert_int_equal(sw_dataset_parse(&dataset, text, 1u << 20, "deep.json", NULL, &err),
                     SW_EFORMAT);
    assert_string_equal(err.text,
                        "deep.json: line 1, column 2049: maximum parsing depth reached near '['");
    /* Each "{}" would take a hundred times its size. */
    text[0] = '[';
    for (size_t i = 1; i + 1 < size; i++)
        text[i] = "{},"[(i - 1) % 3];
    text[size - 1] = ']';
    assert_int_equal(sw_dataset_parse(&dataset, text, size, "wide.json", NULL, &err), SW_EFORMAT);
    assert_string_equal(err.text, "wide.json: line 1: more than 4194304 JSON values in one text");
    free(text);
}

static void all_formats_refuse_what_is_no_text(void **state)
{
    (void)state;
    static const char *const names[] = {"d.json", "d.jsonl", "d.csv", "d.txt"};
    for (size_t i = 0; i < 4; i++) {
        char message[200];
        snprintf(message, sizeof message, "%s: line 2: a NUL byte; this is no text", names[i]);
        parse_fails(names[i], "ab\nc\0d", 6, SW_EFORMAT, message);
        snprintf(message, sizeof message, "%s: line 3: invalid UTF-8 (byte 0xe9)", names[i]);
        parse_fails(names[i], "ab\n\ncaf\xe9\n", 9, SW_EFORMAT, message);
        snprintf(message, sizeof message, "%s: line 1: invalid UTF-8 (byte 0xe2)", names[i]);
        parse_fails(names[i], "ab\xe2\x82", 4, SW_EFORMAT, message);
        snprintf(message, sizeof message, "%s: begins like UTF-16; only UTF-8 is read", names[i]);
        parse_fails(names[i],
                    "\xff\xfe"
                    "a\0b\0",
                    6, SW_EFORMAT, message);
    }
    parse_fails("d.txt", "", 0, SW_EFORMAT, "d.txt: holds no question");
    parse_fails("d.jsonl", "\n\n", 2, SW_EFORMAT, "d.jsonl: holds no question");
    parse_fails("d.csv", "", 0, SW_EFORMAT, "d.csv: holds no question");
    parse_fails("d.csv", "question\n", 9, SW_EFORMAT, "d.csv: holds no question");
    parse_fails("d.json", "", 0, SW_EFORMAT,
                "d.json: line 1, column 0: unexpected token near end of file");
}

static void formats_go_by_the_extension(void **state)
{
    (void)state;
#define KNOWN " is not a data-set format; known are .json (SQuAD v1.1), .jsonl, .csv and .txt"
    parse_fails("a/d.tsv", "x", 1, SW_EUNSUPPORTED, "a/d.tsv: .tsv" KNOWN);
    parse_fails("d.parquet", "x", 1, SW_EUNSUPPORTED, "d.parquet: .parquet" KNOWN);
    parse_fails("a.txt/d", "x", 1, SW_EUNSUPPORTED, "a.txt/d: no extension" KNOWN);
    parse_fails("d.txt\n", "x", 1, SW_EUNSUPPORTED, "d.txt?: .txt?" KNOWN);
}

static void paths_that_are_no_file_are_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/sw-dataset-XXXXXX";
    char path[64];
    char expected[128];
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_non_null(mkdtemp(folder));
    assert_int_equal(sw_dataset_load(&dataset, folder, NULL, &err), SW_EFILE);
    snprintf(expected, sizeof expected, "%s: a folder, not a file", folder);
    assert_string_equal(err.text, expected);

    snprintf(path, sizeof path, "%s/q.txt", folder);
    assert_int_equal(sw_dataset_load(&dataset, path, NULL, &err), SW_EABSENT);
    snprintf(expected, sizeof expected, "%s: No such file or directory", path);
    assert_string_equal(err.text, expected);

    /* Opening a pipe that nobody writes to would wait for ever. */
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(sw_dataset_load(&dataset, path, NULL, &err), SW_EFILE);
    snprintf(expected, sizeof expected, "%s: not a regular file", path);
    assert_string_equal(err.text, expected);
    unlink(path);

    assert_int_equal(sw_file_write_atomic(path, "One?\nTwo?\n", 10, &err), SW_OK);
    assert_int_equal(sw_dataset_load(&dataset, path, NULL, &err), SW_OK);
    assert_int_equal(dataset.n_questions, 2);
    assert_string_equal(dataset.source, path);
    sw_dataset_free(&dataset);
    unlink(path);
    rmdir(folder);
}

static void builtin_questions_are_fifty_with_answers_in_their_contexts(void **state)
{
    (void)state;
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_int_equal(sw_dataset_builtin(&dataset, &err), SW_OK);
    assert_int_equal(dataset.n_questions, 50);
    assert_string_equal(dataset.name, "builtin");
    assert_string_equal(dataset.source, "embedded");
    assert_string_equal(dataset.split, "all");
    assert_int_equal(strlen(dataset.hash), 71);
    for (size_t i = 0; i < dataset.n_questions; i++) {
        const struct sw_question *q = &dataset.questions[i];
        char id[32];
        snprintf(id, sizeof id, "builtin-%zu", i + 1);
        assert_string_equal(q->id, id);
        assert_int_equal(q->question[strlen(q->question) - 1], '?');
        assert_in_range(strlen(q->question), 20, 80);
        assert_true(q->n_answers >= 1);
        for (size_t k = 0; k < q->n_answers; k++) {
            if (strstr(q->context, q->answers[k]) == NULL)
                fail_msg("answer \"%s\" of %s is not in its context", q->answers[k], q->id);
        }
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(q->question, dataset.questions[k].question);
    }
    sw_dataset_free(&dataset);
}

static void selection_is_a_subset_in_order(void **state)
{
    (void)state;
    size_t indices[50];
    sw_dataset_select(indices, 5, 100, false, 7);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(indices[i], i);
    sw_dataset_select(indices, 50, 50, true, 7);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(indices[i], i);

    size_t other[50];
    bool differs = false;
    for (uint64_t seed = 0; seed < 100; seed++) {
        sw_dataset_select(indices, 50, 1000, true, seed);
        sw_dataset_select(other, 50, 1000, true, seed);
        assert_memory_equal(indices, other, sizeof indices);
        for (size_t i = 1; i < 50; i++)
            assert_true(indices[i] > indices[i - 1]);
        assert_true(indices[49] < 1000);
        sw_dataset_select(other, 50, 1000, true, seed + 1);
        differs = differs || memcmp(indices, other, sizeof indices) != 0;
    }
    assert_true(differs);
    /* Records name the seed: what it picks must never change. */
    sw_dataset_select(indices, 4, 10570, true, 42);
    const size_t pinned[4] = {2969, 3317, 9287, 9929};
    assert_memory_equal(indices, pinned, sizeof pinned);
}

/* Every question is taken equally often: 20000 draws of 3 from 10 give 6000 each with a standard
 * deviation of 65; 6 of those never occur by chance in ten tries (2e-8). */
static void selection_is_uniform(void **state)
{
    (void)state;
    size_t counts[10] = {0};
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        size_t indices[3];
        sw_dataset_select(indices, 3, 10, true, seed);
        for (size_t i = 0; i < 3; i++)
            counts[indices[i]]++;
    }
    for (size_t i = 0; i < 10; i++)
        assert_in_range(counts[i], 6000 - 390, 6000 + 390);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void official_squad_validation_file(void **state)
{
    (void)state;
    const char *path = sw_shared_path("data/squad/dev-v1.1.json");
    if (path == NULL)
        SW_SKIP("../shared/data/squad/dev-v1.1.json is not here");
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_int_equal(sw_dataset_load(&dataset, path, NULL, &err), SW_OK);
    assert_string_equal(dataset.name, "squad");
    assert_string_equal(dataset.split, "validation");
    assert_string_equal(dataset.hash, "sha256:95aa6a52d5d6a735563366753ca50492a658031da74f301ac523"
                                      "8b03966972c9");
    assert_int_equal(dataset.n_questions, 10570);
    assert_string_equal(dataset.questions[0].question,
                        "Which NFL team represented the AFC at Super Bowl 50?");
    size_t n_answers = 0;
    char **ids = malloc(dataset.n_questions * sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < dataset.n_questions; i++) {
        const struct sw_question *q = &dataset.questions[i];
        ids[i] = q->id;
        n_answers += q->n_answers;
        for (size_t k = 0; k < q->n_answers; k++)
            assert_non_null(strstr(q->context, q->answers[k]));
    }
    assert_int_equal(n_answers, 34726);
    qsort(ids, dataset.n_questions, sizeof *ids, compare);
    for (size_t i = 1; i < dataset.n_questions; i++)
        assert_string_not_equal(ids[i], ids[i - 1]);
    free(ids);
    sw_dataset_free(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squad_file_gives_questions_with_context_and_answers),
        cmocka_unit_test(broken_squad_files_name_the_place),
        cmocka_unit_test(deep_and_huge_json_is_refused),
        cmocka_unit_test(all_formats_refuse_what_is_no_text),
        cmocka_unit_test(formats_go_by_the_extension),
        cmocka_unit_test(paths_that_are_no_file_are_refused),
        cmocka_unit_test(builtin_questions_are_fifty_with_answers_in_their_contexts),
        cmocka_unit_test(selection_is_a_subset_in_order),
        cmocka_unit_test(selection_is_uniform),
        cmocka_unit_test(official_squad_validation_file),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
