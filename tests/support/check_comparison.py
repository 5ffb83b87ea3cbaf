#!/usr/bin/env python3
"""Recomputes what `smolwatt compare -o json` printed from the journals that it names.

    check_comparison.py FILE SCHEMA

The file is validated against the JSON Schema (if python3-jsonschema is installed). Pairs are made
anew from the journals' lines, and from them every figure of both runs and their difference. The
intervals have tests of their own. Exits 1 at the first difference.
"""
import json
import sys

from checking import COMPONENTS, closeness, fail

close = closeness(1e-9, 1e-12)


def validate(value, path):
    try:
        import jsonschema
    except ImportError:
        return "not validated: python3-jsonschema is not installed"
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    errors = list(jsonschema.Draft7Validator(schema).iter_errors(value))
    if errors:
        fail(f"schema: {list(errors[0].absolute_path)}: {errors[0].message}")
    return "valid"


def read_run(described):
    """Samples by (block, index, question), windows by block; each once, the first of them."""
    samples, windows = {}, {}
    with open(described["file"], encoding="utf-8") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if line.get("run_id") != described["run_id"]:
                continue
            block = line.get("block", 0)
            if line["type"] == "sample":
                samples.setdefault((block, line["index"], line["question_id"]), line)
            elif line["type"] == "window":
                windows.setdefault(block, []).append(line)
    return samples, windows


def joules(phases, component):
    values = [phase[component]["uj"] for phase in phases]
    return None if None in values else sum(values) * 1e-6


def sums_of(samples, windows, is_batch, by_blocks):
    """What one run has of one pair."""
    out = {
        "answers": len(samples),
        "decoded": sum(s["n_generated_tokens"] - 1 for s in samples),
        "decode_s": sum(s["decode_ns"] for s in samples) * 1e-9,
        "ttft_s": sum(s["prefill_ns"] for s in samples) * 1e-9,
    }
    if is_batch and not by_blocks:
        return out
    if is_batch:
        out["tokens"] = sum(w["n_generated_tokens"] for w in windows)
        out["seconds"] = sum(w["end_ns"] - w["start_ns"] for w in windows) * 1e-9
        phases = [w["energy"] for w in windows]
    else:
        out["tokens"] = sum(s["n_generated_tokens"] for s in samples)
        out["seconds"] = out["decode_s"] + out["ttft_s"]
        phases = [s["energy"][name] for s in samples for name in ("prefill", "decode")]
    for component in COMPONENTS:
        out[component] = joules(phases, component)
    return out


def figure_of(name, sums):
    """The value of a figure in one pair, or None."""
    def over(amount, divisor):
        if amount not in sums and amount != "total":
            return None
        value = sums.get(amount)
        if amount == "total":
            parts = [sums.get(c) for c in COMPONENTS[:3] if sums.get(c) is not None]
            value = sum(parts) if parts else None
        return value / sums[divisor] if value is not None and sums.get(divisor) else None

    return {
        "seconds_per_token": lambda: over("seconds", "tokens"),
        "decode_seconds_per_token": lambda: over("decode_s", "decoded"),
        "ttft_seconds": lambda: over("ttft_s", "answers"),
        "j_per_token": lambda: over("total", "tokens"),
        "cpu_j_per_token": lambda: over("cpu", "tokens"),
        "gpu_j_per_token": lambda: over("gpu", "tokens"),
        "ram_j_per_token": lambda: over("ram", "tokens"),
        "machine_j_per_token": lambda: over("machine", "tokens"),
        "seconds_per_answer": lambda: over("seconds", "answers"),
        "j_per_answer": lambda: over("total", "answers"),
    }[name]()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        comparison = json.load(file)
    valid = validate(comparison, sys.argv[2])
    runs = [read_run(comparison[side]) for side in ("a", "b")]
    common = sorted(set(runs[0][0]) & set(runs[1][0]))
    told = comparison["pairs"]
    blocks = sorted({key[0] for key in common})
    by_blocks = len(blocks) >= 2
    if told["by"] != ("blocks" if by_blocks else "samples"):
        fail(f"pairs are by {told['by']}")
    groups = [[k for k in common if k[0] == b] for b in blocks] if by_blocks else [[k] for k in common]
    expected = {
        "n": len(groups),
        "answers_in_common": len(common),
        "a_answers": len(runs[0][0]),
        "b_answers": len(runs[1][0]),
        "of_same_ids": sum(runs[0][0][k]["ids"] == runs[1][0][k]["ids"] for k in common),
        "of_same_length": sum(
            runs[0][0][k]["n_generated_tokens"] == runs[1][0][k]["n_generated_tokens"] for k in common
        ),
    }
    for key, value in expected.items():
        if told[key] != value:
            fail(f"pairs.{key} is {told[key]}, not {value}")
    n_figures = 0
    for row in comparison["figures"]:
        pairs = []
        for keys in groups:
            values = []
            for samples, windows in runs:
                sums = sums_of(
                    [samples[k] for k in keys], windows.get(keys[0][0], []), bool(windows), by_blocks
                )
                values.append(figure_of(row["figure"], sums))
            if None not in values:
                pairs.append(values)
        if row["n"] != len(pairs):
            fail(f"{row['figure']}: n is {row['n']}, not {len(pairs)}")
        if not pairs:
            if row["low"] is not None or row["verdict"] is not None:
                fail(f"{row['figure']}: an interval without pairs")
            continue
        a = sum(p[0] for p in pairs) / len(pairs)
        b = sum(p[1] for p in pairs) / len(pairs)
        close(row["a"], a, f"{row['figure']}: a")
        close(row["b"], b, f"{row['figure']}: b")
        close(row["difference"], b / a - 1 if a else None, f"{row['figure']}: difference")
        n_figures += 1
    print(f"PASS {len(groups)} pairs, {n_figures} figures, {valid}")


main()
