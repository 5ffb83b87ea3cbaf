#!/usr/bin/env python3
"""Writes tests/fixtures/bitsandbytes.json: small layers, and what bitsandbytes 0.45.0 makes of them.

    scripts/make-bitsandbytes-fixture.py > tests/fixtures/bitsandbytes.json

Written from the library's own files, apart from the C code: LLM.int8() from csrc/kernels.cu
(kInt8VectorQuant, kdequant_mm_int32_fp16) and bitsandbytes/autograd/_functions.py (MatMul8bitLt), one row
of activations at a time; FP4 from csrc/kernels.cu (kQuantizeBlockwise, dQuantizeFP4, kgemm_4bit_inference_naive)
and bitsandbytes/functional.py (get_4bit_type). Divisions are the exact ones, where the library is compiled to
fast ones; sums of halves are in double, where it leaves the order to cuBLAS. Numbers of 16 bits are written as
bits. Standard library only: struct rounds to half and single precision, ties to even.
"""
import json
import math
import random
import struct


def f16(x):
    try:
        return struct.unpack("<e", struct.pack("<e", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


def bits16(x):
    return struct.unpack("<H", struct.pack("<e", x))[0]


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def quantise(row, threshold):
    """kInt8VectorQuant: bytes, largest number below the threshold (0: no threshold)."""
    small = [abs(x) for x in row if threshold == 0 or abs(x) < threshold]
    largest = max(small, default=0.0)
    scale = f32(127 / largest) if largest > 0 else 0.0
    return [round(f32(x * scale)) if threshold == 0 or abs(x) < threshold else 0 for x in row], largest


def llm_int8(weights, bias, x):
    codes, scb = zip(*(quantise(row, 0) for row in weights))
    bytes_, largest = quantise(x, 6.0)
    outliers = [j for j, value in enumerate(x) if abs(value) >= 6]
    y = []
    for row, scale, add in zip(codes, scb, bias):
        exact = sum(a * b for a, b in zip(row, bytes_))
        scaled = f32(f32(f32(exact) * largest) * scale)
        out = f16(f32(scaled * f32(6.200012e-05) + add))
        if outliers:
            part = f32(7.874015718698502e-3)
            out = f16(f32(out + sum(x[j] * f16(f32(f32(row[j] * scale) * part)) for j in outliers)))
        y.append(out)
    return codes, scb, bytes_, largest, y


FP4_PIVOTS = [(0.00260417, 1), (0.0859375, 6), (0.20833333, 7), (0.29166667, 4), (0.4166667, 5), (0.583333, 2),
              (0.8333333, 3)]
FP4_VALUES = [0, 0.0625, 8, 12, 4, 6, 2, 3]


def fp4(weights, bias, x):
    """Codes, largest of 64 neighbours, and the product, whose sums are in double."""
    flat = [w for row in weights for w in row]
    codes, largest = [], []
    for begin in range(0, len(flat), 64):
        block = flat[begin:begin + 64]
        most = max(abs(w) for w in block)
        inverse = f32(1 / most) if most > 0 else 0.0
        largest.append(most)
        for w in block:
            unit, code = abs(f32(w * inverse)), 0
            for pivot, above in FP4_PIVOTS:
                code = above if unit > f32(pivot) else code
            codes.append(code + (8 if w < 0 else 0))
    values = [f32(v / 12) for v in FP4_VALUES]
    values += [-v for v in values]
    n = len(x)
    y = []
    for r in range(len(weights)):
        y.append(sum(f32(values[codes[r * n + j]] * largest[(r * n + j) // 64]) * x[j] for j in range(n)) + bias[r])
    return codes, largest, y


def case(seed, n_rows, n_cols, n_outliers):
    rng = random.Random(seed)
    weights = [[f16(rng.gauss(0, 0.1) * (8 if rng.random() < 0.02 else 1)) for _ in range(n_cols)]
               for _ in range(n_rows)]
    weights[0] = [0.0] * n_cols
    bias = [f16(rng.gauss(0, 1)) for _ in range(n_rows)]
    x = [f16(max(-5.9, min(5.9, rng.gauss(0, 1)))) for _ in range(n_cols)]
    for j in rng.sample(range(n_cols), n_outliers):
        x[j] = f16(rng.choice([-1, 1]) * rng.choice([6.0, 6.5, 11.3, 40.0, 700.0]))
    codes, scb, bytes_, largest, y = llm_int8(weights, bias, x)
    out = {"n_rows": n_rows, "n_cols": n_cols, "n_outliers": n_outliers,
           "weights": [bits16(w) for row in weights for w in row], "bias": [bits16(b) for b in bias],
           "x": [bits16(v) for v in x],
           "int8": {"codes": [c for row in codes for c in row], "scb": [bits16(s) for s in scb], "bytes": bytes_,
                    "largest": bits16(largest), "y": [bits16(v) for v in y]}}
    if n_cols % 64 == 0:
        codes, largest, y = fp4(weights, bias, x)
        out["fp4"] = {"codes": codes, "largest": [bits16(v) for v in largest], "y": y}
    return out


CASES = [(1, 5, 64, 0), (2, 4, 128, 3), (3, 3, 40, 1), (4, 3, 17, 17), (5, 6, 192, 1)]
print("[" + ",\n".join(json.dumps(case(*c), separators=(",", ":")) for c in CASES) + "]")
