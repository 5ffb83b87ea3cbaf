/* Command lines without a shell: words and quotes, nothing is expanded. */
#ifndef SW_CLI_WORDS_H
#define SW_CLI_WORDS_H

#include <stddef.h>

#include "base/error.h"

struct sw_words {
    char **items; /* owned, NULL behind the last */
    char *bytes;  /* owned, what items point into */
    size_t n;
};

/* Splits at blanks; '...', "..." and backslash as in a shell. An empty line or an open quote is
 * refused. */
enum sw_code sw_words_split(struct sw_words *out, const char *line, struct sw_error *err);
void sw_words_free(struct sw_words *words);

/* Words as a line that a shell would take apart into them again. Caller frees; NULL if out of
 * memory. */
char *sw_words_join_dup(char *const *words);

#endif
