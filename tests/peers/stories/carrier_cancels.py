"""The carrier cancels while it rings: 200 to CANCEL, 487, and nothing was heard."""

from stage.speech import answer

from .carrier_hangs_up import ended


def story(stage):
    with stage.scene("carrier-cancels") as scene:
        openai = scene.openai(says=answer("pcmu"), answers=False)
        scene.call("cancel_while_ringing").finish()
        openai.wait_event("CALL_CLOSED")
        assert "CALL_ESTABLISHED" not in openai.seen_events()
        openai.stop()
        assert openai.heard_nothing()
    if stage.gateway:
        record = stage.gateway.next_record()
        ended(record, "rejected", "cancelled")
        assert record["answered_at"] is None, record
