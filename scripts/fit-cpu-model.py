#!/usr/bin/env python3
"""Level, shape and error of the default CPU model (src/meter/power_model.c, cpu_family.c), from
CodeCarbon's calibration runs.

usage: fit-cpu-model.py DIR    (codecarbon/data/hardware/cpu_load_profiling of a checkout of
                                github.com/mlco2/codecarbon at b05965e43b69)

Each point is RAPL energy over time, over TDP times sockets. u is busy threads over all threads in the
"some_cores" files, the load that the tool saw in the "all_cores" ones. Prints what the sources state."""
import csv
import glob
import math
import sys

# folder, TDP of all sockets in W, logical CPUs, family's i and k (None: the fit for any other)
MACHINES = {
    "EPYC 8024P": ("AMD_EPYC_8024P_8C", 90, 16, None),
    "Threadripper 1950X": ("AMD_Threadripper", 180, 32, None),
    "E3-1240 v2": ("E3-1240", 69, 8, (0.1319, 0.3690)),
    "2 x E5-2620 v3": ("E5-2620", 170, 24, (0.2476, 0.1573)),
}


def points(folder, tdp, n, kind):
    path = [p for p in glob.glob(f"{sys.argv[1]}/{folder}/*{kind}*.csv") if not p.endswith("-tasks.csv")]
    out = []
    for row in csv.DictReader(open(path[0])):
        u = int(row["cores_used"]) / n if kind == "some_cores" else float(row["cpu_load"]) / 100
        out.append((u, float(row["rapl_energy"]) * 3.6e6 / float(row["duration"]) / tdp))
    return out


def shape(ik, u):
    i, k = ik
    return i + (1 - i) * math.log1p(u / k) / math.log1p(1 / k)


def level(data, ik):
    """Best in the mean square of the logarithm."""
    return math.exp(sum(math.log(y / shape(ik, u)) for u, y in data) / len(data))


def misfit(data, ik):
    best = math.log(level(data, ik))
    return sum((math.log(y / shape(ik, u)) - best) ** 2 for u, y in data) / len(data)


def errors(model, data):
    relative = [100 * (model(u) / y - 1) for u, y in data]
    return sum(map(abs, relative)) / len(relative), sum(relative) / len(relative)


some = {m: points(*spec[:3], "some_cores") for m, spec in MACHINES.items()}
every = {m: points(*spec[:3], "all_cores") for m, spec in MACHINES.items()}
# Each machine with a level of its own, one shape for all; and one level for all, as the other extreme.
grid = [(i / 100, 10 ** (x / 20)) for i in range(1, 60) for x in range(-70, 21)]


def common(ik):
    residuals = [[math.log(y / shape(ik, u)) for u, y in d] for d in some.values()]
    mean = sum(sum(r) / len(r) for r in residuals) / len(residuals)
    return sum(sum((x - mean) ** 2 for x in r) / len(r) for r in residuals)


own = min(grid, key=lambda ik: sum(misfit(d, ik) for d in some.values()))
one = min(grid, key=common)
print("any: i %.2f k %.3f with one level for all; i %.2f k %.3f with a level each" % (*one, *own))
used = (0.20, 0.050)
shapes = {m: spec[3] or used for m, spec in MACHINES.items()}
levels = {m: level(some[m], shapes[m]) for m in some}
mean = math.exp(sum(map(math.log, levels.values())) / len(levels))
print("levels:", {m: round(v, 2) for m, v in levels.items()}, "geometric mean %.3f" % mean)
print("%-20s %18s %18s %10s %8s %8s" % ("machine", "some cores", "all cores", "own level", "cubic", "half"))
sums = [0] * 5
for m in some:
    others = math.exp(sum(math.log(levels[j]) for j in levels if j != m) / (len(levels) - 1))
    left_out = errors(lambda u: others * shape(shapes[m], u), some[m])
    part_time = errors(lambda u: others * shape(shapes[m], u), every[m])
    figures = [left_out[0], part_time[0], errors(lambda u: levels[m] * shape(shapes[m], u), some[m])[0],
               errors(lambda u: 0.1 + 0.9 * u**3, some[m])[0], errors(lambda u: 0.5, some[m])[0]]
    sums = [a + b / len(some) for a, b in zip(sums, figures)]
    print("%-20s %7.0f %% (%+.0f) %9.0f %% (%+.0f) %8.0f %% %6.0f %% %6.0f %%" % (m, *left_out, *part_time, *figures[2:]))
print("%-20s %7.0f %% %15.0f %% %13.0f %% %6.0f %% %6.0f %%" % ("mean", *sums))
