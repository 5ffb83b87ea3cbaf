/* config.json, and behind the first NUL byte generation_config.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    const char *end = size > 0 ? memchr(text, 0, size) : NULL;
    size_t config_size = end != NULL ? (size_t)(end - text) : size;
    struct sw_config config;
    struct sw_error err;
    if (sw_config_parse(&config, text, config_size, end != NULL ? end + 1 : NULL,
                        end != NULL ? size - config_size - 1 : 0, "fuzz", &err) != SW_OK)
        return 0;
    /* What is accepted can be computed with. */
    float *frequency = malloc(config.head_dim / 2 * sizeof *frequency);
    if (frequency == NULL)
        return 0;
    sw_config_rope_frequencies(frequency, &config);
    for (size_t i = 0; i < config.head_dim / 2; i++) {
        if (!isfinite(frequency[i]) || frequency[i] < 0.0f)
            abort();
    }
    free(frequency);
    if (sw_config_n_parameters(&config) == 0 || config.n_heads % config.n_kv_heads != 0)
        abort();
    return 0;
}
