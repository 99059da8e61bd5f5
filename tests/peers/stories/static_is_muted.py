"""OpenAI's side turns to the seed's static in the midst of a call: the carrier hears a fifth of a second of it at most."""

import numpy as np

from stage import sound
from stage.places import CARRIER, CARRIER_RTP, SAMPLES
from stage.score import lag_of, level

from .carrier_hangs_up import ended

# As pcap-samples/README.md tells of this sample.
SPEECH = 3 * sound.RATE
FRAME = sound.RATE // 50
# Full scale is 1; the static has more than a tenth, the gate's comfort noise far less than this.
LOUD = 0.01


def story(stage):
    _, says, _ = sound.of_capture(SAMPLES / "static-seed.pcap")
    with stage.scene("static-is-muted") as scene:
        scene.openai(says)
        capture = scene.capture()
        scene.call("talk_and_hang_up", speaks="pcmu").finish()
        _, heard, _ = sound.of_capture(capture.finish(), (CARRIER, CARRIER_RTP))
    begins = lag_of(says[:SPEECH], heard)
    spoken, static = heard[begins : begins + SPEECH], heard[begins + SPEECH :]
    sent_ms, heard_ms = loud_ms(says[SPEECH : SPEECH + len(static)]), loud_ms(static)
    told = f"{sent_ms} ms of static sent, {heard_ms} ms heard"
    assert sent_ms > 3_000 and heard_ms <= 200, told
    assert level(spoken) > 0.9 * level(says[:SPEECH]), "the speech before it was muted too"

    record = stage.gateway.next_record()
    ended(record, "completed", "carrier_hangup")
    assert record["guard"]["faults"] == ["g711_as_pcm16"], record
    assert record["guard"]["muted_ms"] > 3_000, record
    assert stage.gateway.metric("squelch_faults_total", leg="openai", fault="g711_as_pcm16") == 1
    return told


def loud_ms(samples):
    frames = np.asarray(samples[: len(samples) // FRAME * FRAME]).reshape(-1, FRAME)
    return 20 * sum(level(frame) > LOUD for frame in frames)


NEEDS_GATEWAY = True
