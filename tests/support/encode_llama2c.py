#!/usr/bin/env python3
"""Ids of each line of a text by a llama2.c tokenizer, BOS in front, as lines of numbers.

    encode_llama2c.py TOKENIZER.bin TEXT

The file: int32 longest piece, then for each id float32 score, int32 length, bytes. A line becomes a
space and its characters; then the two neighbours whose joint piece has the highest score are joined,
the leftmost first, until no two can be. ASCII only. Standard library only.
"""
import struct
import sys

BOS = 1


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    at, pieces = 4, []
    while at < len(data):
        score, size = struct.unpack_from("<fi", data, at)
        pieces.append((data[at + 8:at + 8 + size].decode("latin-1"), score))
        at += 8 + size
    ids, scores = {}, {}
    for i, (text, score) in enumerate(pieces):
        if text not in ids:
            ids[text], scores[text] = i, score
    return ids, scores


def encode(text, ids, scores):
    pieces = list(" " + text)
    for piece in pieces:
        if piece not in ids:
            sys.exit(f"no piece for {piece!r}")
    while True:
        joints = [(-scores[a + b], i) for i, (a, b) in enumerate(zip(pieces, pieces[1:])) if a + b in ids]
        if not joints:
            return [BOS] + [ids[piece] for piece in pieces]
        i = min(joints)[1]
        pieces[i:i + 2] = [pieces[i] + pieces[i + 1]]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    vocabulary = load(sys.argv[1])
    with open(sys.argv[2], encoding="ascii") as lines:
        for line in lines:
            print(",".join(str(i) for i in encode(line.rstrip("\n"), *vocabulary)))
