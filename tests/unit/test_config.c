/* config.json and generation_config.json: what is read, and the exact refusal of what is not. */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "model/config.h"

#define BASE                                                                                       \
    "\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"num_hidden_layers\":2,"   \
    "\"hidden_size\":24,\"intermediate_size\":50,\"num_attention_heads\":4,\"vocab_size\":100"

static enum sw_code parse(struct sw_config *config, const char *text, const char *generation,
                          struct sw_error *err)
{
    return sw_config_parse(config, text, strlen(text), generation,
                           generation != NULL ? strlen(generation) : 0, "config.json", err);
}

static void accepts(struct sw_config *config, const char *text)
{
    struct sw_error err = {0};
    if (parse(config, text, NULL, &err) != SW_OK)
        fail_msg("%s: %s", text, err.text);
}

static void small_config_has_the_defaults_of_the_reference(void **state)
{
    (void)state;
    struct sw_config c;
    accepts(&c, "{" BASE "}");
    assert_int_equal(c.n_layers, 2);
    assert_int_equal(c.dim, 24);
    assert_int_equal(c.hidden_dim, 50);
    assert_int_equal(c.n_heads, 4);
    assert_int_equal(c.n_kv_heads, 4);
    assert_int_equal(c.head_dim, 6);
    assert_int_equal(c.vocab_size, 100);
    assert_int_equal(c.max_positions, 2048);
    assert_true(c.rms_eps == 1e-6f);
    assert_false(c.tied || c.attention_bias || c.mlp_bias);
    assert_true(c.rope_theta == 10000.0);
    assert_int_equal(c.rope_scaling, SW_ROPE_PLAIN);
    assert_int_equal(c.bos_id, -1);
    assert_int_equal(c.n_eos, 0);
    /* 2 norms, q and o, k and v, three MLP matrices; final norm; two vocabulary matrices */
    assert_int_equal(sw_config_n_parameters(&c),
                     2 * (2 * 24 + 4 * 24 * 24 + 3 * 24 * 50) + 24 + 2 * 100 * 24);
}

static void every_key_is_read(void **state)
{
    (void)state;
    struct sw_config c;
    accepts(&c, "{" BASE ",\"num_key_value_heads\":2,\"head_dim\":10,\"rms_norm_eps\":1e-5,"
                "\"tie_word_embeddings\":true,\"attention_bias\":true,\"mlp_bias\":true,"
                "\"max_position_embeddings\":77,\"rope_theta\":500000,\"bos_token_id\":3,"
                "\"eos_token_id\":[4,99],\"torch_dtype\":\"bfloat16\",\"dtype\":\"float16\","
                "\"sliding_window\":null,\"partial_rotary_factor\":1.0,\"hidden_act\":\"silu\","
                "\"layer_types\":[\"full_attention\",\"full_attention\"]}");
    assert_int_equal(c.n_kv_heads, 2);
    assert_int_equal(c.head_dim, 10);
    assert_true(c.rms_eps == 1e-5f);
    assert_true(c.tied && c.attention_bias && c.mlp_bias);
    assert_int_equal(c.max_positions, 77);
    assert_true(c.rope_theta == 500000.0);
    assert_int_equal(c.bos_id, 3);
    assert_int_equal(c.n_eos, 2);
    assert_int_equal(c.eos_ids[0], 4);
    assert_int_equal(c.eos_ids[1], 99);
    assert_int_equal(
        sw_config_n_parameters(&c),
        2 * (2 * 24 + 2 * 40 * 24 + 2 * 20 * 24 + 3 * 24 * 50 + 40 + 2 * 20 + 24 + 2 * 50 + 24) +
            24 + 100 * 24);
}

static void generation_config_wins(void **state)
{
    (void)state;
    struct sw_config c;
    struct sw_error err;
    const char *config = "{" BASE ",\"bos_token_id\":1,\"eos_token_id\":2}";
    assert_int_equal(parse(&c, config, "{\"eos_token_id\":[5,6,7]}", &err), SW_OK);
    assert_int_equal(c.n_eos, 3);
    assert_int_equal(c.eos_ids[2], 7);
    assert_int_equal(c.bos_id, 1);
    assert_int_equal(parse(&c, config, "{\"bos_token_id\":9,\"eos_token_id\":null}", &err), SW_OK);
    assert_int_equal(c.bos_id, 9);
    assert_int_equal(c.n_eos, 1);
    assert_int_equal(c.eos_ids[0], 2);
    assert_int_equal(parse(&c, config, "{\"eos_token_id\":100}", &err), SW_EFORMAT);
    assert_string_equal(err.text, "config.json (generation): \"eos_token_id\" is 100, outside the "
                                  "vocabulary of 100");
    assert_int_equal(parse(&c, config, "[]", &err), SW_EFORMAT);
    assert_string_equal(err.text, "config.json (generation): not a JSON object");
}

static void rope_is_read_in_both_spellings(void **state)
{
    (void)state;
    struct sw_config c;
    accepts(&c, "{" BASE ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.5}}");
    assert_int_equal(c.rope_scaling, SW_ROPE_LINEAR);
    assert_true(c.rope_factor == 2.5);
    accepts(&c, "{" BASE ",\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":777.0}}");
    assert_int_equal(c.rope_scaling, SW_ROPE_PLAIN);
    assert_true(c.rope_theta == 777.0);
    accepts(&c, "{" BASE ",\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\","
                "\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,"
                "\"original_max_position_embeddings\":8192}}");
    assert_int_equal(c.rope_scaling, SW_ROPE_LLAMA3);
    assert_true(c.rope_theta == 500000.0 && c.rope_factor == 8.0);
    assert_true(c.rope_low_freq_factor == 1.0 && c.rope_high_freq_factor == 4.0);
    assert_true(c.rope_original_max_positions == 8192.0);
    accepts(&c, "{" BASE ",\"rope_scaling\":{},\"rope_parameters\":{\"rope_type\":\"llama3\","
                "\"rope_theta\":9e4,\"factor\":2,\"low_freq_factor\":1,\"high_freq_factor\":4}}");
    assert_true(c.rope_theta == 9e4);
    assert_true(c.rope_original_max_positions == 2048.0);
}

/* theta 10000, head size 8: 1, 0.1, 0.01, 0.001; wavelengths 6.28, 62.8, 628, 6283. */
static void rope_frequencies_follow_the_formulas(void **state)
{
    (void)state;
    static const double plain[4] = {1.0, 0.1, 0.01, 0.001};
    struct sw_config c = {.head_dim = 8, .rope_theta = 10000.0, .rope_factor = 4.0};
    float f[4];
    sw_config_rope_frequencies(f, &c);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(f[i] / plain[i] - 1.0) < 3e-7);
    c.rope_scaling = SW_ROPE_LINEAR;
    sw_config_rope_frequencies(f, &c);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(f[i] / plain[i] * 4.0 - 1.0) < 3e-7);
    /* Kept below 128 / 4 = 32, divided above 128 / 1 = 128, blended between. */
    c.rope_scaling = SW_ROPE_LLAMA3;
    c.rope_low_freq_factor = 1.0;
    c.rope_high_freq_factor = 4.0;
    c.rope_original_max_positions = 128.0;
    sw_config_rope_frequencies(f, &c);
    double smooth = (128.0 / (2.0 * 3.14159265358979 / 0.1) - 1.0) / 3.0;
    double blended = (1.0 - smooth) * 0.1 / 4.0 + smooth * 0.1;
    assert_true(smooth > 0.0 && smooth < 1.0);
    assert_true(fabs(f[0] - 1.0) < 3e-7);
    assert_true(fabs(f[1] / blended - 1.0) < 1e-6);
    assert_true(fabs(f[2] / 0.0025 - 1.0) < 3e-7);
    assert_true(fabs(f[3] / 0.00025 - 1.0) < 3e-7);
}

struct refusal {
    const char *text;
    enum sw_code code;
    const char *message; /* behind "config.json: " */
};

static const struct refusal refusals[] = {
    {"", SW_EFORMAT, "line 1, column 0: unexpected token near end of file"},
    {"[]", SW_EFORMAT, "not a JSON object"},
    {"{}", SW_EFORMAT, "\"architectures\" and \"model_type\" are missing"},
    {"{\"a\":1,\"a\":2}", SW_EFORMAT, "line 1, column 10: duplicate object key near '\"a\"'"},
    {"{\"rope_theta\":NaN}", SW_EFORMAT, "line 1, column 17: invalid token near 'NaN'"},
    {"{\"rms_norm_eps\":Infinity}", SW_EFORMAT, "line 1, column 24: invalid token near 'Infinity'"},
    {"{\"rms_norm_eps\":1e999}", SW_EFORMAT,
     "line 1, column 21: real number overflow near '1e999'"},
    {"{\"model_type\":\"qwen2\"}", SW_EUNSUPPORTED,
     "\"model_type\" is \"qwen2\"; only \"llama\" is supported"},
    {"{\"architectures\":[\"MistralForCausalLM\"]}", SW_EUNSUPPORTED,
     "architecture \"MistralForCausalLM\" is not supported, only \"LlamaForCausalLM\""},
    {"{\"architectures\":[]}", SW_EFORMAT, "\"architectures\" is not a list of one name"},
    {"{\"architectures\":\"LlamaForCausalLM\"}", SW_EFORMAT,
     "\"architectures\" is not a list of one name"},
    {"{\"model_type\":\"llama\"}", SW_EFORMAT, "\"num_hidden_layers\" is missing"},
    {"{" BASE ",\"hidden_act\":\"gelu\"}", SW_EUNSUPPORTED,
     "\"hidden_act\" is \"gelu\"; only \"silu\" is supported"},
    {"{" BASE ",\"quantization_config\":{\"bits\":4}}", SW_EUNSUPPORTED,
     "\"quantization_config\" is set, which is not supported"},
    {"{" BASE ",\"sliding_window\":4096}", SW_EUNSUPPORTED,
     "\"sliding_window\" is set, which is not supported"},
    {"{" BASE ",\"partial_rotary_factor\":0.5}", SW_EUNSUPPORTED,
     "\"partial_rotary_factor\" is set, which is not supported"},
    {"{" BASE ",\"rope_interleaved\":true}", SW_EUNSUPPORTED,
     "\"rope_interleaved\" is set, which is not supported"},
    {"{" BASE ",\"layer_types\":[\"full_attention\",\"sliding_attention\"]}", SW_EUNSUPPORTED,
     "layer 1 is not of type \"full_attention\", which alone is supported"},
    {"{" BASE ",\"num_key_value_heads\":3}", SW_EFORMAT,
     "\"num_attention_heads\" 4 is no multiple of \"num_key_value_heads\" 3"},
    {"{" BASE ",\"num_key_value_heads\":-2}", SW_EFORMAT,
     "\"num_key_value_heads\" is -2, outside 1 to 4096"},
    {"{" BASE ",\"num_key_value_heads\":2.5}", SW_EFORMAT,
     "\"num_key_value_heads\" is not an integer"},
    {"{" BASE ",\"head_dim\":7}", SW_EFORMAT,
     "the head size 7 is odd; rotary positions need an even one"},
    {"{" BASE ",\"head_dim\":100000}", SW_EFORMAT, "\"head_dim\" is 100000, outside 1 to 4096"},
    {"{" BASE ",\"max_position_embeddings\":0}", SW_EFORMAT,
     "\"max_position_embeddings\" is 0, outside 1 to 67108864"},
    {"{" BASE ",\"rms_norm_eps\":-1}", SW_EFORMAT, "\"rms_norm_eps\" is -1, outside 0 to 1"},
    {"{" BASE ",\"rms_norm_eps\":\"1\"}", SW_EFORMAT, "\"rms_norm_eps\" is not a number"},
    {"{" BASE ",\"tie_word_embeddings\":1}", SW_EFORMAT,
     "\"tie_word_embeddings\" is not true or false"},
    {"{" BASE ",\"bos_token_id\":-1}", SW_EFORMAT,
     "\"bos_token_id\" is -1, outside the vocabulary of 100"},
    {"{" BASE ",\"eos_token_id\":[1,\"2\"]}", SW_EFORMAT, "\"eos_token_id\" is not a token id"},
    {"{" BASE ",\"eos_token_id\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", SW_EUNSUPPORTED,
     "\"eos_token_id\" names 17 ids, above 16"},
    {"{" BASE ",\"rope_theta\":0}", SW_EFORMAT, "\"rope_theta\" is 0, outside 1 to 1e+15"},
    {"{" BASE ",\"rope_scaling\":[]}", SW_EFORMAT, "rope_scaling is not an object"},
    {"{" BASE ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2}}", SW_EUNSUPPORTED,
     "rope_scaling: type \"yarn\" is not supported, only \"default\", \"linear\" and \"llama3\""},
    {"{" BASE ",\"rope_parameters\":{\"rope_type\":\"dynamic\"}}", SW_EUNSUPPORTED,
     "rope_parameters: type \"dynamic\" is not supported, only \"default\", \"linear\" and "
     "\"llama3\""},
    {"{" BASE ",\"rope_parameters\":{\"full_attention\":{\"rope_theta\":1}}}", SW_EUNSUPPORTED,
     "rope_parameters: \"full_attention\": rotary parameters per kind of layer are not supported"},
    {"{" BASE ",\"rope_scaling\":{\"type\":\"linear\"}}", SW_EFORMAT,
     "rope_scaling: \"factor\" is missing"},
    {"{" BASE ",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,"
     "\"high_freq_factor\":4}}",
     SW_EFORMAT, "rope_scaling: \"high_freq_factor\" 4 is not above \"low_freq_factor\" 4"},
};

static void what_is_wrong_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct sw_config c;
        struct sw_error err = {0};
        char expected[512];
        snprintf(expected, sizeof expected, "config.json: %s", refusals[i].message);
        enum sw_code code = parse(&c, refusals[i].text, NULL, &err);
        if (code != refusals[i].code || strcmp(err.text, expected) != 0)
            fail_msg("%s\n  gives %d \"%s\"\n  not   %d \"%s\"", refusals[i].text, (int)code,
                     err.text, (int)refusals[i].code, expected);
    }
}

static void head_size_must_be_given_where_it_does_not_divide(void **state)
{
    (void)state;
    struct sw_config c;
    struct sw_error err;
    const char *odd = "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"hidden_size\":26,"
                      "\"intermediate_size\":5,\"num_attention_heads\":4,\"vocab_size\":9";
    char text[512];
    snprintf(text, sizeof text, "%s}", odd);
    assert_int_equal(parse(&c, text, NULL, &err), SW_EFORMAT);
    assert_string_equal(err.text, "config.json: \"hidden_size\" 26 is no multiple of "
                                  "\"num_attention_heads\" 4, and \"head_dim\" is missing");
    snprintf(text, sizeof text, "%s,\"head_dim\":8}", odd);
    accepts(&c, text);
    assert_int_equal(c.head_dim, 8);
}

static void deep_json_ends_with_an_error(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    char *text = malloc(DEPTH + 1);
    struct sw_config c;
    struct sw_error err;
    assert_non_null(text);
    memset(text, '[', DEPTH);
    text[DEPTH] = 0;
    assert_int_equal(parse(&c, text, NULL, &err), SW_EFORMAT);
    assert_non_null(strstr(err.text, "maximum parsing depth reached"));
    free(text);
}

static void missing_folder_is_absent(void **state)
{
    (void)state;
    struct sw_config c;
    struct sw_error err;
    assert_int_equal(sw_config_load(&c, "no/such/folder", &err), SW_EABSENT);
    assert_string_equal(err.text, "no/such/folder/config.json: No such file or directory");
}

static void published_config_is_read(void **state)
{
    (void)state;
    struct sw_config c;
    struct sw_error err = {0};
    const char *path = sw_shared_path("data/smollm-tokenizer/SmolLM2-135M-Instruct.config.json");
    if (path == NULL)
        SW_SKIP("the shared data is absent");
    static char text[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    if (sw_config_parse(&c, text, n, NULL, 0, path, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(sw_config_n_parameters(&c), 134515008);
    assert_int_equal(c.head_dim, 64);
    assert_true(c.rope_theta == 100000.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_config_has_the_defaults_of_the_reference),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(generation_config_wins),
        cmocka_unit_test(rope_is_read_in_both_spellings),
        cmocka_unit_test(rope_frequencies_follow_the_formulas),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(head_size_must_be_given_where_it_does_not_divide),
        cmocka_unit_test(deep_json_ends_with_an_error),
        cmocka_unit_test(missing_folder_is_absent),
        cmocka_unit_test(published_config_is_read),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
