#!/usr/bin/env python3
"""Trains the detector's model on measured figures, and writes it as Rust.

Usage: train.py FEATURES.npz MODEL.rs      remakes the model from the committed figures, bit for bit
       train.py --collect CASES FEATURES.npz    gathers the figures of a folder made by cases.py, thinned and rounded

One hidden layer; every sum in a fixed order, in 64-bit floats, rounded at the end: the same file on every machine.
"""
import csv
import hashlib
import os
import sys

import numpy as np

CLASSES = ("clean", "g711_as_pcm16", "pcm16_as_g711", "law_mismatch", "byte_swapped", "double_encoded", "opaque")
COUNT = 32
HIDDEN = 32
# Packets kept of each stream: the whole of a fault looks alike.
KEPT = 24
# The figures are kept in 256ths.
STEP = 256.0


def load(folder):
    """(stream, packet, figures, class or -1 where a packet is half one thing) of every measured packet."""
    raw = np.fromfile(folder + "/features.bin", np.dtype([("stream", "<u4"), ("packet", "<u4"), ("x", "<f4", COUNT)]))
    rows = list(csv.DictReader(open(folder + "/labels.csv")))
    of = np.array([CLASSES.index(row["fault"]) for row in rows])
    onset = np.array([int(row["onset"] or 0) for row in rows])
    end = np.array([int(row["end"] or 0) for row in rows])
    stream, packet = raw["stream"], raw["packet"]
    inside = (packet >= onset[stream]) & (packet < end[stream])
    label = np.where(of[stream] == 0, 0, np.where(inside, of[stream], 0))
    return rows, stream, packet, raw["x"].astype(np.float64), label


def collect(folder, out):
    _, stream, packet, x, label = load(folder)
    random = np.random.default_rng(1)
    kept = []
    for number in range(stream.max() + 1):
        for which in (True, False):
            at = np.flatnonzero((stream == number) & ((label > 0) == which))
            kept.append(at if len(at) <= KEPT else np.sort(random.choice(at, KEPT, replace=False)))
    kept = np.concatenate(kept)
    figures = np.clip(np.rint(x[kept] * STEP), -32768, 32767).astype(np.int16)
    np.savez_compressed(out, figures=figures, label=label[kept].astype(np.uint8), stream=stream[kept].astype(np.uint16))


def train(x, label, stream, epochs=60, seed=7):
    random = np.random.default_rng(seed)
    mean, scale = x.mean(0), x.std(0) + 1e-3
    z = np.clip((x - mean) / scale, -6, 6)
    counts = np.bincount(label, minlength=len(CLASSES))
    # Clean weighs as much as all faults together; each fault the same.
    weight = np.where(np.arange(len(CLASSES)) == 0, 0.5, 0.5 / (len(CLASSES) - 1)) / np.maximum(counts, 1)
    weight = weight[label] * len(label)
    a = random.standard_normal((COUNT, HIDDEN)) * np.sqrt(2 / COUNT)
    b = np.zeros(HIDDEN)
    c = random.standard_normal((HIDDEN, len(CLASSES))) * np.sqrt(1 / HIDDEN)
    d = np.zeros(len(CLASSES))
    parameters = [a, b, c, d]
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    step, size = 0, 1_024
    for epoch in range(epochs):
        order = random.permutation(len(z))
        rate = 3e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        for at in range(0, len(order) - size + 1, size):
            pick = order[at : at + size]
            hidden = np.maximum(z[pick] @ a + b, 0)
            logits = hidden @ c + d
            logits -= logits.max(1, keepdims=True)
            share = np.exp(logits)
            share /= share.sum(1, keepdims=True)
            share[np.arange(size), label[pick]] -= 1
            share *= weight[pick, None] / size
            back = (share @ c.T) * (hidden > 0)
            grads = [z[pick].T @ back + 1e-4 * a, back.sum(0), hidden.T @ share + 1e-4 * c, share.sum(0)]
            step += 1
            for p, g, m, v in zip(parameters, grads, first, second):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return mean, scale, a, b, c, d


def write(path, model, digest):
    mean, scale, a, b, c, d = model

    def row(values):
        return "[" + ", ".join(f"{np.float32(round(float(v), 4))!s}" if float(round(float(v), 4)) % 1 else f"{round(float(v), 4):.1f}" for v in values) + "]"

    with open(path, "w") as out:
        out.write("//! The model's weights, made by `tools/detector/train.py`; not to be edited by hand.\n//!\n")
        out.write(f"//! Figures: SHA-256 {digest}.\n\n")
        out.write("use super::features::COUNT;\n\n")
        out.write("/// Nodes of the hidden layer.\npub(super) const HIDDEN: usize = %d;\n" % HIDDEN)
        out.write("/// Classes, the clean one first.\npub(super) const CLASSES: usize = %d;\n\n" % len(CLASSES))
        out.write("#[rustfmt::skip]\npub(super) const MEAN: [f32; COUNT] = %s;\n" % row(mean))
        out.write("#[rustfmt::skip]\npub(super) const SCALE: [f32; COUNT] = %s;\n" % row(1 / scale))
        for name, matrix, kind in (("INTO", a.T, "[[f32; COUNT]; HIDDEN]"), ("OUT_OF", c.T, "[[f32; HIDDEN]; CLASSES]")):
            out.write(f"#[rustfmt::skip]\npub(super) const {name}: {kind} = [\n")
            for line in matrix:
                out.write("    " + row(line) + ",\n")
            out.write("];\n")
        out.write("#[rustfmt::skip]\npub(super) const BIAS: [f32; HIDDEN] = %s;\n" % row(b))
        out.write("#[rustfmt::skip]\npub(super) const PRIOR: [f32; CLASSES] = %s;\n" % row(d))


def main():
    if sys.argv[1] == "--collect":
        return collect(sys.argv[2], sys.argv[3])
    data = np.load(sys.argv[1])
    digest = hashlib.sha256(data["figures"].tobytes() + data["label"].tobytes()).hexdigest()
    model = train(data["figures"] / STEP, data["label"].astype(int), data["stream"])
    write(sys.argv[2], model, digest)
    with open(sys.argv[2], "rb") as made, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.sha256"), "w") as out:
        out.write(hashlib.sha256(made.read()).hexdigest() + "\n")


if __name__ == "__main__":
    main()
