#!/usr/bin/env python3
"""Writes tests/fixtures/score.jsonl: answers, references and the scores that Python gives them.

    scripts/make-score-fixture.py > tests/fixtures/score.jsonl

Written from the definition of SQuAD v1.1's scores, apart from the C code, and with Python's own
str.lower, str.split and re. The last line is a SHA-256 over normalised texts around every character
of Unicode that Python's version knows.
"""
import collections
import hashlib
import json
import random
import re
import string
import sys


def normalize(text):
    text = text.lower()
    text = "".join(ch for ch in text if ch not in string.punctuation)
    text = re.sub(r"\b(?:a|an|the)\b", " ", text)
    return " ".join(text.split())


def f1(answer, reference):
    a, r = normalize(answer).split(), normalize(reference).split()
    same = sum((collections.Counter(a) & collections.Counter(r)).values())
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(a), 1.0 * same / len(r)
    return (2 * precision * recall) / (precision + recall)


def case(answer, references):
    print(json.dumps({
        "answer": answer, "references": references, "normalized": normalize(answer),
        "exact_match": max(float(normalize(answer) == normalize(r)) for r in references),
        "f1": max(f1(answer, r) for r in references)}))


BY_HAND = [
    ("Denver Broncos", ["Denver Broncos", "the Broncos"]),
    ("The Denver Broncos.", ["denver broncos"]),
    ("broncos of denver", ["Denver Broncos"]),
    ("", [""]),
    ("", ["x"]),
    ("the", ["a"]),
    ("a an the", [""]),
    ("!!!", ["the"]),
    ("24\u201310", ["24-10", "24\u201310"]),
    ("U.S.A. the U.S.", ["USA US"]),
    ("don't", ["dont"]),
    ("a_b the_end", ["ab theend"]),
    ("the-end", ["end"]),
    ("the\u2014end a\u2013b", ["\u2014end \u2013b"]),
    ("the the cat cat cat", ["cat cat dog", "cat"]),
    ("x x y", ["x y y", "y x x z"]),
    ("Caf\u00c9 \u00c0 la carte", ["caf\u00e9 \u00e0 la carte"]),
    ("\u0130stanbul", ["istanbul", "i\u0307stanbul"]),
    ("\u039f\u0394\u039f\u03a3 \u03a3\u0391\u03a3", ["\u03bf\u03b4\u03bf\u03c2 \u03c3\u03b1\u03c2"]),
    ("\u041c\u041e\u0421\u041a\u0412\u0410", ["\u043c\u043e\u0441\u043a\u0432\u0430"]),
    ("stra\u00dfe STRASSE", ["strasse stra\u00dfe"]),
    ("tab\tand\u00a0space\u3000wide\u2003em", ["tab and space wide em"]),
    ("a\u0301 an\u00e9 th\u00e9 the\u00e9", ["\u0301 an\u00e9 th\u00e9 the\u00e9"]),
    ("\u4e00a the\u4e8c 5a a5", ["\u4e00a the\u4e8c 5a a5"]),
    ("nul\u0000byte the\u0000a", ["nul\u0000byte \u0000"]),
    ("\U00010400\U00010428 \U0001f600 the", ["\U00010428\U00010428 \U0001f600"]),
    ("$3.6 million", ["3.6 million", "36 million dollars"]),
    (" ".join(str(i % 7) for i in range(100)), [" ".join(str(i % 11) for i in range(90))]),
]
PIECES = ["a", "an", "the", "The", "A", "cat", "CAT", "dog", "x", "y", "-", ".", "'", "_", " ", " ",
          "  ", "\t", "\n", "\u00a0", "\u2013", "\u00e9", "\u00c9", "5", "\u0130", "\u03a9", "\u4e2d",
          "\u0301", "\u200b", "\ufffd", "$", "\u2028", "\x1f", "\x00"]

if sys.version_info < (3, 7):
    sys.exit("needs Python 3.7 or later")
for answer, references in BY_HAND:
    case(answer, references)
rng = random.Random(3)
for _ in range(300):
    texts = ["".join(rng.choices(PIECES, k=rng.randrange(12))) for _ in range(rng.randrange(2, 5))]
    case(texts[0], texts[1:])

digest = hashlib.sha256()
for c in range(0x110000):
    if not 0xD800 <= c <= 0xDFFF:
        ch = chr(c)
        text = f"a{ch} {ch}the b{ch}a a{ch}B"
        digest.update(normalize(text).encode() + b"\n")
print(json.dumps({"all_characters_sha256": digest.hexdigest()}))
