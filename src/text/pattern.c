#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "text/regex_syntax.h"

/* Bounds on one search, chosen well above what tokenizers in use need: backtracking steps from one
 * start, memory for them, and time for the whole text. */
static const uint32_t steps_from_one_start = 20000000;
static const uint32_t heap_limit_kib = 65536;
static const size_t jit_stack_max_bytes = (size_t)16 << 20;
static const uint64_t time_base_ns = 1000000000;
static const uint64_t time_per_byte_ns = 10000;

struct sw_pattern {
    char *literal; /* (literal_size), owned; used where code is NULL */
    size_t literal_size;
    pcre2_code *code;
    char *where; /* owned; for messages while matching */
};

struct sw_matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static enum sw_code compile(struct sw_pattern *p, const char *regex, size_t size,
                            struct sw_error *err)
{
    struct sw_buffer text = {0};
    pcre2_compile_context *context = NULL;
    enum sw_code code = sw_regex_translate(&text, regex, size, p->where, err);
    if (code != SW_OK)
        goto done;
    context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", p->where);
        goto done;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    int number;
    PCRE2_SIZE at;
    /* 10.42 makes \P{L}{2,} possessive before \P{N} and loses matches: that optimisation is off. */
    p->code = pcre2_compile((PCRE2_SPTR)(text.data != NULL ? text.data : ""), text.size,
                            PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT |
                                PCRE2_NO_AUTO_POSSESS,
                            &number, &at, context);
    if (p->code == NULL) {
        PCRE2_UCHAR reason[256] = "";
        pcre2_get_error_message(number, reason, sizeof reason);
        code = sw_fail(err, SW_EFORMAT, "%s: regular expression \"%.80s\": %s", p->where, regex,
                       (const char *)reason);
        goto done;
    }
    /* Where there is no just-in-time compiler the interpreter serves, more slowly. */
    pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
done:
    pcre2_compile_context_free(context);
    sw_buffer_free(&text);
    return code;
}

enum sw_code sw_pattern_parse(struct sw_pattern **out, const json_t *value, const char *where,
                              struct sw_error *err)
{
    const json_t *literal = json_object_get(value, "String");
    const json_t *regex = json_object_get(value, "Regex");
    const json_t *given = literal != NULL ? literal : regex;
    *out = NULL;
    if (!json_is_string(given) || json_object_size(value) != 1)
        return sw_fail(err, SW_EFORMAT,
                       "%s: \"pattern\" is neither {\"String\": text} nor {\"Regex\": text}",
                       where);
    struct sw_pattern *p = calloc(1, sizeof *p);
    enum sw_code code = SW_OK;
    size_t size = json_string_length(given);
    if (p == NULL || (p->where = strdup(where)) == NULL)
        goto no_memory;
    if (literal == NULL) {
        code = compile(p, json_string_value(regex), size, err);
    } else {
        p->literal = malloc(size + 1);
        if (p->literal == NULL)
            goto no_memory;
        memcpy(p->literal, json_string_value(literal), size);
        p->literal_size = size;
    }
    if (code == SW_OK)
        *out = p;
    else
        sw_pattern_destroy(p);
    return code;
no_memory:
    sw_pattern_destroy(p);
    return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
}

void sw_pattern_destroy(struct sw_pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->code);
    free(pattern->literal);
    free(pattern->where);
    free(pattern);
}

static void matcher_destroy(struct sw_matcher *m)
{
    if (m == NULL)
        return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m);
}

static struct sw_matcher *matcher_create(void)
{
    struct sw_matcher *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(32768, jit_stack_max_bytes, NULL);
    if (m->data == NULL || m->context == NULL) {
        matcher_destroy(m);
        return NULL;
    }
    pcre2_set_match_limit(m->context, steps_from_one_start);
    pcre2_set_heap_limit(m->context, heap_limit_kib);
    if (m->stack != NULL)
        pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return m;
}

void sw_spans_free(struct sw_spans *spans)
{
    matcher_destroy(spans->matcher);
    free(spans->items);
    *spans = (struct sw_spans){0};
}

void sw_spans_add(struct sw_spans *spans, size_t start, size_t end, bool is_match)
{
    if (spans->n == spans->capacity) {
        size_t capacity = spans->capacity == 0 ? 64 : spans->capacity * 2;
        struct sw_span *items = capacity > SIZE_MAX / sizeof *items
                                    ? NULL
                                    : realloc(spans->items, capacity * sizeof *items);
        if (items == NULL) {
            spans->failed = true;
            return;
        }
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->n++] = (struct sw_span){start, end, is_match};
}

/* One search under way over one text. */
struct search {
    const struct sw_pattern *pattern;
    const char *text;
    size_t size;
    struct sw_matcher *matcher;
    uint64_t deadline_ns; /* 0: not asked for yet */
    size_t stride;        /* starts tried before the clock is looked at */
    struct sw_error *err;
};

/* Tries starts from `from` on in strides, with a look at the clock between them. Strides grow while
 * they are cheap, so that a long text without a match stays linear. */
static enum sw_code find_regex(struct search *s, size_t from, size_t *start, size_t *end,
                               bool *found)
{
    const struct sw_pattern *p = s->pattern;
    *found = false;
    for (;;) {
        size_t last = s->size - from > s->stride ? from + s->stride : s->size;
        pcre2_set_offset_limit(s->matcher->context, last);
        int rc = pcre2_match(p->code, (PCRE2_SPTR)s->text, s->size, from, PCRE2_NO_UTF_CHECK,
                             s->matcher->data, s->matcher->context);
        if (rc >= 0) {
            const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(s->matcher->data);
            *start = ends[0];
            *end = ends[1];
            *found = true;
            return SW_OK;
        }
        if (rc == PCRE2_ERROR_NOMEMORY)
            return sw_fail(s->err, SW_ENOMEM, "%s: out of memory", p->where);
        if (rc != PCRE2_ERROR_NOMATCH)
            return sw_fail(
                s->err, SW_EUNSUPPORTED,
                "%s: the regular expression backtracks beyond its limit (PCRE2 error %d) "
                "at byte %zu of the text",
                p->where, rc, from);
        if (last == s->size)
            return SW_OK;
        from = last;
        while (((unsigned char)s->text[from] & 0xc0) == 0x80)
            from--; /* a start inside of a character was no start */
        uint64_t now = sw_clock_ns();
        if (now > s->deadline_ns)
            return sw_fail(s->err, SW_EUNSUPPORTED,
                           "%s: the regular expression takes too long at byte %zu of the text",
                           p->where, from);
        if (s->stride < s->size)
            s->stride *= 2;
    }
}

static bool find_literal(const struct search *s, size_t from, size_t *start, size_t *end)
{
    const struct sw_pattern *p = s->pattern;
    const char *at = p->literal_size == 0
                         ? s->text + from
                         : memmem(s->text + from, s->size - from, p->literal, p->literal_size);
    if (at == NULL)
        return false;
    *start = (size_t)(at - s->text);
    *end = *start + p->literal_size;
    return true;
}

enum sw_code sw_pattern_find(const struct sw_pattern *pattern, const char *text, size_t size,
                             struct sw_spans *spans, struct sw_error *err)
{
    spans->n = 0;
    if (size == 0)
        return SW_OK;
    if (pattern->code != NULL && spans->matcher == NULL &&
        (spans->matcher = matcher_create()) == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    struct search s = {.pattern = pattern,
                       .text = text,
                       .size = size,
                       .matcher = spans->matcher,
                       .stride = 64,
                       .err = err};
    if (pattern->code != NULL)
        s.deadline_ns = sw_clock_ns() + time_base_ns + time_per_byte_ns * size;
    size_t from = 0, covered = 0, n_found = 0;
    size_t last_end = SIZE_MAX; /* an empty match right behind the last match is no match */
    while (from <= size) {
        size_t start = 0, end = 0;
        bool found = false;
        if (pattern->code == NULL) {
            found = find_literal(&s, from, &start, &end);
        } else {
            enum sw_code code = find_regex(&s, from, &start, &end, &found);
            if (code != SW_OK)
                return code;
        }
        if (!found)
            break;
        if (start == end && end == last_end) {
            from++;
            while (from < size && ((unsigned char)text[from] & 0xc0) == 0x80)
                from++;
            continue;
        }
        from = last_end = end;
        if (covered != start)
            sw_spans_add(spans, covered, start, false);
        sw_spans_add(spans, start, end, true);
        covered = end;
        if (++n_found % 1024 == 0 && pattern->code != NULL && sw_clock_ns() > s.deadline_ns)
            return sw_fail(err, SW_EUNSUPPORTED,
                           "%s: the regular expression takes too long at byte %zu of the text",
                           pattern->where, from);
    }
    if (covered != size)
        sw_spans_add(spans, covered, size, false);
    return spans->failed ? sw_fail(err, SW_ENOMEM, "out of memory") : SW_OK;
}
