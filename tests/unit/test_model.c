/* Checkpoint folders and synthetic weights: what is bound where, and every refusal by name. */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/number.h"
#include "model/model.h"
#include "support/alloc.h"
#include "support/folder.h"

/* A model of one layer: dim 4, hidden 6, 2 heads, 1 kv head, vocab 5. */
static const char base_config[] =
    "{\"architectures\":[\"LlamaForCausalLM\"],\"num_hidden_layers\":1,\"hidden_size\":4,"
    "\"intermediate_size\":6,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
    "\"vocab_size\":5,\"tie_word_embeddings\":";

struct part {
    const char *name;
    size_t n_rows, n_cols; /* n_rows 0: a vector */
    const char *dtype;
};

static const struct part base_parts[] = {
    {"model.embed_tokens.weight", 5, 4, "F32"},
    {"lm_head.weight", 5, 4, "F32"},
    {"model.norm.weight", 0, 4, "F32"},
    {"model.layers.0.input_layernorm.weight", 0, 4, "F32"},
    {"model.layers.0.post_attention_layernorm.weight", 0, 4, "F32"},
    {"model.layers.0.self_attn.q_proj.weight", 4, 4, "F32"},
    {"model.layers.0.self_attn.k_proj.weight", 2, 4, "F32"},
    {"model.layers.0.self_attn.v_proj.weight", 2, 4, "F32"},
    {"model.layers.0.self_attn.o_proj.weight", 4, 4, "F32"},
    {"model.layers.0.mlp.gate_proj.weight", 6, 4, "F32"},
    {"model.layers.0.mlp.up_proj.weight", 6, 4, "F32"},
    {"model.layers.0.mlp.down_proj.weight", 4, 6, "F32"},
};
enum { N_BASE = sizeof base_parts / sizeof *base_parts };

/* Writes the parts as one safetensors file. Element bytes of part i are all i + 1, unless same. */
static void write_parts(const char *folder, const char *file, const struct part *parts, size_t n,
                        bool same)
{
    struct sw_buffer header = {0}, data = {0}, whole = {0};
    sw_buffer_puts(&header, "{");
    for (size_t i = 0; i < n; i++) {
        size_t rows = parts[i].n_rows == 0 ? 1 : parts[i].n_rows;
        size_t bytes = rows * parts[i].n_cols * (parts[i].dtype[0] == 'F' ? 4 : 2);
        if (strcmp(parts[i].dtype, "F16") == 0)
            bytes /= 2;
        sw_buffer_printf(&header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i > 0 ? "," : "",
                         parts[i].name, parts[i].dtype);
        if (parts[i].n_rows > 0)
            sw_buffer_printf(&header, "%zu,", parts[i].n_rows);
        sw_buffer_printf(&header, "%zu],\"data_offsets\":[%zu,%zu]}", parts[i].n_cols, data.size,
                         data.size + bytes);
        for (size_t j = 0; j < bytes; j++)
            sw_buffer_append(&data, &(char){same ? 1 : (char)(i + 1)}, 1);
    }
    sw_buffer_puts(&header, "}");
    while (header.size % 8 != 0)
        sw_buffer_puts(&header, " ");
    uint64_t length = header.size; /* tests run on little-endian machines */
    sw_buffer_append(&whole, &length, sizeof length);
    sw_buffer_append(&whole, header.data, header.size);
    sw_buffer_append(&whole, data.data, data.size);
    assert_false(whole.failed);
    sw_test_folder_write(folder, file, whole.data, whole.size);
    sw_buffer_free(&header);
    sw_buffer_free(&data);
    sw_buffer_free(&whole);
}

static void write_config(const char *folder, bool tied, const char *more)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "%s%s%s}", base_config, tied ? "true" : "false", more);
    sw_test_folder_write(folder, "config.json", text, (size_t)n);
}

static struct sw_model *open_good(const char *folder)
{
    struct sw_model *model;
    struct sw_error err = {0};
    if (sw_model_open(&model, folder, NULL, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    return model;
}

/* The message begins with the folder. */
static void refuses(const char *folder, enum sw_code code, const char *message)
{
    struct sw_model *model;
    struct sw_error err = {0};
    char expected[1024];
    snprintf(expected, sizeof expected, "%s%s", folder, message);
    assert_int_equal(sw_model_open(&model, folder, NULL, NULL, &err), code);
    assert_string_equal(err.text, expected);
    assert_null(model);
}

static unsigned char first_byte(const struct sw_tensor *tensor)
{
    return *(const unsigned char *)tensor->data_view;
}

static void single_file_is_bound_by_name(void **state)
{
    (void)state;
    char *folder = sw_test_folder_create();
    write_config(folder, false, "");
    write_parts(folder, "model.safetensors", base_parts, N_BASE, false);
    struct sw_model *model = open_good(folder);
    const struct sw_weights *w = sw_model_weights(model);
    const struct sw_layer_weights *layer = &w->layers[0];
    const struct sw_tensor *tensors[N_BASE] = {
        &w->embedding,    &w->head,     &w->final_norm, &layer->attention_norm,
        &layer->mlp_norm, &layer->q,    &layer->k,      &layer->v,
        &layer->o,        &layer->gate, &layer->up,     &layer->down};
    for (size_t i = 0; i < N_BASE; i++) {
        assert_int_equal(first_byte(tensors[i]), i + 1);
        assert_int_equal(tensors[i]->n_rows, base_parts[i].n_rows == 0 ? 1 : base_parts[i].n_rows);
        assert_int_equal(tensors[i]->n_cols, base_parts[i].n_cols);
    }
    assert_null(layer->q_bias.data_view);
    assert_null(layer->down_bias.data_view);
    assert_false(sw_model_is_synthetic(model));
    assert_false(sw_model_config(model)->tied);
    assert_string_equal(sw_model_dtype_name(model), "f32");
    assert_int_equal(strlen(sw_model_hash(model)), 7 + 64);
    assert_memory_equal(sw_model_hash(model), "sha256:", 7);
    sw_model_close(model);
    sw_test_folder_remove(folder);
}

static void tied_matrix_may_have_either_name_or_both(void **state)
{
    (void)state;
    struct part parts[N_BASE];
    char *folder = sw_test_folder_create();
    write_config(folder, true, "");
    write_parts(folder, "model.safetensors", base_parts + 1, N_BASE - 1, false); /* head only */
    struct sw_model *model = open_good(folder);
    const struct sw_weights *w = sw_model_weights(model);
    assert_ptr_equal(w->embedding.data_view, w->head.data_view);
    assert_true(sw_model_config(model)->tied);
    sw_model_close(model);

    memcpy(parts, base_parts, sizeof parts);
    parts[1] = parts[0];
    write_parts(folder, "model.safetensors", parts + 1, N_BASE - 1, false); /* embedding only */
    model = open_good(folder);
    w = sw_model_weights(model);
    assert_ptr_equal(w->embedding.data_view, w->head.data_view);
    sw_model_close(model);

    write_parts(folder, "model.safetensors", base_parts, N_BASE, true); /* both, equal */
    model = open_good(folder);
    w = sw_model_weights(model);
    assert_ptr_equal(w->embedding.data_view, w->head.data_view);
    assert_true(sw_model_config(model)->tied);
    sw_model_close(model);

    write_parts(folder, "model.safetensors", base_parts, N_BASE, false); /* both, different */
    model = open_good(folder);
    w = sw_model_weights(model);
    assert_ptr_not_equal(w->embedding.data_view, w->head.data_view);
    assert_false(sw_model_config(model)->tied);
    sw_model_close(model);

    write_parts(folder, "model.safetensors", base_parts + 2, N_BASE - 2, false);
    refuses(folder, SW_EFORMAT,
            ": tensors \"model.embed_tokens.weight\" and \"lm_head.weight\" are both missing");
    sw_test_folder_remove(folder);
}

static void biases_are_bound_where_the_config_asks(void **state)
{
    (void)state;
    static const struct part more[] = {
        {"model.layers.0.self_attn.q_proj.bias", 0, 4, "F32"},
        {"model.layers.0.self_attn.k_proj.bias", 0, 2, "F32"},
        {"model.layers.0.self_attn.v_proj.bias", 0, 2, "F32"},
        {"model.layers.0.self_attn.o_proj.bias", 0, 4, "F32"},
        {"model.layers.0.mlp.gate_proj.bias", 0, 6, "F32"},
        {"model.layers.0.mlp.up_proj.bias", 0, 6, "F32"},
        {"model.layers.0.mlp.down_proj.bias", 0, 4, "F32"},
    };
    struct part parts[N_BASE + 7];
    memcpy(parts, base_parts, sizeof base_parts);
    memcpy(parts + N_BASE, more, sizeof more);
    char *folder = sw_test_folder_create();
    write_parts(folder, "model.safetensors", parts, N_BASE + 7, false);
    write_config(folder, false, ",\"attention_bias\":true,\"mlp_bias\":true");
    struct sw_model *model = open_good(folder);
    const struct sw_layer_weights *layer = &sw_model_weights(model)->layers[0];
    assert_int_equal(first_byte(&layer->q_bias), N_BASE + 1);
    assert_int_equal(first_byte(&layer->o_bias), N_BASE + 4);
    assert_int_equal(layer->up_bias.n_cols, 6);
    assert_int_equal(first_byte(&layer->down_bias), N_BASE + 7);
    sw_model_close(model);

    write_config(folder, false, ",\"mlp_bias\":true");
    refuses(folder, SW_EUNSUPPORTED,
            ": tensor \"model.layers.0.self_attn.k_proj.bias\" is no part of the model that "
            "config.json describes");
    write_parts(folder, "model.safetensors", parts, N_BASE + 6, false);
    write_config(folder, false, ",\"attention_bias\":true,\"mlp_bias\":true");
    refuses(folder, SW_EFORMAT, ": tensor \"model.layers.0.mlp.down_proj.bias\" is missing");
    sw_test_folder_remove(folder);
}

static void tensors_must_fit_the_config(void **state)
{
    (void)state;
    struct part parts[N_BASE + 1];
    char *folder = sw_test_folder_create();
    write_config(folder, false, "");
    write_parts(folder, "model.safetensors", base_parts, N_BASE - 1, false);
    refuses(folder, SW_EFORMAT, ": tensor \"model.layers.0.mlp.down_proj.weight\" is missing");

    write_parts(folder, "model.safetensors", base_parts + 1, N_BASE - 1, false);
    refuses(folder, SW_EFORMAT, ": tensor \"model.embed_tokens.weight\" is missing");

    memcpy(parts, base_parts, sizeof base_parts);
    parts[6].n_rows = 4;
    write_parts(folder, "model.safetensors", parts, N_BASE, false);
    refuses(folder, SW_EFORMAT,
            ": tensor \"model.layers.0.self_attn.k_proj.weight\" has shape [4, 4], config.json "
            "asks for [2, 4]");

    memcpy(parts, base_parts, sizeof base_parts);
    parts[2].n_rows = 1;
    write_parts(folder, "model.safetensors", parts, N_BASE, false);
    refuses(folder, SW_EFORMAT,
            ": tensor \"model.norm.weight\" has shape [1, 4], config.json asks for [4]");

    memcpy(parts, base_parts, sizeof base_parts);
    parts[N_BASE] = (struct part){"model.layers.0.self_attn.q_norm.weight", 0, 4, "F32"};
    write_parts(folder, "model.safetensors", parts, N_BASE + 1, false);
    refuses(folder, SW_EUNSUPPORTED,
            ": tensor \"model.layers.0.self_attn.q_norm.weight\" is no part of the model that "
            "config.json describes");

    parts[N_BASE].name = "model.layers.0.self_attn.rotary_emb.inv_freq";
    write_parts(folder, "model.safetensors", parts, N_BASE + 1, false);
    sw_model_close(open_good(folder));

    parts[5].dtype = "BF16";
    write_parts(folder, "model.safetensors", parts, N_BASE, false);
    struct sw_model *model = open_good(folder);
    assert_string_equal(sw_model_dtype_name(model), "mixed");
    sw_model_close(model);
    sw_test_folder_remove(folder);
}

/* Index text whose first tensor is given the file first, the rest "b.safetensors". */
static void write_index(const char *folder, const char *first, size_t n)
{
    struct sw_buffer text = {0};
    sw_buffer_printf(&text, "{\"metadata\":{\"total_size\":1},\"weight_map\":{\"%s\":%s",
                     base_parts[0].name, first);
    for (size_t i = 1; i < n; i++)
        sw_buffer_printf(&text, ",\"%s\":\"b.safetensors\"", base_parts[i].name);
    sw_buffer_puts(&text, "}}");
    sw_test_folder_write(folder, "model.safetensors.index.json", text.data, text.size);
    sw_buffer_free(&text);
}

static void shards_follow_the_index(void **state)
{
    (void)state;
    char *folder = sw_test_folder_create();
    write_config(folder, false, "");
    refuses(folder, SW_EABSENT,
            ": holds neither model.safetensors nor model.safetensors.index.json");
    sw_test_folder_write(folder, "pytorch_model.bin", "x", 1);
    refuses(folder, SW_EUNSUPPORTED,
            ": holds its weights as pytorch_model.bin; only safetensors files are read");

    write_index(folder, "\"a.safetensors\"", N_BASE);
    refuses(folder, SW_EABSENT, "/a.safetensors: No such file or directory");
    write_parts(folder, "a.safetensors", base_parts, 1, false);
    write_parts(folder, "b.safetensors", base_parts + 1, N_BASE - 1, false);
    struct sw_model *model = open_good(folder);
    assert_int_equal(first_byte(&sw_model_weights(model)->embedding), 1);
    assert_int_equal(first_byte(&sw_model_weights(model)->head), 1);
    assert_int_equal(first_byte(&sw_model_weights(model)->layers[0].down), N_BASE - 1);
    sw_model_close(model);

#define INDEX "/model.safetensors.index.json: "
    static const char *const names[] = {"../a.safetensors", "/etc/passwd", "..", ".", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char quoted[64], expected[256];
        snprintf(quoted, sizeof quoted, "\"%s\"", names[i]);
        write_index(folder, quoted, N_BASE);
        snprintf(expected, sizeof expected,
                 INDEX "tensor \"model.embed_tokens.weight\" is given %s, which is no file name of "
                       "this folder",
                 quoted);
        refuses(folder, SW_EFORMAT, expected);
    }
    write_index(folder, "7", N_BASE);
    refuses(folder, SW_EFORMAT,
            INDEX "tensor \"model.embed_tokens.weight\" is given something that is not a string, "
                  "which is no file name of this folder");
    write_index(folder, "\"b.safetensors\"", N_BASE);
    refuses(folder, SW_EFORMAT,
            INDEX "tensor \"model.embed_tokens.weight\" is missing from \"b.safetensors\"");
    write_index(folder, "\"a.safetensors\"", N_BASE - 1);
    refuses(folder, SW_EFORMAT,
            INDEX "tensor \"model.layers.0.mlp.down_proj.weight\" is in \"b.safetensors\", but the "
                  "index puts it in no file");
    write_parts(folder, "a.safetensors", base_parts, 2, false);
    write_index(folder, "\"a.safetensors\"", N_BASE);
    refuses(folder, SW_EFORMAT,
            INDEX "tensor \"lm_head.weight\" is in \"a.safetensors\", but the index puts it in "
                  "\"b.safetensors\"");
    static const char empty[] = "{\"weight_map\":{}}";
    sw_test_folder_write(folder, "model.safetensors.index.json", empty, sizeof empty - 1);
    refuses(folder, SW_EFORMAT, INDEX "\"weight_map\" is not an object with tensors");
    sw_test_folder_remove(folder);
}

static void each_failing_allocation_is_an_error(void **state)
{
    (void)state;
    char *folder = sw_test_folder_create();
    write_config(folder, false, "");
    write_index(folder, "\"a.safetensors\"", N_BASE);
    write_parts(folder, "a.safetensors", base_parts, 1, false);
    write_parts(folder, "b.safetensors", base_parts + 1, N_BASE - 1, false);
    const char *const names[] = {folder, "synthetic:2,8,12,2,1,9"};
    for (size_t i = 0; i < 2; i++) {
        long n = 0;
        for (bool failed = true; failed; n++) {
            struct sw_model *model;
            struct sw_error err = {0};
            sw_test_alloc_fail_from(n);
            enum sw_code code = sw_model_open(&model, names[i], NULL, NULL, &err);
            failed = sw_test_alloc_normal();
            /* OpenSSL's and stdio's own memory is not wrapped. */
            assert_int_equal(code != SW_OK, failed);
            if (code != SW_OK) {
                assert_null(model);
                assert_true(strlen(err.text) > 0);
            }
            sw_model_close(model);
        }
        assert_true(n > 2);
    }
    sw_test_folder_remove(folder);
}

static void hash_changes_with_what_it_covers(void **state)
{
    (void)state;
    char first[128], second[128];
    char *folder = sw_test_folder_create();
    write_parts(folder, "model.safetensors", base_parts, N_BASE, false);
    write_config(folder, false, "");
    struct sw_model *model = open_good(folder);
    snprintf(first, sizeof first, "%s", sw_model_hash(model));
    sw_model_close(model);
    model = open_good(folder);
    assert_string_equal(sw_model_hash(model), first);
    sw_model_close(model);
    write_config(folder, false, ",\"rms_norm_eps\":1e-5");
    model = open_good(folder);
    snprintf(second, sizeof second, "%s", sw_model_hash(model));
    assert_string_not_equal(second, first);
    sw_model_close(model);
    sw_test_folder_remove(folder);
}

static void missing_folder_is_absent(void **state)
{
    (void)state;
    refuses("no/such/folder", SW_EABSENT, ": not a folder");
}

static void trained_model_is_bound(void **state)
{
    (void)state;
    const char *path = sw_shared_path("data/story-llama-hf");
    if (path == NULL)
        SW_SKIP("the shared data is absent");
    struct sw_model *model = open_good(path);
    assert_int_equal(sw_config_n_parameters(sw_model_config(model)), 656000);
    assert_true(sw_model_config(model)->tied);
    assert_int_equal(sw_model_config(model)->eos_ids[0], 2);
    assert_int_equal(sw_model_weight_bytes(model), 2626168);
    sw_model_close(model);
}

static void same_values_on_any_number_of_threads(void **state)
{
    (void)state;
    static const char name[] = "synthetic:2,64,96,4,2,9001,33";
    struct sw_model *alone, *model;
    assert_int_equal(sw_model_open(&alone, name, NULL, NULL, NULL), SW_OK);
    const struct sw_config *c = sw_model_config(alone);
    assert_int_equal(c->n_layers, 2);
    assert_int_equal(c->dim, 64);
    assert_int_equal(c->hidden_dim, 96);
    assert_int_equal(c->n_heads, 4);
    assert_int_equal(c->n_kv_heads, 2);
    assert_int_equal(c->vocab_size, 9001);
    assert_int_equal(c->max_positions, 33);
    assert_int_equal(c->head_dim, 16);
    assert_true(c->tied);
    assert_int_equal(c->n_eos, 0);
    assert_string_equal(sw_model_hash(alone), "synthetic:2,64,96,4,2,9001,33;seed=0");
    for (int n_threads = 2; n_threads <= 5; n_threads += 3) {
        struct sw_pool *pool;
        struct sw_pool_options options = {.n_threads = n_threads, .no_pinning = true};
        assert_int_equal(sw_pool_create(&pool, &options, NULL), SW_OK);
        assert_int_equal(sw_model_open(&model, name, NULL, pool, NULL), SW_OK);
        assert_int_equal(sw_model_weight_bytes(model), sw_model_weight_bytes(alone));
        assert_memory_equal(sw_model_weights(model)->embedding.data_view,
                            sw_model_weights(alone)->embedding.data_view,
                            sw_model_weight_bytes(alone));
        sw_model_close(model);
        sw_pool_destroy(pool);
    }
    struct sw_model_options other = {.seed = 1};
    assert_int_equal(sw_model_open(&model, name, &other, NULL, NULL), SW_OK);
    assert_true(sw_tensor_at(&sw_model_weights(model)->embedding, 0) !=
                sw_tensor_at(&sw_model_weights(alone)->embedding, 0));
    sw_model_close(model);

    const struct sw_tensor *embedding = &sw_model_weights(alone)->embedding;
    double sum = 0, squares = 0;
    size_t n = embedding->n_rows * embedding->n_cols;
    for (size_t i = 0; i < n; i++) {
        double x = sw_tensor_at(embedding, i);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / (double)n) < 1e-4);
    assert_true(fabs(sqrt(squares / (double)n) - 0.02) < 1e-4);
    assert_true(sw_tensor_at(&sw_model_weights(alone)->final_norm, 63) == 1.0f);
    assert_true(sw_tensor_at(&sw_model_weights(alone)->layers[1].mlp_norm, 0) == 1.0f);
    sw_model_close(alone);
}

static void published_shapes_have_their_parameters(void **state)
{
    (void)state;
    struct sw_model *model;
    assert_int_equal(sw_model_open(&model, "synthetic:smollm-135m", NULL, NULL, NULL), SW_OK);
    assert_int_equal(sw_config_n_parameters(sw_model_config(model)), 134515008);
    assert_int_equal(sw_model_config(model)->max_positions, 2048);
    assert_string_equal(sw_model_dtype_name(model), "f32");
    sw_model_close(model);
}

static void synthetic_names_are_checked(void **state)
{
    (void)state;
#define HELP                                                                                       \
    " (a shape is smollm-135m, smollm-360m, smollm-1.7b or "                                       \
    "layers,dim,hidden,heads,kv_heads,vocab[,positions])"
    static const char *const cases[][2] = {
        {"synthetic:", ": layers is \"\", not a whole number from 1 to 4096" HELP},
        {"synthetic:gpt2", ": layers is \"gpt2\", not a whole number from 1 to 4096" HELP},
        {"synthetic:1,2", ": hidden is missing"},
        {"synthetic:1,8,8,2,1", ": vocab is missing"},
        {"synthetic:1,8,8,2,1,0", ": vocab is \"0\", not a whole number from 1 to 16777216" HELP},
        {"synthetic:1,8,8,2,1,9,9,9", ": more than 7 sizes"},
        {"synthetic:1,8,8,2,1,9,",
         ": positions is \"\", not a whole number from 1 to 67108864" HELP},
        {"synthetic:1,6,8,2,1,9", ": dim 6 is no even multiple of 2 heads"},
        {"synthetic:1,12,8,3,2,9", ": 3 heads are no multiple of 2 kv_heads"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i][0], SW_EUSAGE, cases[i][1]);
    struct sw_model *model;
    struct sw_error err = {0};
    static const char vast[] = "synthetic:4096,262144,262144,4096,4096,16777216";
    assert_int_equal(sw_model_open(&model, vast, NULL, NULL, &err), SW_ENOMEM);
    assert_non_null(strstr(err.text, ": the weights take "));
    assert_true(sw_model_name_is_synthetic(vast));
    assert_false(sw_model_name_is_synthetic("./synthetic:1"));
}

int main(void)
{
    sw_test_alloc_count_json();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_file_is_bound_by_name),
        cmocka_unit_test(tied_matrix_may_have_either_name_or_both),
        cmocka_unit_test(biases_are_bound_where_the_config_asks),
        cmocka_unit_test(tensors_must_fit_the_config),
        cmocka_unit_test(shards_follow_the_index),
        cmocka_unit_test(each_failing_allocation_is_an_error),
        cmocka_unit_test(hash_changes_with_what_it_covers),
        cmocka_unit_test(missing_folder_is_absent),
        cmocka_unit_test(trained_model_is_bound),
        cmocka_unit_test(same_values_on_any_number_of_threads),
        cmocka_unit_test(published_shapes_have_their_parameters),
        cmocka_unit_test(synthetic_names_are_checked),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
