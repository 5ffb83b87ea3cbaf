/* Data sets of rows: JSON lines, CSV, a question a line. */
#include "support/skip.h"

#include <string.h>

#include "base/buffer.h"
#include "dataset/dataset.h"

/* Parses, and writes the questions as "id|question|context|answer;answer" lines, NULL as "-". */
static void rows_are(const char *name, const struct sw_dataset_options *options, const char *bytes,
                     const char *expected)
{
    struct sw_dataset dataset;
    struct sw_error err = {0};
    if (sw_dataset_parse(&dataset, bytes, strlen(bytes), name, options, &err) != SW_OK)
        fail_msg("%s", err.text);
    struct sw_buffer out = {0};
    for (size_t i = 0; i < dataset.n_questions; i++) {
        const struct sw_question *q = &dataset.questions[i];
        sw_buffer_printf(&out, "%s|%s|%s|", q->id, q->question,
                         q->context != NULL ? q->context : "-");
        for (size_t k = 0; k < q->n_answers; k++)
            sw_buffer_printf(&out, "%s%s", k > 0 ? ";" : "", q->answers[k]);
        sw_buffer_puts(&out, "\n");
    }
    assert_string_equal(out.data, expected);
    sw_buffer_free(&out);
    sw_dataset_free(&dataset);
}

static void rows_fail(const char *name, const struct sw_dataset_options *options, const char *bytes,
                      const char *message)
{
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_int_equal(sw_dataset_parse(&dataset, bytes, strlen(bytes), name, options, &err),
                     SW_EFORMAT);
    assert_string_equal(err.text, message);
    assert_null(dataset.questions);
    assert_null(dataset.texts);
}

static const struct sw_dataset_options named = {
    .question_field = "ask", .answers_field = "gold", .context_field = "passage"};

static void json_lines(void **state)
{
    (void)state;
    rows_are(
        "d.jsonl", NULL,
        "\xef\xbb\xbf{\"question\": \"Q1?\", \"context\": \"c\", \"answers\": [\"a\", \"b\"]}\r\n"
        "\n  \t\n"
        "{\"id\": \"x\", \"question\": \"Q\\n2?\", \"answers\": \"one\"}\n"
        "{\"id\": 77, \"question\": \"Q3?\", \"context\": null,"
        " \"answers\": {\"text\": [\"p\", \"q\"], \"answer_start\": [1, 2]}}\n"
        "{\"id\": null, \"question\": \"Q4?\", \"answers\": [{\"text\": \"t\"}]}\n"
        "{\"id\": \"\", \"question\": \"Q5?\", \"answers\": null, \"more\": {\"x\": []}}",
        "1|Q1?|c|a;b\nx|Q\n2?|-|one\n77|Q3?|-|p;q\n4|Q4?|-|t\n5|Q5?|-|\n");
    rows_are("d.jsonl", NULL, "{\"text\": \"T\", \"prompt\": \"P\", \"answer\": \"a\"}\n",
             "1|T|-|a\n");
    rows_are("d.jsonl", NULL, "{\"prompt\": \"P\"}\n", "1|P|-|\n");
    rows_are("d.jsonl", &named,
             "{\"ask\": \"A\", \"gold\": [], \"passage\": \"\", \"question\": \"no\"}\n",
             "1|A||\n");
}

static void broken_json_lines_name_the_line(void **state)
{
    (void)state;
#define JSONL_FAILS(bytes, message) rows_fail("d.jsonl", NULL, bytes, "d.jsonl: " message)
    JSONL_FAILS("{\"question\": \"a\"}\n{\"question\": \"b\"\n",
                "line 2, column 16: '}' expected near end of file");
    JSONL_FAILS("{\"question\": \"a\"} {}\n", "line 1, column 19: end of file expected near '{'");
    JSONL_FAILS("\n[1]\n", "line 2: the row is an array, not an object");
    JSONL_FAILS("{\"query\": \"a\", \"n\": 1}\n",
                "line 1: no field \"question\" or \"text\" or \"prompt\" "
                "(fields there: \"query\", \"n\")");
    JSONL_FAILS("{}\n", "line 1: no field \"question\" or \"text\" or \"prompt\" "
                        "(fields there: none)");
    JSONL_FAILS("{\"text\": \"a\"}\n{\"question\": \"b\"}\n",
                "line 2: no field \"text\" (fields there: \"question\")");
    JSONL_FAILS("{\"question\": 5}\n", "line 1: \"question\" is a number, not a string");
    JSONL_FAILS("{\"question\": null}\n", "line 1: \"question\" is null, not a string");
    JSONL_FAILS("{\"question\": \"\"}\n", "line 1: \"question\" is empty");
    JSONL_FAILS("{\"question\": \"a\\u0000\"}\n", "line 1: \"question\" holds a NUL character");
    JSONL_FAILS("{\"question\": \"a\", \"question\": \"b\"}\n",
                "line 1, column 28: duplicate object key near '\"question\"'");
    JSONL_FAILS("{\"question\": \"a\", \"id\": 1.5}\n",
                "line 1: \"id\" is a number, not a string or an integer");
    JSONL_FAILS("{\"question\": \"a\", \"context\": []}\n",
                "line 1: \"context\" is an array, not a string");
    JSONL_FAILS("{\"question\": \"a\", \"answers\": 3}\n",
                "line 1: \"answers\" is a number, not a string or an array of strings");
    JSONL_FAILS("{\"question\": \"a\", \"answers\": [\"x\", 3]}\n",
                "line 1: answer 2 of \"answers\" is a number, not a string");
    JSONL_FAILS("{\"question\": \"a\", \"answers\": {\"texts\": []}}\n",
                "line 1: \"text\" of \"answers\" is missing, not a string or an array of strings");
    rows_fail("d.jsonl", &named, "{\"ask\": \"a\", \"question\": \"b\"}\n",
              "d.jsonl: line 1: no field \"passage\" (fields there: \"ask\", \"question\")");
    rows_fail("d.jsonl", &named, "{\"ask\": \"a\", \"passage\": \"b\"}\n",
              "d.jsonl: line 1: no field \"gold\" (fields there: \"ask\", \"passage\")");
}

static void csv_of_rfc_4180(void **state)
{
    (void)state;
    rows_are("d.csv", NULL,
             "\xef\xbb\xbfid,question,context,answer\r\n"
             "7,\"Who, \"\"really\"\"?\",\"two\r\nlines\",me\r\n"
             "\r\n"
             ",Plain question?,,\n"
             "\"z\",\"\xc3\xa9\",\"\",\"a;b\"",
             "7|Who, \"really\"?|two\r\nlines|me\n2|Plain question?||\nz|\xc3\xa9||a;b\n");
    rows_are("d.CSV", NULL, "prompt\none\ntwo\n", "1|one|-|\n2|two|-|\n");
    rows_are("d.csv", NULL, "text,question\nt,q\n", "1|q|-|\n");
    rows_are("d.csv", &named, "x,gold,passage,ask\n1,g,p,a\n", "1|a|p|g\n");
    rows_are("d.csv", NULL, ",,question\n1,2,q\n", "1|q|-|\n");
}

static void broken_csv_names_the_line(void **state)
{
    (void)state;
#define CSV_FAILS(bytes, message) rows_fail("d.csv", NULL, bytes, "d.csv: " message)
    CSV_FAILS("question,id\n\"a\nb\",1\nx,\"open\n\n\n",
              "line 4: the quote that begins here never ends");
    CSV_FAILS("question\n\"a\n\nb\"c\n",
              "line 4: text behind a closing quote (a quote within quotes is doubled)");
    CSV_FAILS("question\nsay \"a\"\n", "line 2: a quote inside a field that does not begin with "
                                       "one");
    CSV_FAILS("question,id\na,1\n\"b\n\",2,3\n", "line 3: 3 fields where the header row has 2");
    CSV_FAILS("question,id\na\n", "line 2: 1 fields where the header row has 2");
    CSV_FAILS("question\na\rb\n",
              "line 2: a carriage return without a line feed outside of quotes");
    CSV_FAILS("question\na\r", "line 2: a carriage return without a line feed outside of quotes");
    CSV_FAILS("query,\"a\nb\"\nx,y\n", "line 1: no field \"question\" or \"text\" or \"prompt\" "
                                       "(fields there: \"query\", \"a?b\")");
    CSV_FAILS("question,question\na,b\n", "line 1: two columns are named \"question\"");
    CSV_FAILS("question,id\na,1\n,2\n", "line 3: the question is empty");
    rows_fail("d.csv", &named, "ask,passage\na,b\n",
              "d.csv: line 1: no field \"gold\" "
              "(fields there: \"ask\", \"passage\")");
}

static void csv_with_endless_columns_is_refused(void **state)
{
    (void)state;
    struct sw_buffer text = {0};
    for (int i = 0; i < 5000; i++)
        sw_buffer_puts(&text, "c,");
    rows_fail("d.csv", NULL, text.data, "d.csv: line 1: more than 4096 columns");
    sw_buffer_free(&text);
}

static void a_question_a_line(void **state)
{
    (void)state;
    rows_are("d.txt", NULL, "\xef\xbb\xbfOne?\r\n\r\n  \t\nTwo \"quoted\", comma\n  kept \n\nLast",
             "1|One?|-|\n2|Two \"quoted\", comma|-|\n3|  kept |-|\n4|Last|-|\n");
}

static void texts_above_the_limit_are_refused(void **state)
{
    (void)state;
    struct sw_buffer text = {0};
    assert_true(sw_buffer_reserve(&text, 2u << 20));
    sw_buffer_puts(&text, "short\n");
    for (size_t i = 0; i < SW_DATASET_MAX_TEXT_BYTES; i++)
        sw_buffer_append(&text, "a", 1);
    struct sw_dataset dataset;
    struct sw_error err = {0};
    assert_int_equal(sw_dataset_parse(&dataset, text.data, text.size, "d.txt", NULL, &err), SW_OK);
    assert_int_equal(strlen(dataset.questions[1].question), SW_DATASET_MAX_TEXT_BYTES);
    sw_dataset_free(&dataset);
    sw_buffer_append(&text, "a", 1);
    rows_fail("d.txt", NULL, text.data,
              "d.txt: line 2: the question takes 1048577 bytes, more than the 1048576 allowed");
    sw_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines),
        cmocka_unit_test(broken_json_lines_name_the_line),
        cmocka_unit_test(csv_of_rfc_4180),
        cmocka_unit_test(broken_csv_names_the_line),
        cmocka_unit_test(csv_with_endless_columns_is_refused),
        cmocka_unit_test(a_question_a_line),
        cmocka_unit_test(texts_above_the_limit_are_refused),
    };
    return cmocka_run_group_tests_name("dataset_rows", tests, NULL, NULL);
}
