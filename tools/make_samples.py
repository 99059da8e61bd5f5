#!/usr/bin/env python3
"""Makes the captures in pcap-samples/.

Usage: tools/make_samples.py [DIRECTORY]

Needs espeak-ng, sox and ffmpeg (Debian packages of these names), nothing else. The same
versions of them give the same bytes: no clock and no unseeded randomness is used.
G.711, the captures and the faults are made here with code of their own, so that
a mistake in squelch can't hide in its samples. What is true of a sample goes into its
.expect file; how it travelled is added there by the golden test (pcap-samples/README.md).
"""

import pathlib
import random
import struct
import sys

from samples import faults, sounds, streams, truth
from samples.kit import (
    A, ACCOUNT_TEXT, CALLER, CALLER_TEXT, FRAME, GATEWAY, GREETING, MU, RATE, STORY, encode, exactly, pcm16le, rtp,
    signalling, speech, static_of, stream, with_line_noise, write_pcap,
)


def clean_pcmu():
    codes = encode(exactly(speech(GREETING), 7), MU)
    return stream(codes, GATEWAY, CALLER, 0, 0x11110001)


def clean_pcma():
    codes = encode(exactly(speech(CALLER_TEXT, voice="en-gb", pitch=35), 7), A)
    return stream(codes, CALLER, GATEWAY, 8, 0x11110002)


def static_seed():
    """3 s as they should be, then the rest of the talk as static, in a call with signalling."""
    talk = 8
    clean = exactly(speech(GREETING), 3)
    story = encode(speech(STORY, speed=150), MU)
    static = exactly(static_of(story * 2), talk - 3)
    codes = encode(clean + static, MU)
    yield from signalling([(0, "PCMU/8000")], talk, "static-seed@squelch.example")
    yield from stream(codes, GATEWAY, CALLER, 0, 0x11110003)


def pcm16_raw():
    """2 s of PCMU, then PCM16LE at 8 kHz under the same payload type: packets of 320 bytes."""
    said = exactly(speech(STORY, voice="en-us+f3"), 6)
    lead = encode(said[: 2 * RATE], MU)
    yield from stream(lead, GATEWAY, CALLER, 0, 0x11110004)
    raw = pcm16le(said[2 * RATE :])
    jitter = random.Random(4)
    for index in range(len(raw) // 320):
        at = 2 + index * 0.02 + abs(jitter.gauss(0, 0.0006))
        part = raw[index * 320 : (index + 1) * 320]
        yield at, GATEWAY, CALLER, rtp(0, 1100 + index, 16000 + 160 * index, 0x11110004, part)


def loss_reorder():
    """About one packet in twenty lost, in bursts too, and some overtaken by the next."""
    codes = encode(exactly(speech(STORY, voice="en-gb", pitch=40), 8), MU)
    fate = random.Random(5)
    packets = list(stream(codes, GATEWAY, CALLER, 0, 0x11110005, sequence=65400))
    kept, burst = [], 0
    for index, (at, source, destination, packet) in enumerate(packets):
        if burst == 0 and index > 25 and fate.random() < 0.03:
            burst = fate.choice([1, 1, 2, 3])
        if burst > 0 and index < len(packets) - 25:
            burst -= 1
            continue
        late = 0.025 if index > 25 and index < len(packets) - 25 and fate.random() < 0.02 else 0.0
        kept.append((at + abs(fate.gauss(0, 0.003)) + late, source, destination, packet))
    return kept


def dtmf():
    """1, 5, 9 and # keyed (RFC 4733, payload type 101) while the other side speaks before them."""
    formats = [(0, "PCMU/8000"), (101, "telephone-event/8000")]
    talk, ssrc, sequence = 8, 0x11110006, 2000
    codes = encode(exactly(speech(ACCOUNT_TEXT), talk), MU)
    yield from signalling(formats, talk, "dtmf@squelch.example")
    yield from stream(codes, GATEWAY, CALLER, 0, 0x11110007)
    said = encode(exactly(speech("Yes, one moment please.", voice="en-gb", pitch=35), talk), MU)
    keyed = {250: 1, 270: 5, 290: 9, 310: 11}
    index = 0
    while index < talk * 50:
        at = index * 0.02
        if index not in keyed:
            part = said[index * FRAME : (index + 1) * FRAME]
            yield at, CALLER, GATEWAY, rtp(0, sequence, 160 * index, ssrc, part, marker=index == 0)
            sequence, index = sequence + 1, index + 1
            continue
        # Five packets while the key is down, the end three times (2.5.1.4), all with the event's own time.
        for n in range(8):
            end = 0x80 if n >= 5 else 0
            event = struct.pack("!BBH", keyed[index], end | 10, 160 * min(n + 1, 6))
            yield at + n * 0.02, CALLER, GATEWAY, rtp(101, sequence, 160 * index, ssrc, event, marker=n == 0)
            sequence += 1
        index += 8


def sip_call():
    """A whole call: signalling and both directions, A-law."""
    talk = 7
    yield from signalling([(8, "PCMA/8000")], talk, "sip-call@squelch.example")
    heard = exactly([0] * RATE * 3 + speech(GREETING, speed=180), talk)
    said = exactly(speech(CALLER_TEXT, voice="en-gb", speed=190, pitch=35), talk)
    yield from stream(encode(with_line_noise(heard), A), GATEWAY, CALLER, 8, 0x11110008)
    yield from stream(encode(said, A), CALLER, GATEWAY, 8, 0x11110009, start=0.007)


SAMPLES = {
    "clean-pcmu": clean_pcmu,
    "clean-pcma": clean_pcma,
    "static-seed": static_seed,
    "pcm16-raw": pcm16_raw,
    "loss-reorder": loss_reorder,
    "dtmf": dtmf,
    "sip-call": sip_call,
}
# By SSRC; nothing is wrong with the streams that are not named here.
TRUTHS = {
    "static-seed": {
        "0x11110003": truth.fault(
            "g711_as_pcm16", 3000, 300, 7980, ["pcm16", "pcm16 24000", "pcm16le", "pcm16le 24000"], ["none"]
        )
    },
    "pcm16-raw": {"0x11110004": truth.fault("pcm16_as_g711", 2000, 300, 5980, ["pcm16le 8000"], ["exact"])},
}


def main():
    here = pathlib.Path(__file__).resolve().parent.parent / "pcap-samples"
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here
    directory.mkdir(parents=True, exist_ok=True)
    made = [(name, (list(make()), TRUTHS.get(name, {}))) for name, make in SAMPLES.items()]
    more = {**faults.CAPTURES, **sounds.CAPTURES}
    made += [(name, streams.capture(name, make())) for name, make in more.items()]
    for name, (datagrams, truths) in made:
        path = directory / f"{name}.pcap"
        write_pcap(path, datagrams)
        if truths:
            truth.write(path.with_suffix(".expect"), truths)
        print(f"{path.name}: {path.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
