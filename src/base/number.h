/* Numbers in text, parsed to the end of the string and range-checked. */
#ifndef SW_BASE_NUMBER_H
#define SW_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only: no sign, no space, nothing behind. False leaves *out alone. */
bool sw_parse_u64(uint64_t *out, const char *text, uint64_t min, uint64_t max);
bool sw_parse_i64(int64_t *out, const char *text, int64_t min, int64_t max);

/* Finite decimal numbers; no hexadecimal, "inf", "nan" or space. Independent of the locale. */
bool sw_parse_double(double *out, const char *text, double min, double max);

/* a * b and a + b, false on overflow. */
bool sw_size_mul(size_t *out, size_t a, size_t b);
bool sw_size_add(size_t *out, size_t a, size_t b);

#endif
