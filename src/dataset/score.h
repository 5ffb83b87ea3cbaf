/*
 * How well a generated answer agrees with the reference answers: exact match and F1 as SQuAD v1.1
 * defines them (Rajpurkar et al. 2016; the authors' evaluation script for version 1.1).
 *
 * Both texts are normalised first: lower case, ASCII punctuation taken out, the words a, an and the
 * taken out, white space collapsed. Exact match is 1 where the results are equal; F1 is the
 * harmonic mean of precision and recall over the words, each counted as often as it occurs in both,
 * and 0 where they share none (also where both are empty). Of several references the best counts,
 * for each score on its own. "contains" is no part of SQuAD: it does not ask that the answer says
 * nothing else. A reference without words is contained in nothing.
 *
 * Characters are treated as Python's str treats them, since the script is Python's. One departure:
 * a capital sigma becomes the final form where a letter or number stands directly before it and
 * none directly behind; Python also looks past apostrophes, full stops and combining marks.
 */
#ifndef SW_DATASET_SCORE_H
#define SW_DATASET_SCORE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct sw_score {
    double exact_match; /* 0 or 1 */
    double f1;          /* 0 to 1 */
    double contains;    /* 0 or 1: a reference's words stand in the answer, one behind the other */
};

/* references (n_references), from 1: without any there is no score, which is SW_EABSENT. Invalid
 * UTF-8 counts as U+FFFD. */
enum sw_code sw_score_answer(struct sw_score *out, const char *answer, size_t size,
                             const char *const *references, size_t n_references,
                             struct sw_error *err);

/* Appends the normalised text. */
void sw_score_normalize(struct sw_buffer *out, const char *text, size_t size);

#endif
