#!/usr/bin/env python3
"""Trains the weights of the always-on stage: a number for each byte and one for each change of sign, whose sum over a
payload says whether to look.

Usage: suspicion.py OUT.rs CASES...    (folders made by cases.py)

A logistic regression on how often each byte occurs and the sign changes, one for each law: any fault against good audio. The weights are
rounded to eight bits; the threshold is what a small share of faulty packets stays below: each looks suspicious again
within a packet or two, and is then looked at for a while.
"""
import csv
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import numpy as np  # noqa: E402 (the two lines above must come first)

# Packets looked at of each stream's good part and of its fault.
GOOD, BAD = 30, 30
MISSED = 0.05
# The threshold is for the score of a packet of 20 ms.
PACKET = 160


def look(folder, random, found):
    raw = np.memmap(folder + "/payloads.bin", np.uint8, "r")
    at = 0
    for row in csv.DictReader(open(folder + "/labels.csv")):
        count, fault = int(row["packets"]), row["fault"] not in ("clean", "clipping")
        starts = []
        for _ in range(count):
            size = int(raw[at]) | int(raw[at + 1]) << 8
            starts.append((at + 2, size))
            at += 2 + size
        if row["fault"] in ("clipping", "stuck"):
            continue
        onset, end = (int(row["onset"]), int(row["end"])) if fault else (count, count)
        for bad, packets, most in ((0, range(onset), GOOD), (1, range(onset, end), BAD)):
            for packet in random.permutation(packets)[:most]:
                start, size = starts[packet]
                payload = raw[start : start + size]
                counts = np.bincount(payload, minlength=257)
                if (counts > 0).sum() > 8:
                    counts[256] = ((payload[1:] ^ payload[:-1]) >> 7).sum()
                    found[row["law"]].append((counts / size).astype(np.float32))
                    found[row["law"] + "?"].append((bad, row["fault"], row["variant"]))
    return found


def fit(x, bad, epochs=30):
    random = np.random.default_rng(3)
    weight = np.where(bad, 0.5 / bad.mean(), 0.5 / (1 - bad.mean()))
    w, b = np.zeros(257), 0.0
    m, v = np.zeros(258), np.zeros(258)
    step, size = 0, 4_096
    for epoch in range(epochs):
        order = random.permutation(len(x))
        rate = 0.3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        for at in range(0, len(order) - size + 1, size):
            pick = order[at : at + size]
            z = x[pick].astype(np.float64)
            error = (1 / (1 + np.exp(-(z @ w + b))) - bad[pick]) * weight[pick] / size
            grad = np.append(z.T @ error + 1e-6 * w, error.sum())
            step += 1
            m += 0.1 * (grad - m)
            v += 0.001 * (grad * grad - v)
            move = rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
            w -= move[:257]
            b -= move[257]
    return w, b


def main():
    random = np.random.default_rng(1)
    found = {"mu": [], "a": [], "mu?": [], "a?": []}
    for folder in sys.argv[2:]:
        look(folder, random, found)
    lines = []
    for law, name in (("mu", "MU"), ("a", "A")):
        x = np.array(found[law])
        bad = np.array([bad for bad, _, _ in found[law + "?"]])
        w, _ = fit(x, bad)
        w[:256] -= w[:256].mean()
        rounded = np.rint(w / np.abs(w[:256]).max() * 127)
        score = x @ rounded
        least = int(np.floor(np.quantile(score[bad == 1], MISSED) * PACKET))
        score = score * PACKET
        print(name, "threshold", least, "; good packets above:", round(float((score[bad == 0] > least).mean()), 3))
        groups = {}
        for (is_bad, fault, variant), value in zip(found[law + "?"], score):
            key = (fault, variant.split()[0]) if is_bad else ("clean", variant if fault == "clean" else "lead-in")
            groups.setdefault(key, []).append(value > least)
        for key in sorted(groups):
            print("  ", *key, len(groups[key]), round(float(np.mean(groups[key])), 3))
        numbers = [str(int(v)) for v in rounded[:256]]
        rows = "".join("    " + ", ".join(numbers[at : at + 16]) + ",\n" for at in range(0, 256, 16))
        lines.append(f"/// For {'mu-law' if law == 'mu' else 'A-law'}.\n#[rustfmt::skip]\npub(super) static {name}: Weights = Weights::new([\n{rows}]);\n")
        lines.append(f"/// For a change of sign.\npub(super) const {name}_CHANGE: i32 = {int(rounded[256])};\n")
        lines.append(f"/// What 160 bytes of it must score to be looked at.\npub(super) const {name}_LEAST: i32 = {least};\n")
    with open(sys.argv[1], "w") as out:
        out.write("//! Weights of the always-on stage, made by `tools/detector/suspicion.py`; not to be edited by hand.\n\nuse squelch_g711::Weights;\n\n")
        out.write("\n".join(lines))


if __name__ == "__main__":
    main()
