/*
 * Text to token ids and back, as tokenizer.json says; ids equal the reference library's.
 *
 *     struct sw_tokenizer *t;
 *     sw_tokenizer_load(&t, "folder", &err);
 *     struct sw_ids ids = {0};
 *     sw_tokenizer_encode(t, "What is", 7, SW_ENCODE_PLAIN, &ids, &err);
 *     ...
 *     sw_ids_free(&ids);
 *     sw_tokenizer_destroy(t);
 *
 * A tokenizer is read-only after loading and may be shared between threads.
 */
#ifndef SW_TEXT_TOKENIZER_H
#define SW_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct sw_tokenizer;

/* Zero-initialise; encode appends. */
struct sw_ids {
    int32_t *data; /* (n), owned */
    size_t n, capacity;
};

void sw_ids_free(struct sw_ids *ids);

/* folder/tokenizer.json. SW_EABSENT where there is none; a kind of step, model or setting that we
 * do not compute is refused by name. */
enum sw_code sw_tokenizer_load(struct sw_tokenizer **out, const char *folder, struct sw_error *err);

/* The same from bytes; name stands for the file in messages. */
enum sw_code sw_tokenizer_parse(struct sw_tokenizer **out, const char *json, size_t size,
                                const char *name, struct sw_error *err);

/* The embedded tokenizer of our own making, for synthetic models; ids below 49152. */
enum sw_code sw_tokenizer_builtin(struct sw_tokenizer **out, struct sw_error *err);

void sw_tokenizer_destroy(struct sw_tokenizer *tokenizer);

enum sw_encode_mode {
    SW_ENCODE_BARE,  /* no special tokens added (`tokenize`) */
    SW_ENCODE_PLAIN, /* as the reference library's plain call: the post-processor's BOS where the
                        tokenizer has one (`run`, `generate`) */
};

/* Any bytes; invalid UTF-8 is read as one U+FFFD per maximal invalid part. Time is linear. */
enum sw_code sw_tokenizer_encode(const struct sw_tokenizer *tokenizer, const char *text,
                                 size_t size, enum sw_encode_mode mode, struct sw_ids *ids,
                                 struct sw_error *err);

/* Appends the text of ids as the reference library decodes them; ids outside the vocabulary are
 * skipped, special tokens too unless kept. The bytes may be invalid UTF-8 if the ids are: then they
 * are repaired with U+FFFD. */
enum sw_code sw_tokenizer_decode(const struct sw_tokenizer *tokenizer, const int32_t *ids, size_t n,
                                 bool keep_special, struct sw_buffer *text, struct sw_error *err);

/* Highest id + 1 over vocabulary and added tokens. */
size_t sw_tokenizer_size(const struct sw_tokenizer *tokenizer);

/* "sha256:..." of the file's bytes. */
const char *sw_tokenizer_hash(const struct sw_tokenizer *tokenizer);

/* Streaming decoding: text comes out as soon as whole characters are known, and the pieces put
 * together equal sw_tokenizer_decode of all ids. */
struct sw_text_stream;

enum sw_code sw_text_stream_create(struct sw_text_stream **out,
                                   const struct sw_tokenizer *tokenizer, struct sw_error *err);
/* Appends what id makes certain; id -1 ends the text and flushes what is left. */
enum sw_code sw_text_stream_push(struct sw_text_stream *stream, int32_t id, struct sw_buffer *text,
                                 struct sw_error *err);
void sw_text_stream_reset(struct sw_text_stream *stream);
void sw_text_stream_destroy(struct sw_text_stream *stream);

#endif
