#include "base/utf8.h"

int32_t sw_utf8_decode(const unsigned char *bytes, size_t size, size_t *length)
{
    unsigned first = bytes[0];
    *length = 1;
    if (first < 0x80)
        return (int32_t)first;
    if (first < 0xc2 || first > 0xf4)
        return -1;
    size_t wanted = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    /* Only the second byte has a range of its own (Unicode 15, table 3-7). */
    unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    int32_t code_point = (int32_t)(first & (0x7fu >> wanted));
    for (size_t i = 1; i < wanted; i++) {
        if (i >= size || bytes[i] < low || bytes[i] > high)
            return -1;
        code_point = (code_point << 6) | (bytes[i] & 0x3f);
        *length = i + 1;
        low = 0x80;
        high = 0xbf;
    }
    return code_point;
}

size_t sw_utf8_encode(char out[4], int32_t code_point)
{
    uint32_t c = (uint32_t)code_point;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

size_t sw_utf8_incomplete_tail(const char *bytes, size_t size)
{
    const unsigned char *b = (const unsigned char *)bytes;
    for (size_t tail = 1; tail <= 3 && tail <= size; tail++) {
        unsigned first = b[size - tail];
        if (first < 0x80)
            return 0;
        if (first < 0xc0)
            continue;
        size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        size_t length;
        /* Unfinished only if what is there so far is the valid start of a longer character. */
        if (tail < wanted && sw_utf8_decode(b + size - tail, tail, &length) < 0 && length == tail &&
            first >= 0xc2 && first <= 0xf4)
            return tail;
        return 0;
    }
    return 0;
}

bool sw_utf8_valid(const char *bytes, size_t size)
{
    size_t length;
    for (size_t i = 0; i < size; i += length) {
        if (sw_utf8_decode((const unsigned char *)bytes + i, size - i, &length) < 0)
            return false;
    }
    return true;
}

void sw_utf8_append_repaired(struct sw_buffer *out, const char *bytes, size_t size)
{
    size_t length;
    size_t good = 0; /* start of the valid stretch that is not copied yet */
    for (size_t i = 0; i < size; i += length) {
        if (sw_utf8_decode((const unsigned char *)bytes + i, size - i, &length) >= 0)
            continue;
        sw_buffer_append(out, bytes + good, i - good);
        sw_buffer_append(out, "\xef\xbf\xbd", 3);
        good = i + length;
    }
    sw_buffer_append(out, bytes + good, size - good);
}
