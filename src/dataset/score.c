#include "dataset/score.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "dataset/unicode_tables.h"

static bool is_ascii_alnum(int32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Python's string.punctuation: what ASCII prints that is neither letter, digit nor space. */
static bool is_punctuation(int32_t c)
{
    return c > ' ' && c < 0x7f && !is_ascii_alnum(c);
}

/* What str.split takes for white space. */
static bool is_space(int32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Part of a word in a regular expression; the underscore is gone by then, as punctuation. */
static bool is_word(int32_t c)
{
    if (c < 0x80)
        return is_ascii_alnum(c);
    size_t low = 0;
    size_t high = sw_unicode_n_words;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > sw_unicode_words[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sw_unicode_n_words && c >= sw_unicode_words[low].first;
}

static int32_t lower(int32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    size_t low = 0;
    size_t high = sw_unicode_n_lowers;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c > sw_unicode_lowers[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    const struct sw_unicode_lower *run = &sw_unicode_lowers[low];
    if (low == sw_unicode_n_lowers || c < run->first || (c - run->first) % run->step != 0)
        return c;
    return c + run->delta;
}

/* The character at text[*at], which moves behind it. */
static int32_t next_character(const char *text, size_t size, size_t *at)
{
    size_t length;
    int32_t c = sw_utf8_decode((const unsigned char *)text + *at, size - *at, &length);
    *at += length;
    return c >= 0 ? c : 0xfffd;
}

static void put(struct sw_buffer *out, int32_t c)
{
    char bytes[4];
    size_t size = sw_utf8_encode(bytes, c);
    sw_buffer_append(out, bytes, size);
}

/* Lower case without punctuation. */
static void append_lower(struct sw_buffer *out, const char *text, size_t size)
{
    enum { CAPITAL_I_WITH_DOT = 0x130, DOT_ABOVE = 0x307 };
    enum { CAPITAL_SIGMA = 0x3a3, FINAL_SIGMA = 0x3c2 };
    int32_t previous = ' ';
    for (size_t at = 0; at < size;) {
        int32_t c = next_character(text, size, &at);
        size_t ahead = at;
        int32_t next = at < size ? next_character(text, size, &ahead) : ' ';
        if (c == CAPITAL_I_WITH_DOT) {
            put(out, 'i');
            put(out, DOT_ABOVE);
        } else if (c == CAPITAL_SIGMA && is_word(previous) && !is_word(next)) {
            put(out, FINAL_SIGMA);
        } else if (!is_punctuation(c)) {
            put(out, lower(c));
        }
        previous = c;
    }
}

/* Bytes of the article at text[at], 0 where there is none or it goes on as a word. */
static size_t article_size(const char *text, size_t size, size_t at)
{
    static const char *const articles[] = {"a", "an", "the"};
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++) {
        size_t length = strlen(articles[i]);
        if (length > size - at || memcmp(text + at, articles[i], length) != 0)
            continue;
        size_t behind = at + length;
        if (behind == size || !is_word(next_character(text, size, &behind)))
            return length;
    }
    return 0;
}

void sw_score_normalize(struct sw_buffer *out, const char *text, size_t size)
{
    struct sw_buffer plain = {0};
    append_lower(&plain, text, size);
    bool in_word = false;     /* the character before belongs to one */
    bool needs_space = false; /* between this word and the one before */
    bool is_first = true;
    for (size_t at = 0; at < plain.size;) {
        size_t begin = at;
        size_t skipped = in_word ? 0 : article_size(plain.data, plain.size, at);
        int32_t c = next_character(plain.data, plain.size, &at);
        in_word = is_word(c);
        if (skipped > 0) {
            /* An article becomes a space, even within "a-b" with a dash that is no punctuation. */
            at = begin + skipped;
            needs_space = true;
        } else if (is_space(c)) {
            needs_space = true;
        } else {
            if (needs_space && !is_first)
                sw_buffer_append(out, " ", 1);
            sw_buffer_append(out, plain.data + begin, at - begin);
            needs_space = false;
            is_first = false;
        }
    }
    out->failed = out->failed || plain.failed;
    sw_buffer_append(out, "", 0);
    sw_buffer_free(&plain);
}

struct word {
    const char *text; /* view */
    size_t size;
};

/* Words of a normalised text, sorted. */
struct words {
    struct word *items; /* (n) */
    size_t n;
};

static int compare_words(const void *a, const void *b)
{
    const struct word *x = a;
    const struct word *y = b;
    int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

static bool split(struct words *out, const struct sw_buffer *text)
{
    size_t n = text->size > 0 ? 1 : 0;
    size_t size;
    for (size_t i = 0; i < text->size; i++)
        n += text->data[i] == ' ';
    out->n = n;
    out->items = sw_size_mul(&size, n, sizeof *out->items) ? malloc(size + 1) : NULL;
    if (out->items == NULL)
        return false;
    const char *at = text->data;
    for (size_t i = 0; i < n; i++) {
        const char *end = memchr(at, ' ', text->size - (size_t)(at - text->data));
        out->items[i].text = at;
        out->items[i].size = (size_t)((end != NULL ? end : text->data + text->size) - at);
        at = end != NULL ? end + 1 : at;
    }
    qsort(out->items, n, sizeof *out->items, compare_words);
    return true;
}

/* The order of operations is the script's, so that the doubles are equal to the last bit. */
static double f1_of(const struct words *answer, const struct words *reference)
{
    size_t n_same = 0;
    for (size_t i = 0, k = 0; i < answer->n && k < reference->n;) {
        int order = compare_words(&answer->items[i], &reference->items[k]);
        n_same += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    if (n_same == 0)
        return 0;
    double precision = (double)n_same / (double)answer->n;
    double recall = (double)n_same / (double)reference->n;
    return 2 * precision * recall / (precision + recall);
}

/* Whether the words of part, both normalised, stand in whole one behind the other. */
static bool contains(const struct sw_buffer *whole, const struct sw_buffer *part)
{
    const char *at = whole->data;
    size_t left = whole->size;
    if (part->size == 0)
        return false;
    for (const char *found;
         left >= part->size && (found = memmem(at, left, part->data, part->size)) != NULL;) {
        const char *end = found + part->size;
        if ((found == whole->data || found[-1] == ' ') &&
            (end == whole->data + whole->size || *end == ' '))
            return true;
        left -= (size_t)(found + 1 - at);
        at = found + 1;
    }
    return false;
}

enum sw_code sw_score_answer(struct sw_score *out, const char *answer, size_t size,
                             const char *const *references, size_t n_references,
                             struct sw_error *err)
{
    enum sw_code code = SW_OK;
    struct sw_buffer normal = {0}; /* the answer */
    struct words answer_words = {0};
    *out = (struct sw_score){0};
    if (n_references == 0)
        return sw_fail(err, SW_EABSENT, "score: the question has no reference answer");
    sw_score_normalize(&normal, answer, size);
    if (normal.failed || !split(&answer_words, &normal))
        code = sw_fail(err, SW_ENOMEM, "score: out of memory");
    for (size_t i = 0; i < n_references && code == SW_OK; i++) {
        struct sw_buffer reference = {0};
        struct words words = {0};
        sw_score_normalize(&reference, references[i], strlen(references[i]));
        if (!reference.failed && reference.size == normal.size &&
            memcmp(reference.data, normal.data, normal.size) == 0)
            out->exact_match = 1;
        if (!reference.failed && contains(&normal, &reference))
            out->contains = 1;
        if (reference.failed || !split(&words, &reference)) {
            code = sw_fail(err, SW_ENOMEM, "score: out of memory");
        } else {
            double f1 = f1_of(&answer_words, &words);
            out->f1 = f1 > out->f1 ? f1 : out->f1;
        }
        free(words.items);
        sw_buffer_free(&reference);
    }
    free(answer_words.items);
    sw_buffer_free(&normal);
    return code;
}
