#!/usr/bin/env python3
"""Writes src/dataset/unicode_tables.c: what Python's str knows of characters, for answers' scores.

    scripts/make-score-tables.py > src/dataset/unicode_tables.c

The reference scores of SQuAD are defined by Python's str.lower and re's \\b, so the tables are taken
from Python itself; the Unicode version is that of the Python that runs this.
"""
import unicodedata

LAST = 0x10FFFF


def ranges(holds):
    found, first = [], None
    for c in range(0x80, LAST + 2):
        if c <= LAST and holds(chr(c)):
            first = c if first is None else first
        elif first is not None:
            found.append((first, c - 1))
            first = None
    return found


def lower_runs():
    """(first, last, step, delta): c in first, first + step, ... last becomes c + delta."""
    pairs = [(c, ord(chr(c).lower()) - c) for c in range(0x80, LAST + 1)
             if len(chr(c).lower()) == 1 and chr(c).lower() != chr(c)]
    runs = []
    for c, delta in pairs:
        if runs:
            first, last, step, d = runs[-1]
            gap = c - last
            if d == delta and (gap == step or (first == last and gap <= 2)):
                runs[-1] = (first, c, gap, d)
                continue
        runs.append((c, c, 1, delta))
    return runs


def table(entries, form):
    line, lines = "   ", []
    for entry in entries:
        text = " " + form % entry + ","
        if len(line) + len(text) > 100:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join(lines + [line])


words = ranges(lambda ch: ch.isalnum())
lowers = lower_runs()
print(f"""/* Made by scripts/make-score-tables.py from Unicode {unicodedata.unidata_version}. */
#include "dataset/unicode_tables.h"

/* clang-format off */
const size_t sw_unicode_n_words = {len(words)};
const struct sw_unicode_range sw_unicode_words[] = {{
{table(words, "{0x%x,0x%x}")}
}};

const size_t sw_unicode_n_lowers = {len(lowers)};
const struct sw_unicode_lower sw_unicode_lowers[] = {{
{table(lowers, "{0x%x,0x%x,%d,%d}")}
}};
/* clang-format on */""")
