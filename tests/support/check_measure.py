#!/usr/bin/env python3
"""Recomputes what `smolwatt measure -o json` printed from its own runs.

    check_measure.py FILE SCHEMA

The file is validated against the JSON Schema (if python3-jsonschema is installed; the shapes shared
with records lie beside it), each run's joules are recomputed from the counters at its edges, and
means, statistics, grams and quotients from the runs. Exits 1 at the first difference.
"""
import json
import math
import pathlib
import sys

from checking import COMPONENTS, RANK, closeness, fail

close = closeness(1e-11, 1e-15)


def validate(whole, path):
    try:
        import jsonschema
    except ImportError:
        return "not validated: python3-jsonschema is not installed"
    path = pathlib.Path(path).resolve()
    shared = json.loads(path.with_name("record.schema.json").read_text(encoding="utf-8"))
    base = "https://example.invalid/"  # never fetched: both files are given
    resolver = jsonschema.RefResolver(
        base + path.name,
        (schema := json.loads(path.read_text(encoding="utf-8"))),
        store={base + "record.schema.json": shared},
    )
    jsonschema.Draft7Validator.check_schema(schema)
    kind = {} if "results" in whole else {"$ref": "#/definitions/result"}
    for error in jsonschema.Draft7Validator(kind or schema, resolver=resolver).iter_errors(whole):
        fail(f"{'/'.join(map(str, error.absolute_path))}: {error.message}")
    return "validated"


def check_run(meters, run, where):
    if run["start_error"] is not None:
        if any(run[k] is not None for k in ("start_ns", "end_ns", "wall_ns", "user_ns")):
            fail(f"{where}: figures of a command that did not start")
        return
    edges = run["edges"]
    if run["start_ns"] != edges["start"]["end_ns"] or run["end_ns"] != edges["end"]["begin_ns"]:
        fail(f"{where}: not between its edges")
    if run["wall_ns"] != run["end_ns"] - run["start_ns"]:
        fail(f"{where}: wall_ns")
    for component in COMPONENTS:
        counted = [
            (a, b)
            for m, a, b in zip(meters, edges["start"]["end_uj"], edges["end"]["begin_uj"])
            if m["component"] == component and m["counted"]
        ]
        energy = run["energy"][component]
        if energy["uj"] is None:
            if not energy["reason"]:
                fail(f"{where}: {component} has neither joules nor a reason")
        elif not counted or energy["uj"] != sum(max(b - a, 0) for a, b in counted):
            fail(f"{where}: {component}: {energy['uj']} uJ, the counters say {counted}")
    for point in run.get("trace", []):
        if point["begin_ns"] > point["end_ns"]:
            fail(f"{where}: a trace that goes back")


def total_uj(run):
    parts = [run["energy"][c]["uj"] for c in ("cpu", "gpu", "ram")]
    parts = [p for p in parts if p is not None]
    return sum(parts) if parts else None


def mean_of(values):
    return sum(values) / len(values) if values else None


def check_result(result, where):
    runs = result["runs"]
    if result["n_runs"] != len(runs):
        fail(f"{where}: n_runs")
    for i, run in enumerate(runs):
        check_run(result["meters"], run, f"{where}, run {i}")
    for key in ("wall_ns", "user_ns", "system_ns", "children_ns"):
        values = [r[key] for r in runs if r[key] is not None]
        expected = math.floor(mean_of(values) + 0.5) if values else None
        if result[key] != expected:
            fail(f"{where}: {key}: {result[key]} is not {expected}")
    codes = [r["exit_code"] for r in runs]
    expected = next((c for c in codes if c != 0), codes[0] if codes else None)
    if result["exit_code"] != expected:
        fail(f"{where}: exit_code")
    by_component = {c: [r["energy"][c]["uj"] for r in runs] for c in COMPONENTS}
    sum_uj = 0
    for component in COMPONENTS:
        parts = by_component[component]
        value = None if not parts or None in parts else mean_of(parts) * 1e-6
        close(result["energy_j"][component]["value"], value, f"{where}: energy_j.{component}")
        sum_uj += value * 1e6 if value is not None and component != "machine" else 0
    known = [c for c in ("cpu", "gpu", "ram") if result["energy_j"][c]["value"] is not None]
    total = result["energy_j"]["total"]
    close(total["value"], sum_uj * 1e-6 if known else None, f"{where}: energy_j.total")
    if known:
        weakest = max(RANK[result["energy_j"][c]["source"]] for c in known)
        if RANK[total["source"]] != weakest:
            fail(f"{where}: the total's source is not the weakest of its parts")
    grams = total["value"] / 3.6e6 * result["g_per_kwh"]["value"] if known else None
    close(result["co2e_g"], grams, f"{where}: co2e_g")
    samples = {f"{c}_j": [uj * 1e-6 for uj in by_component[c] if uj is not None] for c in COMPONENTS}
    samples["total_j"] = [total_uj(r) * 1e-6 for r in runs if total_uj(r) is not None]
    samples["wall_s"] = [r["wall_ns"] * 1e-9 for r in runs if r["wall_ns"] is not None]
    for name, values in samples.items():
        statistic = result["statistics"][name]
        if (statistic is None) != (not values):
            fail(f"{where}: statistics.{name}")
        if not values:
            continue
        mean = mean_of(values)
        expected = {"n": len(values), "mean": mean, "min": min(values), "max": max(values)}
        if len(values) > 1:
            expected["sd"] = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
        for key, value in expected.items():
            if key == "sd" and math.isclose(statistic[key], value, rel_tol=1e-6, abs_tol=1e-12):
                continue
            close(statistic[key], value, f"{where}: statistics.{name}.{key}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = json.load(file)
    validated = validate(whole, sys.argv[2])
    results = whole.get("results", [whole])
    for i, result in enumerate(results):
        check_result(result, f"result {i}")
    for key, name in (("wall", "wall_s"), ("energy", "total_j")) if len(results) > 1 else ():
        means = [r["statistics"][name]["mean"] for r in results if r["statistics"][name]]
        for i, result in enumerate(results):
            if result["relative"][key] is not None:
                close(
                    result["relative"][key]["times"],
                    result["statistics"][name]["mean"] / min(means),
                    f"result {i}: relative.{key}",
                )
    print(f"PASS {len(results)} results, {sum(len(r['runs']) for r in results)} runs; {validated}")


main()
