#!/usr/bin/env python3
"""Writes tests/fixtures/tokenizer/*.json: small tokenizers of our own, one for each kind of step and
setting, each with texts and what the reference library (PyPI: tokenizers) makes of them.

    scripts/make-tokenizer-fixtures.py

A file holds "tokenizer" (tokenizer.json as text) and "cases": lists of text in hex, its ids, its ids
with the post-processor, and the text that the latter decode to, special tokens kept, in hex.
"""
import json
import os

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "fixtures", "tokenizer")

CORPUS = """What does a token cost? A small model reads a question, and each token of the answer costs time and energy.
The meter counts joules before and after; the program divides. It's measured, not guessed: we've 12 runs, 345 samples
and 6789 tokens, they're all kept. Don't trust a number that can't be recomputed. I'll say it again, and again, and again.
caf\u00e9 na\u00efve \u00fcber stra\u00dfe \u4e00\u4e8c\u4e09 \u0663\u0664 \u2167 \u00bd""".split("\n") * 3

TEXTS = ["", " ", "  ", "a", "What does a token cost?", " What  does   a token\n\n cost?  ", "It's they're WE'VE don'ts 'll 'd",
         "12 345 6789 1,234.5 v2.0", "\u0663\u0664\u0665 \u2167 \u00bd \u4e09 x\u00b2", "caf\u00e9 cafe\u0301 \u00fcber", "\t\ttabs\r\nlines\n",
         "\u00a0nbsp\u2003em\u3000wide\u180emvs\u200bzw\u0085nel", "\U0001f600\U0001f3fd emoji \U0001f468\u200d\U0001f469", "\u2581under\u2581\u2581score \u2581",
         "<s>a</s> <mask> <mask><word>x <word> x<word> [pad]<unk>", "<0x41><0xE4>\u4e00\u0416", "xx-yy--zz - - a-", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa" * 4,
         "energy energyenergy ENERGY Energy", "\u0000\u0001\u007f\u00ad\ufeff\ufffd", "again and again and again" * 5, "\n", "\n \n  \n", "  <s>  <s>",
         "a\u0001b\u0002c", "\u017fs \u212a 's 'S '\u017f", "(brackets) [and] {braces} \\ / | ^ $ . * + ?"]

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
POSSESSIVE = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)"
              r"|\s+").replace("(?i:[sdmt]|ll|ve|re)", "(?i:s|d|m|t|ll|ve|re)")


def trained(pre, normalizer=None, special=(), alphabet=(), size=420, **settings):
    tokenizer = Tokenizer(models.BPE(**settings))
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), show_progress=False,
                                                              initial_alphabet=list(alphabet), max_token_length=12))
    return tokenizer


def byte_level(pre=None, size=380, **settings):
    steps = [pre] if pre is not None and not isinstance(pre, list) else pre or []
    steps = steps + ([] if any(isinstance(s, pre_tokenizers.ByteLevel) for s in steps)
                     else [pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer = trained(pre_tokenizers.Sequence(steps), special=["<s>"], alphabet=pre_tokenizers.ByteLevel.alphabet(), size=size,
                        **settings)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def edited(tokenizer, change):
    """The tokenizer after an edit of its JSON."""
    data = json.loads(tokenizer.to_str())
    change(data)
    return Tokenizer.from_str(json.dumps(data))


def sentencepiece(**settings):
    normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer = trained(None, normalizer, special=["<unk>", "<s>", "</s>"], size=300, unk_token="<unk>", **settings)
    if settings.get("byte_fallback"):
        def add_bytes(data):
            vocab = data["model"]["vocab"]
            for byte in range(256):
                vocab.setdefault("<0x%02X>" % byte, len(vocab))
        tokenizer = edited(tokenizer, add_bytes)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    return tokenizer


def with_added_tokens(tokenizer):
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False),
                          AddedToken("<word>", single_word=True), AddedToken("[pad]", rstrip=True),
                          AddedToken("energy", normalized=True), AddedToken("energyenergy", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("</s>", special=True, lstrip=True)])
    return tokenizer


def split(pattern, behavior, invert=False):
    return pre_tokenizers.Split(pattern, behavior, invert)


def metaspace(scheme, cut):
    tokenizer = trained(pre_tokenizers.Metaspace(prepend_scheme=scheme, split=cut), special=["<unk>", "<s>"], size=260,
                        unk_token="<unk>")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme, split=cut)
    return tokenizer


def with_template(tokenizer, sequence):
    template = processors.TemplateProcessing(single="<s> $A <s>", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(), template]) if sequence else template
    return tokenizer


def irregular():
    """Merges that name the unknown token and a byte token, which stand for characters too."""
    vocab = ["<unk>", "a", "b", "<0x63>", "<", "u", "n", "k", ">", "<u", "<un", "<unk", "ab", "<unk>a", "<0x63>a", "aa", "aaa"]
    merges = [("<", "u"), ("<u", "n"), ("<un", "k"), ("<unk", ">"), ("<unk>", "a"), ("a", "b"), ("<0x63>", "a"), ("a", "a"), ("aa", "a"),
              ("a", "aa")]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(vocab)}, merges=merges, unk_token="<unk>", byte_fallback=True,
                                     fuse_unk=True))
    return tokenizer


def fixtures():
    yield "byte_level", byte_level()
    yield "byte_level_prefix_space", byte_level([pre_tokenizers.ByteLevel(add_prefix_space=True)])
    yield "byte_level_no_regex", byte_level([pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    yield "byte_level_then_split", byte_level([pre_tokenizers.ByteLevel(add_prefix_space=False), split("e", "isolated")])
    yield "byte_level_ignore_merges", edited(byte_level(), ignore_merges)
    yield "byte_level_without_some_bytes", edited(byte_level(), drop_bytes)
    yield "digits_each", byte_level(pre_tokenizers.Digits(individual_digits=True))
    yield "digits_together", byte_level([pre_tokenizers.Digits(individual_digits=False),
                                         pre_tokenizers.ByteLevel(add_prefix_space=True)])
    yield "regex_llama3", byte_level([split(Regex(LLAMA3), "isolated"),
                                      pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    yield "regex_possessive", byte_level([split(Regex(POSSESSIVE), "removed", True),
                                          pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    yield "regex_classes", byte_level([split(Regex(r"[\w\-]+?(?=\W|$)|[^\S ]+|\d{2,}|\h{,2}x|^[\u4e00-\u9fff\s]*"), "contiguous")])
    yield "regex_negated", byte_level([split(Regex(r"\P{L}{2,}\P{N}|\p{^N}{3}\P{L}"), "isolated")])
    yield "regex_empty_matches", byte_level([split(Regex(r"a*|(?<=o)"), "merged_with_previous")])
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        yield "split_" + behavior, byte_level([split("-", behavior), split(Regex(r"\s"), behavior)])
        yield "split_%s_inverted" % behavior, byte_level([split(Regex(r"[a-z]+|\d"), behavior, True)])
    for scheme in ("always", "never", "first"):
        yield "metaspace_" + scheme, with_added_tokens(metaspace(scheme, True))
        yield "metaspace_%s_whole" % scheme, with_added_tokens(metaspace(scheme, False))
    yield "sentencepiece", with_template(sentencepiece(byte_fallback=True, fuse_unk=True), False)
    yield "sentencepiece_added", with_added_tokens(sentencepiece(byte_fallback=True, fuse_unk=True))
    yield "unknown_fused", sentencepiece(fuse_unk=True)
    yield "unknown_each", sentencepiece(fuse_unk=False)
    yield "added_tokens", with_added_tokens(byte_level())
    yield "template_sequence", with_template(byte_level(), True)
    yield "normalizer_regex", normalizer_regex()
    yield "decoder_none", decoder_none()
    yield "decoder_strip_both", decoder_strip()
    yield "irregular_merges", irregular()


def ignore_merges(data):
    data["model"]["ignore_merges"] = True
    data["model"]["vocab"]["\u0120never\u0120merged"] = len(data["model"]["vocab"])
    data["model"]["vocab"]["12"] = data["model"]["vocab"].pop("12", len(data["model"]["vocab"]))


def drop_bytes(data):
    vocab = data["model"]["vocab"]
    used = {t for merge in data["model"]["merges"] for t in merge}
    for byte in "\u0101\u0102\u00ff\u0142x":
        if byte in vocab and byte not in used:
            del vocab[byte]
    names = sorted(vocab, key=vocab.get)
    data["model"]["vocab"] = {name: i for i, name in enumerate(names)}
    data["added_tokens"][0]["id"] = data["model"]["vocab"]["<s>"]


def normalizer_regex():
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(Regex(r"\s{2,}"), " "), normalizers.Replace("-", ""),
                                                 normalizers.Prepend(">")])
    return with_added_tokens(tokenizer)


def decoder_none():
    tokenizer = trained(None, special=["<s>"], size=200)
    return tokenizer


def decoder_strip():
    tokenizer = metaspace("always", True)
    tokenizer.decoder = decoders.Sequence([decoders.Strip("a", 2, 1), decoders.Replace(Regex(r"[\u2581e]"), "_"), decoders.Fuse()])
    return tokenizer


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for number, (name, tokenizer) in enumerate(fixtures()):
        data = json.loads(tokenizer.to_str())
        # Both spellings of merges are in use; "a b" cannot hold a space.
        if number % 2 and not any(" " in token for merge in data["model"]["merges"] for token in merge):
            data["model"]["merges"] = [" ".join(merge) for merge in data["model"]["merges"]]
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        reference = Tokenizer.from_str(text)
        cases = []
        for case in TEXTS:
            bare, full = reference.encode(case, add_special_tokens=False).ids, reference.encode(case).ids
            try:
                decoded = reference.decode(full, skip_special_tokens=False).encode().hex()
            except BaseException:  # the reference's Strip panics on a token shorter than its limit
                decoded = None
            cases.append([case.encode().hex(), bare, full, decoded])
        with open(os.path.join(FOLDER, name + ".json"), "w", encoding="utf-8") as file:
            file.write('{"tokenizer":%s,\n"cases":[\n' % json.dumps(text, ensure_ascii=False))
            file.write(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")


main()
