"""The faults, each in its main kinds: 0.6 s of good speech, then 2 s of the fault, once as PCMU and once as PCMA."""

import base64
import random
import struct
import subprocess

from . import truth
from .kit import A, FRAME, MU, RATE, STORY, clamp, decode_a, decode_mu, encode, exactly, pcm16le, speech
from .streams import Sent, packets, through_sox

LEAD = 30
COUNT = 100
ONSET_MS = LEAD * 20
END_MS = (LEAD + COUNT) * 20 - 20
LAWS = {0: (MU, decode_mu), 8: (A, decode_a)}


def talk():
    return exactly(speech(STORY), 20)


def both(make, name, within_ms, variants=None, ticks=FRAME, **more):
    """The fault in both laws: `make(encoder, decoder, payload type)` gives its payloads."""
    for payload_type, (table, decode) in LAWS.items():
        lead = packets(encode(talk()[: LEAD * FRAME], table))
        faulty = make(table, decode, payload_type)[:COUNT]
        told = variants[payload_type] if isinstance(variants, dict) else variants
        true = truth.fault(name, ONSET_MS, within_ms, END_MS, told, **more)
        yield Sent(payload_type, lead + faulty, true, ticks)


def rest(seconds=10):
    """The speech that the fault is made of."""
    return talk()[LEAD * FRAME :][: int(seconds * RATE)]


# --- static ---------------------------------------------------------------------


def misread(codes):
    return list(struct.unpack(f"<{len(codes) // 2}h", codes[: len(codes) // 2 * 2]))


def static_24k():
    def make(table, _, __):
        return packets(encode(through_sox(misread(encode(rest(14), table)), 24_000, RATE), table))

    return both(make, "g711_as_pcm16", 1000, ["pcm16", "pcm16 24000", "pcm16le", "pcm16le 24000"])


def static_bursts():
    """Each packet's 160 codes are 80 samples, 3.3 ms, and the rest of its 20 ms is silent."""

    def make(table, _, __):
        wide = []
        for part in packets(encode(rest(2), table)):
            wide += misread(part) + [0] * 400
        return packets(encode(through_sox(wide, 24_000, RATE), table))

    bursts = ["pcm16 bursts", "pcm16 24000 bursts", "pcm16le bursts", "pcm16le 24000 bursts"]
    return both(make, "g711_as_pcm16", 1000, bursts)


def static_8k():
    def make(table, _, __):
        return packets(encode(misread(encode(rest(4), table)), table))

    return both(make, "g711_as_pcm16", 1000, ["pcm16", "pcm16 8000", "pcm16le", "pcm16le 8000"])


def static_dc_blocked():
    def make(table, _, __):
        heard = through_sox(misread(encode(rest(14), table)), 24_000, RATE)
        return packets(encode(dc_blocked(heard), table))

    return both(make, "g711_as_pcm16", 1000, ["pcm16", "pcm16 24000", "pcm16le", "pcm16le 24000"])


def dc_blocked(samples, pole=0.98):
    out, before, y = [], 0, 0.0
    for x in samples:
        y = x - before + pole * y
        before = x
        out.append(clamp(round(y)))
    return out


# --- PCM16 sent raw ---------------------------------------------------------------


def raw_le_24k():
    def make(*_):
        return packets(pcm16le(through_sox(rest(2), RATE, 24_000)))

    return both(make, "pcm16_as_g711", 500, ["pcm16le", "pcm16le 24000"], repair=["exact"])


def raw_be_24k():
    def make(*_):
        wide = through_sox(rest(2), RATE, 24_000)
        return packets(struct.pack(f">{len(wide)}h", *wide))

    return both(make, "pcm16_as_g711", 500, ["pcm16be", "pcm16be 24000"], repair=["exact"])


def raw_le_8k():
    def make(*_):
        return packets(pcm16le(rest(2)), 320)

    return both(make, "pcm16_as_g711", 500, ["pcm16le 8000"], repair=["exact"])


# --- codes and samples taken for others ---------------------------------------------


OTHER = {0: (A, decode_a), 8: (MU, decode_mu)}
OTHER_NAME = {0: ["pcma"], 8: ["pcmu"]}


def law_relabelled():
    def make(_, __, payload_type):
        return packets(encode(rest(), OTHER[payload_type][0]))

    return both(make, "law_mismatch", 500, OTHER_NAME, repair=["exact", "approximate"])


def law_transcoded():
    """One law's bytes under the other's label, then brought over to the first law and back, properly."""

    def make(table, decode, payload_type):
        wrong_table, wrong_decode = OTHER[payload_type]
        codes = encode(rest(), wrong_table)
        across = encode([decode(code) for code in codes], wrong_table)
        return packets(encode([wrong_decode(code) for code in across], table))

    return both(make, "law_mismatch", 500, {0: ["pcma transcoded"], 8: ["pcmu transcoded"]}, repair=["exact", "approximate"])


def law_transcoded_once():
    """This law's bytes were labelled as the other's, and brought over to this one."""

    def make(table, _, payload_type):
        codes = encode(rest(), table)
        return packets(encode([OTHER[payload_type][1](code) for code in codes], table))

    names = [f"{a} {how}" for a in ("pcma", "pcmu") for how in ("transcoded", "read as pcma", "read as pcmu")]
    return both(make, "law_mismatch", 500, names, repair=["exact", "approximate"])


def bytes_swapped():
    def make(table, _, __):
        raw = pcm16le(rest())
        return packets(encode(list(struct.unpack(f">{len(raw) // 2}h", raw)), table))

    return both(make, "byte_swapped", 1000)


def bytes_shifted():
    def make(table, _, __):
        return packets(encode(misread(pcm16le(rest())[1:]), table))

    return both(make, "byte_swapped", 1000)


def encoded_twice():
    """Codes taken for samples of eight bits, and companded."""

    def make(table, _, __):
        eight = [code - 256 if code > 127 else code for code in encode(rest(), table)]
        return packets(encode([sample << 8 for sample in eight], table))

    return both(make, "double_encoded", 1000, ["companded"])


def expanded_twice():
    def make(table, decode, _):
        upper = [(decode(code) >> 8) & 0xFF for code in encode(rest(), table)]
        return packets(encode([decode(code) for code in upper], table))

    return both(make, "double_encoded", 1000, ["companded"])


# --- what is no audio ---------------------------------------------------------------


def opaque_uniform():
    """As SRTP whose key is wrong or missing leaves it."""

    def make(_, __, payload_type):
        return packets(random.Random(40 + payload_type).randbytes(COUNT * FRAME))

    return both(make, "opaque", 500, ["binary"], repair=["none"])


def opaque_base64():
    """The deltas of a WebSocket, sent on undecoded."""

    def make(table, *_):
        return packets(base64.b64encode(encode(rest(), table)))

    return both(make, "opaque", 500, ["text"], repair=["none"])


def opaque_opus():
    """Opus packets under a G.711 label; ffmpeg's Ogg stands for a stream of them, its first pages left out."""

    def make(*_):
        words = ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0", "-fflags", "+bitexact"]
        words += ["-ar", "48000", "-c:a", "libopus", "-b:a", "64k", "-f", "opus", "pipe:1"]
        run = subprocess.run(
            ["ffmpeg", "-v", "quiet", *words], input=pcm16le(rest()), check=True, stdout=subprocess.PIPE
        )
        return packets(run.stdout[400:])

    return both(make, "opaque", 500, ["binary"], repair=["none"])


# --- what stands still, or goes wrong in time or level ------------------------------


def stuck_packet():
    """The loudest packet of the speech, over and over."""

    def make(table, decode, _):
        parts = packets(encode(rest(), table))
        return [max(parts, key=lambda part: sum(decode(code) ** 2 for code in part))] * COUNT

    return both(make, "stuck", 400, ["repeated"], repair=["none"])


def stuck_byte():
    """The loudest code there is, over and over."""

    def make(table, *_):
        return [encode([-32_768] * FRAME, table)] * COUNT

    return both(make, "stuck", 400, ["repeated"], repair=["none"])


def clipped_gain():
    """30 dB too much: little is left but the signs."""

    def make(table, *_):
        return packets(encode([clamp(sample * 32) for sample in rest()], table))

    return both(make, "clipping", 2000)


def clipped_wrapped():
    """18 dB too much, and the samples wrap round where they should have been held."""

    def make(table, *_):
        return packets(encode([(sample * 8 + 32_768) % 65_536 - 32_768 for sample in rest()], table))

    return both(make, "clipping", 2000)


def rate_of_packets():
    """Speech at 24 kHz, companded sample by sample: 480 bytes each 20 ms, of which the timestamps own to 160."""

    def make(table, *_):
        return packets(encode(through_sox(rest(3), RATE, 24_000), table), 480)

    return both(make, "wrong_rate", 2000)


def rate_of_timestamps():
    """160 bytes each 20 ms, with timestamps that say 60 ms have gone by."""
    for payload_type, (table, _) in LAWS.items():
        true = truth.fault("wrong_rate", 0, 2000, END_MS)
        yield Sent(payload_type, packets(encode(talk(), table))[: LEAD + COUNT], true, ticks=480)


def dead_air():
    """One side talks for 6 s; from the other, packets flow and say nothing after the first 0.6 s. A-law, then mu-law."""
    for payload_type, (table, _) in LAWS.items():
        count = 300
        quiet = packets(encode(talk()[: LEAD * FRAME], table)) + [encode([0] * FRAME, table)] * (count - LEAD)
        true = truth.fault("dead_air", ONSET_MS, 5000, count * 20 - 20, repair=["none"])
        yield Sent(payload_type, quiet, true, call=payload_type)
        said = packets(encode(exactly(speech(STORY, voice="en-gb", pitch=35), 6), table))
        yield Sent(payload_type, said, truth.NONE, call=payload_type, back=True)


CAPTURES = {
    "static-24k": static_24k,
    "static-bursts": static_bursts,
    "static-8k": static_8k,
    "static-dc-blocked": static_dc_blocked,
    "raw-le-24k": raw_le_24k,
    "raw-be-24k": raw_be_24k,
    "raw-le-8k": raw_le_8k,
    "law-relabelled": law_relabelled,
    "law-transcoded": law_transcoded,
    "law-transcoded-once": law_transcoded_once,
    "bytes-swapped": bytes_swapped,
    "bytes-shifted": bytes_shifted,
    "encoded-twice": encoded_twice,
    "expanded-twice": expanded_twice,
    "opaque-uniform": opaque_uniform,
    "opaque-base64": opaque_base64,
    "opaque-opus": opaque_opus,
    "stuck-packet": stuck_packet,
    "stuck-byte": stuck_byte,
    "clipped-gain": clipped_gain,
    "clipped-wrapped": clipped_wrapped,
    "rate-of-packets": rate_of_packets,
    "rate-of-timestamps": rate_of_timestamps,
    "dead-air": dead_air,
}
