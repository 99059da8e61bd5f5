#!/usr/bin/env python3
"""Holds `squelch convert` against opus-tools, ffmpeg and sox.

Usage: convert_vs_others.py SQUELCH

Opus: opusdec reads what squelch wrote and squelch what opusenc and ffmpeg wrote, with the length and the pitch of
the sound that went in. G.711: sox and ffmpeg decode every code to the same bytes; of all samples, sox encodes as many
otherwise as is known of it.
Exit code 0 when all agree. Standard library only.
"""
import math
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

PITCH_HZ = 440
SECONDS = 2.35
# Of all samples; sox decides otherwise on the edge between two steps (docs/COMPANDING.md).
SOX_DIFFERS = {"pcmu": 510, "pcma": 1_020}
failed = []


def main(squelch):
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for rate in (8_000, 48_000):
            write_tone(here / f"tone{rate}.wav", rate)
        opus(squelch, here)
        g711(squelch, here)
    for line in failed:
        print("FAILED:", line)
    return 1 if failed else 0


def opus(squelch, here):
    for rate in (8_000, 48_000):
        tone = here / f"tone{rate}.wav"
        run(squelch, "convert", tone, here / "ours.opus")
        run("opusdec", "--quiet", "--rate", rate, here / "ours.opus", here / "heard.wav")
        heard_right(f"opusdec of ours from {rate} Hz", here / "heard.wav")
        run("opusenc", "--quiet", tone, here / "theirs.opus")
        run(squelch, "convert", here / "theirs.opus", here / "heard.wav")
        heard_right(f"ours of opusenc's from {rate} Hz", here / "heard.wav")
    ffmpeg("-i", here / "tone48000.wav", "-c:a", "libopus", "-ac", "2", here / "stereo.ogg")
    run(squelch, "convert", here / "stereo.ogg", here / "heard.wav", "--to", "pcm16@16000")
    heard_right("ours of ffmpeg's, two channels", here / "heard.wav")


def g711(squelch, here):
    (here / "codes.raw").write_bytes(bytes(range(256)))
    write(here / "samples.wav", 8_000, list(range(-32_768, 32_768)))
    for ours, sox, ff in (("pcmu", "ul", "mulaw"), ("pcma", "al", "alaw")):
        run(squelch, "convert", here / "codes.raw", here / "ours.raw", "--from", ours, "--to", "pcm16")
        raw = ("-e", "signed", "-b", "16", "-L", "-t", "raw")
        run("sox", "-t", sox, "-r", 8_000, "-c", 1, here / "codes.raw", *raw, here / "sox.raw")
        ffmpeg("-f", ff, "-ar", 8_000, "-ac", 1, "-i", here / "codes.raw", "-f", "s16le", here / "ff.raw")
        same(f"{ours} decoded, sox", here / "ours.raw", here / "sox.raw", 0)
        same(f"{ours} decoded, ffmpeg", here / "ours.raw", here / "ff.raw", 0)
        run(squelch, "convert", here / "samples.wav", here / f"ours.{sox}")
        run("sox", "-D", here / "samples.wav", "-t", sox, here / "sox.raw")
        same(f"{ours} encoded, sox", here / f"ours.{sox}", here / "sox.raw", SOX_DIFFERS[ours])


def heard_right(what, path):
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        frames = file.readframes(file.getnframes())
    samples = struct.unpack(f"<{len(frames) // 2}h", frames)[::channels]
    length = len(samples) / rate
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4]
    crossings = sum((a < 0) != (b < 0) for a, b in zip(middle, middle[1:]))
    pitch = crossings / 2 / (len(middle) / rate)
    print(f"{what}: {length:.4f} s, {pitch:.1f} Hz")
    if abs(length - SECONDS) > 0.0005 or abs(pitch - PITCH_HZ) > 2:
        failed.append(f"{what}: {length:.4f} s at {pitch:.1f} Hz, not {SECONDS} s at {PITCH_HZ} Hz")


def same(what, ours, theirs, expected):
    a, b = ours.read_bytes(), theirs.read_bytes()
    differ = sum(x != y for x, y in zip(a, b))
    print(f"{what}: {differ} of {len(a)} bytes differ")
    if len(a) != len(b) or differ != expected:
        failed.append(f"{what}: {len(a)} and {len(b)} bytes, {differ} differ, not {expected}")


def write_tone(path, rate):
    count = round(SECONDS * rate)
    write(path, rate, [round(8_000 * math.sin(2 * math.pi * PITCH_HZ * n / rate)) for n in range(count)])


def write(path, rate, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def ffmpeg(*words):
    run("ffmpeg", "-loglevel", "error", "-y", *words)


def run(*words):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, timeout=60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
