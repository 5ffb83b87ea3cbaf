#!/usr/bin/env python3
"""Writes src/text/char_class_table.c: which characters the reference library takes for letters,
numbers, white space, digits and word characters.

The classes are asked of the library itself (PyPI: tokenizers), character by character, because its
regex engine, its own code and PCRE2 follow different versions of Unicode and differ on single
characters (U+180E as white space, for one).

    scripts/make-char-classes.py > src/text/char_class_table.c
"""
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def matched_by(split):
    """Code points that the pre-tokenizer keeps, asked in one long text with separators."""
    kept = set()
    for begin in range(0, len(CHARACTERS), 4096):
        text = "".join(map(chr, CHARACTERS[begin:begin + 4096]))
        kept.update(ord(c) for piece, _ in split.pre_tokenize_str(text) for c in piece)
    return kept


def regex_class(pattern):
    return matched_by(pre_tokenizers.Split(Regex(pattern), "removed", invert=True))


def rust_numeric():
    """Digits makes each number a piece of its own; asked one by one between two letters."""
    digits = pre_tokenizers.Digits(individual_digits=True)
    text = "".join("a" + chr(c) for c in CHARACTERS) + "a"
    found = set()
    for piece, _ in digits.pre_tokenize_str(text):
        if len(piece) == 1 and piece != "a":
            found.add(ord(piece))
    return found


def rust_word_and_space():
    """single_word tokens match beside characters that are no \\w; rstrip takes white space along."""
    tokenizer = Tokenizer(models.BPE(vocab={}, merges=[]))
    tokenizer.add_tokens([AddedToken("<w>", single_word=True, normalized=False),
                          AddedToken("<s>", rstrip=True, normalized=False)])
    word = {c for c in CHARACTERS
            if 0 not in tokenizer.encode("<w>" + chr(c)).ids}
    space = set()
    for c in CHARACTERS:
        encoding = tokenizer.encode("<s>" + chr(c))
        if encoding.ids[0] == 1 and encoding.offsets[0][1] == 4:
            space.add(c)
    return word, space


def print_table(declaration, values):
    print(declaration + " = {")
    line = "   "
    for value in values:
        item = " 0x%x," % value
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(line + "\n};\n")


def main():
    word, space = rust_word_and_space()
    classes = [("SW_CHAR_LETTER", regex_class(r"\p{L}")), ("SW_CHAR_NUMBER", regex_class(r"\p{N}")),
               ("SW_CHAR_SPACE", regex_class(r"\s")), ("SW_CHAR_NUMERIC", rust_numeric()),
               ("SW_CHAR_WORD", word), ("SW_CHAR_WHITE", space)]
    masks = [0] * 0x110000
    for bit, (_, members) in enumerate(classes):
        for c in members:
            masks[c] |= 1 << bit
    runs = [(0, masks[0])]
    for c in CHARACTERS:
        if masks[c] != runs[-1][1]:
            runs.append((c, masks[c]))
    print("/* Written by scripts/make-char-classes.py with tokenizers %s; do not edit. Runs of characters"
          % tokenizers.__version__)
    print(" * of equal class: first code point << 8 | classes. */")
    print("/* clang-format off */")
    print('#include "text/char_class.h"\n')
    print_table("const uint8_t sw_char_class_ascii[128]", masks[:128])
    print_table("const uint32_t sw_char_class_runs[]", [first << 8 | mask for first, mask in runs])
    print("const size_t sw_char_class_n_runs = sizeof sw_char_class_runs / sizeof sw_char_class_runs[0];")


main()
