"""SmolLM-135M's shape, random weights for it, and the work every engine is measured with."""

import json
import time
import zlib

import numpy as np

VOCAB, DIM, HIDDEN, LAYERS = 49152, 576, 1536, 30
HEADS, KV_HEADS, HEAD = 9, 3, 64
QKV = (HEADS + 2 * KV_HEADS) * HEAD
ROPE_THETA, NORM_EPSILON, POSITIONS = 10000.0, 1e-5, 2048


def weights(name, *shape):
    """Normal values of deviation 0.02, the same for the same name in every engine."""
    numbers = np.random.default_rng(zlib.crc32(name.encode()))
    return numbers.standard_normal(shape, dtype=np.float32) * np.float32(0.02)


def prompt(n):
    return np.random.default_rng(1).integers(0, VOCAB, n, dtype=np.int64)


def measure(prefill, step, n_prompt, n_gen):
    """Seconds of one prefill of n_prompt tokens, and of a token among n_gen that are decoded behind
    a prompt of one token; each after one that is not counted.

    prefill(ids) empties the cache, takes the prompt and returns the next token; step(token) appends
    one token and returns the next. Returns the object that `report` prints."""
    result = {}
    if n_prompt:
        ids = prompt(n_prompt)
        prefill(ids)
        begin = time.perf_counter()
        prefill(ids)
        result["prefill_s"] = time.perf_counter() - begin
    if n_gen:
        for n in (max(n_gen // 5, 1), n_gen):
            token = prefill(prompt(1))
            begin = time.perf_counter()
            for _ in range(n):
                token = step(token)
            result["token_s"] = (time.perf_counter() - begin) / n
    return result


def report(row, result):
    """One line of JSON a row, as `scripts/peers` reads it."""
    print(json.dumps({"row": row, **result}), flush=True)
