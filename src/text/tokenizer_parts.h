/* What a tokenizer is made of; for the files of this folder. */
#ifndef SW_TEXT_TOKENIZER_PARTS_H
#define SW_TEXT_TOKENIZER_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decode.h"
#include "text/normalize.h"
#include "text/pretokenize.h"
#include "text/template.h"
#include "text/tokenizer.h"

struct sw_tokenizer {
    struct sw_added_tokens added;
    struct sw_normalizer *normalizer;
    struct sw_pretokenizer *pretokenizer;
    struct sw_bpe bpe;
    struct sw_template template;
    struct sw_decoder *decoder;
    int32_t *added_of_id; /* (n_ids): index of the added token, or -1 */
    size_t n_ids;         /* highest id + 1 */
    char hash[80];        /* "sha256:..." */
};

/* Text of an id as the decoder takes it, or NULL: no such id, or a special token that is not kept.
 */
const char *sw_tokenizer_token_view(const struct sw_tokenizer *tokenizer, int32_t id,
                                    bool keep_special, size_t *size);

#endif
