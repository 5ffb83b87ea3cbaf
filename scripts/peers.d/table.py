"""The table: medians over the rounds, ratios taken round by round, losers included."""

import platform
from statistics import median

COLUMNS = ["engine", "weights", "kind", "decode, ms/token (range)", "of the read limit",
           "decode: times as fast is smolwatt", "prefill, ms (range)",
           "of the multiply-add limit", "prefill: times as fast is smolwatt",
           "rounds"]


def values(samples, key):
    return [s[key] for s in samples if key in s]


def middle(numbers, scale=1000, digits=2):
    """Median and range of seconds in milliseconds."""
    if not numbers:
        return "-"
    low, mid, high = (f"{f(numbers) * scale:.{digits}f}" for f in (min, median, max))
    return mid if len(numbers) == 1 else f"{mid} ({low}-{high})"


def speedup(ours, theirs, key):
    """How often smolwatt's time goes into this row's, a ratio for each round, then the median."""
    ratios = [t[key] / o[key] for o, t in zip(ours, theirs) if key in o and key in t]
    return f"{median(ratios):.2f}" if ratios else "-"


def read_limits(rounds, kind_of):
    """Bytes per second of the read loop, a list a round, that of the row's kind where there is
    one: the loop's buffer has the size of the weights."""
    out = []
    for samples in rounds:
        seen = {kind_of[n]: s["read"] for n, s in samples.items() if "read" in s}
        out.append((seen, median(seen.values()) if seen else None))
    return out


def cpu_name():
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def render(rows, rounds, failures, setting, versions):
    """rows to show; rounds: a list of {row name: sample}; failures: {row name: reason}."""
    kind_of = {row.name: row.kind for row in rows}
    limits = read_limits(rounds, kind_of)
    reference = {}  # kind -> the fastest row of smolwatt in decode
    for row in rows:
        mine = [r.get(row.name, {}) for r in rounds]
        times = values(mine, "token_s") or values(mine, "prefill_s")
        if row.engine == "smolwatt" and times:
            best = reference.get(row.kind)
            if not best or median(times) < best[0]:
                reference[row.kind] = (median(times), mine)
    lines = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join(["---"] * len(COLUMNS)) + " |"]
    for row in rows:
        if row.name in failures and not any(row.name in r for r in rounds):
            cells = [row.engine, row.weights, row.kind, "not run: " + failures[row.name]]
            lines.append("| " + " | ".join(cells + ["-"] * 5 + ["0"]) + " |")
            continue
        mine = [r.get(row.name, {}) for r in rounds]
        ours = reference.get(row.kind, (None, []))[1]
        shares = [row.bytes_per_token / s["token_s"] / seen.get(row.kind, any_kind)
                  for s, (seen, any_kind) in zip(mine, limits) if "token_s" in s and any_kind]
        if row.engine == "smolwatt":
            shares = values(mine, "token_share")
        lines.append("| " + " | ".join([
            row.engine, row.weights, row.kind, middle(values(mine, "token_s")),
            f"{median(shares):.2f}" if shares else "-", speedup(ours, mine, "token_s"),
            middle(values(mine, "prefill_s"), digits=0),
            f"{median(values(mine, 'prefill_share')):.2f}" if values(mine, "prefill_share") else "-",
            speedup(ours, mine, "prefill_s"),
            str(sum(bool(s) for s in mine))]) + " |")
    lines += ["", facts(rounds, setting, versions)]
    if len(failures):
        lines += ["", "Rows that failed in some round: " +
                  "; ".join(f"{k}: {v}" for k, v in failures.items())]
    return "\n".join(lines) + "\n"


def facts(rounds, setting, versions):
    ours = [s for r in rounds for s in r.values() if "isa" in s]
    read, fma = values(ours, "read"), values(ours, "fma")
    text = f"{cpu_name()}, {setting}."
    if ours:
        text += f" smolwatt's level: {ours[0]['isa']}."
    if read:
        text += f" Read loop {middle(read, 1e-9, 1)} GB/s"
        text += f", fp32 multiply-adds {middle(fma, 1e-9, 0)} Gflop/s." if fma else "."
    return text + f" Peers: {versions}."
