"""The scorer is neither deaf nor harsh: it knows speech from its absence, and forgives what nobody hears."""

import numpy as np

from stage import sound
from stage.score import pesq, score
from stage.stage import CALLER_SPEAKS


def story(_stage):
    _, said, _ = sound.of_capture(CALLER_SPEAKS["pcmu"])
    _, other, _ = sound.of_capture(CALLER_SPEAKS["pcma"])
    later = np.concatenate([np.zeros(4_000, np.int16), said])
    slipped = np.concatenate([said[:20_000], np.zeros(160, np.int16), said[20_000:]])
    for what, heard in (("the same", said), ("later", later), ("a frame slipped", slipped), ("A-law", sound.through("pcma", said))):
        found = score(said, said, heard)
        assert found.good, f"{what}: {found}"

    static = np.random.default_rng(1).normal(0, 12_000, len(said)).clip(-32_768, 32_767).astype(np.int16)
    broken = said.copy()
    broken[16_000:24_000] = static[16_000:24_000]
    wrong = [("other speech", other), ("static", static), ("silence", np.zeros_like(said)), ("nothing", said[:0])]
    wrong += [("half of it", said[: len(said) // 2]), ("upside down", -said), ("a second of static", broken)]
    for what, heard in wrong:
        found = score(said, said, heard)
        assert not found.good, f"{what}: {found}"
    return "PESQ is there" if pesq else "without PESQ"
