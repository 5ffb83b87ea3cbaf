/* The embedded questions: short factual paragraphs, written for this project. Private to dataset/.
 */
#ifndef SW_DATASET_BUILTIN_QUESTIONS_H
#define SW_DATASET_BUILTIN_QUESTIONS_H

enum { SW_BUILTIN_PARAGRAPHS = 18, SW_BUILTIN_PER_PARAGRAPH = 3, SW_BUILTIN_ANSWERS = 2 };

struct sw_builtin_paragraph {
    const char *context;
    struct {
        const char *question;                    /* NULL behind the last */
        const char *answers[SW_BUILTIN_ANSWERS]; /* stand in the context; NULL behind the last */
    } questions[SW_BUILTIN_PER_PARAGRAPH];
};

extern const struct sw_builtin_paragraph sw_builtin_paragraphs[SW_BUILTIN_PARAGRAPHS];

#endif
