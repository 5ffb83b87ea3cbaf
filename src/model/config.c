/*
 * config.json and generation_config.json of a Llama checkpoint, in the spelling of transformers 4
 * (rope_theta, rope_scaling, torch_dtype) and of transformers 5 (rope_parameters, dtype). Keys that
 * do not change the arithmetic are ignored; those that would are refused by name.
 */
#include "model/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

/* Far above every published Llama; small enough that no product of two overflows 64 bits. */
enum {
    MAX_LAYERS = 4096,
    MAX_DIM = 1 << 18,
    MAX_HEADS = 4096,
    MAX_HEAD_DIM = 4096,
    MAX_VOCAB = 1 << 24,
    MAX_POSITIONS = 1 << 26,
    MAX_FILE_BYTES = 1 << 20
};

/* One JSON object and its name in messages. */
struct source {
    const json_t *object;
    const char *where;
};

static enum sw_code read_size(size_t *out, struct source in, const char *key, size_t max,
                              struct sw_error *err)
{
    uint64_t value;
    enum sw_code code = sw_json_u64(&value, in.object, key, 1, max, in.where, err);
    if (code == SW_OK)
        *out = (size_t)value;
    return code;
}

static enum sw_code read_size_or(size_t *out, struct source in, const char *key, size_t fallback,
                                 size_t max, struct sw_error *err)
{
    uint64_t value;
    enum sw_code code = sw_json_u64_or(&value, in.object, key, fallback, 1, max, in.where, err);
    if (code == SW_OK)
        *out = (size_t)value;
    return code;
}

static enum sw_code check_text(struct source in, const char *key, const char *expected,
                               struct sw_error *err)
{
    const char *text;
    enum sw_code code = sw_json_string_or(&text, in.object, key, expected, in.where, err);
    if (code == SW_OK && strcmp(text, expected) != 0)
        code = sw_fail(err, SW_EUNSUPPORTED, "%s: \"%s\" is \"%s\"; only \"%s\" is supported",
                       in.where, key, text, expected);
    return code;
}

/* architectures names the class, model_type the family; either may be left out, not both. */
static enum sw_code check_architecture(struct source in, struct sw_error *err)
{
    const json_t *list = json_object_get(in.object, "architectures");
    const json_t *type = json_object_get(in.object, "model_type");
    if ((list == NULL || json_is_null(list)) && (type == NULL || json_is_null(type)))
        return sw_fail(err, SW_EFORMAT, "%s: \"architectures\" and \"model_type\" are missing",
                       in.where);
    enum sw_code code = check_text(in, "model_type", "llama", err);
    if (code != SW_OK || list == NULL || json_is_null(list))
        return code;
    const char *name = json_string_value(json_array_get(list, 0));
    if (name == NULL || json_array_size(list) != 1)
        return sw_fail(err, SW_EFORMAT, "%s: \"architectures\" is not a list of one name",
                       in.where);
    if (strcmp(name, "LlamaForCausalLM") != 0)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: architecture \"%s\" is not supported, only \"LlamaForCausalLM\"",
                       in.where, name);
    return SW_OK;
}

/* Settings that change the arithmetic in a way that we do not compute. A key is harmless where it
 * is missing, null, false, or (numbers) equal to neutral. */
static enum sw_code check_unsupported(struct source in, struct sw_error *err)
{
    static const struct {
        const char *key;
        double neutral; /* a number that changes nothing; NAN: every number changes something */
    } settings[] = {
        {"quantization_config", NAN},  {"compression_config", NAN},
        {"sliding_window", NAN},       {"use_sliding_window", NAN},
        {"rope_interleaved", NAN},     {"partial_rotary_factor", 1.0},
        {"logit_scale", 1.0},          {"logits_scaling", 1.0},
        {"embedding_multiplier", 1.0}, {"residual_multiplier", 1.0},
        {"num_local_experts", NAN},    {"num_experts", NAN},
        {"use_qk_norm", NAN},          {"final_logit_softcapping", NAN},
        {"is_encoder_decoder", NAN},   {"attn_logit_softcapping", NAN},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const json_t *value = json_object_get(in.object, settings[i].key);
        if (value == NULL || json_is_null(value) || json_is_false(value))
            continue;
        if (json_is_number(value) && json_number_value(value) == settings[i].neutral)
            continue;
        return sw_fail(err, SW_EUNSUPPORTED, "%s: \"%s\" is set, which is not supported", in.where,
                       settings[i].key);
    }
    const json_t *layer_types = json_object_get(in.object, "layer_types");
    for (size_t i = 0; i < json_array_size(layer_types); i++) {
        const char *type = json_string_value(json_array_get(layer_types, i));
        if (type == NULL || strcmp(type, "full_attention") != 0)
            return sw_fail(err, SW_EUNSUPPORTED,
                           "%s: layer %zu is not of type \"full_attention\", which alone is "
                           "supported",
                           in.where, i);
    }
    return check_text(in, "hidden_act", "silu", err);
}

static enum sw_code read_shape(struct sw_config *out, struct source in, struct sw_error *err)
{
    enum sw_code code;
    double eps;
    if ((code = read_size(&out->n_layers, in, "num_hidden_layers", MAX_LAYERS, err)) != SW_OK ||
        (code = read_size(&out->dim, in, "hidden_size", MAX_DIM, err)) != SW_OK ||
        (code = read_size(&out->hidden_dim, in, "intermediate_size", MAX_DIM, err)) != SW_OK ||
        (code = read_size(&out->n_heads, in, "num_attention_heads", MAX_HEADS, err)) != SW_OK ||
        (code = read_size_or(&out->n_kv_heads, in, "num_key_value_heads", out->n_heads, MAX_HEADS,
                             err)) != SW_OK ||
        (code = read_size(&out->vocab_size, in, "vocab_size", MAX_VOCAB, err)) != SW_OK ||
        (code = read_size_or(&out->max_positions, in, "max_position_embeddings", 2048,
                             MAX_POSITIONS, err)) != SW_OK ||
        (code = sw_json_double_or(&eps, in.object, "rms_norm_eps", 1e-6, 0.0, 1.0, in.where,
                                  err)) != SW_OK ||
        (code = sw_json_bool_or(&out->tied, in.object, "tie_word_embeddings", false, in.where,
                                err)) != SW_OK ||
        (code = sw_json_bool_or(&out->attention_bias, in.object, "attention_bias", false, in.where,
                                err)) != SW_OK ||
        (code = sw_json_bool_or(&out->mlp_bias, in.object, "mlp_bias", false, in.where, err)) !=
            SW_OK)
        return code;
    out->rms_eps = (float)eps;

    const json_t *head_dim = json_object_get(in.object, "head_dim");
    if ((head_dim == NULL || json_is_null(head_dim)) && out->dim % out->n_heads != 0)
        return sw_fail(err, SW_EFORMAT,
                       "%s: \"hidden_size\" %zu is no multiple of \"num_attention_heads\" %zu, and "
                       "\"head_dim\" is missing",
                       in.where, out->dim, out->n_heads);
    code = read_size_or(&out->head_dim, in, "head_dim",
                        out->dim >= out->n_heads ? out->dim / out->n_heads : 1, MAX_HEAD_DIM, err);
    if (code != SW_OK)
        return code;
    if (out->head_dim > MAX_HEAD_DIM)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: the head size %zu is above %d", in.where,
                       out->head_dim, MAX_HEAD_DIM);
    if (out->head_dim % 2 != 0)
        return sw_fail(err, SW_EFORMAT,
                       "%s: the head size %zu is odd; rotary positions need an even one", in.where,
                       out->head_dim);
    if (out->n_heads % out->n_kv_heads != 0)
        return sw_fail(err, SW_EFORMAT,
                       "%s: \"num_attention_heads\" %zu is no multiple of \"num_key_value_heads\" "
                       "%zu",
                       in.where, out->n_heads, out->n_kv_heads);
    return SW_OK;
}

static enum sw_code read_required_double(double *out, struct source in, const char *key, double min,
                                         double max, struct sw_error *err)
{
    enum sw_code code = sw_json_double_or(out, in.object, key, NAN, min, max, in.where, err);
    if (code == SW_OK && isnan(*out))
        code = sw_fail(err, SW_EFORMAT, "%s: \"%s\" is missing", in.where, key);
    return code;
}

static enum sw_code read_rope_llama3(struct sw_config *out, struct source rope, struct source top,
                                     struct sw_error *err)
{
    enum sw_code code;
    double positions = (double)out->max_positions;
    if ((code = read_required_double(&out->rope_low_freq_factor, rope, "low_freq_factor", 1e-3, 1e6,
                                     err)) != SW_OK ||
        (code = read_required_double(&out->rope_high_freq_factor, rope, "high_freq_factor", 1e-3,
                                     1e6, err)) != SW_OK ||
        (code = sw_json_double_or(&positions, rope.object, "original_max_position_embeddings",
                                  positions, 1, MAX_POSITIONS, rope.where, err)) != SW_OK ||
        /* The reference lets the top-level spelling win. */
        (code = sw_json_double_or(&positions, top.object, "original_max_position_embeddings",
                                  positions, 1, MAX_POSITIONS, top.where, err)) != SW_OK)
        return code;
    out->rope_original_max_positions = positions;
    if (out->rope_high_freq_factor <= out->rope_low_freq_factor)
        return sw_fail(err, SW_EFORMAT,
                       "%s: \"high_freq_factor\" %g is not above \"low_freq_factor\" %g",
                       rope.where, out->rope_high_freq_factor, out->rope_low_freq_factor);
    return SW_OK;
}

static enum sw_code read_rope(struct sw_config *out, struct source in, struct sw_error *err)
{
    enum sw_code code = sw_json_double_or(&out->rope_theta, in.object, "rope_theta", 10000.0, 1.0,
                                          1e15, in.where, err);
    if (code != SW_OK)
        return code;
    const char *key = "rope_scaling"; /* wins over rope_parameters, as in the reference */
    const json_t *object = json_object_get(in.object, key);
    if (object == NULL || json_is_null(object) ||
        (json_is_object(object) && json_object_size(object) == 0)) {
        key = "rope_parameters";
        object = json_object_get(in.object, key);
    }
    out->rope_scaling = SW_ROPE_PLAIN;
    out->rope_factor = 1.0;
    if (object == NULL || json_is_null(object))
        return SW_OK;
    char where[512];
    snprintf(where, sizeof where, "%.480s: %s", in.where, key);
    if (!json_is_object(object))
        return sw_fail(err, SW_EFORMAT, "%s is not an object", where);
    struct source rope = {object, where};
    const char *nested;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, nested, value)
    {
        if (json_is_object(value))
            return sw_fail(err, SW_EUNSUPPORTED,
                           "%s: \"%s\": rotary parameters per kind of layer are not supported",
                           where, nested);
    }
    const char *type;
    double partial;
    if ((code = sw_json_string_or(&type, object, "type", "default", where, err)) != SW_OK ||
        (code = sw_json_string_or(&type, object, "rope_type", type, where, err)) != SW_OK ||
        (code = sw_json_double_or(&out->rope_theta, object, "rope_theta", out->rope_theta, 1.0,
                                  1e15, where, err)) != SW_OK ||
        (code = sw_json_double_or(&partial, object, "partial_rotary_factor", 1.0, 0.0, 1.0, where,
                                  err)) != SW_OK)
        return code;
    if (partial != 1.0)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: \"partial_rotary_factor\" %g is not supported",
                       where, partial);
    if (strcmp(type, "default") == 0)
        return SW_OK;
    if (strcmp(type, "linear") != 0 && strcmp(type, "llama3") != 0)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: type \"%s\" is not supported, only \"default\", \"linear\" and "
                       "\"llama3\"",
                       where, type);
    code = read_required_double(&out->rope_factor, rope, "factor", 1e-3, 1e6, err);
    if (code != SW_OK)
        return code;
    out->rope_scaling = SW_ROPE_LINEAR;
    if (strcmp(type, "linear") == 0)
        return SW_OK;
    out->rope_scaling = SW_ROPE_LLAMA3;
    return read_rope_llama3(out, rope, in, err);
}

static enum sw_code read_id(int32_t *out, const json_t *value, const struct sw_config *config,
                            const char *key, const char *where, struct sw_error *err)
{
    if (!json_is_integer(value))
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is not a token id", where, key);
    json_int_t id = json_integer_value(value);
    if (id < 0 || (uint64_t)id >= config->vocab_size)
        return sw_fail(err, SW_EFORMAT,
                       "%s: \"%s\" is %" JSON_INTEGER_FORMAT ", outside the vocabulary of %zu",
                       where, key, id, config->vocab_size);
    *out = (int32_t)id;
    return SW_OK;
}

/* Ids that this file names replace those named before. */
static enum sw_code read_special_ids(struct sw_config *out, struct source in, struct sw_error *err)
{
    enum sw_code code;
    const json_t *bos = json_object_get(in.object, "bos_token_id");
    if (bos != NULL && !json_is_null(bos)) {
        code = read_id(&out->bos_id, bos, out, "bos_token_id", in.where, err);
        if (code != SW_OK)
            return code;
    }
    const json_t *eos = json_object_get(in.object, "eos_token_id");
    if (eos == NULL || json_is_null(eos))
        return SW_OK;
    if (!json_is_array(eos)) {
        out->n_eos = 1;
        return read_id(&out->eos_ids[0], eos, out, "eos_token_id", in.where, err);
    }
    if (json_array_size(eos) > SW_MAX_EOS)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: \"eos_token_id\" names %zu ids, above %d",
                       in.where, json_array_size(eos), SW_MAX_EOS);
    out->n_eos = json_array_size(eos);
    for (size_t i = 0; i < out->n_eos; i++) {
        code =
            read_id(&out->eos_ids[i], json_array_get(eos, i), out, "eos_token_id", in.where, err);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

static enum sw_code parse_object(json_t **out, const char *bytes, size_t size, const char *where,
                                 struct sw_error *err)
{
    enum sw_code code = sw_json_parse(out, bytes, size, where, err);
    if (code == SW_OK && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        code = sw_fail(err, SW_EFORMAT, "%s: not a JSON object", where);
    }
    return code;
}

static enum sw_code config_parse(struct sw_config *out, const char *config, size_t config_size,
                                 const char *config_name, const char *generation,
                                 size_t generation_size, const char *generation_name,
                                 struct sw_error *err)
{
    json_t *top = NULL, *other = NULL;
    memset(out, 0, sizeof *out);
    out->bos_id = -1;
    enum sw_code code = parse_object(&top, config, config_size, config_name, err);
    if (code != SW_OK)
        return code;
    struct source in = {top, config_name};
    if ((code = check_architecture(in, err)) != SW_OK ||
        (code = check_unsupported(in, err)) != SW_OK ||
        (code = read_shape(out, in, err)) != SW_OK || (code = read_rope(out, in, err)) != SW_OK ||
        (code = read_special_ids(out, in, err)) != SW_OK)
        goto done;
    if (generation == NULL)
        goto done;
    code = parse_object(&other, generation, generation_size, generation_name, err);
    if (code == SW_OK)
        code = read_special_ids(out, (struct source){other, generation_name}, err);
done:
    json_decref(top);
    json_decref(other);
    return code;
}

enum sw_code sw_config_parse(struct sw_config *out, const char *config, size_t config_size,
                             const char *generation, size_t generation_size, const char *name,
                             struct sw_error *err)
{
    char generation_name[512];
    snprintf(generation_name, sizeof generation_name, "%.480s (generation)", name);
    return config_parse(out, config, config_size, name, generation, generation_size,
                        generation_name, err);
}

enum sw_code sw_config_load(struct sw_config *out, const char *folder, struct sw_error *err)
{
    struct sw_buffer config = {0}, generation = {0};
    enum sw_code code;
    char *config_path = sw_path_join_dup(folder, "config.json");
    char *generation_path = sw_path_join_dup(folder, "generation_config.json");
    if (config_path == NULL || generation_path == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
        goto done;
    }
    code = sw_file_read(&config, config_path, MAX_FILE_BYTES, err);
    if (code != SW_OK)
        goto done;
    bool has_generation = sw_file_exists(generation_path);
    if (has_generation) {
        code = sw_file_read(&generation, generation_path, MAX_FILE_BYTES, err);
        if (code != SW_OK)
            goto done;
    }
    const char *generation_text = generation.data != NULL ? generation.data : "";
    code = config_parse(out, config.data != NULL ? config.data : "", config.size, config_path,
                        has_generation ? generation_text : NULL, generation.size, generation_path,
                        err);
done:
    sw_buffer_free(&config);
    sw_buffer_free(&generation);
    free(config_path);
    free(generation_path);
    return code;
}

/* The llama3 rule (transformers, modeling_rope_utils.py; Llama 3.1's own reference code): long
 * waves are slowed by factor, short ones kept, those between blended. */
static float llama3_frequency(float frequency, const struct sw_config *config)
{
    float positions = (float)config->rope_original_max_positions;
    float low = (float)config->rope_low_freq_factor, high = (float)config->rope_high_freq_factor;
    float wavelength = (float)(2.0 * 3.14159265358979323846) / frequency;
    if (wavelength < positions / high)
        return frequency;
    if (wavelength > positions / low)
        return frequency / (float)config->rope_factor;
    float smooth = (positions / wavelength - low) / (high - low);
    return (1.0f - smooth) * frequency / (float)config->rope_factor + smooth * frequency;
}

void sw_config_rope_frequencies(float *frequency, const struct sw_config *config)
{
    for (size_t i = 0; i < config->head_dim / 2; i++) {
        float exponent = (float)(2 * i) / (float)config->head_dim;
        float plain = 1.0f / powf((float)config->rope_theta, exponent);
        switch (config->rope_scaling) {
        case SW_ROPE_PLAIN:
            frequency[i] = plain;
            break;
        case SW_ROPE_LINEAR:
            frequency[i] = plain / (float)config->rope_factor;
            break;
        case SW_ROPE_LLAMA3:
            frequency[i] = llama3_frequency(plain, config);
            break;
        }
    }
}

uint64_t sw_config_n_parameters(const struct sw_config *c)
{
    uint64_t q_rows = (uint64_t)c->n_heads * c->head_dim;
    uint64_t kv_rows = (uint64_t)c->n_kv_heads * c->head_dim;
    uint64_t layer = 2 * c->dim + 2 * q_rows * c->dim + 2 * kv_rows * c->dim +
                     3 * (uint64_t)c->hidden_dim * c->dim;
    if (c->attention_bias)
        layer += q_rows + 2 * kv_rows + c->dim;
    if (c->mlp_bias)
        layer += 2 * c->hidden_dim + c->dim;
    return c->n_layers * layer + c->dim + (c->tied ? 1 : 2) * (uint64_t)c->vocab_size * c->dim;
}
