/* The merges of the embedded tokenizer, made by scripts/make-builtin-tokenizer.py. */
#ifndef SW_TEXT_BUILTIN_MERGES_H
#define SW_TEXT_BUILTIN_MERGES_H

extern const char sw_builtin_merges[]; /* lines "a b", NUL-terminated */

#endif
