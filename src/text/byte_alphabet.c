#include "text/byte_alphabet.h"

#include "base/utf8.h"

int32_t sw_byte_to_char(unsigned char byte)
{
    if (sw_byte_is_printable(byte))
        return byte;
    if (byte <= 0x20)
        return 0x100 + byte; /* 00 to 20 */
    if (byte <= 0xa0)
        return 0x121 + (byte - 0x7f); /* 7f to a0 */
    return 0x143;                     /* ad */
}

int sw_char_to_byte(int32_t code_point)
{
    if (code_point >= 0 && code_point <= 0xff)
        return sw_byte_is_printable(code_point) ? code_point : -1;
    if (code_point >= 0x100 && code_point <= 0x120)
        return code_point - 0x100;
    if (code_point >= 0x121 && code_point <= 0x142)
        return code_point - 0x121 + 0x7f;
    return code_point == 0x143 ? 0xad : -1;
}

bool sw_bytes_from_alphabet(char *out, size_t *n, const char *text, size_t size)
{
    size_t length;
    *n = 0;
    for (size_t i = 0; i < size; i += length) {
        int byte =
            sw_char_to_byte(sw_utf8_decode((const unsigned char *)text + i, size - i, &length));
        if (byte < 0)
            return false;
        out[(*n)++] = (char)byte;
    }
    return true;
}
