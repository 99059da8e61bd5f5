"""Early media from OpenAI's side, provisional responses reliable on both legs (RFC 3262), on the second route."""

from stage import sound
from stage.places import CARRIER, CARRIER_RTP

NEEDS_GATEWAY = True
# The scenario's pause between early media and answer.
EARLY_S = 1.0


def story(stage):
    with stage.scene("early-media") as scene:
        # Its own, which no failure has taught yet that the first route has nobody.
        gateway = scene.gateway()
        openai = scene.openai_scenario("openai_early_media", speaks="pcmu")
        capture = scene.capture()
        scene.call("early_media", gateway=gateway, speaks="pcmu").finish()
        openai.finish()
        _, heard, _ = sound.of_capture(capture.finish(), (CARRIER, CARRIER_RTP))
        record = gateway.next_record()
    assert (record["result"], record["reason"]) == ("completed", "carrier_hangup"), record
    events = [event["event"] for event in record["events"]]
    assert "early_media" in events, record
    assert "route_failed" in events, "the first route has nobody"
    heard_s = len(heard) / sound.RATE
    assert heard_s > EARLY_S, f"the carrier heard {heard_s:.1f} s"
    return f"the carrier heard {heard_s:.1f} s, early media among it"
