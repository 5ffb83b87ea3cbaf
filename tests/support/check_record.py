#!/usr/bin/env python3
"""Recomputes a run's record from its journal alone and compares every derived figure.

    check_record.py JOURNAL [SCHEMA]

Each line is validated against the JSON Schema (if python3-jsonschema is installed), each sample's
energy is recomputed from the counters at its edges (wraps folded, counted meters only), and the
end line's sums, per-token figures and grams from the samples, or in a batch from its windows, in
whose time the stamps of the samples must lie. Prints one line per journal; exits 1
at the first difference.
"""
import json
import math
import sys

from checking import COMPONENTS, RANK, closeness, fail

close = closeness(1e-12, 1e-15)


def delta(meters, first, last, component):
    """Microjoules of the component's counted meters between two edges, or None."""
    total, any_counted = 0, False
    for meter, a, b in zip(meters, first["end_uj"], last["begin_uj"]):
        if meter["component"] != component or not meter["counted"]:
            continue
        any_counted = True
        if a is None or b is None:
            return None
        total += max(b - a, 0)
    return total if any_counted else None


def check_phase(meters, energy, first, last, where):
    for component in COMPONENTS:
        if component == "machine":
            continue
        expected = delta(meters, first, last, component)
        if energy[component]["uj"] is None and energy[component].get("faults"):
            continue
        if energy[component]["uj"] != expected:
            fail(f"{where}.{component}: {energy[component]['uj']} uJ, the counters say {expected}")


def check_sample(run, sample, number):
    meters = run["meters"]
    where = f"sample {number}"
    if sample["n_generated_tokens"] != len(sample["ids"]) or len(sample["ids"]) != len(
        sample["stamps_ns"]
    ):
        fail(f"{where}: counts of ids and stamps differ")
    if sample["n_prompt_tokens"] != len(sample["prompt_ids"]):
        fail(f"{where}: prompt ids")
    if sample["stamps_ns"] != sorted(sample["stamps_ns"]):
        fail(f"{where}: stamps go back")
    if not sample["start_ns"] <= sample["prefill_end_ns"] <= sample["decode_start_ns"] <= sample["end_ns"]:
        fail(f"{where}: edges out of order")
    if sample["prefill_ns"] != sample["prefill_end_ns"] - sample["start_ns"]:
        fail(f"{where}: prefill_ns")
    if sample["decode_ns"] != sample["end_ns"] - sample["decode_start_ns"]:
        fail(f"{where}: decode_ns")
    if sample["stamps_ns"][-1] > sample["end_ns"]:
        fail(f"{where}: a token after the end")
    edges = sample["edges"]
    if run["batch"] > 1:
        if edges is not None:
            fail(f"{where}: edges of its own in a batch")
        for phase in ("prefill", "decode"):
            for component in COMPONENTS:
                if sample["energy"][phase][component]["uj"] is not None:
                    fail(f"{where}: joules of its own in a batch")
        return
    if edges["begin"]["end_ns"] > sample["start_ns"] or edges["decode_end"]["begin_ns"] < sample["end_ns"]:
        fail(f"{where}: meters read inside the phase")
    middle = edges["prefill_end"]
    if middle["begin_ns"] < sample["prefill_end_ns"] or middle["end_ns"] > sample["decode_start_ns"]:
        fail(f"{where}: meters read inside a phase")
    check_phase(meters, sample["energy"]["prefill"], edges["begin"], edges["prefill_end"], where + " prefill")
    check_phase(meters, sample["energy"]["decode"], edges["prefill_end"], edges["decode_end"], where + " decode")


def check_window(run, window, windows):
    where = f"window {window['index']}"
    edges = window["edges"]
    if window["index"] != len(windows):
        fail(f"{where}: {len(windows)} windows come before it")
    if not 1 <= window["n_sequences"] <= run["batch"]:
        fail(f"{where}: {window['n_sequences']} sequences in a batch of {run['batch']}")
    if window["start_ns"] > window["end_ns"]:
        fail(f"{where}: ends before it starts")
    if edges["begin"]["end_ns"] > window["start_ns"] or edges["end"]["begin_ns"] < window["end_ns"]:
        fail(f"{where}: meters read inside the window")
    if window["phase"] == "decode":
        if window["n_prompt_tokens"] != 0 or window["n_generated_tokens"] % window["n_sequences"] != 0:
            fail(f"{where}: tokens")
    elif window["n_generated_tokens"] != window["n_sequences"]:
        fail(f"{where}: not one token for each prompt")
    check_phase(run["meters"], window["energy"], edges["begin"], edges["end"], where)


def check_batch(run, samples, windows, end):
    """Every id of every sample became known in one of its windows, and no window has too few."""
    found = [0] * len(windows)
    for sample in samples:
        number = sample["index"]
        mine = windows[sample["first_window"] : sample["last_window"] + 1]
        if not mine or mine[0]["phase"] != "prefill" or mine[0]["start_ns"] != sample["start_ns"]:
            fail(f"sample {number}: does not start with its first window")
        for stamp in sample["stamps_ns"]:
            inside = [w["index"] for w in mine if w["start_ns"] <= stamp <= w["end_ns"]]
            if len(inside) != 1:
                fail(f"sample {number}: a token in {len(inside)} of its windows")
            found[inside[0]] += 1
    dropped = run.get("resumed_at_sample") is not None or end["interrupted"]
    for window, n in zip(windows, found):
        if n > window["n_generated_tokens"] or (n < window["n_generated_tokens"] and not dropped):
            fail(f"window {window['index']}: {window['n_generated_tokens']} tokens, {n} in the samples")
    if end["windows"] != {
        "n": len(windows),
        "n_prompt_tokens": sum(w["n_prompt_tokens"] for w in windows),
        "n_generated_tokens": sum(w["n_generated_tokens"] for w in windows),
    }:
        fail("end: windows")
    if not dropped and end["windows"]["n_prompt_tokens"] != end["n_prompt_tokens"]:
        fail("end: prompt tokens of windows and samples differ")


def quantile(values, q):
    """Type 7 of Hyndman and Fan."""
    values = sorted(values)
    at = (len(values) - 1) * q
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def check_spread(spread, values, where):
    if not values:
        if spread is not None:
            fail(f"{where}: {spread}, of nothing")
        return
    expected = {"n": len(values), "min": min(values), "max": max(values), "median": quantile(values, 0.5)}
    expected.update({f"p{p}": quantile(values, p / 100) for p in (50, 90, 95, 99)})
    for key, value in expected.items():
        close(spread[key], value, f"{where}.{key}")


def check_latency(samples, end):
    gaps = []
    for sample in samples:
        stamps = [sample["decode_start_ns"]] + sample["stamps_ns"][1:]
        gaps += [b - a for a, b in zip(stamps, stamps[1:])]
    longer = [s for s in samples if s["n_generated_tokens"] > 1]
    check_spread(end["ttft_ns"], [s["prefill_ns"] for s in samples], "ttft_ns")
    check_spread(
        end["tpot_ns"], [s["decode_ns"] / (s["n_generated_tokens"] - 1) for s in longer], "tpot_ns"
    )
    check_spread(end["inter_token_ns"], gaps, "inter_token_ns")


def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def random_at(seed, index):
    return mix((seed + (index + 1) * 0x9E3779B97F4A7C15) % 2**64)


def order_of(n, seed, block):
    """The order in which a block asks its questions."""
    seed, drawn, order = random_at(seed, block), 0, []
    for i in range(n):
        limit = 2**64 - 1 - (2**64 - 1) % (i + 1)
        x = limit
        while x >= limit:
            x = random_at(seed, drawn)
            drawn += 1
        k = x % (i + 1)
        order.append(i)
        order[i], order[k] = order[k], i
    return order


def check_figure(figure, values, where):
    values = [v for v in values if v is not None]
    if not values:
        if figure is not None:
            fail(f"{where}: a figure of nothing")
        return
    if figure["n_blocks"] != len(values) or len(figure["blocks"]) != len(values):
        fail(f"{where}: {figure['n_blocks']} blocks, the journal has {len(values)}")
    for mine, other in zip(figure["blocks"], values):
        close(mine, other, f"{where}.blocks")
    close(figure["mean"], math.fsum(values) / len(values), f"{where}.mean")
    if len(values) > 1 and not figure["low"] <= figure["mean"] <= figure["high"]:
        fail(f"{where}: the mean lies outside of its interval")
    if figure["marked"] != (figure["reason"] is not None):
        fail(f"{where}: marked and reason differ")
    if len(values) < 8 and not figure["marked"]:
        fail(f"{where}: an interval of {len(values)} blocks is not marked")
    if len(values) < 5 and figure["outliers"]:
        fail(f"{where}: outliers of {len(values)} blocks")


def check_blocks(run, samples, windows, end):
    """Statistics of the record from the values of complete blocks."""
    plan = run["plan"].get("blocks")
    if plan is None:
        if any(key in end for key in ("statistics", "precision", "stopped_by")):
            fail("end: statistics of a run without blocks")
        if any("block" in line for line in samples + windows):
            fail("a block of a run without blocks")
        return
    n = run["plan"]["samples"]
    whole, seconds, joules, ttft, tpot = [], [], {c: [] for c in COMPONENTS}, [], []
    for block in range(max(s["block"] for s in samples) + 1):
        mine = [s for s in samples if s["block"] == block]
        order = [s["index"] for s in mine]
        if run["batch"] == 1 and order != [i for i in order_of(n, plan["order_seed"], block)][: len(order)]:
            fail(f"block {block}: asked in the order {order}")
        if len(mine) < n:
            continue
        whole.append(block)
        lines = [w for w in windows if w["block"] == block] if run["batch"] > 1 else mine
        tokens = sum(w["n_generated_tokens"] for w in lines)
        if run["batch"] > 1:
            ns = sum(w["end_ns"] - w["start_ns"] for w in lines)
            energies = [w["energy"] for w in lines]
        else:
            ns = sum(s["prefill_ns"] + s["decode_ns"] for s in lines)
            energies = [s["energy"][p] for s in lines for p in ("prefill", "decode")]
        seconds.append(ns * 1e-9 / tokens)
        for component in COMPONENTS:
            parts = [e[component]["uj"] for e in energies]
            joules[component].append(None if None in parts else sum(parts) * 1e-6 / tokens)
        ttft.append(sum(s["prefill_ns"] for s in mine) / n)
        longer = [s["decode_ns"] / (s["n_generated_tokens"] - 1) for s in mine if s["n_generated_tokens"] > 1]
        tpot.append(sum(longer) / len(longer) if longer else None)
    counted = [c for c in ("cpu", "gpu", "ram") if None not in joules[c]]
    joules["total"] = [sum(values) for values in zip(*(joules[c] for c in counted))]
    statistics = end["statistics"]
    check_figure(statistics["seconds_per_token"], seconds, "statistics.seconds_per_token")
    check_figure(statistics["ttft_ns"], ttft, "statistics.ttft_ns")
    check_figure(statistics["tpot_ns"], tpot, "statistics.tpot_ns")
    for name, values in joules.items():
        check_figure(statistics["energy_j_per_token"][name], values, f"statistics.energy_j_per_token.{name}")
    precision = end["precision"]
    if precision["n_blocks"] != len(whole) or precision["target"] != plan["target"]:
        fail("end: precision")
    looked_at = statistics["seconds_per_token"]
    if precision["figure"] != "seconds_per_token":
        looked_at = statistics["energy_j_per_token"]["total"]
    if looked_at is not None and looked_at["low"] is not None:
        half = (looked_at["high"] - looked_at["low"]) / 2 / abs(looked_at["mean"]) if looked_at["mean"] else None
        close(precision["reached"], half, "precision.reached")
    if end["stopped_by"] == "precision":
        if precision["reached"] > plan["target"] or len(whole) < plan["min"] or looked_at["marked"]:
            fail("end: stopped by a precision that was not reached")
    if end["stopped_by"] == "blocks" and len(whole) != plan["max"]:
        fail(f"end: stopped after {len(whole)} blocks, not {plan['max']}")
    if (end["stopped_by"] == "interrupted") != end["interrupted"]:
        fail("end: stopped_by")
    listed = statistics["sample_outliers"]
    if listed["of"] != sum(s["n_generated_tokens"] > 1 for s in samples) or len(listed["samples"]) != min(listed["n"], 20):
        fail("end: sample_outliers")


def check_repeated(run, samples, end):
    repeated = [(s["n_prompt_tokens"], s["prefill_repeated"]) for s in samples if "prefill_repeated" in s]
    for _, one in repeated:
        check_phase(run["meters"], one["energy"], one["edges"]["begin"], one["edges"]["end"], "prefill_repeated")
        close(one["ns"], one["edges"]["end"]["begin_ns"] - one["edges"]["begin"]["end_ns"], "prefill_repeated.ns")
    if not repeated:
        if "prefill_repeated" in end:
            fail("end: prefill_repeated of no sample")
        return
    total = end["prefill_repeated"]
    tokens = sum(n * one["n"] for n, one in repeated)
    if total["n"] != sum(one["n"] for _, one in repeated) or total["n_prompt_tokens"] != tokens:
        fail("end: prefill_repeated")
    for component in COMPONENTS:
        parts = [one["energy"][component]["uj"] for _, one in repeated]
        uj = None if None in parts else sum(parts)
        if total["energy"][component]["uj"] != uj:
            fail(f"end: prefill_repeated.energy.{component}")
        if component != "machine":
            mine = total["energy_j_per_prompt_token"][component]["value"]
            close(mine, None if uj is None else uj * 1e-6 / tokens, f"prefill_repeated, J/token of {component}")


def check_opening(run):
    """Conversion and start of a session, from the counters at their edges, inside of load."""
    runtime = run.get("runtime")
    if runtime is None:
        return
    load = run["load_edges"]
    for name in ("conversion_phase", "session_start"):
        stage = runtime[name]
        edges = stage["edges"]
        close(stage["ns"], edges["end"]["begin_ns"] - edges["begin"]["end_ns"], f"runtime.{name}.ns")
        check_phase(run["meters"], stage["energy"], edges["begin"], edges["end"], name)
        if edges["begin"]["begin_ns"] < load["begin"]["end_ns"] or edges["end"]["end_ns"] > load["end"]["begin_ns"]:
            fail(f"runtime.{name}: outside of load")


def check_idle(run, end):
    for name, owner in (("idle_before", run), ("idle_after", end)):
        edges = owner[f"{name}_edges"]
        if (edges is None) != (owner[f"{name}_ns"] is None):
            fail(f"{name}: edges without a duration")
        if edges is None:
            continue
        close(owner[f"{name}_ns"], edges["end"]["begin_ns"] - edges["begin"]["end_ns"], f"{name}_ns")
        check_phase(run["meters"], owner["energy"][name], edges["begin"], edges["end"], name)


LEVELS = ("VALID", "INFORMATIVE", "INVALID")
WORST = {"clock_hz": min, "clock_base_hz": max, "clock_most_hz": max, "temperature_c": max, "on_battery": max,
         "gpu_clock_hz": min, "gpu_memory_clock_hz": min, "gpu_power_limit_mw": min, "gpu_temperature_c": max}


def check_verdict(run, lines, end):
    """Conditions add up, and the verdict is what its components and joules allow."""
    whole = [line.get("conditions") for line in lines]
    if None not in whole and whole:
        for name, value in end["conditions"].items():
            if name == "missing":
                continue
            parts = [c[name] for c in whole]
            expected = None if None in parts else WORST.get(name, sum)(parts)
            if value != expected:
                fail(f"end: conditions.{name}: {value} is not {expected}")
    elif end["conditions"] is not None:
        fail("end: conditions of lines that have none")
    verdict = end["verdict"]
    row = LEVELS.index(verdict["row"])
    if (row > 0) != bool(verdict["reasons"]):
        fail("end: a verdict without reasons, or reasons without a verdict")
    joules = {c: end["energy_j"][c] for c in ("cpu", "gpu", "ram")}
    all_j = sum(j["value"] or 0 for j in joules.values())
    modelled_j = sum(j["value"] for j in joules.values() if j["source"] == "modelled")
    close(verdict["modelled_share"], modelled_j / all_j if all_j > 0 else None, "modelled_share")
    used = ["cpu"] + (["gpu"] if run["backend"].endswith("_gpu") else [])
    for component in used + ["ram"]:
        mine = verdict["components"][component]
        least = 1 if joules[component]["source"] == "modelled" else 0
        if joules[component]["value"] is None:
            least = 1 if component == "ram" else 2
        if LEVELS.index(mine["verdict"]) < least:
            fail(f"end: {component} is {mine['verdict']}, its joules are {joules[component]['source']}")
        if component in used and LEVELS.index(mine["verdict"]) > row:
            fail(f"end: the row is {verdict['row']}, {component} {mine['verdict']}")


def check_quality(samples, lines, end):
    """Means of the samples' scores, and sums of the quality lines."""
    quality = end["quality"]
    scored = [s["quality"] for s in samples if s.get("quality", {}).get("f1") is not None]
    if quality["n"] != len(scored):
        fail("end: quality.n")
    total = end["energy_j"]["total"]["value"]
    for name in ("exact_match", "f1", "contains"):
        right = sum(q[name] for q in scored)
        close(quality[name], right / len(scored) if scored else None, f"quality.{name}")
        if name != "f1":
            known = scored and len(scored) == len(samples) and total is not None and right > 0
            close(quality["joules_per_correct"][name], total / right if known else None, f"joules per {name}")
    with_nll = [q for q in lines if q["reference_nll"] is not None]
    n = sum(q["n_reference_tokens"] for q in with_nll)
    nll = sum(q["reference_nll"] for q in with_nll)
    close(quality["perplexity"], math.exp(nll / n) if n else None, "perplexity")
    compared = [q for q in lines if q["kl_sum"] is not None]
    if (quality["agreement"] is None) != (not compared):
        fail("end: quality.agreement")
    if compared:
        n = sum(q["n_compared_tokens"] for q in compared)
        close(quality["agreement"]["kl_mean"], sum(q["kl_sum"] for q in compared) / n, "kl_mean")
        equal = sum(q["first_difference"] is None for q in compared)
        if quality["agreement"]["n_equal"] != equal:
            fail("end: quality.agreement.n_equal")
    if any(quality[k] is None and not quality["reasons"].get(k) for k in ("exact_match", "perplexity", "agreement")):
        fail("end: quality that is null without a reason")


def check_end(run, samples, windows, qualities, end):
    n_tokens = sum(s["n_generated_tokens"] for s in samples)
    if end["samples"] != len(samples) or end["n_generated_tokens"] != n_tokens:
        fail("end: counts")
    if run["batch"] > 1:
        check_batch(run, samples, windows, end)
        n_tokens = end["windows"]["n_generated_tokens"]
    if run["plan"].get("blocks") is not None and run.get("resumed_at_sample") is None:
        lines, wall_ns = windows if run["batch"] > 1 else samples, 0
        for block in {line["block"] for line in lines}:
            mine = [line for line in lines if line["block"] == block]
            wall_ns += max(line["end_ns"] for line in mine) - min(line["start_ns"] for line in mine)
        if end["wall_ns"] != wall_ns:
            fail(f"end: wall_ns is {end['wall_ns']}, its blocks come to {wall_ns}")
    if end["n_prompt_tokens"] != sum(s["n_prompt_tokens"] for s in samples):
        fail("end: n_prompt_tokens")
    for phase in ("prefill", "decode"):
        if run["batch"] > 1:
            of_phase = [w for w in windows if w["phase"] == phase]
            spent_ns = [w["end_ns"] - w["start_ns"] for w in of_phase]
            energies = [w["energy"] for w in of_phase]
        else:
            spent_ns = [s[f"{phase}_ns"] for s in samples]
            energies = [s["energy"][phase] for s in samples]
        if end[f"{phase}_ns"] != sum(spent_ns):
            fail(f"end: {phase}_ns")
        for component in COMPONENTS:
            parts = [energy[component]["uj"] for energy in energies]
            expected = None if None in parts or not parts else sum(parts)
            if end["energy"][phase][component]["uj"] != expected:
                fail(f"end: energy.{phase}.{component}")
    total, rank = 0, -1
    for component in COMPONENTS:
        parts = [end["energy"][p][component]["uj"] for p in ("prefill", "decode")]
        value = None if None in parts else sum(parts) * 1e-6
        close(end["energy_j"][component]["value"], value, f"energy_j.{component}")
        close(
            end["energy_j_per_token"][component]["value"],
            None if value is None else value / n_tokens,
            f"energy_j_per_token.{component}",
        )
        if value is not None and component != "machine":
            total += value
            rank = max(rank, RANK[end["energy_j"][component]["source"]])
    if rank < 0:
        total = None
    close(end["energy_j"]["total"]["value"], total, "energy_j.total")
    if total is not None and RANK[end["energy_j"]["total"]["source"]] != rank:
        fail("end: the total's source is not the weakest of its parts")
    grams = None if total is None else total / 3.6e6 * run["g_per_kwh"]["value"]
    close(end["co2e_g"], grams, "co2e_g")
    close(end["co2e_g_per_token"], None if grams is None else grams / n_tokens, "co2e_g_per_token")
    close(end["seconds_per_token"], (end["prefill_ns"] + end["decode_ns"]) * 1e-9 / n_tokens, "seconds_per_token")
    check_latency(samples, end)
    check_quality(samples, qualities, end)
    check_blocks(run, samples, windows, end)
    check_opening(run)
    check_idle(run, end)
    check_repeated(run, samples, end)
    check_verdict(run, windows if run["batch"] > 1 else samples, end)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    validated = "not validated: python3-jsonschema is not installed"
    if len(sys.argv) > 2:
        try:
            import jsonschema

            with open(sys.argv[2], encoding="utf-8") as file:
                schema = json.load(file)
            by_type = {
                kind: jsonschema.Draft7Validator(
                    {"$ref": f"#/definitions/{kind}", "definitions": schema["definitions"]}
                )
                for kind in ("run", "sample", "window", "quality", "end")
            }
            for number, line in enumerate(lines, 1):
                if line.get("type") not in by_type:
                    fail(f"line {number}: type {line.get('type')}")
                for error in by_type[line["type"]].iter_errors(line):
                    fail(f"line {number}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
            validated = "validated"
        except ImportError:
            pass
    run, samples, windows, qualities, done, n_runs = None, [], [], [], set(), 0
    for line in lines:
        if list(line)[:2] != ["schema_version", "type"]:
            fail("schema_version and type do not come first")
        if line["type"] == "run":
            if run is None or run["run_id"] != line["run_id"]:
                samples, windows, qualities, done = [], [], [], set()
                n_runs += 1
            run = line
        elif line["type"] == "sample":
            if line["run_id"] == run["run_id"] and (line.get("block"), line["index"]) not in done:
                check_sample(run, line, line["index"])
                samples.append(line)
                done.add((line.get("block"), line["index"]))
        elif line["type"] == "window":
            check_window(run, line, windows)
            windows.append(line)
        elif line["type"] == "quality":
            qualities.append(line)
        else:
            check_end(run, samples, windows, qualities, line)
    print(f"PASS {n_runs} runs, {len(lines)} lines, {len(samples)} samples in the last; {validated}")


main()
