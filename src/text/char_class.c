#include "text/char_class.h"

unsigned sw_char_class_wide(int32_t code_point)
{
    size_t low = 0, high = sw_char_class_n_runs; /* the run sought is in [low, high) */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((int32_t)(sw_char_class_runs[middle] >> 8) <= code_point)
            low = middle;
        else
            high = middle;
    }
    return sw_char_class_runs[low] & 0xff;
}

unsigned sw_char_class_at(const char *text, size_t at, size_t *length)
{
    const unsigned char *b = (const unsigned char *)text + at;
    int32_t c;
    if (b[0] < 0x80) {
        *length = 1;
        return sw_char_class_ascii[b[0]];
    }
    if (b[0] < 0xe0) {
        *length = 2;
        c = (b[0] & 0x1f) << 6 | (b[1] & 0x3f);
    } else if (b[0] < 0xf0) {
        *length = 3;
        c = (b[0] & 0x0f) << 12 | (b[1] & 0x3f) << 6 | (b[2] & 0x3f);
    } else {
        *length = 4;
        c = (b[0] & 0x07) << 18 | (b[1] & 0x3f) << 12 | (b[2] & 0x3f) << 6 | (b[3] & 0x3f);
    }
    return sw_char_class_wide(c);
}
