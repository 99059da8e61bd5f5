"""Streams of one capture, side by side: each has its own ports and SSRC."""

import dataclasses
import random
import struct
import subprocess
import zlib

from .kit import CALLER, FRAME, GATEWAY, pcm16le, rtp


@dataclasses.dataclass
class Sent:
    """One stream: payloads 20 ms apart, and what is true of it (truth.py)."""

    payload_type: int
    payloads: list
    true: dict
    ticks: int = FRAME
    lost: frozenset = frozenset()
    # Streams of the same call share ports; `back` goes the other way.
    call: int | None = None
    back: bool = False


def capture(name, sent):
    """The datagrams of the streams, and their truths by SSRC: one that stays when captures are added."""
    datagrams, truths = [], {}
    for index, one in enumerate(sent):
        ssrc = (zlib.crc32(name.encode()) & 0xFFFFFF00) + index
        port = 2 * (index if one.call is None else 100 + one.call)
        ends = (GATEWAY[0], GATEWAY[1] + port), (CALLER[0], CALLER[1] + port)
        source, destination = ends[::-1] if one.back else ends
        jitter = random.Random(ssrc)
        for at, payload in enumerate(one.payloads):
            arrival = index / 1000 + at * 0.02 + abs(jitter.gauss(0, 0.0006))
            packet = rtp(one.payload_type, 1000 + at, one.ticks * at, ssrc, payload, marker=at == 0)
            if at not in one.lost:
                datagrams.append((arrival, source, destination, packet))
        truths[f"0x{ssrc:08x}"] = one.true
    return datagrams, truths


def packets(codes, size=FRAME):
    return [codes[at : at + size] for at in range(0, len(codes) - size + 1, size)]


def through_sox(samples, rate, to, *effects):
    fmt = ["-t", "raw", "-e", "signed", "-b", "16", "-L", "-c", "1"]
    run = subprocess.run(
        ["sox", "-R", "-D", *fmt, "-r", str(rate), "-", *fmt, "-r", str(to), "-", *effects],
        input=pcm16le(samples), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    return list(struct.unpack(f"<{len(run.stdout) // 2}h", run.stdout))
