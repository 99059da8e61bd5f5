"""Whether speech arrived, and how well.

A receiver's jitter buffer slips by a frame now and then: correlation over a whole call then falls
though nothing is amiss. So each half second of speech is looked for by itself, near where it is due.
PESQ (ITU-T P.862, narrowband) says how it sounds; it is held against what G.711 alone leaves of that
same speech, never against an absolute figure.
"""

from dataclasses import dataclass

import numpy as np

from .sound import RATE

try:
    from pesq import pesq
except ImportError:  # it is built from C when installed, which may fail
    pesq = None

WINDOW = RATE // 2
# How far a window may have slipped: eight frames of 20 ms.
SLIP = 8 * RATE // 50
# A window that arrived correlates so with the reference; unrelated speech stays below 0.5.
ALIKE = 0.95
# A window with less level than this (of full scale) is a pause.
SPEECH = 0.01


@dataclass
class Score:
    share: float  # of the windows with speech, those that arrived
    pesq: float | None
    ceiling: float | None

    @property
    def good(self):
        heard_well = self.pesq is None or self.ceiling - self.pesq < 0.3
        return self.share >= 0.9 and heard_well

    def __str__(self):
        told = f"{100 * self.share:.0f} % arrived"
        if self.pesq is not None:
            told += f", PESQ {self.pesq:.2f} of {self.ceiling:.2f}"
        return told


def score(reference, best, heard):
    """How much of `reference` is in `heard`; `best` is what of the reference a perfect way would leave."""
    if len(heard) < WINDOW:
        return Score(0.0, None, None)
    lag = lag_of(reference, heard)
    windows = [
        _likeness(_unit(reference[start : start + WINDOW]), _unit(heard), start + lag)
        for start in range(0, len(reference) - WINDOW + 1, WINDOW)
        if level(reference[start : start + WINDOW]) > SPEECH
    ]
    assert windows, "the reference holds no speech"
    share = float(np.mean(np.array(windows) > ALIKE))
    from_, to = max(0, lag), min(len(heard), lag + len(reference))
    cut = slice(from_ - lag, to - lag)
    return Score(share, _pesq(reference[cut], heard[from_:to]), _pesq(reference, best))


def _unit(samples):
    return np.asarray(samples, dtype=np.float64) / 32_768


def level(samples):
    """Root mean square; full scale is 1."""
    return float(np.sqrt(np.mean(_unit(samples) ** 2)))


def lag_of(reference, heard):
    """Where `reference` begins in `heard`."""
    reference, heard = _unit(reference), _unit(heard)
    size = 1 << (len(reference) + len(heard)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size))
    at = int(np.argmax(np.fft.irfft(product, size)))
    return at if at < len(heard) else at - size


def _likeness(window, heard, due):
    """The best normalised correlation of `window` with `heard` around `due`."""
    near = heard[max(0, due - SLIP) : max(0, due + len(window) + SLIP)]
    if len(near) < len(window):
        return 0.0
    products = np.correlate(near, window, "valid")
    energy = np.convolve(near**2, np.ones(len(window)), "valid")
    return float(np.max(products / (np.sqrt(np.maximum(energy, 1e-12)) * np.linalg.norm(window))))


def _pesq(reference, heard):
    if pesq is None:
        return None
    if level(heard) < SPEECH / 10:
        return 1.0  # it divides by the level
    return float(pesq(RATE, np.asarray(reference, np.int16), np.asarray(heard, np.int16), "nb"))
