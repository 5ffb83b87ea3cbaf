#include "dataset/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/utf8.h"

static const struct {
    const char *name;
    const char *text;
    bool cut_at_newline;
} known_templates[] = {
    {"study", "{question}", false},
    {"squad", "{context}\n\nQuestion: {question}\nAnswer:", true},
};

enum piece_kind { PIECE_END, PIECE_TEXT, PIECE_QUESTION, PIECE_CONTEXT, PIECE_BAD };

struct piece {
    enum piece_kind kind;
    const char *text; /* view of what the piece takes of the template */
    size_t size;
};

/* The piece at *at, which moves behind it. A doubled brace gives the text of one. */
static struct piece next_piece(const char **at)
{
    const char *begin = *at;
    struct piece piece = {PIECE_TEXT, begin, strcspn(begin, "{}")};
    if (begin[0] == 0) {
        piece.kind = PIECE_END;
    } else if (piece.size == 0 && begin[1] == begin[0]) {
        piece.size = 1;
        *at = begin + 2;
        return piece;
    } else if (piece.size == 0) {
        const char *end = begin[0] == '{' ? strpbrk(begin + 1, "{}") : NULL;
        piece.size = end != NULL && *end == '}' ? (size_t)(end - begin) + 1 : 1;
        if (piece.size == 10 && memcmp(begin, "{question}", 10) == 0)
            piece.kind = PIECE_QUESTION;
        else if (piece.size == 9 && memcmp(begin, "{context}", 9) == 0)
            piece.kind = PIECE_CONTEXT;
        else
            piece.kind = PIECE_BAD;
    }
    *at = begin + piece.size;
    return piece;
}

static enum sw_code check_template(const char *text, struct sw_error *err)
{
    bool has_question = false;
    if (!sw_utf8_valid(text, strlen(text)))
        return sw_fail(err, SW_EUSAGE, "prompt template: invalid UTF-8");
    const char *at = text;
    for (struct piece piece = next_piece(&at); piece.kind != PIECE_END; piece = next_piece(&at)) {
        size_t place = (size_t)(piece.text - text) + 1;
        has_question = has_question || piece.kind == PIECE_QUESTION;
        if (piece.kind != PIECE_BAD)
            continue;
        if (piece.size == 1)
            return sw_fail(err, SW_EUSAGE,
                           "prompt template: single '%c' at byte %zu (a literal brace is "
                           "doubled)",
                           piece.text[0], place);
        return sw_fail(err, SW_EUSAGE,
                       "prompt template: unknown placeholder %.*s at byte %zu; known are "
                       "{question} and {context} (a literal brace is doubled)",
                       (int)(piece.size < 64 ? piece.size : 64), piece.text, place);
    }
    if (!has_question)
        return sw_fail(err, SW_EUSAGE,
                       "prompt template \"%.64s\" is neither study nor squad, and holds no "
                       "{question}",
                       text);
    return SW_OK;
}

static enum sw_code copy_stops(struct sw_prompt_template *out, const char *const *stops,
                               size_t n_stops, struct sw_error *err)
{
    if (n_stops == 0)
        return SW_OK;
    out->stops = calloc(n_stops, sizeof *out->stops);
    if (out->stops == NULL)
        return sw_fail(err, SW_ENOMEM, "stop text: out of memory");
    for (size_t i = 0; i < n_stops; i++) {
        if (stops[i][0] == 0)
            return sw_fail(err, SW_EUSAGE, "stop text %zu is empty", i + 1);
        if (!sw_utf8_valid(stops[i], strlen(stops[i])))
            return sw_fail(err, SW_EUSAGE, "stop text %zu: invalid UTF-8", i + 1);
        out->stops[i] = strdup(stops[i]);
        if (out->stops[i] == NULL)
            return sw_fail(err, SW_ENOMEM, "stop text: out of memory");
        out->n_stops++;
    }
    return SW_OK;
}

/* Sizes in front of the texts keep different lists of stops from reading alike. */
static void hash_text(struct sw_digest *digest, const char *text)
{
    char size[32];
    snprintf(size, sizeof size, "%zu:", strlen(text));
    sw_digest_update(digest, size, strlen(size));
    sw_digest_update(digest, text, strlen(text));
}

static enum sw_code set_hash(struct sw_prompt_template *prompt, struct sw_error *err)
{
    struct sw_digest *digest;
    char hex[65];
    enum sw_code code = sw_digest_create(&digest, SW_SHA256, err);
    if (code != SW_OK)
        return code;
    hash_text(digest, prompt->text);
    hash_text(digest, sw_prompt_extraction_rule(prompt));
    for (size_t i = 0; i < prompt->n_stops; i++)
        hash_text(digest, prompt->stops[i]);
    sw_digest_hex(digest, hex);
    sw_digest_destroy(digest);
    snprintf(prompt->hash, sizeof prompt->hash, "sha256:%s", hex);
    return SW_OK;
}

enum sw_code sw_prompt_template_create(struct sw_prompt_template *out, const char *spec,
                                       const char *const *stops, size_t n_stops,
                                       struct sw_error *err)
{
    const char *name = "custom";
    const char *text = spec;
    *out = (struct sw_prompt_template){0};
    for (size_t i = 0; i < sizeof known_templates / sizeof *known_templates; i++) {
        if (strcmp(spec, known_templates[i].name) == 0) {
            name = known_templates[i].name;
            text = known_templates[i].text;
            out->cut_at_newline = known_templates[i].cut_at_newline;
        }
    }
    enum sw_code code = check_template(text, err);
    if (code != SW_OK)
        goto done;
    out->name = strdup(name);
    out->text = strdup(text);
    if (out->name == NULL || out->text == NULL) {
        code = sw_fail(err, SW_ENOMEM, "prompt template: out of memory");
        goto done;
    }
    code = copy_stops(out, stops, n_stops, err);
    if (code == SW_OK)
        code = set_hash(out, err);
done:
    if (code != SW_OK)
        sw_prompt_template_free(out);
    return code;
}

void sw_prompt_template_free(struct sw_prompt_template *prompt)
{
    for (size_t i = 0; i < prompt->n_stops; i++)
        free(prompt->stops[i]);
    free(prompt->stops);
    free(prompt->name);
    free(prompt->text);
    *prompt = (struct sw_prompt_template){0};
}

enum sw_code sw_prompt_build(const struct sw_prompt_template *prompt,
                             const struct sw_question *question, struct sw_buffer *out,
                             struct sw_error *err)
{
    const char *at = prompt->text;
    for (struct piece piece = next_piece(&at); piece.kind != PIECE_END; piece = next_piece(&at)) {
        if (piece.kind == PIECE_QUESTION) {
            sw_buffer_puts(out, question->question);
        } else if (piece.kind == PIECE_CONTEXT) {
            if (question->context == NULL)
                return sw_fail(err, SW_EUSAGE,
                               "question %.100s has no context, which the prompt template \"%s\" "
                               "needs",
                               question->id, prompt->name);
            sw_buffer_puts(out, question->context);
        } else {
            sw_buffer_append(out, piece.text, piece.size);
        }
    }
    if (out->failed)
        return sw_fail(err, SW_ENOMEM, "prompt of question %.100s: out of memory", question->id);
    return SW_OK;
}

/* Bytes of text before the first stop text or ending newline; size where there is none. */
static size_t answer_end(const struct sw_prompt_template *prompt, const char *text, size_t size)
{
    size_t end = size;
    for (size_t i = 0; i < prompt->n_stops && end > 0; i++) {
        /* A stop that begins before end may reach past it. */
        const char *found = memmem(text, size, prompt->stops[i], strlen(prompt->stops[i]));
        if (found != NULL && (size_t)(found - text) < end)
            end = (size_t)(found - text);
    }
    if (prompt->cut_at_newline && end > 0) {
        const char *newline = memchr(text, '\n', end);
        if (newline != NULL)
            end = (size_t)(newline - text);
    }
    return end;
}

bool sw_prompt_is_finished(const struct sw_prompt_template *prompt, const char *text, size_t size)
{
    return answer_end(prompt, text, size) < size;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void sw_prompt_extract(const struct sw_prompt_template *prompt, const char *text, size_t size,
                       struct sw_buffer *out)
{
    size_t end = answer_end(prompt, text, size);
    size_t begin = 0;
    while (begin < end && is_space(text[begin]))
        begin++;
    while (end > begin && is_space(text[end - 1]))
        end--;
    sw_buffer_append(out, begin < end ? text + begin : "", end - begin);
}

const char *sw_prompt_extraction_rule(const struct sw_prompt_template *prompt)
{
    return prompt->cut_at_newline
               ? "text before the first newline or stop text, white space trimmed at both ends"
               : "text before the first stop text, white space trimmed at both ends";
}
