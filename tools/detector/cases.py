#!/usr/bin/env python3
"""Writes labelled streams for the detector: payloads.bin and labels.csv.

Usage: cases.py --side train|tune|judge|last --sources DIR --out DIR [--faulty N] [--clean N] [--distinct] [--only FAULT] [--seed N]

Needs Debian's ffmpeg and espeak-ng, and from PyPI what requirements.txt names. `payloads.bin` holds payloads, each
after its length in two bytes, little-endian; `labels.csv` says which belong to a stream, and where its fault is.
With --distinct, instead: every second of the side's real sounds once, as good streams of a minute or so.
"""
import argparse
import csv
import os
import struct

import numpy as np

import faults
import packages
import sounds
from faults import CLASSES, encode, make, packed, transcoded
from packages import i16
from sounds import MADE, db, made, pink

SHARE = {"g711_as_pcm16": 0.36, "pcm16_as_g711": 0.12, "law_mismatch": 0.10, "byte_swapped": 0.12, "double_encoded": 0.13, "opaque": 0.13, "clipping": 0.06, "stuck": 0.05}


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--side", choices=packages.PACKAGES, required=True)
    asked.add_argument("--sources", required=True)
    asked.add_argument("--out", required=True)
    asked.add_argument("--faulty", type=int, default=600)
    asked.add_argument("--clean", type=int, default=600)
    asked.add_argument("--distinct", action="store_true")
    asked.add_argument("--only", choices=SHARE)
    asked.add_argument("--seed", type=int, default=1)
    asked = asked.parse_args()
    os.makedirs(asked.out, exist_ok=True)
    found = packages.corpus(asked.sources, asked.side, 1e9 if asked.side in ("judge", "last") else 120)
    for kind, pieces in found.items():
        print(kind, len(pieces), f"{sum(len(s) for _, s in pieces) / 8_000 / 3_600:.2f} h")
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

        if asked.distinct:
            for law, kind, source, sound in distinct(found, asked.seed):
                stream(law, "clean", kind, source, packed(encode(sound, law)), "", "")
        else:
            found["speech"] += sounds.spoken(asked.side)
            for case in faulty(found, asked.faulty, asked.seed, asked.only):
                stream(*case)
            for case in good(found, asked.clean, asked.seed):
                stream(*case)
    print(written, "packets in", asked.out)


def a_law(random):
    return ("mu", "a")[int(random.random() < 0.35)]


def faulty(found, count, seed, only):
    """Good speech that turns into a fault; one in ten is faulty from the first packet."""
    names = [name for name, share in SHARE.items() for _ in range(max(1, round(share * count)))]
    names = [only] * count if only else names
    for number, fault in enumerate(names):
        random = np.random.default_rng([seed, 1, number])
        law, length = a_law(random), int(random.integers(150, 400))
        source, sound = talk(found["speech"], random, length * 160)
        onset = 0 if random.random() < 0.1 else int(random.integers(25, 100))
        bad, variant = make(fault, np.roll(sound, -onset * 160), law, length - onset, random)
        payloads = packed(encode(sound, law))[:onset] + bad
        yield law, fault, variant, source, payloads, onset, onset + len(bad)


def good(found, count, seed):
    for number in range(count):
        random = np.random.default_rng([seed, 2, number])
        law, length = a_law(random), int(random.integers(300, 700))
        variant, source, sound = good_sound(found, random, length * 160)
        yield law, "clean", variant, source, packed(encode(sound, law)), "", ""


def distinct(found, seed):
    """Each piece once, at a level of its own, six to a stream."""
    random = np.random.default_rng([seed, 3])
    for kind, pieces in found.items():
        for at in range(0, len(pieces), 6):
            row = [i16(sound * db(random.uniform(-12, 0))) for _, sound in pieces[at : at + 6]]
            yield a_law(random), kind, pieces[at][0], np.concatenate(row)


def talk(speech, random, length):
    """Speech with pauses between; on half of the streams over the noise of a room."""
    parts, have, source = [], 0, None
    gain = db(random.uniform(-12, 5))
    while have < length:
        name, sound = speech[random.integers(len(speech))]
        source = source or name
        pause = np.zeros(int(random.uniform(0.05, 0.5) * 8_000))
        parts += [sound * gain, pause]
        have += len(sound) + len(pause)
    sound = np.concatenate(parts)[:length]
    if random.random() < 0.5:
        sound = sound + pink(length, random, random.uniform(0, 1)) * packages.FULL * db(random.uniform(-75, -45))
    return source, i16(sound)


# Overdriven speech is what is most like static: it is there three times.
STATES = ("plain", "plain", "codec", "noise", "clipped", "clipped", "clipped", "hot", "hot", "hot", "soft", "band", "dc", "rate")


def good_sound(found, random, length):
    """Speech in every state a line leaves it in, music, effects, and what machines send."""
    share = random.random()
    if share < 0.6:
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
        elif kind == "rate":
            # Too fast or too slow is another fault, and none of those that the model knows.
            to = int(random.choice([2_667, 4_000, 6_000, 12_000, 16_000, 24_000]))
            x = np.resize(faults.resample(sound, 8_000, to, "soxr"), length).astype(float)
        elif kind == "dc":
            x = x + random.uniform(-2_500, 2_500)
        if kind in ("clipped", "hot") and random.random() < 0.4:
            # What was overdriven at the telephone goes through the network's filters.
            x = faults.behind(x, ("band", "dc_blocker", "softer")[random.integers(3)], random)
        return "speech " + kind, source, i16(x)
    if share < 0.8:
        kind = "music" if random.random() < 0.6 else "effects"
        pieces, have, source = [], 0, None
        while have < length:
            name, sound = found[kind][random.integers(len(found[kind]))]
            source = source or name
            pieces.append(sound)
            have += len(sound)
        x = np.concatenate(pieces)[:length] * db(random.uniform(-12, 5))
        return kind, source, i16(x)
    kind = MADE[random.integers(len(MADE))]
    return kind, "made", made(kind, length, random)


if __name__ == "__main__":
    assert "clean" in CLASSES
    main()
