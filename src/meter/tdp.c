/*
 * Looking a processor up by name, with the rules that CodeCarbon applies (so that its figures can
 * be recomputed), without a library of fuzzy string matching:
 *
 *   a. equality with a row, letter case ignored;
 *   b. the same after "(R)", " CPU" and the clock (" @ 2.60GHz", or all from " CPU @ ") are gone;
 *   c. sets of words, a word being a run of letters and digits: a row fits if one set holds the
 *      other. Exactly one row must fit; a masked name ("AMD EPYC" in a virtual machine fits 148)
 *      finds nothing rather than something.
 */
#include "meter/tdp.h"

#include <string.h>
#include <strings.h>

enum { NAME_BYTES = 256, MAX_WORDS = 32 };

struct words {
    struct {
        const char *text; /* view into the name */
        size_t length;
    } word[MAX_WORDS];
    size_t count;
    bool overflow; /* more words than fit: such a name matches nothing */
};

/* Independent of the locale; bytes of other scripts separate words, as the table has none. */
static bool is_word_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool words_hold(const struct words *set, const char *text, size_t length)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->word[i].length == length && strncasecmp(set->word[i].text, text, length) == 0)
            return true;
    return false;
}

static void words_split(struct words *set, const char *name, size_t size)
{
    set->count = 0;
    set->overflow = false;
    for (size_t i = 0; i < size;) {
        size_t begin = i;
        while (i < size && is_word_byte((unsigned char)name[i]))
            i++;
        if (i == begin) {
            i++;
            continue;
        }
        if (words_hold(set, name + begin, i - begin))
            continue;
        if (set->count == MAX_WORDS) {
            set->overflow = true;
            return;
        }
        set->word[set->count].text = name + begin;
        set->word[set->count].length = i - begin;
        set->count++;
    }
}

static bool words_inside(const struct words *inner, const struct words *outer)
{
    for (size_t i = 0; i < inner->count; i++)
        if (!words_hold(outer, inner->word[i].text, inner->word[i].length))
            return false;
    return true;
}

static bool words_fit(const struct words *a, const struct words *b)
{
    if (a->count == 0 || b->count == 0 || a->overflow || b->overflow)
        return false;
    return words_inside(a, b) || words_inside(b, a);
}

static void remove_all(char *text, const char *part)
{
    size_t length = strlen(part);
    for (char *at = text; (at = strstr(at, part)) != NULL;)
        memmove(at, at + length, strlen(at + length) + 1);
}

/* Cuts " @ 2.60GHz" out, wherever it stands. */
static void remove_clock(char *text)
{
    for (char *at = text; (at = strstr(at, " @")) != NULL;) {
        const char *end = at + 2;
        end += strspn(end, " \t");
        size_t whole = strspn(end, "0123456789");
        if (whole > 0 && end[whole] == '.') {
            size_t fraction = strspn(end + whole + 1, "0123456789");
            const char *unit = end + whole + 1 + fraction;
            if (fraction > 0 && strncmp(unit, "GHz", 3) == 0) {
                memmove(at, unit + 3, strlen(unit + 3) + 1);
                continue;
            }
        }
        at++;
    }
}

static void clean_name(char *text)
{
    remove_all(text, "(R)");
    char *cut = strstr(text, " CPU @ ");
    if (cut != NULL && cut != text)
        *cut = 0;
    remove_all(text, " CPU");
    remove_clock(text);
}

/* Calls visit for each row until it returns true. */
static bool for_each_row(bool (*visit)(void *state, const struct sw_tdp_match *row), void *state)
{
    for (size_t g = 0; g < sw_n_tdp_groups; g++) {
        for (const char *name = sw_tdp_groups[g].names; *name != 0;) {
            const char *end = strchr(name, '|');
            struct sw_tdp_match row = {name, (size_t)(end - name), sw_tdp_groups[g].watts};
            if (visit(state, &row))
                return true;
            name = end + 1;
        }
    }
    return false;
}

struct query {
    const char *name;
    size_t length;
    struct words words;
    size_t n_fits;
    struct sw_tdp_match match;
};

static bool visit_equal(void *state, const struct sw_tdp_match *row)
{
    struct query *query = state;
    if (row->length != query->length ||
        strncasecmp(row->name_view, query->name, query->length) != 0)
        return false;
    query->match = *row;
    return true;
}

static bool visit_words(void *state, const struct sw_tdp_match *row)
{
    struct query *query = state;
    struct words words;
    words_split(&words, row->name_view, row->length);
    if (!words_fit(&query->words, &words))
        return false;
    query->match = *row;
    query->n_fits++;
    return query->n_fits > 1;
}

bool sw_tdp_find(struct sw_tdp_match *out, const char *cpu_name)
{
    char name[NAME_BYTES];
    size_t length = strlen(cpu_name);
    if (length == 0 || length >= sizeof name)
        return false;
    memcpy(name, cpu_name, length + 1);
    struct query query = {.name = name, .length = length};
    if (for_each_row(visit_equal, &query)) {
        *out = query.match;
        return true;
    }
    clean_name(name);
    query.length = strlen(name);
    if (for_each_row(visit_equal, &query)) {
        *out = query.match;
        return true;
    }
    words_split(&query.words, name, query.length);
    for_each_row(visit_words, &query);
    if (query.n_fits != 1)
        return false;
    *out = query.match;
    return true;
}
