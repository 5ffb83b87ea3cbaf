#!/usr/bin/env python3
"""Compares our tokenizer with the reference library (PyPI: tokenizers), id by id.

    make && scripts/check-tokenizer.py [--strings N] [--patterns N] [--seed S] [FOLDER ...]

Folders default to the two tokenizers of the shared test data (SW_SHARED, default ../shared). Texts:
random strings of assigned code points, every code point alone, all contexts and questions of SQuAD 1.1,
random bytes (the reference sees them with invalid sequences replaced), texts full of special
tokens, spaces and digits. Ids are decoded again, whole and piece by piece. Prints one line per
check and PASS or FAIL; exits 1 on FAIL. --patterns also tries so many random regular expressions in a
Split step; what ours refuses by name is counted apart.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Regex, Tokenizer, models, pre_tokenizers

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("SW_SHARED", os.path.join(ROOT, "..", "shared"))


def build_tool(folder):
    tool = os.path.join(folder, "tokenizer_lines")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "jansson", "libpcre2-8", "libcrypto"],
                           check=True, capture_output=True, text=True).stdout.split()
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-I" + ROOT + "/src",
                    ROOT + "/tests/tools/tokenizer_lines.c", ROOT + "/build/libsmolwatt.a", "-o", tool,
                    *flags, "-lm", "-ldl", "-pthread"], check=True)
    return tool


def ask(tool, folder, requests):
    run = subprocess.run([tool, folder], input="\n".join(requests) + "\n", capture_output=True, text=True)
    answers = run.stdout.splitlines()
    if run.returncode != 0 or len(answers) != len(requests):
        sys.exit("%s: exit code %d after %d of %d answers: %s"
                 % (folder, run.returncode, len(answers), len(requests), run.stderr[:400]))
    return answers


def assigned_characters():
    """What this Python's Unicode assigns: 13 or later, so all of 13."""
    return [c for c in range(0x110000)
            if not 0xD800 <= c <= 0xDFFF and unicodedata.category(chr(c)) != "Cn"]


def random_strings(rng, n, characters):
    spaces = [0x20, 0x20, 0x20, 0x09, 0x0a, 0x0d, 0x85, 0xa0, 0x180e, 0x2003, 0x3000, 0x200b]
    low = [c for c in characters if c < 0x3000]
    for _ in range(n):
        kind = rng.randrange(4)
        text = []
        for _ in range(rng.randrange(1, 60)):
            if rng.random() < 0.25:
                text.append(rng.choice(spaces))
            elif rng.random() < 0.1:
                text.append(rng.choice([0x27, 0x73, 0x74, 0x6c, 0x30, 0x39, 0x2581, 0x663, 0xbd, 0x4e09]))
            elif kind == 0:
                text.append(rng.choice(characters))
            elif kind == 1:
                text.append(rng.choice(low))
            else:
                text.append(rng.randrange(0x20, 0x7f if kind == 2 else 0x250))
        yield "".join(map(chr, (c for c in text if kind == 0 or c in ASSIGNED)))


def mixed_strings(rng, n, tokenizer):
    added = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
    parts = added + [" ", "  ", "\n", "a", "don't", "'ll", "123", "4", "\u2581", "<0x41>", "<", ">", "<unk>", "x" * 50]
    for _ in range(n):
        yield "".join(rng.choice(parts) for _ in range(rng.randrange(1, 20)))


def squad_texts():
    path = os.path.join(SHARED, "data", "squad", "dev-v1.1.json")
    if not os.path.exists(path):
        print("SKIP SQuAD: %s is absent" % path)
        return []
    with open(path, encoding="utf-8") as file:
        articles = json.load(file)["data"]
    return [text for article in articles for paragraph in article["paragraphs"]
            for text in [paragraph["context"]] + [qa["question"] for qa in paragraph["qas"]]]


class Check:
    failed = False

    def report(self, folder, what, n, bad, first):
        self.failed = self.failed or bad > 0
        print("%s %s, %s: %d of %d equal%s" % ("FAIL" if bad else "PASS", os.path.basename(folder), what,
                                               n - bad, n, "; first: %s" % first if bad else ""))

    def encode(self, tool, folder, reference, what, texts):
        texts = list(texts)
        data = [t if isinstance(t, bytes) else t.encode() for t in texts]
        clean = [t.decode("utf-8", "replace") for t in data]
        ids = None
        for mode, special in (("e", False), ("p", True)):
            ours = ask(tool, folder, ["%s %s" % (mode, d.hex()) for d in data])
            theirs = [e.ids for e in reference.encode_batch(clean, add_special_tokens=special)]
            wrong = [(c, json.loads(o), t) for c, o, t in zip(clean, ours, theirs) if json.loads(o) != t]
            self.report(folder, what + (", plain call" if special else ""), len(data), len(wrong),
                        repr(wrong[:1])[:600])
            ids = ids or theirs
        return ids

    def decode(self, tool, folder, reference, what, lists):
        lists = [ids for ids in lists if ids]
        lines = [" ".join(map(str, ids)) for ids in lists]
        special = {i for i, t in reference.get_added_tokens_decoder().items() if t.special}
        # Decoding skips special tokens by id. The reference goes by their normalized spelling, and so
        # keeps some that it was asked to skip; it is given the ids without them.
        plain = [[i for i in ids if i not in special] for ids in lists]
        for mode, given, skip in (("d", plain, True), ("s", plain, True), ("k", lists, False)):
            ours = [o for o in ask(tool, folder, ["%s %s" % (mode, line) for line in lines])]
            theirs = [reference.decode(ids, skip_special_tokens=skip).encode().hex() for ids in given]
            wrong = [(i, o, t) for i, o, t in zip(lists, ours, theirs) if o != t]
            name = {"d": "decoded", "s": "decoded piece by piece", "k": "decoded with special tokens"}[mode]
            self.report(folder, "%s, %s" % (what, name), len(lists), len(wrong), repr(wrong[:1])[:600])


ATOMS = ["a", "b", "e", "s", " ", "-", "'", "0", r"\s", r"\S", r"\d", r"\w", r"\W", r"\p{L}", r"\p{Lu}", r"\P{N}", r"\p{^L}", ".",
         "[a-c]", "[^a-z]", r"[\s\d]", r"[^\S\n]", r"[\w-]", r"\n", r"\r", r"\h", r"\u4e00", r"[\u4e00-\u9fff]", r"\x61",
         r"\p{Han}", r"\p{P}", "\u00e9", "{", "]"]
ANCHORS = ["$", "^", r"\z", r"\A"]
REPEATS = ["", "", "", "", "*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,2}", "{,2}", "{2,}", "{1,2}?"]


def random_item(rng, depth):
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(ANCHORS)
    if kind < 0.65 or depth == 0:
        return rng.choice(ATOMS) + rng.choice(REPEATS)
    if kind < 0.8:
        return rng.choice(["(", "(?:", "(?>", "(?m:"]) + random_pattern(rng, depth - 1) + ")" + rng.choice(REPEATS)
    if kind < 0.9:
        return rng.choice(["(?=", "(?!"]) + random_pattern(rng, depth - 1) + ")"
    if kind < 0.95:
        return rng.choice(["(?<=", "(?<!"]) + rng.choice(["a", r"\s", "[ab]", r"\d"]) + ")"
    return "(?i:" + rng.choice(["a", "'s", "ab", "e", "k", "s"]) + ")" + rng.choice(REPEATS)


def random_pattern(rng, depth):
    return "|".join("".join(random_item(rng, depth) for _ in range(rng.randrange(1, 4)))
                    for _ in range(rng.choice([1, 1, 1, 2, 3])))


def check_patterns(check, tool, scratch, rng, n):
    """Behind the Split, ByteLevel puts a space in front of every piece, so ids show where it cut."""
    characters = "aabbcesASK  \t\n\r-'0127\u00e9\u4e00\u4e8c\u180e\u00a0\u0663\u2167_{]\u212a\u017f.,\U0001f600"
    texts = ["".join(rng.choice(characters) for _ in range(rng.randrange(1, 25))) for _ in range(25)]
    vocab = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    compared, refused, wrong = 0, 0, []
    for _ in range(n):
        pattern, behavior, invert = random_pattern(rng, 2), rng.choice(behaviors), rng.random() < 0.3
        reference = Tokenizer(models.BPE(vocab=vocab, merges=[]))
        try:
            reference.pre_tokenizer = pre_tokenizers.Sequence(
                [pre_tokenizers.Split(Regex(pattern), behavior, invert),
                 pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)])
        except Exception:  # not a pattern to the reference either
            continue
        reference.save(os.path.join(scratch, "tokenizer.json"))
        run = subprocess.run([tool, scratch], input="".join("e %s\n" % t.encode().hex() for t in texts),
                             capture_output=True, text=True)
        if run.returncode != 0:
            refused += 1
            continue
        compared += 1
        if [json.loads(line) for line in run.stdout.splitlines()] != [reference.encode(t).ids for t in texts]:
            wrong.append((pattern, behavior, invert))
    check.report("regex", "random patterns, %d more refused by name" % refused, compared, len(wrong), repr(wrong[:1]))


ASSIGNED = set()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strings", type=int, default=10000)
    parser.add_argument("--patterns", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folders", nargs="*", default=[])
    options = parser.parse_args()
    folders = options.folders or [os.path.join(SHARED, "data", name)
                                  for name in ("smollm-tokenizer", "story-llama-hf")]
    characters = assigned_characters()
    ASSIGNED.update(characters)
    squad = squad_texts()
    check = Check()
    print("seed %d, %d code points of Unicode %s"
          % (options.seed, len(characters), unicodedata.unidata_version))
    with tempfile.TemporaryDirectory() as scratch:
        tool = build_tool(scratch)
        if options.patterns:
            check_patterns(check, tool, scratch, random.Random(options.seed), options.patterns)
        for folder in folders:
            rng = random.Random(options.seed)
            reference = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
            strings = list(random_strings(rng, options.strings, characters))
            ids = check.encode(tool, folder, reference, "random strings", strings)
            check.decode(tool, folder, reference, "random strings", ids)
            check.encode(tool, folder, reference, "every character between others",
                         [" x%sx%s1" % (chr(c), chr(c)) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF])
            check.encode(tool, folder, reference, "special tokens and spaces",
                         mixed_strings(rng, options.strings // 4, reference))
            check.encode(tool, folder, reference, "random bytes",
                         [rng.randbytes(rng.randrange(1, 200)) for _ in range(options.strings // 4)])
            if squad:
                check.encode(tool, folder, reference, "SQuAD contexts and questions", squad)
                check.encode(tool, folder, reference, "SQuAD as one text", ["\n".join(squad)])
            size = reference.get_vocab_size()
            check.decode(tool, folder, reference, "random ids",
                         [[rng.randrange(size + 2) for _ in range(rng.randrange(1, 40))]
                          for _ in range(options.strings // 4)])
            check.encode(tool, folder, reference, "long runs",
                         [s * (100000 // len(s)) for s in ("a", " ", "ab", "\n", "\u00e9", "0", "e ", "!", "\u2581")])
    print("FAIL" if check.failed else "PASS")
    sys.exit(1 if check.failed else 0)


main()
