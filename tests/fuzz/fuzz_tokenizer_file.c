/* tokenizer.json, and behind the first NUL byte a text for it. */
#include "check_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *file = (const char *)bytes;
    const char *end = size > 0 ? memchr(file, 0, size) : NULL;
    size_t file_size = end != NULL ? (size_t)(end - file) : size;
    struct sw_tokenizer *t;
    struct sw_buffer decoded = {0};
    struct sw_error err;
    if (sw_tokenizer_parse(&t, file, file_size, "fuzz", &err) != SW_OK) {
        if (t != NULL || strchr(err.text, '\n') != NULL)
            abort();
        return 0;
    }
    static const char fixed[] = "A text, it's 12 <s>long</s>\n  \xe2\x96\x81 \xf0\x9f\x98\x80\xff";
    check_tokenizer(t, fixed, sizeof fixed - 1, &decoded);
    if (end != NULL) {
        sw_buffer_clear(&decoded);
        check_tokenizer(t, end + 1, size - file_size - 1, &decoded);
    }
    sw_buffer_free(&decoded);
    sw_tokenizer_destroy(t);
    return 0;
}
