"""Sound in and out of captures and WAV files, G.711 with code of its own (ITU-T G.711, by its segments)."""

import struct
import subprocess
import wave

import numpy as np

RATE = 8_000
PAYLOAD_TYPES = {"pcmu": 0, "pcma": 8}


def _mu_level(code):
    code = ~code & 0xFF
    level = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return -level if code & 0x80 else level


def _a_level(code):
    code ^= 0x55
    segment, level = (code & 0x70) >> 4, (code & 0x0F) << 4
    level = level + 8 if segment == 0 else (level + 0x108) << (segment - 1)
    return level if code & 0x80 else -level


LEVELS = {
    "pcmu": np.array([_mu_level(code) for code in range(256)], dtype=np.int16),
    "pcma": np.array([_a_level(code) for code in range(256)], dtype=np.int16),
}


def decode(law, codes):
    return LEVELS[law][np.frombuffer(codes, dtype=np.uint8)]


def through(law, samples):
    """`samples` after encoding and decoding: each the nearest level that the law has."""
    levels = np.unique(LEVELS[law].astype(np.int32))
    borders = (levels[1:] + levels[:-1]) / 2
    return levels[np.searchsorted(borders, samples)].astype(np.int16)


def of_capture(capture, destination=None):
    """The one G.711 stream of a capture, or the one to `destination`: (law, samples, what a receiver sees).

    Read by tshark. A packet has its place by its RTP timestamp.
    """
    host, port = destination or (None, None)
    choose = f"rtp && ip.dst == {host} && udp.dstport == {port}" if destination else "rtp"
    fields = ("rtp.ssrc", "rtp.p_type", "rtp.seq", "rtp.timestamp", "rtp.payload")
    command = ["tshark", "-n", "-r", str(capture), "-Y", choose, "-T", "fields"]
    command += ["-d", f"udp.port=={port},rtp"] if destination else ["--enable-heuristic", "rtp_udp"]
    command += [word for field in fields for word in ("-e", field)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    laws = {str(number): law for law, number in PAYLOAD_TYPES.items()}
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    rows = [row for row in rows if len(row) == len(fields) and row[1] in laws and row[4]]
    assert rows, f"{capture}: no G.711 to {destination}"
    ssrcs, types = {row[0] for row in rows}, {row[1] for row in rows}
    assert len(ssrcs) == 1, f"{capture}: {len(ssrcs)} SSRCs to {destination}"
    assert len(types) == 1, f"{capture}: payload types {types} to {destination}"
    law = laws[types.pop()]
    first = int(rows[0][3])
    silence = {"pcmu": 0xFF, "pcma": 0xD5}[law]
    codes = bytearray()
    for _, _, _, timestamp, payload in rows:
        at, payload = (int(timestamp) - first) & 0xFFFF_FFFF, bytes.fromhex(payload.replace(":", ""))
        assert at < 600 * RATE, f"{capture}: the RTP timestamp jumps by {at}"
        codes.extend([silence] * (at + len(payload) - len(codes)))
        codes[at : at + len(payload)] = payload
    numbers = [int(row[2]) for row in rows]
    missing = ((numbers[-1] - numbers[0]) & 0xFFFF) + 1 - len(set(numbers))
    return law, decode(law, bytes(codes)), {"packets": len(rows), "missing": missing}


def write_wav(path, samples):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.asarray(samples, dtype="<i2").tobytes())


def read_wav(path):
    """All samples, whatever length the header tells: a recorder may still be at it."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE", f"{path} is no WAV file"
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack("<4sI", data[at : at + 8])
        at += 8
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", data[at : at + 16])
            assert (kind, channels, rate, bits) == (1, 1, RATE, 16), f"{path}: not 8 kHz mono PCM16"
        if name == b"data":
            body = data[at:]
            return np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2")
        at += length + length % 2
    raise AssertionError(f"{path} holds no sound")


def events_of_capture(capture, source):
    """The telephone-events (RFC 4733) that `source` (host, port) sent, each once, in order."""
    host, port = source
    fields = ("rtp.timestamp", "rtpevent.event_id", "rtpevent.end_of_event")
    command = ["tshark", "-n", "-r", str(capture), "-d", f"udp.port=={port},rtp", "-T", "fields"]
    command += ["-Y", f"rtpevent && ip.src == {host} && udp.srcport == {port}"]
    # A capture without SDP: what the peers of this suite call telephone-event.
    command += [word for kind in EVENT_TYPES for word in ("-d", f"rtp.pt=={kind},rtpevent")]
    command += [word for field in fields for word in ("-e", field)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    events, ends = {}, set()
    for line in run.stdout.splitlines():
        timestamp, event, end = line.split("\t")
        assert events.setdefault(timestamp, event) == event, line
        if end in ("1", "True"):
            ends.add(timestamp)
    assert ends == set(events), f"{capture}: an event of {source} has no end"
    return list(events.values())


# PJSIP's and baresip's.
EVENT_TYPES = (120, 101)
