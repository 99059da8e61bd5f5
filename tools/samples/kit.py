"""What all samples are made with: a voice, G.711, RTP, SIP, captures. Code of its own, nothing of squelch's."""

import array
import functools
import random
import struct
import subprocess
import sys

RATE = 8000
PTIME_MS = 20
FRAME = RATE * PTIME_MS // 1000
EPOCH = 1_735_725_600.0  # 2025-01-01T10:00:00Z
CALLER = ("192.0.2.10", 16400)
GATEWAY = ("198.51.100.20", 24000)

GREETING = (
    "Good morning, and thank you for calling. This is the front desk speaking. "
    "How may I help you today? I can look up an order, change a delivery, or take a message."
)
CALLER_TEXT = (
    "Hello. I would like to move my appointment from Thursday to Friday afternoon, "
    "if there is still a place left around four o'clock."
)
ACCOUNT_TEXT = (
    "Please enter the last four digits of your account number, "
    "followed by the pound key, and stay on the line."
)
STORY = (
    "The lighthouse keeper wrote the weather in his book every evening. North wind, a heavy sea, "
    "two ships to the west, and one lantern broken by a gull. In the morning he mended the glass, "
    "oiled the wheels, and waited for the boat with flour and letters. It came late, as always, and "
    "the boatman laughed and said that the harbour had been closed by fog. They carried the sacks up "
    "the stairs together, and drank their tea while the rain went over the roof."
)


# --- speech -----------------------------------------------------------------


@functools.cache
def speech(text, voice="en-us", speed=165, pitch=50):
    """What a synthetic voice says, as PCM16 samples at 8 kHz, as a telephone would carry them."""
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    # -R and -D: no randomness, no dither. The band is that of a telephone, the level what lines carry.
    effects = ["gain", "-6", "highpass", "200", "lowpass", "3600", "gain", "-n", "-6"]
    raw = ["-t", "raw", "-e", "signed", "-b", "16", "-L", "-r", str(RATE), "-c", "1", "-"]
    # espeak-ng writes a WAV header without lengths when it writes to a pipe.
    wav = ["--ignore-length", "-t", "wav", "-"]
    pcm = subprocess.run(
        ["sox", "-R", "-D", *wav, *raw, *effects], input=spoken, check=True, stdout=subprocess.PIPE
    ).stdout
    return with_line_noise(list(struct.unpack(f"<{len(pcm) // 2}h", pcm)))


def with_line_noise(samples):
    """No line is digitally silent: noise at about -66 dBFS under the voice."""
    noise = random.Random(1)
    return [clamp(s + round(noise.gauss(0, 16))) for s in samples]


def exactly(samples, seconds):
    count = int(seconds * RATE)
    if len(samples) < count:
        quiet = with_line_noise([0] * (count - len(samples)))
        samples = samples + quiet
    return samples[:count]


def clamp(value):
    return max(-32768, min(32767, value))


# --- G.711 (ITU-T G.711, tables 1 and 2) -------------------------------------


def decode_mu(code):
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << (code >> 4 & 7)
    return -(magnitude - 0x84) if code & 0x80 else magnitude - 0x84


def decode_a(code):
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = (step << 4) + 8 if segment == 0 else ((step << 4) + 0x108) << (segment - 1)
    return magnitude if code & 0x80 else -magnitude


def nearest(decode):
    """The encoder as a table: for each PCM16 value the code that decodes nearest to it."""
    values = sorted((decode(code), code) for code in range(256))
    table, at = bytearray(65536), 0
    for value in range(-32768, 32768):
        while at + 1 < 256 and abs(values[at + 1][0] - value) <= abs(values[at][0] - value):
            at += 1
        table[value + 32768] = values[at][1]
    return table


MU, A = nearest(decode_mu), nearest(decode_a)


def encode(samples, table):
    return bytes(table[s + 32768] for s in samples)


def pcm16le(samples):
    return struct.pack(f"<{len(samples)}h", *samples)


# --- faults -----------------------------------------------------------------


def static_of(codes):
    """The static: G.711 bytes taken for PCM16 at 24 kHz, brought to 8 kHz as a server would."""
    codes = codes[: len(codes) // 2 * 2]
    fmt = ["-t", "raw", "-e", "signed", "-b", "16", "-L", "-c", "1"]
    pcm = subprocess.run(
        ["sox", "-R", "-D", *fmt, "-r", "24000", "-", *fmt, "-r", str(RATE), "-"],
        input=codes, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ).stdout
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


# --- RTP, SIP, captures --------------------------------------------------------


def rtp(payload_type, sequence, timestamp, ssrc, payload, marker=False):
    second = payload_type | (0x80 if marker else 0)
    return struct.pack("!BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def stream(payload, source, destination, payload_type, ssrc, start=0.0, sequence=1000, frame=FRAME):
    """One datagram every 20 ms, with the small jitter that a network has."""
    jitter = random.Random(ssrc)
    for index in range(len(payload) // frame):
        at = start + index * PTIME_MS / 1000 + abs(jitter.gauss(0, 0.0006))
        part = payload[index * frame : (index + 1) * frame]
        packet = rtp(payload_type, sequence + index, 160 * index, ssrc, part, marker=index == 0)
        yield at, source, destination, packet


def sip_message(start_line, headers, body=b""):
    lines = [start_line, *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def sdp(address, formats):
    lines = [
        "v=0", f"o=- 1 1 IN IP4 {address[0]}", "s=-", f"c=IN IP4 {address[0]}", "t=0 0",
        f"m=audio {address[1]} RTP/AVP " + " ".join(str(number) for number, _ in formats),
    ]
    for number, name in formats:
        lines.append(f"a=rtpmap:{number} {name}")
        if name.startswith("telephone-event"):
            lines.append(f"a=fmtp:{number} 0-15")
    return "\r\n".join([*lines, "a=ptime:20", "a=sendrecv", ""]).encode()


def signalling(formats, talk, call_id):
    """INVITE to BYE round a talk of so many seconds, which begins at 0."""
    caller, gateway = (CALLER[0], 5060), (GATEWAY[0], 5060)
    dialog = [
        "From: \"Caller\" <sip:+15550100@carrier.example>;tag=c1",
        "To: <sip:+15550199@squelch.example>{tag}",
        f"Call-ID: {call_id}",
    ]

    def headers(cseq, branch, *more, tag=";tag=g1"):
        via = f"Via: SIP/2.0/UDP {caller[0]}:5060;branch=z9hG4bK{branch}"
        return [via, "Max-Forwards: 70", *(d.format(tag=tag) for d in dialog), f"CSeq: {cseq}", *more]

    uri = "sip:+15550199@squelch.example"
    offer, answer = sdp(CALLER, formats), sdp(GATEWAY, formats)
    contact, contact_back = f"Contact: <sip:{caller[0]}:5060>", f"Contact: <sip:{gateway[0]}:5060>"
    kind = "Content-Type: application/sdp"
    request = headers("1 INVITE", "i1", contact, kind, tag="")
    yield -1.9, caller, gateway, sip_message(f"INVITE {uri} SIP/2.0", request, offer)
    yield -1.898, gateway, caller, sip_message("SIP/2.0 100 Trying", headers("1 INVITE", "i1", tag=""))
    yield -1.6, gateway, caller, sip_message("SIP/2.0 180 Ringing", headers("1 INVITE", "i1", contact_back))
    ok = headers("1 INVITE", "i1", contact_back, kind)
    yield -0.06, gateway, caller, sip_message("SIP/2.0 200 OK", ok, answer)
    yield -0.03, caller, gateway, sip_message(f"ACK sip:{gateway[0]}:5060 SIP/2.0", headers("1 ACK", "a1"))
    yield talk + 0.1, caller, gateway, sip_message(f"BYE sip:{gateway[0]}:5060 SIP/2.0", headers("2 BYE", "b1"))
    yield talk + 0.11, gateway, caller, sip_message("SIP/2.0 200 OK", headers("2 BYE", "b1"))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    words = array.array("H", data)
    if sys.byteorder == "little":
        words.byteswap()
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(source, destination, payload):
    addresses = b"".join(bytes(map(int, host.split("."))) for host in (source[0], destination[0]))
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", source[1], destination[1], length, 0)
    udp_sum = checksum(addresses + struct.pack("!BBH", 0, 17, length) + udp + payload) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", udp_sum)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 17, 0)
    ip = ip[:10] + struct.pack("!H", checksum(ip + addresses)) + addresses
    return bytes.fromhex("020000000002 020000000001 0800") + ip + udp + payload


def write_pcap(path, datagrams):
    """Classic pcap, microseconds, link type Ethernet, in the order of time."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, source, destination, payload in sorted(datagrams, key=lambda d: d[0]):
            frame = ethernet(source, destination, payload)
            micros = round((EPOCH + 2 + at) * 1e6)
            out.write(struct.pack("<IIII", micros // 10**6, micros % 10**6, len(frame), len(frame)))
            out.write(frame)
