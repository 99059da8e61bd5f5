"""OpenAI's side shows a certificate of another authority: no call, 503 to the carrier."""

from .carrier_hangs_up import ended


def story(stage):
    with stage.scene("foreign-certificate") as scene:
        openai = scene.openai(says=[], authority=stage.foreign)
        scene.call("refused_503").finish()
        assert openai.seen_events() == [], "the call reached it all the same"
    record = stage.gateway.next_record()
    ended(record, "failed", "openai_unreachable")


NEEDS_GATEWAY = True
