"""Calls whose signalling is out of the ordinary, SIPp on both sides: each side grades what it was told."""

NEEDS_GATEWAY = True
# The carrier's scenario, OpenAI's, how it must end (one of these), what the record must tell.
PAIRS = (
    ("hold_by_update", "openai_rings_and_answers", {("completed", "carrier_hangup")}, ("held", "resumed")),
    ("cancel_race", "openai_rings_and_answers", {("rejected", "cancelled"), ("completed", "carrier_hangup")}, ()),
    ("quiet_till_hung_up", "openai_moves", {("completed", "openai_hangup")}, ("held",)),
)


def story(stage):
    for ours, theirs, endings, told in PAIRS:
        with stage.scene(f"flow-{ours}-{theirs}") as scene:
            openai = scene.openai_scenario(theirs)
            scene.call(ours).finish()
            record = stage.gateway.next_record()
            assert (record["result"], record["reason"]) in endings, record
            if record["result"] == "completed":
                openai.finish()
        events = [event["event"] for event in record["events"]]
        assert all(event in events for event in told), record
    return f"{len(PAIRS)} pairs"
