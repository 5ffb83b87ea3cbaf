/* SQuAD files. */
#include <stdint.h>

#include "check_dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_dataset("f.json", (const char *)data, size, NULL);
    return 0;
}
