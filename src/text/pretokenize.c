#include "text/pretokenize.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/byte_alphabet.h"
#include "text/char_class.h"
#include "text/gpt2_split.h"
#include "text/step_list.h"

/* What becomes of a match when text is cut at it. */
enum behavior { REMOVED, ISOLATED, MERGED_WITH_PREVIOUS, MERGED_WITH_NEXT, CONTIGUOUS };

enum prepend { PREPEND_FIRST, PREPEND_NEVER, PREPEND_ALWAYS };

struct step;
typedef enum sw_code (*apply_fn)(const struct step *step, const struct sw_pieces *in,
                                 struct sw_pieces *out, struct sw_spans *spans,
                                 struct sw_error *err);

struct step {
    apply_fn apply;
    struct sw_pattern *pattern; /* Split; owned */
    enum behavior behavior;     /* Split, Digits */
    bool invert;                /* Split */
    bool add_prefix_space;      /* ByteLevel */
    bool use_regex;             /* ByteLevel */
    enum prepend prepend;       /* Metaspace */
    bool split;                 /* Metaspace */
    char mark[4];               /* Metaspace: the character that stands for a space */
    size_t mark_size;
};

struct sw_pretokenizer {
    struct step *steps; /* (n) */
    size_t n;
};

static void keep(const struct sw_piece *piece, struct sw_pieces *out)
{
    sw_pieces_add(out, piece->start, piece->size, piece->id, piece->at_start);
}

/* Adds what becomes of a piece's spans. A piece starts where the first of its spans does. */
static void add_spans(const struct step *step, const struct sw_piece *piece, struct sw_spans *spans,
                      struct sw_pieces *out)
{
    const size_t n = spans->n;
    struct sw_span *s = spans->items;
    for (size_t i = 0; i < n; i++)
        s[i].is_match ^= step->invert;
    bool previous = false;
    if (step->behavior == MERGED_WITH_NEXT) {
        /* From the right: a match that does not follow another one takes in what is behind it. */
        for (size_t i = n; i-- > 0;) {
            bool is_match = s[i].is_match;
            if (is_match && !previous && i + 1 < n) {
                size_t end = s[i + 1].end;
                s[i + 1].start = s[i + 1].end; /* empty, dropped below */
                s[i].end = end;
            }
            previous = is_match;
        }
    }
    size_t first = 0;
    previous = false;
    for (size_t i = 0; i < n; i++) {
        bool is_match = s[i].is_match, joined = false;
        if (step->behavior == CONTIGUOUS)
            joined = is_match == previous;
        else if (step->behavior == MERGED_WITH_PREVIOUS)
            joined = is_match && !previous;
        previous = is_match;
        if (joined && i > 0) {
            s[first].end = s[i].end;
            continue;
        }
        if (i > 0)
            sw_pieces_add(out, piece->start + s[first].start, s[first].end - s[first].start, -1,
                          piece->at_start && s[first].start == 0);
        first = i;
        if (step->behavior == REMOVED && is_match)
            s[i].end = s[i].start;
    }
    if (n > 0)
        sw_pieces_add(out, piece->start + s[first].start, s[first].end - s[first].start, -1,
                      piece->at_start && s[first].start == 0);
}

static enum sw_code apply_split(const struct step *step, const struct sw_pieces *in,
                                struct sw_pieces *out, struct sw_spans *spans, struct sw_error *err)
{
    for (size_t i = 0; i < in->n; i++) {
        const struct sw_piece *piece = &in->items[i];
        if (piece->id >= 0) {
            keep(piece, out);
            continue;
        }
        enum sw_code code =
            sw_pattern_find(step->pattern, in->text + piece->start, piece->size, spans, err);
        if (code != SW_OK)
            return code;
        add_spans(step, piece, spans, out);
    }
    out->text = in->text;
    return SW_OK;
}

static enum sw_code apply_digits(const struct step *step, const struct sw_pieces *in,
                                 struct sw_pieces *out, struct sw_spans *spans,
                                 struct sw_error *err)
{
    (void)spans;
    (void)err;
    const bool each = step->behavior == ISOLATED;
    for (size_t i = 0; i < in->n; i++) {
        const struct sw_piece *piece = &in->items[i];
        if (piece->id >= 0) {
            keep(piece, out);
            continue;
        }
        const char *text = in->text + piece->start;
        size_t begin = 0, length;
        bool in_digits = false;
        for (size_t at = 0; at < piece->size; at += length) {
            bool digit = sw_char_class_at(text, at, &length) & SW_CHAR_NUMERIC;
            if (digit != in_digits || (digit && each)) {
                sw_pieces_add(out, piece->start + begin, at - begin, -1,
                              piece->at_start && begin == 0);
                begin = at;
            }
            in_digits = digit;
        }
        sw_pieces_add(out, piece->start + begin, piece->size - begin, -1,
                      piece->at_start && begin == 0);
    }
    out->text = in->text;
    return SW_OK;
}

static void cut_words(const struct step *step, const char *base, const struct sw_piece *piece,
                      struct sw_pieces *out)
{
    const char *text = base + piece->start;
    if (!step->use_regex) {
        keep(piece, out);
        return;
    }
    size_t end;
    for (size_t at = 0; at < piece->size; at = end) {
        end = sw_gpt2_word_end(text, at, piece->size);
        sw_pieces_add(out, piece->start + at, end - at, -1, piece->at_start && at == 0);
    }
}

/* Cuts into words only; that they are bytes from here on is the model's business, or that of
 * spell_bytes where further steps follow. */
static enum sw_code apply_byte_level(const struct step *step, const struct sw_pieces *in,
                                     struct sw_pieces *out, struct sw_spans *spans,
                                     struct sw_error *err)
{
    (void)spans;
    (void)err;
    out->text = in->text;
    for (size_t i = 0; i < in->n; i++) {
        const struct sw_piece *piece = &in->items[i];
        if (piece->id >= 0) {
            sw_pieces_add(out, 0, 0, piece->id, false);
        } else if (!step->add_prefix_space) {
            cut_words(step, in->text, piece, out);
        } else {
            struct sw_piece moved = *piece;
            moved.start = out->own.size;
            if (in->text[piece->start] != ' ') {
                sw_buffer_puts(&out->own, " ");
                moved.size++;
            }
            sw_buffer_append(&out->own, in->text + piece->start, piece->size);
            if (out->own.failed)
                break;
            cut_words(step, out->own.data, &moved, out);
        }
    }
    if (step->add_prefix_space)
        sw_pieces_finish(out);
    return SW_OK;
}

/* Writes the words in the byte alphabet, as steps behind ByteLevel see them. */
static enum sw_code apply_spell_bytes(const struct step *step, const struct sw_pieces *in,
                                      struct sw_pieces *out, struct sw_spans *spans,
                                      struct sw_error *err)
{
    (void)step;
    (void)spans;
    (void)err;
    for (size_t i = 0; i < in->n; i++) {
        const struct sw_piece *piece = &in->items[i];
        size_t start = out->own.size;
        for (size_t k = 0; piece->id < 0 && k < piece->size; k++) {
            char text[4];
            unsigned char byte = (unsigned char)in->text[piece->start + k];
            sw_buffer_append(&out->own, text, sw_utf8_encode(text, sw_byte_to_char(byte)));
        }
        sw_pieces_add(out, start, out->own.size - start, piece->id, piece->at_start);
    }
    sw_pieces_finish(out);
    return SW_OK;
}

static bool begins_with_mark(const struct step *step, const char *text, size_t size)
{
    return size >= step->mark_size && memcmp(text, step->mark, step->mark_size) == 0;
}

static enum sw_code apply_metaspace(const struct step *step, const struct sw_pieces *in,
                                    struct sw_pieces *out, struct sw_spans *spans,
                                    struct sw_error *err)
{
    (void)spans;
    (void)err;
    for (size_t i = 0; i < in->n; i++) {
        const struct sw_piece *piece = &in->items[i];
        if (piece->id >= 0) {
            sw_pieces_add(out, 0, 0, piece->id, false);
            continue;
        }
        const char *text = in->text + piece->start;
        size_t start = out->own.size, word = start;
        bool marked = text[0] == ' ' || begins_with_mark(step, text, piece->size);
        if (!marked && (step->prepend == PREPEND_ALWAYS ||
                        (step->prepend == PREPEND_FIRST && piece->at_start)))
            sw_buffer_append(&out->own, step->mark, step->mark_size);
        for (size_t at = 0; at < piece->size;) {
            bool space = text[at] == ' ';
            bool mark = space || begins_with_mark(step, text + at, piece->size - at);
            if (mark && step->split && out->own.size > word) {
                sw_pieces_add(out, word, out->own.size - word, -1,
                              piece->at_start && word == start);
                word = out->own.size;
            }
            if (mark) {
                sw_buffer_append(&out->own, step->mark, step->mark_size);
                at += space ? 1 : step->mark_size;
            } else {
                sw_buffer_append(&out->own, text + at++, 1);
            }
        }
        sw_pieces_add(out, word, out->own.size - word, -1, piece->at_start && word == start);
    }
    sw_pieces_finish(out);
    return SW_OK;
}

static enum sw_code parse_behavior(enum behavior *out, const json_t *value, const char *where,
                                   struct sw_error *err)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char *text = NULL;
    size_t size;
    enum sw_code code = sw_step_string(&text, &size, value, "behavior", where, err);
    for (size_t i = 0; code == SW_OK && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum behavior)i;
            return SW_OK;
        }
    }
    return code != SW_OK ? code
                         : sw_fail(err, SW_EUNSUPPORTED, "%s: behavior \"%.40s\" is not supported",
                                   where, text);
}

static enum sw_code parse_split(struct step *step, const json_t *value, const char *where,
                                struct sw_error *err)
{
    step->apply = apply_split;
    enum sw_code code = parse_behavior(&step->behavior, value, where, err);
    if (code == SW_OK)
        code = sw_step_bool(&step->invert, value, "invert", where, err);
    if (code == SW_OK)
        code = sw_pattern_parse(&step->pattern, json_object_get(value, "pattern"), where, err);
    return code;
}

static enum sw_code parse_digits(struct step *step, const json_t *value, const char *where,
                                 struct sw_error *err)
{
    bool each = false;
    enum sw_code code = sw_step_bool(&each, value, "individual_digits", where, err);
    step->apply = apply_digits;
    step->behavior = each ? ISOLATED : CONTIGUOUS;
    return code;
}

static enum sw_code parse_byte_level(struct step *step, const json_t *value, const char *where,
                                     struct sw_error *err)
{
    step->apply = apply_byte_level;
    step->use_regex = true;
    enum sw_code code =
        sw_step_bool(&step->add_prefix_space, value, "add_prefix_space", where, err);
    if (code == SW_OK && json_object_get(value, "use_regex") != NULL)
        code = sw_step_bool(&step->use_regex, value, "use_regex", where, err);
    return code;
}

static enum sw_code parse_metaspace(struct step *step, const json_t *value, const char *where,
                                    struct sw_error *err)
{
    static const char *const schemes[] = {"first", "never", "always"};
    const char *text = NULL;
    size_t length = 0;
    bool old_prefix = true;
    step->apply = apply_metaspace;
    step->split = true;
    step->prepend = PREPEND_ALWAYS;
    enum sw_code code = sw_step_string(&text, &step->mark_size, value, "replacement", where, err);
    if (code != SW_OK)
        return code;
    if (step->mark_size == 0 || step->mark_size > 4 || text[0] == ' ' ||
        sw_utf8_decode((const unsigned char *)text, step->mark_size, &length) < 0 ||
        length != step->mark_size)
        return sw_fail(err, SW_EFORMAT, "%s: \"replacement\" is not one character other than space",
                       where);
    memcpy(step->mark, text, step->mark_size);
    if (json_object_get(value, "prepend_scheme") != NULL) {
        code = sw_step_string(&text, &length, value, "prepend_scheme", where, err);
        size_t i = 0;
        while (code == SW_OK && i < 3 && strcmp(text, schemes[i]) != 0)
            i++;
        if (i == 3)
            code = sw_fail(err, SW_EUNSUPPORTED, "%s: prepend_scheme \"%.40s\" is not supported",
                           where, text);
        step->prepend = (enum prepend)i;
    }
    const json_t *prefix = json_object_get(value, "add_prefix_space");
    if (code == SW_OK && prefix != NULL && !json_is_null(prefix))
        code = sw_step_bool(&old_prefix, value, "add_prefix_space", where, err);
    if (code == SW_OK && !old_prefix && step->prepend != PREPEND_NEVER)
        code = sw_fail(err, SW_EFORMAT, "%s: \"add_prefix_space\" contradicts \"prepend_scheme\"",
                       where);
    const json_t *split = json_object_get(value, "split");
    if (code == SW_OK && split != NULL && !json_is_null(split))
        code = sw_step_bool(&step->split, value, "split", where, err);
    return code;
}

static enum sw_code push(struct sw_pretokenizer *p, struct step step, const char *where,
                         struct sw_error *err)
{
    struct step *steps = realloc(p->steps, (p->n + 1) * sizeof *steps);
    if (steps == NULL) {
        sw_pattern_destroy(step.pattern);
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    }
    p->steps = steps;
    steps[p->n++] = step;
    return SW_OK;
}

static enum sw_code add_step(void *ctx, const char *type, const json_t *value, const char *where,
                             struct sw_error *err)
{
    static const struct {
        const char *type;
        enum sw_code (*parse)(struct step *, const json_t *, const char *, struct sw_error *);
    } kinds[] = {{"Split", parse_split},
                 {"Digits", parse_digits},
                 {"ByteLevel", parse_byte_level},
                 {"Metaspace", parse_metaspace}};
    struct sw_pretokenizer *p = ctx;
    struct step step = {0};
    enum sw_code code = SW_OK;
    size_t i = 0;
    while (i < sizeof kinds / sizeof kinds[0] && strcmp(kinds[i].type, type) != 0)
        i++;
    if (i == sizeof kinds / sizeof kinds[0])
        return sw_step_refuse(where, type, "Digits, ByteLevel, Split, Metaspace and Sequence", err);
    code = kinds[i].parse(&step, value, where, err);
    if (code != SW_OK) {
        sw_pattern_destroy(step.pattern);
        return code;
    }
    if (sw_pretokenizer_ends_in_bytes(p)) {
        code = push(p, (struct step){.apply = apply_spell_bytes}, where, err);
        if (code != SW_OK) {
            sw_pattern_destroy(step.pattern);
            return code;
        }
    }
    return push(p, step, where, err);
}

enum sw_code sw_pretokenizer_parse(struct sw_pretokenizer **out, const json_t *value,
                                   const char *name, struct sw_error *err)
{
    *out = NULL;
    if (value == NULL || json_is_null(value))
        return SW_OK;
    struct sw_pretokenizer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    enum sw_code code =
        sw_step_list_walk(value, name, "pre_tokenizer", "pretokenizers", add_step, p, err);
    if (code == SW_OK)
        *out = p;
    else
        sw_pretokenizer_destroy(p);
    return code;
}

void sw_pretokenizer_destroy(struct sw_pretokenizer *pretokenizer)
{
    if (pretokenizer == NULL)
        return;
    for (size_t i = 0; i < pretokenizer->n; i++)
        sw_pattern_destroy(pretokenizer->steps[i].pattern);
    free(pretokenizer->steps);
    free(pretokenizer);
}

bool sw_pretokenizer_ends_in_bytes(const struct sw_pretokenizer *p)
{
    return p != NULL && p->n > 0 && p->steps[p->n - 1].apply == apply_byte_level;
}

bool sw_pretokenizer_asks_for_start(const struct sw_pretokenizer *p)
{
    for (size_t i = 0; p != NULL && i < p->n; i++) {
        if (p->steps[i].apply == apply_metaspace && p->steps[i].prepend == PREPEND_FIRST)
            return true;
    }
    return false;
}

/* Steps that spell bytes double the text each time; a file may repeat them. */
static const size_t growth_limit = 64;

enum sw_code sw_pretokenizer_apply(const struct sw_pretokenizer *pretokenizer,
                                   struct sw_pieces *pieces, struct sw_spans *spans,
                                   struct sw_error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < pieces->n; i++)
        size += pieces->items[i].size;
    const size_t most = (size + 65536) * growth_limit;
    for (size_t i = 0; pretokenizer != NULL && i < pretokenizer->n; i++) {
        struct sw_pieces out = {0};
        enum sw_code code =
            pretokenizer->steps[i].apply(&pretokenizer->steps[i], pieces, &out, spans, err);
        if (code == SW_OK && (out.failed || out.own.failed))
            code = sw_fail(err, SW_ENOMEM, "out of memory");
        if (code == SW_OK && out.own.size > most)
            code = sw_fail(err, SW_EUNSUPPORTED,
                           "the pre-tokenizer makes the text more than %zu times as long",
                           growth_limit);
        if (code != SW_OK) {
            sw_pieces_free(&out);
            return code;
        }
        if (out.text == pieces->text) { /* only cut: the buffer moves along */
            out.own = pieces->own;
            pieces->own = (struct sw_buffer){0};
        }
        sw_pieces_free(pieces);
        *pieces = out;
    }
    return SW_OK;
}
