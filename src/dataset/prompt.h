/* Question to prompt, and generated text to answer: template, stop rule, extraction rule. */
#ifndef SW_DATASET_PROMPT_H
#define SW_DATASET_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "dataset/dataset.h"

struct sw_prompt_template {
    char *name;   /* "study", "squad", or "custom"; owned */
    char *text;   /* with {question} and {context}; owned */
    char **stops; /* (n_stops) texts that end an answer; owned */
    size_t n_stops;
    bool cut_at_newline; /* the answer is what stands before the first newline (squad) */
    char hash[72];       /* "sha256:..." over text, stops and extraction rule */
};

/* spec is "study" (the question alone), "squad" (context, question, "Answer:"), or a text that
 * holds {question} and perhaps {context}; {{ and }} are literal braces. stops (n_stops) come on top
 * of the template's own. */
enum sw_code sw_prompt_template_create(struct sw_prompt_template *out, const char *spec,
                                       const char *const *stops, size_t n_stops,
                                       struct sw_error *err);
void sw_prompt_template_free(struct sw_prompt_template *prompt);

/* Appends the prompt for one question. A template that needs {context} fails for a question that
 * has none, naming its id. */
enum sw_code sw_prompt_build(const struct sw_prompt_template *prompt,
                             const struct sw_question *question, struct sw_buffer *out,
                             struct sw_error *err);

/* True once generated text holds a stop text or ends the answer by the template's rule. */
bool sw_prompt_is_finished(const struct sw_prompt_template *prompt, const char *text, size_t size);

/* The answer within generated text: cut at the first stop text (and newline by the rule), white
 * space trimmed at both ends. Appends to out. */
void sw_prompt_extract(const struct sw_prompt_template *prompt, const char *text, size_t size,
                       struct sw_buffer *out);

/* One line that names the extraction rule, for the record. */
const char *sw_prompt_extraction_rule(const struct sw_prompt_template *prompt);

#endif
