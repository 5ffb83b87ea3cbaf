/*
 * A walk over the pattern that knows every construct it lets through. What differs between the two
 * engines and is translated:
 *
 *   \s \S   PCRE2 counts U+180E as white space, so the ranges are spelled out
 *   \w \d   other definitions: Unicode's Alphabetic, marks, decimal digits, connectors
 *   \h      a hexadecimal digit, not a blank
 *   \v      U+000B, not every vertical space
 *   (?m:    lets the dot match a newline; ^ and $ always know lines
 *   {,n}    from zero on
 *   \p{Han} the script itself, without script extensions
 */
#include "text/regex_syntax.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SPACE_RANGES                                                                               \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"    \
    "\\x{205f}\\x{3000}"
#define NOT_SPACE_RANGES                                                                           \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-"         \
    "\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"        \
    "\\x{3001}-\\x{10ffff}"
#define WORD_RANGES "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"

enum { MAX_DEPTH = 100, MAX_SIZE = 65536 };

/* One pair of parentheses, or the whole pattern. */
struct group {
    bool caseless;
    bool consumes;     /* what stands in this alternative so far takes at least one character */
    bool may_be_empty; /* an earlier alternative may match nothing */
    bool looks;        /* around: takes nothing itself */
};

struct walk {
    struct sw_buffer *out;
    const char *p, *end;
    const char *regex;
    const char *where;
    struct sw_error *err;
    struct group groups[MAX_DEPTH];
    size_t depth;
    bool atom;            /* what was written last can be repeated */
    bool atom_consumes;   /* it takes at least one character */
    bool before_consumes; /* the alternative without it does */
    char literal; /* the ASCII letter written last, for pairs that fold with one character */
};

static enum sw_code refuse(const struct walk *w, const char *what)
{
    return sw_fail(w->err, SW_EUNSUPPORTED, "%s: regular expression, byte %zu: %s is not supported",
                   w->where, (size_t)(w->p - w->regex), what);
}

/* Something that can be repeated was written. */
static void note_atom(struct walk *w, bool consumes)
{
    struct group *g = &w->groups[w->depth];
    w->atom = true;
    w->atom_consumes = consumes;
    w->before_consumes = g->consumes;
    g->consumes |= consumes;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* General categories pass as they are; of the scripts those that occur in tokenizers. */
static bool property_known(const char *name, size_t size, bool *script)
{
    static const char categories[] = " C Cc Cf Cn Co L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd"
                                     " Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs ";
    static const char scripts[] = " Arabic Armenian Bengali Cyrillic Devanagari Georgian Greek"
                                  " Hangul Han Hebrew Hiragana Katakana Khmer Lao Latin Myanmar"
                                  " Tamil Telugu Thai Tibetan ";
    char wanted[32];
    if (size == 0 || size > sizeof wanted - 3)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_letter(name[i]))
            return false;
    }
    wanted[0] = ' ';
    memcpy(wanted + 1, name, size);
    memcpy(wanted + 1 + size, " ", 2);
    *script = strstr(scripts, wanted) != NULL;
    return *script || strstr(categories, wanted) != NULL;
}

/* \p{Name}, \P{Name}, \p{^Name}; p stands behind the letter. */
static enum sw_code translate_property(struct walk *w, bool negated)
{
    const char *close =
        w->p < w->end && *w->p == '{' ? memchr(w->p, '}', (size_t)(w->end - w->p)) : NULL;
    if (close == NULL)
        return refuse(w, "a property without braces");
    const char *name = w->p + 1;
    if (name < close && *name == '^') {
        negated = !negated;
        name++;
    }
    bool script = false;
    if (!property_known(name, (size_t)(close - name), &script))
        return refuse(w, "this property");
    sw_buffer_printf(w->out, "\\%c{%s%.*s}", negated ? 'P' : 'p', script ? "sc:" : "",
                     (int)(close - name), name);
    w->p = close + 1;
    return SW_OK;
}

/* Hexadecimal digits of \xHH, \x{...} and \uHHHH; p stands behind the letter. */
static enum sw_code translate_code_point(struct walk *w, bool is_u)
{
    uint32_t value = 0;
    size_t n = 0, most = is_u ? 4 : 2;
    bool braced = !is_u && w->p < w->end && *w->p == '{';
    if (braced) {
        w->p++;
        most = 8;
    }
    for (; w->p < w->end && n < most; w->p++, n++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *digit = *w->p == 0 ? NULL : strchr(digits, *w->p);
        if (digit == NULL)
            break;
        size_t d = (size_t)(digit - digits);
        value = value << 4 | (uint32_t)(d < 16 ? d : d - 6);
    }
    bool closed = !braced || (w->p < w->end && *w->p == '}');
    /* \x80 and up without braces is a byte to Oniguruma, not a character. */
    if (n == 0 || !closed || (is_u && n < 4) || (!is_u && !braced && value > 0x7f) ||
        value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return refuse(w, "this number of a character");
    if (braced)
        w->p++;
    sw_buffer_printf(w->out, "\\x{%x}", value);
    return SW_OK;
}

/* A set by one letter, spelled out inside or outside of brackets. */
static void put_set(struct walk *w, const char *ranges, bool negated, bool in_class)
{
    if (in_class)
        sw_buffer_puts(w->out, ranges);
    else
        sw_buffer_printf(w->out, "[%s%s]", negated ? "^" : "", ranges);
}

/* p stands on the backslash. *is_set: what was written stands for more than one character. */
static enum sw_code translate_escape(struct walk *w, bool in_class, bool *is_set)
{
    *is_set = true;
    if (w->p + 1 >= w->end)
        return refuse(w, "a backslash at the end");
    char c = w->p[1];
    w->p += 2;
    switch (c) {
    case 's':
        put_set(w, SPACE_RANGES, false, in_class);
        return SW_OK;
    case 'S':
        put_set(w, in_class ? NOT_SPACE_RANGES : SPACE_RANGES, true, in_class);
        return SW_OK;
    case 'd':
    case 'D':
        sw_buffer_puts(w->out, c == 'd' ? "\\p{Nd}" : "\\P{Nd}");
        return SW_OK;
    case 'w':
        put_set(w, WORD_RANGES, false, in_class);
        return SW_OK;
    case 'W':
        if (in_class)
            return refuse(w, "\\W in brackets");
        put_set(w, WORD_RANGES, true, in_class);
        return SW_OK;
    case 'h':
        put_set(w, "0-9a-fA-F", false, in_class);
        return SW_OK;
    case 'p':
    case 'P':
        return translate_property(w, c == 'P');
    case 'A':
    case 'z':
    case 'Z':
        if (in_class)
            return refuse(w, "an anchor in brackets");
        sw_buffer_printf(w->out, "\\%c", c);
        return SW_OK;
    default:
        break;
    }
    *is_set = false;
    switch (c) {
    case 'x':
    case 'u':
        return translate_code_point(w, c == 'u');
    case 'v':
        sw_buffer_puts(w->out, "\\x{b}");
        return SW_OK;
    case 'n':
    case 'r':
    case 't':
    case 'f':
    case 'a':
    case 'e':
        sw_buffer_printf(w->out, "\\%c", c);
        return SW_OK;
    default:
        if (is_letter(c) || is_digit(c) || (unsigned char)c < 0x20 || (unsigned char)c >= 0x7f)
            return refuse(w, "this escape");
        sw_buffer_printf(w->out, "\\%c", c);
        return SW_OK;
    }
}

/* [...]; p stands on the bracket. */
static enum sw_code translate_class(struct walk *w)
{
    sw_buffer_puts(w->out, "[");
    w->p++;
    if (w->p < w->end && *w->p == '^') {
        sw_buffer_puts(w->out, "^");
        w->p++;
    }
    if (w->p < w->end && *w->p == ']')
        return refuse(w, "an empty pair of brackets");
    bool first = true, after_set = false, range_open = false;
    while (w->p < w->end && *w->p != ']') {
        bool is_set = false;
        if (*w->p == '[')
            return refuse(w, "a bracket within brackets");
        if (*w->p == '&' && w->p + 1 < w->end && w->p[1] == '&')
            return refuse(w, "an intersection");
        if (*w->p == '-' && !first && w->p + 1 < w->end && w->p[1] != ']') {
            if (after_set || range_open)
                return refuse(w, "a range that begins with a set");
            sw_buffer_puts(w->out, "-");
            w->p++;
            range_open = true;
            continue;
        }
        if (*w->p == '\\') {
            enum sw_code code = translate_escape(w, true, &is_set);
            if (code != SW_OK)
                return code;
        } else {
            if (*w->p == '-')
                sw_buffer_puts(w->out, "\\");
            sw_buffer_append(w->out, w->p++, 1);
        }
        if (is_set && range_open)
            return refuse(w, "a range that ends with a set");
        first = false;
        /* Behind a range a further '-' would be read differently by the two engines. */
        after_set = is_set || range_open;
        range_open = false;
    }
    if (w->p >= w->end)
        return refuse(w, "a bracket without its end");
    w->p++;
    sw_buffer_puts(w->out, "]");
    return SW_OK;
}

/* (...; p stands on the parenthesis. */
static enum sw_code open_group(struct walk *w)
{
    static const struct {
        const char *onig, *pcre;
        int caseless; /* -1: as outside */
    } kinds[] = {
        {"(?:", "(?:", -1},   {"(?=", "(?=", -1},    {"(?!", "(?!", -1},
        {"(?<=", "(?<=", -1}, {"(?<!", "(?<!", -1},  {"(?>", "(?>", -1},
        {"(?i:", "(?i:", 1},  {"(?-i:", "(?-i:", 0}, {"(?m:", "(?s:", -1},
    };
    if (w->depth + 1 >= MAX_DEPTH)
        return refuse(w, "nesting this deep");
    size_t left = (size_t)(w->end - w->p);
    bool inherited = w->groups[w->depth].caseless;
    if (left < 2 || w->p[1] != '?') {
        sw_buffer_puts(w->out, "(?:"); /* nothing refers to what a group captured */
        w->groups[++w->depth] = (struct group){.caseless = inherited};
        w->p++;
        return SW_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t n = strlen(kinds[i].onig);
        if (left < n || memcmp(w->p, kinds[i].onig, n) != 0)
            continue;
        sw_buffer_puts(w->out, kinds[i].pcre);
        w->groups[++w->depth] =
            (struct group){.caseless = kinds[i].caseless < 0 ? inherited : kinds[i].caseless > 0,
                           .looks = strpbrk(kinds[i].onig, "=!") != NULL};
        w->p += n;
        return SW_OK;
    }
    /* Elsewhere the option would bind alternatives differently. */
    if (w->p == w->regex && left >= 4 && memcmp(w->p, "(?i)", 4) == 0) {
        sw_buffer_puts(w->out, "(?i)");
        w->groups[0].caseless = true;
        w->p += 4;
        return SW_OK;
    }
    return refuse(w, "this kind of group");
}

static void close_group(struct walk *w)
{
    const struct group *g = &w->groups[w->depth--];
    note_atom(w, g->consumes && !g->may_be_empty && !g->looks);
}

/* The interval {n}, {n,}, {n,m} or {,m} at p; false where the brace is a plain character. */
static bool read_interval(const struct walk *w, size_t *size, bool *fixed, bool *open_start)
{
    const char *q = w->p + 1;
    const char *low = q;
    while (q < w->end && is_digit(*q))
        q++;
    size_t n_low = (size_t)(q - low), n_high = 0;
    *fixed = true;
    if (q < w->end && *q == ',') {
        const char *high = ++q;
        while (q < w->end && is_digit(*q))
            q++;
        n_high = (size_t)(q - high);
        *fixed = false;
    }
    *open_start = n_low == 0;
    *size = (size_t)(q + 1 - w->p);
    return q < w->end && *q == '}' && n_low + n_high > 0 && n_low < 6 && n_high < 6;
}

static enum sw_code translate_quantifier(struct walk *w)
{
    if (!w->atom)
        return refuse(w, "a repetition of nothing, or of a repetition,");
    /* The engines leave such a loop at different points. */
    if (!w->atom_consumes)
        return refuse(w, "a repetition of what may match nothing");
    w->atom = false;
    bool fixed = false, open_start = false, interval = *w->p == '{';
    size_t size = 1;
    if (interval)
        read_interval(w, &size, &fixed, &open_start);
    if (*w->p == '*' || *w->p == '?' || open_start || (interval && w->p[1] == '0'))
        w->groups[w->depth].consumes = w->before_consumes;
    if (open_start)
        sw_buffer_printf(w->out, "{0%.*s", (int)(size - 1), w->p + 1);
    else
        sw_buffer_append(w->out, w->p, size);
    w->p += size;
    if (w->p < w->end && (*w->p == '?' || *w->p == '+')) {
        if (fixed || (interval && *w->p == '+'))
            return refuse(w, "a repetition of an interval");
        sw_buffer_append(w->out, w->p++, 1);
    }
    return SW_OK;
}

/* Oniguruma folds some pairs with one character ("ss" and sharp s), PCRE2 does not. */
static enum sw_code check_caseless(struct walk *w, char c)
{
    static const char pairs[] = "ss ff fi fl st ";
    if ((unsigned char)c >= 0x80)
        return refuse(w, "a character beyond ASCII without regard to case");
    char lower = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    char pair[3] = {w->literal, lower, 0};
    if (w->literal != 0 && is_letter(lower) && strstr(pairs, pair) != NULL)
        return refuse(w, "this pair of letters without regard to case");
    w->literal = lower;
    return SW_OK;
}

static enum sw_code translate_item(struct walk *w)
{
    char c = *w->p;
    bool caseless = w->groups[w->depth].caseless;
    bool is_set = false, anchor;
    size_t size;
    bool fixed, open_start;
    enum sw_code code = SW_OK;
    switch (c) {
    case '(':
        w->atom = false;
        w->literal = 0;
        return open_group(w);
    case ')':
        if (w->depth == 0)
            return refuse(w, "a parenthesis without its beginning");
        close_group(w);
        break;
    case '|':
        w->groups[w->depth].may_be_empty |= !w->groups[w->depth].consumes;
        w->groups[w->depth].consumes = false;
        w->atom = false;
        break;
    case '^':
    case '$':
        w->atom = false;
        break;
    case '*':
    case '+':
    case '?':
        return translate_quantifier(w);
    case '{':
        if (read_interval(w, &size, &fixed, &open_start))
            return translate_quantifier(w);
        sw_buffer_puts(w->out, "\\");
        note_atom(w, true);
        break;
    case '[':
        if (caseless)
            return refuse(w, "a class without regard to case");
        note_atom(w, true);
        return translate_class(w);
    case '\\':
        anchor = w->p + 1 < w->end && w->p[1] != 0 && strchr("AzZ", w->p[1]) != NULL;
        code = translate_escape(w, false, &is_set);
        if (code == SW_OK && caseless && is_set && !anchor)
            return refuse(w, "a class without regard to case");
        w->atom = false;
        if (!anchor)
            note_atom(w, true);
        w->literal = 0;
        return code;
    default:
        note_atom(w, true);
        if (caseless)
            code = check_caseless(w, c);
        if (code != SW_OK)
            return code;
        sw_buffer_append(w->out, w->p++, 1);
        return SW_OK;
    }
    w->literal = 0;
    sw_buffer_append(w->out, w->p++, 1);
    return SW_OK;
}

enum sw_code sw_regex_translate(struct sw_buffer *out, const char *regex, size_t size,
                                const char *where, struct sw_error *err)
{
    struct walk w = {
        .out = out, .p = regex, .end = regex + size, .regex = regex, .where = where, .err = err};
    if (size > MAX_SIZE)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: regular expression of %zu bytes, more than %d",
                       where, size, MAX_SIZE);
    while (w.p < w.end) {
        enum sw_code code = translate_item(&w);
        if (code != SW_OK)
            return code;
    }
    if (w.depth > 0)
        return refuse(&w, "a parenthesis without its end");
    return out->failed ? sw_fail(err, SW_ENOMEM, "%s: out of memory", where) : SW_OK;
}
