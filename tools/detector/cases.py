#!/usr/bin/env python3
"""Writes labelled streams for the detector: payloads.bin and labels.csv.

Usage: cases.py --side train|judge --sources DIR --out DIR [--faulty N] [--clean N] [--seed N]

Needs Debian's ffmpeg and espeak-ng, and from PyPI what requirements.txt names. `payloads.bin` holds payloads, each
after its length in two bytes, little-endian; `labels.csv` says which belong to a stream, and where its fault is.
"""
import argparse
import csv
import os
import struct

import numpy as np

import faults
import sounds
from faults import CLASSES, encode, make, packets, transcoded
from sounds import MADE, db, i16, made, pink

SHARE = {"g711_as_pcm16": 0.36, "pcm16_as_g711": 0.14, "law_mismatch": 0.12, "byte_swapped": 0.12, "double_encoded": 0.13, "opaque": 0.13}


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--side", choices=("train", "judge"), required=True)
    asked.add_argument("--sources", required=True)
    asked.add_argument("--out", required=True)
    asked.add_argument("--faulty", type=int, default=600)
    asked.add_argument("--clean", type=int, default=600)
    asked.add_argument("--seed", type=int, default=1)
    asked = asked.parse_args()
    os.makedirs(asked.out, exist_ok=True)
    found = sounds.corpus(asked.sources, asked.side)
    for kind, list_ in found.items():
        print(kind, len(list_), f"{sum(len(s) for _, s in list_) / 8_000 / 3_600:.2f} h")
    with open(asked.out + "/payloads.bin", "wb") as out, open(asked.out + "/labels.csv", "w", newline="") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow("law fault variant source first_packet packets onset end".split())
        written = 0

        def stream(law, fault, variant, source, payloads, onset, end):
            nonlocal written
            for payload in payloads:
                out.write(struct.pack("<H", len(payload)) + payload)
            rows.writerow([law, fault, variant, source, written, len(payloads), onset, end])
            written += len(payloads)

        names = [name for name, share in SHARE.items() for _ in range(max(1, round(share * asked.faulty)))]
        for number, fault in enumerate(names):
            random = np.random.default_rng([asked.seed, 1, number])
            law, count = ("mu", "a")[int(random.random() < 0.35)], int(random.integers(150, 400))
            source, sound = talk(found["speech"], random, count * 160)
            onset = int(random.integers(25, 100))
            bad, variant = make(fault, np.roll(sound, -onset * 160), law, count - onset, random)
            good = packets(encode(sound, law))[:onset]
            stream(law, fault, variant, source, good + bad, onset, onset + len(bad))
        for number in range(asked.clean):
            random = np.random.default_rng([asked.seed, 2, number])
            law, count = ("mu", "a")[int(random.random() < 0.35)], int(random.integers(300, 700))
            variant, source, sound = good_sound(found, random, count * 160)
            stream(law, "clean", variant, source, packets(encode(sound, law)), "", "")
    print(written, "packets in", asked.out)


def talk(speech, random, length):
    parts, have, source = [], 0, None
    gain = db(random.uniform(-12, 5))
    while have < length:
        name, sound = speech[random.integers(len(speech))]
        source = source or name
        pause = np.zeros(int(random.uniform(0.05, 0.5) * 8_000))
        parts += [sound * gain, pause]
        have += len(sound) + len(pause)
    return source, i16(np.concatenate(parts)[:length])


# Overdriven speech is what is most like static: it is there twice.
STATES = ("plain", "codec", "noise", "clipped", "clipped", "hot", "hot", "soft", "band", "dc")


def good_sound(found, random, length):
    """Speech in every state a line leaves it in, music, effects, and what machines send."""
    share = random.random()
    if share < 0.5:
        source, sound = talk(found["speech"], random, length)
        kind = STATES[random.integers(len(STATES))]
        x = sound.astype(float)
        if kind == "codec":
            codec = list(faults.CODECS)[random.integers(len(faults.CODECS))]
            kind, x = codec, np.resize(transcoded(sound, codec), length)
        elif kind == "noise":
            noise = pink(length, random) if random.random() < 0.5 else random.standard_normal(length)
            x = x + noise * 32_767 * db(random.uniform(-50, -18))
        elif kind == "clipped":
            top = random.uniform(3_000, 32_000)
            x = np.clip(x * db(random.uniform(6, 24)), -top, top)
        elif kind == "hot":
            x = np.tanh(x * db(random.uniform(6, 26)) / 16_000) * random.uniform(8_000, 32_000)
        elif kind == "soft":
            x = x * db(random.uniform(-40, -12))
        elif kind == "band":
            x = faults.behind(x, "band", random).astype(float) * db(random.uniform(0, 8))
        elif kind == "dc":
            x = x + random.uniform(-2_500, 2_500)
        return "speech " + kind, source, i16(x)
    if share < 0.75:
        kind = "music" if random.random() < 0.6 else "effects"
        pieces, have, source = [], 0, None
        while have < length:
            name, sound = found[kind][random.integers(len(found[kind]))]
            source = source or name
            pieces.append(sound)
            have += len(sound)
        x = np.concatenate(pieces)[:length] * db(random.uniform(-12, 12))
        return kind, source, i16(x)
    kind = MADE[random.integers(len(MADE))]
    return kind, "made", made(kind, length, random)


if __name__ == "__main__":
    assert "clean" in CLASSES
    main()
