#!/usr/bin/env python3
"""Makes src/meter/tdp_table.c from a CSV of processor names and thermal design powers.

    scripts/make-tdp-table.py ../shared/data/energy/hardware/cpu_power.csv > src/meter/tdp_table.c

Facts only: name and watts. Names are grouped by watts, which keeps the table an eighth of the
size that one struct per row would need. A malformed or zero power becomes 0 (unknown): the name is
kept, because the look-up must still see that two rows match.
"""
import csv
import re
import sys

HEADER = '''/*
 * Thermal design power by processor name: {rows} names. Made by scripts/make-tdp-table.py; do not
 * edit.
 *
 * Source: the file codecarbon/data/hardware/cpu_power.csv of github.com/mlco2/codecarbon at
 * b05965e43b69 (2026), collected there from Intel's and AMD's product pages with additions by hand.
 * That project is under the MIT licence, Copyright (c) 2019 Mila, BCG Gamma, CometML, Haverford
 * College; Copyright (c) 2023 Code Carbon NGO. Taken over are facts: names and watts.
 *
 * Group 0 W holds {unknown} names whose power is malformed there; they are known, their power is not.
 */
#include "meter/tdp.h"

/* clang-format off */
const struct sw_tdp_group sw_tdp_groups[] = {{
'''


def quoted(data):
    out, hexed = "", False
    for byte in data:
        if byte >= 0x80 or chr(byte) in '"\\':
            out, hexed = out + "\\%03o" % byte, True
        else:
            out, hexed = out + chr(byte), False
    return '"' + out + '"'


def main():
    groups, rows, unknown = {}, 0, 0
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, text = row["Name"], row["TDP"]
            if "|" in name or "\n" in name:
                sys.exit("name with a separator: %r" % name)
            watts = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0
            unknown += watts == 0
            rows += 1
            groups.setdefault(watts, []).append(name)
    out = [HEADER.format(rows=rows, unknown=unknown)]
    for watts in sorted(groups):
        out.append("    {%s," % "%g" % watts)
        line = b""
        for name in groups[watts]:
            part = name.encode() + b"|"
            if line and len(line) + len(part) > 84:
                out.append("     " + quoted(line))
                line = b""
            line += part
        out.append("     " + quoted(line) + "},")
    out.append("};")
    out.append("const size_t sw_n_tdp_groups = sizeof sw_tdp_groups / sizeof sw_tdp_groups[0];")
    text = "\n".join(out) + "\n"
    sys.stdout.write(text.replace("= {\n\n", "= {\n"))


main()
