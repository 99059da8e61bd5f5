"""The checks on what was said and what was heard, both ways."""

from . import sound
from .places import CARRIER, CARRIER_RTP
from .score import score
from .stage import ANSWER_S, CALLER_SPEAKS


def answer(law):
    """What OpenAI's side says: the other sample than the caller's, cut to length."""
    other = {"pcmu": "pcma", "pcma": "pcmu"}[law]
    _, samples, _ = sound.of_capture(CALLER_SPEAKS[other])
    return samples[: ANSWER_S * sound.RATE]


def both_ways(openai, capture, carrier_law, openai_law="pcmu"):
    """Proves that each side heard the other; what to tell about it."""
    _, said, _ = sound.of_capture(CALLER_SPEAKS[carrier_law])
    # The last packets stay in its jitter buffer, five at most.
    said = said[: -sound.RATE // 10]
    to_openai = score(said, sound.through(openai_law, said), openai.heard())

    law, heard, seen = sound.of_capture(capture.finish(), (CARRIER, CARRIER_RTP))
    assert law == carrier_law, f"the carrier offered {carrier_law} first and was sent {law}"
    assert seen["missing"] == 0, f"{seen['missing']} of {seen['packets']} packets to the carrier are missing"
    said = answer(carrier_law)
    best = sound.through(carrier_law, sound.through(openai_law, said))
    to_carrier = score(said, best, heard)

    told = f"to OpenAI {to_openai}; to the carrier {to_carrier}"
    assert to_openai.good and to_carrier.good, told
    return told
