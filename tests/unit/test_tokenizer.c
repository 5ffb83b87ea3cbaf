/* The tokenizer: known answers of real files, streaming, the embedded one, time, and every way in
 * which a file can be wrong. */
#include "support/skip.h"

#include <string.h>
#include <time.h>

#include "base/random.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

static struct sw_error err;

/* Replaces key's value in a small valid file, or adds it. */
#define MODEL                                                                                      \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}"

static void refused(const char *json, const char *expected)
{
    struct sw_tokenizer *t = NULL;
    enum sw_code code = sw_tokenizer_parse(&t, json, strlen(json), "FILE", &err);
    if (code == SW_OK)
        fail_msg("accepted: %s", json);
    assert_null(t);
    assert_string_equal(err.text, expected);
    assert_null(strchr(err.text, '\n'));
}

static struct sw_tokenizer *parsed(const char *json)
{
    struct sw_tokenizer *t;
    if (sw_tokenizer_parse(&t, json, strlen(json), "FILE", &err) != SW_OK)
        fail_msg("%s", err.text);
    return t;
}

static void encodes_to(const struct sw_tokenizer *t, const char *text, size_t size,
                       enum sw_encode_mode mode, const int32_t *expected, size_t n)
{
    struct sw_ids ids = {0};
    assert_int_equal(sw_tokenizer_encode(t, text, size, mode, &ids, &err), SW_OK);
    assert_int_equal(ids.n, n);
    if (n > 0)
        assert_memory_equal(ids.data, expected, n * sizeof *expected);
    sw_ids_free(&ids);
}

#define ENCODES(t, text, mode, ...)                                                                \
    do {                                                                                           \
        const int32_t expected[] = {__VA_ARGS__};                                                  \
        encodes_to(t, text, strlen(text), mode, expected, sizeof expected / sizeof *expected);     \
    } while (0)

static void decodes_to(const struct sw_tokenizer *t, const int32_t *ids, size_t n, bool keep,
                       const char *expected)
{
    struct sw_buffer text = {0};
    assert_int_equal(sw_tokenizer_decode(t, ids, n, keep, &text, &err), SW_OK);
    assert_string_equal(text.data != NULL ? text.data : "", expected);
    sw_buffer_free(&text);
}

/* Known answers: ../shared/data/SOURCES.md, "smollm-tokenizer". */
static void smollm_known_answers(void **state)
{
    (void)state;
    const char *path = sw_shared_path("data/smollm-tokenizer");
    if (path == NULL)
        SW_SKIP("shared SmolLM tokenizer is absent");
    struct sw_tokenizer *t;
    assert_int_equal(sw_tokenizer_load(&t, path, &err), SW_OK);
    assert_int_equal(sw_tokenizer_size(t), 49152);
    assert_string_equal(sw_tokenizer_hash(t),
                        "sha256:"
                        "9ca9acddb6525a194ec8ac7a87f24fbba7232a9a15ffa1af0c1224fcd888e47c");
    ENCODES(t, "What is the capital of France?", SW_ENCODE_PLAIN, 1780, 314, 260, 3575, 282, 4649,
            47);
    ENCODES(t, "Hello world 2024", SW_ENCODE_BARE, 19556, 905, 216, 34, 32, 34, 36);
    ENCODES(t, "Which NFL team represented the AFC at Super Bowl 50?", SW_ENCODE_PLAIN, 14413,
            47185, 2299, 6610, 260, 330, 12236, 418, 8486, 33926, 216, 37, 32, 47);
    /* Byte values without a token are dropped. */
    ENCODES(t, "a\x04\x06 b", SW_ENCODE_BARE, 81, 278);
    ENCODES(t, "<|im_start|>a<|endoftext|>", SW_ENCODE_BARE, 1, 81, 0);
    const int32_t ids[] = {1, 19556, 905, 0, 49152, -7};
    decodes_to(t, ids, 6, false, "Hello world");
    decodes_to(t, ids, 6, true, "<|im_start|>Hello world<|endoftext|>");
    sw_tokenizer_destroy(t);
}

static void story_known_answers(void **state)
{
    (void)state;
    const char *path = sw_shared_path("data/story-llama-hf");
    if (path == NULL)
        SW_SKIP("shared story tokenizer is absent");
    struct sw_tokenizer *t;
    assert_int_equal(sw_tokenizer_load(&t, path, &err), SW_OK);
    assert_int_equal(sw_tokenizer_size(t), 2048);
    ENCODES(t, "Once upon a time", SW_ENCODE_PLAIN, 1, 80, 147, 201, 282, 57);
    ENCODES(t, "Once upon a time", SW_ENCODE_BARE, 80, 147, 201, 282, 57);
    ENCODES(t, "", SW_ENCODE_PLAIN, 1);
    const int32_t ids[] = {1, 80, 147, 201, 282, 57, 313, 598, 2};
    decodes_to(t, ids, 9, false, "Once upon a time, a little girl named ");
    sw_tokenizer_destroy(t);
}

static void builtin_round_trips(void **state)
{
    (void)state;
    struct sw_tokenizer *t;
    if (sw_tokenizer_builtin(&t, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(sw_tokenizer_size(t), 1 + 256 + 2048);
    struct sw_random random = {.seed = 3};
    printf("# seed %d\n", 3);
    const char *english = "What does a token cost? The energy of the machine, 12.5 J.";
    struct sw_ids ids = {0};
    struct sw_buffer text = {0}, given = {0};
    assert_int_equal(sw_tokenizer_encode(t, english, strlen(english), SW_ENCODE_PLAIN, &ids, &err),
                     SW_OK);
    assert_true(ids.n < strlen(english) / 2);
    for (int k = 0; k < 500; k++) {
        sw_buffer_clear(&given);
        for (size_t i = sw_random_below(&random, 40); i > 0; i--) {
            char c[4];
            uint64_t point = sw_random_below(&random, k % 2 ? 0xd800 : 0x100);
            sw_buffer_append(&given, c, sw_utf8_encode(c, (int32_t)point));
        }
        ids.n = 0;
        sw_buffer_clear(&text);
        assert_int_equal(
            sw_tokenizer_encode(t, given.data, given.size, SW_ENCODE_PLAIN, &ids, &err), SW_OK);
        assert_int_equal(sw_tokenizer_decode(t, ids.data, ids.n, false, &text, &err), SW_OK);
        assert_int_equal(text.size, given.size);
        if (text.size > 0)
            assert_memory_equal(text.data, given.data, text.size);
    }
    sw_buffer_free(&given);
    sw_buffer_free(&text);
    sw_ids_free(&ids);
    sw_tokenizer_destroy(t);
}

static void stream_holds_back_half_characters(void **state)
{
    (void)state;
    struct sw_tokenizer *t;
    struct sw_text_stream *stream;
    struct sw_buffer text = {0};
    assert_int_equal(sw_tokenizer_builtin(&t, &err), SW_OK);
    assert_int_equal(sw_text_stream_create(&stream, t, &err), SW_OK);
    /* Id of byte b is b + 1: U+20AC is e2 82 ac. */
    const int32_t ids[] = {0xe2 + 1, 0x82 + 1, 0xac + 1, 'x' + 1, 0xe2 + 1, 0, 0x82 + 1, -1};
    const char *const sofar[] = {"",
                                 "",
                                 "\xe2\x82\xac",
                                 "\xe2\x82\xacx",
                                 "\xe2\x82\xacx",
                                 "\xe2\x82\xacx",
                                 "\xe2\x82\xacx",
                                 "\xe2\x82\xacx\xef\xbf\xbd"};
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(sw_text_stream_push(stream, ids[i], &text, &err), SW_OK);
        assert_string_equal(text.data != NULL ? text.data : "", sofar[i]);
    }
    assert_int_equal(sw_text_stream_push(stream, 0xe2 + 1, &text, &err), SW_OK);
    sw_text_stream_reset(stream);
    sw_buffer_clear(&text);
    assert_int_equal(sw_text_stream_push(stream, 'y' + 1, &text, &err), SW_OK);
    assert_string_equal(text.data, "y");
    sw_buffer_free(&text);
    sw_text_stream_destroy(stream);
    sw_tokenizer_destroy(t);
}

static void byte_fallback_waits_for_its_run(void **state)
{
    (void)state;
    struct sw_tokenizer *t =
        parsed("{\"model\":{\"vocab\":{\"<0xC3>\":0,\"<0xA9>\":1,\"x\":2},\"merges\":[]},"
               "\"decoder\":{\"type\":\"ByteFallback\"}}");
    const int32_t good[] = {0, 1, 2}, bad[] = {0, 1, 0, 2};
    decodes_to(t, good, 3, false, "\xc3\xa9x");
    decodes_to(t, bad, 4, false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx");
    sw_tokenizer_destroy(t);
}

static void invalid_utf8_is_replaced(void **state)
{
    (void)state;
    struct sw_tokenizer *t =
        parsed("{\"model\":{\"vocab\":{\"a\":0,\"\xef\xbf\xbd\":1},\"merges\":[]}}");
    ENCODES(t,
            "a\xe2\x82"
            "a\xff\xfe",
            SW_ENCODE_BARE, 0, 1, 0, 1, 1);
    sw_tokenizer_destroy(t);
}

static void merges_follow_rank_then_place(void **state)
{
    (void)state;
    /* "ba" was learned first, so b is taken from the "ab" on its left. */
    struct sw_tokenizer *t =
        parsed("{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"ba\":3,\"aa\":4},"
               "\"merges\":[[\"b\",\"a\"],\"a b\",\"a a\"]}}");
    ENCODES(t, "aba", SW_ENCODE_BARE, 0, 3);
    ENCODES(t, "aaa", SW_ENCODE_BARE, 4, 0);
    ENCODES(t, "abab", SW_ENCODE_BARE, 0, 3, 1);
    sw_tokenizer_destroy(t);
}

static void unknown_token_is_needed_or_not(void **state)
{
    (void)state;
    struct sw_tokenizer *t =
        parsed("{\"model\":{\"unk_token\":\"<u>\",\"vocab\":{\"a\":0},\"merges\":[]}}");
    struct sw_ids ids = {0};
    ENCODES(t, "aa", SW_ENCODE_BARE, 0, 0);
    assert_int_equal(sw_tokenizer_encode(t, "ab", 2, SW_ENCODE_BARE, &ids, &err), SW_EFORMAT);
    assert_string_equal(err.text, "model.unk_token \"<u>\" is needed but not in the vocabulary");
    assert_int_equal(ids.n, 0);
    sw_ids_free(&ids);
    sw_tokenizer_destroy(t);
}

/* A megabyte of one thing takes about as long per byte as a tenth of it. */
static void time_is_linear(void **state)
{
    (void)state;
    static const char *const parts[] = {"a", " ", "ab", "\n", "the ", "0", "<|endoftext|", "'"};
    struct sw_tokenizer *t;
    assert_int_equal(sw_tokenizer_builtin(&t, &err), SW_OK);
    const size_t size = 1000000;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = strlen(parts[i]);
        for (size_t k = 0; k < size; k++)
            text[k] = parts[i][k % n];
        struct sw_ids ids = {0};
        clock_t start = clock();
        assert_int_equal(sw_tokenizer_encode(t, text, size, SW_ENCODE_BARE, &ids, &err), SW_OK);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        printf("# 1 MB of \"%s\": %.3f s\n", parts[i][0] == '\n' ? "\\n" : parts[i], seconds);
        assert_true(seconds < 20); /* sanitizers included; quadratic would be hours */
        sw_ids_free(&ids);
    }
    free(text);
    sw_tokenizer_destroy(t);
}

static void hostile_regex_becomes_an_error(void **state)
{
    (void)state;
    struct sw_tokenizer *t = parsed(
        "{" MODEL
        ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a|a)+b|(a|aa)+c\"},"
        "\"behavior\":\"Isolated\",\"invert\":false}}");
    char text[4001];
    memset(text, 'a', 4000);
    struct sw_ids ids = {0};
    enum sw_code code = sw_tokenizer_encode(t, text, 4000, SW_ENCODE_BARE, &ids, &err);
    assert_int_equal(code, SW_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "FILE: pre_tokenizer (Split): the regular expression "));
    sw_ids_free(&ids);
    sw_tokenizer_destroy(t);
}

static void broken_frames_are_refused(void **state)
{
    (void)state;
    refused("", "FILE: line 1, column 0: unexpected token near end of file");
    refused("[]", "FILE: not a JSON object");
    refused("{}", "FILE: model is missing or no object");
    refused("{\"version\":\"2.0\"," MODEL "}", "FILE: \"version\" is not \"1.0\"");
    refused("{\"truncation\":{\"max_length\":5}," MODEL "}",
            "FILE: \"truncation\" other than null is not supported");
    refused("{\"padding\":{}," MODEL "}", "FILE: \"padding\" other than null is not supported");
}

static void broken_models_are_refused(void **state)
{
    (void)state;
#define WITH(text) "{\"model\":{" text "}}"
    refused(WITH("\"type\":\"Unigram\""),
            "FILE: model: kind \"Unigram\" is not supported (BPE is)");
    refused(WITH("\"dropout\":0.1"), "FILE: model: \"dropout\" other than 0 is not supported");
    refused(WITH("\"end_of_word_suffix\":\"</w>\""),
            "FILE: model: \"end_of_word_suffix\" is not supported");
    refused(WITH("\"continuing_subword_prefix\":\"##\""),
            "FILE: model: \"continuing_subword_prefix\" is not supported");
    refused(WITH("\"vocab\":[]"), "FILE: model.vocab is missing or no object");
    refused(WITH("\"vocab\":{\"a\":-1},\"merges\":[]"),
            "FILE: model.vocab: \"a\" has id -1, outside 0 to 65540 for 1 tokens");
    refused(WITH("\"vocab\":{\"a\":2000000000},\"merges\":[]"),
            "FILE: model.vocab: \"a\" has id 2000000000, outside 0 to 65540 for 1 tokens");
    refused(WITH("\"vocab\":{\"a\":1.5},\"merges\":[]"),
            "FILE: model.vocab: the id of \"a\" is no integer");
    refused(WITH("\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]"),
            "FILE: model.vocab: \"b\" and \"a\" share id 0");
    refused(WITH("\"vocab\":{\"a\":0}"), "FILE: model.merges is missing or no list");
    refused(WITH("\"vocab\":{\"a\":0},\"merges\":[\"a b\"]"),
            "FILE: model.merges[0] (\"a\" and \"b\"): the vocabulary has no \"b\"");
    refused(WITH("\"vocab\":{\"a\":0,\"b\":1},\"merges\":[[\"a\",\"b\"]]"),
            "FILE: model.merges[0] (\"a\" and \"b\"): the vocabulary has no \"ab\"");
    refused(WITH("\"vocab\":{\"a\":0},\"merges\":[\"aa\"]"),
            "FILE: model.merges[0] is neither \"a b\" nor [\"a\", \"b\"]");
    refused(WITH("\"vocab\":{\"a\":0},\"merges\":[[\"a\",1]]"),
            "FILE: model.merges[0] is neither \"a b\" nor [\"a\", \"b\"]");
    refused(WITH("\"vocab\":{\"a\":0},\"merges\":[],\"fuse_unk\":3"),
            "FILE: model: \"fuse_unk\" is not true or false");
#undef WITH
}

static void broken_steps_are_refused(void **state)
{
    (void)state;
#define STEP(section, text) "{" MODEL ",\"" section "\":{\"type\":" text "}}"
    refused(STEP("normalizer", "\"NFKC\""),
            "FILE: normalizer (NFKC): kind \"NFKC\" is not supported "
            "(Prepend, Replace and Sequence are)");
    refused(STEP("normalizer", "7"), "FILE: normalizer is no object with a \"type\"");
    refused(
        STEP("normalizer", "\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"x\"},"
                           "{\"type\":\"Lowercase\"}]"),
        "FILE: normalizer[1] (Lowercase): kind \"Lowercase\" is not supported (Prepend, Replace "
        "and Sequence are)");
    refused(STEP("normalizer", "\"Replace\",\"content\":\"\",\"pattern\":\"x\""),
            "FILE: normalizer (Replace): \"pattern\" is neither {\"String\": text} nor {\"Regex\": "
            "text}");
    refused(STEP("pre_tokenizer", "\"Whitespace\""),
            "FILE: pre_tokenizer (Whitespace): kind \"Whitespace\" is not supported (Digits, "
            "ByteLevel, Split, Metaspace and Sequence are)");
    refused(STEP("pre_tokenizer", "\"Digits\""),
            "FILE: pre_tokenizer (Digits): \"individual_digits\" is missing or not true or false");
#define SPLIT(regex)                                                                               \
    STEP("pre_tokenizer",                                                                          \
         "\"Split\",\"behavior\":\"Isolated\",\"invert\":false,\"pattern\":{\"Regex\":\"" regex    \
         "\"}")
    refused(SPLIT("a["),
            "FILE: pre_tokenizer (Split): regular expression, byte 2: a bracket without "
            "its end is not supported");
    refused(SPLIT("(a"), "FILE: pre_tokenizer (Split): regular expression, byte 2: a parenthesis "
                         "without its end is not supported");
    refused(SPLIT("a{2}{3}"),
            "FILE: pre_tokenizer (Split): regular expression, byte 4: a repetition "
            "of nothing, or of a repetition, is not supported");
    refused(SPLIT("(a|b*)+"),
            "FILE: pre_tokenizer (Split): regular expression, byte 6: a repetition "
            "of what may match nothing is not supported");
    refused(SPLIT("\\\\p{Klingon}"),
            "FILE: pre_tokenizer (Split): regular expression, byte 2: this "
            "property is not supported");
    refused(SPLIT("[z-a]"),
            "FILE: pre_tokenizer (Split): regular expression \"[z-a]\": range out of "
            "order in character class");
    refused(STEP("pre_tokenizer", "\"Split\",\"behavior\":\"Shredded\""),
            "FILE: pre_tokenizer (Split): behavior \"Shredded\" is not supported");
    refused(STEP("post_processor", "\"RobertaProcessing\""),
            "FILE: post_processor (RobertaProcessing): kind \"RobertaProcessing\" is not supported "
            "(TemplateProcessing, ByteLevel and Sequence are)");
    refused(STEP("post_processor",
                 "\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"s\"}}]"),
            "FILE: post_processor (TemplateProcessing): special_tokens has no ids for \"s\"");
    refused(STEP("post_processor",
                 "\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"s\"}}"
                 "],\"special_tokens\":{\"s\":{\"ids\":[99]}}"),
            "FILE: post_processor: id 99 is beyond the vocabulary");
    refused(
        STEP("post_processor", "\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"B\"}}]"),
        "FILE: post_processor (TemplateProcessing): single[0] is neither a SpecialToken nor the "
        "Sequence A");
    refused(STEP("decoder", "\"WordPiece\""),
            "FILE: decoder (WordPiece): kind \"WordPiece\" is not supported (ByteLevel, Replace, "
            "ByteFallback, Fuse, Strip, Metaspace and Sequence are)");
    refused(STEP("decoder", "\"Strip\",\"content\":\"ab\",\"start\":0,\"stop\":0"),
            "FILE: decoder (Strip): \"content\" is not one character");
    refused(STEP("decoder", "\"Strip\",\"content\":\"a\",\"start\":-1,\"stop\":0"),
            "FILE: decoder (Strip): \"start\" is no integer from 0");
#undef SPLIT
#undef STEP
}

static void broken_added_tokens_are_refused(void **state)
{
    (void)state;
#define ADDED(id, content)                                                                         \
    "{\"id\":" id ",\"content\":\"" content                                                        \
    "\",\"special\":true,\"lstrip\":false,\"rstrip\":false,"                                       \
    "\"single_word\":false,\"normalized\":false}"
    refused("{" MODEL ",\"added_tokens\":[" ADDED("7", "<s>") "]}",
            "FILE: added_tokens[0]: \"<s>\" has id 7, but the vocabulary makes it 3");
    refused("{" MODEL ",\"added_tokens\":[" ADDED("-1", "<s>") "]}",
            "FILE: added_tokens[0]: \"id\" is no integer from 0 to 16777215");
    refused("{" MODEL ",\"added_tokens\":[" ADDED("0", "a") "," ADDED("0", "a") "]}",
            "FILE: added_tokens[1] and [0] share id 0");
    refused("{" MODEL ",\"added_tokens\":[" ADDED("3", "") "]}",
            "FILE: added_tokens[0]: \"content\" of 0 bytes (1 to 1024 without NUL are supported)");
    refused("{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"x\"}]}",
            "FILE: added_tokens[0]: \"special\" is missing or not true or false");
    refused("{" MODEL ",\"added_tokens\":{}}", "FILE: \"added_tokens\" is no list");
#undef ADDED
}

static void deep_json_is_refused(void **state)
{
    (void)state;
    struct sw_buffer json = {0};
    sw_buffer_puts(&json, "{\"normalizer\":");
    for (int i = 0; i < 20; i++)
        sw_buffer_puts(&json, "{\"type\":\"Sequence\",\"normalizers\":[");
    for (int i = 0; i < 20; i++)
        sw_buffer_puts(&json, "]}");
    sw_buffer_puts(&json, "}");
    refused(json.data, "FILE: normalizer[0][0][0][0][0][0][0][0] (Sequence): sequences nested more "
                       "than 8 deep");
    sw_buffer_clear(&json);
    for (int i = 0; i < 100000; i++)
        sw_buffer_puts(&json, "[");
    refused(json.data, "FILE: line 1, column 2049: maximum parsing depth reached near '['");
    sw_buffer_free(&json);
}

static void absent_files_are_named(void **state)
{
    (void)state;
    struct sw_tokenizer *t;
    assert_int_equal(sw_tokenizer_load(&t, "/nonexistent", &err), SW_EABSENT);
    assert_string_equal(err.text, "/nonexistent/tokenizer.json: not found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smollm_known_answers),
        cmocka_unit_test(story_known_answers),
        cmocka_unit_test(builtin_round_trips),
        cmocka_unit_test(stream_holds_back_half_characters),
        cmocka_unit_test(byte_fallback_waits_for_its_run),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(merges_follow_rank_then_place),
        cmocka_unit_test(unknown_token_is_needed_or_not),
        cmocka_unit_test(time_is_linear),
        cmocka_unit_test(hostile_regex_becomes_an_error),
        cmocka_unit_test(broken_frames_are_refused),
        cmocka_unit_test(broken_models_are_refused),
        cmocka_unit_test(broken_steps_are_refused),
        cmocka_unit_test(broken_added_tokens_are_refused),
        cmocka_unit_test(deep_json_is_refused),
        cmocka_unit_test(absent_files_are_named),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
