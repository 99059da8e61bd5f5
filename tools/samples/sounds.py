"""What lines carry and no detector may trip over: 2.4 s of each, several to a capture."""

import math
import random
import subprocess

from . import truth
from .kit import A, MU, RATE, STORY, clamp, encode, exactly, pcm16le, speech, with_line_noise
from .streams import Sent, packets, through_sox

SECONDS = 2.4
COUNT = int(SECONDS * RATE)
FULL = 32_767


def both(samples, true=truth.NONE):
    for payload_type, table in ((0, MU), (8, A)):
        yield Sent(payload_type, packets(encode(samples, table)), true)


def in_turn(*sounds):
    """One stream a sound, the first as PCMU, the next as PCMA, and so on."""
    for samples, (payload_type, table) in zip(sounds, ((0, MU), (8, A)) * len(sounds)):
        yield Sent(payload_type, packets(encode(samples, table)), truth.NONE)


def level(db):
    return FULL * 10 ** (db / 20)


def wave(at, loudness=-9.0):
    """`at(seconds)` is between -1 and 1."""
    return [clamp(round(level(loudness) * at(index / RATE))) for index in range(COUNT)]


def sines(*hertz):
    return lambda t: sum(math.sin(math.tau * f * t) for f in hertz) / len(hertz)


def phase_of(hertz):
    """A sine whose frequency follows `hertz(seconds)`."""
    phase, out = 0.0, []
    for index in range(COUNT):
        phase += math.tau * hertz(index / RATE) / RATE
        out.append(phase)
    return lambda t: math.sin(out[round(t * RATE)])


# --- voices ---------------------------------------------------------------------


def hot_speech():
    """12 dB too much, cut hard."""
    said = exactly(speech(STORY), 3)
    return both([clamp(sample * 4) for sample in said], truth.AT_MOST_CLIPPING)


def voices():
    """A scream (overdriven: at most clipping), a whisper, breath, and six talkers at once."""
    random_numbers = random.Random(61)
    trill = phase_of(lambda t: 1_100 + 200 * math.sin(math.tau * 6 * t))
    rough = [math.asin(trill(i / RATE)) / (math.pi / 2) + 0.4 * random_numbers.gauss(0, 1) for i in range(COUNT)]
    scream = [clamp(round(level(-3) * math.tanh(2.5 * x))) for x in rough]
    yield Sent(0, packets(encode(scream, MU)), truth.AT_MOST_CLIPPING)
    noise = [clamp(round(random_numbers.gauss(0, 6_000))) for _ in range(COUNT)]
    swells = [0.1 + abs(math.sin(math.tau * 1.3 * i / RATE)) for i in range(COUNT)]
    yield from in_turn(
        [clamp(round(x * s * 0.5)) for x, s in zip(spoken_whispering(), swells)],
        [clamp(round(x * s)) for x, s in zip(through_sox(noise, RATE, RATE, "sinc", "150-1800"), swells)],
        babble(),
    )


def spoken_whispering():
    """espeak-ng's own whisper."""
    return exactly(speech(STORY, voice="en-us+whisper"), SECONDS)


def babble():
    voices = [("en-us", 50), ("en-gb", 35), ("de", 40), ("fr", 60), ("es", 45), ("en-us+f3", 55)]
    said = [exactly(speech(STORY, voice=voice, pitch=pitch), SECONDS + 2)[2 * RATE :] for voice, pitch in voices]
    return [clamp(sum(together) // 3) for together in zip(*said)]


def gsm_speech():
    """Speech that was GSM full rate on its way."""
    said = exactly(speech(STORY, voice="en-gb", pitch=35), SECONDS + 0.2)
    gsm = subprocess.run(
        ["ffmpeg", "-v", "quiet", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "pipe:0", "-c:a", "libgsm",
         "-f", "gsm", "pipe:1"], input=pcm16le(said), check=True, stdout=subprocess.PIPE).stdout
    back = subprocess.run(
        ["sox", "-R", "-D", "-t", "gsm", "-r", "8000", "-", "-t", "raw", "-e", "signed", "-b", "16", "-L", "-"],
        input=gsm, check=True, stdout=subprocess.PIPE).stdout
    samples = list(memoryview(back).cast("h"))
    return both(samples[:COUNT])


def loss_5_percent():
    """One packet in twenty lost, first and last kept."""
    fate = random.Random(62)
    for one in both(exactly(speech(STORY, voice="de", pitch=40), 4)):
        count = len(one.payloads)
        one.lost = frozenset(fate.sample(range(1, count - 1), count // 20))
        yield one


# --- music ------------------------------------------------------------------------


def music():
    """Music on hold, made here: plucked strings (Karplus and Strong) over four chords and a bass."""
    return both(plucked())


CHORDS = ((220.0, 277.2, 329.6), (185.0, 220.0, 277.2), (146.8, 185.0, 220.0), (164.8, 207.7, 246.9))


def plucked():
    pick = random.Random(63)
    mix = [0.0] * COUNT
    for step in range(int(SECONDS / 0.15)):
        chord = CHORDS[step // 4 % 4]
        notes = [chord[step % 3] * 2] + ([chord[0] / 2] if step % 4 == 0 else [])
        for hertz in notes:
            string = [pick.uniform(-1, 1) for _ in range(round(RATE / hertz))]
            for at in range(round(step * 0.15 * RATE), COUNT):
                first = string.pop(0)
                mix[at] += first
                string.append(0.498 * (first + string[0]))
    loudest = max(map(abs, mix))
    return with_line_noise([clamp(round(x / loudest * level(-3))) for x in mix])


# --- machines -----------------------------------------------------------------------


def fax_and_modem():
    """Fax CNG and CED (T.30), V.21's second channel, and QAM at 2,400 baud on 1,800 Hz."""
    bits = random.Random(64)
    sent = [bits.random() < 0.5 for _ in range(int(SECONDS * 300) + 1)]
    v21 = phase_of(lambda t: 1_650 if sent[int(t * 300)] else 1_850)
    cng = sines(1_100)
    ced = sines(2_100)
    return in_turn(
        wave(lambda t: cng(t) if t < 0.5 else 0.0),
        wave(lambda t: ced(t) * (-1) ** int(t / 0.45)),
        wave(v21, -12),
        with_line_noise(qam()),
    )


def qam(baud=2_400, carrier=1_800, roll=0.25):
    symbols = random.Random(65)
    points = [complex(symbols.choice((-3, -1, 1, 3)), symbols.choice((-3, -1, 1, 3))) for _ in range(int(SECONDS * baud))]

    def pulse(x):
        if abs(abs(2 * roll * x) - 1) < 1e-9:
            return math.pi / 4 * math.sin(math.pi * x) / (math.pi * x)
        sinc = math.sin(math.pi * x) / (math.pi * x) if x else 1.0
        return sinc * math.cos(math.pi * roll * x) / (1 - (2 * roll * x) ** 2)

    out = []
    for index in range(COUNT):
        now = index / RATE * baud
        near = range(max(0, int(now) - 5), min(len(points), int(now) + 6))
        value = sum((points[n] * pulse(now - n) for n in near), 0j)
        angle = math.tau * carrier * index / RATE
        out.append(clamp(round(level(-12) / 3 * (value.real * math.cos(angle) - value.imag * math.sin(angle)))))
    return out


def tones():
    """Ring, busy, a siren, a full-scale sweep, a square wave, and 150 Hz: three periods a packet, so all are alike."""
    ring, busy = sines(440, 480), sines(480, 620)
    return in_turn(
        wave(lambda t: ring(t) if t < 2.0 else 0.0),
        wave(lambda t: busy(t) if t % 1 < 0.5 else 0.0),
        wave(phase_of(lambda t: 900 + 500 * math.sin(math.tau * 0.8 * t)), -3),
        wave(phase_of(lambda t: 100 + 3_700 * t / SECONDS), 0),
        wave(lambda t: 1.0 if t * 237 % 1 < 0.5 else -1.0, -6),
        wave(sines(150), -6),
    )


def noises():
    """White at -12 dBFS, pink, comfort noise, silence, and a weak hum about 3 % off zero."""
    white = random.Random(66)
    pink = through_sox([0] * COUNT, RATE, RATE, "synth", "pinknoise", "gain", "-12")
    return in_turn(
        [clamp(round(white.gauss(0, level(-12)))) for _ in range(COUNT)],
        pink,
        [round(white.gauss(0, 30)) for _ in range(COUNT)],
        [0] * COUNT,
        [1_000 + round(200 * math.sin(math.tau * 50 * i / RATE) + white.gauss(0, 40)) for i in range(COUNT)],
    )


CAPTURES = {
    "good-hot-speech": hot_speech,
    "good-voices": voices,
    "good-gsm-speech": gsm_speech,
    "good-loss": loss_5_percent,
    "good-music": music,
    "good-fax-modem": fax_and_modem,
    "good-tones": tones,
    "good-noises": noises,
}
