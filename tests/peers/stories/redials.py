"""Static from OpenAI's side makes squelch call it a second time: the carrier hears it speak again, in one stream."""

from stage import sound
from stage.places import CARRIER, CARRIER_RTP, SAMPLES
from stage.score import lag_of, level
from stories.carrier_hangs_up import ended
from stories.static_is_muted import SPEECH, loud_ms

NEEDS_GATEWAY = True

REDIAL = {"more": '[guard]\non_static = ["redial"]\nhang_up_after = "never"'}


def story(stage):
    _, says, _ = sound.of_capture(SAMPLES / "static-seed.pcap")
    with stage.scene("redials") as scene:
        gateway = scene.gateway(**REDIAL)
        scene.openai(says)
        capture = scene.capture()
        scene.call("talk_and_hang_up", speaks="pcmu", gateway=gateway).finish()
        record = gateway.next_record()
        # Of one SSRC: a second one would be a stream of its own.
        _, heard, _ = sound.of_capture(capture.finish(), (CARRIER, CARRIER_RTP))
    ended(record, "completed", "carrier_hangup")
    steps = [event for event in record["events"] if event["event"] in ("fault", "redial", "redialled")]
    assert [step["event"] for step in steps][:3] == ["fault", "redial", "redialled"], record
    gap_ms = steps[2]["at_ms"] - steps[1]["at_ms"]
    begins = lag_of(says[:SPEECH], heard)
    rest = heard[begins + SPEECH :]
    again = lag_of(says[:SPEECH], rest)
    spoken = rest[again : again + SPEECH // 2]
    assert level(spoken) > 0.9 * level(says[: SPEECH // 2]), "the second call's speech"
    between = loud_ms(rest[:again])
    assert between <= 300, f"{between} ms of static"
    return f"a second call after {gap_ms} ms, {between} ms of static heard"
