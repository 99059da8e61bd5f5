#!/usr/bin/env python3
"""Judges the detector on a folder made by cases.py.

Usage: figures.py CASES < output of `detector verdicts CASES`
       figures.py --baselines CASES < output of `detector baselines CASES`

Standard library only.
"""
import collections
import csv
import math
import sys


def main(folder):
    rows = list(csv.DictReader(open(folder + "/labels.csv")))
    said = [line.split() for line in sys.stdin]
    hit, named, delay, count = (collections.defaultdict(list) for _ in range(4))
    false, clean, before = [], 0, 0
    for row, (_, packet, fault, active) in zip(rows, said):
        truth = row["fault"]
        if truth == "clean":
            clean += int(row["packets"])
            if fault not in ("none", "clipping"):
                false.append((row["variant"], fault, row["source"]))
            continue
        count[truth].append(1)
        early = packet != "-" and int(packet) < int(row["onset"])
        before += early
        hit[truth].append(packet != "-" and not early)
        if hit[truth][-1]:
            named[truth].append(fault == truth)
            # A byte for ever is no sound: there the clock counts.
            packets = int(packet) - int(row["onset"]) if truth == "stuck" else int(active) - 1
            delay[truth].append(packets * 20)
    print("| fault | streams | found | of these named right | delay p50 | p99 |\n|---|---|---|---|---|---|")
    for truth in count:
        late = sorted(delay[truth]) or [0]
        at = lambda share: late[min(len(late) - 1, int(share * len(late)))]
        print(f"| `{truth}` | {len(count[truth])} | {sum(hit[truth]) / len(count[truth]):.3f} | "
              f"{sum(named[truth]) / max(1, len(named[truth])):.3f} | {at(0.5)} ms | {at(0.99)} ms |")
    hours = clean / 180_000
    print(f"\n{len(false)} false alarms in {hours:.2f} h of good streams, {before} before a fault's start")
    if not false:
        print(f"95 % bound: {-math.log(0.05) / hours:.2f} an hour")
    for (variant, fault), times in collections.Counter((v, f) for v, f, _ in false).most_common():
        print(f"  {variant}: {fault} x {times}")


def baselines(folder):
    rows = list(csv.DictReader(open(folder + "/labels.csv")))
    said = [line.split()[1:] for line in sys.stdin]
    for rule, name in enumerate(("even and odd zero crossings", "root mean squares")):
        found, count, fired, windows = collections.Counter(), collections.Counter(), 0, 0
        for row, line in zip(rows, said):
            first, early, good, all_fired, all_windows = line[5 * rule : 5 * rule + 5]
            if row["fault"] == "clean":
                fired += int(all_fired)
                windows += int(all_windows)
            else:
                fired += int(early)
                windows += int(good)
                count[row["fault"]] += 1
                found[row["fault"]] += first != "-"
        shares = ", ".join(f"`{fault}` {found[fault] / count[fault]:.3f}" for fault in count)
        hours = windows * 512 / 8_000 / 3_600
        print(f"{name}: fires in {fired / max(1, windows):.4f} of the windows of good audio, {fired / hours:.0f} an hour; {shares}")


if sys.argv[1] == "--baselines":
    baselines(sys.argv[2])
else:
    main(sys.argv[1])
