/* Classes and lower case of characters above ASCII, as Python's str has them; sorted, for binary
 * search. Private to dataset/. */
#ifndef SW_DATASET_UNICODE_TABLES_H
#define SW_DATASET_UNICODE_TABLES_H

#include <stddef.h>
#include <stdint.h>

struct sw_unicode_range {
    int32_t first;
    int32_t last;
};

/* first, first + step, ... last become themselves plus delta. */
struct sw_unicode_lower {
    int32_t first;
    int32_t last;
    int32_t step;
    int32_t delta;
};

/* Letters and numbers, which Python's regular expressions take for parts of words. */
extern const size_t sw_unicode_n_words;
extern const struct sw_unicode_range sw_unicode_words[];

extern const size_t sw_unicode_n_lowers;
extern const struct sw_unicode_lower sw_unicode_lowers[];

#endif
