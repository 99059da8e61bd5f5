"""The faults, made from good sound as they come about on the wire: byte for byte, each in every kind."""
import base64
import json
import subprocess

import numpy as np
import samplerate
import soxr
from scipy import signal
from scipy.ndimage import maximum_filter1d

from packages import i16
from sounds import db


def _tables():
    mu, a = np.zeros(256, np.int16), np.zeros(256, np.int16)
    for code in range(256):
        plain = ~code & 0xFF
        value = (((plain & 15) * 2 + 33 << (plain >> 4 & 7)) - 33) * 4
        mu[code] = -value if plain & 0x80 else value
        plain = code ^ 0x55
        segment, step = plain >> 4 & 7, plain & 15
        value = (step * 2 + 1 if segment == 0 else step * 2 + 33 << segment - 1) * 8
        a[code] = value if plain & 0x80 else -value
    return {"mu": mu, "a": a}


DECODE = _tables()


def _encoder(law):
    # By G.711's decision values: the lower edge of each step of the positive half.
    if law == "mu":
        edges = [4 * ((step * 2 + 32 << segment) - 33 + (segment == 0 and step == 0)) for segment in range(8) for step in range(16)]
        codes = [0xFF - index for index in range(128)]
    else:
        edges = [8 * (step * 2 if segment == 0 else step * 2 + 32 << segment - 1) for segment in range(8) for step in range(16)]
        codes = [(index | 0x80) ^ 0x55 for index in range(128)]
    edges[0] = 0
    samples = np.arange(-32768, 32768)
    magnitude = np.where(samples < 0, -samples - 1, samples)
    index = np.searchsorted(edges, magnitude, "right") - 1
    return (np.array(codes, np.uint8)[index] ^ np.where(samples < 0, 0x80, 0)).astype(np.uint8)


ENCODE = {law: _encoder(law) for law in ("mu", "a")}


def encode(sound, law):
    return ENCODE[law][np.asarray(sound, np.int32) + 32_768]


def other(law):
    return "a" if law == "mu" else "mu"


RESAMPLERS = ("poly", "soxr", "soxr_lq", "linear", "hold", "sinc")


def resample(sound, rate, to, how):
    if rate == to:
        return np.asarray(sound, np.int16)
    flat = np.asarray(sound, np.float32) / 32_768
    if how == "poly":
        common = np.gcd(rate, to)
        out = signal.resample_poly(flat, to // common, rate // common)
    elif how.startswith("soxr"):
        out = soxr.resample(flat, rate, to, quality="LQ" if how.endswith("lq") else "HQ")
    elif how == "linear":
        out = samplerate.resample(flat, to / rate, "linear")
    elif how == "hold":
        out = samplerate.resample(flat, to / rate, "zero_order_hold")
    else:
        out = samplerate.resample(flat, to / rate, "sinc_fastest")
    return i16(np.asarray(out) * 32_768)


BEHIND = ("none", "none", "none", "dc_blocker", "agc", "limiter", "softer", "band")


def behind(sound, what, random):
    """What stands between a fault and the wire, and must not hide it."""
    x = np.asarray(sound, float)
    if what == "dc_blocker":
        pole = random.choice([0.95, 0.98, 0.99, 0.995])
        x = signal.lfilter([1, -1], [1, -pole], x)
    elif what == "agc":
        level = np.sqrt(signal.lfilter([0.002], [1, -0.998], x * x) + 1e4)
        x = x * np.clip(random.uniform(1_500, 5_000) / level, 0.05, 8)
    elif what == "limiter":
        # One that turns the gain down within a millisecond or two and up again slowly; and one that cuts.
        top = random.uniform(4_000, 16_000)
        if random.random() < 0.7:
            peak = np.maximum(signal.lfilter([0.15], [1, -0.85], np.abs(x)) * 1.5, 1)
            held = maximum_filter1d(peak, int(random.uniform(80, 800)))
            x = x * np.minimum(1, top / held)
        x = np.clip(x, -top, top)
    elif what == "softer":
        x = x * db(random.uniform(-18, -3))
    elif what == "band":
        x = signal.sosfilt(signal.butter(2, (200, 3_400), "band", fs=8_000, output="sos"), x)
    return i16(x)


CLASSES = ("clean", "g711_as_pcm16", "pcm16_as_g711", "law_mismatch", "byte_swapped", "double_encoded", "opaque", "clipping")


def packed(codes, size=160):
    count = len(codes) // size
    return [codes[at * size : (at + 1) * size].tobytes() for at in range(count)]


def make(fault, sound, law, count, random):
    """`count` payloads of 20 ms of a fault, and which kind of it. `sound` is repeated where it is too short."""
    need = count * 160
    choose = lambda *options: options[random.integers(len(options))]
    if fault == "g711_as_pcm16":
        source, order, rate = choose("mu", "mu", "a"), choose("<i2", "<i2", ">i2"), choose(24_000, 24_000, 24_000, 16_000, 8_000)
        how, after = choose(*RESAMPLERS), choose(*BEHIND)
        if random.random() < 0.7:
            codes = encode(np.resize(sound, need * 2 * rate // 8_000 + 4_000), source)
            static = np.frombuffer(codes.tobytes()[: len(codes) // 2 * 2], order)
            heard = behind(resample(static, rate, 8_000, how), after, random)
            return packed(encode(heard, law))[:count], f"{source} {order} {rate} {how} {after}"
        codes = encode(np.resize(sound, need), source)
        heard = np.zeros(need, np.int16)
        for at in range(count):
            static = np.frombuffer(codes[at * 160 : (at + 1) * 160].tobytes(), order)
            burst = resample(np.concatenate([static, np.zeros(90, np.int16)]), rate, 8_000, how)
            burst = burst[: min(160, 80 * 8_000 // rate + 2)]
            heard[at * 160 : at * 160 + len(burst)] = burst
        after = choose("none", "none", "softer", "limiter")
        return packed(encode(behind(heard, after, random), law))[:count], f"bursts {source} {order} {rate} {how} {after}"
    if fault == "pcm16_as_g711":
        order, rate, big = choose("<i2", ">i2"), choose(24_000, 16_000, 8_000), random.random() < 0.5
        wide = resample(np.resize(sound, need + 8_000), 8_000, rate, "soxr")
        raw = np.frombuffer(np.resize(wide, need * rate // 8_000 + 400).astype(order).tobytes(), np.uint8)
        size = rate // 25 if big else 160
        raw = np.resize(raw, size * count + 1)[random.integers(2) if not big else 0 :]
        return packed(raw, size)[:count], f"{order} {rate} {'big' if big else 'stream'}"
    if fault == "law_mismatch":
        kind = choose("relabelled", "relabelled", "transcoded", "misread")
        if kind == "misread":
            # The other law's table on the way, and encoded as it should be.
            return packed(encode(DECODE[other(law)][encode(np.resize(sound, need), law)], law)), kind
        codes = encode(np.resize(sound, need), other(law))
        if kind == "relabelled":
            return packed(codes), kind
        across = encode(DECODE[other(law)][encode(DECODE[law][codes], other(law))], law)
        return packed(across), "transcoded"
    if fault == "byte_swapped":
        kind, pcm = choose("swap", "swap", "shift"), np.resize(sound, need + 10)
        if random.random() < 0.4:
            pcm = DECODE[law][encode(pcm, law)]
        raw = pcm.astype("<i2").tobytes()
        turned = np.frombuffer(raw, ">i2") if kind == "swap" else np.frombuffer(raw[1:-1], "<i2")
        after = choose("none", "none", "dc_blocker", "softer")
        return packed(encode(behind(turned, after, random), law))[:count], f"{kind} {after}"
    if fault == "double_encoded":
        kind, codes = choose("s8", "u8", "small", "expanded"), encode(np.resize(sound, need), law)
        if kind == "s8":
            again = codes.astype(np.int8).astype(np.int16) << 8
        elif kind == "u8":
            again = (codes.astype(np.int16) - 128) << 8
        elif kind == "small":
            again = codes.astype(np.int16)
        else:
            again = DECODE[law][(DECODE[law][codes] >> 8).astype(np.uint8)]
        return packed(encode(again, law))[:count], kind
    if fault == "clipping":
        # Samples that wrapped around: full scale becomes its opposite. What was merely cut is good audio here.
        loud = np.resize(sound, need).astype(float)
        loud *= 3_500 / (np.sqrt((loud[np.abs(loud) > 100] ** 2).mean()) + 1) if np.abs(loud).max() > 100 else 1
        gain = int(random.integers(8, 22))
        again = (np.rint(loud * db(gain)).astype(np.int64) + 32_768) % 65_536 - 32_768
        return packed(encode(again.astype(np.int16), law)), f"wrap{gain}"
    if fault == "opaque":
        kind = choose("uniform", "uniform", "opus", "g722", "gsm", "base64", "json", "hex", "mp3")
        if kind == "uniform":
            raw = random.integers(0, 256, need).astype(np.uint8)
        elif kind in ("base64", "hex", "json"):
            codes = encode(np.resize(sound, need), law).tobytes()
            if kind == "base64":
                text = base64.b64encode(codes)
            elif kind == "hex":
                text = codes.hex().encode()
            else:
                text = "".join(
                    json.dumps({"type": "response.output_audio.delta", "event_id": f"event_{random.integers(1 << 40):x}",
                                "delta": base64.b64encode(codes[at : at + 160]).decode()})
                    for at in range(0, need, 160)
                ).encode()
            raw = np.frombuffer(text, np.uint8)
        else:
            raw = ffmpeg_bytes(np.resize(sound, max(need, 16_000)), kind, random)
        return packed(np.resize(raw, need)), kind
    if fault == "stuck":
        # One packet that can be heard, or one byte far off zero, for ever.
        if random.random() < 0.6:
            payloads = packed(encode(np.resize(sound, need), law))
            loud = [p for p in payloads if DECODE[law][np.frombuffer(p, np.uint8)].astype(float).std() > 330]
            if loud:
                return [loud[random.integers(len(loud))]] * count, "packet"
        far = np.flatnonzero(np.abs(DECODE[law].astype(int)) > 5_000)
        return [bytes([far[random.integers(len(far))]]) * 160] * count, "byte"
    raise ValueError(fault)


def ffmpeg_bytes(sound, kind, random):
    how = {
        "opus": ["-ar", "48000", "-c:a", "libopus", "-b:a", f"{random.choice([24, 48, 64])}k", "-f", "opus"],
        "g722": ["-ar", "16000", "-c:a", "g722", "-f", "g722"],
        "gsm": ["-c:a", "libgsm", "-f", "gsm"],
        "mp3": ["-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3"],
    }[kind]
    return np.frombuffer(run_ffmpeg(["-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "pipe:0", *how, "pipe:1"], i16(sound)), np.uint8)[200:]


CODECS = {
    "gsm": ["-c:a", "libgsm", "-f", "gsm"],
    "g726": ["-c:a", "g726", "-b:a", "32k", "-f", "wav"],
    "opus": ["-c:a", "libopus", "-b:a", "12k", "-ar", "16000", "-f", "ogg"],
    "speex": ["-c:a", "libspeex", "-f", "ogg"],
    "g723_1": ["-c:a", "g723_1", "-b:a", "6.3k", "-f", "wav"],
    "mp3": ["-c:a", "libmp3lame", "-b:a", "24k", "-f", "mp3"],
}


def transcoded(sound, codec):
    """Good sound that went through another codec on its way."""
    try:
        pressed = run_ffmpeg(["-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "pipe:0", *CODECS[codec], "pipe:1"], i16(sound))
        source = ["-f", "gsm"] if codec == "gsm" else []
        back = run_ffmpeg([*source, "-i", "pipe:0", "-ac", "1", "-ar", "8000", "-f", "s16le", "pipe:1"], pressed)
        back = np.frombuffer(back[: len(back) // 2 * 2], np.int16)
        return back if len(back) > 2_000 else sound
    except subprocess.CalledProcessError:
        return sound


def run_ffmpeg(words, data):
    raw = data if isinstance(data, bytes) else data.astype("<i2").tobytes()
    return subprocess.run(["ffmpeg", "-v", "quiet", *words], input=raw, stdout=subprocess.PIPE, check=True).stdout
