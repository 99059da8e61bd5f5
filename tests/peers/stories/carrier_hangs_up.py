"""A call over UDP, PCMU on both legs, speech both ways; the carrier hangs up."""

from stage.speech import answer, both_ways


def story(stage):
    with stage.scene("carrier-hangs-up") as scene:
        openai = scene.openai(says=answer("pcmu"))
        capture = scene.capture()
        scene.call("talk_and_hang_up", speaks="pcmu").finish()
        openai.wait_event("CALL_CLOSED")
        told = both_ways(openai, capture, carrier_law="pcmu")
    if stage.gateway:
        record = stage.gateway.next_record()
        ended(record, "completed", "carrier_hangup")
        untouched(record, "pcmu")
    return told


def ended(record, result, reason):
    assert (record["result"], record["reason"]) == (result, reason), record
    assert record["trunk"] == "carrier", record


def untouched(record, carrier_law):
    """Speech went both ways, and the guard kept its hands off it."""
    assert record["answered_at"], record
    assert record["guard"]["faults"] == [] and record["guard"]["muted_ms"] == 0, record
    for leg, law in (("carrier", carrier_law), ("openai", "pcmu")):
        of_leg = record["legs"][leg]
        assert of_leg["format"] == law and of_leg["lost"] == 0, record
        # Five seconds and more, fifty packets a second.
        assert of_leg["packets"] > 250, record
        assert of_leg["mos"] > 4.3, record
