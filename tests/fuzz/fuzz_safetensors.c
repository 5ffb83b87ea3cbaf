/* A whole safetensors file; every tensor of one that is accepted is read to its last byte. */
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sw_safetensors file;
    struct sw_error err;
    unsigned char *copy = malloc(size > 0 ? size : 1); /* aligned, and its end guarded by ASan */
    if (copy == NULL)
        return 0;
    memcpy(copy, bytes, size);
    if (sw_safetensors_parse(&file, copy, size, "fuzz", &err) == SW_OK) {
        for (size_t i = 0; i < file.n_entries; i++) {
            const struct sw_tensor *tensor = &file.entries[i].tensor;
            if (sw_safetensors_find(&file, file.entries[i].name) != &file.entries[i])
                abort();
            for (size_t j = 0; j < tensor->n_rows * tensor->n_cols; j++) {
                volatile float x = sw_tensor_at(tensor, j);
                (void)x;
            }
        }
        sw_safetensors_close(&file);
    }
    free(copy);
    return 0;
}
