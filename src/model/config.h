/* Shape and constants of a Llama-architecture model, from config.json and generation_config.json.
 */
#ifndef SW_MODEL_CONFIG_H
#define SW_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum sw_rope_scaling { SW_ROPE_PLAIN, SW_ROPE_LINEAR, SW_ROPE_LLAMA3 };

enum { SW_MAX_EOS = 16 };

struct sw_config {
    size_t n_layers;
    size_t dim;        /* hidden_size */
    size_t hidden_dim; /* intermediate_size */
    size_t n_heads;
    size_t n_kv_heads; /* divides n_heads */
    size_t head_dim;   /* even; hidden_size / n_heads unless given */
    size_t vocab_size;
    size_t max_positions; /* max_position_embeddings */
    float rms_eps;
    bool tied;           /* one matrix embeds and predicts */
    bool attention_bias; /* q, k, v, o have biases */
    bool mlp_bias;       /* gate, up, down have biases */

    double rope_theta;
    enum sw_rope_scaling rope_scaling;
    double rope_factor;                                 /* linear and llama3 */
    double rope_low_freq_factor, rope_high_freq_factor; /* llama3 */
    double rope_original_max_positions;                 /* llama3 */

    int32_t bos_id; /* -1 where the file names none */
    int32_t eos_ids[SW_MAX_EOS];
    size_t n_eos; /* generation_config.json wins over config.json; 0: nothing stops early */
};

/* Reads folder/config.json and, where it is there, folder/generation_config.json. Every number is
 * range-checked; an architecture, activation or scaling that we do not compute is refused by name.
 */
enum sw_code sw_config_load(struct sw_config *out, const char *folder, struct sw_error *err);

/* The same from bytes (generation may be NULL); name stands for the file in messages. */
enum sw_code sw_config_parse(struct sw_config *out, const char *config, size_t config_size,
                             const char *generation, size_t generation_size, const char *name,
                             struct sw_error *err);

/* Rotary frequencies as the reference library computes them, in float: (head_dim / 2). */
void sw_config_rope_frequencies(float *frequency, const struct sw_config *config);

/* Parameters, tied matrix counted once. */
uint64_t sw_config_n_parameters(const struct sw_config *config);

#endif
