#!/usr/bin/env python3
"""Holds `squelch inspect` against Wireshark: both must count the same packets.

Usage: inspect_vs_tshark.py SQUELCH PATH...

PATH is a capture or a folder of captures. For each RTP stream that either program
sees: expected and lost packets must be equal, the mean jitter within 0.02 ms or 1 %.
Streams with duplicates, and those that carry telephone-events, are not compared in
jitter: tshark measures such packets in its own way.
Needs tshark. Exit code 0 when all agree, 1 when not, 2 when there was nothing to compare.
"""

import json
import pathlib
import re
import subprocess
import sys

ROW = re.compile(
    r"^\s*(?P<start>[\d.]+)\s+(?P<end>[\d.]+)\s+(?P<src>\S+)\s+(?P<sport>\d+)\s+(?P<dst>\S+)\s+(?P<dport>\d+)"
    r"\s+(?P<ssrc>0x[0-9A-Fa-f]+)\s+(?P<payload>.+?)\s+(?P<packets>\d+)\s+(?P<lost>-?\d+) \(.*?%\)"
    r"\s+[\d.]+\s+[\d.]+\s+[\d.]+\s+[\d.]+\s+(?P<jitter>[\d.]+)\s+[\d.]+"
)


def socket(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def by_tshark(capture):
    command = ["tshark", "-q", "-n", "-r", capture, "--enable-heuristic", "rtp_udp", "-z", "rtp,streams"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    streams = {}
    for row in filter(None, map(ROW.match, run.stdout.splitlines())):
        key = (socket(row["src"], row["sport"]), socket(row["dst"], row["dport"]), int(row["ssrc"], 16))
        packets, lost = int(row["packets"]), int(row["lost"])
        streams[key] = {"expected": packets + lost, "lost": lost, "jitter_ms": float(row["jitter"])}
    return streams


def by_squelch(squelch, capture):
    run = subprocess.run([squelch, "inspect", "--format", "json", capture], capture_output=True, text=True)
    if run.returncode not in (0, 1):
        sys.exit(f"{capture}: squelch inspect ended with {run.returncode}: {run.stdout}{run.stderr}")
    streams = {}
    for stream in map(json.loads, run.stdout.splitlines()):
        streams[stream["source"], stream["destination"], int(stream["ssrc"], 16)] = stream
    return streams


def differences(ours, theirs):
    for field in ("expected", "lost"):
        # tshark counts a duplicate as a packet and so as one lost less.
        if ours[field] != theirs[field] and ours["duplicate"] == 0:
            yield f"{field}: squelch {ours[field]}, tshark {theirs[field]}"
    if ours["duplicate"] == 0 and ours.get("telephone_events", 0) == 0:
        distance = abs(ours["jitter_ms"] - theirs["jitter_ms"])
        if distance > max(0.02, 0.01 * theirs["jitter_ms"]):
            yield f"mean jitter: squelch {ours['jitter_ms']} ms, tshark {theirs['jitter_ms']} ms"


def captures(paths):
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix in (".pcap", ".pcapng"))
        else:
            yield path


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    compared, wrong = 0, 0
    for capture in map(str, captures(sys.argv[2:])):
        ours, theirs = by_squelch(sys.argv[1], capture), by_tshark(capture)
        # tshark takes nothing for RTP that is telephone-events alone.
        audible = {key for key, stream in ours.items() if stream["packets"] > stream.get("telephone_events", 0)}
        found = [f"{key}: seen by squelch alone" for key in audible - theirs.keys()]
        found += [f"{key}: seen by tshark alone" for key in theirs.keys() - ours.keys()]
        for key in ours.keys() & theirs.keys():
            compared += 1
            found += [f"{key}: {text}" for text in differences(ours[key], theirs[key])]
        for text in found:
            print(f"{capture}: {text}")
        wrong += len(found)
    print(f"{compared} streams compared, {wrong} differences")
    sys.exit(1 if wrong else 0 if compared else 2)


if __name__ == "__main__":
    main()
