#!/usr/bin/env python3
"""Writes src/text/builtin_merges.c: the merges of the embedded tokenizer, a byte-level BPE for
synthetic models. Trained here, with nothing but the standard library, on a list of frequent English
words (below, most frequent first, each counted as Zipf's law would have it) and on the bytes of a
few common patterns. Deterministic.

    scripts/make-builtin-tokenizer.py > src/text/builtin_merges.c
"""
import collections

N_MERGES = 2048

WORDS = """
the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which
one you were all her she there would their we him been has when who will no more if out so what up said its about
than into them can only other time new some could these two may first then do any like my now over such our man me
even most made after also did many off before must well back through years where much your way down should because
long each just state those people too mr how little good world make very year still see own work men day get here
between both life being under three never know same last another while us might great go come since against right
came take used himself few house use place american without again home around small however found mrs part school
thought went say general once upon course war left number far government always toward water less public put night
head think hand eyes nothing almost end system want asked later knew point next program city business give group
country young days let room president side social present given several order second face possible rather per
among national form important often things looked early white case large big four need within felt children along
best church ever power least development light thing seemed family interest mind area want members turned others
although door done line itself open law matter human god kind began different name certain half problem help words
sense action fact question today show money death city able true during body office history level free better
question answer where capital river mountain ocean island king queen prince battle army century language science
energy carbon token model measure second memory machine computer number average total result record engine sample
electricity power joule watt gram heat temperature light sound wave particle electron atom molecule element metal
iron gold silver copper oxygen hydrogen nitrogen water earth moon planet star space galaxy universe ship train road
bridge tower castle village town farm field forest tree flower plant animal bird fish horse cat dog cow sheep
mother father brother sister son daughter friend child baby girl boy woman student teacher doctor nurse writer
painter singer player actor soldier farmer worker driver engineer chemist physicist inventor explorer captain
book story letter page word sentence chapter poem song music paper pen picture film play game team season match
goal score winner medal record prize award title league cup final round race sport football tennis basketball
north south east west spring summer autumn winter january february march april june july august september october
november december monday tuesday wednesday thursday friday saturday sunday morning evening afternoon midnight hour
minute week month decade age ancient modern early late old long short tall deep wide narrow high low hot cold warm
cool dry wet hard soft heavy strong weak fast slow quick quiet loud bright dark clean dirty full empty rich poor
happy sad angry afraid brave kind gentle clever simple complex common rare real false right wrong ready sure
begin start stop finish continue become remain seem appear happen exist live die grow build create develop produce
provide include contain consist require allow help cause lead follow move carry bring send receive give take keep
hold find lose win fight attack defend protect save serve rule govern elect vote choose decide agree refuse accept
believe understand learn teach study read write speak talk tell ask answer call name describe explain discover
invent design draw paint sing dance run walk fly swim drive ride travel visit arrive leave return stay wait watch
look listen hear feel touch taste smell eat drink cook buy sell pay cost spend earn trade own share join meet
known called named born located founded established built held published released introduced defeated elected
united states kingdom republic empire nation province region district county european german french british italian
spanish russian chinese japanese indian african roman greek english latin christian
university college institute museum library hospital station airport company industry factory market economy
production population government parliament congress senate minister council court justice police military
society culture religion tradition festival theory method process structure function material surface volume
pressure force mass speed distance length weight height depth angle circle square triangle equation variable
usually often sometimes never always already finally suddenly quickly slowly easily especially probably perhaps
therefore however although because while until unless whether either neither both every each another several
international information education organization communication population administration application situation
condition position direction connection collection protection production introduction construction instruction
"""

ENDINGS = ["s", "ed", "ing", "er", "ly", "'s", "tion", "ment", "ness", "able", "ful", "est"]

PATTERNS = [("\n", 4000), ("\n\n", 1500), ("  ", 2500), ("    ", 1500), (",", 3000), (".", 3000), (" (", 800),
            (")", 800), ("?", 900), (":", 700), (";", 300), (" -", 500), ("...", 300), (" \"", 400), ("\",", 200),
            (".\"", 200), ("://", 60), ("'s", 900), ("'t", 400), ("'re", 200), ("'ll", 150), ("'ve", 150)]


def byte_char(byte):
    """The character that stands for a byte in byte-level vocabularies."""
    printable = [b for b in range(256) if 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xFF and b != 0xAD]
    if byte in printable:
        return chr(byte)
    return chr(256 + [b for b in range(256) if b not in printable].index(byte))


def corpus():
    counts = collections.Counter()
    for rank, word in enumerate(dict.fromkeys(WORDS.split())):
        weight = 200000 // (rank + 4)
        counts[" " + word] += weight
        counts[word] += weight // 12
        counts[word.capitalize()] += weight // 10
        counts[" " + word.capitalize()] += weight // 8
        if len(word) > 3:
            for i, ending in enumerate(ENDINGS):
                stem = word[:-1] if word.endswith("e") and ending[0] in "eia" else word
                counts[" " + stem + ending] += weight // (10 + 6 * i)
    for text, weight in PATTERNS:
        counts[text] += weight
    return {tuple(byte_char(b) for b in text.encode()): n for text, n in counts.items() if n > 0}


def train(words):
    merges = []
    while len(merges) < N_MERGES:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = {}
        for word, count in words.items():
            parts, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    parts.append(word[i] + word[i + 1])
                    i += 2
                else:
                    parts.append(word[i])
                    i += 1
            merged[tuple(parts)] = merged.get(tuple(parts), 0) + count
        words = merged
    return merges


def main():
    print("/* Written by scripts/make-builtin-tokenizer.py; do not edit. Lines \"a b\", one merge each. */")
    print("/* clang-format off */")
    print('#include "text/builtin_merges.h"\n\nconst char sw_builtin_merges[] =')
    line = ""
    for left, right in train(corpus()):
        item = "%s %s\\n" % tuple(part.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
                                  for part in (left, right))
        if len(line) + len(item) > 92:
            print('    "%s"' % line)
            line = ""
        line += item
    print('    "%s";' % line)


main()
