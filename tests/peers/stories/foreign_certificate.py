"""OpenAI's side shows a certificate of another authority: no call, 503 to the carrier."""

from .carrier_hangs_up import ended


def story(stage):
    with stage.scene("foreign-certificate") as scene:
        openai = scene.openai(says=[], authority=stage.foreign)
        scene.call("refused_503").finish()
        assert openai.seen_events() == [], "the call reached it all the same"
    record = stage.gateway.next_record()
    # Nobody is at the second route, over UDP, which does not say so.
    ended(record, "failed", "setup_timeout")
    why = record["events"][0]["detail"]
    assert "certificate" in why, record


NEEDS_GATEWAY = True
