"""Sounds that are made: speech by espeak-ng, and what machines and noise send that no talker does.

Everything is int16 at 8 kHz in numpy arrays.
"""
import subprocess
import tempfile

import numpy as np
from scipy import signal

from packages import FULL, i16, load

VOICES = {
    "train": ["en-us", "de", "fr+m3", "es+f2", "cmn", "ar+m2"],
    "tune": ["en-gb+f3", "nl", "sv+f1", "el", "ja", "sw+m1"],
    "judge": ["pt-br+f5", "tr+m5", "hi+f1", "pl+m7", "ko+f3", "fi", "uk+f2", "en-029+m4"],
    "last": ["it+f4", "ro+m2", "hu", "id+f1", "cs+m6", "da+f5", "ca", "hr+m3"],
}
TEXT = {
    "en": "Thank you for calling. Your balance is four hundred and seventy two dollars. Is there anything else?",
    "de": "Guten Tag, ich suche das jetzt für Sie heraus, einen Augenblick bitte. Zwei Zweige, zwei Schwalben.",
    "fr": "Bonjour, je vérifie votre compte tout de suite, ne quittez pas. Les chaussettes de l'archiduchesse.",
    "es": "Hola, espere un momento mientras reviso su cuenta, por favor. El perro de San Roque no tiene rabo.",
    "cmn": "您好，请稍等，我正在查询您的账户。四是四，十是十。",
    "ar": "مرحبا، لحظة من فضلك بينما أتحقق من حسابك.",
    "nl": "Goedemiddag, een ogenblik geduld alstublieft, ik zoek het voor u op. De kat krabt de krullen van de trap.",
    "sv": "Hej, vänta ett ögonblick medan jag kontrollerar ditt konto. Sju sjösjuka sjömän sköttes på skeppet.",
    "el": "Καλησπέρα σας, περιμένετε ένα λεπτό παρακαλώ.",
    "ja": "お電話ありがとうございます。少々お待ちください。",
    "pt": "Olá, em que posso ajudar? Um momento, por favor, enquanto eu verifico a sua conta.",
    "tr": "Merhaba, size nasıl yardımcı olabilirim? Şimdi hesabınızı kontrol ediyorum, lütfen bekleyin.",
    "hi": "नमस्ते, मैं आपकी कैसे मदद कर सकता हूँ? कृपया एक क्षण प्रतीक्षा करें।",
    "pl": "Dzień dobry, w czym mogę pomóc? Proszę chwilę poczekać. W Szczebrzeszynie chrząszcz brzmi w trzcinie.",
    "ko": "안녕하세요, 무엇을 도와드릴까요? 잠시만 기다려 주세요.",
    "fi": "Hyvää päivää, kuinka voin auttaa? Odottakaa hetki, tarkistan tilinne.",
    "uk": "Добрий день, чим я можу допомогти? Зачекайте хвилину, будь ласка.",
    "it": "Buongiorno, un momento per favore mentre controllo il suo conto. Trentatré trentini entrarono a Trento.",
    "ro": "Bună ziua, cu ce vă pot ajuta? Așteptați o clipă, vă rog, verific contul dumneavoastră.",
    "hu": "Jó napot kívánok, miben segíthetek? Kérem, várjon egy pillanatot, megnézem a számláját.",
    "id": "Selamat siang, ada yang bisa saya bantu? Mohon tunggu sebentar, saya periksa rekening Anda.",
    "cs": "Dobrý den, chviličku prosím, hned se podívám na váš účet. Strč prst skrz krk.",
    "da": "Goddag, hvad kan jeg hjælpe med? Vent venligst et øjeblik, mens jeg ser på din konto.",
    "ca": "Bon dia, en què el puc ajudar? Un moment, si us plau, mentre miro el seu compte.",
    "hr": "Dobar dan, kako vam mogu pomoći? Pričekajte trenutak, molim, provjeravam vaš račun.",
    "sw": "Habari, tafadhali subiri kidogo nikiangalia akaunti yako.",
}


def spoken(side):
    """[(source, sound)] of the side's made voices."""
    found = []
    for voice in VOICES[side]:
        with tempfile.TemporaryDirectory() as here:
            text = TEXT[voice.split("-")[0].split("+")[0]]
            subprocess.run(["espeak-ng", "-v", voice, text, "-w", here + "/a.wav"], stderr=subprocess.DEVNULL)
            sound = load(here + "/a.wav")
            if sound is not None:
                found.append((f"espeak-ng:{voice}", sound))
    return found


def db(value):
    return 10.0 ** (value / 20.0)


def pink(count, random, slope=0.5):
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** slope
    noise = np.fft.irfft(spectrum, count)
    return noise / noise.std()


def tones(count, hertz, level):
    t = np.arange(count) / 8_000
    return sum(np.sin(2 * np.pi * f * t) for f in hertz) * FULL * db(level) / len(hertz)


def keyed(count, random, low, high, baud, level):
    bits = random.integers(0, 2, count * baud // 8_000 + 2)
    hertz = np.where(bits[np.arange(count) * baud // 8_000], high, low)
    return np.sin(2 * np.pi * np.cumsum(hertz) / 8_000) * FULL * db(level)


def modem(count, random, level, carrier, baud):
    symbols = random.integers(0, 8, (2, count * baud // 8_000 + 20)) * 2 - 7
    up = 24_000 // baud
    wide = np.zeros(symbols.shape[1] * up, complex)
    wide[::up] = symbols[0] + 1j * symbols[1]
    shaped = signal.resample_poly(np.convolve(wide, signal.firwin(121, baud / 2, fs=24_000), "same"), 1, 3)[:count]
    shaped = np.pad(shaped, (0, count - len(shaped)))
    passed = np.real(shaped * np.exp(2j * np.pi * carrier * np.arange(count) / 8_000))
    return passed / (passed.std() + 1e-9) * FULL * db(level)


MADE = (
    "ring busy sit dtmf fax_cng fax_ced v21 bell103 modem1800 modem1700 white pink brown silence comfort sweep square "
    "uniform breath whisper applause hum dc_hum howl rasp siren scream babble period20 dc_noise crackle chirp"
).split()


def made(kind, count, random):
    """A sound that no talker makes and a line may carry."""
    t = np.arange(count) / 8_000
    level = random.uniform(-30, -4)
    knots = np.arange(0, count + 4_000, 4_000)
    envelope = np.interp(np.arange(count), knots, random.random(len(knots)))
    if kind == "ring":
        sound = tones(count, (440, 480), level) * (np.arange(count) % 48_000 < 16_000)
    elif kind == "busy":
        sound = tones(count, (480, 620), level) * (np.arange(count) % 8_000 < 4_000)
    elif kind == "sit":
        parts = [np.concatenate([tones(2_640, (f,), level) for f in (950, 1_400, 1_800)]), np.zeros(8_000)]
        sound = np.resize(np.concatenate(parts), count)
    elif kind == "dtmf":
        rows, columns = (697, 770, 852, 941), (1_209, 1_336, 1_477, 1_633)
        digits = [
            np.concatenate([tones(random.integers(400, 1_600), (random.choice(rows), random.choice(columns)), level),
                            np.zeros(random.integers(400, 1_200))])
            for _ in range(40)
        ]
        sound = np.resize(np.concatenate(digits), count)
    elif kind == "fax_cng":
        sound = tones(count, (1_100,), level) * (np.arange(count) % 28_000 < 4_000)
    elif kind == "fax_ced":
        sound = tones(count, (2_100,), level) * np.where((np.arange(count) // 3_600) % 2, -1, 1)
    elif kind == "v21":
        sound = keyed(count, random, 1_850, 1_650, 300, level)
    elif kind == "bell103":
        sound = keyed(count, random, 1_070, 1_270, 300, level)
    elif kind.startswith("modem"):
        sound = modem(count, random, random.uniform(-24, -9), int(kind[5:]), random.choice([1_200, 2_400]))
    elif kind == "white":
        sound = random.standard_normal(count) * FULL * db(random.uniform(-50, -5))
    elif kind == "uniform":
        sound = random.uniform(-1, 1, count) * FULL * db(random.uniform(-20, -1.5))
    elif kind == "pink":
        sound = pink(count, random) * FULL * db(random.uniform(-45, -8))
    elif kind == "brown":
        sound = pink(count, random, 1.0) * FULL * db(random.uniform(-40, -10))
    elif kind == "silence":
        sound = np.zeros(count) + random.integers(-3, 4)
    elif kind == "comfort":
        sound = random.standard_normal(count) * random.uniform(2, 60)
    elif kind == "sweep":
        sound = signal.chirp(t, 100, t[-1], 3_800) * FULL * db(level / 4)
    elif kind == "square":
        sound = signal.square(2 * np.pi * random.uniform(80, 1_500) * t) * FULL * db(level)
    elif kind in ("breath", "whisper"):
        band = signal.butter(2, (400, 3_200) if kind == "whisper" else (150, 1_800), "band", fs=8_000, output="sos")
        sound = signal.sosfilt(band, random.standard_normal(count)) * FULL * db(random.uniform(-30, -9)) * envelope
    elif kind == "applause":
        claps = (random.random(count) < 0.02) * random.standard_normal(count)
        sound = signal.lfilter([1], [1, -0.7], claps)
        sound = sound / (sound.std() + 1e-9) * FULL * db(random.uniform(-25, -8))
    elif kind == "hum":
        sound = tones(count, (50, 150, 250), level)
    elif kind == "dc_hum":
        sound = tones(count, (60, 180), level) + random.uniform(-3_000, 3_000)
    elif kind == "howl":
        sound = np.sin(2 * np.pi * (900 * t + 30 * np.sin(5 * t))) * FULL * np.minimum(1, db(-40) * db(25 * t))
    elif kind == "rasp":
        sound = signal.sawtooth(2 * np.pi * random.uniform(60, 140) * t) * FULL * db(level)
    elif kind == "siren":
        sound = np.sin(2 * np.pi * np.cumsum(900 + 500 * np.sin(2 * np.pi * 0.4 * t)) / 8_000) * FULL * db(level / 4)
    elif kind == "scream":
        pitch = 1_100 + 200 * np.sin(2 * np.pi * 6 * t) + 80 * random.standard_normal(count).cumsum() / np.sqrt(count)
        voice = signal.sawtooth(2 * np.pi * np.cumsum(pitch) / 8_000) + 0.4 * random.standard_normal(count)
        sound = np.tanh(2.5 * voice) * FULL * db(random.uniform(-8, -0.5)) * np.minimum(1, 0.3 + envelope)
    elif kind == "babble":
        parts = [pink(count, random, 0.7) * np.roll(envelope, random.integers(count)) for _ in range(6)]
        sound = sum(parts) / 6 * FULL * db(random.uniform(-25, -8))
    elif kind == "period20":
        # A tone whose period divides a packet: every packet is the same, and none is stuck.
        sound = tones(count, (50 * int(random.integers(2, 60)),), level)
    elif kind == "dc_noise":
        sound = random.standard_normal(count) * random.uniform(5, 300) + random.uniform(-4_000, 4_000)
    elif kind == "crackle":
        sound = random.standard_normal(count) * 30 + (random.random(count) < 0.002) * random.standard_normal(count) * 20_000
    elif kind == "chirp":
        sound = np.sin(2 * np.pi * np.cumsum(300 + (np.arange(count) % 800) * 4) / 8_000) * FULL * db(level)
    else:
        raise ValueError(kind)
    return i16(sound)
