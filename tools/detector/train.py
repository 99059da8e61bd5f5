#!/usr/bin/env python3
"""Trains the detector's model on measured figures, and writes it as Rust.

Usage: train.py FEATURES.npz MODEL.rs             remakes the model from the committed figures, bit for bit
       train.py --collect FEATURES.npz CASES...   gathers figures from folders made by cases.py: what is hard, and a
                                                  share of what is easy

One hidden layer, in 64-bit floats, rounded at the end; one thread and one kind of kernel for the sums, so that their
order is the same on every machine.
"""
import csv
import hashlib
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import numpy as np  # noqa: E402 (the two lines above must come first)

CLASSES = ("clean", "g711_as_pcm16", "pcm16_as_g711", "law_mismatch", "byte_swapped", "double_encoded", "opaque", "clipping")
COUNT = 126
HIDDEN = 48
# Packets looked at of each stream's good part and of its fault; and how many of the fault's first ones, since what
# came before still shows in their figures.
GOOD, BAD, FIRST = 100, 60, 24
# What is kept of all that: the hardest rows and a share of the others, of good and of bad.
HARD, EASY = 60_000, 25_000
# Figures are kept standardised, in this many steps a deviation, cut at four deviations.
STEPS = 15.0
MOST = 4.0


def look(folder, random):
    """(figures, class) of the packets looked at in a folder."""
    raw = np.memmap(folder + "/features.bin", np.dtype([("stream", "<u4"), ("packet", "<u4"), ("x", "<f4", COUNT)]), "r")
    rows = list(csv.DictReader(open(folder + "/labels.csv")))
    stream, packet = np.array(raw["stream"]), np.array(raw["packet"])
    first = np.searchsorted(stream, np.arange(len(rows)))
    last = np.searchsorted(stream, np.arange(len(rows)), "right")
    kept, label = [], []
    for number, row in enumerate(rows):
        if row["fault"] not in CLASSES:
            # A rule's, and none of the model's.
            continue
        at = np.arange(first[number], last[number])
        bad = np.zeros(len(at), bool)
        if row["fault"] != "clean":
            bad = (packet[at] >= int(row["onset"])) & (packet[at] < int(row["end"]))
        for which, most in ((at[~bad], GOOD), (at[bad], BAD)):
            chosen = which if len(which) <= most else np.sort(random.choice(which, most, replace=False))
            if which is not None and len(which) and bad[which[0] - first[number]]:
                chosen = np.unique(np.concatenate([which[:FIRST], chosen]))
            kept.append(chosen)
            label.append(np.full(len(chosen), CLASSES.index(row["fault"]) if most == BAD else 0, np.uint8))
    return raw["x"][np.concatenate(kept)], np.concatenate(label)


def collect(out, folders):
    random = np.random.default_rng(1)
    looked = [look(folder, random) for folder in folders]
    x, label = np.concatenate([x for x, _ in looked]), np.concatenate([label for _, label in looked])
    mean, scale = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64) + 1e-3
    x = np.clip(np.rint((x - mean) / scale * STEPS), -MOST * STEPS, MOST * STEPS).astype(np.int8)
    print(len(x), "packets looked at")
    weight = np.ones(len(x))
    for _ in range(2):
        model = train(x, label, weight, epochs=10, of=300_000)
        said = outputs(model, x)
        own = said[np.arange(len(x)), label]
        said[np.arange(len(x)), label] = -np.inf
        hard = said.max(1) - own
        weight = 1 + 6 * np.clip((hard + 2) / 4, 0, 1)
    kept, weight = [], []
    for which in (np.flatnonzero(label == 0), np.flatnonzero(label > 0)):
        order = which[np.argsort(-hard[which], kind="stable")]
        easy = random.choice(order[HARD:], min(EASY, max(0, len(order) - HARD)), replace=False)
        kept += [order[:HARD], easy]
        weight += [1 + 6 * np.clip((hard[order[:HARD]] + 2) / 4, 0, 1), np.full(len(easy), max(1, len(order) - HARD) / max(1, len(easy)))]
    kept, weight = np.concatenate(kept), np.concatenate(weight)
    order = np.argsort(kept, kind="stable")
    kept, weight = kept[order], weight[order]
    np.savez_compressed(out, figures=x[kept], label=label[kept], weight=weight.astype(np.float32), mean=mean, scale=scale)
    print(len(kept), "kept")


def outputs(model, x):
    a, b, c, d = model
    said = np.empty((len(x), len(CLASSES)))
    for at in range(0, len(x), 65_536):
        said[at : at + 65_536] = np.maximum(x[at : at + 65_536] / STEPS @ a + b, 0) @ c + d
    return said


def train(x, label, weight, epochs=40, seed=7, of=None):
    """Weights of the two layers, for figures that are standardised; an epoch takes `of` of the rows, all if None."""
    random = np.random.default_rng(seed)
    # Clean weighs as much as all faults together; each fault the same.
    share = np.where(np.arange(len(CLASSES)) == 0, 0.5, 0.5 / (len(CLASSES) - 1))
    sums = np.bincount(label, weight, minlength=len(CLASSES))
    weight = weight * (share / np.maximum(sums, 1))[label] * len(label)
    a = random.standard_normal((COUNT, HIDDEN)) * np.sqrt(2 / COUNT)
    b = np.zeros(HIDDEN)
    c = random.standard_normal((HIDDEN, len(CLASSES))) * np.sqrt(1 / HIDDEN)
    d = np.zeros(len(CLASSES))
    parameters = [a, b, c, d]
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    step, size = 0, 2_048
    for epoch in range(epochs):
        order = random.permutation(len(x))[:of]
        rate = 3e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        for at in range(0, len(order) - size + 1, size):
            pick = order[at : at + size]
            z = x[pick] / STEPS
            hidden = np.maximum(z @ a + b, 0)
            logits = hidden @ c + d
            logits -= logits.max(1, keepdims=True)
            share = np.exp(logits)
            share /= share.sum(1, keepdims=True)
            share[np.arange(size), label[pick]] -= 1
            share *= weight[pick, None] / size
            back = (share @ c.T) * (hidden > 0)
            grads = [z.T @ back + 1e-4 * a, back.sum(0), hidden.T @ share + 1e-4 * c, share.sum(0)]
            step += 1
            for p, g, m, v in zip(parameters, grads, first, second):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return parameters


def write(path, model, mean, scale, digest):
    a, b, c, d = model

    def row(values, digits=4):
        return "[" + ", ".join(f"{round(float(v), digits):.{digits}f}".rstrip("0").rstrip(".") if round(float(v), digits) % 1 else f"{round(float(v), digits):.1f}" for v in values) + "]"

    with open(path, "w") as out:
        out.write("//! The model's weights, made by `tools/detector/train.py`; not to be edited by hand.\n//!\n")
        out.write(f"//! Figures: SHA-256 {digest}.\n\n")
        out.write("use super::features::COUNT;\n\n")
        out.write("/// Nodes of the hidden layer.\npub(super) const HIDDEN: usize = %d;\n" % HIDDEN)
        out.write("/// Classes, the clean one first.\npub(super) const CLASSES: usize = %d;\n" % len(CLASSES))
        out.write("/// Figures count up to so many deviations.\npub(super) const MOST: f32 = %.1f;\n\n" % MOST)
        out.write("#[rustfmt::skip]\npub(super) static MEAN: [f32; COUNT] = %s;\n" % row(mean))
        out.write("#[rustfmt::skip]\npub(super) static SCALE: [f32; COUNT] = %s;\n" % row(1 / scale))
        for name, matrix, kind in (("INTO", a, "[[f32; HIDDEN]; COUNT]"), ("OUT_OF", c, "[[f32; CLASSES]; HIDDEN]")):
            out.write(f"#[rustfmt::skip]\npub(super) static {name}: {kind} = [\n")
            for line in matrix:
                out.write("    " + row(line) + ",\n")
            out.write("];\n")
        out.write("#[rustfmt::skip]\npub(super) const BIAS: [f32; HIDDEN] = %s;\n" % row(b))
        out.write("#[rustfmt::skip]\npub(super) const PRIOR: [f32; CLASSES] = %s;\n" % row(d))


def main():
    if sys.argv[1] == "--collect":
        return collect(sys.argv[2], sys.argv[3:])
    data = dict(np.load(sys.argv[1]))
    digest = hashlib.sha256(b"".join(data[name].tobytes() for name in ("figures", "label", "weight", "mean", "scale"))).hexdigest()
    model = train(data["figures"], data["label"].astype(int), data["weight"].astype(float))
    write(sys.argv[2], model, data["mean"], data["scale"], digest)
    with open(sys.argv[2], "rb") as made, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.sha256"), "w") as out:
        out.write(hashlib.sha256(made.read()).hexdigest() + "\n")


if __name__ == "__main__":
    main()
