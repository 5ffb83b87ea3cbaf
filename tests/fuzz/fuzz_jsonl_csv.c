/* Data sets of rows. The first byte picks the format (its value modulo 3) and, from 0x80 on, fields
 * of other names; the rest is the file. */
#include <stdint.h>

#include "check_dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"f.jsonl", "f.csv", "f.txt"};
    static const struct sw_dataset_options named = {
        .question_field = "q", .answers_field = "a", .context_field = "c"};
    if (size > 0)
        check_dataset(names[data[0] % 3], (const char *)data + 1, size - 1,
                      data[0] >= 0x80 ? &named : NULL);
    return 0;
}
