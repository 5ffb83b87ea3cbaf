#!/usr/bin/env python3
"""A tree whose RAPL counter follows this machine's own load by a known curve, until it is ended.

usage: loaded_tree.py DIR NAME   (the CPU's name for /proc/cpuinfo)

Power is 20 W + 40 W x load; DIR.feed gets the same as lines of an external meter. Texts have a fixed width and are written in place, so that a reader never
sees a part of a longer one."""
import os
import sys
import time

root, name = sys.argv[1:3]


def create(path, text):
    path = root + path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return os.open(path, os.O_WRONLY)


def ticks():
    with open("/proc/stat") as file:
        fields = [int(x) for x in file.readline().split()[1:9]]
    return sum(fields) - fields[3] - fields[4] - fields[7], sum(fields)


zone = "/sys/class/powercap/intel-rapl:0/"
create(zone + "name", "package-0\n")
create(zone + "max_energy_range_uj", "262143328850\n")
create("/proc/meminfo", "MemTotal:       16236208 kB\n")
n = os.cpu_count()
create("/proc/cpuinfo", "".join(f"processor\t: {i}\nmodel name\t: {name}\nphysical id\t: 0\n\n" for i in range(n)))
energy_fd = create(zone + "energy_uj", f"{0:015d}\n")
stat_fd = create("/proc/stat", f"cpu  {0:015d} 0 0 {0:015d} 0 0 0 0 0 0\n")
feed = open(root + ".feed", "w")
feed_ns = 0
print("ready", flush=True)
uj, busy_total, all_total = 0.0, 0, 0
last_busy, last_all = ticks()
last = time.monotonic()
load = 0.0
while os.getppid() != 1:
    time.sleep(0.002)
    now = time.monotonic()
    busy, every = ticks()
    if every - last_all >= 4 * n and every - last_all >= busy - last_busy >= 0:
        load = (busy - last_busy) / (every - last_all)
        busy_total += busy - last_busy
        all_total += every - last_all
        last_busy, last_all = busy, every
        os.pwrite(stat_fd, f"cpu  {busy_total:015d} 0 0 {all_total - busy_total:015d} 0 0 0 0 0 0\n".encode(), 0)
    uj += (now - last) * 1e6 * (20 + 40 * load)
    last = now
    os.pwrite(energy_fd, f"{int(uj):015d}\n".encode(), 0)
    if time.monotonic_ns() - feed_ns > 40e6:
        feed_ns = time.monotonic_ns()
        print(f"{feed_ns},{20 + 40 * load:.3f}", file=feed, flush=True)
