#include "cli/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* One word from *at into *to, both moved behind it; false where a quote stays open. */
static bool take_word(const char **at, char **to)
{
    char quote = 0;
    const char *c = *at;
    for (; *c != 0 && (quote != 0 || strchr(" \t\n", *c) == NULL); c++) {
        if (quote == 0 && (*c == '\'' || *c == '"'))
            quote = *c;
        else if (quote != 0 && *c == quote)
            quote = 0;
        else if (*c == '\\' && quote == 0 && c[1] != 0)
            *(*to)++ = *++c;
        else if (*c == '\\' && quote == '"' && c[1] != 0 && strchr("\"\\$`", c[1]) != NULL)
            *(*to)++ = *++c;
        else
            *(*to)++ = *c;
    }
    *(*to)++ = 0;
    *at = c;
    return quote == 0;
}

enum sw_code sw_words_split(struct sw_words *out, const char *line, struct sw_error *err)
{
    size_t size = strlen(line);
    /* Every word but the last costs a blank, so there are at most half as many as bytes, and one
     * ends. */
    *out =
        (struct sw_words){.items = calloc(size / 2 + 2, sizeof(char *)), .bytes = malloc(size + 1)};
    if (out->items == NULL || out->bytes == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    char *to = out->bytes;
    for (const char *at = line + strspn(line, " \t\n"); *at != 0; at += strspn(at, " \t\n")) {
        out->items[out->n++] = to;
        if (!take_word(&at, &to))
            return sw_fail(err, SW_EUSAGE, "\"%s\": a quote is not closed", line);
    }
    if (out->n == 0)
        return sw_fail(err, SW_EUSAGE, "\"%s\": an empty command", line);
    return SW_OK;
}

void sw_words_free(struct sw_words *words)
{
    free(words->items);
    free(words->bytes);
    *words = (struct sw_words){0};
}

char *sw_words_join_dup(char *const *words)
{
    struct sw_buffer text = {0};
    for (size_t i = 0; words[i] != NULL; i++) {
        const char *word = words[i];
        bool plain = word[0] != 0 && word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
                                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                       "0123456789_-+=./:,@%^")] == 0;
        if (i > 0)
            sw_buffer_puts(&text, " ");
        if (plain) {
            sw_buffer_puts(&text, word);
            continue;
        }
        sw_buffer_puts(&text, "'");
        for (const char *c = word; *c != 0; c++) {
            if (*c == '\'')
                sw_buffer_puts(&text, "'\\''");
            else
                sw_buffer_append(&text, c, 1);
        }
        sw_buffer_puts(&text, "'");
    }
    char *line = sw_buffer_take(&text, NULL);
    sw_buffer_free(&text);
    return line;
}
