/*
 * Between two steps run two kinds of event: a part of the current token, and the end of that token.
 * A step either passes parts on as they come (Fuse, Strip at the start, Metaspace), or collects a
 * token first (Replace, ByteFallback, Strip at the end). What is one token behind a step is decided
 * by it: Fuse and ByteLevel make one token of the whole text, whose end comes with the text's.
 */
#include "text/decode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/byte_alphabet.h"
#include "text/pattern.h"
#include "text/step_list.h"

enum kind { BYTE_LEVEL, REPLACE, BYTE_FALLBACK, FUSE, STRIP, METASPACE, JOIN };

struct step {
    enum kind kind;
    struct sw_pattern *pattern; /* Replace; owned */
    char *content;              /* (size) Replace; owned */
    size_t size;
    char mark[4]; /* Strip, Metaspace: one character */
    size_t mark_size;
    size_t strip_start, strip_stop; /* Strip: at most so many characters */
    bool drop_first;                /* Metaspace: marks of the first token are dropped */
};

struct sw_decoder {
    struct step *steps; /* (n) */
    size_t n;
};

/* A token grows by at most so much in one Replace: hostile chains of them would double it for ever.
 */
static const size_t max_growth_bytes = (size_t)256 << 10;

/* Memory of one step for one text. */
struct step_state {
    struct sw_buffer token; /* what was collected and not handed on yet */
    size_t n_tokens;        /* tokens ended before */
    size_t n_stripped;      /* Strip: characters taken off the current token */
    bool past_start;        /* Strip: the token goes on with another character */
    struct sw_buffer bytes; /* ByteFallback: the run under way */
};

struct sw_decoding {
    const struct sw_decoder *decoder;
    struct step_state *states; /* (n) */
    struct sw_spans spans;
    struct sw_buffer *text; /* borrowed while an event runs */
    struct sw_error *err;
    enum sw_code code; /* first failure */
};

static void put(struct sw_decoding *d, size_t i, const char *part, size_t size);
static void end_token(struct sw_decoding *d, size_t i);

/* A whole token for step i. */
static void put_token(struct sw_decoding *d, size_t i, const char *token, size_t size)
{
    put(d, i, token, size);
    end_token(d, i);
}

/* Bytes of which a tail may begin a character that is not finished: the rest goes on. */
static void put_repaired(struct sw_decoding *d, size_t i, struct sw_buffer *bytes, bool last)
{
    size_t tail = last || bytes->size == 0 ? 0 : sw_utf8_incomplete_tail(bytes->data, bytes->size);
    size_t size = bytes->size - tail;
    if (size == 0)
        return;
    if (sw_utf8_valid(bytes->data, size)) {
        put(d, i, bytes->data, size);
    } else {
        struct sw_buffer repaired = {0};
        sw_utf8_append_repaired(&repaired, bytes->data, size);
        if (repaired.failed)
            d->code = sw_fail(d->err, SW_ENOMEM, "out of memory");
        else
            put(d, i, repaired.data, repaired.size);
        sw_buffer_free(&repaired);
    }
    memmove(bytes->data, bytes->data + size, tail);
    bytes->size = tail;
}

/* ByteLevel: a token written in the alphabet becomes its bytes, any other stays as it is. */
static void end_byte_level(struct sw_decoding *d, size_t i)
{
    struct step_state *s = &d->states[i];
    char *token = s->token.data;
    size_t n = s->token.size;
    if (n > 0) {
        if (sw_buffer_reserve(&s->bytes, n)) {
            if (sw_bytes_from_alphabet(s->bytes.data + s->bytes.size, &n, token, s->token.size))
                s->bytes.size += n;
            else
                sw_buffer_append(&s->bytes, token, s->token.size);
        }
        put_repaired(d, i + 1, &s->bytes, false);
    }
}

static void end_replace(struct sw_decoding *d, size_t i)
{
    const struct step *step = &d->decoder->steps[i];
    struct step_state *s = &d->states[i];
    enum sw_code code = sw_pattern_find(step->pattern, s->token.data != NULL ? s->token.data : "",
                                        s->token.size, &d->spans, d->err);
    if (code != SW_OK) {
        d->code = code;
        return;
    }
    sw_buffer_clear(&s->bytes);
    for (size_t k = 0; k < d->spans.n; k++) {
        const struct sw_span *span = &d->spans.items[k];
        if (span->is_match)
            sw_buffer_append(&s->bytes, step->content, step->size);
        else
            sw_buffer_append(&s->bytes, s->token.data + span->start, span->end - span->start);
        if (s->bytes.size > s->token.size + max_growth_bytes) {
            d->code = sw_fail(d->err, SW_EUNSUPPORTED,
                              "decoder (Replace): a token becomes more than %zu bytes longer",
                              max_growth_bytes);
            return;
        }
    }
    put_token(d, i + 1, s->bytes.data != NULL ? s->bytes.data : "", s->bytes.size);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "<0x0A>" is a byte; the reference's number parser also lets "+A" pass. -1 for other tokens. */
static int byte_of_token(const char *token, size_t size)
{
    if (size != 6 || memcmp(token, "<0x", 3) != 0 || token[5] != '>')
        return -1;
    int high = token[3] == '+' ? 0 : hex_digit(token[3]), low = hex_digit(token[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* A run of byte tokens is known for text only when it ends: one bad byte makes U+FFFD of them all.
 */
static void end_byte_run(struct sw_decoding *d, size_t i)
{
    struct step_state *s = &d->states[i];
    if (s->bytes.size == 0)
        return;
    if (sw_utf8_valid(s->bytes.data, s->bytes.size)) {
        put_token(d, i + 1, s->bytes.data, s->bytes.size);
    } else {
        for (size_t k = 0; k < s->bytes.size; k++)
            put_token(d, i + 1, "\xef\xbf\xbd", 3);
    }
    sw_buffer_clear(&s->bytes);
}

static void end_byte_fallback(struct sw_decoding *d, size_t i)
{
    struct step_state *s = &d->states[i];
    const char *token = s->token.data != NULL ? s->token.data : "";
    int byte = byte_of_token(token, s->token.size);
    if (byte >= 0) {
        char c = (char)byte;
        sw_buffer_append(&s->bytes, &c, 1);
        return;
    }
    end_byte_run(d, i);
    put_token(d, i + 1, token, s->token.size);
}

static bool is_mark(const struct step *step, const char *text, size_t size)
{
    return size >= step->mark_size && memcmp(text, step->mark, step->mark_size) == 0;
}

/* Strip, with characters to take off the end: the token is whole here. */
static void end_strip(struct sw_decoding *d, size_t i)
{
    const struct step *step = &d->decoder->steps[i];
    struct step_state *s = &d->states[i];
    size_t size = s->token.size;
    for (size_t n = 0; n < step->strip_stop && size >= step->mark_size; n++) {
        if (!is_mark(step, s->token.data + size - step->mark_size, step->mark_size))
            break;
        size -= step->mark_size;
    }
    put_token(d, i + 1, s->token.data != NULL ? s->token.data : "", size);
}

static void put_strip(struct sw_decoding *d, size_t i, const char *part, size_t size)
{
    const struct step *step = &d->decoder->steps[i];
    struct step_state *s = &d->states[i];
    while (!s->past_start && size > 0) {
        if (s->n_stripped == step->strip_start || !is_mark(step, part, size)) {
            s->past_start = true;
            break;
        }
        s->n_stripped++;
        part += step->mark_size;
        size -= step->mark_size;
    }
    if (step->strip_stop > 0)
        sw_buffer_append(&s->token, part, size);
    else
        put(d, i + 1, part, size);
}

static void put_metaspace(struct sw_decoding *d, size_t i, const char *part, size_t size)
{
    const struct step *step = &d->decoder->steps[i];
    bool drop = step->drop_first && d->states[i].n_tokens == 0;
    size_t plain = 0, at = 0; /* from plain to at, nothing is replaced */
    while (at < size) {
        if (!is_mark(step, part + at, size - at)) {
            at++;
            continue;
        }
        put(d, i + 1, part + plain, at - plain);
        if (!drop)
            put(d, i + 1, " ", 1);
        at += step->mark_size;
        plain = at;
    }
    put(d, i + 1, part + plain, at - plain);
}

/* A part of the current token, made of whole characters. */
static void put(struct sw_decoding *d, size_t i, const char *part, size_t size)
{
    if (d->code != SW_OK || size == 0)
        return;
    if (i == d->decoder->n) {
        sw_buffer_append(d->text, part, size);
        return;
    }
    switch (d->decoder->steps[i].kind) {
    case BYTE_LEVEL:
    case REPLACE:
    case BYTE_FALLBACK:
        sw_buffer_append(&d->states[i].token, part, size);
        break;
    case FUSE:
    case JOIN:
        put(d, i + 1, part, size);
        break;
    case STRIP:
        put_strip(d, i, part, size);
        break;
    case METASPACE:
        put_metaspace(d, i, part, size);
        break;
    }
}

/* The current token is complete. */
static void end_token(struct sw_decoding *d, size_t i)
{
    if (d->code != SW_OK || i == d->decoder->n)
        return;
    const struct step *step = &d->decoder->steps[i];
    struct step_state *s = &d->states[i];
    switch (step->kind) {
    case BYTE_LEVEL:
        end_byte_level(d, i);
        break;
    case REPLACE:
        end_replace(d, i);
        break;
    case BYTE_FALLBACK:
        end_byte_fallback(d, i);
        break;
    case FUSE:
        break;
    case STRIP:
        if (step->strip_stop > 0)
            end_strip(d, i);
        else
            end_token(d, i + 1);
        break;
    case METASPACE:
    case JOIN:
        end_token(d, i + 1);
        break;
    }
    if (s->token.failed || s->bytes.failed)
        d->code = sw_fail(d->err, SW_ENOMEM, "out of memory");
    sw_buffer_clear(&s->token);
    s->n_stripped = 0;
    s->past_start = false;
    s->n_tokens++;
}

static void end_text(struct sw_decoding *d)
{
    for (size_t i = 0; i < d->decoder->n && d->code == SW_OK; i++) {
        switch (d->decoder->steps[i].kind) {
        case BYTE_LEVEL:
            put_repaired(d, i + 1, &d->states[i].bytes, true);
            end_token(d, i + 1);
            break;
        case FUSE:
            end_token(d, i + 1);
            break;
        case BYTE_FALLBACK:
            end_byte_run(d, i);
            break;
        default:
            break;
        }
    }
}

enum sw_code sw_decoding_push(struct sw_decoding *d, const char *token, size_t size,
                              struct sw_buffer *text, struct sw_error *err)
{
    d->text = text;
    d->err = err;
    d->code = SW_OK;
    const struct step *first = d->decoder->n > 0 ? &d->decoder->steps[0] : NULL;
    if (first != NULL && first->kind == JOIN && d->states[0].n_tokens > 0)
        put(d, 0, " ", 1);
    put_token(d, 0, token, size);
    if (d->code == SW_OK && text->failed)
        d->code = sw_fail(err, SW_ENOMEM, "out of memory");
    return d->code;
}

enum sw_code sw_decoding_finish(struct sw_decoding *d, struct sw_buffer *text, struct sw_error *err)
{
    d->text = text;
    d->err = err;
    d->code = SW_OK;
    end_text(d);
    if (d->code == SW_OK && text->failed)
        d->code = sw_fail(err, SW_ENOMEM, "out of memory");
    return d->code;
}

enum sw_code sw_decoding_create(struct sw_decoding **out, const struct sw_decoder *decoder,
                                struct sw_error *err)
{
    struct sw_decoding *d = calloc(1, sizeof *d);
    *out = NULL;
    if (d == NULL || (d->states = calloc(decoder->n + 1, sizeof *d->states)) == NULL) {
        free(d);
        return sw_fail(err, SW_ENOMEM, "out of memory");
    }
    d->decoder = decoder;
    *out = d;
    return SW_OK;
}

void sw_decoding_reset(struct sw_decoding *d)
{
    for (size_t i = 0; i < d->decoder->n; i++) {
        struct step_state *s = &d->states[i];
        sw_buffer_free(&s->token);
        sw_buffer_free(&s->bytes);
        *s = (struct step_state){0};
    }
}

void sw_decoding_destroy(struct sw_decoding *d)
{
    if (d == NULL)
        return;
    sw_decoding_reset(d);
    sw_spans_free(&d->spans);
    free(d->states);
    free(d);
}

static enum sw_code parse_mark(struct step *step, const json_t *value, const char *key,
                               const char *where, struct sw_error *err)
{
    const char *text;
    size_t length;
    enum sw_code code = sw_step_string(&text, &step->mark_size, value, key, where, err);
    if (code != SW_OK)
        return code;
    if (step->mark_size == 0 || step->mark_size > 4 ||
        sw_utf8_decode((const unsigned char *)text, step->mark_size, &length) < 0 ||
        length != step->mark_size)
        return sw_fail(err, SW_EFORMAT, "%s: \"%s\" is not one character", where, key);
    memcpy(step->mark, text, step->mark_size);
    return SW_OK;
}

static enum sw_code parse_replace(struct step *step, const json_t *value, const char *where,
                                  struct sw_error *err)
{
    const char *text;
    step->kind = REPLACE;
    enum sw_code code = sw_step_string(&text, &step->size, value, "content", where, err);
    if (code != SW_OK)
        return code;
    step->content = malloc(step->size + 1);
    if (step->content == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    memcpy(step->content, text, step->size);
    return sw_pattern_parse(&step->pattern, json_object_get(value, "pattern"), where, err);
}

static enum sw_code parse_strip(struct step *step, const json_t *value, const char *where,
                                struct sw_error *err)
{
    static const char *const keys[2] = {"start", "stop"};
    size_t *const limits[2] = {&step->strip_start, &step->strip_stop};
    step->kind = STRIP;
    enum sw_code code = parse_mark(step, value, "content", where, err);
    for (int i = 0; i < 2 && code == SW_OK; i++) {
        const json_t *n = json_object_get(value, keys[i]);
        if (!json_is_integer(n) || json_integer_value(n) < 0)
            code = sw_fail(err, SW_EFORMAT, "%s: \"%s\" is no integer from 0", where, keys[i]);
        else
            *limits[i] = (size_t)json_integer_value(n);
    }
    return code;
}

static enum sw_code parse_metaspace(struct step *step, const json_t *value, const char *where,
                                    struct sw_error *err)
{
    step->kind = METASPACE;
    const json_t *scheme = json_object_get(value, "prepend_scheme");
    const json_t *prefix = json_object_get(value, "add_prefix_space");
    if (scheme != NULL && !json_is_string(scheme))
        return sw_fail(err, SW_EFORMAT, "%s: \"prepend_scheme\" is not a string", where);
    step->drop_first =
        scheme == NULL ? !json_is_false(prefix) : strcmp(json_string_value(scheme), "never") != 0;
    return parse_mark(step, value, "replacement", where, err);
}

static void step_free(struct step *step)
{
    sw_pattern_destroy(step->pattern);
    free(step->content);
}

static enum sw_code add_step(void *ctx, const char *type, const json_t *value, const char *where,
                             struct sw_error *err)
{
    struct sw_decoder *decoder = ctx;
    struct step step = {.kind = JOIN};
    enum sw_code code = SW_OK;
    if (strcmp(type, "ByteLevel") == 0)
        step.kind = BYTE_LEVEL;
    else if (strcmp(type, "ByteFallback") == 0)
        step.kind = BYTE_FALLBACK;
    else if (strcmp(type, "Fuse") == 0)
        step.kind = FUSE;
    else if (strcmp(type, "Replace") == 0)
        code = parse_replace(&step, value, where, err);
    else if (strcmp(type, "Strip") == 0)
        code = parse_strip(&step, value, where, err);
    else if (strcmp(type, "Metaspace") == 0)
        code = parse_metaspace(&step, value, where, err);
    else
        code = sw_step_refuse(
            where, type, "ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace and Sequence",
            err);
    struct step *steps =
        code == SW_OK ? realloc(decoder->steps, (decoder->n + 1) * sizeof *steps) : NULL;
    if (steps == NULL) {
        step_free(&step);
        return code != SW_OK ? code : sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    }
    decoder->steps = steps;
    steps[decoder->n++] = step;
    return SW_OK;
}

enum sw_code sw_decoder_parse(struct sw_decoder **out, const json_t *value, const char *name,
                              struct sw_error *err)
{
    struct sw_decoder *decoder = calloc(1, sizeof *decoder);
    *out = NULL;
    if (decoder == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    enum sw_code code = SW_OK;
    if (value == NULL || json_is_null(value)) {
        decoder->steps = calloc(1, sizeof *decoder->steps);
        if (decoder->steps == NULL)
            code = sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
        else
            decoder->steps[decoder->n++].kind = JOIN;
    } else {
        code = sw_step_list_walk(value, name, "decoder", "decoders", add_step, decoder, err);
    }
    if (code == SW_OK)
        *out = decoder;
    else
        sw_decoder_destroy(decoder);
    return code;
}

void sw_decoder_destroy(struct sw_decoder *decoder)
{
    if (decoder == NULL)
        return;
    for (size_t i = 0; i < decoder->n; i++)
        step_free(&decoder->steps[i]);
    free(decoder->steps);
    free(decoder);
}
