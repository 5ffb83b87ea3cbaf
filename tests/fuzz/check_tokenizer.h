/* What must hold for any tokenizer and text, checked by both fuzzers of the tokenizer. */
#ifndef SW_TESTS_FUZZ_CHECK_TOKENIZER_H
#define SW_TESTS_FUZZ_CHECK_TOKENIZER_H

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer.h"

/* Ids are in range; decoding whole and piece by piece gives the same valid text, in valid pieces.
 */
static inline void check_tokenizer(const struct sw_tokenizer *t, const char *text, size_t size,
                                   struct sw_buffer *decoded)
{
    struct sw_ids ids = {0};
    struct sw_error err;
    struct sw_text_stream *stream = NULL;
    struct sw_buffer pieces = {0};
    if (sw_tokenizer_encode(t, text, size, SW_ENCODE_PLAIN, &ids, &err) != SW_OK)
        goto done; /* a regular expression at its limit, an unknown token that is missing */
    for (size_t i = 0; i < ids.n; i++) {
        if (ids.data[i] < 0 || (size_t)ids.data[i] >= sw_tokenizer_size(t))
            abort();
    }
    if (sw_tokenizer_decode(t, ids.data, ids.n, false, decoded, &err) != SW_OK)
        goto done;
    if (sw_text_stream_create(&stream, t, &err) != SW_OK)
        goto done;
    for (size_t i = 0; i <= ids.n; i++) {
        size_t before = pieces.size;
        if (sw_text_stream_push(stream, i < ids.n ? ids.data[i] : -1, &pieces, &err) != SW_OK)
            goto done;
        if (pieces.size > before && !sw_utf8_valid(pieces.data + before, pieces.size - before))
            abort();
    }
    if (pieces.size != decoded->size ||
        (pieces.size > 0 && memcmp(pieces.data, decoded->data, pieces.size) != 0))
        abort();
done:
    sw_text_stream_destroy(stream);
    sw_buffer_free(&pieces);
    sw_ids_free(&ids);
}

#endif
