#include "base/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sw_parse_u64(uint64_t *out, const char *text, uint64_t min, uint64_t max)
{
    /* By hand: counters are read in loops, and strtoull takes three times as long. */
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
            return false;
    if (c == text || *c != 0 || value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool sw_parse_i64(int64_t *out, const char *text, int64_t min, int64_t max)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || digits[n] != 0)
        return false;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0 || value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool sw_parse_double(double *out, const char *text, double min, double max)
{
    if (text[0] == 0 || text[strspn(text, "0123456789+-.eE")] != 0)
        return false;
    static locale_t c_locale; /* made once; a race makes it twice, which is harmless */
    if (c_locale == (locale_t)0)
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *end;
    double value = c_locale != (locale_t)0 ? strtod_l(text, &end, c_locale) : strtod(text, &end);
    if (end == text || *end != 0 || !isfinite(value) || value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool sw_size_mul(size_t *out, size_t a, size_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool sw_size_add(size_t *out, size_t a, size_t b)
{
    return !__builtin_add_overflow(a, b, out);
}
